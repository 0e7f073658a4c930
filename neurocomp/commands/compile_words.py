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

Dt = Annotated[float | None, typer.Option("--dt", metavar="SECONDS", help="NIR: duration of a time step.")]
Reset = Annotated[
    str | None, typer.Option("--reset", help="NIR: what a spike does to the membrane: zero, subtract, subtract-next.")
]
Discretise = Annotated[
    str | None, typer.Option("--discretise", help="NIR: from continuous time to steps: euler or exp.")
]


def start(given: dict[str, Any]) -> None:
    """Run the command. given: its parameters by name."""
    from neurocomp.commands.calibration import Rounding
    from neurocomp.commands.compile import compile_and_report
    from neurocomp.commands.job import Job
    from neurocomp.commands.mapping_options import MappingOptions
    from neurocomp.commands.network_file import Live, NirChoices

    def values(*names: str) -> list[Any]:
        return [given[name] for name in names]

    run = values("inputs", "steps", "encode", "seed", "threads", "output", "as_json", "quiet", "force")
    job = Job(*run, *values("noc", "formats", "trace"))
    search = values("effort", "objective", "time_budget", "chips", "forbid_cores")
    mapping = MappingOptions(*[*search, tuple(given["pin"] or ()), *values("placement", "rates")])
    nir = NirChoices(*values("dt", "reset", "discretise"))
    rounding = Rounding(given["calibrate"], given["weight_scales"])
    compile_and_report(
        given["network"], given["chip"], job, nir, mapping, Live(*values("source", "input_shape")), rounding
    )
