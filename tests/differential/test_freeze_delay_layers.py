"""SpikingJelly's delay layer: one delay of a projection, however the layer is called."""

from __future__ import annotations

from typing import Any

import pytest

from neurocomp.errors import InputError
from tests.freezing import check, check_model, grid_input, on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402

STEPS = 6


class Delayed(nn.Module):
    """Two layers with one way of ``late`` steps between them, and one without delay."""

    def __init__(self, late: int, mode: str) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(8, 12), neuron.LIFNode(step_mode=mode)
        self.late, self.fc2, self.lif2 = layer.Delay(late, mode), nn.Linear(12, 10), neuron.LIFNode(step_mode=mode)

    def forward(self, x: Any) -> Any:
        s = self.lif1(self.fc1(x))
        return self.lif2(self.fc2(self.late(s) + 0.5 * s))


class Loop(nn.Module):
    def __init__(self, late: int) -> None:
        super().__init__()
        self.step = Delayed(late, "s")

    def forward(self, x: Any) -> Any:
        return torch.stack([self.step(x) for _ in range(STEPS)])


@pytest.mark.parametrize("late", [1, 4, STEPS + 1])
def test_all_steps_at_once(late: int) -> None:
    network, sites = check_model(on_a_grid(Delayed(late, "m")), grid_input(STEPS, 3, 8))
    assert sorted(p.delay for p in network.projections if p.source == "lif1" or p.target == "lif2").count(late) == 1
    assert sites == STEPS * 3 * 22


def test_in_a_loop() -> None:
    network, _ = check_model(on_a_grid(Loop(2)), grid_input(3, 8))
    assert max(p.delay for p in network.projections) == 2


@pytest.mark.parametrize("encoding", ["direct", "temporal"])
def test_one_step_per_call(encoding: Any) -> None:
    net = on_a_grid(Delayed(2, "s"))
    x = grid_input(STEPS, 3, 8) if encoding == "temporal" else grid_input(3, 8)

    def run(given: Any) -> None:
        for t in range(STEPS):
            net(given[t] if encoding == "temporal" else given)

    network = check(net, x, ["lif1", "lif2"], run, steps=STEPS, encoding=encoding)
    assert max(p.delay for p in network.projections) == 2


def test_no_delay_at_all() -> None:
    network, _ = check_model(on_a_grid(Delayed(0, "m")), grid_input(STEPS, 3, 8))
    assert {p.delay for p in network.projections} == {0}


def test_a_bias_is_not_delayed() -> None:
    net = nn.Sequential(nn.Linear(8, 4), layer.Delay(1, "m"), neuron.LIFNode(step_mode="m"))
    with pytest.raises(InputError) as caught:
        from neurocomp.frontend.freeze import freeze

        freeze(net.eval(), grid_input(STEPS, 3, 8))
    assert "op neurocomp.delay in 1" in str(caught.value)
    assert "delay what comes before its bias" in str(caught.value)


def test_the_module_is_left_as_it_was() -> None:
    net = on_a_grid(Delayed(2, "m"))
    check_model(net, grid_input(STEPS, 3, 8))
    functional.reset_net(net)
    assert "forward" not in net.late.__dict__ and net.late.queue == []
