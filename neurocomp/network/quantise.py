"""A float network in the integer arithmetic of a chip.

Every population's weighted sums are counted in a unit of their own; the unit is chosen so that the largest
weight just fits the chip's weight width, or, where all weights lie on a power-of-two grid that fits, so that
nothing is lost. Gains of the neuron are folded into threshold and leak. See ``Integer`` for the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Float32, Integer, Network, Population, Projection
from neurocomp.network.neuron import expand
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Sparse, weight_of
from neurocomp.network.quantise_neuron import no_integer_form, sent_unit, whole_neuron
from neurocomp.network.rounding import refined, rounding_notes
from neurocomp.network.verify import value_order, verify

ANALOG_INPUT_BITS = 9  # sign and 8 bits, as image and sensor data have; finer inputs would outgrow the state registers
FINEST_GRID = 24  # 2**-24: finer grids are beyond single precision


@dataclass(frozen=True)
class Quantised:
    """An integer network. units: real value of one integer of each population's weighted sum."""

    network: Network
    units: dict[str, float]
    notes: tuple[str, ...]


def quantise(network: Network, arithmetic: Integer, calibration: np.ndarray | None = None) -> Quantised:
    """Round a float network to integers.

    arithmetic: widths of the chip; its input_scale is chosen here, from ``calibration`` (any inputs of the
    kind the network will see) or, without it, for inputs between -1 and 1. Raises InputError if a value
    does not fit the chip's registers.
    """
    if not isinstance(network.arithmetic, Float32):
        raise ValueError("the network has integer arithmetic already")
    if arithmetic.weight_bits < 2:
        what = "1-bit weights hold no positive number in two's complement, so no network can be rounded to them"
        raise InputError(Diagnostic(network.name, what, hint="give the chip numeric.weight_bits of at least 2"))
    network = replace(network, projections=tuple(_with_weights(network, p) for p in network.projections))
    notes: list[str] = []
    input_scale = _input_scale(network, arithmetic, calibration, notes)
    arithmetic = replace(arithmetic, input_scale=input_scale)
    units: dict[str, float] = {}
    sent: dict[str, float] = {}  # real value of one integer of what a population sends, where that is values
    found: list[Diagnostic] = []
    populations: dict[str, Population] = {}
    projections: dict[str, Projection] = {}
    for name in value_order(network):
        population = network.by_name[name]
        if name in network.inputs:
            units[name] = sent[name] = input_scale
            populations[name] = population
            continue
        units[name] = unit = _unit(network, population, sent, arithmetic)
        sent[name] = unit * sent_unit(population, arithmetic)
        for p in network.incoming[name]:
            projections[p.name] = _rounded_projection(network, p, unit, sent)
        populations[name] = _rounded_population(population, unit, arithmetic, found)
    if found:
        raise InputError(found)
    result = replace(
        network,
        arithmetic=arithmetic,
        populations=tuple(populations[p.name] for p in network.populations),
        projections=tuple(projections[p.name] for p in network.projections),
    )
    notes += _loss_notes(network, result, units, sent, arithmetic.weight_bits)
    for population in network.populations:
        notes += rounding_notes(population, units[population.name], arithmetic)
    return Quantised(verify(result), units, tuple(notes))


def grid_of(values: np.ndarray, largest: int) -> float:
    """The unit in which ``values`` are best written as integers of at most ``largest``.

    The coarsest power of two of which all are multiples, if they then fit; otherwise max |value| / largest.
    """
    top = float(np.abs(values).max()) if values.size else 0.0
    if top == 0.0:
        return 1.0
    for k in range(FINEST_GRID + 1):
        scaled = values.astype(np.float64) * 2.0**k
        if top * 2.0**k > largest:
            break
        if np.array_equal(scaled, np.rint(scaled)):
            return 2.0**-k
    return top / largest


def _with_weights(network: Network, projection: Projection) -> Projection:
    """A sum pooling straight into neurons needs weights, so that it can share the neurons' unit."""
    op = projection.op
    if not isinstance(op, Pool) or op.kind != "sum" or network.by_name[projection.target].neuron is None:
        return projection
    channels = network.by_name[projection.source].shape[0]
    ones = np.ones((channels, 1, *op.kernel), np.float32)
    return replace(projection, op=Conv(ones, op.stride, op.padding, op.dilation, groups=channels))


def _input_scale(network: Network, arithmetic: Integer, calibration: np.ndarray | None, notes: list[str]) -> float:
    if not network.inputs:
        return 1.0
    largest = replace(arithmetic, input_bits=min(arithmetic.input_bits, ANALOG_INPUT_BITS)).input_limits[1]
    if calibration is None:
        notes.append("no inputs to calibrate with: input values between -1 and 1 are assumed")
        return 1.0 / largest
    return grid_of(np.asarray(calibration), largest)


def _source_unit(network: Network, name: str, units: dict[str, float]) -> float:
    """Real value of one integer of a population's output: spikes count as themselves."""
    if _spikes(network, name):
        return 1.0
    if name not in units:
        what = "passes values round in a circle, so that no unit can be chosen for them"
        raise InputError(Diagnostic(name, what, hint="put spiking neurons into the loop"))
    return units[name]


