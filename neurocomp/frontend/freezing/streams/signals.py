"""A tensor of the exported graph as what it stands for: a stream, at some time, in some arrangement of axes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurocomp.frontend.freezing.streams import Streams
from neurocomp.frontend.freezing.streams.broadcast import Joints, Side, features, joined, layout_of, places
from neurocomp.frontend.freezing.streams.kinds import Stream, Term, Unsupported
from neurocomp.frontend.freezing.streams.layout import (
    Atom,
    Layout,
    LayoutError,
    constant_features,
    feature_map,
    feature_order,
    feature_size,
    of_natural_order,
)
from neurocomp.frontend.freezing.streams.rolling import Time, flat_sum, rolled
from neurocomp.network.ops import Shape


@dataclass(frozen=True, eq=False)
class Signal:
    """One tensor. layout: how its dimensions are made of time, batch and the stream's features."""

    stream: Stream
    time: Time
    layout: Layout

    def with_layout(self, layout: Layout) -> Signal:
        return replace(self, layout=layout)


@dataclass(frozen=True, eq=False)
class Slots:
    """A tensor of zeros that the time loop fills step by step (``out[t] = spikes``). axis: the time axis."""

    axis: int
    size: int
    filled: dict[int, Signal]


class Arrangement:
    """Operations on signals that only need streams and layouts. steps: how many time steps there are."""

    def __init__(self, streams: Streams, steps: int) -> None:
        self.streams = streams
        self.steps = steps
        self.begins: dict[int, int] = {}
        """By number of the neuron layers that hear a shorter sequence: the step at which it begins (shorter.py)."""
        self.reduced: set[int] = set()
        """Lengths of the sequences of which a mean or a sum over time was taken."""

    def in_order(self, signal: Signal, lead: int, path: str) -> tuple[Stream, Shape]:
        """The stream of a signal with its features as the dimensions after ``lead`` have them, and their shape.

        Reorders (a relay with one wire each) where the tensor's order is not that of the stream.
        """
        layout = signal.layout
        shape = layout.feature_dims(lead)
        if shape is not None:
            return self.streams.reshaped(signal.stream, shape), shape
        before = [atom for dim in layout.dims[:lead] for atom in dim]
        after = [atom for dim in layout.dims[lead:] for atom in dim]
        if any(a.kind == "T" for a in after):
            raise LayoutError(f"it works along the time axis of a tensor of shape {layout.shape}: it mixes time steps")
        if any(a.kind == "F" for a in before) or any(a.kind != "F" and a.size > 1 for a in after):
            raise LayoutError(f"time, batch and features of a tensor of shape {layout.shape} are mixed")
        index = feature_order(layout).reshape(layout.shape[lead:])
        return self.streams.gathered(signal.stream, index, path), index.shape

    def solid(self, signal: Signal, path: str) -> Signal:
        """The signal without repeated elements in its layout: what ``expand`` only notes is done by wires."""
        if all(atom.stride or atom.size == 1 for atom in signal.layout.atoms if atom.kind == "F"):
            return signal
        return self.natural(signal, path)

    def natural(self, signal: Signal, path: str) -> Signal:
        """The signal with a stream whose features lie in the order of the tensor."""
        layout = of_natural_order(signal.layout)
        if layout == signal.layout:
            return signal
        shape = tuple(size for dim in layout.dims if (size := feature_size(dim)) > 1) or (1,)
        index = feature_order(signal.layout).reshape(shape)
        return Signal(self.streams.gathered(signal.stream, index, path), signal.time, layout)

    def indices(self, signal: Signal, axis: int | None) -> tuple[np.ndarray, list[int]]:
        """Where each element of a tensor, over its feature axes, lies in its stream; and which axes these are.

        axis: one that counts as a feature axis even if it is a time or batch axis of size 1.
        """
        axes = feature_axes(signal.layout, axis)
        return feature_order(signal.layout).reshape([signal.layout.shape[a] for a in axes]), axes

    def rewired(self, signal: Signal, axes: list[int], index: np.ndarray, path: str) -> Signal:
        """Elements of the signal's stream by index, over the given feature axes of the tensor."""
        stream = self.streams.gathered(signal.stream, index, path)
        dims = list(signal.layout.dims)
        for axis, dim in zip(axes, feature_map(index.shape), strict=True):
            kept = any(a.steps for a in dims[axis]) and feature_size(dims[axis]) == index.shape[axes.index(axis)]
            dim = tuple(replace(a, steps=True) for a in dim) if kept and len(dims[axis]) == 1 else dim
            dims[axis] = (*(atom for atom in dims[axis] if atom.kind != "F"), *dim)
        return Signal(stream, signal.time, Layout(tuple(dims)))

    def joined(self, one: Signal, other: Signal, path: str) -> tuple[Signal, Signal, tuple[Joints, ...]]:
        """Two signals and how their dimensions are matched; reordered only where it does not go otherwise."""
        try:
            return one, other, joined(one.layout, other.layout)
        except LayoutError:
            one, other = self.natural(one, path), self.natural(other, path)
            return one, other, joined(one.layout, other.layout)

    def combined(self, one: Signal, other: Signal, sign: float, path: str) -> Signal:
        """one + sign * other, element by element."""
        first, second, layout = self._aligned(one, other, path)
        time, back_one, back_other = common_time(one.time, other.time)
        terms = (Term(first, back_one), Term(self.streams.scaled(second, np.array([sign]), path), back_other))
        return Signal(self.streams.sum(terms, None, first.shape, path), time, layout)

    def plus(self, signal: Signal, array: np.ndarray, path: str) -> Signal:
        """signal + constant."""
        signal, flat = self._constant(signal, array, path)
        if signal.time == "sum":
            flat = flat / self.steps
        stream = signal.stream
        total = self.streams.sum((Term(stream),), flat.astype(np.float32), stream.shape, path)
        return replace(signal, stream=total)

    def plus_flat(self, signal: Signal, flat: np.ndarray, path: str) -> Signal:
        """signal + a constant that is already in the order of its stream."""
        total = self.streams.sum((Term(signal.stream),), flat.astype(np.float32), signal.stream.shape, path)
        return replace(signal, stream=total)

    def times(self, signal: Signal, array: np.ndarray, path: str) -> Signal:
        """signal * constant."""
        signal, flat = self._constant(signal, array, path)
        return replace(signal, stream=self.streams.scaled(signal.stream, flat, path))

    def stacked(self, signals: list[Signal], axis: int) -> Signal:
        """One signal per step, in order, joined along a new time axis."""
        for t, signal in enumerate(signals):
            if signal.layout != signals[0].layout or signal.time not in (t, "any"):
                raise Unsupported("tensors are stacked that are not the same quantity at steps 0, 1, 2, ...")
        if len(signals) != self.steps:
            raise Unsupported(f"{len(signals)} tensors are stacked where there are {self.steps} time steps")
        stream = rolled(self.streams, [(signal.stream, signal.time) for signal in signals])
        return Signal(stream, "all", signals[0].layout.inserted(axis, (Atom("T", self.steps),)))

    def at_step(self, signal: Signal, axis: int, step: int) -> Signal:
        """The signal at one step of its own, which are the last ones; ``axis`` must be its time axis."""
        count = signal.layout.shape[axis]
        return Signal(signal.stream, self.steps - count + step % count, signal.layout.without(axis))

    def summed_over_time(self, signal: Signal) -> Signal:
        """A signal that a loop has added up over all steps becomes the sum over time of the one quantity."""
        if signal.time != self.steps - 1 or self.steps < 2:
            return signal
        flat, constant = flat_sum(signal.stream)
        first = flat[0].stream if flat else None
        delays = sorted(term.delay for term in flat)
        if first is None or delays != list(range(self.steps)) or any(term.stream is not first for term in flat):
            return signal
        if constant is not None:
            first = self.streams.sum((Term(first),), constant / self.steps, first.shape, first.path)
        return Signal(first, "sum", signal.layout)

    def _aligned(self, one: Signal, other: Signal, path: str) -> tuple[Stream, Stream, Layout]:
        """The streams of both signals with their elements in the same order, and the layout of their combination.

        One of them keeps its order if it has every element of the result; the other follows.
        """
        if one.layout.dims == other.layout.dims:
            return one.stream, self.streams.reshaped(other.stream, one.stream.shape), one.layout
        one, other, dims = self.joined(one, other, path)
        joints = features(dims)
        sides: tuple[tuple[Signal, Side], ...] = ((one, "one"), (other, "other"))
        for base, side in sides:
            if all(joint.stride(side) for joint in joints):
                order = sorted(joints, key=lambda joint: -joint.stride(side))
                shape = base.stream.shape
                break
        else:
            order, shape = joints, tuple(joint.size for joint in joints) or (1,)
        first = self.streams.gathered(one.stream, places(order, "one").reshape(shape), path)
        second = self.streams.gathered(other.stream, places(order, "other").reshape(shape), path)
        return first, second, layout_of(dims, order)

    def _constant(self, signal: Signal, array: np.ndarray, path: str) -> tuple[Signal, np.ndarray]:
        """A constant operand as one number or one per feature of the signal's stream (float64)."""
        array = np.asarray(array, np.float64)
        if array.size == 1 and array.ndim <= len(signal.layout.dims):
            return signal, array.reshape(1)
        shape = np.broadcast_shapes(array.shape, signal.layout.shape)
        signal = self.solid(expanded(signal, shape), path)
        flat = constant_features(array, signal.layout)
        if flat is None:
            raise Unsupported("a constant that differs between steps or samples is combined with a signal")
        return signal, flat


