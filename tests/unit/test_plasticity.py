"""Updates of local rules, against a walk over every synapse; times and energies of a mapped network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurocomp
from neurocomp.activity.trace import SpikeTrace
from neurocomp.chip.spec import ChipSpec
from neurocomp.energy.plasticity import price_plasticity
from neurocomp.errors import InputError
from neurocomp.mapping.program import Program
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Linear, OneToOne, Pool, Sparse
from neurocomp.simulate.plasticity import plastic_projections, simulate_plasticity, updates_of_targets
from tests.random_ops import ops, shapes
from tests.small_chips import make_chip
from tests.unrolled import unroll

STEPS = 7


@given(st.data(), st.integers(0, 2**32 - 1), st.sampled_from(["stdp", "reward"]))
def test_counts_are_those_of_a_walk_over_all_synapses(data: st.DataObject, seed: int, rule: str) -> None:
    shape = data.draw(shapes())
    op, rng = data.draw(ops(shape)), np.random.default_rng(seed)
    target = op.target_shape(shape)
    pre, post = rng.random(shape) < 0.4, rng.random(target) < 0.4
    found = updates_of_targets(op, shape, pre, post, rule)
    table = unroll(op, shape)
    wanted = np.zeros(table.shape[0], np.int64)
    for t in range(table.shape[0]):
        for s in range(table.shape[1]):
            a, b = pre.reshape(-1)[s], post.reshape(-1)[t]
            wanted[t] += table[t, s] * ((a or b) if rule == "stdp" else (a and b))
    np.testing.assert_array_equal(found.reshape(-1), wanted)


def learning_chip(latency_ns: float = 2.0, energy_pj: float | None = 10.0) -> ChipSpec:
    """Cores of at most four neurons, so that layers are cut."""
    chip = make_chip(4, 4, neurons_max=4).model_dump(by_alias=True)
    chip["engines"]["wg"] = {
        "style": "event", "rules": ["stdp", "reward"], "epoch_steps": 3,
        "weight_update": {"energy_pj": energy_pj, "latency_ns": latency_ns},
    }  # fmt: skip
    return ChipSpec.model_validate(chip)


def network() -> Network:
    """Eight inputs, a hidden layer, pooling, a table of synapses."""
    rng = np.random.default_rng(2)
    neuron = Neuron(v_decay=0.5, threshold=1.0)
    table = rng.random((6, 4)) < 0.6
    indptr = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    sparse = Sparse(indptr, np.nonzero(table)[1], np.ones(int(table.sum()), np.float32), (4,))
    populations = (
        Population("in", (8,)), Population("hidden", (12,), neuron), Population("map", (6, 2)),
        Population("pooled", (6, 1)), Population("out", (4,), neuron),
    )  # fmt: skip
    projections = (
        Projection("first", "in", "hidden", Linear(rng.normal(0.3, 0.5, (12, 8)).astype(np.float32)), delay=1),
        Projection("shape", "hidden", "map", OneToOne(1.0, (6, 2))),
        Projection("pool", "map", "pooled", Pool("sum", (2,), (2,), (0,))),
        Projection("second", "pooled", "out", sparse),
    )
    return Network(populations, projections, ("in",), "out")


@pytest.fixture(scope="module")
def mapped() -> tuple[Program, SpikeTrace]:
    inputs = (np.random.default_rng(3).random((2, STEPS, 8)) < 0.3).astype(np.float32)
    program = neurocomp.compile(network(), learning_chip(), calibration=inputs)
    return program, neurocomp.execute(program.network, inputs).trace


def spikes(trace: SpikeTrace, name: str, delay: int = 0) -> np.ndarray:
    """bool (samples, steps, neurons), later by a delay."""
    fired = trace.dense(name).reshape(trace.samples, trace.steps, -1) != 0
    return np.concatenate([np.zeros_like(fired[:, :delay]), fired[:, : trace.steps - delay]], axis=1)


@pytest.mark.parametrize(("rule", "epoch"), [("stdp", None), ("stdp", 1), ("stdp", 2), ("reward", None), ("reward", 4)])
def test_a_mapped_network_against_plain_loops(mapped: tuple[Program, SpikeTrace], rule: str, epoch: int | None) -> None:
    program, trace = mapped
    run = simulate_plasticity(program, trace, ["first", "second"], rule, epoch)
    length = epoch or (3 if rule == "stdp" else STEPS)
    pooled = spikes(trace, "hidden").reshape(2, STEPS, 6, 2).any(axis=3)
    sides = {"first": (spikes(trace, "in", 1), spikes(trace, "hidden")), "second": (pooled, spikes(trace, "out"))}
    tables = {p.name: unroll(p.op, program.network.by_name[p.source].shape) for p in program.network.projections}
    core_of = {}
    for tile in program.tiles:
        for k in tile.channel_last_positions(program.network.by_name[tile.population].shape):
            core_of[tile.population, int(k)] = tile.core
    slowest = np.zeros((2, -(-STEPS // length)), np.int64)
    for sample in range(2):
        for k in range(slowest.shape[1]):
            window, busy = slice(k * length, (k + 1) * length), dict.fromkeys(core_of.values(), 0)
            for name, population in (("first", "hidden"), ("second", "out")):
                pre, post = (side[sample, window].any(axis=0) for side in sides[name])
                count = 0
                for t, s in np.argwhere(tables[name]):
                    if (pre[s] or post[t]) if rule == "stdp" else (pre[s] and post[t]):
                        count += 1
                        busy[core_of[population, int(t)]] += 1
                assert run.updates[name][sample, k] == count, (name, sample, k)
            slowest[sample, k] = max(busy.values())
    np.testing.assert_array_equal(run.epoch_ps, slowest * 2000)
    assert run.total_updates > 0 and run.weights == {"first": 96, "second": int(tables["second"].sum())}
    assert sum(run.core_updates.values()) == run.total_updates and len(run.core_updates) > 2


def test_energy_is_updates_times_cost_and_static_power_for_their_time(mapped: tuple[Program, SpikeTrace]) -> None:
    program, trace = mapped
    run = simulate_plasticity(program, trace, ["second"])
    energy = price_plasticity(run, program.chip, program.cores_used)
    assert energy.layers == {"second": run.total_updates * 10_000_000}
    assert energy.static_aj == 1000 * run.total_ps  # 1 mW
    unknown = price_plasticity(run, learning_chip(energy_pj=None), program.cores_used)
    assert unknown.layers is None and unknown.total_aj == energy.static_aj


def test_what_cannot_learn_is_refused(mapped: tuple[Program, SpikeTrace]) -> None:
    program, trace = mapped
    with pytest.raises(InputError) as caught:
        plastic_projections(network(), ["second", "frist", "second", "pool"])
    text = str(caught.value)
    assert "did you mean first?" in text and "is named twice" in text and "pool: " in text
    with pytest.raises(InputError, match="there are none"):
        plastic_projections(network(), [])
    with pytest.raises(InputError, match="has no rule 'hebb'"):
        simulate_plasticity(program, trace, ["first"], "hebb")
    with pytest.raises(InputError, match="epoch: is -1 steps"):
        simulate_plasticity(program, trace, ["first"], "stdp", -1)
    plain = neurocomp.compile(network(), make_chip(4, 4))
    with pytest.raises(InputError, match="does not learn on the chip"):
        simulate_plasticity(plain, trace, ["first"])


def test_the_profile_of_loihi_learns_as_published() -> None:
    engine = neurocomp.load_chip("loihi").engines.wg
    assert engine is not None
    assert (engine.weight_update.energy_pj, engine.weight_update.latency_ns) == (120, 6.1)
    assert neurocomp.load_chip("loihi2").engines.wg is None
