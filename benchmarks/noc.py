"""Speed and memory of the flit-level network model, and its agreement with BookSim2.

Goals: at least 6 million flit-hops per second on one core, cost linear in flit-hops and independent of idle time and
idle routers, memory in proportion to packets in flight; on meshes the cycle of BookSim2 in 99 % of the bursts.

    python -m benchmarks.noc [--repeats 5] [--data ../shared/reference/noc]

Times are processor time of this process.
"""

from __future__ import annotations

import argparse
import csv
import resource
import time
from pathlib import Path

import numpy as np

from neurocomp.fabric.burst import Burst
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.router import ROUTERS
from neurocomp.fabric.topology import Mesh


def random_burst(noc: Noc, packets: int, *, flits: int = 1, window: int = 1, cores: int | None = None) -> Burst:
    """Packets between random cores (the first ``cores`` of them), released at random within a window."""
    rng = np.random.default_rng(1)
    cores = cores or noc.mesh.core_slots
    return Burst.unicast(
        rng.integers(0, window, packets),
        rng.integers(0, cores, packets),
        rng.integers(0, cores, packets),
        np.full(packets, flits),
    )


def seconds(noc: Noc, burst: Burst, repeats: int, fidelity: str = "cycle") -> tuple[float, int]:
    """(best processor time, flit-hops)."""
    result = run_burst(noc, burst, fidelity=fidelity)
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        run_burst(noc, burst, fidelity=fidelity)
        best = min(best, time.process_time() - start)
    return best, result.flit_hops


def report(label: str, best: float, hops: int) -> None:
    print(f"  {label:44} {hops:>10} flit-hops {1e3 * best:9.2f} ms {hops / best / 1e6:7.1f} M/s")


def speed(repeats: int) -> None:
    print("speed, 8x8 mesh, random pairs")
    for name, router in ROUTERS.items():
        for per_core, flits in ((4, 1), (16, 1), (64, 1), (64, 4)):
            noc = Noc(Mesh(8, 8), router)
            report(
                f"{name}, {per_core} packets/core, {flits} flits",
                *seconds(noc, random_burst(noc, 64 * per_core, flits=flits), repeats),
            )
    noc = Noc(Mesh(8, 8), ROUTERS["std"])
    burst = random_burst(noc, 64 * 64)
    for fidelity in ("bound", "event"):
        report(f"std, 64 packets/core, 1 flit, {fidelity}", *seconds(noc, burst, repeats, fidelity))


def linearity(repeats: int) -> None:
    print("linearity, std router (alike rates; only the result's entry per link makes the largest mesh slower)")
    for packets in (1_000, 10_000, 100_000):
        noc = Noc(Mesh(16, 16), ROUTERS["std"])
        report(f"16x16, {packets} packets", *seconds(noc, random_burst(noc, packets), repeats))
    for window in (1_000, 100_000, 10_000_000):
        noc = Noc(Mesh(16, 16), ROUTERS["std"])
        report(
            f"16x16, 10000 packets in {window} cycles", *seconds(noc, random_burst(noc, 10_000, window=window), repeats)
        )
    for side in (8, 32, 128):
        noc = Noc(Mesh(side, side), ROUTERS["std"])
        report(
            f"{side}x{side}, 10000 packets in the first 8 routers",
            *seconds(noc, random_burst(noc, 10_000, cores=8), repeats),
        )


def memory() -> None:
    print("memory, 64x64 mesh, 100000 packets")
    for name, router in ROUTERS.items():
        noc = Noc(Mesh(64, 64), router)
        burst = random_burst(noc, 100_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = run_burst(noc, burst)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"  {name:8} drain {result.drain:6} cycles, {result.flit_hops} flit-hops, "
            f"peak {after / 1024:.0f} MiB (+{(after - before) / 1024:.0f})"
        )


def agreement(folder: Path) -> None:
    with np.load(folder / "bursts.npz") as archive, (folder / "burst_drain.csv").open(newline="") as file:
        errors: dict[str, list[float]] = {}
        for row in csv.DictReader(file):
            packets = archive[f"{row['pattern']}_k{row['k']}_m{row['m']}_z{row['pkt_flits']}_s{row['seed']}"]
            mesh = Mesh(int(row["k"]), int(row["k"]), torus=row["topo"].startswith("torus"))
            noc = Noc(mesh, ROUTERS[row["router"]], ties="random")
            for fidelity in ("bound", "event", "cycle"):
                drain = run_burst(noc, Burst.unicast(*packets.T[:4]), fidelity=fidelity).drain
                errors.setdefault(f"{row['topo']} {row['router']} {fidelity}", []).append(drain / int(row["drain"]) - 1)
    print("drain against BookSim2")
    for key in sorted(errors):
        e = np.array(errors[key])
        print(
            f"  {key:24} {e.size:4} runs, {int((e == 0).sum()):4} identical, "
            f"mean |e| {100 * np.abs(e).mean():6.2f} %, from {100 * e.min():+6.1f} to {100 * e.max():+6.1f} %"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path("../shared/reference/noc"))
    options = parser.parse_args()
    memory()
    speed(options.repeats)
    linearity(options.repeats)
    if options.data.is_dir():
        agreement(options.data)


if __name__ == "__main__":
    main()
