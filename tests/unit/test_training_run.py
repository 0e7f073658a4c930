"""A training iteration on the FP/BP/WG chip: traffic, energy, times and what zeros save, against plain sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.training.trace import LayerTrace, TrainingTrace, signal_of
from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.array import ArrayCosts
from neurocomp.energy.training import paths_used, price_training, tera_operations_per_joule
from neurocomp.errors import InputError
from neurocomp.simulate.engines.fragment import PHASES, fragment
from neurocomp.simulate.engines.layer import Layer, conv_layer, linear_layer
from neurocomp.simulate.gpu import LayerTensors
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_noc import busiest_link_cycles
from neurocomp.simulate.training_run import TrainingRun
from neurocomp.simulate.training_setup import (
    Activity,
    LayerActivity,
    TrainingSetup,
    lane_imbalance,
    recorded_activity,
    synthetic_activity,
)
from tests.ideal_traffic import ideal_bytes

CHIP = load_array_chip("neuromc")


def resnet18(*, ends: bool = True, normalised: bool = True) -> list[Layer]:
    """S-ResNet18 at 224 pixels; ends: its first layer and its classifier too."""
    layers = [
        conv_layer("first", (3, 64), (224, 224), (7, 7), stride=(2, 2), normalised=normalised, real_input=True)
    ] * ends
    channels, size = 64, 56
    for outputs in (64, 128, 256, 512):
        for block in range(2):
            stride = (2, 2) if block == 0 and outputs > 64 else (1, 1)
            name, small = f"{outputs}.{block}", size // stride[0]
            layers.append(
                conv_layer(f"{name}.a", (channels, outputs), (size,) * 2, (3, 3), stride=stride, normalised=normalised)
            )
            layers.append(conv_layer(f"{name}.b", (outputs,) * 2, (small,) * 2, (3, 3), normalised=normalised))
            if channels != outputs:
                down = conv_layer(
                    f"{name}.down", (channels, outputs), (size,) * 2, (1, 1), stride=stride, normalised=normalised
                )
                layers.append(down)
            channels, size = outputs, small
    return [*layers, linear_layer("classifier", (512, 1000), neurons=False)] if ends else layers


SMALL = [
    conv_layer("a", (3, 20), (8, 8), (3, 3), real_input=True, normalised=True),
    conv_layer("b", (20, 40), (8, 8), (3, 3), stride=(2, 2)),
    linear_layer("c", (640, 10), neurons=False),
]


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("order", ["layer", "step"])
def test_traffic_without_rims_is_that_of_the_ideal_accelerator(normalised, order):
    """The ideal fetches weights once; in step order those of cores that are too small are fetched at every step."""
    layers = resnet18(ends=False, normalised=normalised)
    run = simulate_training(CHIP, layers, TrainingSetup(2, 4, halos=False, order=order))
    tensors = [
        LayerTensors(layer.name, 8 * layer.inputs, 8 * layer.outputs, layer.weights, 8 * layer.macs) for layer in layers
    ]
    by_phase = run.traffic_bits("phase")
    moved = sum(bits for (phase,), bits in by_phase.items() if phase != "UPDATE")
    held: Counter[int] = Counter()
    for part in run.parts:
        held[part.core] += part.piece.weights
    store = CHIP.memory("fp_conv_in_w").total_bits
    again = sum(n for n in held.values() if 16 * n > store) * 16 * 7 * 2 if order == "step" else 0
    assert moved - again == 8 * ideal_bytes(tensors, normalised=normalised)
    assert (again > 0) == (order == "step")
    scales = 2 * sum(layer.out_channels for layer in layers) if normalised else 0
    assert by_phase["UPDATE",] == 16 * 3 * (sum(layer.weights for layer in layers) + scales)


def test_rims_of_tiles_are_fetched_twice():
    layers = resnet18(ends=False)
    plain, rims = (simulate_training(CHIP, layers, TrainingSetup(2, 4, halos=h)) for h in (False, True))
    difference = rims.dram_bits - plain.dram_bits
    # maps of 56 pixels take two tiles: 58 rows and columns for 3 x 3; their inputs (FP, WG) and gradients (BP)
    of_56 = [layer for layer in layers if layer.in_size[0] == 56 and layer.kernel[0] == 3]
    spikes = sum(2 * 8 * layer.in_channels for layer in of_56)
    gradients = sum(16 * 8 * layer.out_channels for layer in of_56 if layer.out_size[0] == 56)
    assert difference == (58 * 58 - 56 * 56) * (spikes + gradients)


@pytest.mark.parametrize("setup", [
    TrainingSetup(1, 1), TrainingSetup(2, 3, "adam", "layer"), TrainingSetup(3, 2, sparsity="gated"),
    TrainingSetup(2, 2, sparsity="skipped", recompute=True, packed=False), TrainingSetup(2, 2, balance="forward"),
])  # fmt: skip
def test_parts_sum_to_the_total(setup):
    run = simulate_training(CHIP, SMALL, setup)
    energy = price_training(run)
    assert set(energy.unknown) <= {"noc"} and energy.static_aj is None
    for axes in (("phase",), ("layer",), ("core",), ("unit",), ("layer", "phase", "unit"), ()):
        assert sum(energy.by(*axes).values()) == energy.total_aj
    for axes in (("phase",), ("tensor",), ("layer", "core")):
        assert sum(run.traffic_bits(*axes).values()) == run.dram_bits
    assert energy.by("unit")["dram",] == round(20.3125 * 10**6 * run.dram_bits)
    assert energy.total_aj == energy.without("dram") + energy.by("unit")["dram",]
    assert all(row.count > 0 for row in run.tallies)
    used = paths_used(run)
    assert {"operations.add_pj", "clock_mhz", "dram.access_pj_per_bit", "engines.fp.pointwise.memory[1].bits"} <= set(
        used
    )
    assert ("optimizers.adam.state_words" in used) == (setup.optimizer == "adam")


def test_one_step_of_one_sample_is_the_sum_of_its_fragments():
    layers = [replace(layer, normalised=False) for layer in SMALL]
    run = simulate_training(CHIP, layers, TrainingSetup(1, 1))
    costs = ArrayCosts(CHIP)
    by_phase = {}
    for phase in PHASES:
        pieces = [
            fragment(CHIP, phase, part.piece) for part in run.parts if not (phase == "BP" and part.whole.real_input)
        ]
        by_phase[phase] = sum(costs.energy_aj(use.action, use.count) or 0 for piece in pieces for use in piece.uses)
    energy = price_training(run).by("phase", "unit")
    for phase in PHASES:
        found = sum(aj for (p, unit), aj in energy.items() if p == phase and unit not in ("dram", "noc"))
        assert abs(found - by_phase[phase]) <= 100  # attojoules: each row is rounded once, and rows are joined


def test_work_grows_with_samples_and_steps():
    one = simulate_training(CHIP, SMALL, TrainingSetup(1, 1))
    many = simulate_training(CHIP, SMALL, TrainingSetup(3, 5))
    for a, b in zip(one.times, many.times, strict=True):
        assert (b.macs, b.cycles - b.norm_cycles) == (15 * a.macs, 15 * (a.cycles - a.norm_cycles))
    assert many.engines_ps < 15 * one.engines_ps  # cores work side by side
    assert many.epoch_ps(7) == 3 * many.iteration_ps


def by_unit(run: TrainingRun) -> dict[str, int]:
    return {str(unit): aj for (unit,), aj in price_training(run).by("unit").items()}


def test_zeros_save_energy_and_then_time():
    runs = {s: simulate_training(CHIP, SMALL, TrainingSetup(2, 4, sparsity=s)) for s in ("dense", "gated", "skipped")}
    dense, gated, skipped = (by_unit(runs[s]) for s in ("dense", "gated", "skipped"))
    assert skipped["mac"] == gated["mac"] < dense["mac"]
    assert skipped["sram"] < gated["sram"] == dense["sram"]
    assert gated["pointwise"] == dense["pointwise"] == skipped["pointwise"]
    assert runs["gated"].engines_ps == runs["dense"].engines_ps > runs["skipped"].engines_ps
    assert runs["skipped"].dram_bits == runs["dense"].dram_bits
    shares = {(t.layer, t.phase): t.macs / t.dense_macs for t in runs["gated"].times}
    assert shares["a", "FP"] == 1  # numbers come in
    assert shares["b", "FP"] == shares["b", "WG"] == pytest.approx(0.2, rel=1e-4)
    assert shares["b", "BP"] == pytest.approx(0.5, rel=1e-4)
    everything = Activity({}, LayerActivity(1, 1), "all")
    full = simulate_training(CHIP, SMALL, TrainingSetup(2, 4, sparsity="skipped", activity=everything))
    assert by_unit(full) == dense and full.iteration_ps == runs["dense"].iteration_ps


def test_uneven_work_takes_longer_but_never_longer_than_dense():
    times = []
    for imbalance in (1.0, 2.0, 100.0):
        activity = Activity({}, LayerActivity(0.1, 0.1, imbalance, imbalance), "uneven")
        setup = TrainingSetup(1, 1, sparsity="skipped", activity=activity)
        times.append([t.array_cycles for t in simulate_training(CHIP, SMALL, setup).times if t.layer == "b"])
    dense = [t.array_cycles for t in simulate_training(CHIP, SMALL, TrainingSetup(1, 1)).times if t.layer == "b"]
    assert all(a < b < c == d for a, b, c, d in zip(*times, dense, strict=True))


def test_lanes_wait_for_the_busiest_of_them():
    values = np.zeros((1, 2, 5, 3, 1), bool)
    assert lane_imbalance(values, 4) == 1.0
    values[:, :, :4] = True
    assert lane_imbalance(values, 4) == 1.0  # four full lanes, and one that is empty in a group of its own
    assert lane_imbalance(values, 5) == 5 / 4
    values[0, 0, 1:4] = False  # at the first step one lane has all the work
    assert lane_imbalance(values, 4) == (3 * 4 + 3 * 4) / (3 + 12)
    assert lane_imbalance(values, 1) == 1.0


def test_recomputing_trades_traffic_for_work():
    plain, again = (simulate_training(CHIP, SMALL, TrainingSetup(2, 4, recompute=r)) for r in (False, True))
    assert not {("membrane",), ("mask",)} & set(again.traffic_bits("tensor"))
    forward = sum(t.macs for t in plain.times if t.phase == "FP" and t.layer != "c")  # c has no neurons
    assert sum(t.macs for t in again.times) == sum(t.macs for t in plain.times) + forward
    read = {key: again.traffic_bits("layer", "tensor").get(key, 0) for key in (("a", "inputs"), ("c", "weights"))}
    before = plain.traffic_bits("layer", "tensor")
    assert read["a", "inputs"] == before["a", "inputs"] * 3 // 2  # FP twice, WG once
    assert read["c", "weights"] == before["c", "weights"]
    for order, saves in (("layer", True), ("step", False)):  # at every step the weights are fetched again
        setups = [TrainingSetup(16, 4, order=order, recompute=r) for r in (False, True)]  # type: ignore[arg-type]
        without, recomputed = (simulate_training(CHIP, resnet18(ends=False), s).dram_bits for s in setups)
        assert (recomputed < without) == saves


def test_unpacked_spikes_take_a_value_each():
    packed, plain = (simulate_training(CHIP, SMALL, TrainingSetup(2, 4, packed=p)) for p in (True, False))
    for tensor in ("spikes", "mask"):
        assert plain.traffic_bits("tensor")[tensor,] == 16 * packed.traffic_bits("tensor")[tensor,]
    assert plain.traffic_bits("tensor")["membrane",] == packed.traffic_bits("tensor")["membrane",]


def test_what_bounds_a_layer():
    run = simulate_training(CHIP, resnet18(), TrainingSetup(16, 4))
    assert run.bounds["classifier"] == "DRAM"  # every weight is used once
    assert run.bounds["first"].startswith("WG")  # strided, at the resolution of the image
    slow = CHIP.model_copy(update={"clock_mhz": 1e5})
    fast = simulate_training(slow, resnet18(), TrainingSetup(16, 4))
    assert fast.bounds["512.1.b"] == "DRAM" and fast.iteration_ps == fast.dram_ps + fast.update_ps
    apart = simulate_training(slow, resnet18(), TrainingSetup(16, 4, double_buffered=False))
    assert apart.iteration_ps == apart.dram_ps + apart.engines_ps + apart.update_ps


def test_cores_that_share_a_layer_share_its_inputs_and_sum_its_gradients():
    noc = CHIP.noc.model_copy(update={"link_bits_per_cycle": 64, "hop_pj_per_bit": 0.1})
    chip = CHIP.model_copy(update={"noc": noc})
    layer = conv_layer("only", (8, 64), (6, 6), (3, 3))
    run = simulate_training(chip, [layer], TrainingSetup(2, 3))
    assert [part.core for part in run.parts] == [0, 1, 2, 3]
    values = 2 * 3 * 8 * 6 * 6
    expected = [
        move
        for core in (1, 2, 3)
        for move in ((0, core, "FP", values, core), (0, core, "WG", values, core), (core, 0, "BP", 16 * values, core))
    ]
    assert [(s.source, s.target, s.phase, s.bits, s.hops) for s in run.sent] == expected
    hops = 1 + 2 + 3
    assert by_unit(run)["noc"] == round(0.1 * 10**6 * hops * values * (1 + 1 + 16))
    # the link between the first two cores carries three copies, and three shares of the gradient the other way
    cycles = {phase: -(-3 * bits // 64) for phase, bits in (("FP", values), ("WG", values), ("BP", 16 * values))}
    assert busiest_link_cycles(chip, run.sent) == {("only", phase): n for phase, n in cycles.items()}
    assert run.noc_ps == -(-3 * 16 * values // 64) * 5000  # 200 MHz; both ways at the same time
    narrow = chip.model_copy(update={"noc": noc.model_copy(update={"link_bits_per_cycle": 1})})
    crowded = simulate_training(narrow, [layer], TrainingSetup(2, 3))
    assert crowded.bounds["only"] == "BP NoC"
    assert crowded.iteration_ps == crowded.noc_ps + crowded.update_ps
    wide = simulate_training(chip, resnet18(ends=False), TrainingSetup(1, 1))
    assert all(s.hops <= 4 + 3 for s in wide.sent)
    assert simulate_training(CHIP, [layer], TrainingSetup(2, 3)).noc_ps == 0  # its rate is not published


def test_resnet18_on_twenty_cores():
    run = simulate_training(CHIP, resnet18(ends=False, normalised=False), TrainingSetup(16, 4))
    energy = price_training(run)
    assert {part.core for part in run.parts} == set(range(20))
    assert all(0 < share < 1 for share in run.utilisation().values())
    assert run.utilisation()["BP"] > 0.4
    rates = tera_operations_per_joule(run, energy)
    assert rates["executed, all"] < rates["executed, core"] == pytest.approx(1.09, abs=0.01)
    assert rates["useful, core"] == pytest.approx(0.89, abs=0.01)
    assert "assumed" in run.assumptions[0]


def test_a_recorded_step_gives_its_shares():
    rng = np.random.default_rng(1)
    sent, arrived = (signal_of((rng.random((2, 3, 20, 8, 8)) < p).astype(float), (20, 8, 8)) for p in (0.3, 0.6))
    trace = TrainingTrace(2, 3, {"b": LayerTrace(sent, arrived)}, {}, "a run")
    activity = recorded_activity(trace)
    run = simulate_training(CHIP, SMALL, TrainingSetup(2, 3, sparsity="gated", activity=activity))
    shares = {(t.layer, t.phase): t.macs / t.dense_macs for t in run.times}
    assert shares["b", "FP"] == pytest.approx(sent.density, rel=1e-4)
    assert shares["b", "BP"] == pytest.approx(arrived.density, rel=1e-4)
    assert shares["c", "FP"] == 1
    assert run.assumptions[0].startswith("activity: a run; zeros save the energy")


def test_a_cost_that_is_not_known_is_listed():
    chip = CHIP.model_copy(update={"dram": CHIP.dram.model_copy(update={"access_pj_per_bit": None}), "static_mw": 2.0})
    energy = price_training(simulate_training(chip, SMALL, TrainingSetup(1, 1)))
    assert set(energy.unknown) == {"dram", "noc"}
    assert energy.static_aj == 2000 * simulate_training(chip, SMALL, TrainingSetup(1, 1)).iteration_ps
    assert energy.total_aj == sum(energy.by("unit").values()) + energy.static_aj


def test_settings_that_make_no_sense_are_all_named():
    with pytest.raises(InputError) as caught:
        TrainingSetup(0, 4, "adamw", activity=synthetic_activity(1.5), sparsity="sparse")  # type: ignore[arg-type]
    text = str(caught.value)
    for part in ("samples is 0", "no optimizer 'adamw'", "no sparsity 'sparse'", "other layers"):
        assert part in text
    with pytest.raises(InputError, match="nothing to train"):
        simulate_training(CHIP, [])
    with pytest.raises(InputError, match="names of their own"):
        simulate_training(CHIP, [SMALL[0], SMALL[0]])
