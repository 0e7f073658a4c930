"""What a routed mapping costs per time step, from the mean spikes of every neuron: the figures that rank mappings.

Hops and links are exact integers (spikes in units of 1 / TRAFFIC_PER_SPIKE). The step time is a bound: with this
activity no run of the simulator takes less time per time step of the network (simulate/inference.py), because the
busiest core must do all of its own work and the busiest link carry all of its flits, whatever waits for what, and
every time step has a chip step with its barrier. The mean over chip steps can be shorter: where spikes are delivered
in the next step, those that fill and empty the pipeline are among them. Rates are rounded to 1 / TRAFFIC_PER_SPIKE, and
the bound holds up to that. Model of the bound: Timcheck,
Pierro and Shrestha, A Compute and Communication Runtime Model for Loihi 2, arXiv 2601.10035, 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.fabric.links import link_loads
from neurocomp.mapping.hypergraph import TRAFFIC_PER_SPIKE
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.program_parts import INPUT_PORT, Routes, Tile, class_tiles
from neurocomp.mapping.stations import operand_mask
from neurocomp.network.graph import Network
from neurocomp.network.ops import Conv, Pool, Sparse


@dataclass(frozen=True)
class Figures:
    """Per time step of the network, means. packets_sent, packets, hops, hottest_link, between_chips: in units of
    1 / TRAFFIC_PER_SPIKE.

    packets_sent: packets that leave for cores other than the sender's own, of a multicast tree one; packets: copies
    of them delivered to these cores; hops: links crossed, each link of a tree once; hottest_link: packets on the
    busiest link; between_chips: packets on links from one chip to another. core_ps: work of the busiest core; link_ps:
    flits of the busiest link; step_ps: bound on the time per time step.
    energy_pj: what depends on the mapping: sending and receiving packets, hops, and the power that flows all the
    time during step_ps. What the profile does not know counts as nothing.
    """

    cores: int
    packets: int
    packets_sent: int
    hops: int
    hottest_link: int
    between_chips: int
    core_ps: float
    busiest_core: int
    link_ps: float
    step_ps: float
    energy_pj: float

    def weighted_hops(self, boundary_cost: int) -> int:
        """Hops, a link between chips counted as so many."""
        return self.hops + (boundary_cost - 1) * self.between_chips


@dataclass(frozen=True, eq=False)
class Load:
    """A mapping under a given activity. homes: ``class_tiles``, if known."""

    problem: Problem
    tiles: Sequence[Tile]
    routes: Routes
    profile: Profile
    homes: np.ndarray | None = None

    @cached_property
    def class_traffic(self) -> np.ndarray:
        """int64 (classes): spikes per step of all neurons of each class."""
        total = np.zeros(self.routes.classes, np.int64)
        for name, label in self.routes.route_class.items():
            traffic = self.profile.flat(self.problem, name)
            if label.min(initial=0) < 0:
                label, traffic = label[label >= 0], traffic[label >= 0]
            np.add.at(total, label, traffic)
        return total

    @cached_property
    def class_core(self) -> np.ndarray:
        """int64 (classes): the core that the spikes come from, INPUT_PORT for inputs."""
        homes = class_tiles(self.tiles, self.routes, self.problem.shape) if self.homes is None else self.homes
        return np.array([tile.core for tile in self.tiles], np.int64)[homes]

    @cached_property
    def packet_traffic(self) -> np.ndarray:
        """int64 (packets)."""
        return self.class_traffic[self.packet_class]

    @cached_property
    def packet_class(self) -> np.ndarray:
        return np.repeat(np.arange(self.routes.classes), np.diff(self.routes.packet_ptr))

    @cached_property
    def link_traffic(self) -> np.ndarray:
        """int64 (links): packets on every directed link."""
        routes = self.routes
        return link_loads(routes.link_ptr, routes.link_id, self.class_traffic, self.problem.mesh.link_slots)

    @cached_property
    def core_ps(self) -> np.ndarray:
        """float64 (core slots): work of each core per step, the longer of sending and receiving."""
        return np.maximum(self._sending_ps(), self._receiving_ps())

    @cached_property
    def sent(self) -> np.ndarray:
        """float64 (classes): packets that a core sends per step; one per spike where routers copy them."""
        count = np.diff(self.routes.packet_ptr)
        if self.problem.chip.noc.multicast == "tree":
            count = np.minimum(count, 1)
        return self.class_traffic / TRAFFIC_PER_SPIKE * count

    def _sending_ps(self) -> np.ndarray:
        """Neurons updated and their spikes sent."""
        engine, slots = self.problem.chip.engines.fp, self.problem.mesh.core_slots
        work = np.zeros(slots)
        for tile in self.tiles:
            if tile.core >= 0:
                updated = self.profile.active.get(tile.population, 0.0) * engine.neuron_update.latency_ps
                work[tile.core] += tile.size * (engine.neuron_access.latency_ps + updated)
        spikes = self.class_traffic / TRAFFIC_PER_SPIKE
        each = spikes * engine.spike_out.latency_ps + self.sent * engine.packet_out.latency_ps
        on_core = self.class_core >= 0
        np.add.at(work, self.class_core[on_core], each[on_core])
        return work

    def _receiving_ps(self) -> np.ndarray:
        service = packet_service_ps(self.problem.network, self.problem.chip, self.routes)
        work = service * (self.packet_traffic / TRAFFIC_PER_SPIKE)
        return np.bincount(self.routes.packet_core, work, self.problem.mesh.core_slots)


def figures_of(
    problem: Problem, tiles: Sequence[Tile], routes: Routes, profile: Profile, homes: np.ndarray | None = None
) -> Figures:
    """Figures of a routed mapping. homes: ``class_tiles``, if known."""
    load = Load(problem, tiles, routes, profile, homes)
    noc, step = problem.chip.noc, problem.chip.step
    used = np.unique([tile.core for tile in tiles if tile.core >= 0])
    leaving = load.class_core[load.packet_class] != routes.packet_core
    hottest = int(load.link_traffic.max(initial=0))
    link_ps = _link_ps(load)
    core_ps = float(load.core_ps.max(initial=0.0))
    barrier = step.barrier_ps(np.unique(used // noc.cores_per_router).size)
    step_ps = max(max(core_ps, link_ps) + barrier, float(step.least_ps))
    return Figures(
        cores=used.size,
        packets=int(load.packet_traffic[leaving].sum()),
        packets_sent=_packets_sent(load, leaving),
        hops=int((load.class_traffic * np.diff(routes.link_ptr)).sum()),
        hottest_link=hottest,
        between_chips=int(load.link_traffic[crosses_chips(problem)].sum()),
        core_ps=core_ps,
        busiest_core=int(load.core_ps.argmax()) if used.size else INPUT_PORT,
        link_ps=link_ps,
        step_ps=step_ps,
        energy_pj=_energy_pj(load, used.size, step_ps),
    )


def _packets_sent(load: Load, leaving: np.ndarray) -> int:
    """Packets to other cores; leaving: bool (copies), whether a copy is for another core than the sender's."""
    if load.problem.chip.noc.multicast != "tree":
        return int(load.packet_traffic[leaving].sum())
    leaves = np.zeros(load.routes.classes, np.bool_)
    leaves[load.packet_class[leaving]] = True
    return int(load.class_traffic[leaves].sum())


