"""The options of ``neurocomp noc`` as Typer reads them; what they mean is in noc.py and noc_options.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROUTER_HELP = "lean, sana, std or fast; std,vcs=2 changes one; or vcs=4,buffer_flits=8,... Default: std."
LATENCY_HELP = "Cycles of a link, or along x and along y. Default: 1."
TIES_HELP = "Torus, both ways equally long: forward (default), or random as in BookSim2."
PATTERN_HELP = (
    "uniform (default), transpose, bitcomp, neighbor, tornado, hotspot:CORE, "
    "or a mix with shares of the load: uniform=0.9,hotspot:27=0.1"
)
RATE_HELP = (
    "Flits per core and cycle: a list 0.1,0.2 or a range first:last:step, which ends behind the first "
    "saturated point. Default: 0.05:1:0.05."
)
TRACE_HELP = "Packets to send instead: .csv (release,source,destination,flits) or .npz."
MULTICAST_HELP = "Packets of a trace with several destinations: tree, unicast or dual-path."
TOPOLOGY_HELP = "With --mesh: mesh, torus, ring (Nx1), crossbar (1x1) or tree (a quad tree of WxH leaves)."

Threads = Annotated[
    int | None, typer.Option("--threads", help="Threads to use; the result does not depend on it. Default: all CPUs.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the report.")]


def noc_command(
    chip: Annotated[str | None, typer.Option("--chip", metavar="CHIP", help="Take the network of this chip.")] = None,
    mesh: Annotated[str | None, typer.Option("--mesh", metavar="WxH", help="Or one of so many routers.")] = None,
    topology: Annotated[str | None, typer.Option("--topology", help=TOPOLOGY_HELP)] = None,
    cores_per_router: Annotated[int | None, typer.Option("--cores-per-router", help="With --mesh. Default: 1.")] = None,
    router: Annotated[str | None, typer.Option("--router", help=ROUTER_HELP)] = None,
    link_latency: Annotated[str | None, typer.Option("--link-latency", metavar="N[,N]", help=LATENCY_HELP)] = None,
    ties: Annotated[str | None, typer.Option("--ties", help=TIES_HELP)] = None,
    pattern: Annotated[str | None, typer.Option("--pattern", help=PATTERN_HELP)] = None,
    rate: Annotated[str | None, typer.Option("--rate", help=RATE_HELP)] = None,
    flits: Annotated[int, typer.Option("--flits", help="Flits of a packet.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the traffic.")] = 0,
    cycles: Annotated[str, typer.Option("--cycles", metavar="N,N", help="To settle, to measure.")] = "6000,6000",
    trace: Annotated[Path | None, typer.Option("--trace", metavar="FILE", help=TRACE_HELP)] = None,
    multicast: Annotated[str, typer.Option("--multicast", help=MULTICAST_HELP)] = "tree",
    fidelity: Annotated[str, typer.Option("--fidelity", help="cycle, event or bound.")] = "cycle",
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Picture: .svg, .png or .pdf.")] = None,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Run a network on chip alone: latency over load, or a trace.

    neurocomp noc --mesh 8x8 --router std --pattern transpose --rate 0.02:0.3:0.02

    neurocomp noc --chip loihi2 --router sana --trace packets.csv
    """
    from neurocomp.commands.noc import Answer, run_pattern, run_trace
    from neurocomp.commands.noc_options import NetworkChoices, TrafficChoices, only_one_kind

    network = NetworkChoices(chip, mesh, topology, cores_per_router, router, link_latency, ties)
    answer = Answer(as_json, plot, threads)
    if trace is not None:
        only_one_kind(pattern, rate)
        run_trace(network, trace, fidelity, multicast, answer)
    else:
        run_pattern(network, TrafficChoices(pattern or "uniform", rate, flits, seed, fidelity, cycles), answer)
