"""Integers for products of two signals, wires, reductions, maxima, residual streams and functions of the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.activity.reference import execute_reference
from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.mapping.compile import lower
from neurocomp.network import (
    Conv,
    Factor,
    Host,
    Integer,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Pool,
    Population,
    Projection,
    Reduce,
    Wiring,
)  # fmt: skip
from neurocomp.network.quantise import Quantised, quantise

RNG = np.random.default_rng(8)
IF = Neuron(threshold=1.0, reset="subtract")


def exact(*shape: int, most: int = 40, grid: float = 2.0**-5) -> np.ndarray:
    return (RNG.integers(-most, most + 1, shape) * grid).astype(np.float32)


def net(populations: Sequence[Population], projections: Sequence[tuple[str, str, object]], output: str) -> Network:
    named = [Projection(f"w{k}", a, b, op) for k, (a, b, op) in enumerate(projections)]  # type: ignore[arg-type]
    return Network(tuple(populations), tuple(named), ("in",), output, name="net")


def spikes(network: Network, steps: int = 8) -> np.ndarray:
    shape = network.by_name["in"].shape
    return (np.random.default_rng(1).random((2, steps, *shape)) < 0.5).astype(np.float32)


def outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Of the engine's twin, which the engine agrees with to the last bit."""
    output, compiled = execute_reference(network, x).output, execute(network, x).output
    assert output is not None
    np.testing.assert_array_equal(compiled, output)
    return output


def equal(network: Network, **options: object) -> Quantised:
    """The rounded network, which gives the same values, counted in the output's unit."""
    x = spikes(network)
    rounded = quantise(network, Integer(), x, **options)  # type: ignore[arg-type]
    expected = outputs(network, x)
    assert expected.any()
    unit = 1.0 if network.by_name[network.output or ""].neuron is not None else rounded.units[network.output or ""]
    np.testing.assert_allclose(outputs(rounded.network, x) * unit, expected, rtol=1e-6)
    return rounded


def attention(scale: float) -> Network:
    """Spiking self-attention of two heads on four tokens: scale (q k) v into neurons, then weights."""
    heads, tokens, d = 2, 4, 3
    n = heads * tokens * d
    shape = (heads, tokens, d)
    populations = [Population("in", (6,)), *(Population(name, (n,), IF) for name in "qkv")]
    populations += [Population("scores", (heads, tokens, tokens)), Population("mixed", shape)]
    populations += [Population("s", shape, replace(IF, threshold=0.5)), Population("out", (5,), IF)]
    return net(
        populations,
        [
            *(("in", name, Linear(exact(n, 6))) for name in "qkv"),
            ("q", "scores", Factor("left", heads, tokens, d, tokens, (heads, tokens, tokens))),
            ("k", "scores", Factor("right", heads, tokens, d, tokens, (heads, tokens, tokens))),
            ("scores", "mixed", Factor("left", heads, tokens, tokens, d, shape, scale)),
            ("v", "mixed", Factor("right", heads, tokens, tokens, d, shape, scale)),
            ("mixed", "s", OneToOne()), ("s", "out", Linear(exact(5, n))),
        ],
        "out",
    )  # fmt: skip


@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_a_product_is_worth_the_product_of_its_operands_and_its_scale(scale: float) -> None:
    rounded = equal(attention(scale))
    assert rounded.units["scores"] == 1.0
    assert rounded.units["mixed"] == scale
    assert all(p.op.scale == 1.0 for p in rounded.network.projections if isinstance(p.op, Factor))


def test_a_product_of_real_values_carries_both_units() -> None:
    network = net(
        [Population("in", (4,)), Population("a", (6,)), Population("b", (6,)), Population("p", (6,)),
         Population("out", (3,), IF)],
        [
            ("in", "a", Linear(exact(6, 4))), ("in", "b", Linear(exact(6, 4, grid=2.0**-3, most=3))),
            ("a", "p", Factor("left", 6, 1, 1, 1, (6,), -0.5)), ("b", "p", Factor("right", 6, 1, 1, 1, (6,), -0.5)),
            ("p", "out", Linear(exact(3, 6))),
        ],
        "out",
    )  # fmt: skip
    rounded = equal(network)
    assert rounded.units["p"] == rounded.units["a"] * rounded.units["b"] * 0.5
    assert {p.op.scale for p in rounded.network.projections if isinstance(p.op, Factor)} == {-1.0}


