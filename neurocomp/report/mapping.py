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
    return {
        **quality.to_tree(), "mean_hops": quality.mean_hops, "links_per_packet": quality.links_per_packet,
        "hops_ratio": quality.hops_ratio, "step_waits_for": quality.step_bound_by,
    }  # fmt: skip


def mapping_rows(quality: Quality, chips: tuple[int, int]) -> Iterator[list[str]]:
    """Name, figure of this mapping, what any mapping takes at least (empty where that is not known).

    chips: (columns, rows). A packet that routers copy is one packet and as many copies as it reaches cores.
    """
    yield ["cores", f"{quality.cores:,}", f"{quality.cores_bound:,}"]
    copied = quality.packets_sent != quality.packets
    if copied and quality.packets_sent is not None:
        yield ["packets sent to other cores", units.count(quality.packets_sent), ""]
    name = "copies delivered to other cores" if copied else "packets sent to other cores"
    yield [name, units.count(quality.packets), units.count(quality.packets_bound)]
    yield ["links crossed", units.count(quality.hops), units.count(quality.hops_bound)]
    if chips != (1, 1):
        yield ["of these from chip to chip", units.count(quality.between_chips), ""]
    yield ["packets on the hottest link", units.count(quality.hottest_link), ""]
    yield ["time with this activity, at least", units.time(quality.step_ns * 1e3), ""]


def mapping_sentences(result: Result, quality: Quality) -> Iterator[str]:
    """How it was found, what it was weighed with, and how the run compares with the bound on its time."""
    yield (
        f"Found by: {units.clean(quality.candidate, 100)}; objective {quality.objective}, effort {quality.effort}, "
        f"seed {quality.seed}. {' '.join(_links(quality))}"
    )
    pipeline = ""
    if result.timing.chip_steps != result.run.samples * result.run.steps:
        pipeline = ", with the chip steps that empty the pipeline"
    yield (
        f"Traffic and time are weighed with {units.clean(quality.activity, 300)}. This run takes "
        f"{units.time(result.time_step_ns * 1e3)} per time step{pipeline}. Behind the bound: {_waits(quality)}."
    )


def _links(quality: Quality) -> Iterator[str]:
    """Links of a packet, of a copy, and against the bound."""
    if not quality.packets:
        yield "No packet leaves its core."
    elif quality.links_per_packet is None:
        yield f"Links crossed are {units.count(quality.mean_hops)} for each copy delivered to another core."
    elif quality.packets_sent == quality.packets:
        yield f"A packet to another core crosses {units.count(quality.mean_hops)} links on average."
    else:
        yield (
            f"A packet to other cores crosses {units.count(quality.links_per_packet)} links on average, each link of "
            f"its multicast tree once; that is {units.count(quality.mean_hops)} for each copy delivered."
        )
    if quality.hops_ratio is not None:
        yield f"Links crossed are {quality.hops_ratio:.2f} times what any mapping needs at least."


def _waits(quality: Quality) -> str:
    return {
        "core": f"core {quality.busiest_core}, which works {units.time(quality.core_ns * 1e3)}",
        "link": f"the busiest link, in use for {units.time(quality.link_ns * 1e3)}",
    }.get(quality.step_bound_by, "barrier or tick, for the most part")


def mapping_lines(result: Result) -> Iterator[str]:
    """The report's section; nothing for a program put together by hand."""
    quality = result.mapping
    if quality is None:
        return
    yield "Mapping, per time step of the network, as the mapper weighs it"
    rows = [
        [name, here, least and f"at least {least}"] for name, here, least in mapping_rows(quality, result.fit.chips)
    ]
    yield from table([["", "this mapping", "any mapping"], *rows], "lrr", header=True)
    yield from map(_wrapped, mapping_sentences(result, quality))
    others = _others(quality)
    if others:
        yield _wrapped(others)


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
