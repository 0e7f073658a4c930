"""Neurons written out in plain torch whose first step is not like the others: states that do not begin at zero, and
spikes that come before the membrane is charged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from tests.freezing import activity, check_compiled, executed, grid_input, on_a_grid

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

STEPS = 7


class Layer(nn.Module):
    """begins: the membrane before step 0, a number, one per neuron, or None; first: whether it fires before it is
    charged (as in snnTorch's second tutorial)."""

    def __init__(self, inputs: int, outputs: int, begins: Any = 0.0, first: bool = False) -> None:
        super().__init__()
        self.fc, self.begins, self.first, self.membrane = nn.Linear(inputs, outputs), begins, first, None

    def reset(self, samples: int) -> None:
        begins = self.begins
        if begins is not None:
            begins = torch.zeros(samples, self.fc.out_features) + torch.as_tensor(begins)
        self.membrane = begins

    def forward(self, x: Any) -> Any:
        if self.first:
            spikes = (self.membrane > 0.75).float()
            self.membrane = 0.5 * self.membrane + self.fc(x) - 0.75 * spikes
            return spikes
        current = self.fc(x)
        charged = current if self.membrane is None else 0.5 * self.membrane + current
        spikes = (charged > 0.75).float()
        self.membrane = charged * (1 - spikes)
        return spikes


class Net(nn.Module):
    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            layer.reset(x.shape[1])
        outputs = []
        for step in x:
            for layer in self.layers:
                step = layer(step)
            outputs.append(step)
        return torch.stack(outputs)


@pytest.mark.parametrize(
    ("options", "relays"),
    [
        ({"begins": 0.25}, 0),
        ({"begins": [0.125 * k for k in range(12)]}, 0),
        ({"begins": None}, 0),
        ({"first": True}, 2),
        ({"first": True, "begins": 1.0}, 2),
    ],
)
def test_first_steps(options: dict[str, Any], relays: int) -> None:
    """relays: one for each layer that hears in a step what arrived in the one before, biases included."""
    module = on_a_grid(Net(Layer(8, 12, **options), Layer(12, 12, **options)), seed=2)
    x = 2 * grid_input(STEPS, 3, 8)
    network = freeze(module, x)
    assert not any("differ" in text for text in network.assumptions)
    assert sum(p.name.endswith(".arriving") for p in network.populations) == relays
    with torch.no_grad():
        theirs = module(x).numpy()
    ours = execute(network, encode_sample(network.sample)).output  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours.swapaxes(0, 1), theirs)
    assert all(0.05 < rate < 0.95 for rate in activity(executed(network)).values())


class FiresFirst(Layer):
    """Fires before it is charged, with a synaptic current or a threshold that adapts."""

    def __init__(self, inputs: int, outputs: int, kind: str, begins: float = 0.0, current: float = 0.0) -> None:
        super().__init__(inputs, outputs, begins)
        self.kind, self.starts, self.state = kind, current, None

    def reset(self, samples: int) -> None:
        super().reset(samples)
        self.state = torch.full((samples, self.fc.out_features), self.starts)

    def forward(self, x: Any) -> Any:
        spikes = (self.membrane > 0.75 + (self.state if self.kind == "adapts" else 0.0)).float()
        arrives = self.fc(x)
        if self.kind == "adapts":
            self.state = 0.5 * self.state + 0.25 * spikes
            self.membrane = 0.5 * self.membrane + arrives - 0.75 * spikes
        else:
            self.state = 0.5 * self.state + arrives
            self.membrane = 0.5 * self.membrane * (1 - spikes) + 0.5 * self.state
        return spikes


@pytest.mark.parametrize("kind", ["current", "adapts"])
@pytest.mark.parametrize("begins", [0.0, 1.0])
def test_two_states_and_spikes_before_the_charge(kind: str, begins: float) -> None:
    layers = [FiresFirst(8, 12, kind, begins), FiresFirst(12, 12, kind, begins)]
    module, x = on_a_grid(Net(*layers), seed=2), 2 * grid_input(STEPS, 3, 8)
    network = freeze(module, x)
    assert not any("differ" in text for text in network.assumptions)
    neurons = [p.neuron for p in network.populations if p.neuron is not None]
    assert len(neurons) == 2
    assert all((n.a_decay if kind == "adapts" else n.i_decay) == 0.5 for n in neurons)
    with torch.no_grad():
        theirs = module(x).numpy()
    ours = execute(network, encode_sample(network.sample)).output  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours.swapaxes(0, 1), theirs)
    assert all(0.05 < rate < 0.95 for rate in activity(executed(network)).values())


def test_a_current_that_does_not_begin_at_zero() -> None:
    """Refused with the reason, not because of what follows from it."""
    module = on_a_grid(Net(FiresFirst(8, 12, "current", current=1.0), Layer(12, 12)), seed=2)
    with pytest.raises(InputError) as caught:
        freeze(module, 2 * grid_input(STEPS, 3, 8))
    assert str(caught.value) == (
        "layers.0: the threshold in layers.0 is none of a neuron that is known\n"
        "  why:  it fires before it is charged, and a state beside its membrane does not begin at zero, and it "
        "compares two signals\n"
        "  next: give the neuron a module of its own that declares its canonical neuron: docs/freezing.md shows one"
    )


class ResetFirst(nn.Module):
    """Resets what the step before left and charges then; both comparisons are on one line. None precedes step 0."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 12)

    def forward(self, x: Any) -> Any:
        v, out = torch.zeros(x.shape[1], 12), torch.empty(*x.shape[:2], 12)
        for t in range(len(x)):
            v = torch.where(v > 0.75, 0.0, v) * 0.5 + self.fc(x[t]); out[t] = (v > 0.75).float()  # fmt: skip # noqa: E702
        return out


def test_resets_in_front_of_the_first_charge() -> None:
    module, x = on_a_grid(ResetFirst(), seed=2), 2 * grid_input(STEPS, 3, 8)
    network = freeze(module, x)
    assert [p.neuron is None for p in network.populations] == [True, False]
    with torch.no_grad():
        theirs = module(x).numpy()
    ours = execute(network, encode_sample(network.sample)).output  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours.swapaxes(0, 1), theirs)


def test_membranes_that_are_returned_as_well() -> None:
    """Beside the spikes, as tutorials do for plots; they are left out."""

    class Recorded(Net):
        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                layer.reset(x.shape[1])
            spikes, membranes = [], []
            for step in x:
                spikes.append(self.layers[0](step))
                membranes.append(self.layers[0].membrane)
            return torch.stack(spikes), torch.stack(membranes)

    network = freeze(on_a_grid(Recorded(Layer(8, 12, first=True)), seed=2), 2 * grid_input(STEPS, 3, 8))
    assert any("another result beside the output" in text for text in network.assumptions)


def test_late_neurons_on_a_chip() -> None:
    network = freeze(on_a_grid(Net(Layer(8, 12, first=True)), seed=2), 2 * grid_input(STEPS, 3, 8))
    check_compiled(network, 0.02)
