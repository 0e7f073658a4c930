"""Event-style engines: a mapped network as the flat tables that the compiled timing kernel reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.chip.part import Cost
from neurocomp.chip.spec import ChipSpec
from neurocomp.fabric.noc import Fidelity
from neurocomp.mapping.program import Program
from neurocomp.mapping.program_parts import Tile
from neurocomp.mapping.stations import operand_mask
from neurocomp.network.graph import Network
from neurocomp.network.ops import Conv, Pool, Sparse
from neurocomp.simulate.engines.network import NetworkTables, network_tables


@dataclass(frozen=True)
class StepCosts:
    """Integer picoseconds per action, as csrc/inference.h names them."""

    access_ps: int
    update_ps: int
    spike_ps: int
    packet_out_ps: int
    input_ps: int
    link_ps: int
    replicates: bool


@dataclass(frozen=True, eq=False)
class EmitterTables:
    """Per element of an emitting population, channel-last: tile, place within the tile, route class. int32. word_tile:
    per 64 elements the tile that all of them lie in, -1 if there are several."""

    name: str
    tile: np.ndarray
    rank: np.ndarray
    route: np.ndarray
    word_tile: np.ndarray


@dataclass(frozen=True, eq=False)
class MachineTables:
    """Everything csrc/inference.h needs. Cores are numbered as on the chip; one more stands for the input port."""

    emitters: tuple[EmitterTables, ...]
    core_tile_ptr: np.ndarray
    core_tile: np.ndarray
    tile_size: np.ndarray
    tile_is_input: np.ndarray
    packet_ptr: np.ndarray
    packet_core: np.ndarray
    packet_flight_ps: np.ndarray
    packet_service_ps: np.ndarray
    link_ptr: np.ndarray
    link_id: np.ndarray
    link_count: int
    costs: StepCosts
    network: NetworkTables | None


def synapse_form(network: Network, projection: int) -> str:
    """How a core stores a projection's synapses, and so which cost of a synaptic operation applies. network: as it is
    placed (``program.placed``)."""
    op = network.projections[projection].op
    if isinstance(op, Conv | Pool):
        return "conv"
    return "sparse" if isinstance(op, Sparse) else "dense"


def synapse_cost(chip: ChipSpec, form: str) -> Cost:
    operations = chip.engines.fp.synaptic_operation
    return {"dense": operations.dense, "conv": operations.conv, "sparse": operations.sparse}[form]


def machine_tables(program: Program, fidelity: Fidelity = "bound") -> MachineTables:
    """Lay a program out for the timing kernel. Raises InputError if the profile knows too little for this fidelity."""
    routes, mesh = program.routes, program.mesh
    core_count = mesh.core_slots + 1
    tile_core = np.array([tile.core if tile.core >= 0 else core_count - 1 for tile in program.tiles], np.int32)
    order = np.argsort(tile_core, kind="stable").astype(np.int32)
    tile_size = np.array([tile.size for tile in program.tiles], np.int32)
    pointer = np.zeros(core_count + 1, np.int32)
    np.cumsum(np.bincount(tile_core, minlength=core_count), out=pointer[1:])
    class_core = np.array([tile.core for tile in program.tiles], np.int64)[class_tile(program)]
    network = network_tables(program, fidelity, class_core)
    return MachineTables(
        emitters=tuple(_emitters(program)),
        core_tile_ptr=pointer,
        core_tile=order,
        tile_size=tile_size,
        tile_is_input=np.array([tile.core < 0 for tile in program.tiles], np.uint8),
        packet_ptr=routes.packet_ptr,
        packet_core=routes.packet_core,
        packet_flight_ps=_flight_ps(program, class_core),
        packet_service_ps=_service_ps(program),
        link_ptr=routes.link_ptr,
        link_id=routes.link_id,
        link_count=mesh.link_slots,
        costs=_step_costs(program.chip, network),
        network=network,
    )


def class_tile(program: Program) -> np.ndarray:
    """int64 per route class: the tile that its spikes come from."""
    tile_of_class = np.zeros(program.routes.classes, np.int64)
    for name, classes in program.routes.route_class.items():
        used = classes >= 0
        tile_of_class[classes[used]] = program.tile_of[name][used]
    return tile_of_class


def _flight_ps(program: Program, class_core: np.ndarray) -> np.ndarray:
    """int64 (packets): how long each packet takes if nothing is in its way; links between chips as the profile says."""
    noc, routes, mesh = program.chip.noc, program.routes, program.mesh
    east_west, north_south = noc.hop_east_west.latency_ps, noc.hop_north_south.latency_ps
    flight = routes.packet_hops_x.astype(np.int64) * east_west + routes.packet_hops_y.astype(np.int64) * north_south
    if program.chips == (1, 1) or noc.chip_link is None:
        return flight
    router = np.where(class_core < 0, mesh.router_at(*noc.input_port), mesh.router_of(class_core))
    source = np.repeat(router, np.diff(routes.packet_ptr))
    dx, dy = mesh.displacement(source, mesh.router_of(routes.packet_core))
    x, y = source % mesh.width, source // mesh.width
    across = np.abs((x + dx) // noc.width - x // noc.width)
    down = np.abs((y + dy) // noc.height - y // noc.height)
    link = noc.chip_link.cost.latency_ps
    return flight + across * (link - east_west) + down * (link - north_south)


def _emitters(program: Program) -> Iterator[EmitterTables]:
    tiles: dict[str, list[Tile]] = {name: [] for name in program.routes.route_class}
    for tile in program.tiles:
        tiles.get(tile.population, []).append(tile)
    for name, route in program.routes.route_class.items():
        tile_of, shape = program.tile_of[name], program.network.by_name[name].shape
        rank = np.zeros(tile_of.size, np.int32)
        for tile in tiles[name]:
            rank[tile.channel_last_positions(shape)] = np.arange(tile.size, dtype=np.int32)
        yield EmitterTables(name, tile_of, rank, route, _word_tiles(tile_of))


def _word_tiles(tile_of: np.ndarray) -> np.ndarray:
    starts = np.arange(0, tile_of.size, 64)
    low, high = np.minimum.reduceat(tile_of, starts), np.maximum.reduceat(tile_of, starts)
    return np.where(low == high, low, -1).astype(np.int32)


def _service_ps(program: Program) -> np.ndarray:
    """How long each packet keeps its destination core busy: receiving it, then its synaptic operations; an operand of a
    product is only stored."""
    routes, chip = program.routes, program.chip
    network = program.placed
    forms = [synapse_form(network, k) for k in range(len(network.projections))]
    latency = np.array([synapse_cost(chip, form).latency_ps for form in forms] + [0], np.int64)
    operand = operand_mask(network)
    latency[operand] = chip.engines.fp.product_cost.latency_ps
    events = np.where(operand[routes.synapse_projection], 1, routes.synapse_events.astype(np.int64))
    work = events * latency[routes.synapse_projection]
    sums = np.concatenate([[0], np.cumsum(work)])
    return sums[routes.synapse_ptr[1:]] - sums[routes.synapse_ptr[:-1]] + chip.engines.fp.packet_in.latency_ps


def _step_costs(chip: ChipSpec, network: NetworkTables | None) -> StepCosts:
    engine = chip.engines.fp
    link_ps = chip.noc.link_flit_ps * chip.noc.flits_per_spike
    into_ps = 0 if network is None else network.cycle_ps * network.flits  # the entrance takes a flit in a cycle
    return StepCosts(
        access_ps=engine.neuron_access.latency_ps,
        update_ps=engine.neuron_update.latency_ps,
        spike_ps=engine.spike_out.latency_ps,
        packet_out_ps=engine.packet_out.latency_ps,
        input_ps=max(link_ps, into_ps),
        link_ps=link_ps,
        replicates=chip.noc.multicast == "tree",
    )
