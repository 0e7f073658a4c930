"""Conservation laws, checked in every run: nothing is lost, nothing appears from nowhere, parts make totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurocomp.activity.trace import SpikeTrace
from neurocomp.errors import CheckFailedError, Diagnostic, check_failed
from neurocomp.fabric.noc_cycle import port_order
from neurocomp.mapping.program import Program
from neurocomp.network.graph import Network, Projection
from neurocomp.network.structure import fan_in, fan_out

if TYPE_CHECKING:
    from neurocomp.simulate.products import ProductWork
    from neurocomp.simulate.simulation import RawTotals


def check_conservation(
    program: Program, trace: SpikeTrace, totals: RawTotals, results: np.ndarray, link_flits: np.ndarray
) -> None:
    """Raise CheckFailedError with the numbers if a law is broken.

    Spikes of the trace = spikes timed; packets sent = packets received; flits that the network carried over each link =
    flits that the routes imply (link_flits); synaptic events = sum over spikes of the fan-outs that the network (not
    the routes) gives; no time or count is negative. Operands of products count here by what they are multiplied with.
    """
    found = [
        *_spikes(program, trace, totals, results),
        *_packets(program, totals, results),
        *_flits(program, totals, link_flits),
        *_events(program, trace, totals),
        *_signs(totals, results),
    ]
    if found:
        raise CheckFailedError(found)


def check_products(products: ProductWork) -> None:
    """Raise CheckFailedError if the operations of the tiles are not those of the products' operands."""
    found = _differs(
        "product operations of all tiles and of the products' operands",
        int(products.operations.sum()), sum(products.expected.values()),
    )  # fmt: skip
    if found:
        raise CheckFailedError(found)


def _differs(what: str, left: int, right: int) -> list[Diagnostic]:
    if left == right:
        return []
    return list(check_failed("conservation", f"{what}: {left} against {right}").diagnostics)


def _spikes(program: Program, trace: SpikeTrace, totals: RawTotals, results: np.ndarray) -> list[Diagnostic]:
    fired = sum(trace.populations[name].spike_count for name in program.routes.route_class)
    routed = int(totals.class_spikes.sum()) + int(totals.mute_spikes.sum())
    return _differs("spikes in the trace and spikes timed", fired, int(results[:, 3].sum())) + _differs(
        "spikes timed and spikes counted by route", int(results[:, 3].sum()), routed
    )


def _packets(program: Program, totals: RawTotals, results: np.ndarray) -> list[Diagnostic]:
    sent = int((totals.class_spikes * np.diff(program.routes.packet_ptr)).sum())
    received = int(totals.core_packets.sum())
    arrived = int(totals.latencies.sum())
    return [
        *_differs("packets sent and packets timed", sent, int(results[:, 4].sum())),
        *_differs("packets sent and packets received", sent, received),
        *_differs("packets sent and packets whose latency was taken", sent, arrived),
    ]


def _flits(program: Program, totals: RawTotals, link_flits: np.ndarray) -> list[Diagnostic]:
    if not totals.network_flits.size:
        return []
    carried = port_order(totals.network_flits, program.mesh)
    wrong = np.flatnonzero(carried != link_flits)
    if not wrong.size:
        return []
    link = wrong[0]
    return _differs(f"flits over link {link} and flits of its routes", int(carried[link]), int(link_flits[link]))


def _events(program: Program, trace: SpikeTrace, totals: RawTotals) -> list[Diagnostic]:
    routes = program.routes
    of_packet = np.repeat(np.arange(totals.class_spikes.size), np.diff(routes.packet_ptr))
    of_synapse = np.repeat(of_packet, np.diff(routes.synapse_ptr))
    counted = int((totals.class_spikes[of_synapse] * routes.synapse_events).sum())
    return _differs("synaptic events by route and by the network's fan-outs", counted, expected_events(program, trace))


def expected_events(program: Program, trace: SpikeTrace) -> int:
    """Synaptic events that the network itself implies: spike counts pushed forward through every projection."""
    network = program.placed
    expected = 0
    for name in program.routes.route_class:
        spikes = trace.populations[name].element_counts
        for projection in network.outgoing[name]:
            expected += _through(network, projection, spikes)
    return expected


def _through(network: Network, projection: Projection, counts: np.ndarray) -> int:
    """Events that ``counts`` spikes per source element cause at the end of every path through this projection."""
    target = projection.target
    source_shape = network.by_name[projection.source].shape
    population = network.by_name[target]
    arriving = 0
    if population.neuron is not None or target == network.output:
        ones = np.ones((1,) * len(population.shape), np.int64)
        reach = np.broadcast_to(fan_out(projection.op, source_shape, ones), source_shape)
        arriving = int((reach * counts).sum())
    if population.neuron is None:
        onward = np.broadcast_to(fan_in(projection.op, source_shape, counts), population.shape)
        arriving += sum(_through(network, p, onward) for p in network.outgoing[target])
    return arriving


def _signs(totals: RawTotals, results: np.ndarray) -> list[Diagnostic]:
    counted = {**vars(totals), "network_waits": results}  # flits behind a head pass a router faster than its pipeline
    lowest = min(int(part.min(initial=0)) for part in counted.values())
    return _differs("the smallest count or time and zero", lowest, 0) if lowest < 0 else []
