"""Chips whose core holds one layer: memory formulas, matching, refusals by layer, the independent check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurocomp.chip.catalog import load_chip
from neurocomp.errors import CheckFailedError, DoesNotFitError
from neurocomp.mapping.check import check_program
from neurocomp.mapping.map import make_problem, map_network
from neurocomp.mapping.tiling.layer_cores import layer_needs
from neurocomp.network import Linear, Network, OneToOne, Pool, Reduce, Sparse, Wiring
from neurocomp.network.passes import max_pooling_to_neurons
from tests.mapping_problems import chain, conv, mlp, ones, random_graph, residual, with_projection
from tests.small_chips import make_chip

POOL = Pool("sum", (2, 2), (2, 2), (0, 0))
SYNAPSES = Sparse(np.arange(5), np.arange(4), ones(4), (4,))
RULE = {
    "kernel_words": [1024, 1024, 4096], "neuron_words": [4096, 1024, 1024], "bias_words": [64, 64, 64],
    "destinations_max": 2, "kernel_side_max": 8, "map_side_max": 32, "channels_max": 64, "strides": [1, 2],
    "pools": [1, 2],
}  # fmt: skip


def chip(**rule: Any):
    return make_chip(1, 1, 3, layer_cores={**RULE, **rule}, neurons_max=4096)


def small() -> Network:
    """The first layer needs the one core with many neurons, the last the one with many kernel words."""
    return chain((2, 16, 16), conv(8, 2), POOL, conv(8, 8), POOL, OneToOne(1.0, (128,)), Linear(ones(30, 128)),
                 relays=(1, 3, 4), name="small")  # fmt: skip


def test_words_are_those_of_the_documented_formulas() -> None:
    problem = make_problem(small(), chip(), {}, ())
    rule = problem.chip.core.layer_cores
    assert rule is not None
    needs = {name: layer_needs(problem, rule, name) for name in problem.tiled}
    # c 2^(ceil log2 kx ky + ceil log2 f), f 2^(ceil log2 y + ceil log2 x)
    assert (needs["p0"].kernel, needs["p0"].neuron, needs["p0"].bias) == (2 * 2 ** (4 + 3), 8 * 2**8, 8)
    assert (needs["p2"].kernel, needs["p2"].neuron) == (8 * 2 ** (4 + 3), 8 * 2**6)
    assert (needs["p5"].kernel, needs["p5"].neuron) == (8 * 2 ** (4 + 5), 30)
    assert not any(need.misfits for need in needs.values())


def test_layers_are_matched_to_the_cores_that_hold_them() -> None:
    program = map_network(small(), chip())
    home = {tile.population: tile.core for tile in program.tiles if tile.core >= 0}
    assert home == {"p0": 0, "p2": 1, "p5": 2}


def test_a_layer_gives_way_if_it_can_go_elsewhere() -> None:
    """p0 fits all cores and p1 only the first: p0 must move."""
    network = chain((1, 8, 8), conv(2, 1), conv(32, 2))
    program = map_network(network, chip())
    home = {tile.population: tile.core for tile in program.tiles if tile.core >= 0}
    assert home["p1"] == 0 and home["p0"] != 0


def refused(network: Network, **rule: Any) -> list[tuple[str, str]]:
    with pytest.raises(DoesNotFitError) as caught:
        map_network(network, chip(**rule))
    assert all(d.why.startswith("no mapping exists") for d in caught.value.diagnostics)
    return [(d.where, d.what) for d in caught.value.diagnostics]


def test_every_layer_that_does_not_fit_is_named_with_its_words() -> None:
    network = chain((2, 32, 32), conv(16, 2), conv(16, 16))
    assert refused(network) == [
        ("p0", "needs 16,384 words of neuron memory; the largest core has 4,096"),
        ("p1", "needs 16,384 words of neuron memory; the largest core has 4,096"),
    ]
    ((where, what),) = refused(chain((2, 16, 16), conv(16, 2), conv(20, 16)))
    assert where == "p1"
    assert what.split("; ") == [
        "needs 8,192 words of kernel memory", "the largest core has 4,096", "5,120 words of neuron memory",
        "the largest core has 4,096",
    ]  # fmt: skip


def test_layers_that_compete_are_named() -> None:
    network = chain((1, 16, 16), *(conv(8, 8 if i else 1) for i in range(2)))
    assert refused(network) == [("chain on test-chip", "2 layers fit only 1 cores (0)")]
    assert refused(mlp(8, 8, 8, 8, 8)) == [("mlp on test-chip", "4 layers fit only 3 cores (0, 1, 2)")]


@pytest.mark.parametrize(
    ("network", "rule", "named"),
    [
        (random_graph(20, 3), {}, "it is recurrent (its own spikes return to it)"),
        (residual(), {}, "it takes a sum of 2 signals (p0)"),
        (with_projection(chain((1, 4, 4), conv(1, 1)), "in", "p0", conv(1, 1), 2), {}, "delayed by 2 steps"),
        (chain((2, 8, 8), conv(2, 2), POOL), {}, "its neurons take pooling without weights"),
        (chain((2, 8, 8), OneToOne()), {}, "its neurons take a signal without weights"),
        (chain((4,), SYNAPSES), {}, "it has synapses of no regular form"),
        (
            chain((2, 4, 4), conv(2, 2), Reduce("sum", 2, 16, 1, (2,)), Linear(ones(3, 2)), relays=(1,)),
            {},
            "it takes a sum over one axis",
        ),
        (
            chain((4,), Wiring(np.array([3, 2, 1, 0]), (4,)), Linear(ones(3, 4)), relays=(0,)),
            {},
            "its input is rearranged",
        ),
        (chain((2, 8, 8), conv(2, 2, groups=2)), {}, "grouped"),
        (chain((2, 8, 8), conv(2, 2, kernel=5)), {"kernel_side_max": 4}, "kernel of 5 x 5 exceeds 4 x 4"),
        (chain((2, 8, 8), conv(2, 2, stride=3)), {}, "stride 3 is none of 1, 2"),
        (mlp(100, 4), {}, "it has 100 channels, more than 64"),
        (chain((2, 40, 40), conv(1, 2)), {}, "map of 40 x 40 exceeds 32 x 32"),
        (chain((2, 9, 9), conv(2, 2), Pool("sum", (3, 3), (3, 3), (0, 0)), conv(2, 2), relays=(1,)), {}, "pooling p1"),
    ],
)
def test_forms_that_a_core_does_not_have(network, rule, named) -> None:
    assert named in " ".join(what for _, what in refused(network, **rule))


def test_max_pooling_is_named_with_what_would_do() -> None:
    network = max_pooling_to_neurons(chain((2, 8, 8), conv(2, 2), replace(POOL, kind="max"), conv(2, 2), relays=(1,)))
    with pytest.raises(DoesNotFitError) as caught:
        map_network(network, chip())
    (found,) = caught.value.diagnostics
    assert found.where == "p1"
    assert found.what.startswith("test-chip cannot hold this layer: it is max pooling, where the chip adds up")
    assert found.hint == "use sum pooling, or a convolution of stride 2"


def test_a_layer_sends_to_so_many_others_and_no_more() -> None:
    network = chain((1, 4, 4), conv(1, 1), conv(1, 1), conv(1, 1))
    both = with_projection(network, "p0", "p2", conv(1, 1))
    assert ("p0", "sends to 2 layers (p1, p2); on test-chip a layer sends to 1") in refused(both, destinations_max=1)


def test_pins_and_dead_cores_are_heeded() -> None:
    network = chain((1, 8, 8), conv(2, 1))
    pinned = map_network(network, chip(), assignment={"p0": np.full((2, 8, 8), 2)})
    assert {t.core for t in pinned.tiles if t.core >= 0} == {2}
    left = map_network(network, chip(), forbidden_cores=(0, 2))
    assert {t.core for t in left.tiles if t.core >= 0} == {1}


def test_the_check_finds_two_layers_on_a_core_and_too_little_memory() -> None:
    program = map_network(mlp(8, 8, 8), make_chip(1, 1, 3), assignment={"p0": np.zeros(8, int), "p1": np.zeros(8, int)})
    with pytest.raises(CheckFailedError, match="core 0: holds 2 layers: p0, p1"):
        check_program(replace(program, chip=chip()))
    program = map_network(small(), chip())
    for memory, message in (("kernel_words", "words of kernels"), ("neuron_words", "words of neurons"),
                            ("bias_words", "biases")):  # fmt: skip
        with pytest.raises(CheckFailedError, match=message):
            check_program(replace(program, chip=chip(**{memory: [2, 2, 2]})))


def test_a_profile_lists_every_core() -> None:
    with pytest.raises(ValidationError, match=r"layer_cores\.bias_words: has 1 entries"):
        chip(bias_words=[4])


def test_speck_holds_a_network_of_its_kind() -> None:
    network = chain((2, 64, 64), conv(8, 2), POOL, conv(16, 8), POOL, conv(16, 16), POOL, OneToOne(1.0, (1024,)),
                    Linear(ones(11, 1024)), relays=(1, 3, 5, 6))  # fmt: skip
    program = map_network(network, load_chip("speck2f"))
    assert program.cores_used == 4
