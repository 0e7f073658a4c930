"""``neurocomp noc``: a network on chip alone, under synthetic traffic or with the packets of a trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from neurocomp.commands.noc_options import (
    Findings,
    NetworkChoices,
    Sweep,
    TrafficChoices,
    check_common,
    network_of,
    sweep_of,
)
from neurocomp.commands.noc_trace import read_trace
from neurocomp.commands.noc_window import check_window
from neurocomp.errors import InputError
from neurocomp.fabric.burst import Burst
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.noc_traffic import LoadPoint, load_point, saturation_throughput
from neurocomp.inputs.memory import need_memory
from neurocomp.interrupts import working_threads
from neurocomp.report.noc import Curve, TraceReport, network_facts, trace_report

BYTES_PER_PACKET = 160  # while a load is simulated
BYTES_PER_VISIT = 100  # bound: of a packet at one link


@dataclass(frozen=True)
class Answer:
    """How the answer is given."""

    as_json: bool = False
    plot: Path | None = None
    threads: int | None = None


def run_pattern(network: NetworkChoices, traffic: TrafficChoices, answer: Answer) -> None:
    """Print the latency-load curve of a network."""
    findings = Findings()
    noc, chip = findings.attempt(lambda: network_of(network), (None, None))
    cores = noc.mesh.core_slots if noc is not None else 2**31
    sweep = findings.attempt(lambda: sweep_of(traffic, cores), None)
    _check_answer(findings, answer)
    findings.stop()
    if noc is None or sweep is None:
        raise InputError(findings.found)
    _need_memory(noc, sweep, _workers(answer))
    check_window(noc, sweep)
    points = tuple(_points(noc, sweep, _workers(answer)))
    most = saturation_throughput(
        noc, sweep.streams, flits=sweep.flits, warmup=sweep.warmup, measure=sweep.measure, seed=sweep.seed,
        fidelity=sweep.fidelity,
    )  # fmt: skip
    curve = Curve(
        network_facts(noc, chip), traffic.pattern, sweep.flits, sweep.seed, sweep.fidelity, sweep.warmup,
        sweep.measure, points, most,
    )  # fmt: skip
    if answer.plot is not None:
        from neurocomp.report.noc_plot import plot_curve

        plot_curve(curve, answer.plot)
    _give(curve, answer)


def _points(noc: Noc, sweep: Sweep, workers: int) -> Iterator[LoadPoint]:
    """One point per load, in order. A range ends behind its first saturated point, whatever the number of threads."""

    def point(load: float) -> LoadPoint:
        return load_point(
            noc, sweep.streams, load, flits=sweep.flits, warmup=sweep.warmup, measure=sweep.measure, seed=sweep.seed,
            fidelity=sweep.fidelity,
        )  # fmt: skip

    with working_threads(workers) as pool:
        for first in range(0, len(sweep.loads), workers):
            for found in pool.map(point, sweep.loads[first : first + workers]):
                yield found
                if found.saturated and sweep.is_range:
                    return


def _need_memory(noc: Noc, sweep: Sweep, workers: int) -> None:
    """Refuse what this machine cannot hold: all packets of a load are drawn before it is simulated."""
    mesh, bound = noc.mesh, sweep.fidelity == "bound"
    cycles = sweep.measure if bound else 2 * (sweep.warmup + sweep.measure)
    per_packet = BYTES_PER_VISIT * (2 + (mesh.width + mesh.height) // 2) if bound else BYTES_PER_PACKET
    packets = int(max(*sweep.loads, 0.5) * cycles * mesh.core_slots / sweep.flits)
    at_once = min(workers, len(sweep.loads))
    what = f"a run of {packets:,} packets" if at_once == 1 else f"a run of {at_once} loads of {packets:,} packets"
    hint = f"fewer --cycles{' or --threads' * (at_once > 1)}, or lower loads"
    need_memory("--rate", packets * per_packet * at_once, what, hint)


def run_trace(network: NetworkChoices, path: Path, fidelity: str, multicast: str, answer: Answer) -> None:
    """Print what the packets of a trace do to a network."""
    findings = Findings()
    noc, chip = findings.attempt(lambda: network_of(network), (None, None))
    burst = findings.attempt(lambda: read_trace(path), None)
    check_common(findings, 1, 0, fidelity)
    if multicast not in ("tree", "unicast", "dual-path"):
        findings.add("--multicast", f"is {multicast!r}", "tree, unicast or dual-path")
    _check_answer(findings, answer)
    findings.stop()
    if noc is None or burst is None:
        raise InputError(findings.found)
    give = run_burst(noc, burst, fidelity=cast("Any", fidelity), multicast=cast("Any", multicast))
    if answer.plot is not None:
        from neurocomp.report.noc_plot import plot_links

        plot_links(noc, give, answer.plot)
    bound = give.drain if fidelity == "bound" else _bound(noc, burst, multicast)
    _give(trace_report(noc, burst, give, bound, network_facts(noc, chip), str(path), multicast), answer)


def _bound(noc: Noc, burst: Burst, multicast: str) -> int:
    return run_burst(noc, burst, fidelity="bound", multicast=cast("Any", multicast)).drain


def _check_answer(findings: Findings, answer: Answer) -> None:
    if answer.threads is not None and answer.threads < 1:
        findings.add("--threads", f"is {answer.threads}; at least 1 is needed")
    if answer.plot is not None:
        from neurocomp.report.noc_plot import check_plot

        plot = answer.plot
        findings.attempt(lambda: check_plot(plot), None)


def _workers(answer: Answer) -> int:
    from neurocomp.commands.job import Job

    return Job(threads=answer.threads).workers


def _give(found: Curve | TraceReport, answer: Answer) -> None:
    sys.stdout.write(found.to_json() if answer.as_json else found.to_text())
    sys.stdout.flush()
    if answer.plot is not None:
        sys.stderr.write(f"picture: {answer.plot}\n")
