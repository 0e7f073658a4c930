"""The exact message for each kind of file that is no frozen network."""

from __future__ import annotations

import argparse
import os
import pickle
import re
import zipfile
from pathlib import Path

import pytest

from neurocomp.errors import EXIT_BAD_INPUT, InputError
from neurocomp.frontend.frozen import write_frozen
from neurocomp.frontend.torchfile import read_torch
from neurocomp.network import Network, Population

NEXT = 'neurocomp.freeze(net, example_input, "net.pt")'


def message(path: Path) -> str:
    """The error that reading gives, with the folder removed."""
    with pytest.raises(InputError) as caught:
        read_torch(path)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return tmp_path / "net.pt"


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_missing(net: Path) -> None:
    assert message(net) == "net.pt: no such file\n  next: check the path"


def test_directory(net: Path) -> None:
    net.mkdir()
    assert message(net) == "net.pt: is a directory\n  next: give the file of the network, such as net.pt"


def test_empty(net: Path) -> None:
    net.touch()
    assert message(net) == (
        "net.pt: the file is empty\n  next: copy or download it again; if it still fails, save it again with torch.save"
    )


def test_git_lfs_pointer(net: Path) -> None:
    net.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    assert message(net) == (
        "net.pt: is a Git LFS pointer, not the file itself\n"
        "  why:  the repository was cloned without Git LFS\n"
        "  next: git lfs pull --include net.pt"
    )


def test_something_else(net: Path) -> None:
    net.write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    assert message(net) == (
        "net.pt: is neither a torch file nor any other format that neurocomp reads\n"
        "  why:  it begins with b'\\x89PNG\\r\\n\\x1a\\n and'\n"
        f"  next: call {NEXT} where the network is built"
    )


def test_truncated(net: Path, torch) -> None:
    torch.save({"weight": torch.ones(100)}, net)
    net.write_bytes(net.read_bytes()[:-200])
    assert message(net) == (
        "net.pt: the file is truncated or damaged\n"
        "  why:  BadZipFile: File is not a zip file\n"
        "  next: copy or download it again; if it still fails, save it again with torch.save"
    )


def test_truncated_frozen_network(net: Path, torch) -> None:
    """torch.save is none of what its user has called."""
    write_frozen(Network((Population("x", (3,)),), (), ("x",), "x"), net)
    whole = net.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2):
        net.write_bytes(whole[:size])
        assert message(net) == (
            "net.pt: the file is truncated or damaged\n"
            "  why:  BadZipFile: File is not a zip file\n"
            "  next: copy or download it again; if it still fails, freeze the network again"
        )


def test_one_byte_changed(net: Path, torch) -> None:
    torch.save({"weight": torch.ones(100)}, net)
    data = bytearray(net.read_bytes())
    data[data.index(torch.ones(4).numpy().tobytes()) + 2] ^= 1
    net.write_bytes(data)
    assert message(net) == (
        "net.pt:net/data/0: the file is truncated or damaged\n"
        "  why:  BadZipFile: Bad CRC-32 for file 'net/data/0'\n"
        "  next: copy or download it again; if it still fails, save it again with torch.save"
    )


def test_empty_zip(net: Path) -> None:
    zipfile.ZipFile(net, "w").close()
    assert message(net) == f"net.pt: is an empty zip archive\n  next: call {NEXT} where the network is built"


def test_another_zip(net: Path) -> None:
    with zipfile.ZipFile(net, "w") as archive:
        archive.writestr("word/document.xml", "<xml/>")
    assert message(net) == (
        "net.pt: is a zip archive, but not one of torch.save: it holds word/document.xml\n"
        f"  next: call {NEXT} where the network is built"
    )


ONLY_WEIGHTS = (
    "net.pt: holds only weights (4 tensors: 0.weight 8x1x3x3, 0.bias 8, 2.weight 10x72, 2.bias 10), not the network\n"
    "  why:  a state_dict does not say how the layers are joined nor, mostly, what the neurons do\n"
    "  next: give the code that builds the network: --source net.py:build, to compile, train or freeze"
)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model_state_dict": state, "epoch": 3},
        lambda state: {"net": state, "optimizer": {"param_groups": []}, "epoch": 3, "max_test_acc": 0.9},
        lambda state: {"model": state, "args": argparse.Namespace(lr=0.1)},
        lambda state: {"state_dict": {f"model.{k}": v for k, v in state.items()}, "pytorch-lightning_version": "2.0"},
        lambda state: {f"module.{k}": v for k, v in state.items()},
    ],
    ids=["bare", "model_state_dict", "spikingjelly", "timm", "lightning", "data_parallel"],
)
def test_weights_only(net: Path, torch, wrap) -> None:
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.Flatten(), torch.nn.Linear(72, 10))
    torch.save(wrap(layers.state_dict()), net)
    assert re.sub(r"\b(module|model)\.(?=\d)", "", message(net)) == ONLY_WEIGHTS, "names are those of the file"


def test_single_tensor(net: Path, torch) -> None:
    torch.save(torch.ones(3, 4), net)
    assert message(net) == (
        f"net.pt: holds a single tensor of shape (3, 4), not a network\n  next: call {NEXT} where the network is built"
    )


