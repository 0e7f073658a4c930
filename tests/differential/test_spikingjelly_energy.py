"""NeuroMC's cost model beside SpikingJelly's estimator on a whole network, each difference named.

SpikingJelly 2.0.0 (op_counter.estimate_neuromc_runtime_energy) runs the module and maps what it executed. It differs
from the authors' published fragment energies, and so from us, in three places:

* soma: 4 accesses fewer to 16-bit and 3 fewer to 1-bit registers for each neuron and step (-0.170 pJ);
* surrogate gradient: one 1-bit SRAM read more and 4 accesses fewer to 16-bit registers (+0.286 pJ);
* strided layers: BP and WG are charged at the resolution of the output, the authors charge that of the input.

Batch normalisation agrees. Its optimizer step counts the weights of one output channel only; ours counts them all. It
also counts the backward pass of ``nn.Linear`` twice (once for the module, once for its matrix products), so the
classifier here is a convolution.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.array import ArrayCosts
from neurocomp.energy.training import price_training
from neurocomp.simulate.engines.fragment import Phase, fragment
from neurocomp.simulate.engines.layer import Layer, conv_layer
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import TrainingSetup

torch = pytest.importorskip("torch")
counters = pytest.importorskip("spikingjelly.activation_based.op_counter")

from spikingjelly.activation_based import neuron, surrogate  # noqa: E402

CHIP = load_array_chip("neuromc")
SIDE = 8


def module(stride: int) -> torch.nn.Module:
    def neurons() -> torch.nn.Module:
        return neuron.LIFNode(surrogate_function=surrogate.Sigmoid())

    return torch.nn.Sequential(
        torch.nn.Conv2d(16, 32, 3, padding=1, bias=False), neurons(),
        torch.nn.Conv2d(32, 48, 3, stride=stride, padding=1, bias=False), neurons(),
        torch.nn.Conv2d(48, 10, 1, bias=False),
    )  # fmt: skip


def layers(stride: int) -> list[Layer]:
    small = SIDE // stride
    return [
        replace(conv_layer("a", (16, 32), (SIDE, SIDE), (3, 3)), first=True),
        conv_layer("b", (32, 48), (SIDE, SIDE), (3, 3), stride=(stride, stride)),
        conv_layer("c", (48, 10), (small, small), (1, 1), neurons=False),
    ]


def ours_pj(stride: int, phase: Phase) -> float:
    """At the resolution of the output, as SpikingJelly charges strided layers."""
    chip = CHIP
    if stride > 1:
        engines = {name: getattr(CHIP.engines, name) for name in ("fp", "bp", "wg")}
        plain = {name: engine.model_copy(update={"zero_insertion": False}) for name, engine in engines.items()}
        chip = CHIP.model_copy(update={"engines": CHIP.engines.model_copy(update=plain)})
    costs = ArrayCosts(chip)
    pieces = [fragment(chip, phase, layer) for layer in layers(stride) if not (phase == "BP" and layer.first)]
    return sum(costs.energy_aj(use.action, use.count) or 0 for piece in pieces for use in piece.uses) / 1e6


@pytest.mark.parametrize("stride", [1, 2])
def test_a_whole_network_differs_only_where_we_say(stride):
    torch.manual_seed(0)
    small = SIDE // stride
    spikes = (torch.rand(1, 16, SIDE, SIDE) < 0.5).float()
    theirs = counters.estimate_neuromc_runtime_energy(
        module(stride), spikes, target=torch.zeros(1, 10, small, small), loss_fn=torch.nn.MSELoss()
    ).energy_by_core_type
    neurons = 32 * SIDE**2 + 48 * small**2
    wide, narrow = CHIP.register_pj(16), CHIP.register_pj(1)
    one_bit_read = CHIP.memory("bp_grad_in_smask").read_pj / 16
    soma = -(4 * wide + 3 * narrow) * neurons
    gradient = (one_bit_read - 4 * wide) * neurons
    assert theirs["fp_soma"] == pytest.approx(ours_pj(stride, "FP") + soma, rel=1e-9)
    assert theirs["bp_grad"] == pytest.approx(ours_pj(stride, "BP") + gradient, rel=1e-9)
    assert theirs["wg"] == pytest.approx(ours_pj(stride, "WG"), rel=1e-9)


def test_batch_normalisation_is_the_same():
    torch.manual_seed(0)
    plain = module(1)
    normed = torch.nn.Sequential(plain[0], torch.nn.BatchNorm2d(32), *plain[1:])
    spikes = (torch.rand(3, 16, SIDE, SIDE) < 0.5).float()
    theirs = counters.estimate_neuromc_runtime_energy(
        normed, spikes, target=torch.zeros(3, 10, SIDE, SIDE), loss_fn=torch.nn.MSELoss()
    ).energy_by_core_type
    layer = conv_layer("a", (16, 32), (SIDE, SIDE), (3, 3), normalised=True)
    run = simulate_training(CHIP, [layer], TrainingSetup(3, 1))
    ours = price_training(run).by("phase", "unit")
    assert ours["FP", "norm"] / 1e6 == pytest.approx(theirs["ann_bn"], rel=1e-9)
    last = conv_layer("b", (32, 10), (SIDE, SIDE), (1, 1), neurons=False)
    both = simulate_training(CHIP, [layer, last], TrainingSetup(3, 1))
    assert price_training(both).by("phase", "unit")["BP", "norm"] / 1e6 == pytest.approx(theirs["ann_bn_bp"], rel=1e-9)
