"""The reader of torch archives against torch itself, and against files made to harm it."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.errors import InputError, NeurocompError, ResourceLimitError
from neurocomp.frontend import torchfile, torchzip
from neurocomp.frontend.frozen import write_frozen
from neurocomp.frontend.pickled import PickleDamaged, read_pickle
from neurocomp.network import Linear, Network, Neuron, Population, Projection, Sample

torch = pytest.importorskip("torch")


def small_network(seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(3, 4)).astype(np.float32)
    neuron = Neuron(v_decay=0.5, threshold=rng.uniform(0.5, 1, 3).astype(np.float32), compare=">")
    return Network(
        (Population("input", (4,)), Population("out", (3,), neuron, bias=np.array([0.0, 0.5, 1.0], np.float32))),
        (Projection("fc", "input", "out", Linear(weight)),),
        ("input",),
        "out",
        name="small",
        origin="test",
        assumptions=("one", "two"),
        sample=Sample(rng.random((5, 4), np.float32), 6, "direct", np.arange(5) % 3),
    )


def saved(path: Path, content: object, **options: object) -> Path:
    torch.save(content, path, **options)
    return path


ALL_TYPES = [
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint8,
    torch.uint16,
    torch.bool,
]


def tree(path: Path) -> Any:
    """What was saved, tensors as arrays."""
    return torchfile.read_saved(path).value


@pytest.mark.parametrize("dtype", ALL_TYPES, ids=str)
def test_every_type_is_read_as_torch_reads_it(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = (torch.randn(5, 7, generator=torch.Generator().manual_seed(3)) * 3).abs().to(dtype)
    array = tree(saved(tmp_path / "a.pt", {"t": tensor}))["t"]
    expected = tensor.float().numpy() if dtype == torch.bfloat16 else tensor.numpy()
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_views_share_their_storage_and_keep_strides(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(2, 3, 4)
    views = {
        "turned": base.permute(2, 0, 1),
        "part": base[1, 1:, ::2],
        "spread": torch.ones(1).expand(3, 4),
        "scalar": torch.tensor(2.5),
        "nothing": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base[0]),
    }
    read = tree(saved(tmp_path / "v.pt", views))
    assert list(read) == list(views)
    for name, view in views.items():
        np.testing.assert_array_equal(read[name], view.detach().numpy(), err_msg=name)
    assert np.shares_memory(read["turned"], read["parameter"])


def test_plain_containers_come_back(tmp_path: Path) -> None:
    values = [1, 2.5, None, True, "text", b"bytes", (1, (2,)), {"b": 2**70}]
    content = {"a": values, 3: torch.nn.Linear(1, 1).state_dict()}
    read = tree(saved(tmp_path / "c.pt", content))
    assert read["a"] == content["a"]
    assert set(read[3]) == {"weight", "bias"}


def test_storage_on_a_gpu_is_plain_data(tmp_path: Path) -> None:
    path = saved(tmp_path / "g.pt", {"t": torch.arange(3.0)})
    data = rewritten(path, lambda pkl: pkl.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
    (tmp_path / "gpu.pt").write_bytes(data)
    np.testing.assert_array_equal(tree(tmp_path / "gpu.pt")["t"], [0, 1, 2])


def test_big_endian_archives_are_turned(tmp_path: Path) -> None:
    path = saved(tmp_path / "b.pt", {"t": torch.tensor([1.5, -2.0])})
    swapped = struct.pack(">2f", 1.5, -2.0)
    data = rewritten(path, replace={"byteorder": b"big", "data/0": swapped})
    (tmp_path / "big.pt").write_bytes(data)
    np.testing.assert_array_equal(tree(tmp_path / "big.pt")["t"], [1.5, -2.0])


def rewritten(path: Path, change=lambda pkl: pkl, replace: dict[str, bytes] | None = None, **options: object) -> bytes:
    """The archive with its pickle changed and some entries replaced (or dropped, by None)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w", **options) as new:
        for info in old.infolist():
            name = info.filename.partition("/")[2]
            data = old.read(info)
            data = change(data) if name == "data.pkl" else (replace or {}).get(name, data)
            if data is not None:
                new.writestr(info.filename, data)
    return buffer.getvalue()


