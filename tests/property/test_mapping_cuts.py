"""Demands of tiles and the search for grids against counting on the unrolled network."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurocomp.mapping.map import make_problem
from neurocomp.mapping.reach import Explicit
from neurocomp.mapping.tiling.cuts import Cut, Grid, Runs, split
from neurocomp.mapping.tiling.grid import best_grid
from neurocomp.mapping.tiling.layer import Layer, layers_of
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, NEURONS, SYNAPSE_BITS, limits_of
from neurocomp.mapping.tiling.runs import best_runs
from tests.mapping_problems import chain, random_graph
from tests.random_nets import networks, positions
from tests.random_ops import convs, pools, shapes
from tests.small_chips import make_chip
from tests.unrolled import unrolled_paths

NO_OUT = np.zeros((1, 1, 1), np.int64)


def is_explicit(layer: Layer) -> bool:
    return any(isinstance(r, Explicit) for reaches in layer.reaches.values() for r in reaches)


@st.composite
def cuts(draw: st.DrawFn, layer: Layer) -> Cut:
    if is_explicit(layer):
        size = int(np.prod(layer.shape))
        inner = draw(st.sets(st.integers(1, max(1, size - 1)), max_size=4))
        return Runs(np.array(sorted({0, size, *(i for i in inner if i < size)})))
    return Grid(tuple(split(n, draw(st.integers(1, n))) for n in layer.shape))


def tile_of_elements(cut: Cut, shape: tuple[int, int, int]) -> np.ndarray:
    """Tile of each flat channel-first element, -1 for none."""
    label = np.full(shape, -1)
    by_position = np.full(label.size, -1)
    for index, piece in enumerate(cut.pieces()):
        if piece.box is None:
            by_position[piece.positions] = index
        else:
            label[tuple(slice(a, b) for a, b in piece.box)] = index
    return label.reshape(-1) if by_position.max() < 0 else by_position[positions(shape)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data(), sharing=st.booleans())
def test_demands_and_listeners_bound_what_the_tiles_really_hear(network, data, sharing) -> None:
    problem = make_problem(network, make_chip(kernel_sharing=sharing), {}, ())
    layers, tables = layers_of(problem), unrolled_paths(network)
    assume(layers)
    layer = layers[data.draw(st.sampled_from(list(layers)))]
    cut = data.draw(cuts(layer))
    label = tile_of_elements(cut, layer.shape)
    demands, listeners = cut.demands(layer, NO_OUT), cut.listeners(layer)
    assert demands[:, NEURONS].tolist() == np.bincount(label).tolist()
    heard = np.zeros(cut.count, np.int64)
    for source, reaches in layer.reaches.items():
        table = sum(t for (s, t_name, _), t in tables.items() if (s, t_name) == (source, layer.name))
        masks = np.stack([table[label == k].any(axis=0) for k in range(cut.count)])
        heard += masks.sum(axis=1)
        claimed = np.broadcast_to(listeners[source], problem.shape(source)).reshape(-1)
        assert (claimed >= masks.sum(axis=0)).all()
        if len(network.incoming[layer.name]) == 1 and len(reaches) == 1 and direct(network, layer.name):
            assert np.array_equal(claimed, masks.sum(axis=0))
    assert (demands[:, AXONS_IN] >= heard).all()
    if len(network.incoming[layer.name]) == 1 and direct(network, layer.name):
        assert np.array_equal(demands[:, AXONS_IN], heard)
    if not sharing:
        fan_in = sum(t.sum(axis=1) for (_, name, _), t in tables.items() if name == layer.name)
        least = np.bincount(label, np.broadcast_to(fan_in, label.shape), cut.count) * problem.weight_bits
        assert (demands[:, SYNAPSE_BITS] >= least).all()


def direct(network, name: str) -> bool:
    """Whether nothing lies between a population and what it hears."""
    return all(
        network.by_name[p.source].neuron is not None or p.source in network.inputs for p in network.incoming[name]
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), neurons=st.integers(1, 40), axons=st.integers(1, 60), kib=st.sampled_from([0.0625, 0.125, 1]))
def test_no_grid_has_fewer_tiles_than_the_one_found(data, neurons, axons, kib) -> None:
    """Exact where each limit concerns one demand; a memory for several is judged by the largest of each."""
    source = data.draw(shapes(3))
    op = data.draw(st.one_of(convs(source), pools(source)))
    memories = [{"name": "m", "size_kib": kib, "holds": ["synapses"]}]
    chip = make_chip(neurons_max=neurons, fan_in_axons_max=axons, memories=memories)
    problem = make_problem(chain(source, op), chip, {}, ())
    layer, limits = layers_of(problem)["p0"], limits_of(chip)
    possible = {}
    for parts in itertools.product(*(range(1, n + 1) for n in layer.shape)):
        grid = Grid(tuple(split(n, p) for n, p in zip(layer.shape, parts, strict=True)))
        demands = grid.demands(layer, NO_OUT)
        if limits.fits(demands).all():
            possible.setdefault(grid.count, []).append(int(demands[:, AXONS_IN].sum()))
    found = best_grid(layer, limits, NO_OUT, {})
    assert (found is None) == (not possible)
    if found is not None:
        assert limits.fits(found.demands(layer, NO_OUT)).all()
        assert found.count == min(possible)
        assert int(found.demands(layer, NO_OUT)[:, AXONS_IN].sum()) == min(possible[found.count])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), neurons=st.integers(1, 30), axons=st.integers(3, 40), out=st.integers(2, 60))
def test_no_runs_are_fewer_than_the_ones_found(seed, neurons, axons, out) -> None:
    chip = make_chip(neurons_max=neurons, fan_in_axons_max=axons, fan_out_axons_max=out)
    problem = make_problem(random_graph(40, 3, seed), chip, {}, ())
    layer, limits = layers_of(problem)["graph"], limits_of(chip)
    sends = np.random.default_rng(seed).integers(0, 4, layer.shape)

    found = best_runs(layer, limits, sends)
    least = [0] + [10**6] * 40
    for b in range(1, 41):
        edges = [a for a in range(b) if limits.fits(exact(layer, sends, a, b))]
        least[b] = min([least[a] + 1 for a in edges], default=10**6)
    assert (found is None) == (least[40] >= 10**6)
    if found is not None:
        assert found.count == least[40]
        assert limits.fits(found.demands(layer, sends)).all()


def exact(layer: Layer, sends: np.ndarray, a: int, b: int) -> np.ndarray:
    """Demand of the run a..b of a graph, from its table."""
    table = layer.reaches["graph"][0].table
    heard = {int(s) for t in range(a, b) for s in table.indices[table.indptr[t] : table.indptr[t + 1]]}
    demand = np.zeros(4, np.int64)
    demand[[NEURONS, AXONS_IN, AXONS_OUT]] = b - a, len(heard), sends.reshape(-1)[a:b].sum()
    demand[SYNAPSE_BITS] = np.broadcast_to(layer.stored.per_element, layer.shape).reshape(-1)[a:b].sum()
    return demand
