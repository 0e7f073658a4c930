"""Programs for random networks and chips against connectivity unrolled synapse by synapse."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neurocomp.chip.catalog import load_chip, profile_names
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.check import check_program
from neurocomp.mapping.choices import OBJECTIVES
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.network import Network
from tests.random_nets import networks, positions
from tests.small_chips import make_chip
from tests.unrolled import unrolled_paths


@dataclass(frozen=True)
class Wishes:
    """What a user may say beside network and chip."""

    grid: tuple[int, int]
    dead: tuple[int, ...]
    pinned: dict[str, np.ndarray]


@st.composite
def wishes(draw: st.DrawFn, network: Network, chip: ChipSpec) -> Wishes:
    """Several chips in one mesh, cores that stay empty, populations of which every element has its core; one chip and
    nothing else in half of the cases."""
    if draw(st.booleans()) or chip.core.layer_cores is not None:
        return Wishes((1, 1), (), {})
    grid = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2)]))
    cores = chip.noc.width * chip.noc.height * chip.noc.cores_per_router * grid[0] * grid[1]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dead = np.flatnonzero(rng.random(cores) < draw(st.sampled_from([0.0, 0.2, 0.6])))
    alive = np.setdiff1d(np.arange(cores), dead)
    held = [p for p in network.populations if p.neuron is not None or p.name == network.output]
    few = alive[: int(rng.integers(1, 6))]
    pinned = {p.name: rng.choice(few, p.shape) for p in held if few.size and rng.random() < 0.2}
    return Wishes(grid, tuple(dead.tolist()), pinned)


def any_chips() -> st.SearchStrategy[ChipSpec]:
    """Chips made to measure, mostly, and all that come with neurocomp."""
    return st.one_of(chips(), chips(), chips(), st.sampled_from(profile_names()).map(_profile))


_profile = cache(load_chip)


@st.composite
def chips(draw: st.DrawFn) -> ChipSpec:
    """Chips from roomy to cramped."""
    limit = lambda low, high: draw(st.none() | st.integers(low, high))  # noqa: E731
    memories = draw(st.sampled_from([
        [], [{"name": "all", "size_kib": 0.5, "holds": ["synapses", "neuron_state", "axons_in", "axons_out"]}],
        [{"name": "syn", "size_kib": 0.25, "holds": ["synapses"]}, {"name": "rest", "size_kib": 0.25,
         "holds": ["neuron_state", "axons_in", "axons_out"]}],
    ]))  # fmt: skip
    return make_chip(
        draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(1, 3)),
        topology=draw(st.sampled_from(["mesh", "torus"])), multicast=draw(st.sampled_from(["tree", "unicast"])),
        memories=memories, neurons_max=draw(st.integers(1, 60)), fan_in_axons_max=limit(5, 200),
        fan_out_axons_max=limit(5, 200), fan_out_cores_max=limit(1, 8), fan_in_max=limit(30, 500),
        kernel_sharing=draw(st.booleans()),
    )  # fmt: skip


# NEUROCOMP_MAPPING_PROBLEMS=10000 takes some ten minutes of one core
PROBLEMS = int(os.environ.get("NEUROCOMP_MAPPING_PROBLEMS", "200"))


@settings(max_examples=PROBLEMS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), chip=any_chips(), objective=st.sampled_from(OBJECTIVES), data=st.data())
def test_a_program_carries_every_synapse_and_breaks_no_limit(
    network: Network, chip: ChipSpec, objective: str, data: st.DataObject
) -> None:
    """The mapper itself lets no program pass that check.py refuses; here its word is not taken for it."""
    wish = data.draw(wishes(network, chip))
    effort = data.draw(st.sampled_from(["fast"] * 9 + ["default"]))
    try:
        program = map_network(
            network, chip, effort=effort, objective=objective, chips=wish.grid, forbidden_cores=wish.dead,
            assignment=wish.pinned, time_budget_s=0.01,
        )  # fmt: skip
    except DoesNotFitError as error:
        event("refused")
        assert all(d.what and d.where for d in error.diagnostics)
        return
    event("mapped")
    check_program(program)
    check_synapses(program)
    if chip.core.layer_cores is None:
        check_limits(program)
    check_bounds(program)
    check_wishes(program, wish.pinned, wish.dead)


def check_wishes(program: Program, pinned: dict[str, np.ndarray], dead: tuple[int, ...]) -> None:
    for name, cores in pinned.items():
        label = tile_labels(program, name)
        assert np.array_equal(np.array([program.tiles[k].core for k in label]), cores.reshape(-1))
    assert not set(dead) & {tile.core for tile in program.tiles}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data(), multicast=st.sampled_from(["tree", "unicast"]))
def test_an_assignment_is_followed_element_by_element(network: Network, data: st.DataObject, multicast: str) -> None:
    chip = make_chip(5, 3, 2, multicast=multicast, topology=data.draw(st.sampled_from(["mesh", "torus"])))
    placed = [p for p in network.populations if p.neuron is not None or p.name == network.output]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    chosen = {p.name: rng.integers(2, 9, p.shape) for p in placed if data.draw(st.booleans())}
    program = map_network(network, chip, assignment=chosen, forbidden_cores=(0, 1, 29), effort="fast")
    check_synapses(program)
    check_limits(program)
    check_wishes(program, chosen, (0, 1, 29))


def tile_labels(program: Program, name: str) -> np.ndarray:
    """Tile of each flat channel-first element."""
    population = program.network.by_name[name]
    by_position = np.full(population.size, -1)
    for index, tile in enumerate(program.tiles):
        if tile.population == name:
            by_position[tile.channel_last_positions(population.shape)] = index
    return by_position[positions(population.shape)]


def routed(program: Program, name: str) -> list[dict[tuple[int, int], int]]:
    """Per flat channel-first element: {(tile, projection): synapses}."""
    routes, entries = program.routes, []
    label = routes.route_class[name][positions(program.network.by_name[name].shape)]
    for k in label:
        found: dict[tuple[int, int], int] = {}
        for packet in range(routes.packet_ptr[k], routes.packet_ptr[k + 1]) if k >= 0 else ():
            for s in range(routes.synapse_ptr[packet], routes.synapse_ptr[packet + 1]):
                key = (int(routes.synapse_tile[s]), int(routes.synapse_projection[s]))
                assert program.tiles[key[0]].core == routes.packet_core[packet]
                assert key not in found
                found[key] = int(routes.synapse_events[s])
        entries.append(found)
    return entries


def check_synapses(program: Program) -> None:
    expected = {name: [{} for _ in range(program.network.by_name[name].size)] for name in program.routes.route_class}
    for (source, target, projection), table in unrolled_paths(program.network).items():
        label = tile_labels(program, target)
        for t, s in np.argwhere(table):
            key = (int(label[t]), projection)
            expected[source][s][key] = expected[source][s].get(key, 0) + int(table[t, s])
    for name, entries in expected.items():
        assert routed(program, name) == entries


def check_bounds(program: Program) -> None:
    found = program.quality
    assert found is not None
    assert found.cores == program.cores_used >= found.cores_bound
    assert found.packets >= found.packets_bound and found.hops >= found.hops_bound
    assert found.hottest_link <= found.hops


def check_limits(program: Program) -> None:
    """Counts per core, from the unrolled network and the placement alone."""
    core, network = program.chip.core, program.network
    neurons, heard, sends = defaultdict(int), defaultdict(set), defaultdict(set)
    for tile in program.tiles:
        if tile.core >= 0:
            neurons[tile.core] += tile.size
    tables = unrolled_paths(network)
    fan_in = {name: 0 for name in network.by_name}
    for (source, target, _), table in tables.items():
        fan_in[target] = fan_in[target] + table.sum(axis=1)
        to, at = tile_labels(program, target), tile_labels(program, source)
        for t, s in np.argwhere(table):
            destination = program.tiles[to[t]].core
            heard[destination].add((source, s))
            if source not in network.inputs:
                sends[program.tiles[at[s]].core].add((source, s, destination))
    assert max(neurons.values()) <= core.neurons_max
    assert len(neurons) <= core.count * program.chip_count
    within(max(map(len, heard.values()), default=0), core.fan_in_axons_max)
    within(max(map(len, sends.values()), default=0), core.fan_out_axons_max)
    within(max(np.max(f) for f in fan_in.values()), core.fan_in_max)
    for pairs in sends.values():
        fans = np.unique([hash(pair[:2]) for pair in pairs], return_counts=True)[1]
        within(int(fans.max()), core.fan_out_cores_max)
    rows = dict(zip(program.usage.cores.tolist(), program.usage.core_demand.tolist(), strict=True))
    for c, (n, axons_in, axons_out, bits) in rows.items():
        assert (n, axons_in, axons_out) == (neurons[c], len(heard[c]), len(sends[c]))
        content = {"neuron_state": n * core.neuron_state_bits, "axons_in": axons_in * core.axon_in_bits,
                   "axons_out": axons_out * core.axon_out_bits, "synapses": bits}  # fmt: skip
        for memory in core.memories:
            assert sum(content[h] for h in memory.holds) <= memory.size_bits
    if not core.kernel_sharing:
        total = sum(int(table.sum()) for table in tables.values())
        assert sum(row[3] for row in rows.values()) >= total * program.usage.weight_bits


def within(amount: int, limit: int | None) -> None:
    assert limit is None or amount <= limit
