"""The options of ``neurocomp sweep`` as Typer reads them; what they mean is in sweep.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sweep_command(
    what: Annotated[list[str], typer.Argument(metavar="SPACE.yaml | show DIR", help="A space, or a sweep to look at.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write into. Default: SPACE-sweep.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes; the result does not depend on it. Default: all CPUs.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option("--dask", metavar="ADDRESS", help="Run on this Dask scheduler; local starts one.")
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Also write points.parquet.")] = False,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Run the code that the space names as the source of its networks.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the report.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no report and no progress.")] = False,
) -> None:
    """Try many chips, mappings and settings, and find the designs that no other beats.

    On chips that train, points are training iterations: array sizes, batches, what stays on the chip.

    Every point is on disk once it is done: run the same command again to go on. Example:

    neurocomp sweep examples/02_which_chip/space.yaml -o which-chip
    """
    from neurocomp.commands.sweep import Sweep, run_sweep, show_sweep

    options = Sweep(output, workers, dask, as_json, quiet, parquet, run_code)
    if len(what) == 2 and what[0] == "show":
        show_sweep(Path(what[1]), options)
    elif len(what) == 1 and what[0] != "show":
        run_sweep(Path(what[0]), options)
    else:
        raise typer.BadParameter("give one space, or show and one folder")
