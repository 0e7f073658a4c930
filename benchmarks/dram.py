"""Speed and agreement of the DRAM model, one thread.

Goals: at least 2 million requests per second on one core (processor time); bandwidth within 5 % of DRAMsim3 on
average, 10 % at most; read latency within 10 % on average up to 60 % load; dynamic energy within 5 %.

    python -m benchmarks.dram [--requests 400000] [--repeats 3]

The agreement is shown where ../shared/reference/dram is at hand.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from pathlib import Path
from statistics import mean

from neurocomp.fabric.dram import simulate_dram
from neurocomp.fabric.dram_catalog import dram_names, load_dram
from neurocomp.fabric.dram_ini import read_dramsim3
from tests.dram_patterns import pattern

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "dram"
PATTERNS = ("seq_rd", "rand_rd", "rand_mix", "spike_rd256")


def speed(count: int, repeats: int) -> None:
    print(f"{'million requests per second':<28}" + "".join(f"{name:>13}" for name in PATTERNS))
    for name in dram_names():
        dram, rates = load_dram(name), []
        for kind in PATTERNS:
            requests, best = pattern(dram, kind, count), float("inf")
            for _ in range(repeats):
                begin = time.process_time()
                simulate_dram(dram, requests)
                best = min(best, time.process_time() - begin)
            rates.append(count / best / 1e6)
        print(f"{name:<28}" + "".join(f"{rate:13.2f}" for rate in rates))


def agreement() -> None:
    errors = defaultdict(list)
    with (REFERENCE / "dramsim3.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            dram = read_dramsim3(REFERENCE / "configs" / row["config"])
            load = None if row["load_frac_of_peak"] == "closed" else float(row["load_frac_of_peak"])
            run = simulate_dram(dram, pattern(dram, row["pattern"], int(row["n_req"]), load=load))
            bits = int(row["n_req"]) * int(row["req_bytes"]) * 8
            energy = run.energy.dynamic_aj / 1e6 / bits
            errors[row["dram"], "dynamic energy"].append(energy / float(row["pJ_per_bit_dyn"]) - 1)
            if load is None:
                errors[row["dram"], "bandwidth"].append(run.bytes_per_second / 1e9 / float(row["bw_GBs"]) - 1)
            elif load <= 0.6:
                errors[row["dram"], "read latency to 60 %"].append(
                    run.latency_ps.mean() / 1000 / float(row["avg_rd_lat_ns"]) - 1
                )
    for (name, figure), found in sorted(errors.items()):
        size = [100 * abs(error) for error in found]
        print(f"{name:<14}{figure:<24}{len(found):3} rows   mean {mean(size):5.2f} %   most {max(size):5.2f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    speed(options.requests, options.repeats)
    if REFERENCE.is_dir():
        agreement()


if __name__ == "__main__":
    main()
