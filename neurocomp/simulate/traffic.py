"""What one training iteration moves to and from DRAM, tensor by tensor.

Convolution and soma are fused, BP reads a gradient once and WG takes it from there; spikes and surrogate masks take
one bit if they are packed. A map that is larger than a tile is read with the rim of its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.simulate.engines.fragment import engine_of
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.schedule import LayerPart
from neurocomp.simulate.training_setup import Stage, TrainingSetup, forward_passes
from neurocomp.simulate.training_units import weight_updates

Tensor = Literal[
    "spikes", "inputs", "weights", "membrane", "mask", "outputs", "gradient", "weight_gradient", "normalisation",
    "optimizer_state",
]  # fmt: skip


@dataclass(frozen=True)
class Transfer:
    """Bits of one tensor read and written in one iteration, by one core for one layer and phase."""

    core: int
    layer: str
    phase: Stage
    tensor: Tensor
    read_bits: int
    write_bits: int


def transfers(chip: ArrayChip, parts: Sequence[LayerPart], setup: TrainingSetup) -> tuple[Transfer, ...]:
    """All traffic of one iteration. What goes into a layer is fetched once, by the core with its first part; the parts
    on other cores hear it over the network on chip."""
    held: dict[int, int] = {}
    for part in parts:
        held[part.core] = held.get(part.core, 0) + part.piece.weights
    last = parts[-1].whole.name
    found = (t for part in parts for t in _of_part(chip, part, held[part.core], setup, part.whole.name == last))
    return tuple(t for t in found if t.read_bits or t.write_bits)


def _of_part(chip: ArrayChip, part: LayerPart, held: int, setup: TrainingSetup, last: bool) -> Iterator[Transfer]:
    """held: weights of the core. last: the gradients of the layer's outputs are those of the loss, from outside."""
    above = not last and gradients_stay(chip, part.whole.outputs, setup)
    yield from _forward(chip, part, _weight_reads(chip, held, "FP", setup), setup)
    if not part.whole.first:
        yield from _backward(chip, part, _weight_reads(chip, held, "BP", setup), setup, above)
    yield from _gradient(chip, part, setup, above)
    yield from _update(chip, part, setup)


def _forward(chip: ArrayChip, part: LayerPart, fetches: int, setup: TrainingSetup) -> Iterator[Transfer]:
    layer, rows, value = part.piece, setup.samples * setup.steps, chip.value_bits
    outputs, passes = rows * layer.outputs, forward_passes(part.whole, setup)
    tensor, bits = _inputs(chip, part, setup)
    yield _moved(part, "FP", tensor, 0 if spikes_stay(chip, part.whole, setup) else bits * passes)
    yield _moved(part, "FP", "weights", layer.weights * value * fetches * passes)
    if layer.neurons:
        flag = chip.spike_bits if setup.packed else value
        yield _moved(part, "FP", "spikes", 0, outputs * flag)
        if not setup.recompute:
            yield _moved(part, "FP", "membrane", 0, outputs * value)
            yield _moved(part, "FP", "mask", 0, outputs * flag)
    else:
        yield _moved(part, "FP", "outputs", 0, outputs * value)
    if layer.normalised:  # statistics need the whole batch: written, and read again
        yield _moved(part, "FP", "normalisation", outputs * value, outputs * value)


def _backward(chip: ArrayChip, part: LayerPart, fetches: int, setup: TrainingSetup, above: bool) -> Iterator[Transfer]:
    """above: the gradients of the outputs come from the layer above without DRAM."""
    layer, rows, value = part.piece, setup.samples * setup.steps, chip.value_bits
    outputs = rows * layer.outputs
    read = rows * layer.out_channels * _positions_read(chip, layer.out_size, layer, setup)
    yield _moved(part, "BP", "gradient", 0 if above else read * value)
    yield _moved(part, "BP", "weights", layer.weights * value * fetches)
    if layer.normalised:
        yield _moved(part, "BP", "normalisation", 2 * outputs * value, outputs * value)
    if part.first:
        return  # the gradient of the inputs is summed over the cores of a layer; the first one finishes it
    inputs, flag = rows * layer.inputs, chip.spike_bits if setup.packed else value
    yield _moved(part, "BP", "spikes", inputs * flag)
    if not setup.recompute:
        yield _moved(part, "BP", "membrane", inputs * value)
        yield _moved(part, "BP", "mask", inputs * flag)
    yield _moved(part, "BP", "gradient", 0, 0 if gradients_stay(chip, part.whole.inputs, setup) else inputs * value)


