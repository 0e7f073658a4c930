"""Networks from papers: frozen without a wrong spike, and mapped onto a chip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.mapping.compile import compile_network
from neurocomp.network import Network
from tests.freezing import activity, executed

torch = pytest.importorskip("torch")
from tests.models.coded import TTFS, Converted  # noqa: E402
from tests.models.delayed import AxonalDelays, SynapticDelays  # noqa: E402
from tests.models.gated import EGRU  # noqa: E402
from tests.models.recurrent import LSNN, SRNN  # noqa: E402


def drive(inputs: int, steps: int = 7, rate: float = 0.4) -> Any:
    """Spikes of a few samples, (steps, samples, inputs)."""
    rng = np.random.default_rng(7)
    return torch.from_numpy((rng.random((steps, 3, inputs)) < rate).astype(np.float32))


def lively(net: Any, gain: float) -> Any:
    for child in net.modules():
        if isinstance(child, torch.nn.Linear | torch.nn.Conv2d):
            child.weight.data *= gain
    return net.eval()


def check(net: Any, x: Any, chip: str | None, mismatches: tuple[str, ...] = (), **options: Any) -> Network:
    """freeze itself compares every spike of every layer with torch's; here: none is silent, and it compiles."""
    network = freeze(net, x, **options)
    assert min(activity(executed(network)).values()) > 0.01, activity(executed(network))
    if chip is not None:
        program = compile_network(network, load_chip(chip), effort="fast")
        found = " ".join(program.mismatches)
        assert all(words in found for words in mismatches), found
        assert ("neurons without" in found) == bool([w for w in mismatches if "without" in w]), found
    return network


def test_recurrent() -> None:
    torch.manual_seed(0)
    network = check(lively(SRNN(), 2.0), drive(12), "loihi2")
    loops = [p for p in network.projections if p.source == p.target]
    assert [p.delay for p in loops] == [1, 1]


def test_adaptive_and_recurrent() -> None:
    torch.manual_seed(1)
    net = lively(LSNN(), 2.5)
    network = check(net, drive(12, 8), "loihi2")
    assert network.by_name["neurons"].neuron.parts() == ("adaptive_threshold", "own_reset_amount")
    compile_network(network, load_chip("generic"), effort="fast")
    program = compile_network(network, load_chip("loihi"), effort="fast")
    assert "loihi: has neurons without threshold that adapts, which neurons has" in program.mismatches


def test_axonal_delays() -> None:
    torch.manual_seed(2)
    network = check(lively(AxonalDelays(), 2.5), drive(10), "loihi")
    assert {p.delay for p in network.projections} == set(range(4))


def test_synaptic_delays() -> None:
    torch.manual_seed(3)
    network = check(SynapticDelays(), drive(10), "loihi")
    assert {p.delay for p in network.projections} == set(range(4))


def test_time_to_first_spike() -> None:
    torch.manual_seed(4)
    network = check(lively(TTFS(), 2.5), drive(12, rate=0.3), "loihi2")
    assert max(float(spikes.sum(1).max()) for spikes in executed(network).values()) == 1


@pytest.mark.parametrize("powers", [False, True])
def test_converted_with_bursts(powers: bool) -> None:
    torch.manual_seed(5)
    net = lively(Converted(powers), 3.0)
    network = check(net, torch.rand(2, 1, 6, 6), "loihi2")
    assert executed(network)["first"].max() == 4
    assert executed(network)["last"].min() < 0


@pytest.mark.parametrize("kind", ["PSN", "MaskedPSN"])
def test_parallel_neurons(kind: str) -> None:
    """A PSN needs all steps before its first (a masked one as many as lie in its mask): the host mixes them."""
    psn = pytest.importorskip("spikingjelly.activation_based.neuron")
    torch.manual_seed(6)
    steps = 6
    make = {"PSN": lambda: psn.PSN(steps), "MaskedPSN": lambda: psn.MaskedPSN(3, steps, lambda_init=0.5, step_mode="m")}
    net = torch.nn.Sequential(
        torch.nn.Linear(10, 16), make[kind](), torch.nn.Linear(16, 12), psn.LIFNode(step_mode="m"),
        torch.nn.Linear(12, 8), make[kind](), torch.nn.Linear(8, 3),
    )  # fmt: skip
    for layer in net:
        if type(layer).__name__ == kind:
            layer.weight.data.uniform_(-0.5, 1.0)
            layer.bias.data.uniform_(-1.0, 0.2)
    check(lively(net, 4.0), drive(10, steps), "loihi2")


def test_sliding_parallel_neurons() -> None:
    psn = pytest.importorskip("spikingjelly.activation_based.neuron")
    torch.manual_seed(7)
    net = torch.nn.Sequential(
        torch.nn.Linear(10, 16), psn.SlidingPSN(3, step_mode="m"), torch.nn.Linear(16, 6),
        psn.SlidingPSN(2, exp_init=False, step_mode="m"),
    )  # fmt: skip
    net[3].weight.data = torch.tensor([0.7, 1.1])
    network = check(lively(net, 3.0), drive(10), "generic")
    assert sorted({p.delay for p in network.projections}) == [0, 1, 2]


def test_gated_events() -> None:
    torch.manual_seed(8)
    net = lively(EGRU(), 1.5)
    network = freeze(net, drive(8, 6))
    assert executed(network)["event"].mean() > 0.05
    assert network.assumptions[-2:] == ("sigmoid runs on the host", "tanh runs on the host")
    program = compile_network(network, load_chip("loihi2"), effort="fast")
    assert program.network.by_name["rest"].held is not None  # what a step leaves to the next
    events = executed(program.network.with_sample(network.sample))["event"]
    assert (events != executed(network)["event"]).mean() < 0.02
    with pytest.raises(InputError, match="passes values round in a circle"):  # nothing says how large they become
        compile_network(network.with_sample(None), load_chip("loihi2"), effort="fast")
