"""Networks as people saved them: weights and the code that builds the network, wrapped checkpoints, pickled modules."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.example import Example
from neurocomp.frontend.live import freeze_file
from neurocomp.frontend.read import load_network
from neurocomp.frontend.usercode import Source, UserCode
from neurocomp.network import Network
from tests.source_files import images, write_code

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    return write_code(tmp_path)


def net_of(code: Path, name: str = "build") -> Any:
    with UserCode(Source(code, name)) as user:
        return user.built().eval()


def weights_of(network: Network) -> list[np.ndarray]:
    return [p.op.weight for p in network.projections if hasattr(p.op, "weight")]


def same(one: Network, other: Network) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


# weights and code -----------------------------------------------------------------------------------------
def wrapped(kind: str, state: dict[str, Any]) -> object:
    prefixed = {
        "data parallel": {f"module.{k}": v for k, v in state.items()},
        "compiled": {f"_orig_mod.{k}": v for k, v in state.items()},
        "compiled data parallel": {f"module._orig_mod.{k}": v for k, v in state.items()},
        "lightning": {f"model.{k}": v for k, v in state.items()},
        "other name": {f"backbone.{k}": v for k, v in state.items()},
    }
    return {
        "bare": state,
        "spikingjelly": {"net": state, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}, "epoch": 3},
        "timm": {"model": state, "epoch": 1},
        "list": [state],
        "named": {"model_state_dict": state, "loss": 0.5},
        "nested": {"state_dict": {"net": state}},
        "lightning": {"state_dict": prefixed["lightning"], "pytorch-lightning_version": "2.0"},
    }.get(kind) or prefixed[kind]


WRAPPED = {
    "bare": (),
    "spikingjelly": ("under 'net'",),
    "timm": ("under 'model'",),
    "list": ("alone in a list",),
    "named": ("under 'model_state_dict'",),
    "nested": ("under 'state_dict', under 'net'",),
    "lightning": ("under 'state_dict' of a Lightning checkpoint", "'model.' was taken off"),
    "data parallel": ("'module.' was taken off",),
    "compiled": ("'_orig_mod.' was taken off",),
    "compiled data parallel": ("'module._orig_mod.' was taken off",),
    "other name": ("'backbone.' was taken off",),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrapped_weights_are_found_and_it_is_said_where(tmp_path: Path, code: Path, kind: str) -> None:
    from neurocomp.frontend.module_file import module_with_weights

    net = net_of(code)
    with torch.no_grad():
        net.layers[0].weight.mul_(2)  # not what the code builds
    torch.save(wrapped(kind, net.state_dict()), tmp_path / "net.pt")
    with UserCode(Source(code, "build")) as user:
        module, notes = module_with_weights(tmp_path / "net.pt", user)
    assert torch.equal(module.layers[0].weight, net.layers[0].weight)
    assert len(notes) == len(WRAPPED[kind])
    assert all(words in note for words, note in zip(WRAPPED[kind], notes, strict=True))


@pytest.mark.parametrize("name", ["build", "build_single", "build_loop"])
def test_what_the_axes_mean_is_found_out(tmp_path: Path, code: Path, name: str) -> None:
    torch.save(net_of(code, name).state_dict(), tmp_path / "net.pt")
    labels = np.array([0, 1, 2, 0, 1])
    example = Example(images(), labels, None if name == "build_loop" else 4)
    network = freeze_file(tmp_path / "net.pt", f"{code}:{name}", example)
    sample = network.sample
    assert sample is not None and (sample.steps, sample.encoding) == (4, "direct")
    np.testing.assert_array_equal(sample.inputs, images())
    np.testing.assert_array_equal(sample.labels, labels)
    assert network.neuron_count == 35 and network.name == "net"


def test_inputs_that_vary_over_time(tmp_path: Path, code: Path) -> None:
    torch.save(net_of(code).state_dict(), tmp_path / "net.pt")
    for name in ("build", "build_single"):
        network = freeze_file(tmp_path / "net.pt", f"{code}:{name}", Example(images(5, 4)))
        assert network.sample is not None and network.sample.encoding == "temporal"
        np.testing.assert_array_equal(network.sample.inputs, images(5, 4))


def test_steps_are_asked_for_where_another_reading_of_the_axes_would_run(tmp_path: Path) -> None:
    """A flattening network would take the channel axis of images for time."""
    code = write_code(
        tmp_path,
        """
        from torch import nn
        from spikingjelly.activation_based import neuron
        def build():
            return nn.Sequential(nn.Flatten(), nn.Linear(36, 3), neuron.IFNode())
        """,
    )
    with pytest.raises(InputError, match="--steps: is needed: one forward pass of the module is one time step"):
        freeze_file(None, f"{code}:build", Example(images()))


def test_as_many_samples_as_steps_are_not_mistaken_for_them(tmp_path: Path, code: Path) -> None:
    torch.save(net_of(code).state_dict(), tmp_path / "net.pt")
    network = freeze_file(tmp_path / "net.pt", f"{code}:build", Example(images(4, 4)))
    assert network.sample is not None and network.sample.inputs.shape == (4, 4, 1, 6, 6)


def test_a_trained_network_needs_no_weights(code: Path) -> None:
    for name in ("build", "trained"):
        network = freeze_file(code, f"{code}:{name}", Example(images(), None, 4))
        assert same(network, freeze_file(None, f"{code}:build", Example(images(), None, 4)))


def test_safetensors(tmp_path: Path, code: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    net = net_of(code)
    save_file({k: v.to(torch.bfloat16) if v.is_floating_point() else v for k, v in net.state_dict().items()},
              tmp_path / "net.safetensors")  # fmt: skip
    network = load_network(tmp_path / "net.safetensors", source=f"{code}:build", example=images(), steps=4)
    assert same(network, freeze_file(code, f"{code}:build", Example(images(), None, 4)))
    data = (tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[:-8])
    with pytest.raises(InputError, match="damaged or truncated safetensors"):
        load_network(tmp_path / "cut.safetensors", source=f"{code}:build", example=images(), steps=4)


def test_weights_of_a_torch_before_1_6(tmp_path: Path, code: Path) -> None:
    torch.save({"net": net_of(code).state_dict()}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    network = load_network(tmp_path / "old.pt", source=f"{code}:build", example=images(), steps=4)
    assert network.assumptions[0] == f"the weights were taken from {tmp_path / 'old.pt'}, under 'net'"


def test_noise_in_place_of_data_is_told(code: Path) -> None:
    network = freeze_file(None, f"{code}:build", Example.of_shape((1, 6, 6), 4))
    assert network.sample is not None and network.sample.inputs.shape == (4, 1, 6, 6)
    assert any("is noise" in text for text in network.assumptions)


# the user's code ------------------------------------------------------------------------------------------
def test_the_process_is_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_code(tmp_path, "value = 3", "beside.py")
    code = write_code(tmp_path, """
        import os, sys
        import beside
        os.chdir("/"); sys.argv.append("x"); sys.path.insert(0, "/nowhere")
        print("hello")
        """)  # fmt: skip
    before = (list(sys.path), list(sys.argv), os.getcwd(), set(sys.modules), sorted(tmp_path.iterdir()))
    with UserCode(Source(code, "x")) as user:
        assert user.module.beside.value == 3
    assert before == (list(sys.path), list(sys.argv), os.getcwd(), set(sys.modules), sorted(tmp_path.iterdir()))
    told = capsys.readouterr()
    assert told.out == "" and told.err == "hello\n"


def test_a_file_named_like_a_module_hides_it_from_nobody(tmp_path: Path) -> None:
    import json

    code = write_code(tmp_path, "import json\nmine = True", "json.py")
    with UserCode(Source(code, "x")) as user:
        assert user.module.mine
        assert sys.modules["json"] is json
    assert sys.modules["json"] is json


# pickled modules ------------------------------------------------------------------------------------------
def test_a_pickled_module_of_library_classes(tmp_path: Path, code: Path) -> None:
    layers = net_of(code).layers
    torch.save(layers, tmp_path / "whole.pt")
    torch.save({"net": layers, "epoch": 3}, tmp_path / "wrapped.pt")
    expected = freeze_file(None, f"{code}:build", Example(images(), None, 4))
    for name in ("whole.pt", "wrapped.pt"):
        assert same(load_network(tmp_path / name, example=images(), steps=4), expected)


def test_a_pickled_module_of_the_users_class_needs_its_file(tmp_path: Path, code: Path) -> None:
    with UserCode(Source(code, "build")) as user:
        torch.save(user.built(), tmp_path / "whole.pt")
    with pytest.raises(InputError, match=r"needs the class net\.Net.*\n.*\n.*--source net\.py"):
        load_network(tmp_path / "whole.pt", example=images(), steps=4)
    network = load_network(tmp_path / "whole.pt", source=str(code), example=images(), steps=4)
    assert network.neuron_count == 35


def test_a_module_that_a_script_pickled(tmp_path: Path, code: Path) -> None:
    """Its class is of __main__; the file of the script gives it."""
    import subprocess

    script = code.read_text() + "\nif __name__ == '__main__':\n    torch.save({'net': build()}, 'whole.pt')\n"
    code.write_text(script)
    subprocess.run([sys.executable, code.name], cwd=tmp_path, check=True)
    with pytest.raises(InputError, match=r"needs the class __main__\.Net"):
        load_network(tmp_path / "whole.pt", example=images(), steps=4)
    network = load_network(tmp_path / "whole.pt", source=str(code), example=images(), steps=4)
    assert same(network, freeze_file(None, f"{code}:build", Example(images(), None, 4)))


def test_a_pickled_sinabs_module(tmp_path: Path) -> None:
    sl = pytest.importorskip("sinabs.layers")
    net = torch.nn.Sequential(torch.nn.Linear(36, 8), sl.IAF())
    torch.save(net, tmp_path / "whole.pt")
    from neurocomp.frontend.classes import load_module
    from neurocomp.frontend.torchfile import read_saved

    loaded = load_module(tmp_path / "whole.pt", read_saved(tmp_path / "whole.pt"), None)
    assert torch.equal(loaded[0].weight, net[0].weight) and type(loaded[1]) is sl.IAF


class Global:
    """Pickles as the global of that name."""

    def __init__(self, module: str, name: str, call: bool) -> None:
        self.what = module, name, call

    def __reduce__(self) -> Any:
        raise NotImplementedError


def pickled_global(module: str, name: str, ending: bytes) -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + ending + b"."


@pytest.mark.parametrize(
    ("module", "name", "ending", "why"),
    [
        ("torch.nn.functional", "relu", b"", "it is no class"),
        ("torch.nn.modules.linear", "math", b"", "it is no class"),
        ("torch.nn.parallel.data_parallel", "Sequence", b"", "no layer of a network"),
        ("torch.nn.modules.linear", "Linear", b"(K\x01K\x01tR", "would run torch.nn.modules.linear.Linear"),
        ("spikingjelly.activation_based.examples.lif_fc_mnist", "Net", b")\x81", "which no library has"),
        ("spikingjelly.activation_based.layer", "os", b"", "the installed version has no such class"),
        ("snntorch.surrogate", "atan", b")\x81", "functions never pass"),
        ("nets", "Net", b")\x81", "which no library has"),
    ],
)
def test_only_classes_of_layers_pass(tmp_path: Path, module: str, name: str, ending: bytes, why: str) -> None:
    import zipfile

    path = tmp_path / "net.pt"
    held = b"\x80\x02}X\x03\x00\x00\x00net" + b"ctorch.nn.modules.container\nSequential\n)\x81s"
    extra = b"X\x01\x00\x00\x00x" + pickled_global(module, name, ending)[2:-1] + b"s."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", held + extra)
        archive.writestr("a/version", b"3\n")
        archive.writestr("a/byteorder", b"little")
    assert pickle.loads.__name__ == "loads"
    with pytest.raises(InputError, match=why):
        load_network(path, example=images(), steps=4)
