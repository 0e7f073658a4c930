"""From the timing kernel's sums to counts by core, layer and action.

Everything a spike causes is the same for all spikes of one route class, so counts are class totals times
what one spike of the class causes; no spike is looked at twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import operand_mask
from neurocomp.simulate.counters import CHIP, Counters, Tally
from neurocomp.simulate.engines.event import class_tile, synapse_form
from neurocomp.simulate.host import HostWork
from neurocomp.simulate.links import links_by_kind
from neurocomp.simulate.products import ProductWork

if TYPE_CHECKING:
    from neurocomp.simulate.simulation import RawTotals

FORMS = ("conv", "dense", "sparse")  # of synapses, in the order in which they are counted


def count_actions(
    program: Program, totals: RawTotals, chip_steps: int, products: ProductWork, host: HostWork
) -> Counters:
    """All counts of a run, feed-forward phase."""
    tally = Tally("FP")
    _count_neurons(program, totals, chip_steps, tally)
    _count_packets(program, totals, tally)
    _count_synapses(program, totals, tally)
    _count_products(program, products, tally)
    _count_host(program, host, tally)
    tally.add(CHIP, "", "barrier", chip_steps * program.chip_count)
    return tally.counters()


def _count_neurons(program: Program, totals: RawTotals, chip_steps: int, tally: Tally) -> None:
    spikes = totals.mute_spikes + _spikes_by_tile(program, totals)
    for index, tile in enumerate(program.tiles):
        if tile.core < 0:
            continue
        accesses = tile.size * chip_steps
        tally.add(tile.core, tile.population, "neuron_access", accesses)
        tally.add(tile.core, tile.population, "neuron_update", totals.tile_active[index])
        if program.placed.by_name[tile.population].neuron is not None:
            tally.add(tile.core, tile.population, "spike_out", spikes[index])
        if program.chip.engines.fp.state_access is not None:
            tally.add(tile.core, tile.population, "state_access", accesses)


def _spikes_by_tile(program: Program, totals: RawTotals) -> np.ndarray:
    return _sums(class_tile(program), totals.class_spikes, len(program.tiles))


def packets_by_class(program: Program, totals: RawTotals) -> np.ndarray:
    """int64 (classes): packets sent, one per spike where routers copy them, else one per spike and core reached."""
    cores = np.diff(program.routes.packet_ptr)
    return totals.class_spikes * (np.minimum(cores, 1) if program.chip.noc.multicast == "tree" else cores)


def packets_injected(program: Program, totals: RawTotals) -> int:
    """Packets that enter at the input port: of inputs, and of what the host gives."""
    outside = np.array([tile.core < 0 for tile in program.tiles], np.bool_)
    return int(packets_by_class(program, totals)[outside[class_tile(program)]].sum())


def chip_crossings(program: Program, link_flits: np.ndarray, host: HostWork) -> int:
    """How often packets crossed a link from one chip to another, on their routes and on their way to the host;
    link_flits: int64 (link slots), of the routes."""
    noc, mesh = program.chip.noc, program.mesh
    if program.chips == (1, 1):
        return 0
    between = mesh.leaves_chip(np.arange(link_flits.size), (noc.width, noc.height))
    return int(link_flits[between].sum()) // noc.flits_per_spike + host.crossings


def _count_packets(program: Program, totals: RawTotals, tally: Tally) -> None:
    routes = program.routes
    of_packet = np.repeat(np.arange(totals.class_spikes.size), np.diff(routes.packet_ptr))
    sent = totals.class_spikes[of_packet]
    source = class_tile(program)
    hops_x, hops_y, between_chips = _link_hops(program, totals)
    per_tile = {
        "packet_out": _sums(source, packets_by_class(program, totals), len(program.tiles)),
        "hop_east_west": _sums(source, hops_x, len(program.tiles)),
        "hop_north_south": _sums(source, hops_y, len(program.tiles)),
        "hop_chip_link": _sums(source, between_chips, len(program.tiles)),
    }
    for index, tile in enumerate(program.tiles):
        for action, counts in per_tile.items():
            if tile.core >= 0 or action != "packet_out":  # whoever injects inputs pays for sending them
                tally.add(tile.core if tile.core >= 0 else CHIP, tile.population, action, counts[index])
    # a packet is received once, for the layer that its first synapse belongs to
    first_tile = routes.synapse_tile[routes.synapse_ptr[:-1]] if routes.packet_core.size else np.zeros(0, np.int32)
    received = _sums(first_tile, sent, len(program.tiles))
    for index, tile in enumerate(program.tiles):
        tally.add(tile.core if tile.core >= 0 else CHIP, tile.population, "packet_in", received[index])


def _link_hops(program: Program, totals: RawTotals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Links crossed per class, all spikes together: along x and along y on a chip, and between chips."""
    routes, noc, mesh = program.routes, program.chip.noc, program.mesh
    several = program.chips != (1, 1) and noc.chip_link is not None

    link = np.arange(mesh.link_slots)
    kind = mesh.axis_of(link)
    if several:
        kind[mesh.leaves_chip(link, (noc.width, noc.height))] = 2
    x, y, between = links_by_kind(routes.link_ptr, routes.link_id, kind, 3) * totals.class_spikes
    return x, y, between


