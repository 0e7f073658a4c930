"""Edges, subgraphs and loops of NIR files."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.frontend.nir import read_nir
from neurocomp.mapping.compile import compile_network
from neurocomp.network import Linear, Network
from neurocomp.network.serial import to_tree
from tests.nir_files import Edges, Nodes, chain, graph, lif, node, sink, source, write

RNG = np.random.default_rng(11)
FAST_LIF = lif(tau=5e-4, v_threshold=0.3)


def read(tmp_path: Path, nodes: Nodes, edges: Edges) -> Network:
    return read_nir(write(tmp_path / "net.nir", graph(nodes, edges)))


def message(tmp_path: Path, nodes: Nodes, edges: Edges) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, nodes, edges)
    return str(caught.value).replace(f"{tmp_path}/", "")


def recurrent(neuron: dict[str, Any], weight: np.ndarray, bias: np.ndarray | None = None) -> dict[str, Any]:
    """A subgraph of neurons that hear themselves, as snnTorch exports RLeaky."""
    n = weight.shape[0]
    back = node("Linear", weight=weight) if bias is None else node("Affine", weight=weight, bias=bias)
    nodes = {"input": source(n), "lif": neuron, "w_rec": back, "output": sink(n)}
    return graph(nodes, [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")])


def test_a_chain_becomes_one_population_per_layer_of_neurons(tmp_path: Path) -> None:
    affine, linear = node("Affine", weight=np.ones((3, 4)), bias=np.ones(3)), node("Linear", weight=np.ones((2, 3)))
    root = chain(
        ("input", source(4)), ("fc1", affine), ("lif1", lif()), ("fc2", linear), ("lif2", lif()), ("output", sink(2))
    )
    network = read_nir(write(tmp_path / "x.nir", root, version="0.2.0"))
    assert [p.name for p in network.populations] == ["input", "lif1", "lif2"]
    assert [(p.name, p.source, p.target) for p in network.projections] == [
        ("fc1", "input", "lif1"),
        ("fc2", "lif1", "lif2"),
    ]
    assert (network.inputs, network.output, network.name, network.origin) == (("input",), "lif2", "x", "NIR 0.2.0")


def test_node_and_edge_order_of_the_file_do_not_matter(tmp_path: Path) -> None:
    names = [str(k) for k in range(12)]  # "10" sorts before "2"
    nodes = {name: lif() if k % 2 else node("Linear", weight=RNG.normal(size=(3, 3))) for k, name in enumerate(names)}
    nodes |= {"input": source(3), "output": sink(3)}
    edges = [("input", "0"), *itertools.pairwise(names), ("11", "output"), ("3", "8")]
    first = to_tree(read(tmp_path, nodes, edges))[0]
    random.Random(1).shuffle(edges)
    assert to_tree(read(tmp_path, dict(reversed(nodes.items())), edges))[0] == first


def test_a_loop_gets_one_step_of_delay_and_says_so(tmp_path: Path) -> None:
    weight = RNG.normal(size=(3, 3))
    network = read_nir(write(tmp_path / "x.nir", recurrent(FAST_LIF, weight)))
    assert [(p.name, p.source, p.target, p.delay) for p in network.projections] == [
        ("input->lif", "input", "lif", 0),
        ("w_rec", "lif", "lif", 1),
    ]
    assert "the edge w_rec -> lif closes a loop: what it carries arrives one step later" in network.assumptions


def test_recurrent_bias_acts_from_the_first_step(tmp_path: Path) -> None:
    weight, bias = RNG.normal(size=(3, 3)).astype(np.float32), np.array([0.5, -0.5, 4.0], np.float32)
    network = read_nir(write(tmp_path / "x.nir", recurrent(FAST_LIF, weight, bias)))
    x = RNG.random((40, 3)).astype(np.float32) * 3
    v, s, expected = np.zeros(3, np.float32), np.zeros(3, np.float32), []
    for step in x:
        v = np.float32(0.8) * v + np.float32(0.2) * (step + weight @ s + bias)
        s = (v > 0.3).astype(np.float32)
        v = np.where(s > 0, np.float32(0), v)
        expected.append(s)
    found = execute(network, x[None]).output
    assert found is not None
    assert 10 < np.sum(expected) < 110
    assert np.array_equal(found[0], np.array(expected))


def test_neurons_may_feed_themselves_directly(tmp_path: Path) -> None:
    network = read(
        tmp_path,
        {"input": source(2), "lif": FAST_LIF, "output": sink(2)},
        [("input", "lif"), ("lif", "lif"), ("lif", "output")],
    )
    assert [(p.source, p.target, p.delay) for p in network.projections] == [("input", "lif", 0), ("lif", "lif", 1)]


def test_a_skip_connection_past_a_loop_is_not_delayed(tmp_path: Path) -> None:
    nodes = {"input": source(2), "a": FAST_LIF, "b": FAST_LIF, "c": FAST_LIF, "output": sink(2)}
    edges = [("input", "a"), ("a", "b"), ("b", "c"), ("a", "c"), ("c", "a"), ("c", "output")]
    delays = {(p.source, p.target): p.delay for p in read(tmp_path, nodes, edges).projections}
    assert delays == {("input", "a"): 0, ("a", "b"): 0, ("b", "c"): 0, ("a", "c"): 0, ("c", "a"): 1}


def test_subgraphs_are_dissolved(tmp_path: Path) -> None:
    inner = recurrent(FAST_LIF, np.eye(3))
    nodes = {
        "input": source(3),
        "outer": graph({"in": source(3), "core": inner, "out": sink(3)}, [("in", "core"), ("core", "out")]),
        "output": sink(3),
    }
    network = read(tmp_path, nodes, [("input", "outer"), ("outer", "output")])
    assert [p.name for p in network.populations] == ["input", "outer.core.lif"]
    assert [p.name for p in network.projections] == ["input->outer.core.lif", "outer.core.w_rec"]


def test_ports_of_a_subgraph_can_be_named(tmp_path: Path) -> None:
    inner = graph(
        {"x": source(2), "y": source(2), "lif": FAST_LIF, "output": sink(2)},
        [("x", "lif"), ("y", "lif"), ("lif", "output")],
    )
    nodes = {"input": source(2), "double": node("Scale", scale=2.0), "sub": inner, "output": sink(2)}
    edges = [("input", "sub.x"), ("input", "double"), ("double", "sub.y"), ("sub", "output")]
    network = read(tmp_path, nodes, edges)
    assert sorted(p.name for p in network.projections) == ["double", "input->sub.lif"]
    edges[0] = ("input", "sub")
    assert "ends at the subgraph sub, which has 2 Input nodes\n  next: name one of them: sub.x" in message(
        tmp_path, nodes, edges
    )


def test_a_value_may_reach_a_node_twice_through_a_subgraph(tmp_path: Path) -> None:
    wires = graph({"x": source(2), "y": source(2), "output": sink(2)}, [("x", "output"), ("y", "output")])
    nodes = {"input": source(2), "sub": wires, "fc": node("Linear", weight=np.eye(2)), "output": sink(2)}
    network = read(tmp_path, nodes, [("input", "sub.x"), ("input", "sub.y"), ("sub", "fc"), ("fc", "output")])
    found = execute(network, np.ones((1, 1, 2), np.float32)).output
    assert found is not None
    assert found.tolist() == [[[2.0, 2.0]]]


def test_the_input_itself_can_be_the_output(tmp_path: Path) -> None:
    network = read(tmp_path, {"input": source(2), "output": sink(2)}, [("input", "output")])
    assert network.output == "output"
    assert [p.name for p in network.populations] == ["input", "output"]


def test_all_malformed_edges_are_reported_at_once(tmp_path: Path) -> None:
    nodes = {"input": source(2), "fc": node("Linear", weight=np.eye(2)), "output": sink(2)}
    edges = [
        ("input", "fc"),
        ("fc", "output"),
        ("fc", "lif1"),
        ("ouput", "fc"),
        ("output", "fc"),
        ("fc", "input"),
        ("input", "fc"),
    ]
    assert message(tmp_path, nodes, edges) == (
        "net.nir: the edge input -> fc is listed 2 times\n"
        "  next: export the network again; to add a value to itself, use a Scale node\n"
        "net.nir: the edge fc -> lif1 names 'lif1', which is no node of this graph\n"
        "  next: export the network again with nir 1.0.8\n"
        "net.nir: the edge ouput -> fc names 'ouput', which is no node of this graph\n"
        "  next: did you mean 'output'?\n"
        "net.nir: the edge output -> fc leaves an Output\n"
        "net.nir: the edge fc -> input leads into an Input"
    )


def test_unconnected_nodes_are_reported(tmp_path: Path) -> None:
    nodes = {
        "input": source(2),
        "a": node("Linear", weight=np.eye(2)),
        "b": node("Linear", weight=np.eye(2)),
        "c": lif(),
        "output": sink(2),
    }
    found = message(tmp_path, nodes, [("input", "a"), ("b", "output")])
    assert "net.nir: a (Linear): leads nowhere: no edge leaves it" in found
    assert "net.nir: b (Linear): receives nothing: no edge leads to it" in found
    assert "net.nir: c (LIF): receives nothing: no edge leads to it" in found


def test_nodes_that_only_hear_themselves_are_reported(tmp_path: Path) -> None:
    """Nothing gives them a shape; leaving them out would lose, for instance, neurons that a leak drives."""
    nodes = {"input": source(2), "a": lif(), "b": lif(), "c": node("Linear", weight=np.eye(2)), "output": sink(2)}
    edges = [("input", "a"), ("a", "output"), ("b", "c"), ("c", "b"), ("c", "output")]
    assert message(tmp_path, nodes, edges) == (
        "net.nir: b (LIF): hears only a loop that no Input leads into\n"
        "  next: the exporter lost an edge; export the network again\n"
        "net.nir: c (Linear): hears only a loop that no Input leads into\n"
        "  next: the exporter lost an edge; export the network again"
    )


def test_weights_looped_to_themselves_run_but_are_refused_by_name_when_they_are_to_be_placed(tmp_path: Path) -> None:
    nodes = {"input": source(2), "w": node("Linear", weight=np.eye(2)), "lif": lif(), "output": sink(2)}
    edges = [("input", "w"), ("w", "w"), ("w", "lif"), ("lif", "output")]
    network = read(tmp_path, nodes, edges)
    assert any("the edge w -> w closes a loop" in note for note in network.assumptions)
    with pytest.raises(InputError, match="these relays feed each other in a circle"):
        compile_network(network, load_chip("generic"))


def test_faults_in_separate_branches_are_reported_together_and_once(tmp_path: Path) -> None:
    nodes = {
        "input": source(2),
        "a": node("Linear", weight=np.ones((2, 3))),
        "b": lif(tau=-1.0),
        "behind": node("Linear", weight=np.ones((9, 9))),
        "output": sink(2),
    }
    edges = [("input", "a"), ("input", "b"), ("a", "behind"), ("behind", "output"), ("b", "output")]
    assert message(tmp_path, nodes, edges).count("net.nir: ") == 2


def test_shapes_that_meet_must_agree(tmp_path: Path) -> None:
    nodes = {"input": source(4), "a": node("Linear", weight=np.ones((2, 4))), "lif": lif(), "output": sink(2)}
    edges = [("input", "a"), ("input", "lif"), ("a", "lif"), ("lif", "output")]
    assert "net.nir: lif (LIF): receives values of different shapes: (2,), (4,)" in message(tmp_path, nodes, edges)


def test_a_loop_must_bring_what_the_node_expects(tmp_path: Path) -> None:
    nodes = {"input": source(3), "lif": lif(), "back": node("Linear", weight=np.ones((2, 3))), "output": sink(3)}
    edges = [("input", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "output")]
    assert "net.nir: the edge back -> lif carries (2,) elements to where (3,) are expected" in message(
        tmp_path, nodes, edges
    )


def test_unknown_types_and_parameters_are_named_with_their_path(tmp_path: Path) -> None:
    inner = chain(("input", source(2)), ("alif", node("ALIF")), ("output", sink(2)))
    nodes = {
        "input": source(2),
        "sub": inner,
        "lf": node("LIFF"),
        "lif": lif(refractory=2.0),
        "if": node("IF"),
        "output": sink(2),
    }
    found = message(tmp_path, nodes, [("input", "sub")])
    assert "net.nir: sub.alif: has the type 'ALIF', which is not among the primitives that are read" in found
    assert "net.nir: lf: has the type 'LIFF', which is not among the primitives that are read\n  next: did you" in found
    assert "net.nir: lif: has a parameter 'refractory', which LIF does not have" in found
    assert "net.nir: if: lacks the parameter 'r' of IF" in found
    assert "net.nir: if: lacks the parameter 'v_threshold' of IF" in found


def test_a_declared_output_that_does_not_fit_is_mentioned(tmp_path: Path) -> None:
    nodes = {"input": source(2), "lif": lif(), "output": sink(5)}
    network = read(tmp_path, nodes, [("input", "lif"), ("lif", "output")])
    assert "Output output declares (5,), the network delivers (2,)" in network.assumptions


@pytest.mark.parametrize("outputs", [0, 2])
def test_exactly_one_output_is_needed(tmp_path: Path, outputs: int) -> None:
    nodes = {"input": source(2), "lif": lif(), **{f"out{k}": sink(2) for k in range(outputs)}}
    edges = [("input", "lif"), *(("lif", f"out{k}") for k in range(outputs))]
    assert f"net.nir: has {outputs} Output nodes; exactly one can be read" in message(tmp_path, nodes, edges)


def test_ports_that_only_lead_to_themselves_are_refused(tmp_path: Path) -> None:
    wire = graph({"input": source(2), "output": sink(2)}, [("input", "output")])
    nodes = {"input": source(2), "wire": wire, "lif": lif(), "output": sink(2)}
    found = message(tmp_path, nodes, [("input", "lif"), ("lif", "output"), ("wire", "wire")])
    assert "leads back to itself without a node between" in found


def test_subgraphs_cannot_multiply_edges_without_end(tmp_path: Path) -> None:
    doubling = graph({"a": source(2), "b": source(2), "c": sink(2)}, [("a", "c"), ("b", "c")])
    nodes: dict[str, Any] = {"input": source(2), "lif": lif(), "output": sink(2)}
    edges, last = [("lif", "output")], "input"
    for k in range(60):
        nodes[f"d{k}"] = doubling
        edges += [(last, f"d{k}.a"), (last, f"d{k}.b")]
        last = f"d{k}"
    assert "more than 64 times" in message(tmp_path, nodes, [*edges, (last, "lif")])


@pytest.mark.parametrize(("version", "message"), [("2.0.0", "the file is of NIR version 2.0.0; 0.1 to 1.x are read")])
def test_versions_to_come_are_refused(tmp_path: Path, version: str, message: str) -> None:
    root = chain(("input", source(2)), ("lif", lif()), ("output", sink(2)))
    with pytest.raises(InputError, match=message):
        read_nir(write(tmp_path / "x.nir", root, version))
    assert read_nir(write(tmp_path / "x.nir", root, None)).origin == "NIR unknown"


def test_metadata_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nir", chain(("input", source(2)), ("lif", lif()), ("output", sink(2))))
    with h5py.File(path, "r+") as file:
        file["node/nodes/lif/metadata/framework"] = "x"
        file["node/metadata/note"] = "y"
    assert read_nir(path).neuron_count == 2


def test_more_groups_than_are_told_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a child and in this process, the same network; what is wrong in one group is said of that one."""
    rng = np.random.default_rng(0)
    layers = [(f"w{k}", node("Linear", weight=rng.random((9, 9), np.float32))) for k in range(150)]
    path = write(tmp_path / "net.nir", chain(("input", source(9)), *layers, ("lif", lif()), ("output", sink(9))))
    networks = []
    for switch in ("0", "1"):
        monkeypatch.setenv("NEUROCOMP_NO_CHILD", switch)
        networks.append(read_nir(path))
    one, other = networks
    assert [p.name for p in one.projections] == [p.name for p in other.projections]
    weights = [[p.op.weight for p in network.projections if isinstance(p.op, Linear)] for network in networks]
    assert len(weights[0]) == 150
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    with h5py.File(path, "a") as file:
        del file["node/nodes/w70/type"]
    for switch in ("0", "1"):
        monkeypatch.setenv("NEUROCOMP_NO_CHILD", switch)
        with pytest.raises(InputError, match="node/nodes/w70/type: is missing in the file"):
            read_nir(path)
