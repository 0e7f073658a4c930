"""What one layer does on one engine in one sample and time step: operations, register and memory accesses, cycles.

The counting rules are those of NeuroMC's cost model (Li et al., Nature Communications 2026, doi
10.1038/s41467-026-70586-x; loops and accesses as published with SpikingJelly 2.0.0). A reduction engine (FP, BP) adds
up products over one channel loop along the rows of the array and runs over the rest of that loop and the kernel in
time; an outer engine (WG) keeps one weight's gradient per element. Nothing here looks at energies: counts are integers,
of operations, of register accesses and of bits that pass a memory's ports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.array_engine import ArrayEngine, Operand, OperationCounts, Pointwise
from neurocomp.errors import bad_input
from neurocomp.simulate.engines.layer import Layer

Phase = Literal["FP", "BP", "WG"]
PHASES: tuple[Phase, ...] = ("FP", "BP", "WG")
ArrayUnit = Literal["mac", "pointwise", "register", "sram", "dram", "noc"]


@dataclass(frozen=True)
class Use:
    """``count`` times ``action`` by one unit of the engine.

    action: the path of its cost in the profile: ``operations.add`` (operations), ``registers.16`` (accesses),
    ``memories.fp_soma_u.read`` (bits). of: ``array`` for the convolution, ``pointwise`` for what is done to each
    output; sums by ``of`` and unit are what cost models report apart.
    """

    of: Literal["array", "pointwise"]
    unit: ArrayUnit
    action: str
    count: int


@dataclass(frozen=True)
class Fragment:
    """One layer in one phase, sample and step. macs: executed ones, those on inserted zeros included. steps: of the
    loops in time, one cycle each; values: of the pointwise unit."""

    phase: Phase
    layer: Layer
    macs: int
    steps: int
    values: int
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class _Loops:
    """Loop bounds of one group. along_*: channels; positions: of the map that is walked over; taps: of the kernel.
    results, weights: values."""

    along_rows: int
    along_columns: int
    positions: int
    taps: int
    results: int
    weights: int

    @property
    def macs(self) -> int:
        return self.along_rows * self.along_columns * self.positions * self.taps


def engine_of(chip: ArrayChip, phase: Phase) -> ArrayEngine:
    """The array that runs a phase."""
    engines = chip.engines
    return {"FP": engines.fp, "BP": engines.bp, "WG": engines.wg}[phase]


def fragment(chip: ArrayChip, phase: Phase, layer: Layer, *, weights_resident: bool = False) -> Fragment:
    """What ``layer`` takes in this phase for one sample and step.

    weights_resident: the array's weights are those of the sample or step before and were kept; they are kept only if
    they fit the weight memory. Raises InputError for the gradient of the first layer's inputs, which nothing needs.
    """
    engine = engine_of(chip, phase)
    if phase == "BP" and layer.first:
        raise bad_input(layer.name, "is the first layer: no gradient goes back through it")
    loops = _loops(engine, phase, layer)
    resident = weights_resident and weights_stay(chip, engine, layer)
    count = _reduction if engine.dataflow == "reduction" else _outer
    uses = [*count(engine, layer, loops, resident), *_finish(engine, phase, layer)]
    macs = loops.macs * layer.groups
    return Fragment(phase, layer, macs, _steps(engine, loops) * layer.groups, _finished(phase, layer), _merged(uses))


def weights_stay(chip: ArrayChip, engine: ArrayEngine, layer: Layer) -> bool:
    """Whether the array's weights need not be read from their memory again: by the published energies only where the
    fragment fits a single bank."""
    return layer.weights * engine.other.bits <= chip.memory(engine.other.memory).size_bits


def _loops(engine: ArrayEngine, phase: Phase, layer: Layer) -> _Loops:
    inputs, outputs = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    sides = {"input_channels": inputs, "output_channels": outputs}
    size = layer.out_size if phase == "FP" or not engine.zero_insertion else layer.in_size
    results = {"FP": layer.outputs, "BP": layer.inputs, "WG": layer.weights}[phase] // layer.groups
    return _Loops(
        sides[engine.along_rows], sides[engine.along_columns], math.prod(size), math.prod(layer.kernel), results,
        layer.weights // layer.groups,
    )  # fmt: skip


def _steps(engine: ArrayEngine, loops: _Loops) -> int:
    """Cycles of the loops that are not unrolled."""
    rows, columns = -(-loops.along_rows // engine.rows), -(-loops.along_columns // engine.columns)
    return rows * columns * loops.positions * loops.taps


def _streams(engine: ArrayEngine, layer: Layer) -> tuple[OperationCounts, Operand, Operand]:
    """(multiply-accumulate, streaming operand, other operand); a first layer's inputs are numbers."""
    real = engine.real_input if layer.real_input else None
    if real is None:
        return engine.mac, engine.input, engine.other
    return real.mac, real.input, real.other or engine.other


