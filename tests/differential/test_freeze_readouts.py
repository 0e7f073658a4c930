"""Membranes that are read out are compared as the spikes are, by themselves and layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurocomp.commands.freeze import frozen_text
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.frontend.freezing.compare import Agreement, Recorded, compare
from neurocomp.frontend.freezing.forced import forced

torch = pytest.importorskip("torch")
norse = pytest.importorskip("norse.torch")
snn = pytest.importorskip("snntorch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import neuron  # noqa: E402
from torch import nn  # noqa: E402

X = torch.rand(3, 6, generator=torch.Generator().manual_seed(0))
STEPS = 5


class Readout(nn.Module):
    """Spikes, and leaky integrators behind them; the states are passed on."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.lif = nn.Linear(6, 8), norse.LIFBoxCell()
        self.last, self.li = nn.Linear(8, 4), norse.LICell()
        with torch.no_grad():
            self.first.weight.mul_(20)

    def forward(self, x: Any) -> Any:
        v = w = None
        values = []
        for _ in range(STEPS):
            z, v = self.lif(self.first(x), v)
            y, w = self.li(self.last(z), w)
            values.append(y)
        return torch.stack(values)


def seen(module: nn.Module) -> dict[str, Recorded]:
    """What both neuron layers were given and returned."""
    calls: dict[str, list[Any]] = {"lif": [], "li": []}
    for name, found in calls.items():
        module.get_submodule(name).register_forward_hook(lambda _m, a, out, f=found: f.append((a[0], out[0])))
    with torch.no_grad():
        module(X)
    return {n: Recorded(*(torch.stack(part, 1).numpy() for part in zip(*c, strict=True))) for n, c in calls.items()}


def test_values_that_are_others_are_no_rounding() -> None:
    module = Readout()
    network = freeze(module, X)
    told = seen(module)
    sample: Any = network.sample
    assert compare(network, sample, told, None) == Agreement(3 * STEPS * 12, 0, int(told["lif"].outputs.sum()), 60)
    inputs = {name: layer.inputs for name, layer in told.items()}
    outputs = {name: layer.outputs for name, layer in told.items()}
    assert forced(network, sample, inputs, outputs) is not None
    largest = float(np.abs(outputs["li"]).max())
    for error, agrees in ((2e-5, True), (1e-3, False)):
        off = {**outputs, "li": outputs["li"] + np.float32(error * largest)}
        assert (forced(network, sample, inputs, off) is not None) == agrees
    wrong = {**told, "li": Recorded(inputs["li"], outputs["li"] * np.float32(1.5))}
    with pytest.raises(InputError, match=r"of 60 membrane values differ from the torch module; .*, that of the module"):
        compare(network, sample, wrong, None)


def test_what_differs_is_called_what_it_is() -> None:
    assert Agreement(100, 5, 9, 20, 2).told() == (
        "3 of 80 spikes and 2 of 20 membrane values differ from the torch module"
    )
    assert Agreement(100, 2, 9, 20, 2).told() == "2 of 20 membrane values differ from the torch module"
    network = freeze(Readout(), X)
    whole = "every spike and membrane of the sample's first inputs is as in torch"
    assert whole in frozen_text(network)
    assert whole not in frozen_text(replace(network, assumptions=(Agreement(100, 5, 9).told(),)))


# states that are read from inside a neuron -------------------------------------------------------------------
class Inside(nn.Module):
    """calls: steps of one forward pass; factor: of what is returned, None: the state itself."""

    def __init__(self, calls: int, factor: float | None = None) -> None:
        super().__init__()
        self.fc, self.lif, self.calls, self.factor = nn.Linear(6, 3), neuron.LIFNode(), calls, factor

    def forward(self, x: Any) -> Any:
        for _ in range(self.calls):
            self.lif(self.fc(x))
        return self.lif.v if self.factor is None else self.factor * self.lif.v


@pytest.mark.parametrize("calls", [1, STEPS])
def test_a_state_that_is_read_from_a_neuron(calls: int) -> None:
    with pytest.raises(InputError) as caught:
        freeze(Inside(calls), X, steps=STEPS if calls == 1 else None)
    assert str(caught.value) == (
        "output: the module returns lif.v, a state that it reads from inside the neuron\n"
        "  why:  only what calls of layers return is followed; the state that a neuron keeps for itself is none of it\n"
        "  next: return what a call gives; for a membrane use a neuron that returns it, such as SpikingJelly's "
        "NonSpikingLIFNode, snnTorch's Leaky or Norse's LICell"
    )


def test_a_result_made_of_such_a_state() -> None:
    with pytest.raises(
        InputError, match=r"only what calls of layers return is followed; .* as in self\.lif\.v, counts"
    ):
        freeze(Inside(STEPS, 2.0), X)


def test_a_state_that_the_call_returns_as_well() -> None:
    """snnTorch keeps the membrane that it returns: the same tensor."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif = nn.Linear(6, 3), snn.Leaky(beta=0.5, reset_mechanism="none")

        def forward(self, x: Any) -> Any:
            return self.lif(self.fc(x))[1]

    assert freeze(Net(), X, steps=STEPS).neuron_count == 3
