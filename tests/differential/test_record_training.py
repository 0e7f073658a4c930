"""A recorded training step of a torch module is the one that neurocomp computes itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.training import price_training
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.frontend.recording import record_training
from neurocomp.report.training import training_report
from neurocomp.simulate.trained_layers import layers_of
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import TrainingSetup, recorded_activity

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
from spikingjelly.activation_based import functional, layer, neuron, surrogate  # noqa: E402
from torch import nn  # noqa: E402

STEPS = 5
LABELS = torch.tensor([0, 2, 1])
IMAGES = torch.rand(3, 2, 6, 6, generator=torch.Generator().manual_seed(1))


def lif() -> Any:
    return neuron.LIFNode(tau=2.0, surrogate_function=surrogate.PiecewiseQuadratic(1.0), detach_reset=True)


class Net(nn.Module):
    """mode: "m" all steps at once, "s" a loop over them; the first layer then sees the image at every step."""

    def __init__(self, mode: str = "m", normalise: bool = False) -> None:
        super().__init__()
        self.mode = mode
        self.conv1, self.lif1 = layer.Conv2d(2, 4, 3, padding=1), lif()
        self.bn = layer.BatchNorm2d(4) if normalise else nn.Identity()
        self.conv2, self.lif2 = layer.Conv2d(4, 3, 3, stride=2), lif()
        self.flatten, self.fc, self.lif3 = layer.Flatten(), layer.Linear(12, 3), lif()
        functional.set_step_mode(self, mode)
        torch.manual_seed(3)
        for parameter in self.parameters():
            parameter.data = (2 * torch.randn(parameter.shape) + 0.6) / parameter[0].numel() ** 0.5

    def step(self, x: Any) -> Any:
        x = self.lif2(self.conv2(self.lif1(self.bn(self.conv1(x)))))
        return self.lif3(self.fc(self.flatten(x)))

    def forward(self, image: Any) -> Any:
        if self.mode == "m":
            return self.step(image.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)).mean(0)
        return torch.stack([self.step(image) for _ in range(STEPS)]).mean(0)


@pytest.mark.parametrize("mode", ["m", "s"])
def test_the_recorded_zeros_are_those_of_our_own_back_propagation(mode: str) -> None:
    net = Net(mode)
    recorded = record_training(net.train(), (IMAGES, LABELS), nn.functional.cross_entropy)
    network = freeze(net.eval(), IMAGES)
    ours = training_step(
        network, encode_sample(network.sample), rate_cross_entropy(LABELS.numpy()),
        Surrogate("triangle", 1.0), detach_reset=True,
    ).trace  # fmt: skip
    assert (recorded.samples, recorded.steps) == (3, STEPS)
    assert list(recorded.layers) == ["conv1", "conv2", "fc"] and set(recorded.masks) == {"lif1", "lif2", "lif3"}
    for name, found in recorded.layers.items():
        assert found.sent.binary == ours.layers[name].sent.binary
        for side in ("sent", "arrived"):
            a, b = getattr(found, side).dense(), getattr(ours.layers[name], side).dense()
            assert a.mean() > 0 and np.array_equal(a.reshape(-1), b.reshape(-1)), (name, side)
    for name, mask in recorded.masks.items():
        assert 0 < mask.density < 1
        np.testing.assert_array_equal(mask.dense(), ours.masks[name].dense())


def test_the_module_is_left_as_it_was() -> None:
    net = Net(normalise=True).train()
    net.fc.weight.grad = torch.ones_like(net.fc.weight)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    random = torch.random.get_rng_state()
    trace = record_training(net, (IMAGES, LABELS), nn.functional.cross_entropy)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(net.fc.weight.grad, torch.ones_like(net.fc.weight)) and net.conv1.weight.grad is None
    assert torch.equal(torch.random.get_rng_state(), random)
    arrived = trace.layers["conv1"].arrived.dense()  # batch normalisation spreads a gradient over its channel
    assert arrived.any()
    np.testing.assert_array_equal(arrived.any(axis=(0, 1, 3, 4)), arrived.all(axis=(0, 1, 3, 4)))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_a_loss_of_the_output_alone_and_an_image_seen_once() -> None:
    class Once(Net):
        def forward(self, image: Any) -> Any:
            x = self.conv1(image).unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)
            return self.lif3(self.fc(self.flatten(self.lif2(self.conv2(self.lif1(x))))))

    net = Once().train()
    net.conv1.step_mode = "s"
    trace = record_training(net, IMAGES, lambda output: output.sum())
    assert trace.layers["conv1"].sent.bits.shape[:2] == (3, 1)
    assert trace.layers["conv2"].sent.bits.shape[:2] == (3, STEPS)


def test_snntorch_neurons_have_masks_too() -> None:
    snntorch = pytest.importorskip("snntorch")

    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 3)
            self.leaky1, self.leaky2 = snntorch.Leaky(0.9), snntorch.Leaky(0.9)

        def forward(self, x: Any) -> Any:
            one, two, spikes = self.leaky1.init_leaky(), self.leaky2.init_leaky(), []
            for _ in range(STEPS):
                spike, one = self.leaky1(self.fc1(x), one)
                spike, two = self.leaky2(self.fc2(spike), two)
                spikes.append(spike)
            return torch.stack(spikes)

    trace = record_training(Loop().train(), torch.rand(4, 6), lambda output: output.sum())
    assert (trace.samples, trace.steps) == (4, STEPS)
    assert trace.masks["leaky1"].density == 1.0, "the ATan surrogate is zero nowhere"
    assert trace.layers["fc2"].sent.shape == (8,) and trace.layers["fc2"].arrived.shape == (3,)


def test_what_cannot_be_recorded_is_said() -> None:
    net = Net().train()
    net.conv1.requires_grad_(False)
    with pytest.raises(InputError, match="conv1: no gradient arrived at this layer"):
        record_training(net, (IMAGES, LABELS), nn.functional.cross_entropy)
    with pytest.raises(InputError, match="the module failed on the batch"):
        record_training(Net().train(), IMAGES[:, :1], lambda y: y.sum())
    with pytest.raises(InputError, match="is a dict, not a torch"):
        record_training({}, IMAGES, lambda y: y.sum())


def test_a_recorded_step_decides_what_skipped_zeros_save() -> None:
    """The whole way: a module with batch normalisation, one recorded step, its layers on the training chip."""
    net = Net(normalise=True).train()
    trace = record_training(net, (IMAGES, LABELS), nn.functional.cross_entropy)
    layers = layers_of(freeze(net.eval(), IMAGES), normalised=True)
    chip, activity = load_array_chip("neuromc"), recorded_activity(trace)
    skipped, dense = (
        simulate_training(chip, layers.layers, TrainingSetup(3, STEPS, sparsity=sparsity, activity=activity))  # type: ignore[arg-type]
        for sparsity in ("skipped", "dense")
    )
    report = training_report(skipped, price_training(skipped), left_out=layers.assumptions)
    assert trace.origin in report.assumptions[0] and trace.origin in " ".join(report.to_text().split())
    assert report.energy_pj < price_training(dense).total_aj / 1e6
    macs = {(t.layer, t.phase): (t.macs, t.dense_macs) for t in skipped.times}
    for name, recorded in trace.layers.items():
        for phase, signal in (("FP", recorded.sent), ("BP", recorded.arrived), ("WG", recorded.sent)):
            if (name, phase) not in macs:
                assert (name, phase) == ("conv1", "BP"), "nothing goes back through the first layer"
                continue
            executed, possible = macs[name, phase]
            share = 1.0 if name == "conv1" else signal.density  # real inputs are all looked at
            assert executed == pytest.approx(share * possible, abs=1), (name, phase)
    assert macs["conv2", "FP"][0] < macs["conv2", "FP"][1]
