"""A float network in the integer arithmetic of a chip.

Every population's weighted sums are counted in a unit of their own (units.py), chosen so that the largest weight just
fits the chip's weight width, or, where all weights lie on a power-of-two grid that fits, so that nothing is lost.
Gains of the neuron are folded into threshold and leak. See ``Integer`` for the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.network.graph import Float32, Integer, Network, Population
from neurocomp.network.neuron import expand
from neurocomp.network.ops import hosted_function
from neurocomp.network.quantise_neuron import no_integer_form, whole_neuron
from neurocomp.network.quantise_ops import Rounded, rounded_projection
from neurocomp.network.register_units import RegisterUnits, power_below
from neurocomp.network.registers import registers
from neurocomp.network.rounding import rounding_notes
from neurocomp.network.units import KEEPING, UNIT_ONE, Unit, Units, grid_of, joined_groups
from neurocomp.network.verify import value_order, verify

ANALOG_INPUT_BITS = 9  # sign and 8 bits, as image and sensor data have; finer inputs would outgrow the state registers
LARGEST_ANALOG = 2 ** (ANALOG_INPUT_BITS - 1) - 1
BOUNDED = ("hard_sigmoid", "sigmoid", "softmax", "tanh", "erf")  # functions of the host within -1 and 1
ROOM = 32.0  # times a threshold that states should be able to hold
WORTH_TELLING = 0.01  # errors of whole factors below one per cent are not worth a sentence

WeightScales = Literal["tensor", "channel", "power-of-two"]
SCALES: tuple[str, ...] = get_args(WeightScales)


@dataclass(frozen=True)
class Quantised:
    """An integer network. units: real value of one integer of a population's weighted sums; one, or one per channel.
    weight_error: largest error of a weight, as a fraction of the largest one of its projection; lost: whether weights
    do without some of their bits because thresholds would not fit; crowded: registers that are finer, by so many bits,
    than the weights beside them can be."""

    network: Network
    units: dict[str, Unit]
    notes: tuple[str, ...]
    weight_error: float = 0.0
    lost: bool = False
    crowded: dict[str, int] = field(default_factory=dict)

    @property
    def tight(self) -> bool:
        """Whether states have little room above some threshold, so that membranes far below zero saturate."""
        if not isinstance(self.network.arithmetic, Integer):
            return False
        most = 2.0 ** (self.network.arithmetic.state_bits - 1) / ROOM
        thresholds = [np.asarray(p.neuron.threshold) for p in self.network.populations if p.neuron is not None]
        return any(np.abs(one[np.isfinite(one)]).max(initial=0.0) > most for one in thresholds)


@dataclass(frozen=True)
class Widths:
    """Where real values are kept in registers: bits of each by population, the least exponents of neurons, and the
    largest that the chip has."""

    bits: dict[str, int]
    exponents: dict[str, int] = field(default_factory=dict)
    exponent_max: int = 0


def quantise(
    network: Network,
    arithmetic: Integer,
    calibration: np.ndarray | None = None,
    *,
    weight_scales: WeightScales = "tensor",
    ranges: Mapping[str, float] | None = None,
    relay_bits: int | None = None,
    reader_bits: int | None = None,
    widths: Widths | None = None,
) -> Quantised:
    """Round a float network to integers.

    arithmetic: widths of the chip; its input_scale is chosen here, from ``calibration`` (any inputs of the
    kind the network will see) or, without it, for inputs between -1 and 1. weight_scales: one scale for all weights
    into a population (``tensor``), one for each of its channels where its thresholds absorb that (``channel``), or
    one that is a power of two. ranges: greatest magnitudes of populations in a run of the float network; what
    functions of the host give is rounded by them. relay_bits: of weights into sums that are passed on as values, if
    they must be fewer than elsewhere because real values go through several layers; reader_bits: of the last weights of
    such a chain, into neurons. widths: instead of fewer bits for weights, registers for the values of the populations
    that it names, as far as their ranges are known. Raises InputError if a value does not fit the chip's registers.
    """
    _check(network, arithmetic, weight_scales)
    notes: list[str] = []
    arithmetic = replace(arithmetic, input_scale=_input_scale(network, arithmetic, calibration, notes))
    host = _host_units(network, ranges or {}, notes, widths is not None)
    scales = weight_scales == "channel", weight_scales == "power-of-two"
    if widths is None:
        units = Units(network, arithmetic, host, *scales, relay_bits, reader_bits)
    else:
        kept = registers(network, widths.bits, ranges or {}, LARGEST_ANALOG * arithmetic.input_scale)
        units = RegisterUnits(
            network, arithmetic, host, *scales, registers=kept,
            least_exponents=widths.exponents, exponent_max=widths.exponent_max,
        )  # fmt: skip
    return _quantised(network, units, notes)


def _quantised(network: Network, units: Units, notes: list[str]) -> Quantised:
    found: list[Diagnostic] = []
    populations: dict[str, Population] = {}
    projections: dict[str, Rounded] = {}
    every: dict[str, Unit] = {}
    for name in value_order(network):
        every[name] = units.of(name)
        projections |= {p.name: rounded_projection(network, p, units) for p in network.incoming[name]}
        populations[name] = _rounded_population(network, name, units, found)
    crowded = dict(units.crowded) if isinstance(units, RegisterUnits) else {}
    hopeless = any(no_integer_form(p) for p in network.populations)
    if found and (hopeless or not crowded):  # narrower registers may make thresholds fit
        raise InputError(found)
    result = replace(
        network,
        arithmetic=units.arithmetic,
        populations=tuple(populations[p.name] for p in network.populations),
        projections=tuple(projections[p.name].projection for p in network.projections),
    )
    notes += _loss_notes([projections[p.name] for p in network.projections], units.arithmetic.weight_bits)
    notes += _unit_notes(units)
    for p in network.populations:
        notes += rounding_notes(p, every[p.name], units.arithmetic_of(p.name))
    worst = max((one.weight_error for one in projections.values()), default=0.0)
    every = {p.name: every[p.name] for p in network.populations}
    return Quantised(verify(result), every, tuple(notes), worst, bool(units.lost_bits), crowded)


def _check(network: Network, arithmetic: Integer, weight_scales: str) -> None:
    if not isinstance(network.arithmetic, Float32):
        raise ValueError("the network has integer arithmetic already")
    if weight_scales not in SCALES:
        raise bad_input("--weight-scales", f"is {weight_scales!r}", hint=f"possible are {', '.join(SCALES)}")
    if arithmetic.weight_bits < 2:
        what = "1-bit weights hold no positive number in two's complement, so no network can be rounded to them"
        raise InputError(Diagnostic(network.name, what, hint="give the chip numeric.weight_bits of at least 2"))


def _largest_input(arithmetic: Integer) -> int:
    return replace(arithmetic, input_bits=min(arithmetic.input_bits, ANALOG_INPUT_BITS)).input_limits[1]


def _input_scale(network: Network, arithmetic: Integer, calibration: np.ndarray | None, notes: list[str]) -> float:
    if not network.inputs:
        return 1.0
    largest = _largest_input(arithmetic)
    if calibration is None:
        notes.append("no inputs to calibrate with: input values between -1 and 1 are assumed")
        return 1.0 / largest
    return grid_of(np.asarray(calibration), largest)


def _host_units(
    network: Network, ranges: Mapping[str, float], notes: list[str], powers: bool
) -> dict[str, float]:  # fmt: skip
    """Units of what functions of the host give: their largest value fits into the bits of an analog input, and one more
    where units are powers of two."""
    largest = LARGEST_ANALOG
    units: dict[str, float] = {}
    found: list[Diagnostic] = []
    for p in network.projections:
        function = hosted_function(p.op)
        if function is None or function in (*KEEPING, *UNIT_ONE) or p.target in units:
            continue
        top = ranges.get(p.target, 1.0 if function in BOUNDED else None)
        if top is None or not np.isfinite(top):
            what = f"applies {function} on the host, and no data says how large its results are"
            found.append(
                Diagnostic(p.name, what, hint="give inputs of the kind that the network will see: --calibrate")
            )
            continue
        unit = (top or 1.0) / largest
        units[p.target] = power_below(unit) if powers else unit
        notes.append(
            f"{p.target}: {function} is computed in real values; its results enter as whole numbers of "
            f"{units[p.target]:.3g}"
        )
    if found:
        raise InputError(found)
    return units


def _rounded_population(network: Network, name: str, units: Units, found: list[Diagnostic]) -> Population:
    population, unit = network.by_name[name], units.of(name)
    shape = population.shape
    if name in network.inputs:
        return population
    if population.neuron is None:
        bias = None if population.bias is None else _whole(expand(population.bias, shape) / unit)
        return replace(population, bias=bias, held=units.held(name))
    problems = no_integer_form(population)
    if problems:
        found += problems
        return population
    arithmetic = units.arithmetic_of(name)
    step = expand(unit, shape) / 2**arithmetic.state_shift
    neuron = whole_neuron(population, population.neuron, step, arithmetic)
    bias = None if population.bias is None else _whole(expand(population.bias, shape) / step)
    threshold = np.asarray(neuron.threshold)
    fed = any(p.source in network.inputs for p in network.incoming[name])
    _check_registers(name, expand(population.neuron.threshold, shape), threshold, arithmetic, found, fed)
    return replace(population, bias=bias, neuron=neuron, exponent=units.exponent(name), held=units.held(name))


def _whole(values: np.ndarray) -> np.ndarray:
    return np.rint(np.asarray(values, np.float64))


def _check_registers(
    name: str, original: np.ndarray, threshold: np.ndarray, arithmetic: Integer, found: list[Diagnostic], fed: bool
) -> None:
    """fed: whether inputs of the network arrive here, so that their scale is in the unit."""
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
        what = "its threshold rounds to zero in the chip's units"
        if fed and arithmetic.input_scale > 1:
            largest = f"input values up to {arithmetic.input_scale * LARGEST_ANALOG:.2g}"
            hint = "scale the inputs as they were in training"
            found.append(Diagnostic(name, what, f"the {largest} times the weights are very large against it", hint))
        else:
            found.append(Diagnostic(name, what, why="the weights are very large against the threshold"))


def _loss_notes(rounded: list[Rounded], bits: int) -> list[str]:
    """What rounding the weights cost, in one sentence, and each whole factor that is noticeably off."""
    notes = [
        f"{one.projection.target}: counts what {one.projection.source} sends at {one.factor_error:+.2g} of its value"
        for one in rounded
        if abs(one.factor_error) > WORTH_TELLING
    ]
    raised = [one for one in rounded if one.exponent]
    if raised:
        shown = ", ".join(one.projection.name for one in raised[:3]) + (" ..." if len(raised) > 3 else "")
        most = max(one.exponent for one in raised)
        notes.append(f"the weights of {shown} have an exponent, at most 2^{most}: much smaller ones share their sums")
    worst = max(rounded, key=lambda one: one.weight_error, default=None)
    if worst is None or worst.weight_error == 0:
        return [f"weights are exact in {bits} bits", *notes]
    percent = f"{100 * worst.weight_error:.2g}" if worst.weight_error < 0.995 else "100"  # not 1e+02
    error = f"the largest error is {percent} % of the layer's largest weight"
    return [f"weights rounded to {bits} bits; {error} ({worst.projection.name})", *notes]


def _unit_notes(units: Units) -> list[str]:
    """Which relays of real values share a fixed point, and which weights have scales of their own."""
    notes = []
    for group in joined_groups(units):
        shown = ", ".join(group[:3]) + (f" and {len(group) - 3} more" if len(group) > 3 else "")
        step = np.asarray(units.of(min(group))).max()
        notes.append(f"{shown} pass real values on: they share one fixed point, in steps of {step:.3g}")
    channels = [name for name, unit in units.known.items() if isinstance(unit, np.ndarray)]
    if units.relay_bits is not None:
        few = f"weights into sums that are passed on as real values use {units.relay_bits} bits"
        few += f", those of neurons that hear such sums {units.reader_bits} bits" if units.reader_bits else ""
        notes.append(f"{few}, so that what adds them up again fits")
    for name, bits in units.lost_bits.items():
        if units.network.by_name[name].neuron is not None:
            left = units.arithmetic.weight_bits - bits
            notes.append(f"{name}: weights use {left} bits only, so that its threshold fits the chip's states")
    if units.per_channel:
        every = sum(1 for p in units.network.populations if p.neuron is not None)
        notes.append(f"weights have a scale per channel in {len(channels)} of {every} populations of neurons")
    return notes