def _energy_pj(load: Load, cores: int, step_ps: float) -> float:
    """Energy per step that depends on the mapping."""
    chip = load.problem.chip
    engine, noc, power = chip.engines.fp, chip.noc, chip.power
    across = crosses_chips(load.problem)
    inside = np.where(across, 0, load.link_traffic)
    links = inside.reshape(-1, 2, 2).sum(axis=(0, 2)) / TRAFFIC_PER_SPIKE  # along x, along y
    between = float(load.link_traffic[across].sum()) / TRAFFIC_PER_SPIKE
    counts = (
        (float(load.sent[load.class_core >= 0].sum()), engine.packet_out),
        (float(load.packet_traffic.sum()) / TRAFFIC_PER_SPIKE, engine.packet_in),
        (float(links[0]), noc.hop_east_west), (float(links[1]), noc.hop_north_south),
        (between, noc.hop_east_west if noc.chip_link is None else noc.chip_link.cost),
    )  # fmt: skip
    dynamic = sum(count * (cost.energy_pj or 0.0) for count, cost in counts)
    chips = load.problem.chips[0] * load.problem.chips[1]
    milliwatts = (power.static_mw + (power.host_mw or 0.0)) * chips + (power.per_core_mw or 0.0) * cores
    return dynamic + milliwatts * step_ps / 1e3  # 1 mW x 1 ps = 1e-3 pJ


def _link_ps(load: Load) -> float:
    """The link that is busy longest."""
    noc = load.problem.chip.noc
    flit = np.full(load.link_traffic.size, noc.link_flit_ps, np.float64)
    if noc.chip_link is not None:
        flit[crosses_chips(load.problem)] = noc.chip_link.flit_ps
    return float((load.link_traffic * flit).max(initial=0.0)) / TRAFFIC_PER_SPIKE * noc.flits_per_spike


def crosses_chips(problem: Problem) -> np.ndarray:
    """bool (links): whether a link leads from one chip to another."""
    mesh, noc = problem.mesh, problem.chip.noc
    link = np.arange(mesh.link_slots)
    ends = np.stack([link // 4, mesh.head_of(link)])
    chip = ends // mesh.width // noc.height * mesh.width + ends % mesh.width // noc.width
    return chip[0] != chip[1]


def packet_service_ps(network: Network, chip: ChipSpec, routes: Routes) -> np.ndarray:
    """int64 (packets): how long each packet keeps its core busy: receiving it, then its synaptic operations.

    network: as it is placed.
    """
    operations = chip.engines.fp.synaptic_operation
    operand = operand_mask(network)
    latency = np.zeros(len(network.projections) + 1, np.int64)
    for index, projection in enumerate(network.projections):
        op = projection.op
        form = operations.conv if isinstance(op, Conv | Pool) else operations.dense
        latency[index] = (operations.sparse if isinstance(op, Sparse) else form).latency_ps
    latency[operand] = chip.engines.fp.product_cost.latency_ps  # stored once, whatever it is multiplied with
    events = np.where(operand[routes.synapse_projection], 1, routes.synapse_events.astype(np.int64))
    work = events * latency[routes.synapse_projection]
    sums = np.concatenate([[0], np.cumsum(work)])
    return sums[routes.synapse_ptr[1:]] - sums[routes.synapse_ptr[:-1]] + chip.engines.fp.packet_in.latency_ps
