"""Hypothesis strategies for small random networks, shared by tests of the engines, the mapper and the reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from neurocomp.activity.plan import plan_network
from neurocomp.errors import InputError
from neurocomp.network import (
    Conv,
    Float32,
    Integer,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Pool,
    Population,
    Projection,
    Sparse,
)
from neurocomp.network.ops import Op, ShapeMismatch
from tests.random_signals import signal_part


@st.composite
def networks(draw: st.DrawFn, integer: bool | None = None, most: int = 4, signals: bool = False) -> Network:
    """A chain of 1..most populations behind an input, with random side branches and feedback. signals: some of them
    multiply, rearrange or reduce signals, or are computed by the host."""
    integer = draw(st.booleans()) if integer is None else integer
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.sampled_from([(3,), (2, 5), (2, 5, 4), (1, 6, 6), (4, 4, 4)]))
    populations, projections = [Population("in", shape)], []
    for k in range(draw(st.integers(1, most))):
        if signals and draw(st.booleans()):
            relay, arriving = signal_part(draw, rng, populations, k, integer)
            populations.append(relay)
            projections += arriving
            continue
        source = populations[draw(st.integers(0, len(populations) - 1))] if k else populations[0]
        op = _operator(draw, rng, source.shape, integer)
        relay = draw(st.integers(0, 4)) == 0
        neuron = None if relay else _neuron(draw, rng, op.target_shape(source.shape), integer)
        bias = _bias(draw, rng, op.target_shape(source.shape), integer)
        populations.append(Population(f"p{k}", op.target_shape(source.shape), neuron, bias))
        delay = draw(st.sampled_from([0, 0, 0, 1, 3]))
        projections.append(Projection(f"w{k}", source.name, f"p{k}", op, delay))
        projections += _extra(draw, rng, populations, k, integer)
    bits = draw(st.sampled_from([24, 12]))
    arithmetic = Integer(state_bits=bits, input_scale=0.25, input_bits=6) if integer else Float32()
    network = Network(tuple(populations), tuple(projections), ("in",), populations[-1].name, arithmetic)
    network = without_max_clash(network)
    assume(_sums_fit(network))
    return network


def _sums_fit(network: Network) -> bool:
    """Whether integer sums stay within 32 bits (a chain of relays can multiply them up)."""
    try:
        plan_network(network)
    except InputError:
        return False
    return True


def inputs_for(network: Network, samples: int, steps: int, seed: int = 0) -> np.ndarray:
    """Half silent, half small values, float32."""
    shape = network.by_name[network.inputs[0]].shape
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(samples, steps, *shape)).astype(np.float32)
    return values * (rng.random(values.shape) < 0.5)


def _weights(rng: np.random.Generator, shape: tuple[int, ...], integer: bool) -> np.ndarray:
    if integer:
        return rng.integers(-60, 61, shape).astype(np.int16)
    return (rng.normal(size=shape) * (rng.random(shape) < 0.8)).astype(np.float32)


def _operator(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...], integer: bool) -> Op:
    size = int(np.prod(shape))
    kinds = ["linear", "sparse", "onetoone"] + (["conv", "conv", "pool"] if len(shape) > 1 else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "linear":
        return Linear(_weights(rng, (draw(st.integers(1, 9)), size), integer))
    if kind == "sparse":
        counts = rng.integers(0, 4, size)
        target = (7,)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        return Sparse(indptr, rng.integers(0, 7, indptr[-1]), _weights(rng, (int(indptr[-1]),), integer), target)
    if kind == "onetoone":
        scale = 1.0 if draw(st.booleans()) else rng.integers(1, 4, size).astype(np.int32 if integer else np.float32)
        return OneToOne(scale, (size,) if draw(st.booleans()) else None)
    axes = len(shape) - 1
    for _ in range(20):
        op = _window(draw, rng, shape, axes, kind, integer)
        try:
            op.target_shape(shape)
        except ShapeMismatch:
            continue
        return op
    return OneToOne()


def _window(
    draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...], axes: int, kind: str, integer: bool
) -> Op:
    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    kernel = each(1, 3)
    if kind == "pool":
        pool = draw(st.sampled_from(["sum", "max"] if integer else ["sum", "avg", "max"]))
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        return Pool(pool, kernel, each(1, 3), padding)
    groups = draw(st.sampled_from([1, shape[0]]))
    weight = _weights(rng, (groups * draw(st.integers(1, 4)), shape[0] // groups, *kernel), integer)
    return Conv(weight, each(1, 3), each(0, 2), each(1, 2), groups)


def _neuron(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...], integer: bool) -> Neuron:
    sizes = [(), shape[:1], shape]

    def value(low: float, high: float) -> float | np.ndarray:
        drawn = rng.uniform(low, high, draw(st.sampled_from(sizes)))
        return np.asarray(np.rint(drawn) if integer else drawn.astype(np.float32))

    output = draw(
        st.sampled_from(["binary", "binary", "count", "ternary", "graded", "binary" if integer else "membrane"])
    )
    resets = {"count": ["subtract", "none"], "membrane": ["none"]}
    reset = draw(st.sampled_from(resets.get(output, ["zero", "subtract", "none"])))
    unit = 4096 if integer else 1
    neuron = Neuron(
        v_decay=value(0.3 * unit, unit),
        v_gain=1.0 if integer else value(0.3, 1),
        leak=value(-0.2, 0.2),
        i_decay=value(0.1 * unit, 0.9 * unit) if draw(st.booleans()) else None,
        threshold=value(500, 9000) if integer else value(0.3, 2),
        v_reset=value(-0.3, 0.3),
        v_init=value(-0.2, 0.5),
        reset=reset,
        reset_when=draw(st.sampled_from(["now", "next"])),
        compare=draw(st.sampled_from([">", ">="])),
        output=output,
        max_count=4 if output == "count" else 1,
        refractory=0 if output == "membrane" else draw(st.sampled_from([0, 0, 2])),
    )
    return _with_rarer_parts(draw, neuron, integer, value) if draw(st.booleans()) else neuron


def _with_rarer_parts(
    draw: st.DrawFn, neuron: Neuron, integer: bool, value: Callable[[float, float], float | np.ndarray]
) -> Neuron:
    unit, size = (4096, 3000.0) if integer else (1, 0.6)
    late = neuron.reset_when == "next"
    if draw(st.booleans()):
        ways = ["threshold", "current"] + ([] if integer or late else ["reset"])
        neuron = replace(
            neuron,
            adapts=draw(st.sampled_from(ways)),
            a_decay=value(0.3 * unit, unit),
            a_gain=value(0, size),
            a_from_v=value(-0.2 * unit, 0.2 * unit) if draw(st.booleans()) else None,
            a_init=value(-0.1 * size, 0.3 * size) if draw(st.booleans()) else None,
        )
    if neuron.i_decay is not None:
        neuron = replace(
            neuron,
            current_when=draw(st.sampled_from(["now", "next"])),
            i_from_v=value(-0.3 * unit, 0.1 * unit) if draw(st.booleans()) else None,
            reset_current=draw(st.booleans()),
        )
    if neuron.reset == "subtract":
        keep = None if late else draw(st.sampled_from([None, value(0.2 * unit, unit)]))
        neuron = replace(neuron, v_subtract=draw(st.sampled_from([None, value(0.2 * size, 2 * size)])), v_keep=keep)
    if not integer and draw(st.integers(0, 3)) == 0:
        neuron = replace(neuron, v_square=value(-0.05, 0.2), v_exp=value(0, 0.1), v_exp_rate=value(-0.5, 1))
    return replace(
        neuron,
        v_min=draw(st.sampled_from([None, value(-size, 0)])),
        signed=neuron.output in ("count", "graded") and draw(st.booleans()),
        rounding=draw(st.sampled_from(["floor", "nearest"])),
        levels=draw(st.sampled_from(["all", "powers"])),
    )


def _bias(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...], integer: bool) -> np.ndarray | None:
    size = draw(st.sampled_from([None, (), shape[:1], shape]))
    if size is None:
        return None
    return np.asarray(
        rng.integers(-300, 300, size) if integer else rng.normal(size=size) * 0.3, None if integer else np.float32
    )


def _extra(
    draw: st.DrawFn, rng: np.random.Generator, populations: list[Population], k: int, integer: bool
) -> list[Projection]:
    """Sometimes a feedback projection onto the newest population, or a residual from one of the same shape."""
    target = populations[-1]
    extra = []
    if target.neuron is not None and draw(st.integers(0, 3)) == 0:
        weight = _weights(rng, (target.size, target.size), integer)
        op = Linear(weight) if len(target.shape) == 1 else OneToOne()
        extra.append(Projection(f"back{k}", target.name, target.name, op, draw(st.integers(1, 2))))
    twins = [p for p in populations[:-1] if p.shape == target.shape]
    if twins and draw(st.booleans()):
        extra.append(Projection(f"residual{k}", twins[-1].name, target.name, OneToOne()))
    return extra


def without_max_clash(network: Network) -> Network:
    """Drop projections that would be added to a maximum (not a legal network)."""
    clash = {p.target for p in network.projections if isinstance(p.op, Pool) and p.op.kind == "max"}
    kept, seen = [], set()
    for p in network.projections:
        if p.target in clash and p.target in seen:
            continue
        seen.add(p.target)
        kept.append(p)
    return replace(network, projections=tuple(kept))


@st.composite
def mappable_networks(draw: st.DrawFn) -> Network:
    """Float networks that a chip could take as they are: no average or maximum, every relay leads to neurons."""
    network = draw(networks(integer=False))
    ops_fit = all(not isinstance(p.op, Pool) or p.op.kind == "sum" for p in network.projections)
    spiking = all(p.neuron is None or p.neuron.output not in ("membrane", "graded") for p in network.populations)
    assume(ops_fit and spiking)
    return network
