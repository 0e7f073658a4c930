"""Chips whose core holds one layer (Speck, DYNAP-CNN): which layer goes to which core, by bipartite matching.

Nothing is tiled there: a layer fits a core as a whole or not at all. Memory formulas and limits stand in the profile
(chip/layer_cores.py). A refusal is a proof: some layer fits no core, or some layers together fit fewer cores than there
are layers (Hall's theorem), which the matching finds on its way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurocomp.chip.layer_cores import LayerCores
from neurocomp.errors import Diagnostic
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.tiling.layer_words import Words, not_one_layer
from neurocomp.network.graph import Projection
from neurocomp.network.ops import Conv, Linear, OneToOne, Pool
from neurocomp.network.structure import Corner

_PROOF = "no mapping exists: a core of this chip holds one layer as a whole"


@dataclass(frozen=True)
class LayerNeeds:
    """Words that a layer takes, what of it the chip has no form for (sentences), and what to do about that."""

    kernel: int
    neuron: int
    bias: int
    misfits: tuple[str, ...] = ()
    cure: str = "change the layer, or choose a chip that tiles layers"


def layer_assignment(problem: Problem) -> tuple[dict[str, np.ndarray], list[Diagnostic]]:
    """(the core of every element of every layer, what does not fit); the former is empty if anything is found."""
    rule = problem.chip.core.layer_cores
    if rule is None:
        return {}, []
    needs = {name: layer_needs(problem, rule, name) for name in problem.tiled}
    found = [*_misfits(problem, needs), *_destinations(problem, rule)]
    fitting = {name: _fitting_cores(problem, rule, name, needs[name]) for name in problem.tiled}
    homeless = [name for name in problem.tiled if not fitting[name]]
    found += [_too_large(problem, rule, name, needs[name]) for name in homeless]
    core, crowded = _matched({name: cores for name, cores in fitting.items() if cores})
    if crowded:
        found.append(_too_few(problem, crowded, fitting, needs))
    if found:
        return {}, found
    return {name: np.full(problem.population(name).shape, core[name], np.int64) for name in problem.tiled}, []


def layer_needs(problem: Problem, rule: LayerCores, name: str) -> LayerNeeds:
    """What one layer takes of a core."""
    channels, height, width = problem.shape(name)
    neuron = channels * 2 ** (_bits(height) + _bits(width))
    misfits = []
    if max(height, width) > rule.map_side_max:
        misfits.append(f"its map of {height} x {width} exceeds {rule.map_side_max} x {rule.map_side_max}")
    incoming = [step for step in problem.network.incoming[name] if not isinstance(step.op, Pool)]
    weighted = [step for step in incoming if isinstance(step.op, Conv | Linear)]
    if len(weighted) != len(problem.network.incoming[name]) or len(weighted) != 1:
        what, cure = not_one_layer(problem, name)
        misfits.append(f"{what}; a core computes one convolution or one fully connected layer")
        return LayerNeeds(0, neuron, channels, tuple(misfits), cure)
    return _of_kernel(problem, rule, weighted[0], (channels, height, width), neuron, misfits)


def _of_kernel(
    problem: Problem, rule: LayerCores, step: Projection, shape: Corner, neuron: int, misfits: list[str]
) -> LayerNeeds:
    source = _map_before(problem, step.source)
    if isinstance(step.op, Conv):
        kernel, stride = tuple(step.op.weight.shape[2:]), tuple(step.op.stride)
        if step.op.groups != 1 or set(step.op.dilation) != {1}:
            misfits.append("its kernels are grouped or dilated")
    else:
        kernel, stride = source[1:], (1, 1)  # a fully connected layer is a convolution as large as the map before it
    kernel = (*kernel, 1)[:2] if len(kernel) < 2 else kernel
    if max(kernel) > rule.kernel_side_max:
        misfits.append(
            f"its kernel of {kernel[0]} x {kernel[1]} exceeds {rule.kernel_side_max} x {rule.kernel_side_max}"
        )
    if not set(stride) <= set(rule.strides):
        misfits.append(f"its stride {max(stride)} is none of {', '.join(map(str, rule.strides))}")
    if max(source[0], shape[0]) > rule.channels_max:
        misfits.append(f"it has {max(source[0], shape[0]):,} channels, more than {rule.channels_max:,}")
    words = source[0] * 2 ** (_bits(kernel[0] * kernel[1]) + _bits(shape[0]))
    before = _pooling(problem, rule, step.source)
    needs = LayerNeeds(words, neuron, shape[0], (*misfits, *(what for what, _ in before)))
    return replace(needs, cure=before[0][1]) if before and not misfits else needs


def _map_before(problem: Problem, name: str) -> Corner:
    """The map that a layer reads, before it was flattened."""
    steps = problem.network.incoming[name]
    flat = len(steps) == 1 and isinstance(steps[0].op, OneToOne) and not problem.emits(name)
    return _map_before(problem, steps[0].source) if flat else problem.shape(name)


def _pooling(problem: Problem, rule: LayerCores, name: str) -> list[Words]:
    """What the relays before a layer do that the chip cannot."""
    found: list[Words] = []
    while not problem.emits(name):
        steps = problem.network.incoming[name]
        if len(steps) != 1 or not isinstance(steps[0].op, OneToOne | Pool):
            what, cure = not_one_layer(problem, name)
            return [*found, (f"what lies before it ({name}) is more than pooling: {what}", cure)]
        op = steps[0].op
        if isinstance(op, Pool) and not ({*op.kernel, *op.stride} <= set(rule.pools) and op.kernel == op.stride):
            pools = ", ".join(map(str, rule.pools))
            found.append((f"the pooling {name} before it is none of {pools}", f"pool over squares of side {pools}"))
        name = steps[0].source
    return found


def _bits(length: int) -> int:
    """ceil(log2)."""
    return (length - 1).bit_length()


def _fitting_cores(problem: Problem, rule: LayerCores, name: str, needs: LayerNeeds) -> list[int]:
    """Cores that hold a layer; the user's own choice if there is one."""
    memories = zip(rule.kernel_words, rule.neuron_words, rule.bias_words, strict=True)
    cores = [
        core for core, (kernel, neuron, bias) in enumerate(memories)
        if needs.kernel <= kernel and needs.neuron <= neuron and needs.bias <= bias and core not in problem.forbidden
    ]  # fmt: skip
    wanted = problem.assignment.get(name)
    return cores if wanted is None else [core for core in cores if (wanted == core).all()]


