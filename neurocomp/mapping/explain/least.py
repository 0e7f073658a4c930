"""What a network takes at least, by the sizes of its populations and operators: no reach is formed and no synapse
looked at, apart from one pass over each table where single neurons may hear too much.

Operators in front of relays are left out, and so is what one neuron hears through a relay: all numbers are lower bounds
of what layer.py finds. They refuse a network too large for a look at its synapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.tiling.limits import AXONS_IN, DEMANDS, NEURONS, SYNAPSE_BITS, limits_of
from neurocomp.network.graph import Projection
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Sparse
from neurocomp.network.structure import taps_of

_SYNAPSES = 1 << 21  # in tables, from which on looking at them takes long
FEW_LAYERS = 1000  # of which single elements are looked at
_PROJECTIONS = 5000
_NEURONS = 1 << 24
_TIES = 3  # between targets of one source that are looked at


def is_long(problem: Problem) -> bool:
    """Whether cutting a network, or only looking at what its neurons hear, takes long."""
    steps = problem.network.projections
    tables = sum(step.op.indices.size for step in steps if isinstance(step.op, Sparse))
    neurons = sum(problem.population(name).size for name in problem.tiled)
    many = len(problem.tiled) > FEW_LAYERS or len(steps) > _PROJECTIONS
    return tables > _SYNAPSES or neurons > _NEURONS or many


@dataclass(frozen=True)
class Counts:
    """neurons; weights that are stored at least, and how many of them with the number of their target."""

    neurons: int
    weights: int
    indexed: int

    def demand(self, weight_bits: int, index_bits: int) -> np.ndarray:
        """int64 (4): what all cores together take, see limits.py."""
        demand = np.zeros(DEMANDS, np.int64)
        demand[NEURONS], demand[SYNAPSE_BITS] = self.neurons, self.bits(weight_bits, index_bits)
        return demand

    def bits(self, weight_bits: int, index_bits: int) -> int:
        """Of synaptic memory."""
        return self.weights * weight_bits + self.indexed * index_bits


def counts_by_layer(problem: Problem, sharing: bool, direct: bool = False) -> dict[str, Counts]:
    """What every tiled population takes; sharing: whether kernels are stored once for all neurons of a core; direct:
    whether only weights are counted that lowering keeps (refusals.py)."""
    found, kept = {}, (Linear, Conv, Sparse) if sharing else ()
    for name in problem.tiled:
        size, weights, indexed = problem.population(name).size, 0, 0
        for index in problem.indexed[name]:
            step = problem.network.projections[index]
            if index not in problem.operands and (not direct or _is_kept(problem, step, kept)):
                stored = _stored(step.op, size) if sharing else _unrolled(step.op, size, problem.emits(step.source))
                weights, indexed = weights + stored, indexed + (stored if isinstance(step.op, Sparse) else 0)
        found[name] = Counts(size, weights, indexed)
    return found


def _is_kept(problem: Problem, step: Projection, kinds: tuple[type, ...]) -> bool:
    return isinstance(step.op, kinds) and problem.emits(step.source)


def summed(counts: Iterable[Counts]) -> Counts:
    """The counts of several layers together."""
    rows = [(c.neurons, c.weights, c.indexed) for c in counts]
    return Counts(*map(sum, zip(*rows, strict=True))) if rows else Counts(0, 0, 0)


def _stored(op: Op, targets: int) -> int:
    """Weights of one operator that all cores of its targets store at least."""
    match op:
        case Sparse():
            return op.indices.size
        case Linear() | Conv():
            return op.weight.size
        case OneToOne() if isinstance(op.scale, np.ndarray):
            return targets
        case _:
            return 1


def _unrolled(op: Op, targets: int, direct: bool) -> int:
    """The same where every synapse is stored, as far as they are easily counted. direct: whether no relay lies in front
    of it."""
    match op:
        case Sparse() if direct:
            return op.indices.size
        case Linear() if direct:
            return op.weight.size
        case OneToOne() if direct:
            return targets
        case _:
            return 0


@dataclass(frozen=True)
class Hungriest:
    """What one neuron takes at least, the one of its population with the most synapses in tables.

    synapses: that it has; demand: int64 (4), see limits.py.
    """

    synapses: int
    demand: np.ndarray

    def merged(self, weight_bits: int) -> Hungriest:
        """With a single synapse from each of its sources."""
        demand = self.demand.copy()
        sources = int(demand[AXONS_IN])
        demand[SYNAPSE_BITS] = sources * weight_bits
        return Hungriest(sources, demand)


def hungriest(problem: Problem, name: str) -> Hungriest:
    """Takes a pass over each table into the population, and one more over each to see whom that neuron hears."""
    steps = [problem.network.projections[index] for index in problem.indexed[name] if index not in problem.operands]
    steps = [step for step in steps if problem.emits(step.source)]
    tables = [step.op.fan_in for step in steps if isinstance(step.op, Sparse)]
    element = int(np.sum(tables, axis=0).argmax()) if tables else 0
    synapses, bits, heard = 0, 0, dict[str, int]()
    for step in steps:
        count, stored, sources = _of_element(problem, step, element)
        synapses, bits = synapses + count, bits + stored
        heard[step.source] = max(heard.get(step.source, 0), sources)
    demand = np.zeros(DEMANDS, np.int64)
    demand[NEURONS], demand[AXONS_IN], demand[SYNAPSE_BITS] = 1, sum(heard.values()), bits
    return Hungriest(max(synapses, _of_kernels(problem, steps)), demand)


def _of_element(problem: Problem, step: Projection, element: int) -> tuple[int, int, int]:
    """(synapses, bits stored for them, sources heard) of one element through one projection; kernels, of which some
    taps may fall on the padding, count as nothing."""
    op, bits, index_bits = step.op, problem.weight_bits, problem.chip.core.synapse_index_bits
    match op:
        case Linear():
            return op.weight.shape[1], op.weight.shape[1] * bits, op.weight.shape[1]
        case OneToOne():
            own = isinstance(op.scale, np.ndarray) or not problem.chip.core.kernel_sharing
            return 1, bits if own else 0, 1
        case Sparse():
            at = np.flatnonzero(op.indices == element)
            row = np.searchsorted(op.indptr, at, side="right")
            return at.size, at.size * (bits + index_bits), np.unique(row).size
        case Conv() if problem.chip.core.kernel_sharing:
            return 0, op.weight[0].size * bits, 0
        case _:
            return 0, 0, 0


def _of_kernels(problem: Problem, steps: list[Projection]) -> int:
    """Synapses of the neuron that most taps of a single convolution reach."""
    return max((_taps(problem, step) for step in steps if isinstance(step.op, Conv)), default=0)


def _taps(problem: Problem, step: Projection) -> int:
    shape, most = problem.population(step.source).shape, step.op.weight.shape[1]  # type: ignore[union-attr]
    target = (*step.op.target_shape(shape)[1:], 1)
    for taps, outputs in zip(taps_of(step.op, shape), target, strict=False):  # type: ignore[arg-type]
        inside = np.zeros(outputs, np.int64)
        for tap in range(taps.kernel):
            low, high = taps.outputs(tap, 0, outputs)
            inside[low:high] += 1
        most *= int(inside.max(initial=0))
    return most


def is_open(problem: Problem, counts: Counts) -> bool:
    """Whether counts leave it open that the network fits. counts: of the whole network, on this chip."""
    core, limits = problem.chip.core, limits_of(problem.chip)
    demand = counts.demand(problem.weight_bits, core.synapse_index_bits)
    if (limits.used(demand) > limits.capacities * problem.available_cores).any() or any(overfull_tables(problem)):
        return False
    ones = [hungriest(problem, name) for name in problem.tiled] if len(problem.tiled) <= FEW_LAYERS else []
    most = core.fan_in_max
    return all((most is None or one.synapses <= most) and bool(limits.fits(one.demand)) for one in ones)


def overfull_tables(problem: Problem) -> Iterator[tuple[Projection, int]]:
    """On chips of which a neuron sends to one core: tables of which more targets than a core holds have to share one,
    with their number."""
    core = problem.chip.core
    for step in problem.network.projections if core.fan_out_cores_max == 1 else ():
        sends = problem.emits(step.source) and step.source not in problem.network.inputs
        if isinstance(step.op, Sparse) and sends and problem.is_tiled(step.target):
            size = largest_tied(step.op)
            if size > core.neurons_max:
                yield step, size


def largest_tied(op: Sparse) -> int:
    """How many targets of a table hang together, at least: those that share a source are tied to each other. Looks at
    the first few targets of each source alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    degree, ties = np.diff(op.indptr), []
    for k in range(_TIES):
        first = op.indptr[:-1][degree > k + 1] + k
        ties.append(np.stack([op.indices[first], op.indices[first + 1]]))
    a, b = np.concatenate(ties, axis=1)
    size = int(np.prod(op.shape))
    _, label = connected_components(coo_array((np.ones(a.size, np.int8), (a, b)), (size, size)), directed=False)
    return int(np.bincount(label).max(initial=0))
