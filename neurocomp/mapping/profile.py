"""What the network does while it is mapped for: how often every neuron spikes, and how many need an update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import SpikeTrace, count_bits
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.rates import Rates, given_rates, rates_from_trace, uniform_rates
from neurocomp.network.layout import channel_last


@dataclass(frozen=True, eq=False)
class Profile:
    """Activity of a network. active: per population the mean share of neurons whose update is not a no-op."""

    rates: Rates
    active: dict[str, float]

    def flat(self, problem: Problem, name: str) -> np.ndarray:
        """int64 (elements), channel-last: spikes per step in units of 1 / TRAFFIC_PER_SPIKE."""
        shape = problem.shape(name)
        return channel_last(np.broadcast_to(self.rates.of(name), shape), shape)

    def spikes(self, problem: Problem, name: str) -> int:
        """Of a whole population per step, in units of 1 / TRAFFIC_PER_SPIKE."""
        rate = self.rates.of(name)
        return int(rate.sum()) * (problem.population(name).size // rate.size)


Activity = SpikeTrace | Mapping[str, float | np.ndarray] | Profile | None


def profile_of(problem: Problem, activity: Activity) -> Profile:
    """The profile that a mapping is weighed with.

    activity: a trace of a run; or per population its spikes per step, one number or an array of its shape (others
    spike in every step); a profile of the same network, which is taken as it is; None: every neuron spikes in every
    step. Raises InputError if it does not fit.
    """
    if isinstance(activity, Profile):
        return activity
    if not isinstance(activity, SpikeTrace):
        rates = uniform_rates(problem) if activity is None else given_rates(problem, activity)
        return Profile(rates, dict.fromkeys(problem.tiled, 1.0))
    rates, active = rates_from_trace(problem, activity), {}
    for name in problem.tiled:
        run = activity.populations.get(name)
        if run is None:  # the simulator counts no updates of what sends nothing (read-outs)
            active[name] = 1.0 if problem.emits(name) else 0.0
        else:  # of stations, whose values are not kept, those that are sent
            updated = run.spikes if run.active is None else run.active
            active[name] = count_bits(updated) / (activity.samples * activity.steps * run.size)
    return Profile(rates, active)
