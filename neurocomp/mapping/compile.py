"""From a network as it was trained to a program for a chip: lower, round, map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.activity.execution import Execution
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import bad_input
from neurocomp.mapping.explain.refusals import refuse_unlowered
from neurocomp.mapping.integers import Rounding, held_values, in_integers
from neurocomp.mapping.map import Chips, map_network, most_chips
from neurocomp.mapping.profile import Activity
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import placed_relays, with_stations
from neurocomp.mapping.stations.relays import relay_order
from neurocomp.network.folding import fold_linear_maps
from neurocomp.network.graph import Float32, Integer, Network
from neurocomp.network.ops import hosted_function
from neurocomp.network.passes import fold_average_pooling, max_pooling_to_neurons
from neurocomp.network.quantise import WeightScales
from neurocomp.network.steady import mixtures_to_delays
from neurocomp.network.units import KEEPING
from neurocomp.network.verify import verify

RANGED_SAMPLES = 16  # of the stored ones, to see how large real values become


def compile_network(
    network: Network,
    chip: ChipSpec,
    *,
    calibration: np.ndarray | None = None,
    assignment: Mapping[str, np.ndarray] | None = None,
    forbidden_cores: tuple[int, ...] = (),
    seed: int = 0,
    objective: str = "energy",
    effort: str = "default",
    time_budget_s: float | None = None,
    activity: Activity = None,
    chips: Chips = (1, 1),
    weight_scales: WeightScales = "tensor",
) -> Program:
    """Compile a network for a chip.

    calibration: inputs of the kind the network will see, any shape, from which the chip's input scale is chosen, and,
    shaped like those of the stored sample or (samples, steps, *input shape), the ranges of real values that the chip
    keeps in registers; default: the sample stored with the network. assignment: for some populations the core of every
    element, int (*shape), instead of the mapper's own choice. forbidden_cores must stay empty. The rest is as for
    ``mapping.map.map_network``: objective ("energy", "traffic", "step-time", "cores"), effort ("fast", "default",
    "best"), activity (a trace, or spikes per step by population; default: all neurons count the same), chips.
    weight_scales: "tensor", "channel" or "power-of-two", see :func:`neurocomp.network.quantise.quantise`.

    Raises InputError for a malformed network or one that the chip's arithmetic cannot hold, DoesNotFitError
    with the reasons if the network does not fit the chip.
    """
    for what, value, kind, loader in (
        ("network", network, Network, "load_network"),
        ("chip", chip, ChipSpec, "load_chip"),
    ):
        if not isinstance(value, kind):
            raise bad_input(
                what, f"is a {type(value).__name__}, not a {kind.__name__}", hint=f"neurocomp.{loader}(...)"
            )
    refuse_unlowered(verify(network), chip, forbidden_cores, most_chips(chips))
    lowered = lower(network, chip, calibration, weight_scales=weight_scales)
    return map_network(
        lowered, chip, assignment=dict(assignment or {}), forbidden_cores=forbidden_cores, seed=seed,
        objective=objective, effort=effort, time_budget_s=time_budget_s, activity=activity, chips=chips,
    )  # fmt: skip


def lower(
    network: Network,
    chip: ChipSpec,
    calibration: np.ndarray | None = None,
    *,
    weight_scales: WeightScales = "tensor",
    ranges: Mapping[str, float] | None = None,
) -> Network:
    """The network as the chip would run it: pooling folded, weights and states rounded to the chip's integers, stations
    named (stations.py).

    weight_scales, ranges: see :func:`neurocomp.network.quantise.quantise`. The stored sample goes along; what was
    assumed on the way is added to ``assumptions``.
    """
    verify(network)
    relay_order(network)  # a circle of relays can be run, but not placed: say so before anything is rounded
    lowered, folded = _unrounded(network, chip)
    if isinstance(network.arithmetic, Integer) or chip.numeric.arithmetic == "float32":
        notes = tuple(f"on {chip.name}: {note}" for note in folded)
        return with_stations(replace(lowered, assumptions=network.assumptions + notes), chip)
    if calibration is None and network.sample is not None:
        calibration = network.sample.inputs if network.sample.encoding in ("direct", "temporal") else np.ones(1)
    if ranges is None:
        ranges = _sampled_ranges(lowered, chip, calibration)
    rounding = Rounding(chip_arithmetic(chip), calibration, weight_scales, ranges)
    quantised = in_integers(lowered, chip, rounding)
    notes = tuple(f"on {chip.name}: {note}" for note in (*folded, *quantised.notes))
    return with_stations(replace(quantised.network, assumptions=network.assumptions + notes), chip)


def float_form(network: Network, chip: ChipSpec) -> Network | None:
    """What would be rounded for the chip, before it is; None if nothing would be."""
    rounded = isinstance(network.arithmetic, Float32) and chip.numeric.arithmetic != "float32"
    return _unrounded(network, chip)[0] if rounded else None


def hosted_values(network: Network) -> list[str]:
    """Populations whose values functions of the host give, in an order of their own."""
    found = {p.target for p in network.projections if hosted_function(p.op) not in (None, *KEEPING)}
    return [p.name for p in network.populations if p.name in found]


def ranged_values(network: Network, chip: ChipSpec) -> list[str]:
    """Populations of a float network whose largest values have to be known from data: what functions of the host give,
    and what the chip keeps in registers."""
    return [*hosted_values(network), *held_values(network, chip)]


def _sampled_ranges(network: Network, chip: ChipSpec, calibration: np.ndarray | None) -> dict[str, float]:
    """Greatest magnitudes of ``ranged_values`` on the first samples of calibration data, or of those stored with the
    network if these are no inputs of it."""
    if not ranged_values(network, chip):
        return {}
    sample, given = network.sample, calibration
    if given is not None and sample is not None and given.shape[1:] == sample.inputs.shape[1:]:
        sample = replace(sample, inputs=given, labels=None)
    elif given is not None and given.ndim > 2 and _is_fed_as(network, given.shape[2:]):
        return ranges_on(network, chip, given[:RANGED_SAMPLES])
    if sample is None:
        return {}
    labels = None if sample.labels is None else sample.labels[:RANGED_SAMPLES]
    return ranges_on(
        network, chip, encode_sample(replace(sample, inputs=sample.inputs[:RANGED_SAMPLES], labels=labels))
    )


def _is_fed_as(network: Network, shape: tuple[int, ...]) -> bool:
    return len(network.inputs) == 1 and network.by_name[network.inputs[0]].shape == shape


def ranges_on(
    network: Network, chip: ChipSpec, inputs: np.ndarray | None, samples: int = 1, steps: int | None = None
) -> dict[str, float]:
    """Greatest magnitudes of ``ranged_values`` of a float network on inputs (samples, steps, ...), or, without any, in
    a run of so many samples and steps."""
    wanted = ranged_values(network, chip)
    if not wanted:
        return {}
    if inputs is None:
        return measured_ranges(execute(network, samples=samples, steps=steps, record=wanted), wanted)
    ranges: dict[str, float] = {}
    for k in range(len(inputs)):  # one by one: large networks record much
        ranges = widest(ranges, measured_ranges(execute(network, inputs[k : k + 1], record=wanted), wanted))
    return ranges


def widest(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    """The greater of both, by name."""
    return {name: max(a.get(name, 0.0), b.get(name, 0.0)) for name in (*a, *(n for n in b if n not in a))}


def measured_ranges(run: Execution, names: Sequence[str]) -> dict[str, float]:
    """Greatest magnitudes of recorded relays in a run."""
    values = {name: run.trace.populations[name].values for name in names}
    return {name: 1.0 if v is None else float(np.abs(v).max(initial=0.0)) for name, v in values.items()}


def _unrounded(network: Network, chip: ChipSpec) -> tuple[Network, tuple[str, ...]]:
    """The network before it is rounded, and what was made one map on the way."""
    if isinstance(network.arithmetic, Float32):
        network = fold_average_pooling(mixtures_to_delays(network, chip.numeric.delay_max))
    network = max_pooling_to_neurons(network)
    bits = None if chip.numeric.arithmetic == "float32" else chip.numeric.weight_bits
    relays, tables = placed_relays(network, chip), not chip.core.kernel_sharing
    return fold_linear_maps(network, kept=relays, tables=tables, weight_bits=bits)


def chip_arithmetic(chip: ChipSpec) -> Integer:
    """The integer arithmetic of a chip's cores; the input scale is still open."""
    numeric = chip.numeric
    return Integer(
        weight_bits=numeric.weight_bits,
        state_bits=numeric.state_bits,
        decay_bits=numeric.decay_bits,
        state_shift=numeric.state_shift,
        input_bits=numeric.input_bits,
    )