def test_list_of_weights(net: Path, torch) -> None:
    torch.save([torch.nn.Linear(2, 3).state_dict()] * 2, net)
    assert message(net) == (
        "net.pt: holds 2 state_dicts: 0 (2 tensors), 1 (2 tensors)\n"
        "  next: say which: --key 0, with the code that builds the network, --source net.py:build"
    )


def test_list_of_parameters(net: Path, torch) -> None:
    torch.save(list(torch.nn.Linear(2, 3).parameters()), net)
    assert message(net) == (
        "net.pt: holds a list of 2 tensors without names (3x2, 3), not a network\n"
        "  why:  weights find their layers by name; net.parameters() has none, and lacks batch norm's statistics\n"
        "  next: save net.state_dict() instead, and give it with the code that builds the network: "
        "--source net.py:build"
    )


def test_no_network_at_all(net: Path, torch) -> None:
    torch.save({"accuracy": 0.9}, net)
    assert message(net) == (f"net.pt: holds a dict without a network\n  next: call {NEXT} where the network is built")


CLASSES = (
    "  why:  its classes are looked up and checked only where a network is to be frozen\n"
    "  next: freeze it: neurocomp freeze net.pt --input x.npz (--source net.py if classes are your own)"
)


def test_whole_module(net: Path, torch) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()), net)
    assert message(net) == ("net.pt: is a pickled module of class torch.nn.modules.container.Sequential\n" + CLASSES)


def test_whole_spiking_module(net: Path, torch) -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    torch.save({"net": torch.nn.Sequential(torch.nn.Linear(4, 3), neuron.LIFNode()), "epoch": 1}, net)
    assert message(net) == (
        "net.pt: is a pickled module of class torch.nn.modules.container.Sequential (under 'net'); "
        "it uses spikingjelly.activation_based.neuron.lif.LIFNode, "
        "spikingjelly.activation_based.surrogate.Sigmoid\n" + CLASSES
    )


class Malicious:
    def __reduce__(self):
        return os.system, ("true",)


WOULD_RUN = (
    "net.pt: would run posix.system when loaded: refused\n"
    "  why:  a pickle is a program; nothing of it has been run\n"
    "  next: ask whoever made the file for a frozen network (neurocomp.freeze) instead"
)


def test_code_in_a_torch_file(net: Path, torch) -> None:
    torch.save({"state_dict": {"w": torch.ones(2)}, "extra": Malicious()}, net)
    assert message(net) == WOULD_RUN


def test_code_in_an_old_torch_file(net: Path, torch) -> None:
    torch.save(Malicious(), net, _use_new_zipfile_serialization=False)
    assert message(net) == WOULD_RUN


def test_code_in_a_bare_pickle(net: Path) -> None:
    net.write_bytes(pickle.dumps(Malicious()))
    assert message(net) == WOULD_RUN


def test_bare_pickle(net: Path) -> None:
    net.write_bytes(pickle.dumps(argparse.Namespace(weights=[1.0])))
    assert message(net) == (
        "net.pt: is a bare Python pickle of class argparse.Namespace, not a torch file\n"
        f"  next: call {NEXT} where the network is built"
    )


def test_old_torch_file(net: Path, torch) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), net, _use_new_zipfile_serialization=False)
    assert message(net) == (
        f"net.pt: was saved by a torch older than 1.6 (not a zip archive)\n  next: load it with torch, then {NEXT}"
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchscript(net: Path, torch) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(net))
    assert message(net) == (
        "net.pt: is a TorchScript archive (torch.jit.save)\n"
        "  why:  it holds compiled code in which the neurons can no longer be told apart\n"
        f"  next: call {NEXT} where the network is built; if it has no spiking neurons, neurocomp convert takes it as "
        "ONNX"
    )


def test_exported_program(net: Path, torch) -> None:
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),))
    exported = net.with_suffix(".pt2")
    torch.export.save(program, exported)
    assert message(exported) == (
        "net.pt2: is a torch.export archive (.pt2)\n"
        "  why:  its graph is looked up and its neurons are put back only where a network is to be frozen\n"
        "  next: freeze it: neurocomp freeze net.pt2 --input x.npz --steps T"
    )


def test_unreadable_tensor_type(net: Path, torch) -> None:
    torch.save({"neurocomp": "{}", "tensors": {"w": torch.ones(2, dtype=torch.complex64)}}, net)
    assert message(net) == (
        "net.pt: holds a tensor of type torch.ComplexFloatStorage, which neurocomp cannot read\n"
        "  next: convert it (for example with .float()) and save again"
    )


@pytest.mark.parametrize(
    ("description", "why"),
    [
        ("{", "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"schema": "neurocomp/network/1"}', "KeyError: 'populations'"),
    ],
)
def test_damaged_description(net: Path, torch, description: str, why: str) -> None:
    torch.save({"neurocomp": description, "tensors": {}}, net)
    assert message(net).startswith(f"net.pt: the network description is damaged\n  why:  {why}")


def test_version_of_the_future(net: Path, torch) -> None:
    torch.save({"neurocomp": '{"schema": "neurocomp/network/9"}', "tensors": {}}, net)
    assert message(net) == (
        "net.pt: holds a network of schema 'neurocomp/network/9'; this version reads 'neurocomp/network/1'\n"
        "  next: freeze the network again with this version of neurocomp"
    )
