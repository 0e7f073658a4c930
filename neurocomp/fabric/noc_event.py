"""The network by reservation (csrc/noc_event.h): how long a link is taken by a packet, and where the model holds.

Measured against BookSim2 on 8x8 meshes the drain is within 5 % on average for routers with four VCs or more. With
fewer, packets block each other in full buffers, which this model does not have, as soon as a core sends more than a
few packets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_bound import pace_of
from neurocomp.fabric.noc_cycle import cycle_tables, from_outcome, network_of_thread, port_order
from neurocomp.fabric.noc_routes import Routes

FRACTION = 1024  # csrc/noc_event.h: NC_NOC_FRACTION
VCS_ENOUGH = 4  # that a packet can choose from; on a torus it has half of them
PACKETS_FEW = 4  # per core


def holds(noc: Noc, burst: Burst) -> bool:
    """Whether the model is known to be good for this router and this many packets."""
    per_core = np.bincount(burst.source, minlength=1).max() if burst.packets else 0
    return holds_for(noc, int(per_core))


def holds_for(noc: Noc, packets_per_core: int) -> bool:
    """The same for a burst in which no core sends more packets than this."""
    vcs = noc.router.vcs // 2 if noc.mesh.torus else noc.router.vcs
    return vcs >= VCS_ENOUGH or packets_per_core <= PACKETS_FEW


@dataclass(frozen=True, eq=False)
class Service:
    """How long packets take links, see nc_noc_service of csrc/noc_event.h; times in 1 / FRACTION cycles."""

    packet: int
    eject_packet: int
    inject_flit: int
    eject_flit: int
    link_flit: np.ndarray


def service_of(noc: Noc, *, single_flit: bool) -> Service:
    """single_flit: every packet is one flit long."""
    pace = pace_of(noc, single_flit=single_flit)
    per_flit = np.maximum(pace.interval * FRACTION, -(-pace.turnaround * FRACTION // pace.window))
    links, cores = noc.mesh.link_slots, noc.mesh.core_slots
    return Service(
        int(pace.gap[0]) * FRACTION,
        int(pace.gap[links]) * FRACTION,
        int(per_flit[links + cores]),
        int(per_flit[links]),
        port_order(per_flit[:links], noc.mesh),  # csrc numbers links by port
    )


def event_burst(noc: Noc, burst: Burst, routes: Routes | None = None) -> BurstResult:
    """Links are taken in order of arrival, buffers are infinite. within_domain says whether that is good enough."""
    service = service_of(noc, single_flit=bool((burst.flits == 1).all()))
    tables, ties = cycle_tables(noc, burst, routes)
    outcome = network_of_thread(noc).run_events(
        tables, service.packet, service.eject_packet, service.inject_flit, service.eject_flit, service.link_flit
    )
    return from_outcome(noc, burst, tables, ties, outcome, fidelity="event", within_domain=holds(noc, burst))