def residual(blocks: int, weights: object = exact) -> Network:
    """A stream of membrane values: x + conv(spikes of x), as in MS-ResNet and Spikingformer."""
    shape = (3, 4, 4)
    populations, joined = [Population("in", shape), Population("x0", shape, bias=weights(3))], []  # type: ignore[operator]
    joined.append(("in", "x0", Conv(weights(3, 3, 3, 3), (1, 1), (1, 1), (1, 1))))  # type: ignore[operator]
    for k in range(blocks):
        populations += [Population(f"s{k}", shape, IF), Population(f"x{k + 1}", shape)]
        grown = weights(3, 3, 3, 3) * np.float32(2.0**-k)  # type: ignore[operator]
        joined += [
            (f"x{k}", f"s{k}", OneToOne()), (f"x{k}", f"x{k + 1}", OneToOne()),
            (f"s{k}", f"x{k + 1}", Conv(grown, (1, 1), (1, 1), (1, 1))),
        ]  # fmt: skip
    populations.append(Population("out", shape, IF))
    return net(populations, [*joined, (f"x{blocks}", "out", OneToOne())], "out")


def test_a_residual_stream_shares_one_fixed_point() -> None:
    rounded = equal(residual(2))
    assert len({rounded.units[name] for name in ("x0", "s0", "x1", "s1", "x2", "out")}) == 1
    assert any("x0, s0, x1 and 3 more pass real values on: they share one fixed point" in n for n in rounded.notes)


def test_all_weights_into_a_stream_fit_the_chip() -> None:
    """The first block's weights are the smallest: a unit chosen for them would burst the others' bits."""
    network = residual(3, lambda *shape: RNG.normal(size=shape).astype(np.float32))
    grown = tuple(
        replace(p, op=replace(p.op, weight=p.op.weight * 16)) if p.name == "w6" and isinstance(p.op, Conv) else p
        for p in network.projections
    )
    rounded = quantise(replace(network, projections=grown), Integer(weight_bits=8), np.ones(1))
    for p in rounded.network.projections:
        if isinstance(p.op, Conv):
            common = int(np.bitwise_or.reduce(np.abs(p.op.weight), axis=None))
            assert np.abs(p.op.weight).max() <= 127 * (common & -common)  # eight bits and an exponent
    assert execute_reference(rounded.network, spikes(network)).output is not None


def test_spikes_enter_a_stream_of_real_values_by_a_whole_factor() -> None:
    network = net(
        [Population("in", (6,)), Population("a", (6,), IF), Population("x", (6,)), Population("out", (6,), IF)],
        [("in", "a", OneToOne()), ("in", "x", Linear(exact(6, 6))), ("a", "x", OneToOne()), ("x", "out", OneToOne())],
        "out",
    )
    rounded = equal(network)
    (joined,) = (p for p in rounded.network.projections if (p.source, p.target) == ("a", "x"))
    assert joined.op.scale == round(1 / rounded.units["x"]) == 32
    odd = replace(network, projections=tuple(
        replace(p, op=Linear(np.full((6, 6), 30.3, np.float32))) if isinstance(p.op, Linear) else p
        for p in network.projections
    ))  # fmt: skip
    rounded = quantise(odd, Integer(), np.ones(1))
    assert "the weights of w1 have an exponent, at most 2^5: much smaller ones share their sums" in rounded.notes
    (joined,) = (p for p in rounded.network.projections if (p.source, p.target) == ("a", "x"))
    assert abs(joined.op.scale * rounded.units["x"] - 1) < 0.005


def test_a_layer_of_small_weights_keeps_its_levels_beside_a_large_one() -> None:
    small, large = RNG.normal(size=(6, 6)).astype(np.float32) / 64, RNG.normal(size=(6, 6)).astype(np.float32)
    network = net(
        [Population("in", (6,)), Population("a", (6,), IF), Population("out", (6,), IF)],
        [("in", "a", OneToOne()), ("in", "out", Linear(small)), ("a", "out", Linear(large))],
        "out",
    )
    rounded = quantise(network, Integer(weight_bits=8), np.ones(1))
    first, second = (p.op.weight for p in rounded.network.projections[1:])
    assert np.abs(first).max() > 15
    common = int(np.bitwise_or.reduce(np.abs(second), axis=None))
    assert np.abs(second.astype(int)).max() <= 127 * (common & -common)
    np.testing.assert_allclose(second * rounded.units["out"], large, atol=np.abs(large).max() / 250)


