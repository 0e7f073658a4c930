"""Modules whose call is one step and returns its state: the step loop gives it to the next call."""

from __future__ import annotations

from typing import Any

import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.frontend.freezing.export import takes_state
from tests.freezing import check, on_a_grid

torch = pytest.importorskip("torch")
norse = pytest.importorskip("norse.torch")
snn = pytest.importorskip("snntorch")
from torch import nn  # noqa: E402

STEPS = 6


def driven(cell: nn.Module) -> Any:
    torch.manual_seed(2)
    return norse.SequentialState(on_a_grid(nn.Sequential(nn.Linear(6, 16))), cell, nn.Linear(16, 4), norse.LICell())


class Named(nn.Module):
    """Hands its state around under the names of snnTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = on_a_grid(nn.Linear(6, 16)), snn.Leaky(beta=0.5)

    def forward(self, x: Any, mem: Any = None) -> Any:
        return self.lif(self.fc(x), mem)


def in_turn(module: Any) -> Any:
    """A run as users write it: one call per step, the state passed on."""

    def run(x: Any) -> None:
        state = None
        for t in range(STEPS):
            _, state = module(x[t], state)

    return run


@pytest.mark.parametrize(
    ("module", "neurons"),
    [
        (driven(norse.LIFBoxCell(p=norse.LIFBoxParameters(tau_mem_inv=500.0))), ["1"]),
        (driven(norse.LIFRecurrentCell(16, 16, p=norse.LIFParameters(tau_mem_inv=500.0))), ["1"]),
        (Named(), ["lif"]),
    ],
)
def test_the_state_is_passed_on(module: Any, neurons: list[str]) -> None:
    x = 4 * torch.rand(STEPS, 3, 6, generator=torch.Generator().manual_seed(0))
    found = [*neurons, "3"] if len(module._modules) > 3 else neurons
    network = freeze(module, x, steps=STEPS, encoding="temporal")
    assert {p.name for p in network.populations if p.neuron is not None} == set(found)
    if isinstance(module, Named):
        check(module, x, found, in_turn(module), lambda: None, steps=STEPS, encoding="temporal")
    assert freeze(module, x[0], steps=STEPS).sample.steps == STEPS  # type: ignore[union-attr]


def test_a_state_that_the_module_drops_is_the_reason_given() -> None:
    class Drops(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.cell = nn.Linear(6, 16), norse.LIFCell()

        def forward(self, x: Any) -> Any:
            return self.cell(self.fc(x))[0]

    with pytest.raises(InputError) as caught:
        freeze(Drops(), torch.rand(3, 6), steps=STEPS)
    assert str(caught.value) == (
        "cell: what this neuron is given cannot be frozen\n"
        "  why:  at step 1 cell is not given the state that it returned at the step before: it starts anew\n"
        "  next: call it once per step, with the input and its own last state"
    )


def test_what_counts_as_a_state() -> None:
    class Masked(nn.Module):
        def forward(self, x: Any, mask: Any = None) -> Any:
            return x, mask

    class Twice(nn.Module):
        def forward(self, x: Any, state: Any, mask: Any = None) -> Any:
            return x, state, mask

    assert takes_state(Named()) and takes_state(driven(norse.LIFCell()))
    assert not any(takes_state(module) for module in (Masked(), Twice(), nn.Linear(2, 2)))
