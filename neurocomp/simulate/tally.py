"""From the timing kernel's sums to counts by core, layer and action.

Everything a spike causes is the same for all spikes of one route class, so counts are class totals times
what one spike of the class causes; no spike is looked at twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurocomp.mapping.program import Program
from neurocomp.simulate.counters import CHIP, Counters, Tally
from neurocomp.simulate.engines.event import synapse_form

if TYPE_CHECKING:
    from neurocomp.simulate.inference import RawTotals


def count_actions(program: Program, totals: RawTotals, chip_steps: int) -> Counters:
    """All counts of a run, feed-forward phase."""
    tally = Tally("FP")
    _count_neurons(program, totals, chip_steps, tally)
    _count_packets(program, totals, tally)
    _count_synapses(program, totals, tally)
    tally.add(CHIP, "", "barrier", chip_steps)
    return tally.counters()


def _count_neurons(program: Program, totals: RawTotals, chip_steps: int, tally: Tally) -> None:
    spikes = totals.mute_spikes + _spikes_by_tile(program, totals)
    for index, tile in enumerate(program.tiles):
        if tile.core < 0:
            continue
        accesses = tile.size * chip_steps
        tally.add(tile.core, tile.population, "neuron_access", accesses)
        tally.add(tile.core, tile.population, "neuron_update", totals.tile_active[index])
        if program.network.by_name[tile.population].neuron is not None:
            tally.add(tile.core, tile.population, "spike_out", spikes[index])
        if program.chip.engines.fp.state_access is not None:
            tally.add(tile.core, tile.population, "state_access", accesses)


def class_tile(program: Program) -> np.ndarray:
    """int64 per route class: the tile that its spikes come from."""
    tile_of_class = np.zeros(program.routes.packet_ptr.size - 1, np.int64)
    for index, tile in enumerate(program.tiles):
        classes = program.routes.route_class.get(tile.population)
        if classes is not None:
            used = classes[tile.channel_last_positions(program.network.by_name[tile.population].shape)]
            tile_of_class[used[used >= 0]] = index
    return tile_of_class


def _spikes_by_tile(program: Program, totals: RawTotals) -> np.ndarray:
    return _sums(class_tile(program), totals.class_spikes, len(program.tiles))


def _count_packets(program: Program, totals: RawTotals, tally: Tally) -> None:
    routes = program.routes
    of_packet = np.repeat(np.arange(totals.class_spikes.size), np.diff(routes.packet_ptr))
    sent = totals.class_spikes[of_packet]
    source = class_tile(program)
    has_packets = np.diff(routes.packet_ptr) > 0
    injected = (
        totals.class_spikes * has_packets
        if program.chip.noc.multicast == "tree"
        else (_sums(of_packet, sent, totals.class_spikes.size))
    )
    hops_x, hops_y = _link_hops(program, totals)
    per_tile = {
        "packet_out": _sums(source, injected, len(program.tiles)),
        "hop_east_west": _sums(source, hops_x, len(program.tiles)),
        "hop_north_south": _sums(source, hops_y, len(program.tiles)),
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


def _link_hops(program: Program, totals: RawTotals) -> tuple[np.ndarray, np.ndarray]:
    """Links crossed per class, all spikes together, along x and along y. Directions 0 and 1 are east and west."""
    routes = program.routes
    of_link = np.repeat(np.arange(totals.class_spikes.size), np.diff(routes.link_ptr))
    along_x = routes.link_id % 4 < 2
    x = np.bincount(of_link[along_x], minlength=totals.class_spikes.size)
    y = np.bincount(of_link[~along_x], minlength=totals.class_spikes.size)
    return x * totals.class_spikes, y * totals.class_spikes


def _count_synapses(program: Program, totals: RawTotals, tally: Tally) -> None:
    routes, engine = program.routes, program.chip.engines.fp
    of_packet = np.repeat(np.arange(totals.class_spikes.size), np.diff(routes.packet_ptr))
    of_synapse = np.repeat(of_packet, np.diff(routes.synapse_ptr))
    events = totals.class_spikes[of_synapse] * routes.synapse_events
    forms = np.array([synapse_form(program.network, k) for k in range(len(program.network.projections))])
    for form in ("conv", "dense", "sparse"):
        chosen = forms[routes.synapse_projection] == form if forms.size else np.zeros(0, np.bool_)
        per_tile = _sums(routes.synapse_tile[chosen], events[chosen], len(program.tiles))
        for index, tile in enumerate(program.tiles):
            tally.add(tile.core, tile.population, f"synaptic_operation.{form}", per_tile[index])
            if engine.weight_read is not None:
                tally.add(tile.core, tile.population, "weight_read", per_tile[index])
            if engine.state_access is not None:
                tally.add(tile.core, tile.population, "state_access", per_tile[index])


def _sums(index: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    """int64 (size): counts added up by index, exactly (bincount with weights would go through float64)."""
    sums = np.zeros(size, np.int64)
    np.add.at(sums, index, counts)
    return sums
