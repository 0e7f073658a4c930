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


def refusal(module: Any, example: Any = X, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        freeze(module, example, **options)
    return str(caught.value)


def multi_step(*layers: nn.Module) -> nn.Module:
    net = nn.Sequential(*layers)
    functional.set_step_mode(net, "m")
    return net.eval()


def test_unknown_neurons_are_all_named() -> None:
    table = neuron.FewSpikeTable([0.5], [0.5], [0.5])
    act = neuron.STBIFNode(1.0, 8)
    net = multi_step(layer.Linear(6, 3), neuron.FewSpikeNode(table), layer.Linear(3, 3), act)
    message = refusal(net)
    assert message.startswith(
        "1: neuron FewSpikeNode cannot be frozen\n"
        "  why:  it takes the sum over all steps, then fires for as many steps: its layers run one after the other\n"
        "  next: supported: IFNode, LIFNode, ParametricLIFNode, CUBALIFNode, "
    )
    assert (
        "\n3: neuron STBIFNode cannot be frozen\n"
        "  why:  it counts what it has sent and stops at a bound, a rule that no chip here has\n" in message
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


def test_fewer_steps_than_the_loop_runs() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.sn = nn.Linear(6, 3), neuron.LIFNode()

        def forward(self, x: Any) -> Any:
            return torch.stack([self.sn(self.fc(x[t])) for t in range(6)])

    class Constant(Net):
        def forward(self, x: Any) -> Any:
            return torch.stack([self.sn(self.fc(x)) for _ in range(6)])

    class Broadcast(Net):
        def forward(self, x: Any) -> Any:
            return self.sn(self.fc(x) * torch.linspace(0.5, 1.0, 6)[:, None, None])

    assert refusal(Net(), X[:1]) == (
        "Net: the module failed on the example input\n"
        "  why:  IndexError: index 1 is out of bounds for dimension 0 with size 1\n"
        "  next: if axis 0 of the example is time, give as many steps as the loop runs: it has 1"
    )
    assert refusal(Constant(), X[:1], encoding="temporal") == (
        "example_input: has shape (1, 2, 6), in which no axis has the 6 time steps that the module runs\n"
        '  next: give 6 steps, or leave encoding="temporal" out if the input is the same at every step'
    )
    whole = Broadcast()
    functional.set_step_mode(whole, "m")
    assert refusal(whole, X[:1]).startswith(
        "sn: what this neuron is given cannot be frozen\n"
        "  why:  the longest of the neuron layers runs 6 time steps, and no axis of the example, which has shape "
        "(1, 2, 6), has as many; give 6 steps"
    )


class Fires(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, x: Any) -> Any:
        return (x >= 0).float()


class ResetByItself(nn.Module):
    """A neuron written out that resets by a comparison of its own, in the line that makes its spikes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        v, spikes = torch.zeros(x.shape[1], 3), []
        for step in range(x.shape[0]):
            v = 0.5 * v + self.fc(x[step])
            v, spike = (lambda m: (m, Fires.apply(m - 0.5)))(v * (1 - Fires.apply(v - 1)))
            spikes.append(spike)
        return torch.stack(spikes)


def test_a_neuron_that_is_compared_more_than_once_a_step_is_named() -> None:
    assert refusal(ResetByItself().eval()).startswith(
        "the network: a membrane is compared with a threshold 8 times in one forward pass, and no axis of the input "
        "(4, 2, 6) is that long\n"
        "  why:  comparisons in one line of code are taken for one neuron's, which makes one per step\n"
        "  next: give each a line of its own, or the neuron a module that declares its canonical form "
        "(docs/freezing.md)"
    )
