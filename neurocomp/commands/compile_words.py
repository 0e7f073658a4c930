"""Options of ``neurocomp compile`` on how numbers are rounded, and how all of its options are put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Calibrate = Annotated[
    Path | None,
    typer.Option(
        "--calibrate", metavar="FILE.npz",
        help="Inputs from which scales are chosen, in place of those that are run: an array x, as in --input.",
    ),
]  # fmt: skip
WeightScales = Annotated[
    str | None,
    typer.Option("--weight-scales", metavar="KIND",
                 help="Scales of rounded weights: one per tensor (default) or channel, or power-of-two."),
]  # fmt: skip


def start(given: dict[str, Any]) -> None:
    """Run the command. given: its parameters by name."""
    from neurocomp.commands.calibration import Rounding
    from neurocomp.commands.compile import compile_and_report
    from neurocomp.commands.job import Job
    from neurocomp.commands.mapping_options import MappingOptions
    from neurocomp.commands.network_words import reading_of

    def values(*names: str) -> list[Any]:
        return [given[name] for name in names]

    run = values("inputs", "steps", "encode", "seed", "threads", "output", "as_json", "quiet", "force")
    job = Job(*run, *values("noc", "formats", "trace"))
    search = values("effort", "objective", "time_budget", "chips", "forbid_cores")
    mapping = MappingOptions(*[*search, tuple(given["pin"] or ()), *values("placement", "rates")])
    rounding = Rounding(given["calibrate"], given["weight_scales"])
    compile_and_report(given["network"], given["chip"], job, reading_of(given), mapping, rounding)
