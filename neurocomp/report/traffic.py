"""What was sent and added in a run: spikes, packets, the copies of them that were delivered, links crossed."""

from __future__ import annotations

from dataclasses import dataclass

from neurocomp.mapping.program import Program
from neurocomp.report import units
from neurocomp.simulate.simulation import Simulation


@dataclass(frozen=True)
class TrafficFacts:
    """Totals of the run. spikes: of neurons on the cores, inputs not included; busiest_link_flits: on one link.
    station_values: sent by products, maxima and sums that have places of their own. operands_stored: for products.

    packets_sent: by cores; one per spike where routers copy packets (multicast trees), else one per spike and core
    that it reaches. packets_injected: the same of inputs and of what the host gives, at the input port.
    packets_received: copies delivered to cores, so that it is packets_sent + packets_injected where routers do not
    copy. All three count what stays on its own core, too. packets_to_host: values on their way to functions that the
    host computes. hops: links between routers of one chip, chip_crossings: links from one chip to another, that all of
    these packets crossed, each link of a tree once; their sum is all links crossed."""

    spikes: int
    synaptic_events: int
    neuron_updates: int
    packets_sent: int
    packets_received: int
    hops: int
    busiest_link_flits: int
    station_values: int = 0
    product_operations: int = 0
    operands_stored: int = 0
    packets_to_host: int = 0
    host_operations: int = 0
    packets_injected: int = 0
    chip_crossings: int = 0

    @property
    def links_crossed(self) -> int:
        return self.hops + self.chip_crossings


def traffic_facts(program: Program, simulation: Simulation) -> TrafficFacts:
    """The facts of a run."""
    total = simulation.counters.total
    sent = simulation.counters.by_layer("spike_out")
    values = sum(sent.get(name, 0) for name in program.network.stations)
    links = total("hop_east_west") + total("hop_north_south") + total("hop_chip_link")
    return TrafficFacts(
        spikes=total("spike_out") - values,
        synaptic_events=sum(total(f"synaptic_operation.{form}") for form in ("dense", "conv", "sparse")),
        neuron_updates=total("neuron_update"),
        packets_sent=total("packet_out"),
        packets_received=total("packet_in"),
        hops=links - simulation.chip_crossings,
        busiest_link_flits=int(simulation.link_flits.max(initial=0)),
        station_values=values,
        product_operations=total("product_operation"),
        operands_stored=total("operand_write"),
        packets_to_host=total("packet_to_host"),
        host_operations=total("host_operation"),
        packets_injected=simulation.injected,
        chip_crossings=simulation.chip_crossings,
    )


def traffic_sentence(facts: TrafficFacts, samples: int, chips: tuple[int, int]) -> str:
    """Packets, their copies and links per inference. chips: (columns, rows)."""
    sent, injected, copies, host, links, crossings = (
        units.count(number / samples)
        for number in (
            facts.packets_sent, facts.packets_injected, facts.packets_received, facts.packets_to_host, facts.hops,
            facts.chip_crossings,
        )
    )  # fmt: skip
    entering = f", {injected} enter at the input port" if facts.packets_injected else ""
    leaving = f", {host} more go to the host" if facts.packets_to_host else ""
    copied = facts.packets_received != facts.packets_sent + facts.packets_injected
    delivered = f"routers copy them, and {copies} copies are delivered" if copied else "each is delivered to one core"
    where = "between routers" if chips == (1, 1) else f"between routers of a chip and {crossings} from chip to chip"
    once = ", each link of a multicast tree once" if copied else ""
    return (
        f"Per inference cores send {sent} packets{entering}{leaving}; {delivered}. They cross {links} links "
        f"{where}{once}; what stays on its core is counted and crosses none."
    )
