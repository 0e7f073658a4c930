"""Neurons and operators of the IR in the words of NIR, and what has none.

The inverse of nir_neurons.py under forward Euler: with time step dt a membrane that keeps v_decay of itself in a step
has tau = dt / (1 - v_decay), and so on. Parameters are written in double precision, so that reading them back gives
the same single-precision numbers. NIR's neurons spike above the threshold; one that spikes upon reaching it gets the
next smaller single-precision number as its threshold, which is the same for every single-precision membrane.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from neurocomp.network.graph import Population
from neurocomp.network.neuron import Neuron, expand
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse, Wiring

MAX_DENSE = 2**22
"""Synapse tables and wirings of up to so many (targets x sources) are written as matrices."""

Values = Mapping[str, np.ndarray | str]
SAID = {"v_decay", "v_gain", "i_decay", "i_gain", "leak", "threshold", "v_reset", "v_init",
        "reset", "reset_when", "compare", "output", "max_count", "refractory"}  # fmt: skip
"""Fields of a neuron that are looked at here; another one with a value of its own cannot be written."""


class Unwritable(ValueError):
    """Has no form in NIR; the text says what would be lost."""


@dataclass(frozen=True, eq=False)
class Word:
    """One NIR node. shape: of what it puts out."""

    type: str
    shape: Shape
    values: Values = field(default_factory=dict)


def neuron_word(population: Population, neuron: Neuron, dt_s: float) -> Word:
    """The node of a population of neurons. Raises Unwritable with everything that stands in the way."""
    lost = list(_lost(neuron, population.shape))
    if lost:
        raise Unwritable("; ".join(lost))
    value = _Values(neuron, population.shape, dt_s)
    if neuron.output == "membrane":
        return Word(*value.named("I", "LI", "CubaLI"))
    if _forgets(neuron):
        return Word("Threshold", population.shape, {"threshold": value.threshold()})
    kind, shape, values = value.named("IF", "LIF", "CubaLIF")
    return Word(kind, shape, {**values, "v_threshold": value.threshold(), "v_reset": value.full("v_reset")})


def _forgets(neuron: Neuron) -> bool:
    """Whether nothing is left of a membrane one step later: NIR's Threshold."""
    plain = np.all(np.asarray(neuron.v_gain) == 1) and not np.any(neuron.leak)
    return bool(not np.any(neuron.v_decay) and neuron.i_decay is None and plain)


def _lost(neuron: Neuron, shape: Shape) -> Iterator[str]:
    """What NIR's neurons cannot do, in clauses whose subject is the population."""
    spikes = neuron.output != "membrane"
    if neuron.output == "count":
        yield f"sends up to {neuron.max_count} spikes in one step, of which NIR's neurons would send one"
    elif neuron.output not in ("binary", "membrane"):
        yield f"sends {neuron.output} values, which no neuron of NIR does"
    if spikes and not (_forgets(neuron) and neuron.reset_when == "now"):
        yield from _lost_resets(neuron)
    if neuron.refractory:
        yield f"rests for {neuron.refractory} steps after a spike, and NIR knows no refractory time"
    if np.any(neuron.v_init):
        yield "starts from v_init, and NIR stores no initial state"
    yield from _lost_in_time(neuron, shape)
    for one in fields(Neuron):
        if one.name not in SAID and not _same(getattr(neuron, one.name), one.default):
            yield f"has {one.name}, for which NIR has no word"


def _lost_resets(neuron: Neuron) -> Iterator[str]:
    if neuron.reset == "subtract":
        yield "is reset by subtraction, NIR's neurons to a fixed value: what exceeds the threshold would be lost"
    elif neuron.reset == "none":
        yield "is not reset by a spike; NIR's neurons always are"
    if neuron.reset_when == "next":
        yield "is reset in the step after its spike; NIR's neurons are at once"


def _lost_in_time(neuron: Neuron, shape: Shape) -> Iterator[str]:
    decay = expand(neuron.v_decay, shape)
    if np.any(decay < 0) or np.any(decay > 1):
        yield "has a v_decay outside 0 to 1, which no time constant gives"
    elif np.any(decay == 1) and not np.all(decay == 1):
        yield "has neurons with and without leak in one population"
    elif np.all(decay == 1) and np.any(neuron.leak):
        yield "has a leak, but a membrane that does not decay towards it"
    elif np.all(decay == 1) and neuron.i_decay is not None:
        yield "has a synaptic current in front of a membrane without leak"
    current = np.zeros(()) if neuron.i_decay is None else expand(neuron.i_decay, shape)
    if np.any(current < 0) or np.any(current >= 1):
        yield "has an i_decay that is not below 1, which no time constant gives"


def _same(value: object, default: object) -> bool:
    return value is default or bool(np.all(np.asarray(value) == np.asarray(default)))


