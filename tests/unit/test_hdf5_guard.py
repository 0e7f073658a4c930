"""HDF5 files that lie about their sizes, lead out of themselves or turn in circles."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.hdf5 import Hdf5File
from neurocomp.frontend.read import load_network
from tests.nir_files import chain, node, sink, source, write

TEXT = h5py.string_dtype()
WEIGHT = "node/nodes/fc/weight"
HUGE = (131_072, 262_144)  # 128 GiB of float32


def spoilt(path: Path, change: Callable[[h5py.File], None]) -> Path:
    write(path, chain(("input", source(4)), ("fc", node("Linear", weight=np.eye(4))), ("output", sink(4))))
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def new_weight(file: h5py.File, **options: object) -> h5py.Dataset:
    del file[WEIGHT]
    return file.create_dataset(WEIGHT, **options)


def linked(link: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[WEIGHT]
        file[WEIGHT] = link

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 4), "f4")
    layout[...] = h5py.VirtualSource("other.h5", "x", (4, 4))
    del file[WEIGHT]
    file.create_virtual_dataset(WEIGHT, layout)


def circle(file: h5py.File) -> None:
    file["node/nodes/again"] = file["node"]


def endless_edges(file: h5py.File) -> None:
    del file["node/edges"]
    file.create_dataset("node/edges", shape=(2**31, 2), dtype=TEXT)


def group_for_weight(file: h5py.File) -> None:
    del file[WEIGHT]
    file.create_group(WEIGHT)


def unnamed(file: h5py.File) -> None:
    """Nothing but an object whose name is not UTF-8."""
    for name in list(file):
        del file[name]
    h5py.h5g.create(file.id, b"\xff\xfe")


def reference(file: h5py.File) -> None:
    new_weight(file, data=np.array([file["node"].ref], dtype=h5py.ref_dtype))


ENLARGED = {
    "never written": lambda f: new_weight(f, shape=HUGE, dtype="f4"),
    "never written, chunked": lambda f: new_weight(f, shape=HUGE, dtype="f4", chunks=(1024, 1024)),
    "never written, packed": lambda f: new_weight(f, shape=HUGE, dtype="f4", compression="gzip"),
    "huge chunk": lambda f: new_weight(f, shape=(4, 4), maxshape=(None, None), dtype="f4", chunks=(16_384, 16_384)),
    "text never written": endless_edges,
}
FOREIGN = {
    "external link": (linked(h5py.ExternalLink("/etc/hostname", "/x")), "is a link to another file: refused"),
    "soft link": (linked(h5py.SoftLink("/node/edges")), "is a soft link: refused"),
    "external storage": (
        lambda f: new_weight(f, shape=(4, 4), dtype="f4", external=[("/etc/hostname", 0, 64)]),
        "keeps its data in another file: refused",
    ),
    "virtual dataset": (virtual, "keeps its data in another file: refused"),
    "object references": (reference, "holds object references where numbers are expected"),
    "compound": (lambda f: new_weight(f, data=np.zeros(3, [("a", "f4"), ("b", "i4")])), "holds compound values"),
    "complex": (lambda f: new_weight(f, data=np.zeros((4, 4), complex)), "holds complex numbers"),
    "empty": (lambda f: new_weight(f, data=h5py.Empty("f4")), "is an empty dataset"),
    "unknown filter": (
        lambda f: new_weight(f, data=np.zeros((4, 4), "i4"), chunks=(4, 4), scaleoffset=0),
        "is packed with HDF5 filters [6]",
    ),
    "circle": (circle, "groups are nested deeper than 32 levels"),
    "names that are not text": (unnamed, "holds an object whose name is not text"),
    "group for a dataset": (group_for_weight, "is a group where a dataset is expected"),
}


@pytest.mark.parametrize("name", ENLARGED)
def test_declared_sizes_are_not_believed(tmp_path: Path, name: str) -> None:
    path = spoilt(tmp_path / "net.nir", ENLARGED[name])
    assert path.stat().st_size < 40_000
    tracemalloc.start()
    with pytest.raises(InputError, match=r"declares [\d,]+ bytes, but only [\d,]+ bytes of it are in the file"):
        load_network(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50 * 2**20


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_content_is_refused(tmp_path: Path, name: str) -> None:
    change, message = FOREIGN[name]
    with pytest.raises(InputError) as caught:
        load_network(spoilt(tmp_path / "net.nir", change))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "net.nir"))


def test_well_packed_arrays_are_read(tmp_path: Path) -> None:
    weight = np.zeros((512, 4), np.float32)
    weight[0] = 1.0
    path = spoilt(tmp_path / "net.nir", lambda f: new_weight(f, data=weight, compression="gzip", shuffle=True))
    network = load_network(path)
    assert network.by_name["fc"].shape == (512,)


NAMES = np.array([[f"node{k}", f"node{k + 1}"] for k in range(900)], dtype=object)
LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": (300, 1)},
    "packed": {"compression": "gzip"},
    "shuffled": {"compression": "gzip", "shuffle": True, "chunks": (257, 2)},
}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_is_read_in_every_layout(tmp_path: Path, layout: str, libver: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w", libver=libver) as file:
        file.create_dataset("names", data=NAMES, dtype=TEXT, **LAYOUTS[layout])
        file["one"], file["fixed"] = "ünïcode", np.array([b"input"], "S10")
        file.create_dataset("nothing", shape=(3,), dtype=TEXT)
    with Hdf5File(tmp_path / "x.h5") as root:
        assert np.array_equal(root.strings("names"), NAMES)
        assert (root.text("one"), root.text("fixed")) == ("ünïcode", "input")
        assert root.strings("nothing").tolist() == ["", "", ""]


def heap_of(path: Path) -> tuple[bytearray, int]:
    """A file with one string, and where its heap of strings begins."""
    with h5py.File(path, "w") as file:
        file["text"] = "some text"
    content = bytearray(path.read_bytes())
    return content, content.index(b"GCOL")


def text_in(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with Hdf5File(path) as root:
        return root.text("text")


def test_a_heap_that_does_not_advance_is_left(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    content, heap = heap_of(path)
    assert text_in(path, content) == "some text"
    content[heap + 24 : heap + 32] = bytes(8)  # the first object now has no length
    with pytest.raises(InputError, match="the heap at"):
        text_in(path, content)


def test_the_length_of_a_string_is_held_against_the_heap(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    content, heap = heap_of(path)
    element = content.index((9).to_bytes(4, "little") + heap.to_bytes(8, "little"))
    content[element : element + 4] = b"\xff" * 4
    with pytest.raises(InputError, match=f"string 1 of the heap at {heap} is not in the file"):
        text_in(path, content)


def test_names_and_text_must_be_printable(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a\x1b[31m"] = 1
        file["text"] = "red \x1b[31m"
    with Hdf5File(tmp_path / "x.h5") as root:
        with pytest.raises(InputError, match="is not a printable text"):
            root.text("text")
        with pytest.raises(InputError, match=r"a\\x1b\[31m: the name of this object is not printable"):
            root.names()
