"""Settings of neurons that do not go together, each with its message; what is written of a neuron and read again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.network import Float32, Integer, Network, Neuron, Population
from neurocomp.network.neuron import EXTRA_PARAMETERS
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.verify import verify


def network(neuron: Neuron, integer: bool = False) -> Network:
    return Network((Population("n", (3,), neuron),), (), (), "n", Integer() if integer else Float32())


WRONG: list[tuple[dict[str, Any], bool, str]] = [
    ({"adapts": "sometimes"}, False, "has adapts 'sometimes', which is none of threshold, current, reset"),
    ({"refractory": -1}, False, "has a refractory time of -1 steps"),
    ({"a_gain": 0.5}, False, "has a_gain without a_decay"),
    ({"v_exp": 0.5}, False, "has v_exp without v_exp_rate"),
    ({"i_from_v": 0.5}, False, "has i_from_v without i_decay"),
    ({"v_subtract": 0.5}, False, 'has v_subtract or v_keep with reset="zero"'),
    ({"v_keep": 0.5, "reset": "subtract", "reset_when": "next"}, False, "has v_keep with a reset in the next step"),
    (
        {"a_decay": 0.5, "adapts": "reset", "reset": "subtract", "reset_when": "next"},
        False,
        'has adapts="reset" with a reset in the next step',
    ),
    ({"output": "count"}, False, "counts spikes, which needs reset subtract or none"),
    ({"output": "ternary", "threshold": 0.0}, False, "sends negative spikes, which needs thresholds above 0"),
    ({"output": "membrane"}, False, "is read out as a membrane, which never spikes"),
    ({"v_square": 1.0}, True, "has v_square in a network of integer arithmetic"),
    ({"a_decay": 1.0, "adapts": "reset", "reset": "subtract"}, True, 'has adapts="reset" in a network of integer'),
    ({"a_decay": 5000.0}, True, "has a_decay beyond 1, which is 4096 here"),
    ({"a_decay": 0.5}, True, "parameter a_decay is not an integer"),
    ({"v_min": np.full(3, np.nan)}, False, "parameter v_min holds NaN"),
    ({"v_min": np.zeros(2)}, False, "parameter v_min: shape"),
]


@pytest.mark.parametrize(("settings", "integer", "what"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_what_does_not_go_together_is_named(settings: dict[str, Any], integer: bool, what: str) -> None:
    with pytest.raises(InputError) as caught:
        verify(network(Neuron(**settings), integer))
    assert f"n: {what}" in str(caught.value)


def test_a_plain_neuron_is_written_as_before() -> None:
    tree, _ = to_tree(network(Neuron(v_decay=0.5)))
    written = set(tree["populations"][0]["neuron"])
    assert not written & {*EXTRA_PARAMETERS, "adapts", "current_when", "signed", "rounding", "levels", "reset_current"}


def test_rarer_parts_are_written_and_read() -> None:
    rare = Neuron(
        i_decay=0.5, reset="subtract", output="count", max_count=4, adapts="current", current_when="next", signed=True,
        reset_current=True, rounding="nearest", levels="powers", a_decay=np.array([0.1, 0.2, 0.3]), a_gain=0.5,
        a_from_v=-0.1, a_init=0.2, v_min=-1.0, v_subtract=0.7, v_keep=0.9, v_square=0.1, v_exp=0.2, v_exp_rate=0.3,
        i_from_v=-0.4,
    )  # fmt: skip
    again = from_tree(*to_tree(network(rare)), "file").populations[0].neuron
    assert again is not None
    assert again.settings() == rare.settings()
    for name, value in rare.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name], value, err_msg=name)


def test_a_damaged_setting_is_refused() -> None:
    tree, arrays = to_tree(network(replace(Neuron(), signed=True)))
    tree["populations"][0]["neuron"]["levels"] = "some"
    with pytest.raises(InputError, match="the network description is damaged"):
        from_tree(tree, arrays, "file")
