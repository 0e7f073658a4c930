"""Back-propagation through time against torch's autograd, with SpikingJelly's neurons and surrogates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.activity.training.backprop import TrainingStep, rate_cross_entropy, training_step
from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.frontend.freeze import freeze
from neurocomp.network.graph import Network

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
from spikingjelly.activation_based import functional, layer, neuron, surrogate  # noqa: E402

STEPS, SAMPLES = 4, 3
LABELS = np.array([0, 2, 1])


class Small(torch.nn.Module):
    """Strided, grouped and plain convolutions, a residual sum, pooling, and a readout of neurons."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.conv1, self.lif1 = layer.Conv2d(2, 6, 3, padding=1), make()
        self.conv2, self.lif2 = layer.Conv2d(6, 6, 3, padding=1, groups=3), make()
        self.conv3, self.lif3 = layer.Conv2d(6, 4, (3, 2), stride=2, padding=(1, 0), bias=False), make()
        self.pool, self.flatten = layer.AvgPool2d(2), layer.Flatten()
        self.fc, self.lif4 = layer.Linear(16, 3), make()
        functional.set_step_mode(self, "m")

    def forward(self, image: Any) -> Any:
        x = self.lif1(self.conv1(image.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)))
        x = self.lif3(self.conv3(x + self.lif2(self.conv2(x))))
        return self.lif4(self.fc(self.flatten(self.pool(x))))


def lif(spike: Any, **given: Any) -> Any:
    return lambda: neuron.LIFNode(tau=2.0, surrogate_function=spike, **given)


CASES: dict[str, tuple[Any, Surrogate, bool]] = {
    "atan": (lif(surrogate.ATan(2.0), detach_reset=True), Surrogate("atan", 2.0), True),
    "through the reset": (lif(surrogate.ATan(3.0), v_reset=-0.05), Surrogate("atan", 3.0), False),
    "soft reset": (lif(surrogate.Sigmoid(4.0), v_reset=None, decay_input=False), Surrogate("sigmoid", 4.0), False),
    "soft, detached": (lif(surrogate.Sigmoid(4.0), v_reset=None, detach_reset=True), Surrogate("sigmoid", 4.0), True),
    "triangle": (lif(surrogate.PiecewiseQuadratic(1.5), detach_reset=True), Surrogate("triangle", 1.5), True),
    "no leak": (lambda: neuron.IFNode(surrogate_function=surrogate.ATan(2.0)), Surrogate("atan", 2.0), False),
}


def both(name: str) -> tuple[Network, TrainingStep, float, dict[str, Any]]:
    """A step by neurocomp and by torch: (network, our step, torch's loss, torch's gradients)."""
    make, ours, detached = CASES[name]
    torch.manual_seed(7)
    net = Small(make)
    for parameter in net.parameters():
        parameter.data = 4 * parameter.data + 0.1  # so that spikes reach the last layer
    images = torch.rand(SAMPLES, 2, 9, 8, generator=torch.Generator().manual_seed(1))
    network = freeze(net.eval(), images)
    functional.reset_net(net)
    rates = net(images).mean(0)
    loss = torch.nn.functional.cross_entropy(rates, torch.from_numpy(LABELS))
    loss.backward()
    inputs = encode_sample(network.sample)
    step = training_step(network, inputs, rate_cross_entropy(LABELS), ours, detach_reset=detached)
    np.testing.assert_array_equal(step.output, execute(network, inputs).output)
    return network, step, loss.item(), {key: p.grad.numpy() for key, p in net.named_parameters()}


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_autograd(name: str) -> None:
    network, step, loss, expected = both(name)
    assert all(step.trace.layers[name].sent.density > 0 for name in ("conv2", "conv3", "fc")) and step.output.any()
    assert step.loss == pytest.approx(loss, rel=1e-6)
    found = {f"{key}.weight": value for key, value in step.weights.items()}
    for population, value in step.biases.items():
        into = [p.name for p in network.incoming[population] if f"{p.name}.bias" in expected]
        found[f"{into[0]}.bias"] = value
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert np.abs(value).max() > 1e-4, f"{key}: nothing to compare"
        assert np.abs(found[key] - value).max() <= 1e-5 * np.abs(value).max(), key
