"""The options of commands that take a user's network as it was saved, and the commands that only do that."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="FILE.py:NAME",
        help="Code that builds the network of these weights; it is imported and run. Frozen with --input.",
    ),
]
InputShape = Annotated[
    str | None,
    typer.Option("--input-shape", metavar="SIZES", help="With --source, without data: shape of a sample, 1,28,28."),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="KIND", help="What the data are: direct (the same at each step) or temporal."),
]
Data = Annotated[
    Path | None,
    typer.Option("--input", metavar="FILE.npz", help="Arrays x (samples, ...) and, optionally, y (labels)."),
]


def convert_command(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="ONNX, or weights with --source.")],
    calibrate: Annotated[
        Path, typer.Option("--calibrate", metavar="FILE.npz", help="Data that thresholds are taken from: x, and y.")
    ],
    source: Source = None,
    inputs: Annotated[
        Path | None, typer.Option("--input", metavar="FILE.npz", help="Other data for the accuracy and the sample.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="Of thresholds: percentile, max, or qcfs (membranes begin halfway).")
    ] = "percentile",
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

    convert_and_write(ConvertOptions(network, source, calibrate, inputs, method, steps, output, quiet))


def freeze_command(
    network: Annotated[
        Path | None, typer.Argument(metavar="NETWORK", help="Weights (.pt, .safetensors) or a pickled module.")
    ] = None,
    source: Source = None,
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
    from neurocomp.commands.network_file import Live

    freeze_and_write(FreezeOptions(network, Live(source, input_shape, encoding), inputs, steps, output, quiet))