def _count_synapses(program: Program, totals: RawTotals, tally: Tally) -> None:
    routes, engine = program.routes, program.chip.engines.fp
    of_packet = np.repeat(np.arange(totals.class_spikes.size), np.diff(routes.packet_ptr))
    of_synapse = np.repeat(of_packet, np.diff(routes.synapse_ptr))
    events = totals.class_spikes[of_synapse] * routes.synapse_events
    network, operand = program.placed, operand_mask(program.placed)
    known = [FORMS.index(synapse_form(network, k)) for k in range(len(network.projections))]
    form_of = np.where(operand, -1, np.array([*known, -1], np.int8))[routes.synapse_projection]
    stored = operand[routes.synapse_projection]
    writes = _sums(routes.synapse_tile[stored], totals.class_spikes[of_synapse][stored], len(program.tiles))
    for index, tile in enumerate(program.tiles):
        tally.add(tile.core, tile.population, "operand_write", writes[index])
        if engine.weight_read is not None:
            tally.add(tile.core, tile.population, "weight_read", writes[index])
    for number, form in enumerate(FORMS):
        chosen = form_of == number
        per_tile = _sums(routes.synapse_tile[chosen], events[chosen], len(program.tiles))
        for index, tile in enumerate(program.tiles):
            tally.add(tile.core, tile.population, f"synaptic_operation.{form}", per_tile[index])
            if engine.weight_read is not None:
                tally.add(tile.core, tile.population, "weight_read", per_tile[index])
            if engine.state_access is not None:
                tally.add(tile.core, tile.population, "state_access", per_tile[index])


def _count_products(program: Program, products: ProductWork, tally: Tally) -> None:
    """Like synaptic operations, with the other operand in the place of the weight."""
    engine = program.chip.engines.fp
    for index, tile in enumerate(program.tiles):
        done = products.operations[index]
        tally.add(tile.core, tile.population, "product_operation", done)
        if engine.weight_read is not None:
            tally.add(tile.core, tile.population, "weight_read", done)
        if engine.state_access is not None:
            tally.add(tile.core, tile.population, "state_access", done)


def _count_host(program: Program, host: HostWork, tally: Tally) -> None:
    for index, tile in enumerate(program.tiles):
        if tile.core >= 0:
            tally.add(tile.core, tile.population, "packet_to_host", host.sent[index])
            tally.add(tile.core, tile.population, "hop_east_west", host.hops_x[index])
            tally.add(tile.core, tile.population, "hop_north_south", host.hops_y[index])
            tally.add(tile.core, tile.population, "hop_chip_link", host.between_chips[index])
    for name, count in host.operations.items():
        tally.add(CHIP, name, "host_operation", count)


def _sums(index: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    """int64 (size): counts added up by index, exactly (bincount with weights would go through float64)."""
    sums = np.zeros(size, np.int64)
    np.add.at(sums, index, counts)
    return sums
