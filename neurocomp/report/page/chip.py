"""Parts of a page that show the chip: as a map, over time, and how good the mapping is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.report import units
from neurocomp.report.mapping import mapping_rows, mapping_sentences
from neurocomp.report.model import Result
from neurocomp.report.page.content import Figure, Section, Table
from neurocomp.report.page.figures import series
from neurocomp.report.page.mesh import mesh_map
from neurocomp.report.traffic import traffic_sentence

ROUTERS_DRAWN = 64 * 64  # beyond that squares are smaller than a pixel
LINKS_DRAWN = 32 * 32  # beyond that lines cover each other


def chip_map(result: Result) -> Section:
    """Where the network lies, how full and how busy it is there, and what the links carry."""
    routing = result.routing
    height, width = len(routing.link_flits), len(routing.link_flits[0]) if routing.link_flits else 0
    figures: list[Figure] = []
    if 1 < width * height <= ROUTERS_DRAWN:
        links = _links(result) if width * height <= LINKS_DRAWN else None
        carried = " Lines: flits on links between routers, the thicker the more." if links is not None else ""
        figures.append(Figure(
            mesh_map(_per_router(result, width, height, "share"), links, "occupancy"),
            f"Routers by their fullest core's tightest limit, 0 to 100 %.{carried}", small=True,
        ))  # fmt: skip
        for attribute, label, what in (
            ("busy_ps", "busy time", "busiest core's work"), ("energy_aj", "energy", "cores' dynamic energy"),
        ):  # fmt: skip
            cells = _per_router(result, width, height, attribute)
            most = float(np.nanmax(cells, initial=0.0))
            if most > 0:
                caption = f"Routers by their {what}; the darkest is most."
                figures.append(Figure(mesh_map(cells / most, None, label), caption, small=True))
    rows = [
        [f"({link.x}, {link.y}) {link.direction}", units.count(link.flits / result.run.samples),
         "" if link.utilisation is None else units.share(link.utilisation)]
        for link in routing.links
    ]  # fmt: skip
    tables = (Table(rows, ("hottest links", "flits per inference", "in use")),) if rows else ()
    return Section("The chip", tuple(_packets(result)), tuple(figures), tables)


def _packets(result: Result) -> Iterator[str]:
    routing = result.routing
    if not routing.packets:
        return
    yield traffic_sentence(result.traffic, result.run.samples, result.fit.chips)
    times = (routing.packet_p50_ps, routing.packet_p99_ps, routing.packet_max_ps)
    if not any(times):
        yield "Packets take no time on their way: the profile states none."
        return
    half, most, longest = (units.time(time) for time in times)
    yield (
        f"From being sent to its arrival a packet takes {half} (median), {most} (99 %), {longest} at most; the network "
        f"on chip is modelled at {routing.fidelity} fidelity."
    )


def _per_router(result: Result, width: int, height: int, attribute: str) -> np.ndarray:
    """(height, width): the largest value of a router's cores, their sum for energy; NaN where no core is in use."""
    cells = np.full((height, width), np.nan)
    for core in result.cores:
        value, before = float(getattr(core, attribute)), cells[core.y, core.x]
        together = np.nansum((before, value)) if attribute == "energy_aj" else np.nanmax((before, value))
        cells[core.y, core.x] = together
    return cells


def _links(result: Result) -> tuple[np.ndarray, np.ndarray] | None:
    """Loads of the links between neighbours, the busier direction, as shares of the busiest."""
    flits = np.array(result.routing.link_flits, np.float64)  # (height, width, east west north south)
    most = flits.max(initial=0.0)
    if most == 0:
        return None
    across = np.maximum(flits[:, :-1, 0], flits[:, 1:, 1]) / most
    down = np.maximum(flits[:-1, :, 3], flits[1:, :, 2]) / most
    return across, down


def over_time(result: Result) -> Section:
    """How long steps take, and of what they consist."""
    bins = result.steps
    if len(bins) < 2:
        return Section("Time per step", (f"Chip steps: {result.timing.chip_steps:,}.",))
    at = np.array([(b.first + b.last) / 2 for b in bins])
    scale, unit = _time_scale(max(b.max_ps for b in bins))
    lines = {
        "longest": [b.max_ps for b in bins], "mean": [b.mean_ps for b in bins],
        "compute": [b.compute_ps for b in bins], "routing": [b.routing_ps for b in bins],
        "barrier or tick": [b.barrier_ps for b in bins],
    }  # fmt: skip
    if all(b.first == b.last for b in bins):
        del lines["longest"]
    drawn = {name: (at, np.array(values, np.float64) / scale) for name, values in lines.items()}
    grouped = "" if bins[0].first == bins[0].last else f", in {len(bins)} groups of neighbours"
    caption = (
        f"Duration of the {result.timing.chip_steps:,} chip steps{grouped}: mean = compute + routing + barrier or tick."
    )
    return Section("Time per step", figures=(Figure(series(drawn, "chip step", unit), caption),))


def _time_scale(picoseconds: float) -> tuple[float, str]:
    for scale, unit in ((1e9, "ms"), (1e6, "us"), (1e3, "ns")):
        if picoseconds >= scale:
            return scale, unit
    return 1.0, "ps"


def mapping(result: Result) -> Iterator[Section]:
    """What the mapping takes beside what no mapping can undercut; nothing for a program put together by hand."""
    quality = result.mapping
    if quality is None:
        return
    rows = list(mapping_rows(quality, result.fit.chips))
    lines = tuple(mapping_sentences(result, quality))
    trials = [
        [units.clean(t.name, 60), "-" if t.cores is None else f"{t.cores:,}",
         "-" if t.hops is None else units.count(t.hops), "-" if t.step_ns is None else units.time(t.step_ns * 1e3)]
        for t in quality.trials
    ]  # fmt: skip
    tables = (
        Table(rows, ("per time step of the network", "this mapping", "any mapping at least")),
        Table(
            trials, ("candidate", "cores", "links crossed", "time, at least"), folded=f"All {len(trials)} candidates"
        ),
    )
    yield Section("Mapping", lines, tables=tables if trials else tables[:1])
