"""What the handlers of an exported graph's operations have in common, and the operations that change nothing.

Every handler takes the context and the operation's arguments, in which signals stand for tensors that depend on
the input and torch tensors for constants. The handlers are in files by kind: linear.py, pooling.py, arithmetic.py,
products.py, reductions.py, host.py, and, for reshapes and the handling of time, axes.py and joining.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.shifts import FirstSteps, Window
from neurocomp.frontend.freezing.streams.signals import Arrangement, Signal, Slots
from neurocomp.network.ops import Shape


@dataclass(frozen=True)
class Context:
    """Where an operation stands. arrange: builds signals; path: module that the operation belongs to;
    weight_path: module that owns its weight (path, if it has none); feeds: operations that use its result."""

    arrange: Arrangement
    path: str
    weight_path: str
    feeds: frozenset[str] = frozenset()


Handler = Callable[..., Any]
HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for operations, by name without overload (``aten.add``) or with it."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


def to_numpy(value: Any) -> np.ndarray:
    """A torch tensor or number as an array; floating point becomes float32. Raises Unsupported for a sequence."""
    if isinstance(value, FirstSteps | Window):
        raise Unsupported("some of the time steps stand where a constant is needed")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        return (value.float() if value.is_floating_point() else value).numpy()
    return np.asarray(value, np.float32)


def need_signal(value: Any, what: str) -> Signal:
    """The value as a signal; raises Unsupported if it is a constant or a half-filled tensor."""
    if isinstance(value, FirstSteps):
        raise Unsupported(f"only the first {value.count} time steps are used")
    if isinstance(value, Window):
        raise Unsupported(f"{value.count} time steps are used where there are {value.steps}")
    if not isinstance(value, Signal):
        raise Unsupported(f"{what} does not depend on the input")
    return value


def only_recorded(node: Any) -> bool:
    """Whether a graph node stacks the steps of something (of a membrane, say) only to return it beside the output."""
    if str(node.target) != "aten.stack.default" or any(user.op != "output" for user in node.users):
        return False
    return all(node in user.args[0][1:] and node is not user.args[0][0] for user in node.users)


def per_step(value: Any, what: str) -> Signal:
    """The value as a signal that exists at every step; raises Unsupported after a sum or mean over the steps, where
    only linear maps have a meaning of their own per step."""
    x = need_signal(value, "the operand")
    if x.time in ("mean", "sum"):
        raise Unsupported(f"{what} of a {x.time} over the time steps; only linear maps may follow that")
    return x


@handles(
    "aten.clone",
    "aten.contiguous",
    "aten.detach",
    "aten.alias",
    "aten.lift_fresh_copy",
    "aten._to_copy",
    "aten.to",
    "aten.detach_copy",
    "aten.type_as",
    "aten.positive",
)
def same(_c: Context, x: Any, *_arguments: Any, **_options: Any) -> Any:
    return x


@handles("aten._assert_tensor_metadata")
def nothing(_c: Context, *_arguments: Any, **_options: Any) -> None:
    return None


@handles("aten.dropout", "aten.feature_dropout", "aten.native_dropout", "aten.alpha_dropout")
def dropout(_c: Context, x: Any, _probability: float, training: bool = False) -> Any:
    if training:
        raise Unsupported("dropout in training mode is random; call module.eval() first")
    return x


@handles("aten.copy")
def copy(_c: Context, _target: Any, x: Any, *_rest: Any) -> Any:
    return x


@handles("aten.fill")
def fill_with(_c: Context, x: Any, value: Any) -> Any:
    import torch

    return torch.full(need_signal(x, "the operand").layout.shape, float(value))


def per_axis(value: Any, axes: int) -> Shape:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def is_open(value: Any) -> bool:
    """Whether a value depends on the input (directly or in a list)."""
    if isinstance(value, list | tuple):
        return any(is_open(part) for part in value)
    return isinstance(value, Signal | Slots | FirstSteps | Window)
