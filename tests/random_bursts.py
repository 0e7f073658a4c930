"""Hypothesis strategies: networks of any shape and router, and bursts of packets for them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from neurocomp.chip.noc import CELLS_MAX
from neurocomp.fabric.burst import Burst
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.router import Router
from neurocomp.fabric.topology import Mesh, Topology
from neurocomp.fabric.tree import Tree


@st.composite
def routers(draw: st.DrawFn, inputs: int, vcs_min: int) -> Router:
    vcs = draw(st.integers(vcs_min, min(8, CELLS_MAX // inputs)))
    speedup = draw(st.sampled_from([s for s in range(1, min(vcs, 3) + 1) if inputs * -(-vcs // s) * s <= CELLS_MAX]))
    return Router(
        vcs, draw(st.integers(1, 9)), draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.booleans()), speedup
    )


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    width, height, per_router = (draw(st.integers(1, most)) for most in (5, 5, 3))
    kind = draw(st.sampled_from(["mesh", "torus", "tree"]))
    return Tree(width, height, per_router) if kind == "tree" else Mesh(width, height, per_router, kind == "torus")


@st.composite
def nocs(draw: st.DrawFn) -> Noc:
    mesh = draw(topologies())
    router = draw(routers(mesh.links_per_router + mesh.cores_per_router, 2 if mesh.torus else 1))
    chips = st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3))
    chip_size = draw(chips) if isinstance(mesh, Mesh) else None
    return Noc(
        mesh,
        router,
        draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        chip_size,
        draw(st.integers(1, 70)),
        draw(st.integers(1, 5)),
        draw(st.sampled_from(["forward", "random"])),
    )


@st.composite
def bursts(draw: st.DrawFn, noc: Noc, *, multicast: bool) -> Burst:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    packets, cores = draw(st.integers(0, 80)), noc.mesh.core_slots
    fan_out = rng.integers(1, min(cores, 6) + 1, packets) if multicast else np.ones(packets, np.int64)
    chosen = [np.sort(rng.choice(cores, n, replace=False)) for n in fan_out]
    longest = min(6, noc.router.buffer_flits) if multicast else 9
    return Burst(
        release=rng.integers(0, draw(st.sampled_from([1, 20, 400])), packets),
        source=rng.integers(0, cores, packets),
        flits=rng.integers(1, longest + 1, packets),
        pointer=np.concatenate([[0], np.cumsum(fan_out)]),
        destination=np.concatenate([*chosen, []]),
        traffic_class=rng.integers(0, 3, packets) if draw(st.booleans()) else None,
    )


@st.composite
def noc_and_burst(draw: st.DrawFn) -> tuple[Noc, Burst]:
    noc = draw(nocs())
    return noc, draw(bursts(noc, multicast=draw(st.booleans())))
