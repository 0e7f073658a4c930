"""What is said when a chip cannot carry, form or hold what a transformer needs."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import DoesNotFitError, InputError
from neurocomp.mapping.compile import compile_network
from neurocomp.mapping.map import map_network
from neurocomp.mapping.problem import problem_of
from neurocomp.mapping.profile import profile_of
from neurocomp.mapping.stations import with_stations
from neurocomp.mapping.stations.terms import product_terms
from neurocomp.network import Conv, Factor, Host, Linear, Network, Neuron, OneToOne, Pool, Population, Projection
from tests.small_chips import make_chip

LIF = Neuron(threshold=1.0)


def network(*populations: Population, **incoming: list[tuple[str, object]]) -> Network:
    found = [
        Projection(f"{source}-{target}-{k}", source, target, op)  # type: ignore[arg-type]
        for target, arriving in incoming.items()
        for k, (source, op) in enumerate(arriving)
    ]
    return Network(populations, tuple(found), ("in",), populations[-1].name)


def attention(tokens: int = 4, depth: int = 3) -> Network:
    """Scores of queries and keys, then a fully connected layer."""
    weight = np.ones((tokens * depth, 2), np.float32)
    sizes = (1, tokens, depth, tokens, (tokens, tokens))
    return network(
        Population("in", (2,)), Population("q", (tokens * depth,), LIF), Population("k", (tokens * depth,), LIF),
        Population("scores", (tokens, tokens)), Population("out", (2,), LIF),
        q=[("in", Linear(weight))], k=[("in", Linear(weight))],
        scores=[("q", Factor("left", *sizes)), ("k", Factor("right", *sizes))],
        out=[("scores", Linear(np.ones((2, tokens * tokens), np.float32)))],
    )  # fmt: skip


def pooled() -> Network:
    """A maximum between a convolution and neurons."""
    weight = np.ones((1, 1, 3, 3), np.float32)
    return network(
        Population("in", (1, 6, 6)), Population("sums", (1, 6, 6)), Population("out", (1, 3, 3), LIF),
        sums=[("in", Conv(weight, (1, 1), (1, 1), (1, 1)))], out=[("sums", Pool("max", (2, 2), (2, 2), (0, 0)))],
    )  # fmt: skip


def refusal(net: Network, chip: ChipSpec) -> str:
    with pytest.raises(DoesNotFitError) as error:
        compile_network(net, chip, effort="fast")
    return "\n".join(map(str, error.value.diagnostics))


def test_values_that_packets_cannot_carry_are_named_with_their_bits_and_a_chip_that_carries_them() -> None:
    text = refusal(attention(), load_chip("loihi"))
    assert "scores: does not fit: sends values of 2 bits, loihi carries spikes without a value" in text
    assert "scores is a product of two signals, whose values have to leave its core" in text
    assert "a chip whose packets carry 2 bits: generic, loihi2" in text and "pool" not in text


def test_a_maximum_over_values_is_advised_to_move_behind_the_neurons() -> None:
    text = refusal(pooled(), load_chip("loihi"))
    assert "sums: does not fit: sends real values (24 bits), loihi carries spikes without a value" in text
    assert "sums is a sum that a maximum is taken over, whose values have to leave its core" in text
    assert "pool after the neurons instead of before them" in text and "loihi2" in text


def test_values_too_wide_for_packets_are_kept_in_registers_of_their_width() -> None:
    found = compile_network(pooled(), load_chip("generic"), effort="fast").network
    held = found.by_name["sums"].held
    assert held is not None and held.bits == 8
    assert compile_network(pooled(), load_chip("loihi2"), effort="fast").network.by_name["sums"].held is None


def test_chips_whose_core_holds_one_layer_form_no_products() -> None:
    text = refusal(attention(), load_chip("speck2f"))
    assert "computes one convolutional layer of spikes, not a product of two signals" in text


def test_an_element_of_a_product_that_no_core_holds_says_what_it_keeps() -> None:
    memory = [{"name": "synapse_memory", "size_kib": 0.25, "holds": ["synapses"]}]
    text = refusal(attention(tokens=2, depth=1500), make_chip(8, 8, memories=memory))
    assert "scores: a single element needs 375 bytes of synapse memory, a core has 256 bytes" in text
    assert "fewer tokens, fewer channels per head" in text


def test_what_the_profile_does_not_say_about_products_is_listed() -> None:
    program = compile_network(attention(), load_chip("loihi2"), effort="fast")
    assert any("the profile says nothing of products of two signals (scores)" in m for m in program.mismatches)
    assert any("formed at the end of each step" in a for a in program.assumptions)


def test_what_the_host_computes_is_an_assumption_with_its_name() -> None:
    host = network(
        Population("in", (2,)), Population("a", (4,), LIF), Population("soft", (4,)), Population("out", (2,), LIF),
        a=[("in", Linear(np.ones((4, 2), np.float32)))], soft=[("a", Host("softmax", 4))],
        out=[("soft", Linear(np.ones((2, 4), np.float32)))],
    )  # fmt: skip
    chip = make_chip(numeric={"arithmetic": "float32"})
    program = compile_network(host, chip, effort="fast")
    assert any(text.startswith("the host computes soft;") for text in program.assumptions)
    assert program.offsets == {"in": 0, "a": 1, "soft": 2, "out": 3}
    assert [tile.core for tile in program.tiles if tile.population == "soft"] == [-1]


def test_a_network_whose_products_have_no_place_is_not_mapped() -> None:
    with pytest.raises(InputError, match="scores: has no place on the chip yet"):
        map_network(attention(), make_chip())


def stream(blocks: int, weighted: bool) -> Network:
    """A residual stream with a listener at every sum."""
    op = Linear(np.ones((3, 3), np.float32)) if weighted else OneToOne()
    populations, arriving = [Population("in", (3,)), Population("s0", (3,), LIF)], {"s0": [("in", OneToOne())]}
    last = "s0"
    for k in range(1, blocks + 1):
        populations += [Population(f"s{k}", (3,), LIF), Population(f"r{k}", (3,))]
        arriving[f"s{k}"] = [(last, Linear(np.ones((3, 3), np.float32)))]
        arriving[f"r{k}"] = [(last, OneToOne()), (f"s{k}", op)]
        last = f"r{k}"
    populations.append(Population("out", (2,), LIF))
    arriving["out"] = [(last, Linear(np.ones((2, 3), np.float32)))]
    return network(*populations, **arriving)


def test_deep_sums_get_a_place_where_packets_carry_them() -> None:
    roomy, plain = make_chip(), make_chip(numeric={"graded_spikes": False, "spike_bits": 1})
    assert with_stations(stream(7, False), roomy).stations == ("r4",)
    assert with_stations(stream(7, False), plain).stations == ()
    assert with_stations(stream(4, True), roomy).stations == ("r1", "r2", "r3")


def test_sums_that_no_core_could_hear_are_gathered_first() -> None:
    wide = network(
        Population("in", (4, 4, 4)), Population("a", (4, 4, 4), LIF), Population("sums", (4, 1, 1)),
        Population("out", (2,)),
        a=[("in", OneToOne())], sums=[("a", Pool("sum", (4, 4), (4, 4), (0, 0)))],
        out=[("sums", Linear(np.ones((2, 4), np.float32)))],
    )  # fmt: skip
    assert with_stations(wide, make_chip(fan_in_axons_max=63)).stations == ("sums",)
    assert with_stations(wide, make_chip(fan_in_axons_max=64)).stations == ()


def test_work_is_shared_out_with_the_terms_that_are_expected() -> None:
    net = with_stations(attention(tokens=4, depth=3), make_chip())
    problem = problem_of(net, make_chip())
    profile = profile_of(problem, {"q": 0.5, "k": 0.25})
    assert product_terms(problem, profile) == {"scores": 4 * 4 * 3 * 0.5 * 0.25}
