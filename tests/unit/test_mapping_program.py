"""Programs on disk: the same back, byte for byte; anything else is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.mapping import store
from neurocomp.mapping.arrays import read_arrays, write_arrays
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.store import load_program
from neurocomp.network import Network, Population
from tests.mapping_problems import convnet, mlp, random_graph
from tests.small_chips import make_chip


def assigned() -> Program:
    cores = {"p0": np.arange(30) % 3 + 4}
    return map_network(
        mlp(4, 30, 5), make_chip(), assignment=cores, forbidden_cores=(0,), objective="cores", effort="fast"
    )


PROGRAMS = {
    "boxes": lambda: map_network(convnet(), make_chip(6, 6, neurons_max=16), effort="fast"),
    "runs": lambda: map_network(random_graph(60, 5), make_chip(neurons_max=16), effort="fast"),
    "positions": assigned,
    "nothing": lambda: map_network(Network((Population("in", (3,)),), (), ("in",), None), make_chip()),
}


@pytest.fixture
def saved(tmp_path) -> Path:
    PROGRAMS["positions"]().save(tmp_path)
    return tmp_path


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
def test_reading_back_gives_the_same_program(make, tmp_path) -> None:
    program = make()
    program.save(tmp_path / "a")
    again = load_program(tmp_path / "a")
    assert again.offsets == program.offsets
    assert again.assumptions == program.assumptions
    assert again.mismatches == program.mismatches
    assert again.forbidden_cores == program.forbidden_cores
    assert again.chip == program.chip
    assert [(t.population, t.core, t.box) for t in again.tiles] == [
        (t.population, t.core, t.box) for t in program.tiles
    ]
    assert np.array_equal(again.usage.core_demand, program.usage.core_demand)
    again.save(tmp_path / "b")
    for name in ("program.json", "program.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_only_the_two_files_are_left(saved) -> None:
    assert sorted(p.name for p in saved.iterdir()) == ["program.json", "program.npz"]
    with np.load(saved / "program.npz", allow_pickle=False) as arrays:
        assert arrays["positions"].dtype == np.int32


def test_a_failed_write_leaves_the_old_program(saved, monkeypatch) -> None:
    before = {p.name: p.read_bytes() for p in saved.iterdir()}
    monkeypatch.setattr(store.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match="No space left on device"):
        PROGRAMS["boxes"]().save(saved)
    assert {p.name: p.read_bytes() for p in saved.iterdir()} == before


def test_a_file_in_the_place_of_the_directory(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        PROGRAMS["nothing"]().save(tmp_path / "file")


def refuses(folder: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_program(folder)
    assert str(folder) in caught.value.diagnostics[0].where


def test_missing_files(tmp_path, saved) -> None:
    refuses(tmp_path / "nowhere", "does not exist")
    (saved / "program.npz").unlink()
    refuses(saved, "does not exist")


@pytest.mark.parametrize("name", ["program.json", "program.npz"])
@pytest.mark.parametrize("kept", [0, 10, 500, -10])
def test_files_that_are_cut_off(saved, name, kept) -> None:
    data = (saved / name).read_bytes()
    (saved / name).write_bytes(data[:kept])
    refuses(saved, "damaged|is not a program|was changed")


def test_any_flipped_byte_of_the_arrays_is_found(saved) -> None:
    data = (saved / "program.npz").read_bytes()
    for at in range(0, len(data), max(1, len(data) // 40)):
        (saved / "program.npz").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        refuses(saved, "damaged|does not belong|no array|two arrays")


def test_a_changed_description_is_found(saved) -> None:
    text = (saved / "program.json").read_text()
    (saved / "program.json").write_text(text.replace('"core": 4', '"core": 5', 1))
    refuses(saved, "was changed or damaged after it was written")


def test_another_schema_is_named(saved) -> None:
    tree = json.loads((saved / "program.json").read_text())
    (saved / "program.json").write_text(json.dumps({**tree, "schema": "neurocomp/program/9"}))
    refuses(saved, "has schema 'neurocomp/program/9'; this version reads 'neurocomp/program/2'")
    (saved / "program.json").write_text("[1, 2]")
    refuses(saved, "has schema None")


def resigned(folder: Path, **changes) -> None:
    """Change the description and sign it again, as an attacker could."""
    tree = json.loads((folder / "program.json").read_text())
    tree.update(changes)
    tree["sha256"] = store.tree_digest(tree)
    (folder / "program.json").write_text(json.dumps(tree))


def test_a_forged_description_must_still_be_legal(saved) -> None:
    tree = json.loads((saved / "program.json").read_text())
    tiles = [{**tile, "core": 7} if tile["core"] == 4 else tile for tile in tree["tiles"]]
    resigned(saved, tiles=tiles)
    refuses(saved, "the program contradicts itself: .*another core")


@pytest.mark.parametrize(
    "changes",
    [
        {"tiles": [{"population": "in"}]}, {"tiles": 3}, {"offsets": {"nobody": 1}}, {"offsets": {"in": -1}},
        {"route_classes": []}, {"route_classes": ["in", "p0", "p1", "p2"]}, {"weight_bits": "x"}, {"weight_bits": None},
        {"tiles": []}, {"network": {}}, {"network_arrays": []}, {"chip": {}}, {"forbidden_cores": ["a"]},
        {"tiles": [{"population": "p0", "core": 4, "positions": 99}]},
    ],
)  # fmt: skip
def test_forged_fields_are_refused_with_a_message(saved, changes) -> None:
    resigned(saved, **changes)
    refuses(saved, ".")


def test_arrays_of_other_types_and_shapes_are_refused(saved) -> None:
    arrays = read_arrays(saved / "program.npz")
    for name, array in (
        ("routes.link_id", np.zeros((2, 2), np.int32)), ("routes.packet_core", np.zeros(3, np.float32)),
        ("usage.core_demand", np.zeros((1, 9), np.int64)), ("positions", np.zeros(1, np.int64)),
    ):  # fmt: skip
        write_arrays(saved / "program.npz", {**arrays, name: array})
        resigned(saved, arrays_sha256=store.file_digest(saved / "program.npz"))
        refuses(saved, "the program is damaged")


def test_an_archive_holds_arrays_only(tmp_path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="damaged"):
        read_arrays(path)
    np.savez_compressed(path, x=np.zeros(1000))
    with pytest.raises(InputError, match="compressed"):
        read_arrays(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "x.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999,), }"
        )
    with pytest.raises(InputError, match="damaged"):
        read_arrays(path)
    path.write_text("hello")
    with pytest.raises(InputError, match="damaged"):
        read_arrays(path)


def test_arrays_come_back_in_every_layout(tmp_path) -> None:
    arrays = {
        "c": np.arange(6).reshape(2, 3),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "e": np.zeros((0, 4)),
    }
    write_arrays(tmp_path / "x.npz", arrays)
    again = read_arrays(tmp_path / "x.npz")
    assert list(again) == list(arrays)
    for name, array in arrays.items():
        assert np.array_equal(again[name], array) and again[name].dtype == array.dtype


def test_a_notebook_shows_escaped_names() -> None:
    network = Network((Population("<b>in", (3,)),), (), ("<b>in",), None, name="<script>")
    html = map_network(network, make_chip(), effort="fast")._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "<td>p0</td><td>30</td>" in assigned()._repr_html_()


def test_a_program_says_what_it_is() -> None:
    assert repr(assigned()) == "Program('mlp' on test-chip: 5 tiles on 4 cores, 4 route classes)"


@pytest.mark.parametrize("name", [7, None, "another"])
def test_classes_of_populations_that_the_network_does_not_have(saved, name) -> None:
    names = json.loads((saved / "program.json").read_text())["route_classes"]
    resigned(saved, route_classes=[name, *names[1:]])
    refuses(saved, "tiles, classes or offsets name populations that the network does not have")
