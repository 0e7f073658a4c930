"""The exact message for neurons that cannot be frozen."""

from __future__ import annotations

from typing import Any

import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
snn = pytest.importorskip("snntorch")
from spikingjelly.activation_based import functional, layer, neuron, surrogate  # noqa: E402
from torch import nn  # noqa: E402

X = torch.rand(4, 2, 6, generator=torch.Generator().manual_seed(0))
"""(steps, samples, features)"""


def refusal(module: Any) -> str:
    with pytest.raises(InputError) as caught:
        freeze(module, X)
    return str(caught.value)


def multi_step(*layers: nn.Module) -> nn.Module:
    net = nn.Sequential(*layers)
    functional.set_step_mode(net, "m")
    return net.eval()


def test_unknown_neurons_are_all_named() -> None:
    table = neuron.FewSpikeTable([0.5], [0.5], [0.5])
    act = neuron.LIAFNode(torch.relu, False)
    net = multi_step(layer.Linear(6, 3), neuron.FewSpikeNode(table), layer.Linear(3, 3), act)
    message = refusal(net)
    assert message.startswith(
        "1: neuron FewSpikeNode cannot be frozen\n"
        "  why:  it takes the sum over all steps, then fires for as many steps: its layers run one after the other\n"
        "  next: supported: IFNode, LIFNode, ParametricLIFNode, CUBALIFNode, "
    )
    assert (
        "\n3: neuron LIAFNode cannot be frozen\n"
        "  why:  it sends a function of its membrane and resets by spikes that it does not send\n" in message
    )


def test_neurons_that_run_one_step_per_call() -> None:
    online = neuron.OTTTLIFNode()
    assert refusal(multi_step(layer.Linear(6, 3), online)) == (
        "1: neuron OTTTLIFNode cannot be frozen\n"
        "  why:  SpikingJelly runs it one step per call; with step_mode='m' its own forward pass fails\n"
        "  next: set its step_mode to 's' and call it once per time step"
    )
    online.step_mode = "s"
    assert "in training mode it returns traces" in refusal(online.train())


def test_changed_neuron_class() -> None:
    class MyLIF(neuron.LIFNode):
        def single_step_forward(self, x: Any) -> Any:
            return super().single_step_forward(2 * x)

    assert refusal(nn.Sequential(nn.Linear(6, 3), MyLIF())) == (
        "1: neuron MyLIF cannot be frozen\n  why:  the class changes LIFNode: single_step_forward\n"
        "  next: use the framework's own class"
    )


def test_soft_spikes() -> None:
    net = multi_step(layer.Linear(6, 3), neuron.LIFNode(surrogate_function=surrogate.ATan(spiking=False)))
    message = refusal(net)
    assert message.startswith("1: neuron LIFNode cannot be frozen\n  why:  its spike function answers [")
    assert message.endswith("next: use a surrogate whose forward pass is a step (spiking=True)")


def test_snntorch_features() -> None:
    with pytest.warns(UserWarning, match="Inhibition"):
        net = nn.Sequential(nn.Linear(6, 3), snn.Leaky(beta=0.5, inhibition=True, init_hidden=True))
    assert refusal(net) == (
        "1: neuron Leaky cannot be frozen\n"
        "  why:  inhibition lets only one neuron of the layer spike, which no chip does in a step"
    )
    net = nn.Sequential(snn.RSynaptic(alpha=0.5, beta=0.5, linear_features=6, reset_delay=False, init_hidden=True))
    assert refusal(net) == (
        "0: neuron RSynaptic cannot be frozen\n  why:  snnTorch 1.0 itself cannot run RSynaptic with reset_delay=False"
    )