def _reduction(engine: ArrayEngine, layer: Layer, loops: _Loops, resident: bool) -> Iterator[Use]:
    """Weight stationary: partial sums leave the array for the output memory between one slice of the reduction and the
    next, and come back."""
    mac, moving, weights = _streams(engine, layer)
    groups, macs, results = layer.groups, loops.macs, loops.results
    slices = -(-loops.along_rows // engine.rows) * loops.taps
    yield from _operations("array", mac, macs * groups)
    yield _register(moving, 2 * macs * groups)
    if not resident:
        yield _register(weights, 2 * loops.weights * groups)
        yield _sram(weights, "read", loops.weights * groups)
    added = max(0, macs - results)  # the first product of a result has nothing to be added to
    yield _register(engine.output, (2 * macs + added + results * (slices - 1)) * groups)
    yield _sram(moving, "read", results * slices * groups)
    yield _sram(engine.output, "read", results * (slices - 1) * groups)
    yield _sram(engine.output, "write", results * slices * groups)


def _outer(engine: ArrayEngine, layer: Layer, loops: _Loops, resident: bool) -> Iterator[Use]:
    """Output stationary: a gradient is summed in its element over all positions; each operand is shared by the
    elements along one side of the array."""
    mac, spikes, gradients = _streams(engine, layer)
    groups, macs = layer.groups, loops.macs
    shares = {engine.along_rows: min(loops.along_rows, engine.rows)}
    shares[engine.along_columns] = min(loops.along_columns, engine.columns)
    yield from _operations("array", mac, macs * groups)
    yield _register(spikes, 2 * macs * groups)
    yield _register(gradients, 2 * macs * groups)
    yield _register(engine.output, 2 * macs * groups)
    yield _sram(spikes, "read", -(-macs // shares["output_channels"]) * groups)
    yield _sram(gradients, "read", -(-macs // shares["input_channels"]) * groups)
    yield _sram(engine.output, "write", loops.results * groups)


def _finished(phase: Phase, layer: Layer) -> int:
    """Values that the pointwise unit of the engine works on: FP updates the layer's own neurons, BP takes the gradient
    through the neurons that sent its inputs."""
    if phase == "FP":
        return layer.outputs if layer.neurons else 0
    return layer.inputs if phase == "BP" else 0


def _finish(engine: ArrayEngine, phase: Phase, layer: Layer) -> Iterator[Use]:
    values = _finished(phase, layer)
    if engine.pointwise is not None and values:
        yield from pointwise_uses(engine.pointwise, values)


def pointwise_uses(work: Pointwise, values: int) -> Iterator[Use]:
    """What a pointwise unit does for so many values."""
    yield from _operations("pointwise", work.operations, values)
    for traffic in work.memory:
        for direction, times in (("read", traffic.reads), ("write", traffic.writes)):
            bits = times * traffic.bits * values
            yield Use("pointwise", "sram", f"memories.{traffic.memory}.{direction}", bits)
    for register in work.registers:
        yield Use("pointwise", "register", f"registers.{register.bits}", register.accesses * values)


def _operations(of: Literal["array", "pointwise"], each: OperationCounts, times: int) -> Iterator[Use]:
    unit: ArrayUnit = "mac" if of == "array" else "pointwise"
    for name in ("add", "mul", "mux", "compare", "sqrt"):
        yield Use(of, unit, f"operations.{name}", getattr(each, name) * times)


def _register(operand: Operand, accesses: int) -> Use:
    return Use("array", "register", f"registers.{operand.bits}", accesses)


def _sram(operand: Operand, direction: str, values: int) -> Use:
    return Use("array", "sram", f"memories.{operand.memory}.{direction}", values * operand.bits)


def _merged(uses: list[Use]) -> tuple[Use, ...]:
    """One entry per unit and action, in a fixed order, without those that do not happen."""
    sums: dict[tuple[Literal["array", "pointwise"], ArrayUnit, str], int] = {}
    for use in uses:
        key = (use.of, use.unit, use.action)
        sums[key] = sums.get(key, 0) + use.count
    return tuple(Use(*key, count) for key, count in sums.items() if count)
