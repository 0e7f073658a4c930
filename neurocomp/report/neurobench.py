"""Workload and size figures by the definitions of NeuroBench 2.3 (Yik et al., Nature Communications 16:1545, 2025).

Counted from recorded activity and the structure of the operators, without unrolling synapses. Pooling, residual
sums and biases are no synaptic operations there, and are none here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.activity.execution import Execution
from neurocomp.activity.trace import SpikeTrace
from neurocomp.network.graph import Integer, Network, Population, Projection, Sample
from neurocomp.network.kinds import ValueKind, value_kinds
from neurocomp.network.ops import Conv, Linear, Sparse, weight_of
from neurocomp.network.serial import to_tree
from neurocomp.network.structure import fan_out, synapse_count
from neurocomp.report import units
from neurocomp.report.model import NetworkFacts, NeuroBenchFacts


@dataclass(frozen=True)
class Operations:
    """Synaptic operations of one connection, totals of a run. is_mac: the source carries more than -1, 0 and 1;
    is_integer: of these, whether it carries whole numbers."""

    projection: str
    effective: int
    dense: int
    is_mac: bool
    is_integer: bool = False


def connections(network: Network) -> tuple[tuple[Projection, np.ndarray], ...]:
    """The projections whose operations count, those with trained weights, and these."""
    return tuple((p, p.op.weight) for p in network.projections if isinstance(p.op, Linear | Conv | Sparse))


def observed_kinds(network: Network, trace: SpikeTrace) -> dict[str, ValueKind]:
    """What each population sends, with the inputs as they really were in this run."""
    if not network.inputs:
        return value_kinds(network)
    fed = trace.populations[network.inputs[0]]
    values = np.zeros(1, np.bool_) if fed.values is None else fed.values
    if values.ndim == 3 and values.strides[1] == 0:  # the same values at every step
        values = values[:, :1]
    return value_kinds(network.with_sample(Sample(values, trace.steps, "temporal")))


def synaptic_operations(network: Network, execution: Execution) -> tuple[Operations, ...]:
    """For each connection: nonzero inputs x nonzero weights (effective), and all inputs x all weights (dense)."""
    kinds = observed_kinds(network, execution.trace)
    activations = execution.trace.samples * execution.trace.steps
    found = []
    for projection, _ in connections(network):
        shape = network.by_name[projection.source].shape
        ones = np.ones((1,) * len(projection.op.target_shape(shape)), np.int64)
        reach = fan_out(projection.op, shape, ones, nonzero=True)
        effective = int((execution.nonzero_counts[projection.source] * reach).sum())
        dense = synapse_count(projection.op, shape) * activations
        kind = kinds[projection.source]
        found.append(Operations(projection.name, effective, dense, not kind.accumulates_only, kind.name == "int"))
    return tuple(found)


def neurobench(network: Network, execution: Execution) -> NeuroBenchFacts:
    """All figures of a run."""
    operations = synaptic_operations(network, execution)
    return NeuroBenchFacts(
        footprint_bytes=footprint_bytes(network),
        connection_sparsity=connection_sparsity(network),
        activation_sparsity=activation_sparsity(network, execution.trace),
        effective_acs=sum(o.effective for o in operations if not o.is_mac),
        effective_macs=sum(o.effective for o in operations if o.is_mac),
        dense_operations=sum(o.dense for o in operations),
    )


def spikes(population: Population) -> bool:
    """Whether a population's outputs are activations in NeuroBench's sense."""
    return population.neuron is not None and population.neuron.output != "membrane"


def activation_sparsity(network: Network, trace: SpikeTrace) -> float | None:
    """1 - nonzero outputs / outputs over all spiking populations, samples and steps; None if there are none."""
    spiking = [p for p in network.populations if spikes(p)]
    outputs = sum(p.size for p in spiking) * trace.samples * trace.steps
    if not outputs:
        return None
    return 1.0 - sum(trace.populations[p.name].spike_count for p in spiking) / outputs


def connection_sparsity(network: Network) -> float:
    """Zero weights / weights over all connections; 0 if there are no weights."""
    weights = [weight for _, weight in connections(network)]
    stored = sum(w.size for w in weights)
    return 1.0 - sum(int(np.count_nonzero(w)) for w in weights) / stored if stored else 0.0


def footprint_bytes(network: Network) -> int:
    """Bytes of weights, biases and neuron parameters kept as arrays, zeros included."""
    arithmetic = network.arithmetic
    weight_bits, state_bits = 32, 32
    if isinstance(arithmetic, Integer):
        weight_bits, state_bits = arithmetic.weight_bits, arithmetic.state_bits
    weights = sum(w.size for w in map(weight_of, (p.op for p in network.projections)) if w is not None)
    states = sum(_parameter_count(p) for p in network.populations)
    return -(-weights * weight_bits // 8) - (-states * state_bits // 8)


def _parameter_count(population: Population) -> int:
    values = [] if population.bias is None else [population.bias]
    if population.neuron is not None:
        values += [v for v in population.neuron.parameters().values() if isinstance(v, np.ndarray)]
    return sum(v.size for v in values)


def network_facts(network: Network) -> NetworkFacts:
    """The network at rest."""
    shapes = {p.name: p.shape for p in network.populations}
    weighted = [(p, weight_of(p.op)) for p in network.projections]
    return NetworkFacts(
        name=network.name,
        origin=network.origin,
        arithmetic="integer" if isinstance(network.arithmetic, Integer) else "float32",
        populations=len(network.populations),
        projections=len(network.projections),
        neurons=network.neuron_count,
        weights=sum(weight.size for _, weight in weighted if weight is not None),
        synapses=sum(synapse_count(p.op, shapes[p.source]) for p, weight in weighted if weight is not None),
        footprint_bytes=footprint_bytes(network),
        connection_sparsity=connection_sparsity(network),
        sha256=network_digest(network),
    )


def network_digest(network: Network) -> str:
    """SHA-256 of structure and parameters; the stored sample, name and origin do not count."""
    tree, arrays = to_tree(replace(network, sample=None, name="", origin="", assumptions=()))
    sha = hashlib.sha256(json.dumps(tree, sort_keys=True, default=float).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        sha.update(f"{name} {little.dtype.str} {array.shape}".encode() + little.tobytes())
    return sha.hexdigest()


def neurobench_cells(facts: NeuroBenchFacts, samples: int) -> dict[str, str]:
    """Name and figure of each metric as reports show it; operations per sample."""
    sparsity = facts.activation_sparsity
    return {
        "Footprint": f"{facts.footprint_bytes:,} B",
        "ConnectionSparsity": f"{facts.connection_sparsity:.4f}",
        "ActivationSparsity": "-" if sparsity is None else f"{sparsity:.4f}",
        "SynapticOperations Effective_ACs": units.count(facts.effective_acs / samples),
        "SynapticOperations Effective_MACs": units.count(facts.effective_macs / samples),
        "SynapticOperations Dense": units.count(facts.dense_operations / samples),
    }
