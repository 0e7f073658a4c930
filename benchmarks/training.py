"""Speed of the training simulation, and the figures of docs/training.md.

Goals: S-ResNet18 at ImageNet size, batch 16, 4 steps, in under 10 s, activity given; cost linear in fragments.

    python -m benchmarks.training [--figures]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from neurocomp.chip.catalog import load_array_chip
from neurocomp.chip.gpu import load_gpu
from neurocomp.energy.training import price_training, tera_operations_per_joule
from neurocomp.report.training import TrainingReport, training_report
from neurocomp.simulate.engines.layer import Layer, conv_layer, linear_layer
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import TrainingSetup

CHIP = load_array_chip("neuromc")


def resnet18(*, ends: bool = True, normalised: bool = True) -> list[Layer]:
    """S-ResNet18 at 224 pixels; ends: its first layer and its classifier too."""
    found = [conv_layer("first", (3, 64), (224, 224), (7, 7), stride=(2, 2), normalised=normalised, real_input=True)]
    found, channels, size = found * ends, 64, 56
    for outputs in (64, 128, 256, 512):
        for block in range(2):
            stride = (2, 2) if block == 0 and outputs > 64 else (1, 1)
            name, small = f"{outputs}.{block}", size // stride[0]
            found.append(
                conv_layer(f"{name}.a", (channels, outputs), (size,) * 2, (3, 3), stride=stride, normalised=normalised)
            )
            found.append(conv_layer(f"{name}.b", (outputs,) * 2, (small,) * 2, (3, 3), normalised=normalised))
            if channels != outputs:
                found.append(
                    conv_layer(
                        f"{name}.down", (channels, outputs), (size,) * 2, (1, 1), stride=stride, normalised=normalised
                    )
                )
            channels, size = outputs, small
    return [*found, linear_layer("classifier", (512, 1000), neurons=False)] if ends else found


def seconds(layers: list[Layer], setup: TrainingSetup) -> tuple[float, TrainingReport]:
    begin = time.process_time()
    run = simulate_training(CHIP, layers, setup)
    report = training_report(run, price_training(run), [load_gpu("a100")])
    return time.process_time() - begin, report


def speed() -> None:
    print("S-ResNet18, 224 pixels, batch 16, 4 steps, processor time")
    for setup in (TrainingSetup(16, 4), TrainingSetup(16, 4, sparsity="skipped"), TrainingSetup(16, 4, order="layer")):
        spent, report = seconds(resnet18(), setup)
        parts = len(report.run.times)
        print(f"  order {setup.order:<6} sparsity {setup.sparsity:<8} {spent:6.3f} s  {parts} fragments")
    print("chains of equal layers: time for each fragment")
    for count in (20, 80, 320):
        layers = [conv_layer(f"l{k}", (64, 64), (28, 28), (3, 3)) for k in range(count)]
        layers[0] = replace(layers[0], real_input=True, first=True)
        spent, report = seconds(layers, TrainingSetup(16, 4))
        fragments = len(report.run.times)
        print(f"  {fragments:5} fragments {spent:7.3f} s  {spent / fragments * 1e3:6.2f} ms each")


def figures() -> None:
    print("\nS-ResNet18, 224 pixels, batch 16, 4 steps, on neuromc")
    variants = {
        "as published (no normalisation, no ends)": (dict(ends=False, normalised=False), TrainingSetup(16, 4)),
        "whole network, normalised, SGD": ({}, TrainingSetup(16, 4)),
        "the same, Adam": ({}, TrainingSetup(16, 4, optimizer="adam")),
        "the same, SGD, layer by layer": ({}, TrainingSetup(16, 4, order="layer")),
        "the same, maps on the chip where they fit": ({}, TrainingSetup(16, 4, on_chip=True)),
        "zeros skipped (20 % spikes, 50 % gradients)": ({}, TrainingSetup(16, 4, sparsity="skipped")),
    }  # fmt: skip
    for name, (network, setup) in variants.items():
        _, report = seconds(resnet18(**network), setup)
        run, energy = report.run, report.energy
        rules = tera_operations_per_joule(run, energy)
        used = run.utilisation()
        print(f"  {name}: {run.iteration_ps / 1e9:.1f} ms (engines {run.engines_ps / 1e9:.1f}, DRAM "
              f"{run.dram_ps / 1e9:.1f}), core {energy.without('dram') / 1e15:.1f} mJ, all "
              f"{energy.total_aj / 1e15:.1f} mJ, DRAM {run.dram_bits / 8 / 1e9:.2f} GB")  # fmt: skip
        print("    " + ", ".join(f"{rule} {value:.3f}" for rule, value in rules.items()))
        print("    used " + ", ".join(f"{phase} {share:.1%}" for phase, share in used.items()))
        print("    less than an A100: " + " ".join(f"{each.percent:.1f}" for each in report.baselines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", action="store_true", help="the figures of docs/training.md, too")
    arguments = parser.parse_args()
    speed()
    if arguments.figures:
        figures()


if __name__ == "__main__":
    main()
