"""Hypothesis strategies for small random networks of every wiring the mapper knows."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from neurocomp.network import Integer, Linear, Network, Neuron, OneToOne, Population, Projection
from neurocomp.network.verify import verify
from tests.random_ops import ops, shapes, sparses, weights


@st.composite
def networks(draw: st.DrawFn, stages: int = 4) -> Network:
    """A chain with relays, residual sums, recurrent projections and a readout, integer weights."""
    populations = [Population("in", draw(shapes(draw(st.sampled_from([1, 3])))))]
    projections: list[Projection] = []
    for stage in range(draw(st.integers(1, stages))):
        source = populations[draw(st.integers(max(0, len(populations) - 2), len(populations) - 1))]
        op = draw(ops(source.shape))
        neuron = Neuron() if draw(st.integers(0, 2)) else None
        population = Population(f"p{stage}", op.target_shape(source.shape), neuron)
        projections.append(Projection(f"{source.name}-{population.name}", source.name, population.name, op))
        projections += _extra(draw, populations, population)
        populations.append(population)
    last = populations[-1]
    network = Network(tuple(populations), tuple(projections), ("in",), last.name, Integer())
    return verify(network)


def _extra(draw: st.DrawFn, populations: list[Population], target: Population) -> list[Projection]:
    """Sometimes a residual projection from an earlier population of equal size, sometimes a recurrent one."""
    found = []
    same = [p for p in populations if p.size == target.size]
    if same and draw(st.booleans()):
        source = draw(st.sampled_from(same))
        op = OneToOne(1.0, None if source.shape == target.shape else target.shape)
        delay = draw(st.integers(0, 2))
        found.append(Projection(f"{source.name}+{target.name}", source.name, target.name, op, delay))
    if target.neuron is not None and draw(st.booleans()):
        if draw(st.booleans()) or len(target.shape) > 1:
            op = draw(sparses(target.shape, target.shape))
        else:
            op = Linear(weights(draw, (target.size, target.size)))
        found.append(Projection(f"{target.name}<<", target.name, target.name, op, draw(st.integers(1, 2))))
    return found


def positions(shape: tuple[int, ...]) -> np.ndarray:
    """For each flat channel-first element its channel-last position, by counting."""
    last = np.moveaxis(np.arange(math.prod(shape)).reshape(*shape[1:], shape[0]), -1, 0)
    return last.reshape(-1)
