"""The network on chip of a profile: routers by name or by number, their cycle, links between chips."""

from __future__ import annotations

import pytest

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.datasheet import rows
from neurocomp.chip.load import chip_from_json, parse_chip
from neurocomp.chip.noc import PRESETS
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import InputError
from neurocomp.fabric.burst import Burst
from neurocomp.fabric.chip_network import mesh_of, noc_of
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.router import ROUTERS
from neurocomp.fabric.topology import Mesh, Topology
from neurocomp.fabric.tree import Tree
from tests.chip_text import tiny

PORT = "input_port: [0, 1]"


def with_noc(*lines: str) -> ChipSpec:
    return parse_chip(tiny((PORT, "\n  ".join([PORT, *lines]))))


@pytest.mark.parametrize(
    ("shape", "topology"),
    [
        (("ring", 4, 1, 1), Mesh(4, 1, 1, torus=True)),
        (("crossbar", 1, 1, 4), Mesh(1, 1, 4)),
        (("tree", 2, 2, 1), Tree(2, 2, 1)),
    ],
)
def test_other_topologies(shape: tuple[str, int, int, int], topology: Topology) -> None:
    name, width, height, per_router = shape
    lines = "\n  router: {vcs: 2, buffer_flits: 4}\n  clock_ns: 1"
    chip = parse_chip(
        tiny(
            ("topology: mesh", f"topology: {name}"), ("width: 2", f"width: {width}"),
            ("height: 2", f"height: {height}"),
            ("cores_per_router: 1", f"cores_per_router: {per_router}"), (PORT, "input_port: [0, 0]" + lines),
            ("barrier_ns: {1: 600, 2: 1000, 4: 1400}", "barrier_ns: {1: 600}"),
        )
    )  # fmt: skip
    noc = noc_of(chip)
    assert noc.mesh == topology
    assert run_burst(noc, Burst.unicast([0], [0], [3], [1])).arrival[0] > 0
    if name == "tree":
        with pytest.raises(InputError, match="is a tree, onto which nothing can be mapped yet"):
            mesh_of(chip)
    else:
        assert mesh_of(chip) == topology


@pytest.mark.parametrize("name", PRESETS)
def test_a_router_by_name(name: str) -> None:
    chip = with_noc(f"router: {{value: {name}, source: paper, kind: measured}}", "clock_ns: 2")
    assert noc_of(chip).router == ROUTERS[name]
    assert chip.noc.cycle_ps == 2000
    assert chip_from_json(chip.to_json()) == chip
    origins = {row.path: row.origin for row in rows(chip) if row.path.startswith("router.")}
    assert all(origin is not None and origin.kind == "measured" for origin in origins.values())


def test_a_router_by_its_numbers_and_a_preset_that_is_changed() -> None:
    spelt = with_noc("router: {vcs: 2, buffer_flits: 3, speculative: true}", "clock_ns: 1")
    assert (spelt.noc.router.vcs, spelt.noc.router.routing_delay, spelt.noc.router.pipeline) == (2, 1, 1)
    changed = with_noc("router: {preset: sana, buffer_flits: 16}", "clock_ns: 1")
    assert noc_of(changed).router == ROUTERS["sana"].__class__(1, 16, 0, 0)


def test_without_a_router_there_is_only_the_bound() -> None:
    with pytest.raises(InputError, match=r"tiny: noc\.router: the profile says nothing about its routers") as raised:
        noc_of(parse_chip(tiny()))
    assert "--noc bound" in raised.value.diagnostics[0].hint


def test_without_a_clock_a_hop_is_as_long_as_the_profile_says() -> None:
    chip = parse_chip(tiny(("link_flit_ns: null", "link_flit_ns: 0.5"), (PORT, f"{PORT}\n  router: std")))
    assert chip.noc.cycle_ps == 500
    assert chip.noc.link_cycles() == (8 - 2 - 2, 13 - 2 - 2)  # 4.1 and 6.5 ns in cycles, without switch and pipeline
    noc = noc_of(chip)
    times = [run_burst(noc, Burst.unicast([0], [0], [core], [1])).drain for core in (0, 1, 2)]
    assert [time - times[0] for time in times] == [0, 8, 13]


def test_several_chips_are_one_mesh_with_slower_links_between_them() -> None:
    chip = with_noc("router: lean", "clock_ns: 1", "chip_link: {latency_ns: 12, flit_ns: 3.5, energy_pj: null}")
    noc = noc_of(chip, (3, 2))
    assert (noc.mesh.width, noc.mesh.height) == (6, 4) == (mesh_of(chip, (3, 2)).width, 4)
    assert noc.chip_size == (2, 2) and noc.boundary_interval == 4
    assert noc_of(chip).chip_size is None
    burst = Burst.unicast([0, 0], [0, 0], [1, 2], [1, 1])  # one hop on the chip, two of which one leads to the next
    arrival = [int(run_burst(noc, Burst.unicast([0], [0], [core], [1])).drain) for core in (1, 2)]
    assert arrival[1] - arrival[0] == 12
    assert run_burst(noc, burst).link_flits.sum() == 3


@pytest.mark.parametrize("name", ("generic", "loihi", "loihi2", "truenorth"))
def test_a_profiles_router_has_a_hop_that_takes_what_a_hop_takes(name: str) -> None:
    noc = load_chip(name).noc
    assert noc.router is not None and noc.cycle_ps > 0 and noc.chip_link is not None
    for cycles, hop in zip(noc.link_cycles(), (noc.hop_east_west, noc.hop_north_south), strict=True):
        through = (cycles + noc.router.pipeline + 2) * noc.cycle_ps
        if noc.clock_ns is None and hop.latency_ps > 3 * noc.cycle_ps:
            assert abs(through - hop.latency_ps) <= noc.cycle_ps // 2
