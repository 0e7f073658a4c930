"""The network on chip that a chip profile describes, for one chip or for several that make up one mesh."""

from __future__ import annotations

from dataclasses import replace

from neurocomp.chip import noc as profile
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import bad_input
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.router import Router
from neurocomp.fabric.topology import Mesh, Topology
from neurocomp.fabric.tree import Tree


def mesh_of(chip: ChipSpec, chips: tuple[int, int] = (1, 1)) -> Mesh:
    """The routers of ``chips`` (columns, rows) equal chips; routers and cores are numbered through all of them.

    Raises InputError if the chip's network is no grid, which is what networks can be mapped onto.
    """
    noc = chip.noc
    if noc.topology == "tree":
        raise bad_input(
            f"{chip.name}: noc.topology",
            "is a tree, onto which nothing can be mapped yet",
            hint="neurocomp noc runs such a network alone",
        )
    return Mesh(noc.width * chips[0], noc.height * chips[1], noc.cores_per_router, noc.wraps)


def topology_of(chip: ChipSpec, chips: tuple[int, int] = (1, 1), *, extra_locals: int = 0) -> Topology:
    """The chip's network, whatever it is; extra_locals: see :func:`noc_of`."""
    noc = chip.noc
    if noc.topology == "tree" and chips == (1, 1):
        return Tree(noc.width, noc.height, noc.cores_per_router + extra_locals)
    return replace(mesh_of(chip, chips), cores_per_router=noc.cores_per_router + extra_locals)


def router_of(chip: ChipSpec) -> Router:
    """The profile's router. Raises InputError if it has none."""
    spec = chip.noc.router
    if spec is None:
        raise bad_input(
            f"{chip.name}: noc.router",
            "the profile says nothing about its routers, so how packets wait for each other is not known",
            hint=f"give noc.router: one of {', '.join(profile.PRESETS)} or its numbers; or use the bound: --noc bound",
        )
    return Router(
        spec.vcs, spec.buffer_flits, spec.routing_delay, spec.credit_delay, spec.speculative, spec.input_speedup
    )


def noc_of(chip: ChipSpec, chips: tuple[int, int] = (1, 1), *, extra_locals: int = 0) -> Noc:
    """The profile's network in cycles of ``chip.noc.cycle_ps``. Raises InputError if the profile has no router.

    extra_locals: places at each router beside its cores, e.g. one for what enters the chip.
    """
    router = router_of(chip)
    latency, interval = chip.noc.boundary_cycles()
    return Noc(
        topology_of(chip, chips, extra_locals=extra_locals),
        router,
        chip.noc.link_cycles(),
        (chip.noc.width, chip.noc.height) if chips != (1, 1) else None,
        latency,
        interval,
    )