def _matched(fitting: dict[str, list[int]]) -> tuple[dict[str, int], list[str]]:
    """(core of each layer, layers that compete for too few cores); augmenting paths, in network order."""
    holder: dict[int, str] = {}

    def found_place(name: str, seen: set[int]) -> bool:
        for core in fitting[name]:
            if core not in seen:
                seen.add(core)
                if core not in holder or found_place(holder[core], seen):
                    holder[core] = name
                    return True
        return False

    for name in fitting:
        seen: set[int] = set()
        if not found_place(name, seen):
            return {}, [other for other in fitting if other == name or other in {holder[core] for core in seen}]
    return {name: core for core, name in holder.items()}, []


def _misfits(problem: Problem, needs: dict[str, LayerNeeds]) -> list[Diagnostic]:
    return [
        Diagnostic(name, f"{problem.chip.name} cannot hold this layer: {'; '.join(need.misfits)}", _PROOF, need.cure)
        for name, need in needs.items() if need.misfits
    ]  # fmt: skip


def _too_large(problem: Problem, rule: LayerCores, name: str, needs: LayerNeeds) -> Diagnostic:
    free = replace(problem, assignment={n: cores for n, cores in problem.assignment.items() if n != name})
    others = _fitting_cores(free, rule, name, needs) if name in problem.assignment else []
    if others:
        cores = ", ".join(map(str, np.unique(problem.assignment[name])))
        what = f"is assigned to core {cores}, where it does not lie as a whole, or has no room"
        return Diagnostic(name, what, _PROOF, f"one of the cores {', '.join(map(str, others))}")
    largest = {"kernel": max(rule.kernel_words), "neuron": max(rule.neuron_words), "bias": max(rule.bias_words)}
    taken = {"kernel": needs.kernel, "neuron": needs.neuron, "bias": needs.bias}
    over = [
        f"{taken[k]:,} words of {k} memory; the largest core has {largest[k]:,}" for k in taken if taken[k] > largest[k]
    ]
    both = f"{needs.kernel:,} words of kernel and {needs.neuron:,} of neuron memory, which no core has together"
    return Diagnostic(name, f"needs {'; '.join(over) or both}", _PROOF, "fewer channels, a smaller map or more pooling")


def _too_few(
    problem: Problem, crowded: list[str], fitting: dict[str, list[int]], needs: dict[str, LayerNeeds]
) -> Diagnostic:
    cores = sorted({core for name in crowded for core in fitting[name]})
    layers = ", ".join(f"{name} ({needs[name].kernel:,} + {needs[name].neuron:,} words)" for name in crowded)
    return Diagnostic(
        f"{problem.network.name} on {problem.chip.name}",
        f"{len(crowded)} layers fit only {len(cores)} cores ({', '.join(map(str, cores))})",
        f"{_PROOF}. Layers, with kernel and neuron memory: {layers}",
        "fewer or smaller layers",
    )


def _destinations(problem: Problem, rule: LayerCores) -> list[Diagnostic]:
    found = []
    for name in problem.tiled:
        targets = sorted({edge.target for edge in problem.edges if edge.source == name})
        if len(targets) > rule.destinations_max:
            found.append(Diagnostic(
                name, f"sends to {len(targets)} layers ({', '.join(targets)}); on {problem.chip.name} a layer sends to "
                f"{rule.destinations_max}", _PROOF, "fewer branches",
            ))  # fmt: skip
    return found