def _gradient(chip: ArrayChip, part: LayerPart, setup: TrainingSetup, above: bool) -> Iterator[Transfer]:
    layer, value = part.piece, chip.value_bits
    yield _moved(part, "WG", *_inputs(chip, part, setup))
    if layer.first and not above:  # no BP has read it
        yield _moved(part, "WG", "gradient", setup.samples * setup.steps * layer.outputs * value)
    yield _moved(part, "WG", "weight_gradient", 0, layer.weights * value)


def _update(chip: ArrayChip, part: LayerPart, setup: TrainingSetup) -> Iterator[Transfer]:
    values, bits = part.piece.trained, chip.value_bits
    state = values * sum(update.state_words * update.state_bits for update in weight_updates(chip, setup))
    yield _moved(part, "UPDATE", "weight_gradient", values * bits)
    yield _moved(part, "UPDATE", "weights", values * bits, values * bits)
    yield _moved(part, "UPDATE", "optimizer_state", state, state)


def _moved(part: LayerPart, phase: Stage, tensor: Tensor, read_bits: int, write_bits: int = 0) -> Transfer:
    return Transfer(part.core, part.whole.name, phase, tensor, read_bits, write_bits)


def _inputs(chip: ArrayChip, part: LayerPart, setup: TrainingSetup) -> tuple[Tensor, int]:
    """The layer's inputs as they are read for FP and WG."""
    layer = part.piece
    if part.first:
        return "spikes", 0
    bits = chip.spike_bits if setup.packed and not layer.real_input else chip.value_bits
    values = setup.samples * setup.steps * layer.in_channels * _positions_read(chip, layer.in_size, layer, setup)
    return ("inputs" if layer.real_input else "spikes"), values * bits


def _weight_reads(chip: ArrayChip, held: int, phase: Literal["FP", "BP"], setup: TrainingSetup) -> int:
    """How often a core's weights are fetched in one iteration. held: weights of all its parts."""
    store = chip.memory(engine_of(chip, phase).other.memory)
    fits = held * chip.value_bits <= store.total_bits
    return 1 if setup.order == "layer" or fits else setup.samples * setup.steps


def spikes_stay(chip: ArrayChip, layer: Layer, setup: TrainingSetup) -> bool:
    """Whether a layer's inputs reach FP without DRAM. They are written there all the same: BP and WG read them."""
    store = chip.memory(chip.engines.fp.input.memory)
    bits = layer.inputs * chip.spike_bits * _maps_at_a_time(setup)
    return setup.on_chip and not layer.first and not layer.real_input and bits <= store.total_bits


def gradients_stay(chip: ArrayChip, values: int, setup: TrainingSetup) -> bool:
    """Whether the gradients of a map of so many values go from one layer's BP to that of the layer before on the
    chip."""
    store = chip.memory(chip.engines.bp.input.memory)
    return setup.on_chip and values * chip.value_bits * _maps_at_a_time(setup) <= store.total_bits


def _maps_at_a_time(setup: TrainingSetup) -> int:
    return 1 if setup.order == "step" else setup.samples * setup.steps


def _positions_read(chip: ArrayChip, size: tuple[int, int], layer: Layer, setup: TrainingSetup) -> int:
    """Pixels that are fetched of each channel of a map; tiles overlap by the kernel's rim inside the map."""
    if not setup.halos:
        return size[0] * size[1]
    seams = [-(-extent // chip.tile_side) - 1 for extent in size]
    return math.prod(extent + n * (k - 1) for extent, n, k in zip(size, seams, layer.kernel, strict=True))
