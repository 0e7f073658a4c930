"""Function and timing of the DVS network, ours against SANA-FE's `detailed` model, in one run, one thread.

Goals: at least 20 times faster per step, under 150 MB, network construction under 1 s. The network on chip is ours at
`bound` there, which like the peer's `detailed` model moves no flits; its flit-level time is printed beside it.

    python -m benchmarks.dvs [--steps 300] [--repeats 3]

Each side runs in a process of its own, so that peak memory is its own. Needs `pip install sanafe==2.2.9`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

from benchmarks.dvs_network import CORES_PER_LAYER, data_file, dvs_network, tutorial_assignment, without_axon_limits


def ours(steps: int, repeats: int) -> dict[str, float]:
    from neurocomp.activity.execute import execute
    from neurocomp.chip.catalog import load_chip
    from neurocomp.mapping.map import map_network
    from neurocomp.simulate.inference import simulate

    path = data_file()
    if path is None:
        raise SystemExit("benchmarks.dvs: the sanafe package is not installed (pip install sanafe==2.2.9)")
    start = time.perf_counter()
    network = dvs_network(path)
    built = time.perf_counter()
    program = map_network(network, without_axon_limits(load_chip("loihi")), assignment=tutorial_assignment(network))
    mapped = time.perf_counter()
    best = function = flits = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        execution = execute(network, steps=steps)
        middle = time.perf_counter()
        simulation = simulate(program, execution.trace, "bound")
        end = time.perf_counter()
        simulate(program, execution.trace, "cycle")
        best, function = min(best, end - begin), min(function, middle - begin)
        flits = min(flits, time.perf_counter() - end)
    return {
        "construction_s": built - start,
        "mapping_s": mapped - built,
        "ms_per_step": 1e3 * best / steps,
        "function_ms_per_step": 1e3 * function / steps,
        "cycle_ms_per_step": 1e3 * (function + flits) / steps,
        "fired": int(simulation.series.spikes.sum()),
    }


def peer(steps: int, repeats: int) -> dict[str, float]:
    import numpy as np
    import sanafe
    from sanafe import layers

    start = time.perf_counter()
    chip_description = sanafe.load_loihi()
    with np.load(data_file()) as archive:
        data = dict(archive)
    network = sanafe.Network()
    thresholds = data["thresholds"]
    stack = [layers.Input2D(network, 32, 32, threshold=thresholds[0])]
    for k, stride in enumerate((2, 1, 1, 1), start=1):
        stack.append(
            layers.Conv2D(
                network, stack[-1], data[f"conv{k}"], stride_width=stride, stride_height=stride, threshold=thresholds[k]
            )
        )
    stack.append(layers.Dense(network, stack[-1], 11, data["dense1"], threshold=thresholds[5]))
    for neuron, bias in zip(stack[0], data["inputs"], strict=True):
        neuron.set_attributes(model_attributes={"bias": bias})
    built = time.perf_counter()
    cores, first = chip_description.cores(), 0
    for layer, parts in zip(stack, CORES_PER_LAYER, strict=True):
        for number in range(len(layer)):
            layer[number].map_to_core(cores[first + min(number // (len(layer) // parts), parts - 1)])
        first += parts
    chip = sanafe.SpikingChip(chip_description)
    chip.load(network)
    mapped = time.perf_counter()
    best = float("inf")
    for _ in range(repeats):
        chip.reset()
        begin = time.perf_counter()
        result = chip.sim(steps, timing_model="detailed", processing_threads=1, scheduler_threads=0)
        best = min(best, time.perf_counter() - begin)
    return {
        "construction_s": built - start,
        "mapping_s": mapped - built,
        "ms_per_step": 1e3 * best / steps,
        "fired": int(result["neurons_fired"]),
    }


def measured(side: str, steps: int, repeats: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.dvs", "--side", side, "--steps", str(steps), "--repeats", str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=("ours", "peer"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side is not None:
        figures = (ours if options.side == "ours" else peer)(options.steps, options.repeats)
        figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(figures))
        return
    sides = {side: measured(side, options.steps, options.repeats) for side in ("ours", "peer")}
    for key in ("construction_s", "mapping_s", "ms_per_step", "peak_mb"):
        mine, theirs = sides["ours"][key], sides["peer"][key]
        print(f"{key:<15} ours {mine:10.3f}   sanafe detailed {theirs:10.3f}   ratio {theirs / mine:8.1f}")
    flit_by_flit = sides["ours"]["cycle_ms_per_step"]
    ratio = sides["peer"]["ms_per_step"] / flit_by_flit
    print(f"ours with the network flit by flit: {flit_by_flit:.3f} ms per step, ratio {ratio:.1f}")
    print(f"of ours, function alone: {sides['ours']['function_ms_per_step']:.3f} ms per step")
    print(f"fired           ours {sides['ours']['fired']}   sanafe {sides['peer']['fired']}")


if __name__ == "__main__":
    main()
