"""What ``neurocomp noc`` answers: a latency-load curve, or what one trace did to a network; as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_traffic import LoadPoint
from neurocomp.report.table import table

SCHEMA = "neurocomp/noc/1"
HOTTEST = 10


@dataclass(frozen=True)
class Curve:
    """Latency and throughput over load. traffic: its pattern as it was asked for; saturation: flits per core and
    cycle that are delivered when every core offers one flit per cycle."""

    network: dict[str, object]
    traffic: str
    flits: int
    seed: int
    fidelity: str
    warmup: int
    measure: int
    points: tuple[LoadPoint, ...]
    saturation: float

    def to_json(self) -> str:
        return _json({"kind": "curve", **asdict(self)})

    def to_text(self) -> str:
        """A table with one line per load."""
        flits = f"{self.flits} flit{'' if self.flits == 1 else 's'} per packet"
        rows = [["offered", "accepted", "mean", "median", "p99", "largest", ""], *map(_cells, self.points)]
        lines = [
            describe(self.network),
            f"{self.traffic} traffic, {flits}, {self.fidelity} fidelity, seed {self.seed}; "
            f"{self.measure} cycles measured after {self.warmup}",
            "",
            *table(rows, "rrrrrrl", header=True),
            "  flits per core and cycle; latency in cycles, from a packet's release to its last flit",
            "",
            f"under full load (every core offers 1) the network accepts {self.saturation:.3f}",
        ]
        return "\n".join(lines) + "\n"


def _cells(point: LoadPoint) -> list[str]:
    mark = "saturated" if point.saturated else ""
    latencies = [point.latency_mean, point.latency_p50, point.latency_p99, point.latency_max]
    shown = [
        "-" if v is None or point.saturated else f"{v:.1f}" if k == 0 else f"{v:.0f}" for k, v in enumerate(latencies)
    ]
    return [f"{point.load:.3f}", f"{point.accepted:.3f}", *shown, mark]


@dataclass(frozen=True)
class LinkLoad:
    """A link by the router that it leaves and its direction; flits over it, cycles that flits waited behind it."""

    router: int
    x: int
    y: int
    direction: str
    flits: int
    stall_cycles: int
    busy: float


@dataclass(frozen=True)
class TraceReport:
    """What one burst did. drain: cycle of the last arrival; latency: per delivery, from release to the last flit;
    wait: per packet, from release to its leaving the core; hottest: links with the most flits."""

    network: dict[str, object]
    trace: str
    fidelity: str
    multicast: str
    packets: int
    deliveries: int
    flit_hops: int
    drain: int
    bound: int
    latency: dict[str, float]
    wait: dict[str, float]
    links_used: int
    hottest: tuple[LinkLoad, ...]
    within_domain: bool

    def to_json(self) -> str:
        return _json({"kind": "trace", **asdict(self)})

    def to_text(self) -> str:
        """Drain, latencies and the busiest links."""
        return "\n".join(_trace_lines(self)) + "\n"


def _trace_lines(report: TraceReport) -> Iterator[str]:
    yield describe(report.network)
    several = f", {report.deliveries:,} deliveries ({report.multicast})" if report.deliveries != report.packets else ""
    yield f"{report.trace}: {report.packets:,} packets{several}, {report.fidelity} fidelity"
    if not report.within_domain:
        yield "warning: with so many packets and so few virtual channels, event fidelity is not good; use cycle"
    yield ""
    if report.fidelity == "bound":
        yield f"drained at the earliest in cycle {report.drain:,}"
    else:
        yield f"drained in cycle {report.drain:,} (no earlier than {report.bound:,}); {report.flit_hops:,} flit-hops"
    yield ""
    head = ["cycles", "mean", "median", "p99", "largest"]
    rows = [head, *([name, *_quantiles(of)] for name, of in (("latency", report.latency), ("wait", report.wait)))]
    yield from table(rows, "lrrrr", header=True)
    yield "  latency: from release to the last flit; wait: in the core, until the first flit leaves"
    if report.hottest:
        yield ""
        yield f"busiest of {report.links_used:,} links in use"
        head = ["from router", "x", "y", "direction", "flits", "busy", "waits"]
        yield from table([head, *map(_link_cells, report.hottest)], "rrrlrrr", header=True)
        yield "  busy: flits x cycles per flit, of the time to drain; waits: cycles that flits lost behind the link"


def _quantiles(of: dict[str, float]) -> list[str]:
    return [f"{of['mean']:,.1f}", *(f"{of[name]:,.0f}" for name in ("p50", "p99", "max"))]


def _link_cells(link: LinkLoad) -> list[str]:
    return [
        str(link.router), str(link.x), str(link.y), link.direction, f"{link.flits:,}", f"{link.busy:.1%}",
        f"{link.stall_cycles:,}",
    ]  # fmt: skip


def trace_report(
    noc: Noc, burst: Burst, result: BurstResult, bound: int, network: dict[str, object], trace: str, multicast: str
) -> TraceReport:
    """Sum a result up. bound: drain of the same burst at ``bound`` fidelity."""
    order = np.lexsort((np.arange(result.link_flits.size), -result.link_flits))[:HOTTEST]
    hottest = tuple(_link(noc, result, link) for link in order.tolist() if result.link_flits[link] > 0)
    latency, wait = result.latency(burst), result.inject - burst.release
    return TraceReport(
        network, trace, result.fidelity, multicast, burst.packets, burst.deliveries, result.flit_hops, result.drain,
        bound, _summary(latency), _summary(wait), int(np.count_nonzero(result.link_flits)), hottest,
        result.within_domain,
    )  # fmt: skip


def _link(noc: Noc, result: BurstResult, link: int) -> LinkLoad:
    x, y, direction = noc.mesh.describe_link(link)
    router = link // noc.mesh.links_per_router
    flits = int(result.link_flits[link])
    busy = flits * int(noc.link_intervals()[link]) / max(1, result.drain)
    return LinkLoad(router, x, y, direction, flits, int(result.stall_cycles[link]), round(busy, 6))


def _summary(cycles: np.ndarray) -> dict[str, float]:
    middle, high = np.percentile(cycles, (50, 99), method="higher")
    return {"mean": float(cycles.mean()), "p50": float(middle), "p99": float(high), "max": float(cycles.max())}


def network_facts(noc: Noc, chip: ChipSpec | None) -> dict[str, object]:
    """What the answer holds for. cycle_ns: of the chip's routers, None where nobody says."""
    mesh = noc.mesh
    return {
        "chip": None if chip is None else chip.name, "topology": mesh.name,
        "width": mesh.width, "height": mesh.height, "cores_per_router": mesh.cores_per_router,
        "router": asdict(noc.router), "link_latency": list(noc.latency_xy),
        "ties": noc.ties if mesh.torus else None,
        "cycle_ns": None if chip is None or not chip.noc.cycle_ps else chip.noc.cycle_ps / 1000,
    }  # fmt: skip


def describe(facts: dict[str, object]) -> str:
    """The network in a few lines."""
    router, per_router, chip = facts["router"], facts["cores_per_router"], facts["chip"]
    several = f", {per_router} cores per router" if per_router != 1 else ""
    of_chip = f" of {chip}" if chip else ""
    values = ", ".join(f"{name} {value:d}" for name, value in router.items()) if isinstance(router, dict) else ""
    latency = facts["link_latency"]
    x, y = latency if isinstance(latency, list) else (1, 1)
    along = ("up", "down") if facts["topology"] == "tree" else ("along x", "along y")
    links = f"links: {x} cycle{'' if x == 1 else 's'}" if x == y else f"links: {x} cycles {along[0]}, {y} {along[1]}"
    cycle = "" if facts["cycle_ns"] is None else f" of {facts['cycle_ns']:g} ns"
    return f"{facts['width']}x{facts['height']} {facts['topology']}{of_chip}{several}\nrouter: {values}\n{links}{cycle}"


def _json(tree: dict[str, object]) -> str:
    return json.dumps({"schema": SCHEMA, **tree}, indent=2, allow_nan=False) + "\n"
