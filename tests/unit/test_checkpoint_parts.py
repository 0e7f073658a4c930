"""Which weights of a checkpoint are taken where it holds several, and what is said about the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.parts import parts_of, weights_in


def state(value: float) -> dict[str, np.ndarray]:
    return {"fc.weight": np.full((2, 3), value), "fc.bias": np.full(2, value)}


ONE, TWO = state(1), state(2)
ADAM = {"state": {0: {"exp_avg": np.zeros((2, 3)), "exp_avg_sq": np.zeros((2, 3))}}, "param_groups": [{"lr": 0.1}]}


def value_of(checkpoint: Any, key: str | None = None) -> float:
    found = weights_in(checkpoint, key, "net.pt")
    assert found is not None and set(found.tensors) == {"fc.weight", "fc.bias"}
    return float(found.tensors["fc.bias"][0])


def test_parts_are_named_by_their_place() -> None:
    assert list(parts_of(ONE)) == [""]
    assert list(parts_of([ONE, TWO])) == ["0", "1"]
    assert list(parts_of({"gan": {"generator": ONE, "critic": TWO}, "epoch": 3})) == ["gan.generator", "gan.critic"]
    assert list(parts_of({"model": ONE, "optimizer": ADAM, "optimizer_states": [ADAM]})) == ["model"]
    assert parts_of({"epoch": 3, "args": ["a"]}) == {} and parts_of(np.ones(3)) == {}


@pytest.mark.parametrize(
    ("checkpoint", "key", "expected"),
    [
        ({"model": ONE, "ema": TWO}, None, 1),
        ({"ema": TWO, "model": ONE}, None, 1),
        ({"model": ONE, "ema": TWO}, "ema", 2),
        ({"model": ONE, "ema": {"state_dict": TWO}}, "ema", 2),
        ([ONE, TWO], "1", 2),
        ((ONE, TWO), "0", 1),
        ({"backbone": TWO}, None, 2),
        ({"last": {"backbone": TWO}, "epoch": 1}, None, 2),
        ({"a": ONE, "b": {"a": TWO}}, "b.a", 2),
        ({f"teacher.{name}": tensor for name, tensor in TWO.items()} | {"fc.bias": ONE["fc.bias"]}, "teacher", 2),
    ],
)
def test_the_weights_that_are_meant(checkpoint: Any, key: str | None, expected: float) -> None:
    assert value_of(checkpoint, key) == expected


def test_what_was_not_taken_is_known() -> None:
    found = weights_in({"model": ONE, "ema": TWO, "optimizer": ADAM}, None, "net.pt")
    assert found is not None and found.rivals == ("ema",) and found.found == "under 'model'"
    only = weights_in({"model": ONE, "optimizer": ADAM}, None, "net.pt")
    assert only is not None and only.rivals == ()
    named = weights_in({"model": ONE, "ema": TWO}, "ema", "net.pt")
    assert named is not None and named.rivals == () and named.found == "under 'ema' (--key)"
    assert weights_in({"accuracy": 0.5}, "ema", "net.pt") is None


@pytest.mark.parametrize(
    ("checkpoint", "key", "message"),
    [
        ([ONE, TWO], None, "net.pt: holds 2 state_dicts: 0 (2 tensors), 1 (2 tensors)\n"
                           "  next: say which: --key 0, with the code that builds the network, --source net.py:build"),
        ({"gan": {"generator": ONE, "critic": TWO}}, "gan",
         "net.pt: holds 2 state_dicts: gan.generator (2 tensors), gan.critic (2 tensors)\n"
         "  next: say which: --key gan.generator, with the code that builds the network, --source net.py:build"),
        ({"model": ONE, "ema": TWO}, "mean", "--key: is 'mean', and net.pt holds no weights by that name\n"
                                             "  next: it holds model (2 tensors), ema (2 tensors)"),
        (ONE, "ema", "--key: is 'ema', and net.pt holds no weights by that name\n"
                     "  next: it holds one alone (2 tensors)"),
    ],
)  # fmt: skip
def test_what_is_said_where_nothing_tells_which(checkpoint: Any, key: str | None, message: str) -> None:
    with pytest.raises(InputError) as caught:
        weights_in(checkpoint, key, "net.pt")
    assert str(caught.value) == message