def feature_axes(layout: Layout, axis: int | None = None) -> list[int]:
    """The axes of a tensor that are features: those without time or batch. Raises LayoutError if one is both."""
    axes = []
    for k, dim in enumerate(layout.dims):
        size = feature_size(dim)
        others = [atom for atom in dim if atom.kind != "F"]
        if size > 1 and any(atom.size > 1 for atom in others):
            raise LayoutError(f"time, batch and features of a tensor of shape {layout.shape} are mixed")
        if size > 1 or not others or k == axis:
            axes.append(k)
    return axes


def expanded(signal: Signal, shape: Shape) -> Signal:
    """The signal as a tensor of a larger shape, to which torch broadcasts it: features are repeated."""
    layout = Layout(((),) * (len(shape) - len(signal.layout.dims)) + signal.layout.dims)
    if layout.shape == shape:
        return signal.with_layout(layout)
    dims = [
        dim if has == wanted else (*dim, Atom("F", wanted, 0))
        for dim, has, wanted in zip(layout.dims, layout.shape, shape, strict=True)
    ]
    return signal.with_layout(Layout(tuple(dims)))


def common_time(one: Time, other: Time) -> tuple[Time, int, int]:
    """The time of a combination of two signals, and how many steps each of them then lies back."""
    if one == other or other == "any":
        return one, 0, 0
    if one == "any":
        return other, 0, 0
    if isinstance(one, int) and isinstance(other, int):
        last = max(one, other)
        return last, last - one, last - other
    raise Unsupported("a single step is combined with the whole sequence or with an average over time")