def test_wires_reductions_and_maxima_keep_integers() -> None:
    shape = (2, 4, 4)
    populations = [Population("in", shape), Population("x", shape), Population("turned", (4, 4, 2)),
                   Population("most", (2, 2, 2)), Population("mean", (4, 2)), Population("top", (4,)),
                   Population("half", (4,)), Population("out", (5,), IF)]  # fmt: skip
    index = np.arange(32).reshape(shape).transpose(1, 2, 0).reshape(-1)
    network = net(
        populations,
        [
            ("in", "x", Conv(exact(2, 2, 3, 3), (1, 1), (1, 1), (1, 1))),
            ("x", "turned", Wiring(index, (4, 4, 2))),
            ("x", "most", Pool("max", (2, 2), (2, 2), (0, 0))),
            ("turned", "mean", Reduce("avg", 4, 4, 2, (4, 2))),
            ("mean", "top", Reduce("max", 4, 2, 1, (4,))),
            ("top", "half", OneToOne(0.5)),
            ("most", "out", Linear(exact(5, 8))),
            ("half", "out", Linear(exact(5, 4))),
        ],
        "out",
    )
    rounded = equal(network)
    x = rounded.units["x"]
    assert [rounded.units[name] / x for name in ("turned", "most", "mean", "top", "half")] == [1, 1, 0.25, 0.25, 0.125]


def concatenated() -> Network:
    """Spikes and real values side by side, and a wire of spikes into a real-valued sum."""
    return net(
        [Population("in", (6,)), Population("a", (6,), IF), Population("x", (6,)), Population("both", (12,)),
         Population("out", (4,), IF)],
        [
            ("in", "a", OneToOne()), ("in", "x", Linear(exact(6, 6))),
            ("a", "x", Wiring(np.array([5, 4, 3, 2, 1, -1]), (6,))),
            ("a", "both", Wiring(np.array([*range(6), *[-1] * 6]), (12,))),
            ("x", "both", Wiring(np.array([*[-1] * 6, *range(6)]), (12,))),
            ("both", "out", Linear(exact(4, 12))),
        ],
        "out",
    )  # fmt: skip


def test_wires_into_another_unit_become_synapses() -> None:
    rounded = equal(concatenated())
    kinds = {(p.source, p.target): type(p.op).__name__ for p in rounded.network.projections}
    assert (kinds["a", "x"], kinds["a", "both"], kinds["x", "both"]) == ("Sparse", "Sparse", "Wiring")


def hosted(function: str, **parameters: float) -> Network:
    return net(
        [Population("in", (6,)), Population("x", (6,)), Population("f", (6,)), Population("out", (6,))],
        [("in", "x", Linear(exact(6, 6))), ("x", "f", Host(function, 1, dict(parameters))),
         ("f", "out", Linear(exact(6, 6)))],
        "out",
    )  # fmt: skip


@pytest.mark.parametrize(
    "network", [hosted("relu"), hosted("abs"), hosted("sign"), hosted("clamp", low=-0.5, high=1.25)], ids=str
)
def test_functions_that_integers_can_take_are_exact(network: Network) -> None:
    equal(network)


@pytest.mark.parametrize("function", ["gelu", "sigmoid", "silu", "exp"])
def test_other_functions_go_through_real_values(function: str) -> None:
    network, x = hosted(function), spikes(hosted(function))
    values = execute_reference(network, x, record=["f"]).trace.populations["f"].values
    assert values is not None
    top = float(np.abs(values).max())
    rounded = quantise(network, Integer(), x, ranges={"f": top})
    (op,) = (p.op for p in rounded.network.projections if isinstance(p.op, Host))
    assert op.units == (rounded.units["x"], top / 255)
    assert rounded.units["f"] == top / 255
    assert any(f"f: {function} is computed in real values; its results enter as whole" in n for n in rounded.notes)
    found = execute_reference(rounded.network, x, record=["f"]).trace.populations["f"].values
    assert found is not None
    assert np.abs(found * (top / 255) - values).max() < 0.51 * top / 255
    outputs(rounded.network, x)
    outputs(rounded.network, 1000 * x)  # results far beyond those of the calibration are cut


