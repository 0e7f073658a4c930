"""What one more point of a sweep costs, and a sweep of 1000 points of a chip profile.

Goal: 1000 points of the digits network at ``bound`` fidelity in less than 60 s on two cores, whatever the points
change. Time on the processor is given beside the time on the clock: on a shared machine only the former can be
compared.

    python -m benchmarks.sweep [--points 1000] [--workers 2]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.run import jobs_of, run_jobs
from neurocomp.sweep.sample import Point, points_of
from neurocomp.sweep.space import Space
from neurocomp.sweep.store import Store
from neurocomp.sweep.workers import local_runner

NETWORK, CHIP = "examples/01_digits/net.pt", "loihi2"
CHANGES = {
    "the same point again": ("chip.noc.hop_east_west.energy_pj", 2.55, 0.0),
    "another energy": ("chip.engines.fp.neuron_update.energy_pj", 18.4, 0.1),
    "another time": ("chip.engines.fp.neuron_update.latency_ns", 1.85, 0.1),
    "cores that hold more, the same mapping": ("chip.core.neurons_max", 8000, -1),
    "smaller cores, another mapping": ("chip.core.neurons_max", 60, -1),
    "other numbers: the network runs": ("chip.numeric.input_bits", 8, 1),
}
SPACE = {
    "schema": "neurocomp/sweep/1", "networks": [NETWORK], "chips": [CHIP],
    "axes": {
        "run.noc": ["bound"],
        "chip.noc.hop_east_west.energy_pj": {"low": 1.0, "high": 10.0},
        "chip.engines.fp.neuron_update.latency_ns": {"low": 1.0, "high": 4.0},
        "chip.core.neurons_max": {"low": 256, "high": 1024, "integer": True},
    },
}  # fmt: skip


def points(change: str, count: int) -> Iterator[Point]:
    path, first, step = CHANGES[change]
    for k in range(count):
        yield Point(NETWORK, CHIP, ((path, first + k * step), ("run.noc", "bound")))


def one_more_point(count: int) -> None:
    print(f"one more point, one process, mean of {count}: ms on the processor, ms on the clock")
    for change in CHANGES:
        size = min(count, 6) if "runs" in change else count
        bench, asked = Bench(), list(points(change, size + 1))
        bench.evaluate(asked[0], bench.key(asked[0]))
        clock, used = time.perf_counter(), time.process_time()
        for point in asked[1:]:
            outcome = bench.evaluate(point, bench.key(point))
            if outcome.status != "ok":
                raise SystemExit(outcome.reason)
        spent = time.process_time() - used, time.perf_counter() - clock
        print(f"  {change:40}" + "".join(f"{1e3 * seconds / size:9.1f}" for seconds in spent))


def whole_sweep(count: int, workers: int) -> None:
    print(f"{count} points, {workers} processes, start of the processes included")
    axes = SPACE["axes"]
    kinds = {
        "energies": ["run.noc", "chip.noc.hop_east_west.energy_pj"],
        "energies and times": [name for name in axes if name != "chip.core.neurons_max"],
        "energies, times and cores": list(axes),
    }  # fmt: skip
    for kind, names in kinds.items():
        chosen = {name: axes[name] for name in names}  # type: ignore[index]
        space = Space.model_validate({**SPACE, "axes": chosen, "sampler": {"method": "latin", "points": count}})
        with tempfile.TemporaryDirectory() as folder:
            clock = time.perf_counter()
            with local_runner(Store(Path(folder) / "s"), workers=workers) as runner:
                outcomes = run_jobs(jobs_of(points_of(space)), runner)
            spent = time.perf_counter() - clock
        good = sum(outcome.status == "ok" for outcome in outcomes)
        print(f"  {kind:40}{spent:9.1f} s, {count / spent:6.1f} points/s, {good} with figures")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    one_more_point(20)
    whole_sweep(options.points, options.workers)


if __name__ == "__main__":
    main()
