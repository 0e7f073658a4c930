"""What the chip cannot do as the network was trained: the costs are still counted, and the report says so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from neurocomp.mapping.problem import Problem, carries_floats
from neurocomp.mapping.stations import is_moved_input
from neurocomp.network.graph import Integer
from neurocomp.network.neuron import PARTS
from neurocomp.network.ops import weight_of


def capability_mismatches(problem: Problem) -> list[str]:
    """Sentences, each naming the chip's ability, what the network asks for and where."""
    found = [*_arithmetic(problem), *_weights(problem), *_neurons(problem), *_parts(problem), *_values(problem)]
    return [f"{problem.chip.name}: {sentence}" for sentence in found]


def _arithmetic(problem: Problem) -> Iterable[str]:
    numeric, arithmetic = problem.chip.numeric, problem.network.arithmetic
    if numeric.arithmetic == "float32":
        return
    if carries_floats(problem.network):
        yield "computes with integers, but the network is still in float32; its spikes on the chip may differ"
    elif isinstance(arithmetic, Integer):
        if arithmetic.state_bits > numeric.state_bits:
            yield f"has states of {numeric.state_bits} bits, the network asks for {arithmetic.state_bits}"
        if arithmetic.decay_bits > numeric.decay_bits:
            yield f"has decays of {numeric.decay_bits} bits, the network asks for {arithmetic.decay_bits}"


def _weights(problem: Problem) -> Iterable[str]:
    chip, arithmetic = problem.chip, problem.network.arithmetic
    if chip.core.crossbar is not None:
        types = chip.core.crossbar.axon_types
        most = max((_distinct_weights(problem, name) for name in problem.tiled), default=0)
        if most > types:
            yield (
                f"gives each neuron one weight for each of {types} axon types; a layer here has {most} different "
                "weights, so its synapses are counted but its weights could not be stored as they are"
            )
    elif isinstance(arithmetic, Integer) and arithmetic.weight_bits > problem.weight_bits:
        yield f"stores weights of at most {problem.weight_bits} bits, the network has {arithmetic.weight_bits}"


def _distinct_weights(problem: Problem, name: str) -> int:
    """Different weights other than zero into a population, over all of its neurons."""
    values: set[float] = set()
    for projection in problem.network.incoming[name]:
        weight = weight_of(projection.op)
        if weight is not None:
            values |= set(np.unique(weight).tolist())
    return len(values - {0})


def _neurons(problem: Problem) -> Iterable[str]:
    numeric = problem.chip.numeric
    stations = set(problem.lowered.stations)
    neurons = [(name, problem.population(name).neuron) for name in problem.tiled if name not in stations]
    current = [name for name, neuron in neurons if neuron is not None and neuron.i_decay is not None]
    if current and not numeric.synaptic_current:
        yield f"has no synaptic current, which {_listed(current)} {_have(current)}"
    for reset in ("zero", "subtract", "none"):
        asked = [
            n for n, neuron in neurons if neuron is not None and neuron.output != "membrane" and neuron.reset == reset
        ]
        if asked and reset not in numeric.resets:
            yield f"resets by {' or '.join(numeric.resets)}, but {_listed(asked)} {_have(asked)} reset {reset!r}"


def _parts(problem: Problem) -> Iterable[str]:
    """Rarer parts of neurons that the chip's have not."""
    lacking: dict[str, list[str]] = {}
    for name in problem.tiled:
        neuron = problem.population(name).neuron
        for part in () if neuron is None else neuron.parts():
            if part not in problem.chip.numeric.neuron_parts:
                lacking.setdefault(part, []).append(name)
    for part, names in lacking.items():
        yield f"has neurons without {PARTS[part]}, which {_listed(names)} {_have(names)}"


def part_assumptions(problem: Problem) -> list[str]:
    """How neurons with parts of their own are counted, if there are any."""
    names = [name for name in problem.tiled if _extra_work(problem, name)]
    if not names:
        return []
    return [
        f"updates and states of {_listed(names)} are counted as those of plain leaky integrators, for want of figures"
    ]


def _extra_work(problem: Problem, name: str) -> bool:
    neuron = problem.population(name).neuron
    plain = ("refractory", "fire_once", "negative_spikes", "membrane_floor")
    return neuron is not None and any(part not in plain for part in neuron.parts())


def _values(problem: Problem) -> Iterable[str]:
    numeric, kinds = problem.chip.numeric, problem.kinds
    arithmetic = problem.network.arithmetic
    senders = {edge.source for edge in problem.edges}
    plain: list[str] = []
    lowered = problem.lowered
    stations = {n for n in lowered.stations if not is_moved_input(lowered, n)}  # abilities.py has what these cannot be
    for name in (n for n in problem.emitting if n in senders and n not in stations):
        kind, bits = kinds[name], kinds[name].bits
        if kind.name == "real" and isinstance(arithmetic, Integer):
            bits = arithmetic.input_bits if name in problem.network.inputs else arithmetic.state_bits
        if kind.name == "binary":
            continue
        if not numeric.graded_spikes:
            plain.append(f"{name} ({kind})")
        elif bits > numeric.spike_bits:
            yield f"has spikes of {numeric.spike_bits} bits, but {name} sends {bits}-bit values"
    if plain:
        yield f"has spikes that carry no value, but {_listed(plain)} {'sends' if len(plain) == 1 else 'send'} values"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _have(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
