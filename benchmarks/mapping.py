"""The mapper against published ones, re-implemented: traffic, hottest link, cores, time and memory.

Goals (placed multicast hops per step): MLP-10 247, LeNet 465, MobileNet-style 4354, N-MNIST 2000, local-10k 1990,
local-65k 68.4k, Potjans-Diesmann 642; VGG-16 at 224 x 224 with 4096 neurons a core 0.98 M on at most 3931 cores in 10 s
and 1 GB, with 1024 neurons a core 2.11 M in 30 s; ResNet-50, Spikformer-8-768 and a local graph of a million neurons
in 60 s (180 s with 100 million synapses) and 8 GB. The table of docs/mapping-benchmarks.md is made by

    python -m benchmarks.mapping [--only lenet,pd] [--mapper ours] [--effort default] [--seed 0] [--json results.json]

``--json`` also keeps what every candidate of ours came to. Each mapping runs in a process of its own, so that its
peak memory is its own. Seconds are those of the mapping alone, from network to checked program for ours, from network
to cores for the others; the judge (benchmarks/mapping_traffic.py) is the same for all.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mapping_baselines import Cores, Rates, baselines_of, mapped_by
from benchmarks.mapping_cases import CASES, Case, chip_of, network_of, rates_of, side_of
from benchmarks.mapping_traffic import traffic
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.network import Network

OURS = "ours"
COLUMNS = {
    "hops": "13,.1f", "hottest": "9,.1f", "packets": "13,.1f", "cores": "7,", "seconds": "8,.2f", "cpu_s": "8,.2f",
    "peak_mb": "8,.0f",
}  # fmt: skip


def ours(case: Case, network: Network, rates: Rates, effort: str, seed: int) -> Program:
    return map_network(network, chip_of(case, network), objective="traffic", effort=effort, seed=seed, activity=rates)


def cores_of(program: Program) -> Cores:
    """The core of every element, in the populations' own order of axes."""
    core = np.array([tile.core for tile in program.tiles])
    found = {}
    for name, tile in program.tile_of.items():
        shape = program.network.by_name[name].shape
        channel_last = (*shape[1:], shape[0])
        found[name] = np.moveaxis(core[tile].reshape(channel_last), -1, 0)
    return found


def measured(name: str, mapper: str, effort: str, seed: int) -> dict[str, Any]:
    """One mapping in this process."""
    case = CASES[name]
    network = network_of(case)
    rates = rates_of(network)
    chosen: dict[str, Any] = {}
    begin, begin_cpu = time.perf_counter(), time.process_time()
    if mapper == OURS:
        program = ours(case, network, rates, effort, seed)
        chosen = {"chosen": program.quality.candidate, "trials": [asdict(trial) for trial in program.quality.trials]}
    else:
        cores = mapped_by(mapper, case, network, rates)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if mapper == OURS:
        cores = cores_of(program)
    found = traffic(network, cores, rates, side_of(case, network))
    if found.most > case.cap:
        raise SystemExit(f"{mapper} put {found.most} neurons on a core that holds {case.cap}")
    return {**vars(found), "seconds": seconds, "cpu_s": cpu, "peak_mb": peak, **chosen}


def apart(name: str, mapper: str, options: argparse.Namespace) -> dict[str, Any]:
    """The same in a process of its own; what it fails with is its result."""
    command = [
        sys.executable, "-m", "benchmarks.mapping", "--only", name, "--mapper", mapper,
        "--effort", options.effort, "--seed", str(options.seed), "--here",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def heading(name: str) -> str:
    case = CASES[name]
    network = network_of(case)
    side = side_of(case, network)
    goals = [f"{case.goal:,.0f} hops"] if case.goal else []
    goals += [f"{case.goal_s} s"] if case.goal_s else []
    goal = f", goal {', '.join(goals)}" if goals else ""
    return f"{name}: {network.neuron_count:,} neurons, {case.cap} a core, {side} x {side} cores{goal}"


def line(mapper: str, found: dict[str, Any]) -> str:
    if "failed" in found:
        return f"  {mapper:32} failed: {found['failed']}"
    figures = [f"{found[key]:{form}}" for key, form in COLUMNS.items()]
    return f"  {mapper:32} {' '.join(figures)}  {found.get('chosen', '')}"


def report(options: argparse.Namespace) -> None:
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for name in options.only:
        print(heading(name), flush=True)
        print(f"  {'per step':32} " + " ".join(f"{key:>{int(form.split(',')[0])}}" for key, form in COLUMNS.items()))
        results[name] = {}
        for mapper in options.mapper or (*baselines_of(CASES[name]), OURS):
            results[name][mapper] = apart(name, mapper, options)
            print(line(mapper, results[name][mapper]), flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--mapper", type=lambda text: text.split(";"), help="names, separated by semicolons")
    parser.add_argument("--effort", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in CASES]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if options.here:
        print(json.dumps(measured(options.only[0], options.mapper[0], options.effort, options.seed)))
    else:
        report(options)


if __name__ == "__main__":
    main()
