"""What a chip's neurons can have: profiles declare it, compile names what is missing, names agree everywhere."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.numeric import NeuronPart
from neurocomp.mapping.compile import compile_network
from neurocomp.network import Linear, Network, Neuron, OneToOne, Population, Projection
from neurocomp.network.kinds import REAL, TERNARY, ValueKind, value_kinds
from neurocomp.network.neuron import FOREVER, PARTS


def network(**parts: Any) -> Network:
    weight = (np.random.default_rng(0).integers(-8, 9, (6, 5)) / 8).astype(np.float32)
    return Network(
        (Population("in", (5,)), Population("a", (6,), Neuron(**parts))),
        (Projection("w", "in", "a", Linear(weight)),),
        ("in",),
        "a",
    )


CASES: dict[str, dict[str, Any]] = {
    "adaptive_threshold": {"a_decay": 0.5, "a_gain": 1.0},
    "adaptation_current": {"a_decay": 0.5, "a_gain": 1.0, "adapts": "current"},
    "complementary_reset": {"a_decay": 0.5, "a_gain": 1.0, "adapts": "reset", "reset": "subtract"},
    "membrane_floor": {"v_min": 0.0},
    "own_reset_amount": {"v_subtract": 0.5, "reset": "subtract"},
    "quadratic": {"v_square": 0.5},
    "exponential": {"v_exp": 0.5, "v_exp_rate": 1.0},
    "resonance": {"i_decay": 0.5, "i_from_v": -0.5},
    "delayed_current": {"i_decay": 0.5, "current_when": "next"},
    "refractory": {"refractory": 2},
    "fire_once": {"refractory": FOREVER},
    "negative_spikes": {"output": "ternary"},
}


@pytest.mark.parametrize("part", CASES)
def test_a_neuron_names_its_parts(part: str) -> None:
    assert Neuron(**CASES[part]).parts() == (part,)
    assert not Neuron(**CASES[part]).is_plain or part in ("refractory", "fire_once")


def test_one_list_of_parts() -> None:
    assert set(CASES) == set(PARTS) == set(get_args(NeuronPart))
    assert Neuron(i_decay=0.5, reset="subtract", output="count").parts() == ()


@pytest.mark.parametrize(
    ("chip", "part", "words"),
    [
        ("loihi", "adaptive_threshold", "has neurons without threshold that adapts, which a has"),
        ("truenorth", "refractory", "has neurons without refractory time, which a has"),
        ("generic", "adaptive_threshold", None),
        ("loihi2", "membrane_floor", None),
        ("loihi", "refractory", None),
    ],
)
def test_compile_names_what_the_chip_has_not(chip: str, part: str, words: str | None) -> None:
    program = compile_network(network(**CASES[part]), load_chip(chip))
    counted = any(s.startswith("updates and states of a are counted as") for s in program.assumptions)
    assert counted == (part == "adaptive_threshold")
    found = [sentence for sentence in program.mismatches if "neurons without" in sentence]
    assert found == ([] if words is None else [f"{chip}: {words}"])


def test_signed_counts_travel_as_signed_integers() -> None:
    count = {"output": "count", "reset": "subtract", "max_count": 4}
    kinds = {signed: value_kinds(network(**count, signed=signed))["a"] for signed in (False, True)}
    assert (str(kinds[False]), str(kinds[True])) == ("int<3>", "signed int<4>")
    assert value_kinds(network(output="ternary"))["a"] == TERNARY
    assert value_kinds(network(output="graded"))["a"] == REAL


def test_sums_of_signed_values_stay_whole() -> None:
    ternary = Neuron(output="ternary")
    populations = (Population("in", (5,)), *(Population(n, (5,), ternary) for n in "ab"), Population("sum", (5,)))
    ways = [("in", "a"), ("in", "b"), ("a", "sum"), ("b", "sum")]
    net = Network(populations, tuple(Projection(s + t, s, t, OneToOne()) for s, t in ways), ("in",), "sum")
    assert value_kinds(net)["sum"] == ValueKind("int", 2, signed=True)
