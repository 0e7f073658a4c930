"""How the mapper's time grows with the network: series of networks of one kind, and the exponent of each.

    python -m benchmarks.mapping_scaling [--only local,dense] [--effort default] [--json results.json]

The exponent is the slope of the logarithm of processor seconds over that of the size (neurons, or tiles of network
order), fitted to all sizes of a series and to its upper half: small networks get all methods, large ones few, so that
the first may be below what large ones take. Each mapping runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mapping_cases import Case, chip_of, rates_of
from benchmarks.mapping_graphs import local_graph
from benchmarks.mapping_networks import vgg16
from neurocomp.mapping.map import map_network
from neurocomp.network import Network


@dataclass(frozen=True)
class Series:
    """make: the network of each size; cap: neurons per core."""

    make: Callable[[int], Network]
    sizes: tuple[int, ...]
    cap: int


SERIES = {
    "local": Series(lambda side: local_graph(side, 10), (128, 181, 256, 362, 512, 1000), 1024),
    "dense": Series(lambda side: local_graph(side, 112), (128, 181, 256, 362, 512), 1024),
    "vgg16": Series(vgg16, (64, 96, 128, 160, 224), 4096),
    "vgg16-1024": Series(vgg16, (64, 96, 128, 160, 224), 1024),
}


def measured(name: str, size: int, effort: str) -> dict[str, Any]:
    """One mapping in this process."""
    series = SERIES[name]
    network = series.make(size)
    rates = rates_of(network)
    chip = chip_of(Case(name, series.cap), network)
    begin = time.process_time()
    quality = map_network(network, chip, objective="traffic", effort=effort, activity=rates).quality
    if quality is None:
        raise SystemExit("the mapper says nothing of its result")
    return {
        "neurons": network.neuron_count, "cores": quality.cores, "hops": quality.hops,
        "cpu_s": time.process_time() - begin,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def apart(name: str, size: int, effort: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.mapping_scaling", "--only", name, "--effort", effort, "--here"]
    done = subprocess.run([*command, str(size)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def exponent(found: list[dict[str, Any]], by: str) -> float:
    """Slope of log(seconds) over log(size), least squares."""
    size, seconds = (np.log([one[key] for one in found]) for key in (by, "cpu_s"))
    return float(np.polyfit(size, seconds, 1)[0]) if len(found) > 1 else math.nan


def report(name: str, effort: str) -> list[dict[str, Any]]:
    series = SERIES[name]
    print(f"{name}, {series.cap} neurons a core\n  {'neurons':>12} {'cores':>7} {'hops':>14} {'cpu s':>8} {'MB':>7}")
    found: list[dict[str, Any]] = []
    for size in series.sizes:
        one = apart(name, size, effort)
        found.append(one)
        print(
            f"  {one['neurons']:12,} {one['cores']:7,} {one['hops']:14,.0f} {one['cpu_s']:8.2f} {one['peak_mb']:7,.0f}",
            flush=True,
        )
    upper = found[len(found) // 2 :]
    print("  exponent of time: " + "; ".join(
        f"by {by} {exponent(found, by):.2f}, upper half {exponent(upper, by):.2f}" for by in ("neurons", "cores")
    ), flush=True)  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SERIES))
    parser.add_argument("--effort", default="default")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in SERIES]
    if unknown:
        parser.error(f"no series {', '.join(unknown)}; there are {', '.join(SERIES)}")
    if options.here is not None:
        print(json.dumps(measured(options.only[0], options.here, options.effort)))
        return
    results = {name: report(name, options.effort) for name in options.only}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
