"""What a layer is that a core for one convolution cannot compute, in a user's words, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.network.graph import Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Factor, Host, Linear, OneToOne, Pool, Reduce, Sparse, Wiring
from neurocomp.network.passes import ANY_SPIKE

Words = tuple[str, str]
"""(what it is, what would do instead)"""

_TILING = "or choose a chip that tiles layers"


def not_one_layer(problem: Problem, name: str) -> Words:
    """The reason why a population is not one convolution or fully connected layer, looked for in what arrives at it
    and, where relays make that, in what arrives at them."""
    arriving = _arriving(problem, name, {name})
    for test in _REASONS:
        found = test(problem, name, arriving)
        if found is not None:
            return found
    return "what arrives at it has no weights", f"put a convolution or a fully connected layer there, {_TILING}"


def _arriving(problem: Problem, name: str, seen: set[str]) -> list[Projection]:
    """Projections to a population, and to the relays in front of it as far as these hold no weights."""
    found = []
    for step in problem.network.incoming[name]:
        found.append(step)
        passes = not isinstance(step.op, Conv | Linear) and step.source not in seen
        if passes and step.source not in problem.network.inputs and not problem.emits(step.source):
            seen.add(step.source)
            found += _arriving(problem, step.source, seen)
    return found


def _recurrent(_problem: Problem, name: str, arriving: list[Projection]) -> Words | None:
    late = max((step.delay for step in arriving), default=0)
    if any(step.source == name for step in arriving):
        return "it is recurrent (its own spikes return to it)", f"leave the recurrent connection out, {_TILING}"
    return (f"a connection to it is delayed by {late} steps", f"leave the delay out, {_TILING}") if late else None


def _fires_on_any(neuron: Neuron | None) -> bool:
    """Whether it is the neuron of lowered max pooling; quantisation writes its numbers in another way."""
    if neuron is None or neuron.compare != ANY_SPIKE.compare:
        return False
    return not np.any(neuron.v_decay) and not np.any(neuron.threshold)


def _maximum(problem: Problem, name: str, arriving: list[Projection]) -> Words | None:
    """Max pooling, which lowering turns into neurons that fire whenever something arrives (network/passes.py)."""
    summed = _fires_on_any(problem.population(name).neuron) and isinstance(arriving[0].op, Pool | Reduce)
    if summed or any(isinstance(step.op, Pool | Reduce) and step.op.kind == "max" for step in arriving):
        return (
            "it is max pooling, where the chip adds up what it pools",
            "use sum pooling, or a convolution of stride 2",
        )
    return None


def _operation(_problem: Problem, _name: str, arriving: list[Projection]) -> Words | None:
    ops = [step.op for step in arriving]
    if any(isinstance(op, Factor) for op in ops):
        return "it takes a product of two signals", f"leave attention or gating out, {_TILING}"
    if any(isinstance(op, Pool | Reduce) and op.kind == "max" for op in ops):
        return (
            "it takes max pooling, and the chip adds up what it pools",
            "use sum pooling, or a convolution of stride 2",
        )
    host = next((op for op in ops if isinstance(op, Host)), None)
    if host is not None:
        return f"it takes {host.function}, a function of the host", f"leave that function out, {_TILING}"
    if any(isinstance(op, Sparse) for op in ops):
        return "it has synapses of no regular form", f"use a convolution or a fully connected layer, {_TILING}"
    if any(isinstance(op, Reduce) for op in ops):
        return "it takes a sum over one axis", "use sum pooling, or a fully connected layer"
    return None


def _joined(problem: Problem, name: str, arriving: list[Projection]) -> Words | None:
    for target in dict.fromkeys(step.target for step in arriving):
        steps = problem.network.incoming[target]
        sources = ", ".join(dict.fromkeys(step.source for step in steps))
        if len(steps) > 1 and any(isinstance(step.op, Wiring) for step in steps):
            return f"it takes a concatenation of {len(steps)} signals ({sources})", f"leave the skip out, {_TILING}"
        if len(steps) > 1:
            return f"it takes a sum of {len(steps)} signals ({sources})", f"leave the shortcut out, {_TILING}"
    if any(isinstance(step.op, Wiring) for step in arriving):
        return "its input is rearranged or upsampled", f"let it read the map as it is, {_TILING}"
    return None


def _bare(problem: Problem, name: str, arriving: list[Projection]) -> Words | None:
    op = arriving[0].op if arriving else None
    what = "pooling" if isinstance(op, Pool) else "a signal" if isinstance(op, OneToOne) else ""
    if not what:
        return None
    kind = "its neurons" if problem.emits(name) and problem.population(name).neuron else "it"
    return (
        f"{kind} take{'' if kind != 'it' else 's'} {what} without weights",
        f"put a convolution or a fully connected layer in front of it, {_TILING}",
    )


_REASONS: tuple[Callable[[Problem, str, list[Projection]], Words | None], ...] = (
    _recurrent, _maximum, _operation, _joined, _bare,
)  # fmt: skip