def test_a_function_of_unknown_range_is_refused() -> None:
    with pytest.raises(InputError, match="w1: applies gelu on the host, and no data says how large its results are"):
        quantise(hosted("gelu"), Integer(), np.ones(1))
    assert quantise(hosted("sigmoid"), Integer(), np.ones(1)).units["f"] == 1 / 255


def uneven() -> Network:
    """Output channels whose weights differ by a factor of a hundred."""
    weight = RNG.normal(size=(8, 20)).astype(np.float32) * np.logspace(-2, 0, 8, dtype=np.float32)[:, None]
    threshold = np.abs(weight).sum(axis=1) / 4
    neuron = Neuron(v_decay=0.75, threshold=threshold.astype(np.float32), v_reset=0.0)
    return net([Population("in", (20,)), Population("out", (8,), neuron, bias=threshold / 9)],
               [("in", "out", Linear(weight))], "out")  # fmt: skip


def test_a_scale_per_channel_keeps_small_channels() -> None:
    network = uneven()
    x = spikes(network, 40)
    expected = outputs(network, x)
    wrong = {}
    for scales in ("tensor", "channel", "power-of-two"):
        rounded = quantise(network, Integer(weight_bits=4), x, weight_scales=scales)  # type: ignore[arg-type]
        assert max(np.abs(p.op.weight).max() for p in rounded.network.projections) <= 7
        wrong[scales] = int((outputs(rounded.network, x) != expected).sum())
    assert wrong["channel"] < 0.5 * min(wrong["tensor"], wrong["power-of-two"])
    assert (
        "weights have a scale per channel in 1 of 1 populations of neurons"
        in quantise(network, Integer(), x, weight_scales="channel").notes
    )


def test_scales_that_are_powers_of_two() -> None:
    rounded = quantise(uneven(), Integer(), np.ones(1), weight_scales="power-of-two")
    assert np.log2(rounded.units["out"]) % 1 == 0
    with pytest.raises(InputError, match=r"--weight-scales: is 'layer'\n  next: possible are tensor, channel"):
        quantise(uneven(), Integer(), np.ones(1), weight_scales="layer")  # type: ignore[arg-type]


def test_values_that_run_in_a_circle_are_refused() -> None:
    network = net(
        [Population("in", (3,)), Population("x", (3,)), Population("out", (3,), IF)],
        [("in", "x", Linear(exact(3, 3))), ("x", "x", Linear(exact(3, 3))), ("x", "out", OneToOne())],
        "out",
    )
    looped = replace(
        network, projections=tuple(replace(p, delay=int(p.source == p.target)) for p in network.projections)
    )
    with pytest.raises(InputError, match="passes values round in a circle"):
        quantise(looped, Integer(), np.ones(1))


@pytest.mark.parametrize(
    ("chip", "said"),
    [
        ("loihi", r"on loihi: weights into sums that are passed on as real values use [3-7] bits"),
        ("loihi2", r"on loihi2: y: values are held in 1[0-6] bits, in steps of "),
        ("generic", r"on generic: y: values are held in 8 bits, in steps of "),
    ],
)
def test_real_values_through_several_layers_get_registers_or_fewer_bits_until_sums_fit(chip: str, said: str) -> None:
    """A re-parameterised convolution before it is folded: three layers of weights without neurons between."""
    shape = (16, 6, 6)
    populations = [Population("in", shape), Population("a", shape, IF)]
    populations += [Population(name, shape) for name in "xyz"] + [Population("out", shape, IF)]
    weights = [RNG.normal(size=(16, 16, 3, 3)).astype(np.float32) / 12 for _ in "xyz"]
    joined = [("in", "a", OneToOne())] + [
        (a, b, Conv(w, (1, 1), (1, 1), (1, 1))) for a, b, w in zip("axy", "xyz", weights, strict=True)
    ]
    network = net(populations, [*joined, ("z", "out", OneToOne())], "out")
    with pytest.raises(InputError, match="out: its threshold becomes"):
        quantise(network, Integer(), np.ones(1))
    lowered = lower(network, load_chip(chip), np.ones(1))
    assert any(re.match(said, sentence) for sentence in lowered.assumptions)
    assert execute(lowered, spikes(lowered)).saturations == 0
