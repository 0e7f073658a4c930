"""A burst of packets through a network on chip, at one of three fidelities: :func:`run_burst`.

``bound``: no packet waits for another one except where it must (busiest link); a lower bound of ``cycle``.
``event``: packets reserve links in order of arrival; buffers are taken as infinite, so it holds only for routers with
several VCs or for small bursts, and the result says whether it does. ``cycle``: flit by flit (csrc/noc.h), agreeing
with BookSim2 to the cycle on meshes.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Fidelity, Multicast, Noc
from neurocomp.fabric.noc_bound import bound_burst
from neurocomp.fabric.noc_cycle import cycle_burst
from neurocomp.fabric.noc_event import event_burst
from neurocomp.fabric.noc_paths import dual_paths, first_injection
from neurocomp.fabric.noc_routes import Routes
from neurocomp.fabric.topology import Mesh


def run_burst(
    noc: Noc,
    burst: Burst,
    *,
    fidelity: Fidelity = "cycle",
    multicast: Multicast = "tree",
    until: int | None = None,
) -> BurstResult:
    """Send a burst through a network and say when each packet arrives.

    multicast: packets with several destinations follow a tree of their routes and are copied at routers, or their
    sender sends one copy to each, or (``dual-path``, meshes only) two that visit them one after the other. until:
    (``cycle`` only) stop before that cycle; what has not arrived then has arrival -1.
    Raises InputError for packets that do not suit the network, CheckFailedError if flits were lost, made up or stuck.
    """
    _check_burst(noc, burst, fidelity, multicast, until)
    if burst.deliveries == burst.packets or multicast == "tree":
        return _run(noc, burst, None, fidelity, until)
    if multicast == "unicast":
        result = _run(noc, burst.as_unicast(), None, fidelity, until)
        first = first_injection(burst.packets, burst.packet_of_delivery, result.inject)
        return result.with_times(result.arrival, first)
    paths = dual_paths(cast("Mesh", noc.mesh), burst)
    return paths.restore(_run(noc, paths.burst, paths.routes, fidelity, until), burst)


def _run(noc: Noc, burst: Burst, routes: Routes | None, fidelity: Fidelity, until: int | None) -> BurstResult:
    if fidelity == "bound":
        return bound_burst(noc, burst, routes)
    if fidelity == "event":
        return event_burst(noc, burst, routes)
    return cycle_burst(noc, burst, routes, until)


def _check_burst(noc: Noc, burst: Burst, fidelity: str, multicast: str, until: int | None) -> None:
    found = []
    for name in ("source", "destination"):
        cores = getattr(burst, name)
        if cores.size and not (cores.min() >= 0 and cores.max() < noc.mesh.core_slots):
            found.append(Diagnostic(f"burst.{name}", f"cores must be 0 to {noc.mesh.core_slots - 1}"))
    if fidelity not in ("bound", "event", "cycle"):
        found.append(Diagnostic("fidelity", f"{fidelity!r} is none of bound, event, cycle"))
    if multicast not in ("tree", "unicast", "dual-path"):
        found.append(Diagnostic("multicast", f"{multicast!r} is none of tree, unicast, dual-path"))
    if until is not None and (fidelity != "cycle" or until < 0):
        found.append(Diagnostic("until", "only the cycle model can be stopped, and not before cycle 0"))
    branching = np.diff(burst.pointer) > 1
    if multicast == "dual-path" and branching.any():
        found += _path_faults(noc)
    if (
        multicast in ("tree", "dual-path")
        and branching.any()
        and burst.flits[branching].max() > noc.router.buffer_flits
    ):
        found.append(
            Diagnostic(
                "burst.flits",
                "a packet that is copied at routers is longer than a router's buffer",
                f"{burst.flits[branching].max()} flits, {noc.router.buffer_flits} places",
                "deeper buffers, shorter packets, or multicast='unicast'",
            )
        )
    if found:
        raise InputError(found)


def _path_faults(noc: Noc) -> list[Diagnostic]:
    if not isinstance(noc.mesh, Mesh) or noc.mesh.torus:
        what = f"dual-path is for meshes, and this is a {noc.mesh.name}"
        return [Diagnostic("multicast", what, hint="multicast='tree'")]
    if noc.router.vcs < 2:
        why = "half of them are for packets on paths, which could block those that go along x and then y"
        return [Diagnostic("multicast", "dual-path needs two VCs or more", why, "multicast='tree'")]
    return []
