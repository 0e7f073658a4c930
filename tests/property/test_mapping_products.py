"""Programs for random networks with products, wires, maxima and host functions, against connectivity unrolled
synapse by synapse."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.check import check_program
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import with_stations
from neurocomp.mapping.tiling.limits import SYNAPSE_BITS
from neurocomp.network import Factor, Host, Network
from neurocomp.network.kinds import value_kinds
from tests.property.test_mapping import PROBLEMS, check_bounds, chips, routed, tile_labels
from tests.random_attention import attention_networks
from tests.unrolled import unrolled_paths


@settings(max_examples=max(40, PROBLEMS // 5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=attention_networks(), chip=chips(), effort=st.sampled_from(["fast", "fast", "default"]))
def test_programs_with_products_carry_every_path(network: Network, chip, effort: str) -> None:
    lowered = with_stations(network, chip)
    try:
        program = map_network(lowered, chip, effort=effort, time_budget_s=0.01)
    except DoesNotFitError:
        event("refused")
        return
    event("mapped")
    check_program(program)
    placed = program.placed
    expected = {name: [{} for _ in range(placed.by_name[name].size)] for name in program.routes.route_class}
    for (source, target, projection), table in unrolled_paths(placed).items():
        label = tile_labels(program, target)
        for t, s in np.argwhere(table):
            key = (int(label[t]), projection)
            expected[source][s][key] = expected[source][s].get(key, 0) + int(table[t, s])
    for name, entries in expected.items():
        assert routed(program, name) == entries
    check_operands(program, expected)
    check_bounds(program)


def check_operands(program: Program, entries: dict[str, list[dict[tuple[int, int], int]]]) -> None:
    """A product keeps each operand that it hears once, in the bits of its kind, and nothing else."""
    kinds = value_kinds(program.network)
    factors = {i for i, p in enumerate(program.placed.projections) if isinstance(p.op, Factor)}
    bits = [0] * len(program.tiles)
    for name, found in entries.items():
        for tile, projection in (key for entry in found for key in entry):
            bits[tile] += max(1, kinds[name].bits) * (projection in factors)
    for index, tile in enumerate(program.tiles):
        if any(isinstance(p.op, Factor) for p in program.network.incoming[tile.population]):
            assert program.usage.tile_demand[index, SYNAPSE_BITS] == bits[index]


@settings(max_examples=30, deadline=None)
@given(network=attention_networks(), chip=chips())
def test_stations_are_what_needs_a_place(network: Network, chip) -> None:
    lowered = with_stations(network, chip)
    for population in network.populations:
        incoming = network.incoming[population.name]
        if any(isinstance(p.op, Host) for p in incoming):
            assert population.name in lowered.stations
    assert with_stations(lowered, chip).stations == lowered.stations
