"""The walk along routes: few packets or many at a time, counted or sorted, on meshes and round tori."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.check import routes as check_routes
from neurocomp.mapping.check.routes import walked_routes
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from tests.mapping_problems import convnet
from tests.small_chips import make_chip


@pytest.fixture(scope="module", params=["tree", "unicast"])
def multicast(request) -> str:
    return request.param


@pytest.fixture(scope="module", params=["mesh", "torus"])
def program(multicast, request) -> Program:
    chip = make_chip(6, 5, 2, neurons_max=8, multicast=multicast, topology=request.param)
    return map_network(convnet(), chip, effort="fast")


@pytest.fixture(params=[(20_000, 0), (20_000, 10**9), (1, 4), (3, 0), (7, 10**9)])
def _sizes(request, monkeypatch: pytest.MonkeyPatch) -> None:
    packets, sparse = request.param
    monkeypatch.setattr(check_routes, "_PACKETS", packets)
    monkeypatch.setattr(check_routes, "_SPARSE", sparse)
    monkeypatch.setattr(check_routes, "_SPREAD", sparse)


@pytest.mark.usefixtures("_sizes")
def test_every_wrong_link_is_found_however_many_are_looked_at(program) -> None:
    assert not list(walked_routes(program))
    routes = program.routes
    rng = np.random.default_rng(0)
    for at in rng.integers(0, routes.link_id.size, 8):
        links = routes.link_id.copy()
        links[at] = (links[at] + rng.integers(1, program.mesh.link_slots)) % program.mesh.link_slots
        assert list(walked_routes(replace(program, routes=replace(routes, link_id=links))))


@pytest.mark.usefixtures("_sizes")
def test_links_of_a_class_may_be_listed_in_any_order_but_not_twice(program) -> None:
    routes = program.routes
    first = int(np.argmax(np.diff(routes.link_ptr) > 1))
    a, b = routes.link_ptr[first : first + 2]
    turned, twice = routes.link_id.copy(), routes.link_id.copy()
    turned[a:b], twice[a + 1] = turned[a:b][::-1], twice[a]
    assert not list(walked_routes(replace(program, routes=replace(routes, link_id=turned))))
    assert list(walked_routes(replace(program, routes=replace(routes, link_id=twice))))


@pytest.mark.parametrize("size", [(1, 1), (4, 3), (5, 1), (6, 5)])
@pytest.mark.parametrize("torus", [False, True])
def test_a_walk_takes_the_paths_of_the_topology(size, torus) -> None:
    mesh = Mesh(*size, torus=torus)
    source, goal = (part.reshape(-1) for part in np.indices((mesh.routers, mesh.routers)))
    x, y, to_x, to_y = source % size[0], source // size[0], goal % size[0], goal // size[0]
    along_x, links_x = check_routes._Axis(x, to_x, size[0], torus).hops(y * size[0] * 4, 4, (0, 1))
    along_y, links_y = check_routes._Axis(y, to_y, size[1], torus).hops(to_x * 4, 4 * size[0], (3, 2))
    hops = mesh.hops(source, goal)
    assert np.array_equal(along_x, hops[0])
    assert np.array_equal(along_y, hops[1])
    walked = np.concatenate([source[:0], *links_x, *links_y])
    assert np.array_equal(np.sort(walked), np.sort(mesh.paths(source, goal)[1]))
