"""Linear maps in a row, made one: the same spikes, and one synapse for each pair of elements that is connected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.network import (
    Conv,
    Integer,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Pool,
    Population,
    Projection,
    Reduce,
    Sparse,
    Wiring,
)
from neurocomp.network.folding import fold_linear_maps
from neurocomp.network.ops import Op, ShapeMismatch
from neurocomp.network.structure import fan_in, total

LIF = Neuron(v_decay=0.5, threshold=4.0)
STEPS = 9  # more than all delays of a chain


def positive(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole eighths: sums are exact in any order, and no two paths cancel."""
    return (rng.integers(1, 5, shape) / 8).astype(np.float32)


def exact(sizes: tuple[int, ...]) -> bool:
    """Whether an average over so many is a power of two times their sum."""
    return int(np.prod(sizes)).bit_count() == 1


def windowed(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...]) -> Op:
    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in shape[1:])

    kernel = each(1, 3)
    if draw(st.booleans()):
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        return Pool(draw(st.sampled_from(["sum", "avg"])) if exact(kernel) else "sum", kernel, each(1, 3), padding)
    groups = draw(st.sampled_from([1, shape[0]]))
    weight = positive(rng, groups * draw(st.integers(1, 2)), shape[0] // groups, *kernel)
    return Conv(weight, each(1, 2), each(0, 2), each(1, 2), groups)


def operator(draw: st.DrawFn, rng: np.random.Generator, shape: tuple[int, ...]) -> Op:
    size = int(np.prod(shape))
    kinds = ["linear", "sparse", "same", "wires", "reduce"] + ["window"] * 5 * (len(shape) > 1)
    match draw(st.sampled_from(kinds)):
        case "linear":
            return Linear(positive(rng, draw(st.integers(1, 6)), size))
        case "sparse":
            heard = rng.random((size, 5)) < 0.4
            return Sparse(
                np.append(0, np.cumsum(heard.sum(axis=1))), np.nonzero(heard)[1], positive(rng, int(heard.sum())), (5,)
            )
        case "same":
            scale = positive(rng, size) if draw(st.booleans()) else 0.5
            return OneToOne(scale, (size,) if draw(st.booleans()) else None)
        case "wires":
            return Wiring(rng.integers(-1, size, size), shape)
        case "reduce":
            kind = draw(st.sampled_from(["sum", "avg"])) if exact(shape[:1]) else "sum"
            return Reduce(kind, 1, shape[0], size // shape[0], (size // shape[0],))
        case _:
            return windowed(draw, rng, shape)


def branches(
    draw: st.DrawFn, rng: np.random.Generator, populations: list[Population], given: list[Projection]
) -> list[Projection]:
    """A second map beside one of those in the chain, or around several: from the input or an earlier relay."""
    k = draw(st.integers(1, len(populations) - 1))
    source, target = populations[draw(st.integers(0, k - 1))], populations[k]
    if draw(st.booleans()):
        return []
    heard = rng.random((source.size, target.size)) < 0.3
    pointer = np.append(0, np.cumsum(heard.sum(axis=1)))
    op = Sparse(pointer, np.nonzero(heard)[1], positive(rng, int(heard.sum())), target.shape)
    delay = given[k - 1].delay if populations.index(source) == k - 1 else 0
    return [Projection("beside", source.name, target.name, op, delay)]


@st.composite
def chains(draw: st.DrawFn) -> Network:
    """input -> operators in a row, relays between them -> neurons, and a second reader now and then."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    populations = [Population("in", draw(st.sampled_from([(2, 7), (2, 6, 5), (1, 8, 8), (3, 4, 4)])))]
    projections: list[Projection] = []
    count = draw(st.integers(2, 4))
    for k in range(count):
        source = populations[-1]
        try:
            op = operator(draw, rng, source.shape)
            shape = op.target_shape(source.shape)
        except ShapeMismatch:
            assume(False)
        delay = draw(st.sampled_from([0, 0, 0, 2]))
        bias = positive(rng, shape[0]) if draw(st.integers(0, 3)) == 0 else None
        populations.append(Population(f"p{k}", shape, LIF if k == count - 1 else None, bias))
        projections.append(Projection(f"w{k}", source.name, f"p{k}", op, delay))
    projections += branches(draw, rng, populations, projections)
    last = f"p{count - 1}"
    if draw(st.integers(0, 3)) == 0:
        read = populations[-2]
        populations.append(Population("more", (3,), LIF))
        projections.append(Projection("side", read.name, "more", Linear(positive(rng, 3, read.size))))
    return Network(tuple(populations), tuple(projections), ("in",), last)


def responses(network: Network, target: str) -> np.ndarray:
    """(sources, steps, targets): what each input at step 0 brings to a population, from runs with one input each."""
    source, plain = network.by_name["in"], {"neuron": None, "bias": None}
    still = tuple(replace(p, **plain) for p in network.populations)
    asked = replace(network, populations=still, output=target)
    inputs = np.zeros((source.size, STEPS, source.size), np.float32)
    inputs[:, 0] = np.eye(source.size)
    run = execute(asked, inputs.reshape(source.size, STEPS, *source.shape), record=[target])
    return run.trace.dense(target).reshape(source.size, STEPS, -1)


def synapses(network: Network) -> int:
    """Of neurons, over all paths through relays."""
    counts: dict[str, np.ndarray] = {}

    def arriving(name: str) -> np.ndarray:
        if name not in counts:
            at = np.zeros(network.by_name[name].shape, np.int64)
            for p in network.incoming[name]:
                before = 1 if p.source in network.inputs else arriving(p.source)
                at = at + fan_in(p.op, network.by_name[p.source].shape, before)
            counts[name] = at
        return counts[name]

    return sum(total(arriving(p.name), p.shape) for p in network.populations if p.neuron is not None)


def spikes(network: Network) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    inputs = (rng.random((3, 9, *network.by_name["in"].shape)) < 0.4).astype(np.float32)
    trace = execute(network, inputs).trace
    return {p.name: trace.dense(p.name) for p in network.populations if p.neuron is not None}


@given(chains(), st.booleans())
def test_a_chain_made_one_spikes_the_same_and_has_no_parallel_synapses(network: Network, tables: bool) -> None:
    folded, notes = fold_linear_maps(network, tables=tables)
    for name, before in spikes(network).items():
        np.testing.assert_array_equal(spikes(folded)[name], before)
    readers = [p.name for p in network.populations if p.neuron is not None]
    expected = {name: responses(network, name) for name in readers}
    pairs = sum(int(np.count_nonzero(values)) for values in expected.values())  # a path of another delay is another
    assert pairs <= synapses(folded) <= synapses(network)
    for name in readers:
        np.testing.assert_allclose(responses(folded, name), expected[name], rtol=1e-6)
    if tables and not any(p.bias is not None and p.neuron is None for p in network.populations):
        assert synapses(folded) == pairs
        assert bool(notes) == (synapses(network) > pairs)


@pytest.mark.parametrize("padding", [0, 1])
def test_a_convolution_before_pooling_is_a_wider_convolution(padding: int) -> None:
    weight = positive(np.random.default_rng(0), 4, 2, 3, 3)
    network = Network(
        (Population("in", (2, 8, 8)), Population("map", (4, 6 + 2 * padding, 6 + 2 * padding), bias=np.arange(4.0)),
         Population("out", (4, 3 + padding, 3 + padding), LIF)),
        (Projection("conv", "in", "map", Conv(weight, (1, 1), (padding, padding), (1, 1))),
         Projection("pool", "map", "out", Pool("sum", (2, 2), (2, 2), (0, 0)))),
        ("in",), "out",
    )  # fmt: skip
    folded, _ = fold_linear_maps(network)
    (one,) = folded.projections
    assert isinstance(one.op, Conv) and one.op.kernel == (4, 4) and one.op.stride == (2, 2)
    np.testing.assert_array_equal(folded.by_name["out"].bias, 4 * np.arange(4.0))
    assert synapses(folded) < synapses(network)
    np.testing.assert_array_equal(spikes(folded)["out"], spikes(network)["out"])


def test_in_integers_products_are_formed_where_they_fit_the_weights() -> None:
    def network(largest: int) -> Network:
        first = np.full((2, 1, 3), largest, np.int16)
        populations = (Population("in", (1, 9)), Population("map", (2, 7)), Population("out", (2, 6), LIF))
        projections = (
            Projection("conv", "in", "map", Conv(first, (1,), (0,), (1,))),
            Projection("pool", "map", "out", Pool("sum", (2,), (1,), (0,))),
        )
        whole = replace(LIF, v_decay=2048, threshold=2000)
        populations = (*populations[:2], replace(populations[2], neuron=whole))
        return Network(populations, projections, ("in",), "out", Integer())

    folded, _ = fold_linear_maps(network(60))
    (one,) = folded.projections
    assert one.op.weight.dtype == np.int16 and one.op.weight[0, 0].tolist() == [60, 120, 120, 60]
    np.testing.assert_array_equal(spikes(folded)["out"], spikes(network(60))["out"])
    assert spikes(folded)["out"].any()
    wide = network(100)
    assert fold_linear_maps(wide) == (wide, ())


def test_products_that_would_be_rounded_are_not_formed_of_maps_that_are_not() -> None:
    first = np.array([[[101, 100, 1]]], np.float32) / 64
    populations = (Population("in", (1, 9)), Population("map", (1, 7)), Population("out", (1, 6), LIF))
    projections = (
        Projection("conv", "in", "map", Conv(first, (1,), (0,), (1,))),
        Projection("pool", "map", "out", Pool("sum", (2,), (1,), (0,))),
    )
    network = Network(populations, projections, ("in",), "out")
    assert fold_linear_maps(network, weight_bits=8) == (network, ())  # 101 + 100 in 64ths takes 9 bits
    for bits in (9, None):
        (one,) = fold_linear_maps(network, weight_bits=bits)[0].projections
        assert (64 * one.op.weight[0, 0]).tolist() == [101, 201, 101, 1]
    tables, _ = fold_linear_maps(network, tables=True, weight_bits=8)
    assert [p.source for p in tables.projections] == ["in"]
    inexact = replace(
        network, projections=(replace(projections[0], op=Conv(first / 3, (1,), (0,), (1,))), projections[1])
    )
    assert len(fold_linear_maps(inexact, weight_bits=8)[0].projections) == 1
