"""Spike rates for the mapper: given, measured, or the same for all."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.activity.trace import PopulationTrace, SpikeTrace, pack
from neurocomp.errors import InputError
from neurocomp.mapping.map import make_problem
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.rates import given_rates, rates_from_trace, uniform_rates
from neurocomp.network.layout import channel_last
from tests.mapping_problems import chain, conv
from tests.small_chips import make_chip


def problem() -> Problem:
    return make_problem(chain((2, 3, 4), conv(2, 2)), make_chip(), {}, ())


def test_the_default_is_one_spike_per_step() -> None:
    rates = uniform_rates(problem())
    assert {name: rates.of(name).tolist() for name in ("in", "p0")} == {"in": [[[10**6]]], "p0": [[[10**6]]]}
    assert rates.origin == "a rate of 1 per step for all neurons"


def test_given_rates_are_rounded_to_millionths() -> None:
    each = np.arange(24).reshape(2, 3, 4) / 3
    rates = given_rates(problem(), {"p0": each, "in": 0.25}, 0.5)
    assert rates.of("in").tolist() == [[[250_000]]]
    assert np.array_equal(rates.of("p0"), np.rint(each * 1e6))
    assert rates.origin.startswith("rates as given")


def test_rates_of_a_run_are_means_over_samples_and_steps() -> None:
    spikes = np.random.default_rng(0).random((3, 5, 2, 3, 4)) < 0.3
    packed = pack(channel_last(spikes, (2, 3, 4)))
    rates = rates_from_trace(problem(), SpikeTrace(3, 5, {"p0": PopulationTrace((2, 3, 4), packed)}))
    assert np.array_equal(rates.of("p0"), np.rint(spikes.mean(axis=(0, 1)) * 1e6))
    assert rates.of("in").tolist() == [[[10**6]]]
    assert rates.origin == "mean rates of a run of 3 samples x 5 steps; 1 per step for in"


@pytest.mark.parametrize(
    ("rates", "what"),
    [
        ({"nobody": 1.0}, "is no population that sends spikes"),
        ({"p0": np.ones((2, 3))}, r"have shape \(2, 3\); one number or one per element \(2, 3, 4\) is needed"),
        ({"p0": -0.5}, "lie outside 0 to 1e.06 spikes per step"),
        ({"p0": float("nan")}, "lie outside"),
        ({"p0": np.array("often")}, "are of type <U5; numbers are needed"),
    ],
)
def test_wrong_rates_are_named(rates, what) -> None:
    with pytest.raises(InputError, match=what):
        given_rates(problem(), rates)


def test_every_wrong_rate_is_named() -> None:
    with pytest.raises(InputError) as error:
        given_rates(problem(), {"nobody": 1.0, "p0": -1.0}, default=np.inf)
    assert [d.where for d in error.value.diagnostics] == ["rates of nobody", "rates of p0", "default"]


def test_a_trace_of_another_network_is_refused() -> None:
    trace = SpikeTrace(1, 1, {"p0": PopulationTrace((3,), pack(np.zeros((1, 1, 3), bool)))})
    with pytest.raises(InputError, match="record the trace with this network"):
        rates_from_trace(problem(), trace)
