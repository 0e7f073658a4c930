"""How often neurons spike: the weights by which the mapper counts traffic.

Rates are integers, spikes per step in units of 1 / TRAFFIC_PER_SPIKE, rounded per element, so that sums over
nets are exact and do not depend on their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import PopulationTrace, SpikeTrace, unpack
from neurocomp.errors import Diagnostic, InputError
from neurocomp.mapping.hypergraph import TRAFFIC_PER_SPIKE
from neurocomp.mapping.problem import Problem
from neurocomp.network.layout import channel_first
from neurocomp.network.ops import frozen_array
from neurocomp.network.structure import Corner, as_map

DEFAULT_RATE = 1.0  # spikes per step: every neuron counts the same
_BITS = 1 << 28  # of a trace unpacked at once


@dataclass(frozen=True, eq=False)
class Rates:
    """Spikes per step of every emitting population.

    per_step: int64 by name, in units of 1 / TRAFFIC_PER_SPIKE, broadcastable to the population's (channels,
    height, width) map. origin: where they come from, in a sentence for the report.
    """

    per_step: dict[str, np.ndarray]
    origin: str

    def of(self, name: str) -> np.ndarray:
        return self.per_step[name]


def uniform_rates(problem: Problem, rate: float = DEFAULT_RATE) -> Rates:
    """The same rate for every input and neuron."""
    return given_rates(problem, {}, rate)


def given_rates(problem: Problem, rates: Mapping[str, float | np.ndarray], default: float = DEFAULT_RATE) -> Rates:
    """Mean rates that the user states, spikes per step: a number for a population, or one per element (its shape).

    default: for populations that are not named. Raises InputError with every name, shape or number that is wrong.
    """
    found = [d for name, rate in rates.items() for d in _wrong(problem, name, rate)] + _wrong_number("default", default)
    if found:
        raise InputError(found)
    per_step = {}
    for name in problem.emitting:
        rate = np.asarray(rates.get(name, default), np.float64)
        per_step[name] = _rounded(rate if not rate.ndim else rate.reshape(problem.shape(name)))
    others = f"{default:g} per step for all other neurons"
    return Rates(per_step, f"rates as given, {others}" if rates else f"a rate of {default:g} per step for all neurons")


def rates_from_trace(problem: Problem, trace: SpikeTrace, default: float = DEFAULT_RATE) -> Rates:
    """Mean spikes per step of every neuron over all samples and steps of a run.

    default: for populations that the trace does not hold. Raises InputError if one has another size there.
    """
    per_step, missing, wrong = {}, [], []
    for name in problem.emitting:
        run = trace.populations.get(name)
        if run is None:
            missing.append(name)
            per_step[name] = _rounded(np.asarray(default))
        elif as_map(run.shape) != problem.shape(name):
            where, size = f"rates of {name}", f"{run.shape} in the trace, {problem.population(name).shape} here"
            wrong.append(Diagnostic(where, f"has shape {size}", hint="record the trace with this network"))
        else:
            per_step[name] = _rounded(_mean(run, trace.samples * trace.steps, problem.shape(name)))
    if wrong:
        raise InputError(wrong)
    origin = f"mean rates of a run of {trace.samples} samples x {trace.steps} steps"
    return Rates(per_step, origin + (f"; {default:g} per step for {', '.join(missing)}" if missing else ""))


def _mean(run: PopulationTrace, steps: int, shape: Corner) -> np.ndarray:
    """float64 (channels, height, width): spikes per step of each element."""
    bits = run.spikes.reshape(-1, run.spikes.shape[-1])
    counts = np.zeros(run.size, np.int64)
    rows = max(1, _BITS // max(1, run.size))
    for start in range(0, len(bits), rows):
        counts += unpack(bits[start : start + rows], run.size).sum(axis=0, dtype=np.int64)
    return channel_first(counts, run.shape).reshape(shape) / max(1, steps)


def _rounded(rate: np.ndarray) -> np.ndarray:
    counts = np.rint(np.asarray(rate, np.float64) * TRAFFIC_PER_SPIKE).astype(np.int64)
    return frozen_array(counts.reshape((1, 1, 1)) if not counts.ndim else counts)


def _wrong(problem: Problem, name: str, rate: float | np.ndarray) -> list[Diagnostic]:
    where = f"rates of {name}"
    if name not in problem.emitting:
        hint = f"these do: {', '.join(problem.emitting)}"
        return [Diagnostic(where, "is no population that sends spikes", hint=hint)]
    array = np.asarray(rate)
    if array.dtype.kind not in "iuf":
        return [Diagnostic(where, f"are of type {array.dtype}; numbers are needed")]
    if array.ndim and array.shape != problem.population(name).shape:
        shape = problem.population(name).shape
        return [Diagnostic(where, f"have shape {array.shape}; one number or one per element {shape} is needed")]
    return _wrong_number(where, array)


def _wrong_number(where: str, rate: float | np.ndarray) -> list[Diagnostic]:
    array = np.asarray(rate, np.float64)
    if np.isfinite(array).all() and (array >= 0).all() and (array <= _MOST_RATE).all():
        return []
    return [Diagnostic(where, f"lie outside 0 to {_MOST_RATE:g} spikes per step")]


_MOST_RATE = 1e6  # sums over 10^7 neurons stay exact in float64 and far below the end of int64
