"""One small block of every family of spiking transformers and residual networks, from the IR to the report."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.mapping.compile import compile_network
from neurocomp.network import (
    Conv,
    Factor,
    Host,
    Network,
    Neuron,
    OneToOne,
    Op,
    Pool,
    Population,
    Projection,
    Reduce,
    Sample,
    Wiring,
)
from neurocomp.network.verify import verify
from neurocomp.report.build import report
from neurocomp.report.model import Result
from neurocomp.report.schema import result_schema
from neurocomp.simulate.inference import simulate

HEADS, DEPTH, TOKENS = 2, 4, 9
CHANNELS = HEADS * DEPTH
NUMBER = np.arange(CHANNELS * TOKENS).reshape(HEADS, DEPTH, TOKENS)
TALL = NUMBER.transpose(0, 2, 1)


class Block:
    """Populations and projections, in the order in which they are added."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)
        self.populations = [Population("in", (2, TOKENS))]
        self.projections: list[Projection] = []
        self.stream = self.neurons("embed", "in", 2)

    def add(self, name: str, shape: tuple[int, ...], *arriving: tuple[str, Op], neuron: Neuron | None = None) -> str:
        self.populations.append(Population(name, shape, neuron))
        for k, (source, op) in enumerate(arriving):
            self.projections.append(Projection(f"{name}.{k}", source, name, op))
        return name

    def weights(self, inputs: int) -> Conv:
        weight = self.rng.integers(-40, 100, (CHANNELS, inputs, 1)).astype(np.float32) / 64
        return Conv(weight, (1,), (0,), (1,))

    def neurons(self, name: str, source: str, inputs: int = CHANNELS) -> str:
        return self.add(name, (CHANNELS, TOKENS), (source, self.weights(inputs)), neuron=Neuron(v_decay=0.5))

    def wired(self, name: str, source: str, index: np.ndarray) -> str:
        return self.add(name, index.shape, (source, Wiring(index, index.shape)))

    def product(self, name: str, left: str, right: str, rows: int, inner: int, columns: int, scale: float = 1) -> str:
        shape = (HEADS, rows, columns)
        factors = [Factor(side, HEADS, rows, inner, columns, shape, scale) for side in ("left", "right")]
        return self.add(name, shape, (left, factors[0]), (right, factors[1]))

    def masked(self, name: str, mask: str, values: str) -> str:
        factors = [Factor(side, CHANNELS * TOKENS, 1, 1, 1, (CHANNELS, TOKENS)) for side in ("left", "right")]
        return self.add(name, (CHANNELS, TOKENS), (mask, factors[0]), (values, factors[1]))

    def network(self, last: str) -> Network:
        out = self.neurons("out", last)
        sample = Sample(self.rng.integers(0, 2, (1, 3, 2, TOKENS)).astype(np.float32), 3, "temporal")
        return verify(Network(tuple(self.populations), tuple(self.projections), ("in",), out, sample=sample))


def spikformer() -> Network:
    """(q k^T) v, residual sums of spikes."""
    b = Block()
    q, k, v = (b.neurons(name, b.stream) for name in "qkv")
    scores = b.product("scores", b.wired("q'", q, TALL), b.wired("k'", k, NUMBER), TOKENS, DEPTH, TOKENS)
    mixed = b.product("mixed", scores, b.wired("v'", v, TALL), TOKENS, TOKENS, DEPTH, 0.25)
    lif = b.add("attended", (HEADS, TOKENS, DEPTH), (mixed, OneToOne()), neuron=Neuron())
    joined = b.wired("joined", lif, np.arange(CHANNELS * TOKENS).reshape(HEADS, TOKENS, DEPTH).transpose(0, 2, 1))
    flat = b.add("flat", (CHANNELS, TOKENS), (joined, OneToOne(1.0, (CHANNELS, TOKENS))))
    return b.network(b.add("sum", (CHANNELS, TOKENS), (b.stream, OneToOne()), (b.neurons("proj", flat), OneToOne())))


def meta_spikeformer() -> Network:
    """q (k^T v), residual sums of membranes."""
    b = Block()
    stream = b.add("m0", (CHANNELS, TOKENS), (b.stream, b.weights(CHANNELS)))
    lif = b.add("s0", (CHANNELS, TOKENS), (stream, OneToOne()), neuron=Neuron())
    q, k, v = (b.neurons(name, lif) for name in "qkv")
    memory = b.product("memory", b.wired("k'", k, NUMBER), b.wired("v'", v, TALL), DEPTH, TOKENS, DEPTH)
    mixed = b.product("mixed", b.wired("q'", q, TALL), memory, TOKENS, DEPTH, DEPTH)
    attended = b.add("attended", (HEADS, TOKENS, DEPTH), (mixed, OneToOne(0.5)), neuron=Neuron())
    joined = b.wired("joined", attended, np.arange(CHANNELS * TOKENS).reshape(HEADS, TOKENS, DEPTH).transpose(0, 2, 1))
    flat = b.add("flat", (CHANNELS, TOKENS), (joined, OneToOne(1.0, (CHANNELS, TOKENS))))
    after = b.add("m1", (CHANNELS, TOKENS), (stream, OneToOne()), (flat, b.weights(CHANNELS)))
    return b.network(b.add("s1", (CHANNELS, TOKENS), (after, OneToOne()), neuron=Neuron()))


