"""A few steps seen closely: the parts are those of the simulated run."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.chip.catalog import load_chip
from neurocomp.commands.small_network import small_inputs, small_network
from neurocomp.mapping.compile import compile_network
from neurocomp.simulate.inference import simulate
from neurocomp.simulate.timeline import closely
from tests.reports import small_chip, small_run


@pytest.mark.parametrize("chip", ["loihi", "loihi2", "truenorth", "generic"])
@pytest.mark.parametrize("noc", ["bound", None])
def test_steps_add_up_to_the_run(chip: str, noc: str | None) -> None:
    from neurocomp.activity.execute import execute

    inputs = small_inputs(2)
    program = compile_network(small_network(), load_chip(chip), calibration=inputs, effort="fast")
    trace = execute(program.network, inputs).trace
    simulation = simulate(program, trace, noc)  # type: ignore[arg-type]
    steps = list(closely(program, trace, simulation, 0, simulation.chip_steps))
    busy = sum(np.maximum(np.maximum(s.send_ps, s.receive_ps), s.send_ps + s.stall_ps) for s in steps)
    assert np.array_equal(busy, simulation.core_busy_ps)
    assert np.array_equal(sum(s.link_flits for s in steps), simulation.link_flits)
    assert sum(int(s.packets.sum()) for s in steps) == simulation.packet_latency.packets
    assert [s.start_ps + s.total_ps for s in steps] == np.cumsum(simulation.series.total_ps).tolist()
    assert [s.spikes for s in steps] == simulation.series.spikes.tolist()
    if simulation.fidelity == "bound":
        assert not any(s.stall_ps.any() for s in steps)
    for s in steps:
        assert s.send_ps.max() <= s.work_ps and s.receive_ps.max() <= s.work_ps <= s.total_ps


def test_a_part_of_the_run_is_the_same_part_of_all_of_it() -> None:
    program, simulation, execution = small_run(small_chip())
    whole = list(closely(program, execution.trace, simulation, 0, simulation.chip_steps))
    part = list(closely(program, execution.trace, simulation, 3, 6))
    assert [s.step for s in part] == [3, 4, 5]
    for a, b in zip(part, whole[3:6], strict=True):
        assert a.start_ps == b.start_ps and np.array_equal(a.send_ps, b.send_ps)
        assert np.array_equal(a.receive_ps, b.receive_ps) and np.array_equal(a.link_flits, b.link_flits)
