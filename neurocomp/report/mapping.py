"""How good the mapping is, in the report: what it takes beside what no mapping can undercut, and how it was found."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from neurocomp.mapping.quality import Quality, Trial
from neurocomp.report import units
from neurocomp.report.model import Result
from neurocomp.report.table import table

_WIDTH = 110
_SHOWN = 4  # candidates beside the winner


def mapping_tree(quality: Quality | None) -> dict[str, Any] | None:
    """The quality with its ratios, as plain values; None if the program has none."""
    if quality is None:
        return None
    ratios = {"mean_hops": quality.mean_hops, "hops_ratio": quality.hops_ratio, "step_waits_for": quality.step_bound_by}
    return {**quality.to_tree(), **ratios}


def mapping_lines(result: Result) -> Iterator[str]:
    """The report's section; nothing for a program put together by hand."""
    quality = result.mapping
    if quality is None:
        return
    yield "Mapping, per time step as the mapper weighs it"
    rows = [["", "this mapping", "any mapping"]]
    rows.append(["cores", f"{quality.cores:,}", f"at least {quality.cores_bound:,}"])
    rows.append(
        ["packets to other cores", units.count(quality.packets), f"at least {units.count(quality.packets_bound)}"]
    )
    rows.append(["links crossed", units.count(quality.hops), f"at least {units.count(quality.hops_bound)}"])
    rows.append(["hottest link", units.count(quality.hottest_link), ""])
    if result.fit.chips != (1, 1):
        rows.append(["between chips", units.count(quality.between_chips), ""])
    rows.append(["mean step, at least", units.time(quality.step_ns * 1e3), ""])
    yield from table(rows, "lrr", header=True)
    yield _wrapped(_sentence(quality))
    yield _wrapped(f"Traffic is weighed with {units.clean(quality.activity, 300)}.")
    others = _others(quality)
    if others:
        yield _wrapped(others)


def _sentence(quality: Quality) -> str:
    waits = {
        "core": f"core {quality.busiest_core} works {units.time(quality.core_ns * 1e3)} of it",
        "link": f"the busiest link is in use for {units.time(quality.link_ns * 1e3)} of it",
    }.get(quality.step_bound_by, "most of it is barrier or tick")
    ratio = quality.hops_ratio
    room = "" if ratio is None else f" Links crossed are {ratio:.2f} times the bound."
    return (
        f"Found by: {units.clean(quality.candidate, 100)}; objective {quality.objective}, effort {quality.effort}, "
        f"seed {quality.seed}. A packet crosses {quality.mean_hops:.2g} links on average.{room} Of the step bound: "
        f"{waits}."
    )


def _others(quality: Quality) -> str:
    """The best of the candidates that lost."""

    def rank(trial: Trial) -> tuple[float, ...]:
        figures = {"traffic": trial.hops, "step-time": trial.step_ns, "cores": trial.cores, "energy": trial.energy_pj}
        return (figures[quality.objective] or 0.0, trial.hops or 0.0)

    lost = [trial for trial in quality.trials if trial.hops is not None and trial.name != quality.candidate]
    shown = sorted(lost, key=rank)[:_SHOWN]
    if not shown:
        return ""
    texts = [
        f"{units.clean(trial.name, 60)} ({trial.cores:,} cores, {units.count(trial.hops or 0.0)} links, "
        f"{units.time((trial.step_ns or 0.0) * 1e3)})" for trial in shown
    ]  # fmt: skip
    return f"Of {len(quality.trials):,} candidates, next best: {'; '.join(texts)}."


def _wrapped(text: str) -> str:
    return fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
