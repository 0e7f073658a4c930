"""Where the user wants what: pins, placements from files, several chips; and how the command line says it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurocomp.commands.mapping_options import MappingOptions, core_list
from neurocomp.errors import DoesNotFitError, InputError
from neurocomp.mapping.check import check_program
from neurocomp.mapping.explain.cure import smallest_grid
from neurocomp.mapping.map import map_network
from neurocomp.mapping.store import load_program
from neurocomp.mapping.wishes import pinned, placement_from
from tests.mapping_problems import chain, conv, convnet, mlp
from tests.small_chips import make_chip

QUICK = {"effort": "fast", "objective": "cores"}
LINK = {"chip_link": {"latency_ns": 8.0, "flit_ns": 4.0, "energy_pj": None}}


# --- pins and placements --------------------------------------------------------------------------------


def test_a_pinned_layer_lies_in_equal_runs_on_its_cores() -> None:
    network = mlp(4, 30, 8)
    program = map_network(network, make_chip(), assignment=pinned(network, {"p0": (5, 9, 2)}), **QUICK)
    tiles = {t.core: t.channel_last_positions((30,)).tolist() for t in program.tiles if t.population == "p0"}
    assert tiles == {5: list(range(10)), 9: list(range(10, 20)), 2: list(range(20, 30))}


def test_runs_of_a_pinned_map_keep_the_channels_of_a_pixel_together() -> None:
    network = chain((1, 4, 4), conv(2, 1))
    cores = pinned(network, {"p0": (0, 1)})["p0"]
    assert cores.shape == (2, 4, 4)
    assert (cores[:, :2] == 0).all() and (cores[:, 2:] == 1).all()


@pytest.mark.parametrize(
    ("pins", "message"),
    [
        ({"nobody": (1,)}, "no population"),
        ({"p0": ()}, "names no core"),
        ({"p0": tuple(range(6))}, "names 6 cores for 5 elements"),
    ],
)
def test_wrong_pins_are_named(pins, message) -> None:
    with pytest.raises(InputError, match=message):
        pinned(mlp(4, 5), pins)


def test_the_placement_of_a_program_is_evaluated_as_it_is(tmp_path: Path) -> None:
    network, chip = convnet(), make_chip(6, 6, neurons_max=16)
    first = map_network(network, chip, objective="traffic")
    first.save(tmp_path)
    again = map_network(network, chip, assignment=placement_from(tmp_path, network), objective="traffic")
    assert first.quality is not None and again.quality is not None
    assert again.quality.hops == first.quality.hops
    cores = [{(t.population, t.core) for t in program.tiles} for program in (first, again)]
    assert cores[0] == cores[1]


def test_a_placement_from_csv_and_from_json_is_the_same(tmp_path: Path) -> None:
    rows = [("p0", 0, 20, 3), ("p0", 20, 30, 4), ("p1", 0, 8, 3)]
    (tmp_path / "a.csv").write_text("population,start,stop,core\n" + "\n".join(",".join(map(str, r)) for r in rows))
    keys = ("population", "start", "stop", "core")
    (tmp_path / "a.json").write_text(json.dumps([dict(zip(keys, row, strict=True)) for row in rows]))
    found = [placement_from(tmp_path / name, mlp(4, 30, 8)) for name in ("a.csv", "a.json")]
    assert found[0]["p0"].tolist() == found[1]["p0"].tolist() == [3] * 20 + [4] * 10
    assert found[0]["p1"].tolist() == [3] * 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("core,population\n", "is not a placement"),
        ("", "is not a placement\n  why:  it is empty"),
        ("population,start,stop,core\np0,0,30,1,7\n", "line 2: does not say"),
        ("population,start,stop,core\np0,0,30,nan\n", "line 2: does not say"),
        ("population,start,stop,core\np0,0,30,99999999999999999999\n", "on core 99999999999999999999"),
        ("population,start,stop,core\n" + "9" * 200_000 + ",0,1,0\n", "field larger than"),
        ("{}", "it is not a list"),
        ("[1", "JSONDecodeError"),
        ("[1]", "entry 0: does not say"),
        ("population,start,stop,core\np0,0,30\n", "line 2: does not say"),
        ("population,start,stop,core\np0,0,31,1\n", "elements 0 to 31 on core 1"),
        ("population,start,stop,core\nq,0,1,1\n", "q is no population"),
        ("population,start,stop,core\np0,0,30,1\np0,3,4,1\n", "placed twice"),
        ("population,start,stop,core\np0,0,29,1\n", "1 of 30 elements have no core"),
    ],
)
def test_a_wrong_placement_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "placement"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        placement_from(path, mlp(4, 30, 8))


def test_a_placement_of_another_network_is_refused(tmp_path: Path) -> None:
    map_network(mlp(4, 30, 8), make_chip(), **QUICK).save(tmp_path)
    with pytest.raises(InputError, match=r"places p0, which has shape \(31,\) in this network"):
        placement_from(tmp_path, mlp(4, 31, 8))
    with pytest.raises(InputError, match="cannot be read"):
        placement_from(tmp_path / "nothing", mlp(4, 31, 8))


# --- several chips --------------------------------------------------------------------------------------


def test_a_network_spreads_over_as_many_chips_as_it_takes(tmp_path: Path) -> None:
    network, chip = mlp(4, 150, 20), make_chip(4, 4, neurons_max=10, count=13)
    with pytest.raises(DoesNotFitError, match=r"--chips 2x1"):
        map_network(network, chip)
    program = map_network(network, chip, chips="auto", **QUICK)
    assert program.chips == (2, 1) and program.cores_used == 17
    used = np.bincount(program.usage.cores % 8 // 4)
    assert used.max() <= 13 and used.sum() == 17
    assert program.quality is not None and program.quality.between_chips > 0
    program.save(tmp_path)
    assert load_program(tmp_path).chips == (2, 1)


def test_one_chip_is_enough_where_it_is() -> None:
    assert map_network(mlp(4, 8), make_chip(), chips="auto", **QUICK).chips == (1, 1)


def test_cores_of_the_second_chip_can_be_dead_or_chosen() -> None:
    network = mlp(4, 8, 8)
    program = map_network(
        network, make_chip(2, 2), chips=(2, 1), assignment=pinned(network, {"p1": (3,)}),
        forbidden_cores=(0, 1, 4, 5), **QUICK,
    )  # fmt: skip
    assert program.cores_used <= 2 and set(program.usage.cores.tolist()) <= {2, 3, 6, 7}
    check_program(program)


def test_traffic_between_chips_costs_more() -> None:
    """The same pair of layers, on neighbours within a chip and across a border."""
    network, chip = mlp(4, 8, 8), make_chip(2, 1, noc=LINK)
    figures = []
    for cores in ((0, 1), (1, 2)):
        chosen = pinned(network, {"p0": cores[:1], "p1": cores[1:]})
        program = map_network(network, chip, chips=(2, 1), assignment=chosen, effort="fast")
        assert program.quality is not None
        figures.append((program.quality.between_chips, program.quality.link_ns))
    assert figures[0] == (0, 0)
    assert figures[1][0] == 8.0 and figures[1][1] == 32.0


def test_grids_are_small_and_square() -> None:
    assert [smallest_grid(n) for n in (1, 2, 3, 4, 6, 7, 12)] == [
        (1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (7, 1), (4, 3),
    ]  # fmt: skip


# --- the command line -----------------------------------------------------------------------------------


def test_options_mean_what_they_say() -> None:
    options = MappingOptions("best", "traffic", 2.5, "2x3", "3,7-9,3", ("a=1", "b=c=2,4-5"), None, "uniform")
    assert options.grid == (2, 3) and options.forbidden == (3, 7, 8, 9) and options.uniform
    choices = options.choices(5)
    assert (choices.effort, choices.objective, choices.seed, choices.time_budget_s) == ("best", "traffic", 5, 2.5)
    assert MappingOptions(chips="auto").grid == "auto"
    assert MappingOptions().grid == (1, 1) and not MappingOptions().uniform
    assert MappingOptions(pins=("p0=2",)).assignment(mlp(4, 3))["p0"].tolist() == [2, 2, 2]


def test_all_wrong_options_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        MappingOptions(chips="2", forbid_cores="x", pins=("a",), rates="guess", placement=Path("p"))
    assert [d.where for d in caught.value.diagnostics] == [
        "--chips", "--forbid-cores", "--pin", "--rates", "--placement",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "1,", "3-1", "-1", "1.5", "99999999", "1-99999999"])
def test_what_is_no_list_of_cores(text: str) -> None:
    with pytest.raises(InputError, match="is no core"):
        core_list("--forbid-cores", text)
