"""What enters the network on chip, and what comes out of it. All times are in cycles of its clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.ops import frozen_array

FLITS_MAX = 4096
CLASSES_MAX = 8


@dataclass(frozen=True, eq=False)
class Burst:
    """Packets of one burst, e.g. of one time step.

    release: int64 (packets), the cycle from which a packet may leave its core; source: int32 (packets), core;
    flits: int32 (packets). pointer: int64 (packets + 1); destination[pointer[p]:pointer[p + 1]]: the cores that
    packet p goes to, ascending. One entry of ``destination`` is one delivery. A core sends its packets in order
    of release, and of position in these arrays where they are released together. traffic_class: uint8 (packets),
    0 to 7: a core has one such queue per class and serves them in turn, flit by flit; None: one queue.
    """

    release: np.ndarray
    source: np.ndarray
    flits: np.ndarray
    pointer: np.ndarray
    destination: np.ndarray
    traffic_class: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, kind in (
            ("release", np.int64),
            ("source", np.int32),
            ("flits", np.int32),
            ("pointer", np.int64),
            ("destination", np.int32),
        ):
            object.__setattr__(self, name, frozen_array(np.ascontiguousarray(getattr(self, name), kind)))
        if self.traffic_class is not None:
            object.__setattr__(self, "traffic_class", frozen_array(np.ascontiguousarray(self.traffic_class, np.uint8)))
        found = [Diagnostic(f"burst.{where}", what) for where, what in _faults(self)]
        if found:
            raise InputError(found)

    @classmethod
    def unicast(
        cls,
        release: np.ndarray,
        source: np.ndarray,
        destination: np.ndarray,
        flits: np.ndarray,
        traffic_class: np.ndarray | None = None,
    ) -> Burst:
        """Each packet goes to one core."""
        return cls(release, source, flits, np.arange(np.size(destination) + 1), destination, traffic_class)

    @property
    def packets(self) -> int:
        return self.release.size

    @property
    def deliveries(self) -> int:
        return self.destination.size

    @property
    def classes(self) -> int:
        """Queues per core."""
        return 1 if self.traffic_class is None else int(self.traffic_class.max(initial=0)) + 1

    @property
    def packet_of_delivery(self) -> np.ndarray:
        """int64 (deliveries)."""
        return np.repeat(np.arange(self.packets), np.diff(self.pointer))

    def as_unicast(self) -> Burst:
        """One packet per delivery, as a sender does whose network cannot copy packets."""
        of = self.packet_of_delivery
        traffic_class = None if self.traffic_class is None else self.traffic_class[of]
        return Burst.unicast(self.release[of], self.source[of], self.destination, self.flits[of], traffic_class)

    def only(self, chosen: np.ndarray) -> Burst:
        """Some of the packets, each of which has one destination. chosen: bool (packets)."""
        traffic_class = None if self.traffic_class is None else self.traffic_class[chosen]
        destination = self.destination[self.pointer[:-1][chosen]]
        return Burst.unicast(self.release[chosen], self.source[chosen], destination, self.flits[chosen], traffic_class)

    def __repr__(self) -> str:
        return f"Burst({self.packets} packets, {self.deliveries} deliveries)"


def _faults(burst: Burst) -> list[tuple[str, str]]:
    packets = burst.release.size
    found = []
    if burst.release.ndim != 1 or burst.source.shape != (packets,) or burst.flits.shape != (packets,):
        found.append(("release", "release, source and flits must be one-dimensional and of one length"))
    pointer = burst.pointer
    if pointer.shape != (packets + 1,) or pointer[0] != 0 or pointer[-1] != burst.destination.size:
        return [*found, ("pointer", "must have one entry more than there are packets, from 0 to all destinations")]
    if (np.diff(pointer) < 1).any():
        return [*found, ("pointer", "every packet needs at least one destination")]
    inside = np.ones(max(burst.destination.size - 1, 0), np.bool_)
    inside[pointer[1:-1] - 1] = False
    if (np.diff(burst.destination)[inside] <= 0).any():
        found.append(("destination", "the cores of a packet must be ascending, each once"))
    if packets and not (burst.flits.min() >= 1 and burst.flits.max() <= FLITS_MAX):
        found.append(("flits", f"a packet has 1 to {FLITS_MAX} flits"))
    if packets and not (burst.release.min() >= 0 and burst.release.max() < 2**62):
        found.append(("release", "cycles must not be negative"))
    if burst.traffic_class is not None and (
        burst.traffic_class.shape != (packets,) or burst.traffic_class.max(initial=0) >= CLASSES_MAX
    ):
        found.append(("traffic_class", f"must have one entry per packet, below {CLASSES_MAX}"))
    return found


@dataclass(frozen=True, eq=False)
class BurstResult:
    """What a burst did to the network.

    fidelity: bound | event | cycle. drain: cycle of the last arrival (-1 without packets). arrival: int64
    (deliveries), cycle in which the last flit arrives; -1 if the run was stopped before. inject: int64 (packets),
    cycle in which the first flit left the core (-1: not before the run was stopped); inject - release is the wait
    in the core's queue. link_flits: int64 (link slots of the mesh), flits over each link. stall_cycles: int64
    (link slots), cycles that flits spent in the buffer at the end of each link beyond the router's pipeline, at
    least 0 (what comes late behind its head passes faster than the pipeline, which counts against the others).
    flit_hops: flits over all links and into all cores. within_domain: False if the fidelity is known not to hold
    for this router and this many packets (``event`` only).
    """

    fidelity: str
    drain: int
    arrival: np.ndarray
    inject: np.ndarray
    link_flits: np.ndarray
    stall_cycles: np.ndarray
    flit_hops: int
    within_domain: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "stall_cycles", np.maximum(self.stall_cycles, 0))
        for name in ("arrival", "inject", "link_flits", "stall_cycles"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    def with_times(self, arrival: np.ndarray, inject: np.ndarray) -> BurstResult:
        """The same in terms of packets of which each was sent as several."""
        return replace(self, arrival=arrival, inject=inject)

    def latency(self, burst: Burst) -> np.ndarray:
        """int64 (deliveries): cycles from release to arrival, the wait in the core's queue included."""
        return self.arrival - burst.release[burst.packet_of_delivery]

    def __repr__(self) -> str:
        return f"BurstResult({self.fidelity}: drain {self.drain} cycles, {self.flit_hops} flit hops)"
