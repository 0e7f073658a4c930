"""The commands that make a network out of what training left: freeze and convert."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurocomp.commands.network_words import Encoding, InputShape, Key, Source

Data = Annotated[
    Path | None,
    typer.Option("--input", metavar="FILE.npz", help="Arrays x (samples, ...) and, optionally, y (labels)."),
]


def convert_command(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="ONNX, or weights with --source.")],
    calibrate: Annotated[
        Path, typer.Option("--calibrate", metavar="FILE.npz", help="Data that thresholds are taken from: x, and y.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="FILE.py:NAME",
            help="Code that builds the network of these weights; it is imported and run.",
        ),
    ] = None,
    key: Key = None,
    inputs: Annotated[
        Path | None, typer.Option("--input", metavar="FILE.npz", help="Other data for the accuracy and the sample.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="Of thresholds: percentile, max, or qcfs (membranes begin halfway).")
    ] = "percentile",
    max_pool: Annotated[
        str,
        typer.Option(
            "--max-pool", help="Maximum pooling: counts (the most spikes so far) or average (another network)."
        ),
    ] = "counts",
    steps: Annotated[int, typer.Option("--steps", help="Time steps for each sample.")] = 32,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The spiking network.")] = Path(
        "net.ncomp"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Turn a trained network without spikes into a spiking one, and compare their accuracies.

    ReLU becomes integrate-and-fire neurons with soft reset, thresholds are taken from data. Example:

    neurocomp convert ann.onnx --calibrate train.npz --input test.npz --steps 32 -o net.ncomp
    """
    from neurocomp.commands.convert import ConvertOptions, convert_and_write

    convert_and_write(ConvertOptions(network, source, key, calibrate, inputs, method, max_pool, steps, output, quiet))


def freeze_command(
    network: Annotated[
        Path | None, typer.Argument(metavar="NETWORK", help="Weights (.pt, .safetensors) or a pickled module.")
    ] = None,
    source: Source = None,
    key: Key = None,
    inputs: Data = None,
    input_shape: InputShape = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Time steps for each sample.")] = None,
    encoding: Encoding = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The frozen network.")] = Path(
        "net.ncomp"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Freeze a trained network: weights and the code that builds it, or a pickled module.

    The file that is written needs neither torch nor the code. Example:

    neurocomp freeze weights.pt --source net.py:build --input test.npz --steps 8 -o net.ncomp
    """
    from neurocomp.commands.freeze import FreezeOptions, freeze_and_write
    from neurocomp.inputs.reading import Reading

    freeze_and_write(FreezeOptions(network, Reading(source, key, input_shape, encoding), inputs, steps, output, quiet))
