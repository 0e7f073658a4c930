"""Recurrent cells of torch, which export keeps whole, written out in operations that are frozen one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def decompositions() -> dict[Any, Callable[..., Any]]:
    """By operator of torch, for ``ExportedProgram.run_decompositions``."""
    import torch

    aten = torch.ops.aten
    return {
        aten.lstm_cell.default: _lstm,
        aten.gru_cell.default: _gru,
        aten.rnn_tanh_cell.default: _tanh,
        aten.rnn_relu_cell.default: _relu,
    }


def _gates(x: Any, hidden: Any, weights: tuple[Any, ...]) -> tuple[Any, Any]:
    import torch

    w_input, w_hidden, b_input, b_hidden = (*weights, None, None)[:4]
    return torch.ops.aten.linear(x, w_input, b_input), torch.ops.aten.linear(hidden, w_hidden, b_hidden)


def _lstm(x: Any, states: Any, *weights: Any) -> tuple[Any, Any]:
    hidden, cell = states
    given, returned = _gates(x, hidden, weights)
    enter, forget, new, leave = (given + returned).chunk(4, 1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
    return leave.sigmoid() * cell.tanh(), cell


def _gru(x: Any, hidden: Any, *weights: Any) -> Any:
    given, returned = _gates(x, hidden, weights)
    (reset, update, new), (reset_h, update_h, new_h) = given.chunk(3, 1), returned.chunk(3, 1)
    update = (update + update_h).sigmoid()
    new = (new + (reset + reset_h).sigmoid() * new_h).tanh()
    return new - update * new + update * hidden


def _tanh(x: Any, hidden: Any, *weights: Any) -> Any:
    given, returned = _gates(x, hidden, weights)
    return (given + returned).tanh()


def _relu(x: Any, hidden: Any, *weights: Any) -> Any:
    given, returned = _gates(x, hidden, weights)
    return (given + returned).relu()
