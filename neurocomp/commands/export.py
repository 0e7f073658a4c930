"""``neurocomp export``: a network in a form that other tools read."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurocomp.commands.network_words import NETWORK, Discretise, Encoding, InputShape, Key, Reset, Source, reading_of

if TYPE_CHECKING:
    from neurocomp.inputs.reading import Reading
    from neurocomp.network.graph import Network


def export_command(
    context: typer.Context,
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help=NETWORK)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.nir", help="The file to write.")],
    dt: Annotated[
        float | None, typer.Option("--dt", metavar="SECONDS", help="Duration of a time step. Default: 1e-4.")
    ] = None,
    reset: Reset = None,
    discretise: Discretise = None,
    source: Source = None,
    key: Key = None,
    inputs: Annotated[
        Path | None, typer.Option("--input", metavar="FILE.npz", help="With --source: data to freeze with.")
    ] = None,
    input_shape: InputShape = None,
    steps: Annotated[int | None, typer.Option("--steps", help="With --source: time steps for each sample.")] = None,
    encoding: Encoding = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no remarks.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a network as a NIR file.

    Whatever NIR cannot express is named, and nothing is written then. Example:

    neurocomp export examples/01_digits/net.pt -o digits.nir
    """
    from neurocomp.frontend.nir_write import write_nir

    _check_output(output, network, force)
    loaded = _load(network, reading_of(context.params), inputs, steps)
    remarks = list(write_nir(loaded, output, dt_s=dt))
    if loaded.sample is not None:
        remarks.append("sample inputs are not part of a NIR file: give them with --input where it is used")
    if not quiet:
        for sentence in (*loaded.assumptions, *remarks, f"written to {output}"):
            sys.stderr.write(f"{sentence}\n")


def _check_output(output: Path, network: Path, force: bool) -> None:
    from neurocomp.errors import bad_input

    if output.is_dir():
        raise bad_input(str(output), "is a folder", hint="give the name of a file: -o net.nir")
    if output.exists() and network.exists() and output.samefile(network):
        raise bad_input(str(output), "is the network that would be read", hint="give another file: -o")
    if output.exists() and not force:
        raise bad_input(str(output), "exists", hint="give another file, or replace it: --force")
    if not output.absolute().parent.is_dir():
        raise bad_input(str(output), f"there is no folder {output.parent} to put it in", hint="make it first")


def _load(path: Path, reading: Reading, inputs: Path | None, steps: int | None) -> Network:
    """The network; --dt says how a NIR file is read, too, but is no mistake for others."""
    from neurocomp.errors import Diagnostic, InputError
    from neurocomp.frontend.sniff import sniff

    if reading.live:
        return replace(reading, dt_s=None).network(path, inputs, steps)
    idle = [f"--{name}" for name, value in (("input", inputs), ("steps", steps)) if value is not None]
    if idle:
        raise InputError(
            [Diagnostic(o, "is only used for freezing, with --source", hint=f"leave {o} away") for o in idle]
        )
    return replace(reading, dt_s=reading.dt_s if sniff(path) == "nir" else None).network(path)
