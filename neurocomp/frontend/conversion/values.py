"""What a network without neurons computes: every population's values for a batch, with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from neurocomp.activity.host import apply_host
from neurocomp.errors import bad_input
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.ops import Conv, Host, Linear, OneToOne, Op, Pool, Reduce, Shape, Wiring
from neurocomp.network.verify import population_order

BATCH = 64


def batches(network: Network, inputs: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Values of every population, (samples, *shape) in float32, for one group of samples after the other.

    inputs: (samples, *input shape). Raises InputError for operators that a network without neurons does not have.
    """
    order = population_order(network)
    for start in range(0, len(inputs), BATCH):
        values = {network.inputs[0]: np.asarray(inputs[start : start + BATCH], np.float32)}
        for name in order:
            if name not in values:
                values[name] = _arrived(network, network.by_name[name], values)
        yield values


def outputs(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Values that are read out, (samples, elements)."""
    found = [values[str(network.output)] for values in batches(network, inputs)]
    return np.concatenate([part.reshape(len(part), -1) for part in found])


def _arrived(network: Network, population: Population, values: dict[str, np.ndarray]) -> np.ndarray:
    total: np.ndarray | None = None
    for projection in network.incoming[population.name]:
        part = _applied(projection, values[projection.source], population.shape)
        total = part if total is None else total + part
    if total is None:
        raise bad_input(population.name, "receives nothing")
    if population.bias is not None:
        bias = np.asarray(population.bias, np.float32)
        each = bias.reshape(-1, *(1,) * (len(population.shape) - 1)) if bias.ndim == 1 else bias
        total = total + each
    return total


def _applied(projection: Projection, x: np.ndarray, shape: Shape) -> np.ndarray:
    form = _FORMS.get(type(projection.op))
    if form is None or projection.delay:
        what = f"has an operator {type(projection.op).__name__} that a network without neurons cannot have"
        raise bad_input(projection.name, what)
    return form(projection.op, x).reshape(len(x), *shape)


def _linear(op: Linear, x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1) @ op.weight.T


def _windows(x: np.ndarray, op: Conv | Pool, fill: float = 0.0) -> np.ndarray:
    """(samples, channels, *positions, *kernel)."""
    axes = tuple(range(2, x.ndim))
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in op.padding)], constant_values=fill)
    reach = tuple(d * (k - 1) + 1 for d, k in zip(op.dilation, op.kernel, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(padded, reach, axes)
    places = tuple(slice(None, None, s) for s in op.stride)
    taps = tuple(slice(None, None, d) for d in op.dilation)
    return seen[(slice(None), slice(None), *places, *taps)]


def _conv(op: Conv, x: np.ndarray) -> np.ndarray:
    windows = _windows(x, op)
    axes = len(op.kernel)
    groups = []
    width, made = op.weight.shape[1], op.weight.shape[0] // op.groups
    for g in range(op.groups):
        part, weight = windows[:, g * width : (g + 1) * width], op.weight[g * made : (g + 1) * made]
        inner = [1, *range(2 + axes, 2 + 2 * axes)]
        groups.append(np.moveaxis(np.tensordot(part, weight, (inner, [1, *range(2, 2 + axes)])), -1, 1))
    return np.concatenate(groups, axis=1)


def _pool(op: Pool, x: np.ndarray) -> np.ndarray:
    windows = _windows(x, op, -np.inf if op.kind == "max" else 0.0)
    axes = tuple(range(-len(op.kernel), 0))
    return windows.max(axes) if op.kind == "max" else windows.sum(axes) * np.float32(op.scale)


def _one_to_one(op: OneToOne, x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1) * np.asarray(op.scale, np.float32)


def _wired(op: Wiring, x: np.ndarray) -> np.ndarray:
    flat = np.concatenate([x.reshape(len(x), -1), np.zeros((len(x), 1), np.float32)], axis=1)
    return flat[:, op.index]  # -1 is the zero behind the last


def _reduced(op: Reduce, x: np.ndarray) -> np.ndarray:
    split = x.reshape(len(x), op.before, op.axis, op.after)
    return {"sum": split.sum, "avg": split.mean, "max": split.max}[op.kind](axis=2)


def _hosted(op: Host, x: np.ndarray) -> np.ndarray:
    if op.function == "relu":
        return np.maximum(x, 0)
    return apply_host(op, np.ascontiguousarray(x))


_FORMS: dict[type[Op], Callable[..., np.ndarray]] = {
    Linear: _linear, Conv: _conv, Pool: _pool, OneToOne: _one_to_one, Wiring: _wired, Reduce: _reduced, Host: _hosted,
}  # fmt: skip
