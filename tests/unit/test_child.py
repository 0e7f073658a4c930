"""Files are taken apart in a process of their own, which may crash, hang or eat memory alone."""

from __future__ import annotations

import os
import signal
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurocomp.errors import InputError, ResourceLimitError
from neurocomp.frontend import child
from neurocomp.frontend.child import Child, children_possible
from neurocomp.frontend.hdf5 import Hdf5File
from neurocomp.frontend.hdf5_child import open_hdf5
from neurocomp.frontend.read import load_network
from neurocomp.network.serial import to_tree
from tests.nir_files import chain, lif, node, sink, source, write


@pytest.fixture(autouse=True)
def with_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(child.SWITCH)
    if not children_possible():
        pytest.skip("no limits for processes here")


def nir(path: Path) -> Path:
    weight = np.random.default_rng(0).normal(size=(3, 4))
    return write(
        path, chain(("input", source(4)), ("fc", node("Linear", weight=weight)), ("lif", lif()), ("output", sink(3)))
    )


def test_the_same_network_comes_from_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = nir(tmp_path / "net.nir")
    there = to_tree(load_network(path))
    monkeypatch.setenv(child.SWITCH, "1")
    here = to_tree(load_network(path))
    assert there[0] == here[0]
    assert all(np.array_equal(there[1][name], here[1][name]) for name in here[1])


def test_a_network_is_read_by_one_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Child] = []
    start = Child.__init__

    def counted(self: Child, *arguments: object) -> None:
        started.append(self)
        start(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Child, "__init__", counted)
    load_network(nir(tmp_path / "net.nir"))
    assert len(started) == 1 and started[0].process.returncode is not None


def test_all_that_is_asked_of_a_group(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["a/b/flags"] = np.array([[True], [False]])
        file["a/one"] = np.float16(1.5)
        file["a/big"] = np.arange(5, dtype=">i4")
        file["a/none"] = np.zeros((0, 3))
        file["text"] = np.array([["x", "yes"]], dtype=h5py.string_dtype())
    with open_hdf5(path) as there, Hdf5File(path) as here:
        assert there.names() == here.names() == ("a", "text")
        assert there.is_group("a") and there.has("text") and there.is_text("text")
        np.testing.assert_array_equal(there.strings("text"), here.strings("text"))
        for name in ("one", "big", "none"):
            found, expected = there.group("a").array(name), here.group("a").array(name)
            np.testing.assert_array_equal(found, expected)
            assert found.shape == expected.shape and found.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(there.group("a").group("b").array("flags"), [[True], [False]])
        for group in (there, here):
            with pytest.raises(InputError, match=r"file\.h5: a: is a group where a dataset is expected"):
                group.array("a")
            with pytest.raises(InputError, match="is missing in the file"):
                group.group("nothing")


def test_a_child_that_crashes(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="the process that tried to ended\n  why:  it was ended by signal 11"),
        open_hdf5(nir(tmp_path / "net.nir")) as root,
    ):
        os.kill(root.child.process.pid, signal.SIGSEGV)  # type: ignore[attr-defined]
        root.group("node")


def test_a_child_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(ResourceLimitError, match="takes longer than 0 s"),
        open_hdf5(nir(tmp_path / "net.nir")) as root,
    ):
        os.kill(root.child.process.pid, signal.SIGSTOP)  # type: ignore[attr-defined]
        root.child.seconds = 0.2  # type: ignore[attr-defined]
        root.group("node")


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b'{"array": ["O", [3]]}', b'{"array": ["f4", [-1]]}', b"\xff", b"{" * 9000]
)
def test_an_answer_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    boot = f"import sys; sys.stdin.readline(); sys.stdout.buffer.write({line + bytes([10])!r}); sys.stdout.flush()"
    monkeypatch.setattr(child, "BOOT", boot)
    with Child("hdf5", nir(tmp_path / "net.nir"), 0) as run:
        if line == b"{}":
            assert run.ask("contents", []) is None
        else:
            with pytest.raises(InputError, match="the process that tried to ended"):
                run.ask("contents", [])


def test_arrays_beyond_the_limit_are_not_allocated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "BOOT", """print('{"array": ["f8", [1073741825]]}', flush=True)""")
    with Child("hdf5", nir(tmp_path / "net.nir"), 0) as run, pytest.raises(InputError, match="no answer"):
        run.ask("array", [], "x")


# pickles --------------------------------------------------------------------------------------------------
def torch_file(path: Path, pickle: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle)
    return path


def test_a_pickle_that_works_for_hours_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys whose hashes collide: each is compared with all before it."""
    keys = [(k * (2**61 - 1)).to_bytes(12, "little") for k in range(1, 60_000)]
    pickle = b"\x80\x02}(" + b"".join(b"\x8a\x0c" + key + b"N" for key in keys) + b"u."
    monkeypatch.setattr(child, "SECONDS", 1.0)
    with pytest.raises(ResourceLimitError, match="takes longer than 1 s"):
        load_network(torch_file(tmp_path / "net.pt", pickle))


def test_a_pickle_that_takes_all_memory_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickle = b"\x80\x02(" + b"]" * 2_500_000 + b"l."
    monkeypatch.setattr(child, "PICKLE_BYTES", 0)
    monkeypatch.setattr(child, "BASE_BYTES", 150 << 20)
    with pytest.raises(ResourceLimitError, match="needs more memory"):
        load_network(torch_file(tmp_path / "net.pt", pickle))


def test_a_long_pickle_that_is_fine_is_read(tmp_path: Path) -> None:
    pickle = b"\x80\x02}X\x01\x00\x00\x00a(" + b"K\x01" * 100_000 + b"ls."
    with pytest.raises(InputError, match="holds a dict without a network"):
        load_network(torch_file(tmp_path / "net.pt", pickle))


def test_other_large_files_are_rehearsed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neurocomp.frontend.onnx_wire import read_onnx
    from neurocomp.frontend.pt2 import read_pt2
    from tests.onnx_files import block, number

    monkeypatch.setattr(child, "BASE_BYTES", 150 << 20)
    monkeypatch.setattr(child, "PICKLE_BYTES", 0)
    listed = block(1, block(1, "x") + block(4, "Relu") + block(5, block(1, "a") + number(8, 2**40) * 2_000_000))
    (tmp_path / "net.onnx").write_bytes(number(1, 8) + block(7, listed))
    with monkeypatch.context() as hurried, pytest.raises(ResourceLimitError, match="takes longer than 1 s"):
        hurried.setattr(child, "SECONDS", 0.1)
        read_onnx(tmp_path / "net.onnx")
    with zipfile.ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr("net/models/model.json", "[" + "[]," * 2_500_000 + "0]")
    with pytest.raises(ResourceLimitError, match="needs more memory"):
        read_pt2(tmp_path / "net.pt2")
