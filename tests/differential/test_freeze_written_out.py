"""Neurons written out in a network's own code are recognised, and give every spike of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.mapping.compile import lower
from tests.freezing import activity, executed, grid_input, on_a_grid

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.models import written  # noqa: E402

STEPS = 7


def one_step(neuron: Any) -> Any:
    return lambda: nn.Sequential(nn.Linear(8, 16), neuron())


CASES: dict[str, tuple[Any, tuple[int, ...], dict[str, Any], dict[str, tuple[str, ...]]]] = {
    "layered": (written.layered, (3, STEPS, 8), {}, {"1": (), "3": ()}),
    "functions": (written.Functions, (3, 1, 8, 8), {}, {"neuron": (), "neuron#2": (), "neuron#3": ()}),
    "keeps": (one_step(written.Keeps), (3, 8), {"steps": STEPS}, {"1": ()}),
    "in_place": (one_step(written.InPlace), (STEPS, 3, 8), {"steps": STEPS, "encoding": "temporal"}, {"1": ()}),
    "adaptive": (written.Adaptive, (STEPS, 3, 8), {}, {"neuron": ("adaptive_threshold",), "readout": ()}),
    "current": (written.WithCurrent, (STEPS, 3, 8), {}, {"neuron": ()}),
    "chosen": (written.Chosen, (STEPS, 3, 8), {}, {"neuron": ()}),
    "forgetful": (written.Forgetful, (STEPS, 3, 8), {}, {"neuron": ()}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_spike_is_that_of_the_code(name: str) -> None:
    make, shape, options, neurons = CASES[name]
    torch.manual_seed(3)
    module = on_a_grid(make(), seed=4)
    x = 2 * grid_input(*shape)
    network = freeze(module, x, **options)
    assert {p.name: p.neuron.parts() for p in network.populations if p.neuron is not None} == neurons
    assert not any("differ" in text for text in network.assumptions)
    for layer, rate in activity(executed(network)).items():
        assert 0.02 < rate < 0.98 or layer == "readout", layer
    if not options:
        with torch.no_grad():
            theirs = module(x).numpy()
        ours = execute(network, encode_sample(network.sample)).output.astype(np.float32)  # type: ignore[arg-type]
        ours = ours.sum(1) if theirs.ndim == 2 else ours if shape[1] == STEPS else ours.swapaxes(0, 1)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


class Random(nn.Module):
    """A neuron with a leak, a rest, a gain, a reset of each kind, written out."""

    def __init__(self, decay: float, gain: float, rest: float, threshold: float, reset: str) -> None:
        super().__init__()
        self.fc, self.out = nn.Linear(6, 10), nn.Linear(10, 4)
        self.numbers, self.reset = (decay, gain, rest, threshold), reset

    def step(self, x: Any, v: Any, s: Any) -> tuple[Any, Any]:
        decay, gain, rest, threshold = self.numbers
        if self.reset == "late":
            v = decay * v + gain * (x + rest) - s * threshold
        elif self.reset == "discards":
            v = (decay * v + gain * (x + rest)) * (1 - s)
        else:
            v = v * decay + (x + rest) * gain
        s = written.fires(v / threshold - 1)
        if self.reset == "zero":
            v = v.masked_fill(s.bool(), 0.25)
        elif self.reset == "subtract":
            v = v - threshold * s
        elif self.reset == "amount":
            v = v - 0.5 * s
        elif self.reset == "part":
            v = v * (1 - 0.5 * s)
        return s, v

    def forward(self, x: Any) -> Any:
        s = v = torch.zeros(x.shape[1], 10)
        q = w = torch.zeros(x.shape[1], 4)
        outputs = []
        for given_now in x:
            s, v = self.step(self.fc(given_now), v, s)
            q, w = self.step(self.out(s), w, q)
            outputs.append(q)
        return torch.stack(outputs)


eighths = st.integers(1, 8).map(lambda k: k / 8)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    eighths,
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(-2, 2).map(lambda k: k / 8),
    st.sampled_from([0.25, 0.5, 1.0]),
    st.sampled_from(["zero", "subtract", "late", "discards", "amount", "part", "none"]),
    st.integers(0, 100),
)
def test_random_neurons(decay: float, gain: float, rest: float, threshold: float, reset: str, seed: int) -> None:
    module = on_a_grid(Random(decay, gain, rest, threshold, reset), seed=seed)
    network = freeze(module, 2 * grid_input(4, 3, 6))
    assert not any("differ" in text for text in network.assumptions)
    found = {p.neuron.reset for p in network.populations if p.neuron is not None}
    assert found <= {"zero" if reset in ("zero", "discards") else "none" if reset == "none" else "subtract"}
    assert math.isclose(float(network.populations[-1].neuron.threshold), threshold, rel_tol=1e-6)  # type: ignore[union-attr]


class Exponential(nn.Module):
    """An adaptive exponential neuron: no canonical one, so a threshold, two states, and an exponential on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.out = nn.Linear(8, 12), nn.Linear(12, 4)

    def forward(self, x: Any) -> Any:
        v = w = torch.zeros(x.shape[1], 12)
        outputs = []
        for step in x:
            v = v + 0.25 * (-v + 0.5 * torch.exp((v - 1.0) / 0.5) + self.fc(step) - w)
            spike = written.fires(v - 1.0)
            w = 0.75 * w + 0.25 * spike + 0.125 * v
            v = v * (1 - spike)
            outputs.append(self.out(spike))
        return torch.stack(outputs)


