"""What does not fit is said in numbers, with the smallest change; proofs are told from failed searches."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from neurocomp.errors import EXIT_DOES_NOT_FIT, Diagnostic, DoesNotFitError, InputError, ResourceLimitError
from neurocomp.mapping.explain import refusals
from neurocomp.mapping.map import map_network, plan_mapping
from neurocomp.mapping.problem import problem_of
from neurocomp.network import Conv, Integer, Linear, Network, Neuron, Pool, Population, Projection
from tests.mapping_problems import chain, conv, convnet, mlp, random_graph, residual, with_projection
from tests.small_chips import make_chip


def refused(network, chip, **options) -> tuple[Diagnostic, ...]:
    with pytest.raises(DoesNotFitError) as caught:
        map_network(network, chip, **options)
    assert caught.value.exit_code == EXIT_DOES_NOT_FIT
    return caught.value.diagnostics


def test_too_many_neurons_for_all_cores_is_a_proof() -> None:
    (found,) = refused(mlp(4, 150, 20), make_chip(4, 4, neurons_max=10))
    assert found.where == "mlp on test-chip"
    assert found.what == "needs at least 17 cores; 16 are available"
    assert found.why.startswith(
        "no mapping exists: the network takes 170 neurons in total, the 16 cores have 160. Largest layers: p0"
    )
    assert "Largest layers: p0 (15 tiles, bound by neurons), p1 (2 tiles, bound by neurons)" in found.why
    assert found.hint.startswith(
        "2 such chips (--chips 2x1); or 17 cores instead of 16; or another chip: generic, which"
    )


def test_a_search_that_found_nothing_does_not_claim_a_proof() -> None:
    network = chain((1, 5, 1), conv(7, 1, padding=1), conv(7, 7), conv(7, 7))
    found, end = refused(network, make_chip(1, 3, neurons_max=36, fan_in_axons_max=34), effort="fast")
    assert end.what.startswith("the search gave up after")
    assert end.why.startswith("no proof that none exists; tried: network order")
    assert found.why.startswith("the mapper found none with fewer; any mapping takes at least 3 (neurons)")


def test_narrower_weights_are_offered_where_they_help() -> None:
    memory = [{"name": "synapse", "size_kib": 1, "holds": ["synapses"]}]
    (found,) = refused(mlp(64, 64), make_chip(2, 1, memories=memory))
    assert found.what == "needs at least 4 cores; 2 are available"
    assert "4.0 KiB of synapse memory in total, the 2 cores have 2.0 KiB" in found.why
    assert found.hint.startswith(
        "weights of 4 bits instead of 8, which fit on 2 cores; or 2 such chips (--chips 2x1); or 4 cores instead of 2; "
    )


def test_only_chips_that_no_proof_rules_out_are_recommended() -> None:
    def other_chips(network: Network) -> str:
        (found,) = refused(network, make_chip(1, 1, neurons_max=200))
        return str(found.hint)

    assert "truenorth, which has 4,096 cores and would use 2" in other_chips(mlp(20, 150, 100))
    tied = chain((1, 20, 20), conv(1, 1), conv(1, 1))  # 400 neurons have to share a core; truenorth's have 256
    assert "generic, which has" in other_chips(tied) and "truenorth" not in other_chips(tied)
    heard = mlp(300, 150, 100)  # a neuron of truenorth has 256 synapses
    assert "generic, which has" in other_chips(heard) and "truenorth" not in other_chips(heard)


def test_chips_on_which_network_order_sends_too_far_are_said_to_hold_a_network_perhaps() -> None:
    network = mlp(20, 100, 60)
    side = Population("side", (60,), Neuron())
    linear = Linear(np.ones((60, 100), np.int8))
    both = replace(
        network, populations=(*network.populations, side),
        projections=(*network.projections, Projection("s", "p0", "side", linear)),
    )  # fmt: skip
    (found,) = refused(both, make_chip(1, 1, neurons_max=200))
    assert str(found.hint).endswith(", perhaps truenorth, which has 4,096 cores")


def test_one_neuron_with_too_many_sources_is_a_proof() -> None:
    (found,) = refused(mlp(300, 10), make_chip(fan_in_axons_max=256))
    assert found.where == "p0"
    assert found.what == "a single neuron needs 300 fan-in axons, a core has 256"
    assert found.why == "no mapping exists: already one neuron exceeds what an empty core has"
    assert found.hint.startswith("1.2 times fewer inputs per neuron")


def test_one_neuron_with_too_much_memory_is_told_which_width_would_do() -> None:
    memory = [{"name": "core_memory", "size_kib": 1, "holds": ["synapses", "neuron_state"]}]
    (found,) = refused(mlp(2000, 7), make_chip(memories=memory))
    assert found.what == "a single neuron needs 2.0 KiB of core memory, a core has 1.0 KiB"
    assert found.hint == "weights of 4 bits instead of 8 would fit"


def test_too_many_synapses_per_neuron() -> None:
    found = refused(mlp(100, 10, 5), make_chip(fan_in_max=50))
    assert [d.where for d in found] == ["p0"]
    assert found[0].what == "a neuron has 100 synapses; test-chip allows 50"
    assert found[0].why.startswith("no mapping exists")


def test_all_violations_are_reported_at_once() -> None:
    found = refused(mlp(300, 10, 400, 5), make_chip(fan_in_axons_max=256, fan_in_max=350))
    assert [d.where for d in found] == ["p2", "p0", "p2"]


def test_a_network_a_thousand_times_too_big_is_refused_without_being_tiled(monkeypatch) -> None:
    monkeypatch.setattr("neurocomp.mapping.map.tile", None)  # must not get that far
    network = chain((64, 9000, 9000), conv(64, 64), conv(64, 64), name="huge")
    (found,) = refused(network, make_chip(8, 4, 4, neurons_max=1024))
    assert found.what == "needs at least 10,125,000 cores; 128 are available"
    assert found.why == (
        "no mapping exists: the network takes 10,368,000,000 neurons in total, the 128 cores have 131,072; "
        "the largest layers are p0 (5,184,000,000), p1 (5,184,000,000)"
    )
    assert found.hint.endswith("a network 79102 times smaller")


def test_neurons_that_may_send_to_one_core_only() -> None:
    (found,) = refused(mlp(10, 20, 300, 5), make_chip(neurons_max=256, fan_out_cores_max=1))
    assert found.where == "p0"
    assert found.what == "its neurons have to send to at least 2 cores; on test-chip a neuron sends to 1"
    assert found.why.startswith("no mapping exists: every neuron of p0 reaches all 300 neurons of p1, and 1 core holds")


def test_neurons_that_reach_too_many_cores_by_overlap_are_no_proof() -> None:
    network = chain((1, 8, 8), conv(1, 1), conv(1, 1))
    found, _ = refused(network, make_chip(8, 8, neurons_max=7, fan_out_cores_max=2), effort="fast")
    assert found.why == "the mapper found no way to bring p1 onto fewer cores"


def test_neurons_whose_targets_hang_together_are_a_proof(monkeypatch) -> None:
    monkeypatch.setattr("neurocomp.mapping.map.Portfolio", None)  # must not get that far
    network = chain((1, 8, 8), conv(1, 1), conv(1, 1))
    (found,) = refused(network, make_chip(neurons_max=40, fan_out_cores_max=1))
    assert (found.where, found.what) == (
        "p1", "64 of its neurons have to lie on one core, which needs 64 neurons, a core has 40"
    )  # fmt: skip
    assert found.why == (
        "no mapping exists: on test-chip a neuron sends to 1 core, and what the neurons of p0 reach hangs together"
    )
    assert found.hint == "make p1 small enough for 1 core, or insert layers that copy the neurons of p0"


def test_what_hears_too_much_together_is_a_proof_across_layers_and_relays() -> None:
    pool = Pool("sum", (2, 2), (2, 2), (0, 0))
    network = chain((1, 8, 8), conv(2, 1), pool, conv(1, 2), conv(1, 1), relays=(1,))
    both = with_projection(network, "p0", "p3", Linear(np.ones((16, 128), np.int8)))
    (found,) = refused(both, make_chip(neurons_max=40, fan_in_axons_max=140, fan_out_cores_max=1))
    assert found.where == "p2, p3"
    assert found.what == "32 of their neurons have to lie on one core, which needs 144 fan-in axons, a core has 140"
    assert "the neurons of p0, p2 reach" in found.why


def test_tiles_are_moved_together_if_that_lets_neurons_reach_them() -> None:
    network = chain((1, 4, 4), conv(1, 1), conv(2, 1), conv(2, 2))
    split = Network(
        (*network.populations, Population("side", (1, 4, 4), Neuron())),
        (*network.projections, Projection("s", "p0", "side", conv(1, 1))), ("in",), "p2", Integer(),
    )  # fmt: skip
    program = map_network(split, make_chip(neurons_max=100, fan_out_cores_max=1))
    assert program.cores_used == 1


def test_feedback_that_outgrows_the_fan_out_table() -> None:
    (found, *_) = refused(random_graph(60, 30), make_chip(neurons_max=10, fan_out_axons_max=12))
    assert found.where == "graph"
    assert "fan-out axons" in found.what


def test_an_assignment_that_is_too_full() -> None:
    cores = {"p0": np.zeros(30, np.int64), "p1": np.zeros(5, np.int64)}
    (found,) = refused(mlp(4, 30, 5), make_chip(neurons_max=32), assignment=cores)
    assert found.where == "core 0"
    assert found.what == "the assignment needs 35 neurons on it; it has 32"


def test_an_assignment_is_judged_by_the_sources_that_a_core_really_hears() -> None:
    network = chain((4,), Linear(np.ones((6, 4), np.int8)), Linear(np.ones((4, 6), np.int8)))
    both = Projection("too", "in", "p1", Linear(np.ones((4, 4), np.int8)))
    network = Network(network.populations, (*network.projections, both), ("in",), "p1", Integer())
    cores = {"p0": np.zeros(6, np.int64), "p1": np.zeros(4, np.int64)}
    assert map_network(network, make_chip(fan_in_axons_max=10), assignment=cores).cores_used == 1
    (found,) = refused(network, make_chip(fan_in_axons_max=9), assignment=cores)
    assert found.what == "the assignment needs 10 fan-in axons on it; it has 9"


def test_an_assignment_to_more_cores_than_the_chip_has() -> None:
    (found,) = refused(mlp(4, 6), make_chip(count=5), assignment={"p0": np.arange(6)})
    assert found.what == "takes 6 cores; 5 are available"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"forbidden_cores": (99,)}, "core 99 does not exist on test-chip"),
        ({"assignment": {"nobody": np.zeros(3, int)}}, "is not a population that takes cores"),
        ({"assignment": {"in": np.zeros(4, int)}}, "is not a population that takes cores"),
        ({"assignment": {"p0": np.zeros(3, int)}}, "integers of shape"),
        ({"assignment": {"p0": np.zeros(30)}}, "integers of shape"),
        ({"assignment": {"p0": np.full(30, 16)}}, "names core 16, which test-chip does not have"),
        ({"assignment": {"p0": np.full(30, 2)}, "forbidden_cores": (2,)}, "uses core 2, which is forbidden"),
    ],
)
def test_wrong_wishes_are_input_errors(options, message) -> None:
    with pytest.raises(InputError, match=message):
        map_network(mlp(4, 30, 5), make_chip(), **options)


def test_pooling_that_has_not_been_lowered_is_named() -> None:
    network = chain((1, 4, 4), Pool("avg", (2, 2), (2, 2), (0, 0)), conv(1, 1), relays=(0,))
    with pytest.raises(InputError, match="w0: avg pooling cannot be mapped as it is"):
        map_network(network, make_chip())


def test_relays_in_a_circle_are_named() -> None:
    populations = (
        Population("in", (3,)),
        Population("a", (3,)),
        Population("b", (3,)),
        Population("n", (3,), Neuron()),
    )
    eye = Linear(np.eye(3, dtype=np.int8))
    projections = (Projection("1", "in", "a", eye), Projection("2", "a", "b", eye), Projection("3", "b", "a", eye, 1),
                   Projection("4", "b", "n", eye))  # fmt: skip
    with pytest.raises(InputError, match="a -> b: these relays feed each other in a circle"):
        map_network(Network(populations, projections, ("in",), "n", Integer()), make_chip())


@pytest.mark.parametrize("network", [convnet(), residual()], ids=lambda n: n.name)
def test_forbidding_all_cores_leaves_none(network) -> None:
    (found,) = refused(network, make_chip(2, 2), forbidden_cores=(0, 1, 2, 3))
    assert "0 are available" in found.what or "room for 0" in found.what
    kept = re.search(r"no more than ([0-3]) forbidden cores instead of 4", str(found.hint))
    assert kept is not None
    mapped = map_network(network, make_chip(2, 2), forbidden_cores=tuple(range(int(kept[1]))))
    assert mapped.quality is not None and mapped.quality.cores <= 4 - int(kept[1])


def test_a_wide_kernel_is_a_proof_in_memory() -> None:
    memory = [{"name": "synapse", "size_kib": 0.125, "holds": ["synapses"]}]
    network = chain((64, 4, 4), Conv(np.ones((2, 64, 3, 3), np.int8), (1, 1), (1, 1), (1, 1)))
    (found,) = refused(network, make_chip(memories=memory))
    assert found.what == "a single neuron needs 576 bytes of synapse memory, a core has 128 bytes"
    assert "no mapping exists" in found.why


def test_a_network_that_takes_far_too_much_memory_is_refused_without_being_tiled(monkeypatch) -> None:
    monkeypatch.setattr("neurocomp.mapping.map.tile", None)  # must not get that far
    memory = [{"name": "weights", "size_kib": 0.0625, "holds": ["synapses"]}]
    (found,) = refused(mlp(100, 200, 10), make_chip(2, 2, memories=memory))
    assert found.what == "needs at least 344 cores; 4 are available"
    assert found.why == (
        "no mapping exists: the network takes 21.5 KiB of weights memory in total, the 4 cores have 256 bytes; "
        "the largest layers are p0 (19.5 KiB), p1 (2.0 KiB)"
    )
    assert "344 such cores" in found.hint


def test_more_neurons_than_can_be_mapped_at_once_are_refused_by_that_number(monkeypatch) -> None:
    monkeypatch.setattr(refusals, "_MOST_NEURONS", 100)
    with pytest.raises(ResourceLimitError) as error:
        map_network(mlp(4, 200), make_chip(), effort="fast")
    (found,) = error.value.diagnostics
    assert found.what == "the network has 200 neurons; neurocomp maps at most 100 at once"
    with pytest.raises(DoesNotFitError):  # no room on the chip either
        map_network(mlp(4, 200), make_chip(1, 1, neurons_max=100))


def test_cores_of_many_chips_are_counted_without_listing_them(monkeypatch) -> None:
    chip = make_chip(3, 2, 2, noc={"width": 3})
    for chips in ((1, 1), (2, 2)):
        for forbidden in ((), (0, 1, 7), range(12)):
            problem = replace(problem_of(mlp(4, 4), chip), chips=chips, forbidden=frozenset(forbidden))
            assert problem.available_cores == min(problem.core_order.size, chip.core.count * chips[0] * chips[1])
    monkeypatch.setattr("neurocomp.fabric.topology.Mesh.core_order", None)
    with pytest.raises(DoesNotFitError):
        plan_mapping(mlp(300, 300, 5), make_chip(64, 64, fan_in_max=10), chips="auto")


def test_amounts_that_look_alike_are_told_apart() -> None:
    memory = [{"name": "synapse", "size_kib": 64, "holds": ["synapses"]}]
    (found,) = refused(mlp(65537, 7), make_chip(memories=memory))
    assert found.what == "a single neuron needs 65,537 bytes of synapse memory, a core has 65,536 bytes"


def test_as_many_chips_as_it_takes_where_no_tile_fits_a_core_are_more_than_one() -> None:
    network = random_graph(60, 30)  # no cut in network order fits the fan-out table
    with pytest.raises(DoesNotFitError) as caught:
        map_network(network, make_chip(1, 1, neurons_max=10, fan_out_axons_max=12), chips="auto", effort="fast")
    assert not any("1 are available" in d.what for d in caught.value.diagnostics)


def test_a_core_that_is_assigned_too_much_is_a_proof_whatever_is_left_to_the_mapper() -> None:
    cores = {"p1": np.zeros(30, np.int64), "p2": np.zeros(5, np.int64)}
    (found,) = refused(mlp(4, 40, 30, 5), make_chip(neurons_max=32), assignment=cores)
    assert (found.where, found.what) == ("core 0", "the assignment needs 35 neurons on it; it has 32")
    assert found.why == "no mapping exists that follows it"
