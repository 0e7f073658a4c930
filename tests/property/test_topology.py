"""Routes on the mesh against a walk, one hop at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp._core.status import CoreError
from neurocomp.fabric.curve import space_filling_order
from neurocomp.fabric.links import link_counts, link_loads, links_of
from neurocomp.fabric.topology import EAST, NORTH, SOUTH, WEST, Mesh, Topology
from neurocomp.fabric.tree import UP, Tree

meshes = st.builds(Mesh, st.integers(1, 7), st.integers(1, 7), st.integers(1, 3), st.booleans())


def walk(mesh: Mesh, source: int, destination: int) -> list[int]:
    """Links from router to router by taking one hop after the other."""

    def direction(at, to, size, forward, backward):
        if at == to:
            return None
        ahead = (to - at) % size
        if mesh.torus:
            return forward if ahead <= size - ahead else backward
        return forward if to > at else backward

    links, router = [], source
    while router != destination:
        x, y = router % mesh.width, router // mesh.width
        to_x, to_y = destination % mesh.width, destination // mesh.width
        turn = direction(x, to_x, mesh.width, EAST, WEST)
        if turn is None:
            turn = direction(y, to_y, mesh.height, SOUTH, NORTH)
        links.append(router * 4 + turn)
        x += {EAST: 1, WEST: -1}.get(turn, 0)
        y += {SOUTH: 1, NORTH: -1}.get(turn, 0)
        router = y % mesh.height * mesh.width + x % mesh.width
    return links


@settings(max_examples=200, deadline=None)
@given(mesh=meshes, data=st.data())
def test_paths_trees_and_hops_agree_with_a_walk(mesh, data) -> None:
    router = st.integers(0, mesh.routers - 1)
    fans = data.draw(st.lists(st.tuples(router, st.lists(router, max_size=5)), min_size=1, max_size=5))
    source = np.array([s for s, _ in fans])
    pointer = np.concatenate([[0], np.cumsum([len(d) for _, d in fans])])
    destination = np.array([d for _, ds in fans for d in ds], np.int64)
    walked = [[walk(mesh, s, d) for d in ds] for s, ds in fans]

    path_pointer, links = mesh.paths(np.repeat(source, np.diff(pointer)), destination)
    flat = [path for paths in walked for path in paths]
    assert [links[a:b].tolist() for a, b in itertools.pairwise(path_pointer)] == flat
    hops = sum(mesh.hops(np.repeat(source, np.diff(pointer)), destination))
    assert hops.tolist() == [len(path) for path in flat]

    tree_pointer, links = mesh.trees(source, pointer, destination)
    expected = [sorted({link for path in paths for link in path}) for paths in walked]
    assert [links[a:b].tolist() for a, b in itertools.pairwise(tree_pointer)] == expected
    for tree, (ends, listed) in ((False, (path_pointer[pointer], flat)), (True, (tree_pointer, expected))):
        ends_given, links = links_of(mesh, tree, source, pointer, destination)
        assert ends_given.tolist() == ends.tolist()
        assert link_counts(mesh, tree, source, pointer, destination).tolist() == np.diff(ends).tolist()
        assert links.tolist() == list(itertools.chain.from_iterable(listed))
        traffic = np.arange(1, source.size + 1)
        load = np.zeros(mesh.link_slots, np.int64)
        np.add.at(load, links, np.repeat(traffic, np.diff(ends_given)))
        assert link_loads(ends_given, links, traffic, mesh.link_slots).tolist() == load.tolist()


@settings(max_examples=100, deadline=None)
@given(mesh=meshes, data=st.data())
def test_each_link_leads_to_where_the_next_one_leaves(mesh, data) -> None:
    a, b = (data.draw(st.integers(0, mesh.routers - 1)) for _ in range(2))
    _, links = mesh.paths(np.array([a]), np.array([b]))
    at = [a, *mesh.head_of(links).tolist()]
    assert at[-1] == b
    assert (links // 4).tolist() == at[:-1]


trees = st.builds(Tree, st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))


@settings(max_examples=100, deadline=None)
@given(topology=meshes | trees, data=st.data())
def test_paths_of_any_topology_are_walks_of_their_length(topology: Topology, data) -> None:
    leaves = topology.width * topology.height
    source, to = (np.array(data.draw(st.lists(st.integers(0, leaves - 1), min_size=6, max_size=6))) for _ in range(2))
    pointer, links = topology.paths(source, to)
    hops = topology.hops(source, to)
    for k, (a, b) in enumerate(itertools.pairwise(pointer)):
        path = links[a:b]
        at = [source[k], *topology.head_of(path).tolist()]
        assert at[-1] == to[k]
        assert (path // topology.links_per_router).tolist() == at[:-1]
        along = np.bincount(topology.axis_of(path), minlength=2).tolist()
        assert along == [hops[0][k], hops[1][k]]
        back = topology.back_of(path)
        assert topology.head_of(back).tolist() == at[:-1]
        assert topology.back_of(back).tolist() == path.tolist()
    assert topology.link_slots == topology.routers * topology.links_per_router
    assert sorted(topology.core_order().tolist()) == list(range(topology.core_slots))


@settings(max_examples=100, deadline=None)
@given(tree=trees, data=st.data())
def test_a_tree_goes_up_no_further_than_it_must(tree: Tree, data) -> None:
    def above(router: int) -> list[int]:
        line = [router]
        while line[-1] != tree.routers - 1:
            line.append(int(tree.head_of(np.array(line[-1] * tree.links_per_router + UP))))
        return line

    a, b = (data.draw(st.integers(0, tree.width * tree.height - 1)) for _ in range(2))
    shared = [router for router in above(a) if router in above(b)]
    up, down = (int(h[0]) for h in tree.hops(np.array([a]), np.array([b])))
    assert above(a)[up] == above(b)[down] == shared[0]


def test_a_full_quad_tree_has_the_known_size() -> None:
    paicore = Tree(16, 16, 4)  # five levels of routers, 1024 cores
    assert (paicore.routers, paicore.core_slots) == (256 + 64 + 16 + 4 + 1, 1024)
    assert paicore.hops(np.array([0, 0, 0]), np.array([0, 1, 255]))[0].tolist() == [0, 1, 4]
    assert [paicore.describe_link(link) for link in (4, 1700)] == [
        (0, 0, "up from level 0"), (0, 0, "down from level 4"),
    ]  # fmt: skip
    assert (paicore.head_of(np.array([paicore.link_slots - 1])) == -1).all()  # the root has nothing above it


@pytest.mark.parametrize("width", range(1, 13))
@pytest.mark.parametrize("height", range(1, 13))
def test_the_curve_visits_every_cell_once_by_steps_to_a_neighbour(width: int, height: int) -> None:
    order = space_filling_order(width, height)
    assert sorted(order.tolist()) == list(range(width * height))
    assert order[0] == 0
    step_x, step_y = np.abs(np.diff(order % width)), np.abs(np.diff(order // width))
    assert max([0, *np.maximum(step_x, step_y)]) <= 1
    if width % 2 == 0 and height % 2 == 0:
        assert max([0, *(step_x + step_y)]) <= 1


def test_cores_of_a_router_are_consecutive() -> None:
    mesh = Mesh(3, 2, 4)
    routers = mesh.router_of(mesh.core_order()).reshape(-1, 4)
    assert (routers == routers[:, :1]).all()
    assert sorted(mesh.core_order().tolist()) == list(range(mesh.core_slots))


@pytest.mark.parametrize(
    ("source", "pointer", "to"),
    [([4], [0, 1], [0]), ([-1], [0, 1], [0]), ([0], [0, 1], [4]), ([0], [1, 1], [0]), ([0, 0], [0, 1, 0], [0])],
)
def test_links_of_routers_that_do_not_exist_or_of_broken_tables_are_refused(source, pointer, to) -> None:
    with pytest.raises(CoreError):
        links_of(Mesh(2, 2), True, np.array(source), np.array(pointer), np.array(to))
    with pytest.raises(ValueError):
        link_loads(np.array([0, 1]), np.array([4], np.int32), np.array([1]), 4)
