"""What the optimizer adds, maps that stay on the chip, and what has to fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.training import paths_used, price_training
from neurocomp.errors import DoesNotFitError, InputError
from neurocomp.simulate.engines.layer import conv_layer, linear_layer
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_capacity import dram_of, least_contents
from neurocomp.simulate.training_run import TrainingRun
from neurocomp.simulate.training_setup import TrainingSetup

CHIP = load_array_chip("neuromc")
LAYERS = [
    conv_layer("a", (3, 20), (16, 16), (3, 3), real_input=True),
    conv_layer("b", (20, 40), (16, 16), (3, 3)),
    linear_layer("c", (10240, 10), neurons=False),
]
WEIGHTS = 3 * 20 * 9 + 20 * 40 * 9 + 10240 * 10


def updates(run: TrainingRun) -> Counter[str]:
    counted: Counter[str] = Counter()
    for t in run.tallies:
        if t.phase == "UPDATE" and t.unit == "optimizer":
            counted[t.action] += t.count
    return counted


def moved(run: TrainingRun) -> dict[tuple[str, str, str], tuple[int, int]]:
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for t in run.traffic:
        read, written = sums.get((t.layer, t.phase, t.tensor), (0, 0))
        sums[t.layer, t.phase, t.tensor] = (read + t.read_bits, written + t.write_bits)
    return sums


def test_momentum_and_weight_decay_each_add_a_multiply_accumulate() -> None:
    runs = [
        simulate_training(CHIP, LAYERS, TrainingSetup(2, 2, momentum=momentum, weight_decay=decay))
        for momentum, decay in ((False, False), (True, False), (False, True), (True, True))
    ]
    for run, times in zip(runs, (1, 2, 2, 3), strict=True):
        assert updates(run)["operations.add"] == updates(run)["operations.mul"] == times * WEIGHTS
    reads = [updates(run)["memories.optimizer.read"] for run in runs]
    assert reads == [2 * 32 * WEIGHTS, 3 * 32 * WEIGHTS, 2 * 32 * WEIGHTS, 3 * 32 * WEIGHTS]
    state = [run.traffic_bits("tensor").get(("optimizer_state",), 0) for run in runs]
    assert state == [0, 2 * 32 * WEIGHTS, 0, 2 * 32 * WEIGHTS]
    energies = [price_training(run).total_aj for run in runs]
    assert energies[0] < energies[2] < energies[1] < energies[3]
    assert any("momentum" in path for path in paths_used(runs[1])) and not any("mom" in p for p in paths_used(runs[0]))


def test_what_an_optimizer_cannot_do_is_refused() -> None:
    with pytest.raises(InputError, match="adam has a momentum of its own"):
        TrainingSetup(optimizer="adam", momentum=True)
    plain = CHIP.model_copy(update={"optimizers": CHIP.optimizers.model_copy(update={"weight_decay": None})})
    with pytest.raises(InputError, match="knows no weight decay"):
        simulate_training(plain, LAYERS, TrainingSetup(weight_decay=True))


@pytest.mark.parametrize("order", ["step", "layer"])
def test_maps_that_fit_stay_on_the_chip(order: str) -> None:
    """In step order a map is one of a step; in layer order all steps of all samples are there at once."""
    plain, kept = (
        simulate_training(CHIP, LAYERS, TrainingSetup(16, 4, on_chip=on_chip, order=order))  # type: ignore[arg-type]
        for on_chip in (False, True)
    )
    before, after = moved(plain), moved(kept)
    saved = {
        ("b", "FP", "spikes"): (64 * 5120, 0), ("b", "BP", "gradient"): (64 * 10240 * 16, 64 * 5120 * 16),
        ("c", "FP", "spikes"): (64 * 10240, 0), ("c", "BP", "gradient"): (0, 64 * 10240 * 16),
        ("a", "WG", "gradient"): (64 * 5120 * 16, 0),
    }  # fmt: skip
    if order == "layer":
        assert before == after, "64 maps of 5120 spikes and more are larger than 295,936 bits"
        return
    for key, (read, write) in before.items():
        less_read, less_written = saved.get(key, (0, 0))
        assert after.get(key, (0, 0)) == (read - less_read, write - less_written), key
    sent = {(s.layer, s.phase) for s in kept.sent}
    assert ("b", "FP") in sent and kept.dram_bits < plain.dram_bits


def test_small_batches_stay_in_layer_order_too() -> None:
    kept = simulate_training(CHIP, LAYERS, TrainingSetup(1, 1, on_chip=True, order="layer"))
    assert moved(kept).get(("b", "FP", "spikes")) == (0, 10240)  # written for BP, never read by FP


def test_a_slice_of_a_layer_in_each_memory() -> None:
    assert least_contents(CHIP, "FP", LAYERS[1]) == {
        "fp_conv_in_s": 16 * 9, "fp_conv_in_w": 16 * 16 * 9 * 16, "fp_conv_out_xi": 16 * 16,
    }  # fmt: skip
    assert least_contents(CHIP, "FP", LAYERS[0])["fp_conv_in_w"] == 16 * (3 * 9 + 3 * 16 * 9)
    assert least_contents(CHIP, "BP", LAYERS[2])["bp_conv_in_w"] == 10 * 16 * 16
    assert least_contents(CHIP, "WG", LAYERS[1])["wg_conv_out_dw"] == 16 * 16 * 9 * 16


def test_kernels_that_no_core_can_hold_are_refused_with_numbers() -> None:
    """A bank of 18,432 bits holds a kernel of 1152 weights for one pair of channels."""
    fits = [LAYERS[0], conv_layer("b", (20, 16), (40, 40), (32, 36))]
    simulate_training(CHIP, fits, TrainingSetup(1, 1))
    with pytest.raises(DoesNotFitError) as caught:
        simulate_training(CHIP, [LAYERS[0], conv_layer("b", (20, 16), (40, 40), (34, 34))], TrainingSetup(1, 1))
    text = str(caught.value)
    assert "FP needs 4,734,976 bits of fp_conv_in_w at a time, but a core has 4,718,592" in text
    assert "BP needs" in text and "WG needs" in text


def test_a_batch_that_no_dram_holds_is_refused_with_numbers() -> None:
    capacity = dram_of(CHIP).organisation.capacity_bytes
    run = simulate_training(CHIP, LAYERS, TrainingSetup(16, 4))
    each = 64 * (768 * 16 + (5120 + 10240) * 18 + 10 * 16) + 64 * 16 * (5120 + 10240) + 2 * 16 * WEIGHTS
    assert run.dram_bits_held == each
    less = simulate_training(CHIP, LAYERS, TrainingSetup(16, 4, recompute=True))
    assert run.dram_bits_held - less.dram_bits_held == 64 * 17 * (5120 + 10240)
    with pytest.raises(DoesNotFitError, match=f"hold {capacity // 2**20:,} MiB"):
        simulate_training(CHIP, LAYERS, TrainingSetup(400_000, 16))
    small = CHIP.model_copy(update={"dram": CHIP.dram.model_copy(update={"channels": 1})})
    with pytest.raises(DoesNotFitError, match="take fewer samples, or recompute membranes"):
        simulate_training(small, LAYERS, TrainingSetup(30_000, 10))
    simulate_training(small, LAYERS, replace(TrainingSetup(100, 10), recompute=True))