class SpikingLSTM(nn.Module):
    """snnTorch's, or torch's cell with a threshold behind it."""

    def __init__(self, reset: str) -> None:
        super().__init__()
        self.fc, self.reset = nn.Linear(8, 8), reset
        if reset:
            snn = pytest.importorskip("snntorch")
            self.cell = snn.SLSTM(8, 8, init_hidden=True, threshold=0.1, reset_mechanism=reset)
        else:
            self.cell = nn.LSTMCell(8, 8)

    def forward(self, x: Any) -> Any:
        if self.reset:
            return torch.stack([self.cell(self.fc(step)) for step in x])
        state = (torch.zeros(x.shape[1], 8), torch.zeros(x.shape[1], 8))
        outputs = []
        for step in x:
            state = self.cell(self.fc(step), state)
            outputs.append((state[0] > 0.1).float())
        return torch.stack(outputs)


class Norse(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        norse = pytest.importorskip("norse.torch")
        self.fc, self.cell = nn.Linear(8, 8), getattr(norse, name)(*([8, 8] if "Recurrent" in name else []))

    def forward(self, x: Any) -> Any:
        state, outputs = None, []
        for step in x:
            spikes, state = self.cell(4 * self.fc(step), state)
            outputs.append(spikes)
        return torch.stack(outputs)


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (Exponential, 3),
        (lambda: SpikingLSTM(""), 3),
        (lambda: SpikingLSTM("none"), 3),
        (lambda: SpikingLSTM("subtract"), 3),
        (lambda: Norse("LIFExCell"), 3),
        (lambda: Norse("LIFAdExCell"), 4),
        (lambda: Norse("LIFAdExRecurrentCell"), 4),
        (lambda: Norse("LIFMCRecurrentCell"), 3),
    ],
)
def test_neurons_put_together_from_parts(make: Any, parts: int) -> None:
    torch.manual_seed(5)
    module = make().eval()
    x = 3 * torch.rand(6, 3, 8, generator=torch.Generator().manual_seed(1))
    network = freeze(module, x)
    assert sum(p.neuron is not None for p in network.populations) == parts
    with torch.no_grad():
        for child in module.modules():
            if hasattr(child, "reset_mem"):
                child.reset_mem()
        theirs = module(x).numpy()
    ours = execute(network, encode_sample(network.sample)).output  # type: ignore[arg-type]
    np.testing.assert_allclose(ours.astype(np.float32).swapaxes(0, 1), theirs, rtol=1e-5, atol=1e-5)
    assert np.mean(theirs != 0) > 0.02


def test_norses_exponential_neuron_spikes_on_a_chip() -> None:
    torch.manual_seed(1)
    network = freeze(Norse("LIFExCell").eval(), (torch.rand(40, 4, 8) < 0.5).float())
    inputs = encode_sample(network.sample)  # type: ignore[arg-type]
    expected = execute(network, inputs).trace.dense("cell")
    found = execute(lower(network, load_chip("loihi2")), inputs).trace.dense("cell")
    assert expected.mean() > 0.05
    assert (expected != found).mean() < 0.1 * expected.mean()


def test_what_is_no_neuron_says_why() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 5)

        def forward(self, x: Any) -> Any:
            v = torch.zeros(x.shape[1], 5)
            out = []
            for t in range(x.shape[0]):
                v = 0.5 * v + self.fc(x[t])
                out.append(written.fires(v - 0.1 * (t + 1)))
            return torch.stack(out)

    with pytest.raises(InputError) as caught:
        freeze(Odd(), torch.rand(4, 2, 6))
    assert str(caught.value) == (
        "the network: the threshold in the network is none of a neuron that is known\n"
        "  why:  step 1 of its time loop does something else than the last one, and its threshold is another "
        "one at other steps\n"
        "  next: give the neuron a module of its own that declares its canonical neuron: docs/freezing.md shows one"
    )
