"""Units beside registers: what is only halved or doubled needs no bits of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.mapping.compile import lower
from neurocomp.mapping.losses import weight_losses
from neurocomp.network import Host, Integer, Linear, Network, Neuron, OneToOne, Population, Projection, Sample
from neurocomp.network.register_units import grain

HANDS_ON = Neuron(v_decay=0.0, threshold=np.inf, reset="none", output="membrane")
FIRES = Neuron(v_decay=0.0, threshold=1.0)


def exponential(width: int = 12) -> Network:
    """v = 0.9 v + 0.1 (w x + exp(-v - 1) / 2), nearly Norse's exponential neuron: a membrane that the host sees, and
    that comes back to itself by small steps."""
    rng = np.random.default_rng(4)
    populations = (
        Population("in", (8,)), Population("late", (width,), bias=np.float32([-1.0] * width)),
        Population("exp", (width,)), Population("drive", (width,)), Population("v", (width,), HANDS_ON),
        Population("spikes", (width,), FIRES),
    )  # fmt: skip
    weight = Linear((rng.normal(size=(width, 8)) * 2).astype(np.float32))
    projections = (
        Projection("before", "v", "late", OneToOne(-1.0), 1),
        Projection("host", "late", "exp", Host("exp")),
        Projection("weights", "in", "drive", weight),
        Projection("half", "exp", "drive", OneToOne(0.5)),
        Projection("leak", "v", "v", OneToOne(0.9), 1),
        Projection("step", "drive", "v", OneToOne(0.1)),
        Projection("fire", "v", "spikes", OneToOne()),
    )
    inputs = (rng.random((4, 40, 8)) < 0.5).astype(np.float32)
    return Network(populations, projections, ("in",), "spikes", sample=Sample(inputs, 40, "temporal"))


def test_a_membrane_that_moves_by_small_steps_moves_on_the_chip() -> None:
    network = exponential()
    lowered = lower(network, load_chip("loihi2"))
    inputs = network.sample.inputs  # type: ignore[union-attr]
    expected, found = (execute(one, inputs).trace.dense("spikes") for one in (network, lowered))
    assert 0.1 < expected.mean() < 0.9
    assert (expected != found).mean() < 0.01
    held = lowered.by_name["v"].held
    assert held is not None and held.bits >= 12


@pytest.mark.parametrize(("op", "expected"), [
    (OneToOne(), 1.0), (OneToOne(0.25), 0.25), (OneToOne(-2.0), 1.0), (OneToOne(-0.5), 0.5), (OneToOne(0.3), 0.0),
    (OneToOne(np.full(3, 0.5)), 0.0), (Linear(np.ones((2, 3))), 0.0),
])  # fmt: skip
def test_powers_of_two_are_no_weights(op: OneToOne | Linear, expected: float) -> None:
    assert grain(op) == expected


def test_a_factor_that_rounding_takes_away_is_told() -> None:
    network = exponential()
    gone = tuple(replace(p, op=OneToOne(0)) if p.name == "step" else p for p in network.projections)
    rounded = replace(network, projections=gone, arithmetic=Integer())
    expected = "the factor of step becomes zero on the chip: nothing of what it brings arrives"
    assert expected in weight_losses(network, rounded)
    assert expected not in weight_losses(network, lower(network, load_chip("loihi2")))