# frozen files ---------------------------------------------------------------------------------------------
def test_frozen_network_survives_the_round_trip(tmp_path: Path) -> None:
    from neurocomp.network.serial import to_tree

    network = small_network()
    back = torchfile.read_torch(write_frozen(network, tmp_path / "net.pt"))
    (tree, arrays), (tree_back, arrays_back) = to_tree(network), to_tree(back)
    assert tree == tree_back
    assert list(arrays) == list(arrays_back)
    for name, array in arrays.items():
        assert array.dtype == arrays_back[name].dtype
        np.testing.assert_array_equal(array, arrays_back[name])


def test_frozen_file_is_one_for_torch_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    first = write_frozen(small_network(), tmp_path / "first.pt").read_bytes()
    second = write_frozen(small_network(), tmp_path / "other_name.pt").read_bytes()
    assert first == second
    loaded = torch.load(tmp_path / "first.pt", weights_only=True)
    assert set(loaded) == {"neurocomp", "tensors"}
    assert loaded["tensors"]["fc.weight"].shape == (3, 4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first.pt", "other_name.pt"]


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_frozen(small_network(), tmp_path / "missing" / "net.pt")
    assert list(tmp_path.iterdir()) == []


# files that were not made by honest people -----------------------------------------------------------------
class Runs:
    """Unpickling this would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_pickle_is_ever_run(tmp_path: Path, protocol: int) -> None:
    flag = tmp_path / "was_run"
    for content in (Runs(flag), {"neurocomp": "{}", "tensors": {}, "more": [Runs(flag)]}):
        bare = tmp_path / "bare.pkl"
        bare.write_bytes(pickle.dumps(content, protocol))
        zipped = saved(tmp_path / "zip.pt", content, pickle_protocol=max(protocol, 2))
        for path in (bare, zipped):
            with pytest.raises(InputError, match=r"would run .*system when loaded: refused"):
                torchfile.read_torch(path)
        with pytest.raises(InputError, match=r"would run .*system"):
            tree(zipped)
    assert not flag.exists()


def test_sizes_are_checked_before_anything_is_allocated(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"t": torch.arange(4.0)})
    cases = {
        "more elements than stored": lambda p: p.replace(b"cpuq\x06K\x04t", b"cpuq\x06M\xff\xfft"),
        "a window beyond the storage": lambda p: p.replace(b"K\x00K\x04\x85", b"K\x02K\x04\x85"),
        "a huge size": lambda p: p.replace(b"K\x00K\x04\x85", b"K\x00J\xff\xff\xff\x7f\x85"),
        "a negative offset": lambda p: p.replace(b"K\x00K\x04\x85", b"J\xff\xff\xff\xffK\x04\x85"),
    }
    original = zipfile.ZipFile(path).read("a/data.pkl")
    for name, change in cases.items():
        assert change(original) != original, name
        (tmp_path / "bad.pt").write_bytes(rewritten(path, change))
        with pytest.raises(InputError, match="truncated or damaged"):
            tree(tmp_path / "bad.pt")


def test_expanding_one_element_to_terabytes_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"t": torch.ones(1).expand(2**20, 2**20)})
    with pytest.raises(InputError, match="in 1 stored ones"):
        tree(path)


def test_missing_tensor_data_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"t": torch.arange(4.0)})
    (tmp_path / "bad.pt").write_bytes(rewritten(path, replace={"data/0": None}))
    with pytest.raises(InputError, match="data/0 is missing"):
        tree(tmp_path / "bad.pt")


def test_zip_bombs_and_odd_archives_are_refused(tmp_path: Path) -> None:
    def archive(name: str, *entries: tuple[str, bytes], **options: object) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", **options) as out:
            for entry, data in entries:
                out.writestr(entry, data)
        return tmp_path / name

    bomb = archive("bomb.pt", ("a/data.pkl", bytes(10**7)), compression=zipfile.ZIP_DEFLATED)
    outside = archive("outside.pt", ("a/data.pkl", b"N."), ("../x", b""))
    exotic = archive("exotic.pt", ("a/data.pkl", b"N."), compression=zipfile.ZIP_BZIP2)
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive("twice.pt", ("a/data.pkl", b"N."), ("a/data.pkl", b"N."))
    for path, words in (
        (bomb, "zip bomb"),
        (outside, "outside the archive"),
        (exotic, "compressed with method"),
        (twice, "twice"),
    ):
        with pytest.raises(InputError, match=words):
            torchfile.read_torch(path)


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"t": torch.arange(1000.0)})
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    sizes = data.index(struct.pack("<I", 4000), directory)
    data[sizes : sizes + 8] = struct.pack("<II", 10**6, 10**6)  # packed and unpacked size in the directory
    (tmp_path / "bad.pt").write_bytes(data)
    with pytest.raises(InputError, match="more than the file has"):
        torchfile.read_torch(tmp_path / "bad.pt")


def test_a_pickle_of_implausible_size_is_a_resource_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchfile, "MAX_PICKLE_BYTES", 10)
    with pytest.raises(ResourceLimitError, match="at most 10 are read"):
        torchfile.read_torch(saved(tmp_path / "a.pt", {"t": torch.arange(4.0)}))


def test_doubling_structures_cost_no_time(tmp_path: Path) -> None:
    doubled = b"\x80\x02" + b"K\x01" + b"2\x86" * 200 + b"."  # t = (t, t), two hundred times
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as out:
        out.writestr("a/data.pkl", doubled)
    with pytest.raises(InputError, match="without a network"):
        torchfile.read_torch(tmp_path / "a.pt")
    assert isinstance(tree(tmp_path / "a.pt"), tuple)


@pytest.mark.parametrize(
    "data",
    [b"", b".", b"N", b"(", b"]K\x01s.", b"K\x01K\x02R.", b"h\x00.", b"(K\x01u.", b"\x82\x01.", b"}(]K\x01u.", b"(((("],
)
def test_malformed_pickles_are_reported(data: bytes) -> None:
    with pytest.raises(PickleDamaged):
        read_pickle(data)


# whatever happens to the bytes, the answer is one error or the same network -----------------------------------
@pytest.fixture(scope="module")
def archive_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_frozen(small_network(), tmp_path_factory.mktemp("frozen") / "net.pt").read_bytes()


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def reads_or_refuses(path: Path) -> None:
    try:
        network = torchfile.read_torch(path)
    except NeurocompError as error:
        assert error.exit_code in (2, 5)
        assert str(path) in str(error) or error.diagnostics
    else:
        assert isinstance(network, Network)


@FUZZ
@given(cut=st.floats(0, 1))
def test_truncated_archives_only_raise_input_errors(archive_bytes: bytes, tmp_path: Path, cut: float) -> None:
    path = tmp_path / "cut.pt"
    path.write_bytes(archive_bytes[: int(cut * (len(archive_bytes) - 1))])
    with pytest.raises(InputError):
        torchfile.read_torch(path)


@FUZZ
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))
def test_mutated_archives_only_raise_input_errors(archive_bytes: bytes, tmp_path: Path, changes: list) -> None:
    data = bytearray(archive_bytes)
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path / "mutated.pt"
    path.write_bytes(data)
    reads_or_refuses(path)


@FUZZ
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))
def test_mutated_pickles_only_raise_input_errors(archive_bytes: bytes, tmp_path: Path, changes: list) -> None:
    """As above, but with a valid zip around the damage, so that the checksum does not catch it first."""
    whole = tmp_path / "whole.pt"
    whole.write_bytes(archive_bytes)

    def mutate(pkl: bytes) -> bytes:
        data = bytearray(pkl)
        for place, value in changes:
            data[int(place * len(data))] = value
        return bytes(data)

    path = tmp_path / "mutated.pt"
    path.write_bytes(rewritten(whole, mutate))
    reads_or_refuses(path)


@FUZZ
@given(data=st.binary(max_size=200))
def test_random_pickles_only_raise_one_error(data: bytes) -> None:
    with contextlib.suppress(PickleDamaged):
        read_pickle(data)


def test_reading_needs_no_torch(archive_bytes: bytes, tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "net.pt").write_bytes(archive_bytes)
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from neurocomp.frontend.torchfile import read_torch\n"
        f"print(read_torch({str(tmp_path / 'net.pt')!r}).neuron_count)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_freezing_without_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r'pip install "neurocomp\[torch\]"'):
        write_frozen(small_network(), tmp_path / "net.pt")


def test_the_archive_is_closed_after_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", {"t": torch.ones(2)})
    with torchzip.TorchZip(path) as archive, pytest.raises(KeyError):
        archive.read("no such entry")
    with pytest.raises(InputError):
        archive.read("a/data.pkl")
