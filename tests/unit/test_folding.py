"""Linear maps with no neuron between: one map on the chip, or fewer bits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.activity.plan_range import check_range
from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.mapping.check.synapses import most_fan_in
from neurocomp.mapping.compile import compile_network, float_form, lower
from neurocomp.mapping.losses import weight_losses
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
    Sample,
    Sparse,
)
from neurocomp.network.folding import fold_linear_maps
from neurocomp.network.quantise import quantise

RNG = np.random.default_rng(3)
LIF = Neuron(v_decay=0.5, v_gain=0.5, threshold=1.0)


def dense(targets: int, sources: int, size: float = 1.0) -> Linear:
    return Linear((RNG.normal(size=(targets, sources)) * size / np.sqrt(sources)).astype(np.float32))


def chain(*sizes: int, bias: bool = False, delay: int = 0, recurrent: bool = False) -> Network:
    """Linear maps one after the other, neurons at the end only."""
    biases = [RNG.normal(size=n).astype(np.float32) * 0.3 if bias else None for n in sizes]
    inner = [Population(f"p{k}", (n,), bias=biases[k]) for k, n in enumerate(sizes[1:-1], 1)]
    last = Population("out", (sizes[-1],), LIF, biases[-1])
    populations = (Population("in", (sizes[0],)), *inner, last)
    projections = [
        Projection(f"w{k}", a.name, b.name, dense(b.size, a.size, 2.0), delay)
        for k, (a, b) in enumerate(pairwise(populations))
    ]
    if recurrent:
        projections.append(Projection("back", "out", "out", dense(sizes[-1], sizes[-1], 0.5), 1))
    sample = Sample(RNG.random((6, sizes[0])).astype(np.float32), 8)
    return Network(populations, tuple(projections), ("in",), "out", name="chain", sample=sample)


def spikes(network: Network, sample: Sample) -> np.ndarray:
    steps = np.repeat(sample.inputs[:, None], sample.steps, 1)
    return execute(network, steps).trace.dense("out")


@pytest.mark.parametrize(("bias", "delay"), [(False, 0), (True, 0), (False, 2)])
def test_the_product_of_two_maps_gives_the_same_spikes(bias: bool, delay: int) -> None:
    network = chain(12, 9, 8, bias=bias, delay=delay)
    folded, notes = fold_linear_maps(network)
    assert [p.name for p in folded.populations] == ["in", "out"] and [p.delay for p in folded.projections] == [
        2 * delay
    ]
    assert notes == ("w0 and w1 have no neuron between them: they are one linear map on the chip",)
    expected = spikes(network, network.sample)
    assert 0 < expected.mean() < 1
    assert (spikes(folded, network.sample) != expected).mean() < 0.01  # sums are taken in another order


def test_one_map_with_two_readers_and_three_maps_in_a_row() -> None:
    network = chain(10, 8, 8, 8)
    assert [p.name for p in fold_linear_maps(network)[0].projections] == ["w2"]
    other = Population("more", (3,), LIF)
    network = chain(6, 8, 6)
    forked = replace(
        network, populations=(*network.populations, other),
        projections=(*network.projections, Projection("side", "p1", "more", dense(3, 8))),
    )  # fmt: skip
    folded, notes = fold_linear_maps(forked)
    assert [(p.name, p.source) for p in folded.projections] == [("w1", "in"), ("side", "in")]
    assert notes[0].startswith("w0 and w1, side have")


def test_what_must_stay() -> None:
    low_rank, late_bias = chain(64, 4, 64), chain(8, 8, 8, bias=True, delay=1)
    read_out = replace(chain(8, 8, 8), output="p1")
    for network in (low_rank, late_bias, read_out):
        assert fold_linear_maps(network) == (network, ())


@pytest.mark.parametrize("chip", ["loihi", "loihi2", "generic"])
def test_values_beside_spikes_keep_their_weights(chip: str) -> None:
    network = chain(64, 32, 32, recurrent=True)
    form, lowered = float_form(network, load_chip(chip)), lower(network, load_chip(chip))
    assert form is not None and weight_losses(form, lowered) == ()
    assert (spikes(lowered, network.sample) != spikes(network, network.sample)).mean() < 0.1


@pytest.mark.parametrize("chip", ["loihi", "loihi2", "generic"])
def test_a_chain_of_low_rank_gets_registers_or_fewer_bits_and_the_notes_say_how_many(chip: str) -> None:
    network = chain(64, 8, 64)
    lowered = lower(network, load_chip(chip))
    said = "passed on as real values use" if chip == "loihi" else "p1: values are held in"
    assert any(said in note and "bits" in note for note in lowered.assumptions)
    assert (spikes(lowered, network.sample) != spikes(network, network.sample)).mean() < (
        0.1 if chip == "loihi" else 0.02
    )


def test_sums_beyond_the_registers_are_refused_with_their_cause() -> None:
    network = chain(64, 8, 64)
    inner, outer = (replace(p, op=Linear(np.full(p.op.weight.shape, 127, np.int16))) for p in network.projections)
    rounded = replace(network, projections=(inner, outer), arithmetic=Integer())
    with pytest.raises(InputError, match=r"p1 has no neurons: its sums are real values") as caught:
        check_range(rounded, Integer(), 255.0)
    assert "put neurons between these layers" in str(caught.value)


def test_weights_that_rounding_takes_are_named() -> None:
    network = chain(16, 4, recurrent=True)
    form = replace(network, projections=(network.projections[0], replace(network.projections[1], name="r")))
    exact = form.projections[1].op
    assert isinstance(exact, Linear)

    def lost(weight: np.ndarray) -> tuple[str, ...]:
        rounded = quantise(form, Integer(), network.sample.inputs).network
        changed = replace(rounded.projections[1], op=Linear(weight.astype(np.int16)))
        return weight_losses(form, replace(rounded, projections=(rounded.projections[0], changed)))

    steps = np.rint(exact.weight / np.abs(exact.weight).max() * 127)
    assert lost(steps) == ()
    assert lost(steps * np.array([[1], [2], [3], [4]])) == ()  # a scale per channel
    assert lost(np.zeros((4, 4))) == ("all 16 weights of r are zero on the chip",)
    few = np.where(np.arange(16).reshape(4, 4) < 7, steps, 0)
    assert lost(few) == ("9 of 16 weights of r become zero on the chip",)
    steps[np.unravel_index(np.abs(steps).argmax(), steps.shape)] = 60
    assert lost(steps)[0].startswith("weights of r are off by up to ")


def test_fan_in_limits_count_one_synapse_for_each_pair() -> None:
    """Convolution, average pooling, matrix: 7,744 paths to a neuron that hears 256 elements."""
    populations = (
        Population("in", (2, 8, 8)), Population("a", (4, 8, 8), LIF), Population("map", (4, 8, 8)),
        Population("pooled", (4, 4, 4)), Population("out", (10,), LIF),
    )  # fmt: skip
    projections = (
        Projection("w", "in", "a", Conv(RNG.normal(size=(4, 2, 3, 3)).astype(np.float32), (1, 1), (1, 1), (1, 1))),
        Projection("conv", "a", "map", Conv(RNG.normal(size=(4, 4, 3, 3)).astype(np.float32), (1, 1), (1, 1), (1, 1))),
        Projection("pool", "map", "pooled", Pool("avg", (2, 2), (2, 2), (0, 0))),
        Projection("fc", "pooled", "out", dense(10, 64)),
    )
    sample = Sample((RNG.random((2, 4, 2, 8, 8)) < 0.3).astype(np.float32), 4, "temporal")
    network = Network(populations, projections, ("in",), "out", name="cnn", sample=sample)
    program = compile_network(network, load_chip("truenorth"), effort="fast")
    assert most_fan_in(program) == load_chip("truenorth").core.fan_in_max == 256


def test_a_crossbar_has_one_synapse_where_other_chips_have_two_projections() -> None:
    """A convolution and an identity between the same two populations."""
    weight = np.ones((1, 1, 3), np.float32)
    network = Network(
        (Population("in", (1, 6)), Population("out", (1, 6), LIF)),
        (Projection("conv", "in", "out", Conv(weight, (1,), (1,), (1,))), Projection("same", "in", "out", OneToOne())),
        ("in",), "out", sample=Sample(np.ones((1, 1, 6), np.float32), 4),
    )  # fmt: skip
    (one,) = lower(network, load_chip("truenorth")).projections
    assert isinstance(one.op, Sparse) and sorted(set(one.op.weight.tolist())) == [1, 2] and one.op.weight.size == 16
    assert [p.name for p in lower(network, load_chip("loihi2")).projections] == ["conv", "same"]
