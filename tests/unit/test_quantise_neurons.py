"""The canonical neuron's rarer parts in integers: on coarse grids nothing is rounded, so no spike may differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.network import Integer, Linear, Network, Neuron, Population, Projection
from neurocomp.network.quantise import quantise

CHIP = Integer(weight_bits=9, state_bits=24, decay_bits=12, state_shift=6)
SMALL = Integer(weight_bits=6, state_bits=14, decay_bits=12, state_shift=0)
"""For values that are sent on: sums of them must fit 32 bits."""
PARTS: dict[str, dict[str, Any]] = {
    "adaptive threshold": {"a_decay": 0.5, "a_gain": 0.75, "v_gain": 0.5, "a_init": 0.25},
    "adaptation current": {"a_decay": 0.5, "a_gain": 0.5, "a_from_v": 0.25, "adapts": "current", "v_gain": 0.5},
    "floor": {"v_min": -0.5},
    "own amount": {"v_subtract": 1.5, "v_keep": 0.5, "reset": "subtract"},
    "ternary": {"output": "ternary", "reset": "subtract"},
    "rounded count": {"output": "count", "max_count": 4, "rounding": "nearest", "reset": "subtract", "v_gain": 2.0},
    "signed powers": {"output": "count", "max_count": 8, "levels": "powers", "signed": True, "reset": "subtract"},
    "resonance": {"i_decay": 0.5, "i_from_v": -0.25, "current_when": "next", "v_gain": 0.5},
    "graded": {"output": "graded", "signed": True, "v_gain": 0.5},
    "fires once": {"refractory": 2**31 - 1},
}


def network(parts: dict[str, Any]) -> Network:
    """input -> neurons -> LIF; weights on a grid of 1/16, decays that halve."""
    rng = np.random.default_rng(3)
    neuron = Neuron(**{"v_decay": 1.0, "threshold": 1.0, **parts})
    first, second = (rng.integers(-16, 24, (n, 12)).astype(np.float32) / 16 for n in (12, 5))
    return Network(
        (Population("in", (12,)), Population("a", (12,), neuron), Population("b", (5,), Neuron(threshold=2.0))),
        (Projection("in a", "in", "a", Linear(first)), Projection("a b", "a", "b", Linear(second))),
        ("in",),
        "b",
    )


@pytest.mark.parametrize("name", PARTS)
def test_integers_spike_like_floats_while_nothing_is_rounded(name: str) -> None:
    before = network(PARTS[name])
    inputs = np.random.default_rng(4).integers(0, 2, (6, 5, 12)).astype(np.float32)
    result = quantise(before, SMALL if name == "graded" else CHIP, inputs)
    ours, theirs = execute(result.network, inputs).trace, execute(before, inputs).trace
    scale = 0.5 / 16 if name == "graded" else 1.0  # half a step of the sum, whose unit is 1/16
    np.testing.assert_allclose(ours.dense("a") * scale, theirs.dense("a"), rtol=1e-6)
    np.testing.assert_array_equal(ours.dense("b"), theirs.dense("b"))
    assert 0.02 < np.mean(theirs.dense("a") != 0) < 0.9
    assert theirs.dense("b").any()


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"v_square": 0.1}, "a: squares its membrane, which integer arithmetic cannot"),
        (
            {"v_exp": 0.1, "v_exp_rate": 1.0},
            "a: takes the exponential of its membrane, which integer arithmetic cannot",
        ),
        (
            {"a_decay": 1.0, "a_gain": 1.0, "adapts": "reset", "reset": "subtract"},
            "a: takes a sigmoid of its membrane, which integer arithmetic cannot",
        ),
    ],
)
def test_what_has_no_integer_form_is_named(parts: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        quantise(network(parts), CHIP)