@dataclass(frozen=True, eq=False)
class _Values:
    """NIR parameters of neurons: float64 arrays of the population's shape."""

    neuron: Neuron
    shape: Shape
    dt_s: float

    def named(self, integrator: str, leaky: str, current: str) -> tuple[str, Shape, Values]:
        """(type, shape, parameters without those of spikes), of the three kinds of membrane."""
        decay = self.full("v_decay")
        if np.all(decay == 1):
            return integrator, self.shape, {"r": self.full("v_gain") / self.dt_s}
        rate = 1.0 - decay
        values = {"r": self.full("v_gain") / rate, "v_leak": self.full("leak") * self.full("v_gain") / rate}
        if self.neuron.i_decay is None:
            return leaky, self.shape, {"tau": self.dt_s / rate, **values}
        rise = 1.0 - self.full("i_decay")
        values |= {"tau_mem": self.dt_s / rate, "tau_syn": self.dt_s / rise, "w_in": self.full("i_gain") / rise}
        return current, self.shape, values

    def full(self, name: str) -> np.ndarray:
        """What the engine computes with: single precision, here in doubles."""
        value = np.asarray(expand(getattr(self.neuron, name), self.shape), np.float32).astype(np.float64)
        return np.ascontiguousarray(np.broadcast_to(value, self.shape))

    def threshold(self) -> np.ndarray:
        threshold = self.full("threshold")
        if self.neuron.compare == ">":
            return threshold
        return np.nextafter(threshold.astype(np.float32), np.float32(-np.inf)).astype(np.float64)


def op_words(op: Op, source: Shape, target: Shape, bias: np.ndarray | None, *, binary: bool) -> list[Word]:
    """The nodes, one behind the other, of an operator; none for a plain copy. bias: (*target), to be added.

    binary: whether only 0 and 1 arrive. Raises Unwritable.
    """
    match op:
        case Linear(weight):
            return [*_flat(source), _matrix(weight, bias, target)]
        case Conv():
            return [_conv(op, source, target, bias)]
        case Pool():
            return _pool(op, target, binary)
        case OneToOne():
            return _copy(op, source, target)
        case Sparse() | Wiring():
            return _table(op, source, target)
        case _:
            raise Unwritable(UNKNOWN.get(type(op).__name__, f"is a {type(op).__name__}, for which NIR has no node"))


UNKNOWN = {
    "Factor": "is an operand of a product of two signals, and NIR's nodes add what arrives",
    "Host": "is a function that no spiking hardware computes, for which NIR has no node",
    "OverTime": "brings values of other time steps, for which NIR has no node",
    "AllSteps": "is a function of all time steps, for which NIR has no node",
    "Reduce": "sums or picks along an axis, for which NIR has no node",
}


def carries(op: Op, bias: np.ndarray, target: Shape) -> bool:
    """Whether an operator's node has room for this bias, (*target)."""
    if isinstance(op, Conv):
        flat = bias.reshape(target[0], -1)
        return bool((flat == flat[:, :1]).all())
    return isinstance(op, Linear)


def _flat(source: Shape) -> list[Word]:
    if len(source) == 1:
        return []
    one = {"input_type": np.array(source), "start_dim": np.array(0), "end_dim": np.array(-1)}
    return [Word("Flatten", (math.prod(source),), one)]


def _matrix(weight: np.ndarray, bias: np.ndarray | None, target: Shape) -> Word:
    if len(target) != 1:
        raise Unwritable(f"makes a map of shape {target} of a vector, and NIR has no reshape")
    weight = np.asarray(weight, np.float32)
    if bias is None:
        return Word("Linear", target, {"weight": weight})
    return Word("Affine", target, {"weight": weight, "bias": bias})


def _conv(op: Conv, source: Shape, target: Shape, bias: np.ndarray | None) -> Word:
    axes = len(op.kernel)
    per_channel = np.zeros(target[0], np.float32) if bias is None else bias.reshape(target[0], -1)[:, 0]
    sizes = {"stride": op.stride, "padding": op.padding, "dilation": op.dilation, "input_shape": source[1:]}
    values = {key: np.array(size if axes == 2 else size[0]) for key, size in sizes.items()}
    values |= {"weight": np.asarray(op.weight, np.float32), "bias": per_channel, "groups": np.array(op.groups)}
    return Word(f"Conv{axes}d", target, values)


def _pool(op: Pool, target: Shape, binary: bool) -> list[Word]:
    if len(op.kernel) != 2:
        raise Unwritable(f"pools over {len(op.kernel)} axis, and NIR pools over two")
    sizes = {
        "kernel_size": np.array(op.kernel), "stride": np.array(op.stride), "padding": np.array(op.padding)
    }  # fmt: skip
    if op.kind != "max":
        return [Word(f"{op.kind.capitalize()}Pool2d", target, sizes)]
    if not binary:
        raise Unwritable("takes a maximum of values other than spikes, for which NIR has no node")
    return [Word("SumPool2d", target, sizes), Word("Threshold", target, {"threshold": np.zeros(target)})]


def _copy(op: OneToOne, source: Shape, target: Shape) -> list[Word]:
    words = []
    if isinstance(op.scale, np.ndarray) or op.scale != 1.0:
        scale = np.broadcast_to(np.asarray(op.scale, np.float32).reshape(-1), math.prod(source)).reshape(source)
        words.append(Word("Scale", source, {"scale": np.ascontiguousarray(scale)}))
    if source == target:
        return words
    if len(target) != 1:
        raise Unwritable(f"reshapes {source} to {target}, and NIR can only flatten")
    return words + _flat(source)


def _table(op: Sparse | Wiring, source: Shape, target: Shape) -> list[Word]:
    n_source, n_target = math.prod(source), math.prod(target)
    if n_source * n_target > MAX_DENSE:
        raise Unwritable(f"rearranges {n_source:,} elements, and NIR has full matrices only")
    weight = np.zeros((n_target, n_source), np.float32)
    if isinstance(op, Wiring):
        wired = np.flatnonzero(op.index >= 0)
        weight[wired, op.index[wired]] = 1.0
    else:
        np.add.at(weight, (op.indices, np.repeat(np.arange(n_source), np.diff(op.indptr))), op.weight)
    return [*_flat(source), _matrix(weight, None, target)]
