"""The readable twin of the flit-level network model (csrc/noc.c): one cycle, one router, one flit at a time.

Slow on purpose; tests hold the compiled model against it. The timing is BookSim2's IQ router (see
neurocomp.fabric.router), extended by copying multicast packets at routers: a packet that goes on to several
outputs stays in its input VC until each of them has sent all its flits; each output has its own VC and its own
progress. An input of the switch sends to one output per cycle, copies included.

Ports: 0 east, 1 west, 2 south, 3 north (BookSim's +x, -x, +y, -y), then the router's cores. In a tree: 0 to 3 down,
4 up, then the cores.
"""

from __future__ import annotations

import numpy as np

from neurocomp.errors import check_failed
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Multicast, Noc
from neurocomp.fabric.noc_paths import dual_paths, first_injection
from neurocomp.fabric.noc_reference_state import Branch, InputVc, Queue, RouterState, Source
from neurocomp.fabric.noc_reference_ways import Ways
from neurocomp.fabric.topology import Mesh


class _Model:
    def __init__(self, noc: Noc, burst: Burst, paths: bool = False) -> None:
        self.noc, self.burst, self.router = noc, burst, noc.router
        self.ways = Ways(noc, burst, paths)
        self.halves = noc.mesh.torus or paths
        self.local = noc.mesh.links_per_router  # the port of the router's first core
        self.ports = self.local + noc.mesh.cores_per_router
        vcs, depth = self.router.vcs, self.router.buffer_flits
        self.routers = [RouterState(self.ports, vcs, depth, self.router.input_speedup) for _ in range(noc.mesh.routers)]
        self.sources = [
            Source([Queue() for _ in range(burst.classes)], [False] * vcs, [depth] * vcs)
            for _ in range(noc.mesh.core_slots)
        ]
        self.events: dict[int, list[tuple]] = {}
        for packet in np.argsort(burst.release, kind="stable").tolist():
            of_class = 0 if burst.traffic_class is None else burst.traffic_class[packet]
            self.sources[burst.source[packet]].queues[of_class].packets.append(packet)
        self.arrival = np.full(burst.deliveries, -1, np.int64)
        self.inject = np.full(burst.packets, -1, np.int64)
        self.link_flits = np.zeros(noc.mesh.link_slots, np.int64)
        self.stalls = np.zeros(noc.mesh.link_slots, np.int64)
        self.hops = 0
        self.latencies, self.intervals = noc.link_latencies(), noc.link_intervals()

    def at(self, cycle: int, *event: object) -> None:
        self.events.setdefault(cycle, []).append(event)

    # --- routes -------------------------------------------------------------------------------------------

    def branches(self, packet: int, router: int, came_from: int) -> dict[int, Branch]:
        """The outputs by which a packet leaves a router, for all destinations that it still has to serve there."""
        burst = self.burst
        found: dict[int, Branch] = {}
        for core in burst.destination[burst.pointer[packet] : burst.pointer[packet + 1]].tolist():
            path = self.ways.path(packet, core)
            if (router, came_from) not in path:
                continue
            port, classes = path[router, came_from]
            branch = found.setdefault(port, Branch(classes))
            branch.classes = max(branch.classes, classes)
        return found

    # --- one cycle ----------------------------------------------------------------------------------------

    def run(self, until: int | None) -> None:
        now = 0
        while True:
            if not self.busy(now):
                pending = sorted([*self.events, *self.next_releases()])
                if not pending:
                    return
                now = max(now, pending[0])
            if until is not None and now >= until:
                self.count_waiting(until)
                return
            self.cycle(now)
            now += 1

    def count_waiting(self, now: int) -> None:
        """A run that was stopped: what is in buffers has waited until now."""
        for index, router in enumerate(self.routers):
            for port, cells in enumerate(router.inputs[: self.local]):
                for cell in cells:
                    if cell.arrived:
                        self.stalls[self.link_into(index, port)] += sum(now - when for when in cell.arrived)

    def link_into(self, router: int, port: int) -> int:
        return self.ways.link(*self.ways.end(router, port))

    def next_releases(self) -> list[int]:
        fronts = [queue.packets[0] for source in self.sources for queue in source.queues if queue.packets]
        return self.burst.release[fronts].tolist()

    def busy(self, now: int) -> bool:
        return any(release <= now for release in self.next_releases()) or any(
            vc.flits for router in self.routers for port in router.inputs for vc in port
        )

    def cycle(self, now: int) -> None:
        events = self.events.pop(now, [])
        for kind, *rest in events:
            if kind == "credit":
                credits, vc = rest
                credits[vc] += 1
        for kind, *rest in events:
            if kind == "flit":
                self.receive(now, *rest)
        for core, source in enumerate(self.sources):
            self.send(now, core, source)
        for index, router in enumerate(self.routers):
            if any(vc.flits for port in router.inputs for vc in port):
                bids = self.switch_bids(router, now)
                granted = self.allocate_vcs(router, now)
                self.traverse(index, router, now, self.allocate_switch(router, bids), granted)

    def receive(self, now: int, router: int, port: int, vc: int, packet: int) -> None:
        cell = self.routers[router].inputs[port][vc]
        if not cell.flits and cell.packet < 0:
            cell.ready = now + self.router.routing_delay
        cell.flits.append(packet)
        cell.arrived.append(now)
        self.look(router, port, cell)

    def look(self, router: int, port: int, cell: InputVc) -> None:
        """Find out where the packet at the front goes."""
        if cell.packet < 0 and cell.flits:
            cell.packet, cell.popped = cell.flits[0], 0
            cell.branches = self.branches(cell.packet, router, port)

    def send(self, now: int, core: int, source: Source) -> None:
        """At most one flit from a core's queues into its router; the queues take turns."""
        for k in range(1, len(source.queues) + 1):
            of_class = (source.last_class + k) % len(source.queues)
            queue = source.queues[of_class]
            if queue.packets and self.burst.release[queue.packets[0]] <= now and self.find_vc(now, source, queue):
                self.send_flit(now, core, source, queue)
                source.last_class = of_class
                return

    def find_vc(self, now: int, source: Source, queue: Queue) -> bool:
        """Whether a queue's front packet has an input VC, perhaps from now on, and a credit for it."""
        if queue.vc < 0:
            order = [(queue.last_vc + k) % self.router.vcs for k in range(1, self.router.vcs + 1)]
            free = [vc for vc in order if not source.owner[vc] and source.credits[vc] > 0]
            if not free:
                return False
            queue.vc = queue.last_vc = free[0]
            source.owner[queue.vc] = True
            self.inject[queue.packets[0]] = now
        return source.credits[queue.vc] > 0

    def send_flit(self, now: int, core: int, source: Source, queue: Queue) -> None:
        packet, per_router = queue.packets[0], self.noc.mesh.cores_per_router
        source.credits[queue.vc] -= 1
        queue.sent += 1
        self.at(now + 1, "flit", core // per_router, self.local + core % per_router, queue.vc, packet)
        if queue.sent == self.burst.flits[packet]:
            source.owner[queue.vc] = False
            queue.packets.popleft()
            queue.vc, queue.sent = -1, 0

    def range_of(self, classes: int) -> range:
        """Output VCs that a packet of a class may use: two halves keep the rings of a torus, or packets on paths and
        others, from blocking each other."""
        vcs = self.router.vcs
        if not self.halves or classes == 2:
            return range(vcs)
        return range(vcs - vcs // 2) if classes == 0 else range(vcs - vcs // 2, vcs)

    def waiting(self, router: RouterState, now: int):
        """(port, vc, cell, output, branch) for each branch that has no output VC yet and may ask for one."""
        for port, cells in enumerate(router.inputs):
            for vc, cell in enumerate(cells):
                if cell.packet >= 0 and cell.ready <= now:
                    for output, branch in sorted(cell.branches.items()):
                        if branch.vc < 0:
                            yield port, vc, cell, output, branch

    def allocate_vcs(self, router: RouterState, now: int) -> list[tuple[Branch, int, int]]:
        """iSLIP: every free output VC grants one input VC, every input VC accepts one; returns the matches."""
        vcs = self.router.vcs
        asks: dict[tuple[int, int], list[tuple[int, int]]] = {}
        branch_of = {}
        for port, vc, _, output, branch in self.waiting(router, now):
            branch_of[port, vc, output] = branch
            for wanted in self.range_of(branch.classes):
                if not router.owner[output][wanted]:
                    asks.setdefault((output, wanted), []).append((port, vc))
        offers: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for (output, wanted), inputs in asks.items():
            start = router.vc_grant[output][wanted]
            winner = min(inputs, key=lambda i: (i[0] * vcs + i[1] - start) % (self.ports * vcs))
            offers.setdefault(winner, []).append((output, wanted))
        matches = []
        for (port, vc), outputs in offers.items():
            start = router.vc_accept[port][vc]
            output, taken = min(outputs, key=lambda o: (o[0] * vcs + o[1] - start) % (self.ports * vcs))
            router.vc_accept[port][vc] = (output * vcs + taken + 1) % (self.ports * vcs)
            router.vc_grant[output][taken] = (port * vcs + vc + 1) % (self.ports * vcs)
            matches.append((branch_of[port, vc, output], output, taken))
        return matches

    def switch_bids(self, router: RouterState, now: int) -> dict[tuple[int, int], int]:
        """(switch input, output) -> the input VC that bids there: first in round-robin order, sure bids first."""
        vcs, speedup = self.router.vcs, self.router.input_speedup
        candidates: dict[tuple[int, int], list[tuple[bool, int, int]]] = {}
        for port, cells in enumerate(router.inputs):
            for vc, cell in enumerate(cells):
                for output, branch in cell.branches.items():
                    if router.link_free[output] > now or not self.may_bid(router, cell, output, branch, now):
                        continue
                    group = port * speedup + vc % speedup
                    order = (vc - router.group_next[group]) % vcs
                    candidates.setdefault((group, output), []).append((branch.vc < 0, order, vc))
        return {key: min(values)[2] for key, values in candidates.items()}

    def may_bid(self, router: RouterState, cell: InputVc, output: int, branch: Branch, now: int) -> bool:
        if branch.vc >= 0:
            done = branch.sent == self.burst.flits[cell.packet]
            here = branch.sent - cell.popped < self.flits_of_front(cell)
            return not done and here and router.credits[output][branch.vc] > 0
        return (
            self.router.speculative
            and cell.ready <= now
            and any(
                not router.owner[output][vc] and router.credits[output][vc] > 0 for vc in self.range_of(branch.classes)
            )
        )

    def flits_of_front(self, cell: InputVc) -> int:
        """How many flits of the packet at the front are in the buffer."""
        left = int(self.burst.flits[cell.packet]) - cell.popped
        return min(len(cell.flits), left)

    def allocate_switch(self, router: RouterState, bids: dict[tuple[int, int], int]) -> list[tuple[int, int, int]]:
        """iSLIP between switch inputs and outputs; returns (port, vc, output) and moves the pointers."""
        speedup, groups = self.router.input_speedup, self.ports * self.router.input_speedup
        offers: dict[int, list[int]] = {}
        for output in range(self.ports):
            asking = [group for group, wanted in bids if wanted == output]
            if asking:
                start = router.switch_grant[output]
                offers.setdefault(min(asking, key=lambda g: (g - start) % groups), []).append(output)
        matches = []
        for group, outputs in offers.items():
            start = router.switch_accept[group]
            output = min(outputs, key=lambda o: (o - start) % self.ports)
            vc = bids[group, output]
            router.switch_grant[output] = (group + 1) % groups
            router.switch_accept[group] = (output + 1) % self.ports
            router.group_next[group] = (vc + speedup) % self.router.vcs
            matches.append((group // speedup, vc, output))
        return matches

    # --- moving flits -------------------------------------------------------------------------------------

    def traverse(
        self,
        index: int,
        router: RouterState,
        now: int,
        matches: list[tuple[int, int, int]],
        granted: list[tuple[Branch, int, int]],
    ) -> None:
        for branch, output, vc in granted:
            branch.vc = vc
            router.owner[output][vc] = True
        for port, vc, output in matches:
            cell = router.inputs[port][vc]
            branch = cell.branches[output]
            if branch.vc >= 0 and router.credits[output][branch.vc] > 0:  # else speculation was in vain
                self.pass_flit(index, router, now, cell, output, branch)
                self.drop_sent(index, port, vc, cell, now)

    def pass_flit(self, index: int, router: RouterState, now: int, cell: InputVc, output: int, branch: Branch) -> None:
        packet, last = cell.packet, branch.sent + 1 == self.burst.flits[cell.packet]
        router.credits[output][branch.vc] -= 1
        self.hops += 1
        if output >= self.local:
            self.at(now + 5 + self.router.credit_delay, "credit", router.credits[output], branch.vc)
            if last:
                self.deliver(packet, index * self.noc.mesh.cores_per_router + output - self.local, now + 4)
        else:
            link = self.ways.link(index, output)
            self.link_flits[link] += 1
            router.link_free[output] = now + int(self.intervals[link])
            arrives = now + 2 + int(self.latencies[link])
            self.at(arrives, "flit", *self.ways.end(index, output), branch.vc, packet)
        branch.sent += 1
        if last:
            router.owner[output][branch.vc] = False

    def deliver(self, packet: int, core: int, now: int) -> None:
        start, stop = self.burst.pointer[packet : packet + 2].tolist()
        at = start + self.burst.destination[start:stop].tolist().index(core)
        if self.arrival[at] != -1:
            raise check_failed("network on chip", f"packet {packet} reached core {core} twice")
        self.arrival[at] = now

    def drop_sent(self, index: int, port: int, vc: int, cell: InputVc, now: int) -> None:
        """Free the front slot once every branch has sent its flit, and the VC once the packet is through."""
        if min(branch.sent for branch in cell.branches.values()) == cell.popped:
            return
        cell.popped += 1
        packet = cell.flits.popleft()
        self.return_credit(index, port, vc, now, now - cell.arrived.popleft())
        if cell.popped == self.burst.flits[packet]:
            cell.packet, cell.branches, cell.ready = -1, {}, now + 1 + self.router.routing_delay
            self.look(index, port, cell)

    def return_credit(self, index: int, port: int, vc: int, now: int, waited: int) -> None:
        if port >= self.local:
            source = self.sources[index * self.noc.mesh.cores_per_router + port - self.local]
            self.at(now + 3, "credit", source.credits, vc)
            return
        upstream, output = self.ways.end(index, port)
        link = self.link_into(index, port)
        self.stalls[link] += waited - self.router.pipeline
        delay = 1 + self.router.credit_delay + int(self.latencies[link])
        self.at(now + delay, "credit", self.routers[upstream].credits[output], vc)


def reference_burst(noc: Noc, burst: Burst, *, until: int | None = None, multicast: Multicast = "tree") -> BurstResult:
    """The result that run_burst gives at ``cycle`` fidelity, cycle by cycle."""
    if multicast == "dual-path" and burst.deliveries > burst.packets and isinstance(noc.mesh, Mesh):
        parts = dual_paths(noc.mesh, burst)
        return parts.restore(_result(_Model(noc, parts.burst, paths=True), until), burst)
    if multicast == "unicast" and burst.deliveries > burst.packets:
        result = _result(_Model(noc, burst.as_unicast()), until)
        return result.with_times(
            result.arrival, first_injection(burst.packets, burst.packet_of_delivery, result.inject)
        )
    return _result(_Model(noc, burst), until)


def _result(model: _Model, until: int | None) -> BurstResult:
    model.run(until)
    return BurstResult(
        "cycle",
        int(model.arrival.max(initial=-1)),
        model.arrival,
        model.inject,
        model.link_flits,
        model.stalls,
        model.hops,
    )
