"""How far the spikes of the mapped network are from those of the float network."""

from __future__ import annotations

import numpy as np

from neurocomp.activity.execution import Execution
from neurocomp.activity.trace import count_bits
from neurocomp.network.graph import Network


def differing_sites(
    network: Network, floating: Execution, mapped: Network, execution: Execution
) -> tuple[int, int] | None:
    """(sites, those at which the two runs differ) over all spiking populations that both networks have; a site is one
    neuron at one step of one sample. None if they share none."""
    sites = differing = 0
    for name in spiking_in_both(network, mapped):
        one, other = floating.trace.populations[name], execution.trace.populations[name]
        sites += one.size * floating.trace.samples * floating.trace.steps
        if one.values is None and other.values is None:
            differing += count_bits(np.bitwise_xor(one.spikes, other.spikes))
        else:
            differing += int((floating.trace.dense(name) != execution.trace.dense(name)).sum())
    return (sites, differing) if sites else None


def spiking_in_both(network: Network, mapped: Network) -> list[str]:
    """Populations of neurons that send spikes, of the same name and shape in both networks."""
    return [
        p.name
        for p in network.populations
        if p.neuron is not None and p.neuron.output not in ("membrane", "graded")
        and p.name in mapped.by_name and mapped.by_name[p.name].shape == p.shape
        and mapped.by_name[p.name].neuron is not None
    ]  # fmt: skip
