"""The legality check must find whatever is wrong: legal programs are damaged in one place each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import CheckFailedError
from neurocomp.mapping.check import check_program
from neurocomp.mapping.check.memory import stored_bits
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.tiling.limits import SYNAPSE_BITS
from neurocomp.network import Network
from tests.mapping_problems import conv, convnet, mlp, residual
from tests.small_chips import make_chip


@pytest.fixture(params=["tree", "unicast"])
def program(request) -> Program:
    return map_network(convnet(), make_chip(6, 6, 2, neurons_max=16, multicast=request.param), effort="fast")


def damaged(program: Program, **arrays: np.ndarray) -> Program:
    return replace(program, routes=replace(program.routes, **arrays))


def changed(array: np.ndarray, at: int, value: int) -> np.ndarray:
    array = array.copy()
    array[at] = value
    return array


def test_what_the_mapper_makes_is_legal(program) -> None:
    check_program(program)


def second(program: Program) -> int:
    """The second packet of the first class that has two."""
    return int(program.routes.packet_ptr[np.argmax(np.diff(program.routes.packet_ptr) > 1)]) + 1


DAMAGES: dict[str, tuple[Callable[[Program], Program], str]] = {
    "one synapse too many": (
        lambda p: damaged(p, synapse_events=p.routes.synapse_events + (np.arange(p.routes.synapse_events.size) == 3)),
        "do not carry their synapses",
    ),
    "synapses at another tile of the same core": (
        lambda p: damaged(p, synapse_projection=changed(p.routes.synapse_projection, 0, 2)),
        "do not carry their synapses",
    ),
    "a packet to another core": (
        lambda p: damaged(p, packet_core=changed(p.routes.packet_core, 0, p.routes.packet_core[0] ^ 1)), "another core",
    ),
    "a packet twice": (
        lambda p: damaged(p, packet_core=changed(p.routes.packet_core, second(p), p.routes.packet_core[second(p) - 1])),
        "same core",
    ),
    "an entry without an event": (
        lambda p: damaged(p, synapse_events=changed(p.routes.synapse_events, 0, 0)), "no synaptic event",
    ),
    "hops along x": (lambda p: damaged(p, packet_hops_x=p.routes.packet_hops_x + 1), "another number of hops"),
    "hops along y": (lambda p: damaged(p, packet_hops_y=p.routes.packet_hops_y + 1), "another number of hops"),
    "another link": (lambda p: damaged(p, link_id=changed(p.routes.link_id, 5, p.routes.link_id[5] ^ 1)), "links"),
    "a link outside the mesh": (lambda p: damaged(p, link_id=changed(p.routes.link_id, 0, 10**6)), "leaves its range"),
    "a pointer that goes back": (lambda p: damaged(p, link_ptr=changed(p.routes.link_ptr, 1, 10**6)), "does not lead"),
    "a table that is too short": (
        lambda p: damaged(p, packet_hops_x=p.routes.packet_hops_x[:-1]), "entries instead of",
    ),
    "a neuron of another class": (
        lambda p: damaged(p, route_class={**p.routes.route_class, "p0": np.roll(p.routes.route_class["p0"], 1)}),
        "another tile",
    ),
    "a neuron without its class": (
        lambda p: damaged(p, route_class={**p.routes.route_class, "p0": changed(p.routes.route_class["p0"], 9, -1)}),
        "do not carry their synapses",
    ),
    "a population without classes": (
        lambda p: damaged(p, route_class={"in": p.routes.route_class["in"]}), "route_class",
    ),
    "a tile missing": (lambda p: replace(p, tiles=p.tiles[:-1]), "synapse_tile"),
    "a tile on a forbidden core": (lambda p: replace(p, forbidden_cores=(p.tiles[2].core,)), "forbidden"),
    "a tile beyond its population": (
        lambda p: replace(p, tiles=(*p.tiles[:-1], replace(p.tiles[-1], box=((0, 11), (0, 1), (0, 1))))),
        "not a part of",
    ),
    "neurons in no tile": (
        lambda p: replace(p, tiles=(*p.tiles[:-1], replace(p.tiles[-1], box=((0, 9), (0, 1), (0, 1))))),
        "not in exactly",
    ),
    "an input on a core": (lambda p: replace(p, tiles=(replace(p.tiles[0], core=0), *p.tiles[1:])), "lies on core 0"),
    "an unknown population": (
        lambda p: replace(p, tiles=(*p.tiles[:-1], replace(p.tiles[-1], population="?"))), "belongs to no population",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(program, damage) -> None:
    change, message = DAMAGES[damage]
    with pytest.raises(CheckFailedError, match=message):
        check_program(change(program))


def test_the_numbers_of_synapses_are_in_the_message(program) -> None:
    fewer = damaged(program, synapse_events=changed(program.routes.synapse_events, 0, 1000))
    with pytest.raises(CheckFailedError, match=r"in: .*\(5840 synapses in the routes, 3872 in the network\)"):
        check_program(fewer)


def on(chip: ChipSpec, network: Network) -> Program:
    """A program made for a roomy chip, moved to another one."""
    return replace(map_network(network, make_chip(neurons_max=64), objective="cores", effort="fast"), chip=chip)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"neurons_max": 63}, "64 neurons; 63"),
        ({"neurons_max": 64, "fan_in_axons_max": 15}, "fan-in axons; 15"),
        ({"neurons_max": 64, "fan_out_axons_max": 15}, "fan-out axons; 15"),
        ({"neurons_max": 64, "fan_out_cores_max": 1}, "sends to 2 cores; 1"),
        ({"neurons_max": 64, "fan_in_max": 4}, "synapses; 4 are allowed"),
        ({"neurons_max": 64, "count": 3}, "4 cores are used; the chip has 3"),
        ({"neurons_max": 64, "neuron_state_bytes": 8,
          "memories": [{"name": "m", "size_kib": 0.25, "holds": ["neuron_state"]}]}, "4096 bits of m; 2048"),
    ],
)  # fmt: skip
def test_every_limit_of_a_core_is_checked(limits, message) -> None:
    with pytest.raises(CheckFailedError, match=message):
        check_program(on(make_chip(**limits), mlp(16, 128, 65)))


@pytest.mark.parametrize("sharing", [True, False])
@pytest.mark.parametrize("network", [mlp(10, 20, 5), convnet(), residual()], ids=lambda n: n.name)
def test_check_and_mapper_agree_on_synaptic_memory(network, sharing) -> None:
    program = map_network(network, make_chip(6, 6, neurons_max=16, kernel_sharing=sharing), effort="fast")
    assert stored_bits(program) == program.usage.tile_demand[:, SYNAPSE_BITS].tolist()


def test_kernels_are_stored_once_for_each_channel_of_a_tile() -> None:
    from tests.mapping_problems import chain

    network = chain((3, 8, 8), conv(4, 3))
    shared = map_network(network, make_chip(), objective="cores", effort="fast")
    assert shared.usage.core_demand[0, SYNAPSE_BITS] == 4 * 3 * 9 * 8
    unrolled = map_network(network, make_chip(kernel_sharing=False), objective="cores", effort="fast")
    assert unrolled.usage.core_demand[0, SYNAPSE_BITS] == 4 * 3 * (3 * 8 - 2) ** 2 * 8
