"""SpikingJelly's synapse filter, whose decay a spike holds up: a membrane and a product."""

from __future__ import annotations

from typing import Any

import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.network.ops import Factor
from tests.freezing import check, check_compiled, executed, grid_input, on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402

STEPS = 6


class Filtered(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(8, 12), neuron.LIFNode()
        self.filter = layer.SynapseFilter(**options)
        self.fc2, self.lif2 = nn.Linear(12, 10), neuron.LIFNode()

    def forward(self, x: Any) -> Any:
        return torch.stack([self.lif2(self.fc2(self.filter(self.lif1(self.fc1(x))))) for _ in range(STEPS)])


def test_every_value_of_the_filter() -> None:
    network = check(on_a_grid(Filtered(tau=2.0)), grid_input(3, 8), ["lif1", "filter", "lif2"])
    assert sorted(p.delay for p in network.projections if isinstance(p.op, Factor)) == [0, 1]
    kept = network.by_name["filter"].neuron
    assert kept is not None and (kept.v_decay, kept.output) == (0.5, "membrane")
    values = executed(network)["filter"]
    assert values.max() > 1  # a second spike finds something left of the first
    assert check_compiled(network, 0.0).by_name["filter"].held is not None


def test_a_learnt_time_constant() -> None:
    network = freeze(on_a_grid(Filtered(tau=5.0, learnable=True)), grid_input(3, 8))
    kept = network.by_name["filter"].neuron
    assert kept is not None and kept.v_decay == pytest.approx(0.8)


def test_all_steps_in_one_call_are_refused() -> None:
    net = Filtered(tau=2.0)
    functional.set_step_mode(net, "m")
    with pytest.raises(InputError) as caught:
        freeze(net.eval(), grid_input(3, 8))
    assert "neuron SynapseFilter cannot be frozen" in str(caught.value)
    assert "functional.set_step_mode(net, 's')" in str(caught.value)
