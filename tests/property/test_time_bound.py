"""No run takes less time per time step of the network than its mapping's bound, whatever network and chip."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.map import map_network
from neurocomp.network import Network
from neurocomp.report.build import report
from neurocomp.simulate.inference import simulate
from tests.random_nets import networks
from tests.small_chips import make_chip

ROUNDING = 1e-5  # of the rates that the mapper weighs with


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data())
def test_a_time_step_is_not_shorter_than_the_bound(network: Network, data: st.DataObject) -> None:
    chip = make_chip(
        data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)), data.draw(st.integers(1, 2)),
        multicast=data.draw(st.sampled_from(["tree", "unicast"])), neurons_max=data.draw(st.integers(4, 60)),
        numeric={"delivery": data.draw(st.sampled_from(["next_step", "next_step", "same_step"]))},
        noc={"link_flit_ns": data.draw(st.sampled_from([None, 0.5, 20.0]))},
    )  # fmt: skip
    samples, steps = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    inputs = (
        rng.random((samples, steps, *network.by_name["in"].shape)) < data.draw(st.sampled_from([0.0, 0.1, 0.6]))
    ).astype(np.float32)
    run = execute(network, inputs)
    grid = data.draw(st.sampled_from([(1, 1), (2, 1)]))
    try:
        program = map_network(network, chip, activity=run.trace, effort="fast", chips=grid)
    except DoesNotFitError:
        assume(False)
        raise
    result = report(program, simulate(program, run.trace), execution=run)
    tree, flits = json.loads(result.to_json()), np.array(result.routing.link_flits)
    bound, timing = tree["mapping"]["step_ns"], tree["timing"]
    event("above the mean chip step" if bound > timing["step_ns"]["mean"] else "below the mean chip step")
    assert bound <= timing["time_step_ns"] * (1 + ROUNDING)
    assert result.traffic.hops + result.traffic.chip_crossings == flits.sum()
    assert tree["mapping"]["hops"] * samples * steps == pytest.approx(flits.sum(), rel=ROUNDING)
