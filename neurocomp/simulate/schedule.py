"""Who does what when in training: layers over cores, and engines of all cores side by side.

Layers are cut along output channels in multiples of the array's width, so that consecutive cores get equal shares
of the work; a core may hold the tail of one layer and the head of the next. Time steps of a sample flow forward
through the cores' FP engines, then backward through their BP engines, each with its WG engine beside it; the next
samples follow without waiting, so that FP of one sample runs beside BP and WG of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from neurocomp.errors import bad_input
from neurocomp.simulate.engines.layer import Layer


@dataclass(frozen=True)
class LayerPart:
    """Output channels ``first`` .. ``first + piece.out_channels`` of a layer, on one core. piece: what the core sees;
    whole: the layer."""

    core: int
    whole: Layer
    piece: Layer
    first: int


def split_over_cores(
    layers: Sequence[Layer], cores: int, width: int, work_of: Callable[[Layer], int]
) -> tuple[LayerPart, ...]:
    """Layers in order over at most ``cores`` cores, so that the busiest core has as little work as possible.

    Every core takes a run of slices of ``width`` output channels (the array's width; a grouped convolution is one
    slice). work_of: time that a layer keeps a core busy, which its channels share evenly. Raises InputError if there
    is no layer or two have one name.
    """
    names = [layer.name for layer in layers]
    if not layers or cores < 1 or len(set(names)) < len(names):
        what = "there is nothing to train" if not layers else f"{cores} cores, layers {', '.join(names)}"
        raise bad_input("layers", what, "layers need names of their own, and a core")
    slices = [piece for index, layer in enumerate(layers) for piece in _slices(index, layer, width, work_of(layer))]
    return tuple(_joined(layers, _filled(slices, _least_load(slices, cores))))


@dataclass(frozen=True)
class _Slice:
    layer: int
    first: int
    channels: int
    work: Fraction


def _slices(index: int, layer: Layer, width: int, work: int) -> list[_Slice]:
    step = width if layer.groups == 1 else layer.out_channels
    cuts = [(first, min(step, layer.out_channels - first)) for first in range(0, layer.out_channels, step)]
    return [_Slice(index, first, n, Fraction(work * n, layer.out_channels)) for first, n in cuts]


def _filled(slices: Sequence[_Slice], most: Fraction) -> list[list[_Slice]]:
    """Runs of slices, each filled up to ``most``; a larger slice has a core of its own."""
    filled: list[list[_Slice]] = [[]]
    held = Fraction(0)
    for piece in slices:
        if filled[-1] and held + piece.work > most:
            filled.append([])
            held = Fraction(0)
        filled[-1].append(piece)
        held += piece.work
    return filled


def _least_load(slices: Sequence[_Slice], cores: int) -> Fraction:
    """How far cores must be filled so that they suffice, to a millionth of the mean."""
    total = sum((piece.work for piece in slices), Fraction(0))
    low, high = Fraction(0), total
    while high - low > total / cores / 10**6:
        middle = (low + high) / 2
        if len(_filled(slices, middle)) <= cores:
            high = middle
        else:
            low = middle
    return high


def _joined(layers: Sequence[Layer], cores: Sequence[Sequence[_Slice]]) -> Iterator[LayerPart]:
    """Slices of one layer on one core are one part."""
    for core, slices in enumerate(cores):
        for index in dict.fromkeys(piece.layer for piece in slices):
            mine = [piece for piece in slices if piece.layer == index]
            count, layer = sum(piece.channels for piece in mine), layers[index]
            name = layer.name if count == layer.out_channels else f"{layer.name}[{mine[0].first}]"
            yield LayerPart(core, layer, layer.part(name, count), mine[0].first)


@dataclass(frozen=True)
class StageTimes:
    """Time of one time step of one sample on each core's engines, picoseconds; in order of the cores."""

    forward_ps: tuple[int, ...]
    backward_ps: tuple[int, ...]
    gradient_ps: tuple[int, ...]


def flow_ps(times: StageTimes, samples: int, steps: int) -> int:
    """From the first spike to the last weight gradient.

    A step goes forward from core to core; back-propagation of a sample starts when its last step is through the last
    core and goes back in time; a core's weight gradient of a step needs the gradient that its BP engine works on. An
    engine takes its jobs in order, without a gap where it need not wait. Buffers between cores are never full.
    """
    cores = len(times.forward_ps)
    forward, backward, gradient = ([0] * cores for _ in range(3))  # when each engine is free
    for _ in range(samples):
        at = 0
        for _ in range(steps):
            at = 0
            for core in range(cores):
                at = forward[core] = max(at, forward[core]) + times.forward_ps[core]
        arrived = at
        for _ in range(steps):
            at = arrived  # of the last step; earlier ones are ready then as well
            for core in reversed(range(cores)):
                gradient[core] = max(at, gradient[core]) + times.gradient_ps[core]
                at = backward[core] = max(at, backward[core]) + times.backward_ps[core]
    return max(*backward, *gradient, *forward)
