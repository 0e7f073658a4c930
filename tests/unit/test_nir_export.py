"""Networks written as NIR files: what comes back, what another reader finds in them, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neurocomp
from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.nir import read_nir
from neurocomp.frontend.nir_write import write_nir
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
    Sparse,
)  # fmt: skip

RNG = np.random.default_rng(5)
LIF = Neuron(v_decay=0.8, v_gain=0.2, threshold=0.3, compare=">")
IF = Neuron(threshold=1.5, compare=">")
CUBA = Neuron(v_decay=0.7, v_gain=0.3, i_decay=0.5, i_gain=0.9, threshold=0.2, compare=">")
PER_NEURON = Neuron(
    v_decay=RNG.uniform(0.1, 0.95, 5).astype(np.float32), v_gain=RNG.uniform(0.3, 1, 5).astype(np.float32),
    leak=RNG.normal(0, 0.1, 5).astype(np.float32), threshold=RNG.uniform(0.2, 1, 5).astype(np.float32),
    v_reset=RNG.normal(0, 0.2, 5).astype(np.float32), compare=">",
)  # fmt: skip


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def network(
    populations: Sequence[Population], projections: Sequence[tuple[str, str, object, int]], output: str
) -> Network:
    named = [Projection(f"w{k}", a, b, op, delay) for k, (a, b, op, delay) in enumerate(projections)]  # type: ignore[arg-type]
    return Network(tuple(populations), tuple(named), ("in",), output, name="net")


def row(*neurons: Neuron, n: int = 5) -> Network:
    """Neurons of n, one behind the other, joined by matrices."""
    populations = [Population("in", (n,)), *(Population(f"p{k}", (n,), one) for k, one in enumerate(neurons))]
    joined = [(a.name, b.name, Linear(weights(n, n)), 0) for a, b in itertools.pairwise(populations)]
    return network(populations, joined, populations[-1].name)


def back(made: Network, tmp_path: Path) -> Network:
    write_nir(made, tmp_path / "net.nir")
    return read_nir(tmp_path / "net.nir")


def same(made: Network, tmp_path: Path, least: float = 0.002) -> Network:
    """The network that comes back, which gives the same outputs; as does one that is written again."""
    found = back(made, tmp_path)
    x = (RNG.random((2, 30, *made.by_name["in"].shape)) < 0.5).astype(np.float32)
    expected = execute(made, x).output
    assert expected is not None
    assert (expected != 0).mean() > least
    np.testing.assert_array_equal(execute(found, x).output, expected)
    np.testing.assert_array_equal(execute(back(found, tmp_path), x).output, expected)
    return found


NEURONS = {
    "LIF": LIF,
    "IF": IF,
    "CubaLIF": CUBA,
    "per neuron": PER_NEURON,
    "reaching the threshold": replace(LIF, compare=">="),
    "LI": Neuron(v_decay=0.5, v_gain=2.0, leak=0.25, reset="none", output="membrane"),
    "I": Neuron(v_gain=0.5, reset="none", output="membrane"),
    "CubaLI": Neuron(v_decay=0.5, i_decay=0.25, reset="none", output="membrane"),
    "threshold": Neuron(v_decay=0.0, threshold=0.5, compare=">", reset="subtract"),
    "a membrane that forgets": Neuron(v_decay=0.0, v_gain=0.5, leak=0.25, threshold=0.5, v_reset=0.25),
}


@pytest.mark.parametrize("name", NEURONS)
def test_neurons_come_back(tmp_path: Path, name: str) -> None:
    made = row(NEURONS[name])
    found = same(made, tmp_path)
    assert found.assumptions == ()
    assert [p.name for p in found.populations] == ["in", "p0"]


def test_a_neuron_that_spikes_on_reaching_its_threshold_still_does(tmp_path: Path) -> None:
    made = network(
        [Population("in", (1,)), Population("p", (1,), Neuron(threshold=2.0))], [("in", "p", OneToOne(), 0)], "p"
    )
    found = back(made, tmp_path)
    assert execute(found, np.ones((1, 6, 1), np.float32)).output.ravel().tolist() == [0, 1, 0, 1, 0, 1]
    assert "the next smaller number was written" in write_nir(made, tmp_path / "again.nir")[0]


def maps() -> Network:
    """Convolutions, pooling, flattening and biases of every kind."""
    populations = [
        Population("in", (2, 9, 7)), Population("a", (4, 9, 7), LIF, bias=weights(4)),
        Population("pool", (4, 4, 3)), Population("b", (6, 2, 2), IF), Population("c", (6, 2, 2), LIF),
        Population("avg", (6, 1, 1)), Population("max", (6, 1, 1)), Population("d", (5,), LIF, bias=np.array(0.3)),
        Population("e", (3,), bias=weights(3)),
    ]  # fmt: skip
    window = ((2, 2), (2, 2), (0, 0))
    return network(
        populations,
        [
            ("in", "a", Conv(weights(4, 2, 3, 3), (1, 1), (1, 1), (1, 1)), 0),
            ("a", "pool", Pool("sum", *window), 0),
            ("pool", "b", Conv(weights(6, 2, 2, 2), (2, 1), (0, 0), (1, 1), groups=2), 0),
            ("b", "c", OneToOne(weights(24)), 0),
            ("c", "avg", Pool("avg", *window), 0),
            ("b", "max", Pool("max", *window), 0),
            ("avg", "d", Linear(weights(5, 6)), 0),
            ("max", "d", Linear(weights(5, 6)), 0),
            ("d", "e", Linear(weights(3, 5)), 0),
        ],
        "e",
    )


def test_maps_come_back(tmp_path: Path) -> None:
    found = same(maps(), tmp_path)
    assert [p.op.kind for p in found.projections if isinstance(p.op, Pool)] == ["sum", "sum", "avg"]


def test_sums_become_edges(tmp_path: Path) -> None:
    """A residual block, and a value that is added to itself."""
    made = network(
        [Population("in", (5,)), *(Population(name, (5,), LIF) for name in "ab"), Population("sum", (5,)),
         Population("twice", (5,)), Population("c", (5,), LIF)],
        [
            ("in", "a", Linear(weights(5, 5)), 0), ("a", "b", Linear(weights(5, 5)), 0), ("a", "sum", OneToOne(), 0),
            ("b", "sum", OneToOne(), 0), ("sum", "twice", OneToOne(), 0), ("sum", "twice", OneToOne(), 0),
            ("twice", "c", Linear(weights(5, 5)), 0),
        ],
        "c",
    )  # fmt: skip
    same(made, tmp_path)


@pytest.mark.parametrize("back_delay", [1, 3])
@pytest.mark.parametrize("forward_delay", [0, 2])
def test_delays_and_loops_come_back(tmp_path: Path, back_delay: int, forward_delay: int) -> None:
    made = network(
        [Population("in", (5,)), Population("z", (5,), LIF), Population("a", (5,), LIF, bias=weights(5))],
        [
            ("in", "z", Linear(weights(5, 5)), 1), ("z", "a", Linear(weights(5, 5)), forward_delay),
            ("a", "z", Linear(weights(5, 5)), back_delay), ("a", "a", OneToOne(-0.5), 1), ("z", "z", OneToOne(), 2),
        ],
        "a",
    )  # fmt: skip
    found = same(made, tmp_path)
    steps = sorted((p.source, p.target, p.delay) for p in found.projections)
    assert steps == sorted((p.source, p.target, p.delay) for p in made.projections)


def test_delays_per_element_become_one_node(tmp_path: Path) -> None:
    chosen = [np.array([0, 3]), np.array([1, 2, 4])]
    tables = [Sparse(np.searchsorted(one, np.arange(6)), one, np.ones(one.size, np.float32), (5,)) for one in chosen]
    made = network(
        [Population("in", (5,)), Population("a", (5,), LIF)],
        [("in", "a", tables[0], 1), ("in", "a", tables[1], 4)],
        "a",
    )
    found = same(made, tmp_path)
    assert [p.delay for p in found.projections] == [1, 4]


def test_a_relay_that_is_heard_later_comes_back(tmp_path: Path) -> None:
    made = network(
        [Population("in", (4, 4, 4)), Population("pool", (4, 2, 2)), Population("a", (16,), LIF)],
        [
            ("in", "pool", Pool("sum", (2, 2), (2, 2), (0, 0)), 0), ("pool", "a", Linear(weights(16, 16)), 2),
            ("pool", "a", Linear(weights(16, 16)), 0),
        ],
        "a",
    )  # fmt: skip
    same(made, tmp_path)


def test_the_reference_reader_takes_the_file(tmp_path: Path) -> None:
    nir = pytest.importorskip("nir")
    write_nir(row(LIF, IF, CUBA, PER_NEURON), tmp_path / "net.nir", dt_s=1e-3)
    graph = nir.read(tmp_path / "net.nir")
    assert {type(node).__name__ for node in graph.nodes.values()} == {
        "Input", "Linear", "LIF", "IF", "CubaLIF", "Output"
    }  # fmt: skip
    np.testing.assert_allclose(graph.nodes["p0"].tau, 1e-3 / 0.2, rtol=1e-6)
    np.testing.assert_allclose(graph.nodes["p0"].r, 1.0, rtol=1e-6)
    np.testing.assert_allclose(graph.nodes["p1"].r, 1e3)
    assert graph.metadata["neurocomp_dt_s"] == 1e-3


def test_the_time_step_is_in_the_file(tmp_path: Path) -> None:
    made = row(LIF)
    write_nir(made, tmp_path / "net.nir", dt_s=2e-3)
    assert read_nir(tmp_path / "net.nir").assumptions == ()
    other = read_nir(tmp_path / "net.nir", dt_s=1e-3, reset="subtract")
    assert other.assumptions == (
        "--dt 0.001 takes the place of 0.002, with which net.nir was written",
        "--reset subtract takes the place of zero, with which net.nir was written",
    )
    assert other.by_name["p0"].neuron.v_decay == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("neurocomp_dt_s", -1.0, "is not a time step in seconds"),
        ("neurocomp_dt_s", "soon", "holds text where numbers are expected"),
        ("neurocomp_reset", "soft", "is 'soft'; zero, subtract, subtract-next are known"),
        ("neurocomp_discretise", 3, "where text is expected"),
    ],
)
def test_notes_of_ours_that_were_damaged_are_refused(tmp_path: Path, name: str, value: Any, expected: str) -> None:
    write_nir(row(LIF), tmp_path / "net.nir")
    with h5py.File(tmp_path / "net.nir", "r+") as file:
        del file["node/metadata"][name]
        file["node/metadata"][name] = value
    with pytest.raises(InputError, match=expected):
        read_nir(tmp_path / "net.nir")


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    made = maps()
    for name in ("one.nir", "two.nir"):
        neurocomp.write_nir(made, tmp_path / name)
    assert (tmp_path / "one.nir").read_bytes() == (tmp_path / "two.nir").read_bytes()


def test_names_that_hdf5_cannot_hold_are_changed(tmp_path: Path) -> None:
    made = row(LIF, LIF)
    renamed = {"p0": "block/one", "p1": "block_one"}
    made = replace(
        made,
        populations=tuple(replace(p, name=renamed.get(p.name, p.name)) for p in made.populations),
        projections=tuple(
            replace(p, source=renamed.get(p.source, p.source), target=renamed.get(p.target, p.target))
            for p in made.projections
        ),
        output="block_one",
    )
    assert [p.name for p in same(made, tmp_path).populations] == ["in", "block_one", "block_one#2"]


def test_nothing_is_written_over_by_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    path.write_text("mine")
    with pytest.raises(InputError):
        write_nir(row(Neuron(reset="subtract")), path)
    assert path.read_text() == "mine"
    with pytest.raises(InputError, match="cannot be written"):
        write_nir(row(LIF), tmp_path / "no" / "folder.nir")
    assert [one.name for one in tmp_path.iterdir()] == ["net.nir"]


def message(made: Network, tmp_path: Path) -> str:
    with pytest.raises(InputError) as caught:
        write_nir(made, tmp_path / "net.nir")
    assert not list(tmp_path.iterdir())
    return str(caught.value)


LOST = {
    "subtract": (Neuron(reset="subtract"), "is reset by subtraction, NIR's neurons to a fixed value"),
    "next": (Neuron(reset_when="next"), "is reset in the step after its spike; NIR's neurons are at once"),
    "never": (Neuron(reset="none"), "is not reset by a spike; NIR's neurons always are"),
    "count": (Neuron(reset="subtract", output="count", max_count=7), "sends up to 7 spikes in one step"),
    "refractory": (Neuron(refractory=2), "rests for 2 steps after a spike"),
    "v_init": (Neuron(v_init=0.5), "starts from v_init"),
    "decay": (Neuron(v_decay=1.5), "has a v_decay outside 0 to 1"),
    "both": (Neuron(v_decay=np.array([1.0, 0.5, 1, 1, 1])), "has neurons with and without leak in one population"),
    "current": (Neuron(i_decay=0.5), "has a synaptic current in front of a membrane without leak"),
    "leak": (Neuron(leak=0.5), "has a leak, but a membrane that does not decay"),
    "i_decay": (Neuron(v_decay=0.5, i_decay=1.0), "has an i_decay that is not below 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_what_neurons_would_lose_is_said(tmp_path: Path, name: str) -> None:
    neuron, expected = LOST[name]
    assert f"p0: {expected}" in message(row(neuron), tmp_path)


def test_everything_that_would_be_lost_is_said_at_once(tmp_path: Path) -> None:
    made = network(
        [
            Population("in", (2, 4, 4)), Population("soft", (2, 4, 4), Neuron(reset="subtract", refractory=1)),
            Population("pool", (2, 2, 2)), Population("biased", (2, 2, 2), LIF, bias=np.array(1.0)),
        ],
        [
            ("in", "soft", OneToOne(), 0), ("in", "pool", Pool("max", (2, 2), (2, 2), (0, 0)), 0),
            ("pool", "biased", OneToOne(), 0),
        ],
        "biased",
    )  # fmt: skip
    hint = "\n  next: NIR cannot express this network; neurocomp.freeze can"
    assert message(replace(made, output=None), tmp_path) == (
        "net: has no output, and a NIR graph needs one" + hint + "\n"
        "soft: is reset by subtraction, NIR's neurons to a fixed value: what exceeds the threshold would be lost; "
        "rests for 1 steps after a spike, and NIR knows no refractory time" + hint + "\n"
        "w1: takes a maximum of values other than spikes, for which NIR has no node\n"
        "  why:  it leads from in to pool" + hint + "\n"
        "biased: adds a constant, and nothing with weights leads into it that could carry it as a bias" + hint
    )


def test_integers_are_refused(tmp_path: Path) -> None:
    made = replace(row(LIF), arithmetic=Integer(), name="small")
    made = replace(
        made, projections=tuple(replace(p, op=Linear(np.ones((5, 5), np.int16))) for p in made.projections),
        populations=tuple(replace(p, neuron=p.neuron and Neuron(v_decay=9, compare=">")) for p in made.populations),
    )  # fmt: skip
    assert message(made, tmp_path).startswith("small: computes in integers\n  why:  NIR has neither integer weights")