def spike_driven() -> Network:
    """k * v summed over tokens, neurons, and a mask on q."""
    b = Block()
    q, k, v = (b.neurons(name, b.stream) for name in "qkv")
    both = b.masked("both", k, v)
    summed = b.add("summed", (CHANNELS,), (both, Reduce("sum", CHANNELS, TOKENS, 1, (CHANNELS,))))
    chosen = b.add("chosen", (CHANNELS,), (summed, OneToOne()), neuron=Neuron(threshold=2.0))
    mask = b.wired("mask", chosen, np.repeat(np.arange(CHANNELS)[:, None], TOKENS, axis=1))
    return b.network(b.masked("masked", mask, q))


def qkformer() -> Network:
    """A mask on k by the channel sums of q."""
    b = Block()
    q, k = (b.neurons(name, b.stream) for name in "qk")
    summed = b.add("summed", (TOKENS,), (q, Reduce("sum", 1, CHANNELS, TOKENS, (TOKENS,))))
    chosen = b.add("chosen", (TOKENS,), (summed, OneToOne()), neuron=Neuron(threshold=3.0))
    return b.network(b.masked("masked", b.wired("mask", chosen, np.tile(np.arange(TOKENS), (CHANNELS, 1))), k))


def resformer() -> Network:
    """Weighted sums multiplied with spikes."""
    b = Block()
    y = b.add("y", (CHANNELS, TOKENS), (b.stream, b.weights(CHANNELS)))
    scores = b.product("scores", b.wired("y'", y, TALL), b.wired("x'", b.stream, NUMBER), TOKENS, DEPTH, TOKENS)
    lif = b.add("chosen", (HEADS, TOKENS, TOKENS), (scores, OneToOne(0.25)), neuron=Neuron())
    mixed = b.product("mixed", lif, b.wired("y''", y, TALL), TOKENS, TOKENS, DEPTH)
    attended = b.add("attended", (HEADS, TOKENS, DEPTH), (mixed, OneToOne(0.5)), neuron=Neuron())
    joined = b.wired("joined", attended, np.arange(CHANNELS * TOKENS).reshape(HEADS, TOKENS, DEPTH).transpose(0, 2, 1))
    return b.network(b.add("flat", (CHANNELS, TOKENS), (joined, OneToOne(1.0, (CHANNELS, TOKENS)))))


def sew_resnet() -> Network:
    """Residual sums of spikes, deep enough to be gathered."""
    b = Block()
    stream = b.stream
    for k in range(5):
        stream = b.add(f"sum{k}", (CHANNELS, TOKENS), (stream, OneToOne()), (b.neurons(f"s{k}", stream), OneToOne()))
    return b.network(stream)


def maximum_before_neurons() -> Network:
    b = Block()
    sums = b.add("sums", (CHANNELS, TOKENS), (b.stream, b.weights(CHANNELS)))
    most = b.add("most", (CHANNELS, TOKENS), (sums, Pool("max", (3,), (1,), (1,))))
    return b.network(b.add("s", (CHANNELS, TOKENS), (most, OneToOne()), neuron=Neuron()))


def hosted() -> Network:
    """A function of the host between weighted sums and neurons."""
    b = Block()
    sums = b.add("sums", (CHANNELS, TOKENS), (b.stream, b.weights(CHANNELS)))
    return b.network(b.add("relu", (CHANNELS, TOKENS), (sums, Host("relu"))))


# products, those that stand alone, other stations on the Loihi 2 profile
FAMILIES: dict[Callable[[], Network], tuple[list[str], list[str]]] = {
    spikformer: (["scores", "mixed"], ["scores"]),
    meta_spikeformer: (["memory", "mixed"], ["memory"]),
    spike_driven: (["both", "masked"], ["both", "masked"]),
    qkformer: (["masked"], ["masked"]),
    resformer: (["scores", "mixed"], ["y"]),
    sew_resnet: ([], ["sum3"]),
    maximum_before_neurons: ([], ["sums"]),
    hosted: ([], ["sums", "relu"]),
}


def result_of(network: Network, name: str) -> Result:
    program = compile_network(network, load_chip(name), effort="fast")
    run = execute(program.network, encode_sample(program.network.sample))
    return report(program, simulate(program, run.trace), execution=run)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_block_of_every_family_is_mapped_simulated_and_reported(family: Callable[[], Network]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    products, stations = FAMILIES[family]
    result = result_of(family(), "loihi2")
    assert [product.name for product in result.signals.products] == products
    assert [layer.name for layer in result.layers if layer.role in ("product", "maximum", "sum", "host")] == stations
    assert all(layer.spikes > 0 for layer in result.layers), "a silent layer would show nothing"
    assert all(product.operations > 0 for product in result.signals.products)
    tree = json.loads(result.to_json())
    jsonschema.Draft202012Validator(json.loads(result_schema())).validate(tree)
    for heading, facts in (("Products of two signals", products), ("On the host", result.signals.host)):
        assert (heading in result.to_text()) == (heading in result.to_page()) == bool(facts)


@pytest.mark.parametrize("chip", ["generic", "loihi"])
def test_masks_of_spikes_need_no_payload(chip: str) -> None:
    result = result_of(qkformer(), chip)
    assert [product.arithmetic for product in result.signals.products] == ["AC"]


def test_sums_of_spikes_fit_the_payload_of_the_generic_chip() -> None:
    result = result_of(spikformer(), "generic")
    assert {layer.name: layer.value_kind for layer in result.layers}["scores"] == "int<3>"
    assert [product.arithmetic for product in result.signals.products] == ["AC", "AC"]
    assert any(layer.integer_operations for layer in result.layers)