def _passes_through(network: Network, projection: Projection) -> bool:
    """Whether integers arrive as they were sent, so that source and target must share a unit."""
    op = projection.op
    if isinstance(op, Pool):
        return True
    if not isinstance(op, OneToOne) or isinstance(op.scale, np.ndarray) or op.scale != 1.0:
        return False
    into_relay = network.by_name[projection.target].neuron is None
    from_relay = network.by_name[projection.source].neuron is None
    return from_relay or (into_relay and _only_unweighted(network, projection.target))


def _only_unweighted(network: Network, name: str) -> bool:
    return all(isinstance(p.op, Pool | OneToOne) and weight_of(p.op) is None for p in network.incoming[name])


def _unit(network: Network, population: Population, units: dict[str, float], arithmetic: Integer) -> float:
    incoming = network.incoming[population.name]
    through = {_source_unit(network, p.source, units) for p in incoming if _passes_through(network, p)}
    if len(through) > 1:
        raise InputError(
            Diagnostic(
                population.name,
                "adds values that the chip would count in different units",
                why=f"units {', '.join(f'{u:g}' for u in sorted(through))} meet without weights in between",
                hint="put neurons in front of the sum",
            )
        )
    if through:
        return through.pop()
    parts = [_real_weights(p.op) * _source_unit(network, p.source, units) for p in incoming]
    if not parts:  # driven by its bias alone
        parts = [np.asarray(population.bias if population.bias is not None else 1.0).reshape(-1)]
    largest = 2 ** (arithmetic.weight_bits - 1) - 1
    finest = min(grid_of(part, largest) for part in parts)
    top = max(float(np.abs(part).max()) if part.size else 0.0 for part in parts)
    if top > finest * largest:
        return top / largest
    return refined(finest, top, largest, population, arithmetic)


def _real_weights(op: Op) -> np.ndarray:
    values = op.weight if isinstance(op, Linear | Conv | Sparse) else op.scale
    return np.asarray(values, np.float64).reshape(-1)


def _rounded_projection(network: Network, p: Projection, unit: float, units: dict[str, float]) -> Projection:
    op = p.op
    if isinstance(op, Pool) or _passes_through(network, p):
        return p
    factor = _source_unit(network, p.source, units) / unit if p.source in units or _spikes(network, p.source) else 1.0

    def rounded(weight: np.ndarray) -> np.ndarray:
        return np.rint(weight.astype(np.float64) * factor).astype(np.int16)

    if isinstance(op, OneToOne):
        scale = rounded(np.asarray(op.scale))
        return replace(p, op=OneToOne(scale.astype(np.int32) if scale.ndim else int(scale), op.shape))
    return replace(p, op=replace(op, weight=rounded(op.weight)))


def _spikes(network: Network, name: str) -> bool:
    neuron = network.by_name[name].neuron
    return neuron is not None and neuron.output not in ("membrane", "graded")


def _rounded_population(
    population: Population, unit: float, arithmetic: Integer, found: list[Diagnostic]
) -> Population:
    shape = population.shape
    if population.neuron is None:
        bias = None if population.bias is None else _whole(population.bias / unit)
        return replace(population, bias=bias)
    problems = no_integer_form(population)
    if problems:
        found += problems
        return population
    step = unit / 2**arithmetic.state_shift
    neuron = whole_neuron(population, population.neuron, step, arithmetic)
    bias = None if population.bias is None else _whole(expand(population.bias, shape) / step)
    threshold = np.asarray(neuron.threshold)
    _check_registers(population.name, expand(population.neuron.threshold, shape), threshold, arithmetic, found)
    return replace(population, bias=bias, neuron=neuron)


def _whole(values: np.ndarray) -> np.ndarray:
    return np.rint(np.asarray(values, np.float64))


def _check_registers(
    name: str, original: np.ndarray, threshold: np.ndarray, arithmetic: Integer, found: list[Diagnostic]
) -> None:
    finite = threshold[np.isfinite(threshold)]
    limit = 2 ** (arithmetic.state_bits - 1)
    if finite.size and np.abs(finite).max() >= limit:
        found.append(
            Diagnostic(
                name,
                f"its threshold becomes {np.abs(finite).max():.0f}, "
                f"beyond the chip's {arithmetic.state_bits}-bit state",
                why="the weights are very small against the threshold",
                hint="retrain with larger weights or choose a chip with wider states",
            )
        )
    elif np.any((threshold == 0) & (original != 0)):
        found.append(
            Diagnostic(
                name,
                "its threshold rounds to zero in the chip's units",
                why="the weights are very large against the threshold",
            )
        )


def _loss_notes(
    before: Network, after: Network, units: dict[str, float], sent: dict[str, float], bits: int
) -> list[str]:
    """One sentence on what rounding the weights cost."""
    worst, where = 0.0, ""
    for old, new in zip(before.projections, after.projections, strict=True):
        weight, rounded = weight_of(old.op), weight_of(new.op)
        if weight is None or rounded is None or not weight.size or isinstance(new.op, OneToOne):
            continue
        unit = units[new.target] / _source_unit(before, new.source, sent)
        error = np.abs(weight - rounded * unit).max() / max(float(np.abs(weight).max()), 1e-30)
        if error > worst:
            worst, where = float(error), new.name
    if not where:
        return [f"weights are exact in {bits} bits"]
    error = f"the largest error is {100 * worst:.2g} % of the layer's largest weight ({where})"
    return [f"weights rounded to {bits} bits; {error}"]
