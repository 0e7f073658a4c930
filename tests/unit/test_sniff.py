"""Files are known by their content, whatever they are called."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.read import load_network
from neurocomp.frontend.sniff import sniff
from tests.lava_files import spikes_in
from tests.lava_files import write as write_lava
from tests.nir_files import chain, lif, sink, source
from tests.nir_files import write as write_nir


def zipped(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return held.getvalue()


@pytest.mark.parametrize("name", ["net.nir", "net.pt", "net", "net.h5"])
def test_nir_under_any_name(tmp_path: Path, name: str) -> None:
    path = write_nir(tmp_path / name, chain(("input", source(2)), ("lif", lif()), ("output", sink(2))))
    assert sniff(path) == "nir"
    assert load_network(path).origin == "NIR 1.0.8"


def test_lava_under_any_name(tmp_path: Path) -> None:
    path = write_lava(tmp_path / "net.nir", spikes_in(2, 1, 1))
    assert sniff(path) == "lava"
    assert load_network(path).origin == "lava-dl"


TORCH = {
    "frozen or state_dict": zipped("archive/data.pkl", "archive/data/0"),
    "TorchScript": zipped("net/code/net.py", "net/data.pkl", "net/constants.pkl"),
    "export archive": zipped("net/models/model.json", "net/data/weights/w0"),
    "pickle of torch before 1.6": pickle.dumps({"a": 1}, protocol=2),
    "pickle": pickle.dumps({"a": 1}, protocol=5),
    "empty zip": zipped(),
    "truncated zip": zipped("archive/data.pkl")[:60],
}


@pytest.mark.parametrize("name", TORCH)
def test_torch_files_go_to_their_reader(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.nir"
    path.write_bytes(TORCH[name])
    assert sniff(path) == "torch"


def test_a_zip_of_something_else_does_not(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(zipped("word/document.xml", "[Content_Types].xml"))
    with pytest.raises(InputError, match="a zip archive that torch did not write"):
        sniff(path)


def test_a_missing_file_suggests_names_beside_it(tmp_path: Path) -> None:
    for name in ("digits_net.pt", "net.nir", "unrelated.csv"):
        (tmp_path / name).touch()
    for asked, suggested in [("digits-net.pt", "digits_net.pt"), ("net.pt", "net.nir")]:
        with pytest.raises(InputError) as caught:
            sniff(tmp_path / asked)
        (finding,) = caught.value.diagnostics
        assert finding.hint.startswith("did you mean ")
        assert str(tmp_path / suggested) in finding.hint
        assert "unrelated" not in finding.hint


def test_a_directory_suggests_the_network_in_it(tmp_path: Path) -> None:
    (tmp_path / "net.pt").touch()
    with pytest.raises(InputError, match=r"is a directory, not a file\n  next: did you mean .*net\.pt\?"):
        sniff(tmp_path)


def test_hdf5_behind_a_user_block_is_told_how_to_repack(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["node/type"] = "NIRGraph"
    with pytest.raises(InputError, match="h5repack"):
        sniff(path)


def test_any_small_prefix_of_a_good_file_is_bad_input(tmp_path: Path) -> None:
    path = write_nir(tmp_path / "net.nir", chain(("input", source(2)), ("lif", lif()), ("output", sink(2))))
    content = path.read_bytes()
    cut = tmp_path / "cut.nir"
    for length in np.linspace(0, len(content) - 1, 25).astype(int):
        cut.write_bytes(content[:length])
        with pytest.raises(InputError):
            load_network(cut)
