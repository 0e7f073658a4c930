"""Cycles of accelerators that skip absent spikes: Prosperity, bit-sparse, PTB, SATO, MINT and dense Eyeriss.

The rules are those of the cycle models that come with Prosperity (Wei et al., HPCA 2025, arXiv 2503.03379), which
describes all six with the same spikes. One layer follows the other; its neurons' updates come on top of it, on the
product-sparse array only those of the last tile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.chip.spike_array import (
    DenseScheme,
    ProductScheme,
    RowScheme,
    SerialScheme,
    SpikeArray,
    TimeBatchScheme,
)
from neurocomp.errors import bad_input
from neurocomp.simulate.engines.core import dealt_out, pack_rows, reuse_products

NEURON_CYCLES_PER_ROW = 3  # of PTB: two to leak and integrate, one to fire


@dataclass(frozen=True, eq=False)
class SpikeLayer:
    """One layer with its input spikes, unrolled to one row of inputs for each output position.

    spikes: bool (steps, positions, inputs). outputs: channels or neurons computed from each row; neurons: that are
    updated per step afterwards; taps: how many rows an input occurs in (the kernel's area), which are fetched once.
    """

    name: str
    spikes: np.ndarray
    outputs: int
    neurons: int
    taps: int = 1

    @property
    def steps(self) -> int:
        return self.spikes.shape[0]

    @property
    def positions(self) -> int:
        return self.spikes.shape[1]

    @property
    def inputs(self) -> int:
        return self.spikes.shape[2]


@dataclass(frozen=True)
class LayerCycles:
    """compute: of the array, its search for reuse overlapped; stall: waiting for DRAM; neurons: what their updates add.
    dram_bits: moved for the layer. additions: executed ones."""

    name: str
    compute: int
    stall: int
    neurons: int
    dram_bits: int
    additions: int

    @property
    def cycles(self) -> int:
        return self.compute + self.stall + self.neurons


def unrolled(spikes: np.ndarray, kernel: int, stride: int = 1, padding: int = 0) -> np.ndarray:
    """bool (steps, positions, channels x kernel x kernel) of maps (steps, channels, height, width)."""
    padded = np.pad(spikes, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    if min(padded.shape[2:]) < kernel:
        raise bad_input("spikes", f"a kernel of {kernel} does not fit maps of {padded.shape[2]} x {padded.shape[3]}")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))  # type: ignore[call-overload]
    rows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    return np.ascontiguousarray(rows.reshape(spikes.shape[0], -1, spikes.shape[1] * kernel * kernel))


def run_layers(array: SpikeArray, layers: Sequence[SpikeLayer]) -> tuple[LayerCycles, ...]:
    """What each layer takes, one after the other. Raises InputError for spikes that are not (steps, positions,
    inputs)."""
    found, kept = [], False
    for layer in layers:
        if layer.spikes.ndim != 3 or 0 in layer.spikes.shape:
            raise bad_input(layer.name, f"its spikes have the shape {layer.spikes.shape}")
        found.append(_layer(array, layer, kept))
        if isinstance(array.scheme, ProductScheme):
            kept = _stay_on_chip(array.scheme, layer)
    return tuple(found)


def _layer(array: SpikeArray, layer: SpikeLayer, kept: bool) -> LayerCycles:
    scheme = array.scheme
    match scheme:
        case ProductScheme():
            return _product(array, scheme, layer, kept)
        case TimeBatchScheme():
            return _time_batch(array, scheme, layer)
        case RowScheme():
            return _rows(scheme, layer)
        case SerialScheme():
            return _serial(scheme, layer)
        case _:
            return _dense(scheme, layer)


def bit_and_product_density(scheme: ProductScheme, layers: Sequence[SpikeLayer]) -> tuple[float, float]:
    """Share of ones among all inputs, before and after reuse within tiles; a layer counts once per tile of outputs."""
    ones = left = inputs = 0
    for layer in layers:
        repeats = -(-layer.outputs // scheme.tile_outputs)
        counted = [reuse_products(mask, scheme.tile_rows) for mask in _masks(scheme, layer)]
        ones += repeats * sum(c.spikes for c in counted)
        left += repeats * sum(c.residual for c in counted)
        inputs += repeats * layer.spikes.size
    return ones / inputs, left / inputs


def _masks(scheme: ProductScheme, layer: SpikeLayer) -> list[np.ndarray]:
    """uint64 (positions x steps) for each slice of inputs; all steps of a position follow each other."""
    rows = layer.spikes.transpose(1, 0, 2).reshape(-1, layer.inputs).astype(bool)
    width = scheme.tile_inputs
    return [masks_of(rows[:, k : k + width]) for k in range(0, layer.inputs, width)]


def masks_of(rows: np.ndarray) -> np.ndarray:
    """uint64 (rows): the ones of bool (rows, at most 64), input b as bit b."""
    packed = np.packbits(np.ascontiguousarray(rows, bool), axis=1, bitorder="little")
    return np.pad(packed, ((0, 0), (0, 8 - packed.shape[1]))).view("<u8")[:, 0].astype(np.uint64)


def _product(array: SpikeArray, scheme: ProductScheme, layer: SpikeLayer, kept: bool) -> LayerCycles:
    counted = [reuse_products(mask, scheme.tile_rows) for mask in _masks(scheme, layer)]
    repeats = -(-layer.outputs // scheme.tile_outputs)
    rows = layer.positions * layer.steps
    tiles = [min(scheme.tile_rows, rows - m) for m in range(0, rows, scheme.tile_rows)]
    if scheme.reuse:
        work = sum(c.residual + c.repeated for c in counted)
        search = sum(c.searched for c in counted) + len(counted) * sum(t // scheme.counters for t in tiles)
        compute, added = max(work, search) * repeats, sum(c.residual for c in counted)
    else:
        added = sum(c.spikes for c in counted)
        compute = added * repeats
    fetched = _product_fetches(array, scheme, layer, kept)
    first = min(scheme.tile_inputs, layer.inputs) * min(scheme.tile_outputs, layer.outputs) * array.weight_bits
    if not kept:
        first += min(scheme.tile_inputs, layer.inputs) * min(scheme.tile_rows, rows)
    update, updates = _product_neurons(scheme, layer)
    written = 0 if _stay_on_chip(scheme, layer) else updates
    stall = _stall(array, first, fetched, compute)
    return LayerCycles(layer.name, compute, stall, update, fetched + written, added * layer.outputs)


def _product_fetches(array: SpikeArray, scheme: ProductScheme, layer: SpikeLayer, kept: bool) -> int:
    """Bits from DRAM. The spike buffer holds one tile; the weight buffer one tile of weights. Spikes of a convolution
    are unrolled on the chip, rounded down tile by tile."""
    rows, spikes = layer.positions * layer.steps, 0
    repeats = -(-layer.outputs // scheme.tile_outputs)
    if not kept:
        whole = rows * layer.inputs <= scheme.tile_rows * scheme.tile_inputs
        for m in range(0, rows, scheme.tile_rows):
            for k in range(0, layer.inputs, scheme.tile_inputs):
                tile = min(scheme.tile_rows, rows - m) * min(scheme.tile_inputs, layer.inputs - k)
                spikes += tile // layer.taps * (1 if whole else repeats)
    column_fits = layer.inputs <= scheme.tile_inputs
    matrix_fits = layer.inputs * layer.outputs <= scheme.tile_inputs * scheme.tile_outputs
    times = 1 if column_fits or matrix_fits else -(-rows // scheme.tile_rows)
    return spikes + layer.inputs * layer.outputs * array.weight_bits * times


def _product_neurons(scheme: ProductScheme, layer: SpikeLayer) -> tuple[int, int]:
    """(cycles of the last tile's neurons, which nothing hides; bits that all neurons send out)"""
    in_tile = scheme.tile_rows * scheme.tile_outputs // layer.steps
    cycles = [-(-n // scheme.neuron_units) * layer.steps * 2 for n in (in_tile, layer.neurons)]
    return min(cycles), layer.neurons * layer.steps


def _stay_on_chip(scheme: ProductScheme, layer: SpikeLayer) -> bool:
    """Whether what the layer's neurons send fits the spike buffer, where the next layer finds it."""
    return layer.neurons * layer.steps < scheme.tile_rows * scheme.tile_inputs


def _stall(array: SpikeArray, first: int, moved: int, compute: int) -> int:
    """Cycles of waiting for DRAM: for the first tile, and for what computing does not hide."""
    if array.dram_bits_per_cycle is None:
        return 0
    return first // array.dram_bits_per_cycle + max(0, (moved - first) // array.dram_bits_per_cycle - compute)


def _time_batch(array: SpikeArray, scheme: TimeBatchScheme, layer: SpikeLayer) -> LayerCycles:
    steps = 1 << (layer.steps - 1).bit_length()  # filled up with silent steps to a power of two
    steps = -(-steps // scheme.window_steps) * scheme.window_steps
    spikes = np.concatenate([layer.spikes, np.zeros((steps - layer.steps, *layer.spikes.shape[1:]), bool)])
    windows = np.any(spikes.reshape(-1, scheme.window_steps, layer.positions, layer.inputs), axis=1)
    packed = _packed(scheme, np.asarray(windows))
    compute = packed * -(-layer.outputs // scheme.rows) * scheme.window_steps
    compute += layer.positions * scheme.rows * 2  # filling and draining the array
    moved = layer.steps * layer.positions * layer.inputs + layer.inputs * layer.outputs * array.weight_bits
    moved += layer.steps * layer.positions * layer.outputs
    first = scheme.rows * scheme.columns * 12  # a weight and a batch of spikes for each element
    update = layer.neurons * layer.steps * NEURON_CYCLES_PER_ROW // scheme.rows
    additions = packed * scheme.columns * layer.outputs
    return LayerCycles(layer.name, compute, _stall(array, first, moved, compute), update, moved, additions)


def _packed(scheme: TimeBatchScheme, windows: np.ndarray) -> int:
    """Input rows left after packing. windows: bool (windows, positions, inputs). The columns of the array take equal
    runs of them; without several positions nothing is packed."""
    count, positions, inputs = windows.shape
    if positions == 1:
        return int(windows[:, 0].any(axis=0).sum())
    flat = windows.reshape(count * positions, inputs)
    flat = np.concatenate([flat, np.zeros((-len(flat) % scheme.columns, inputs), bool)])
    rows = flat.reshape(scheme.columns, -1, inputs).transpose(1, 2, 0).reshape(-1, scheme.columns)
    return pack_rows(masks_of(rows), inputs, scheme.columns)


def _rows(scheme: RowScheme, layer: SpikeLayer) -> LayerCycles:
    spikes = layer.spikes.reshape(-1, layer.inputs).sum(axis=1, dtype=np.int64)
    compute = int(dealt_out(spikes, scheme.elements).max()) * layer.outputs
    update = layer.neurons * (math.ceil(math.log2(layer.steps)) + 1)
    return LayerCycles(layer.name, compute, 0, update, 0, int(spikes.sum()) * layer.outputs)


def _serial(scheme: SerialScheme, layer: SpikeLayer) -> LayerCycles:
    spikes = int(layer.spikes.sum(dtype=np.int64))
    update = layer.neurons * layer.steps * NEURON_CYCLES_PER_ROW // scheme.neuron_rows
    compute = spikes * -(-layer.outputs // scheme.elements)
    return LayerCycles(layer.name, compute, 0, update, 0, spikes * layer.outputs)


def _dense(scheme: DenseScheme, layer: SpikeLayer) -> LayerCycles:
    compute = -(-layer.outputs // scheme.columns) * (layer.spikes.size // scheme.rows)
    update = layer.steps // scheme.columns * layer.neurons // scheme.rows
    return LayerCycles(layer.name, compute, 0, update, 0, layer.spikes.size * layer.outputs)
