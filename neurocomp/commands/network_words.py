"""The options of all commands that take a network as it was saved, as Typer reads them (inputs/reading.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from neurocomp.inputs.reading import Reading

NETWORK = "A network: frozen (.ncomp, .pt), .nir or lava-dl .net; weights with --source."

Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="FILE.py:NAME",
        help="Code that builds the network of these weights; it is imported and run. Frozen with --input.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="NAME", help="With --source: which of several state_dicts in the file: ema, or 0."),
]
InputShape = Annotated[
    str | None,
    typer.Option("--input-shape", metavar="SIZES", help="With --source, without data: shape of a sample, 1,28,28."),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="KIND",
        help="With --source: what the data are: direct (the same at each step) or temporal.",
    ),
]
Dt = Annotated[float | None, typer.Option("--dt", metavar="SECONDS", help="NIR: duration of a time step.")]
Reset = Annotated[
    str | None, typer.Option("--reset", help="NIR: what a spike does to the membrane: zero, subtract, subtract-next.")
]
Discretise = Annotated[
    str | None, typer.Option("--discretise", help="NIR: from continuous time to steps: euler or exp.")
]


def reading_of(given: Mapping[str, Any]) -> Reading:
    """What was said about the network. given: a command's parameters by name; those that it has not are not given."""
    from neurocomp.inputs.reading import Reading

    names = ("source", "key", "input_shape", "encoding", "dt", "reset", "discretise")
    return Reading(*(given.get(name) for name in names))
