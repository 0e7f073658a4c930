"""torch.export archives: their graphs read from JSON, their neurons put back, nothing of them executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.example import Example
from neurocomp.frontend.live import freeze_file
from neurocomp.frontend.pt2 import read_pt2
from neurocomp.frontend.read import load_network
from neurocomp.network import Network
from tests.pt2_files import archive, meta, nodes, operation, ref

torch = pytest.importorskip("torch")
X = (np.random.default_rng(0).integers(0, 9, (6, 3)) / 8).astype(np.float32)
WEIGHT = (np.arange(15).reshape(5, 3) / 8 - 0.5).astype(np.float32)


def file(folder: Path, data: bytes) -> Path:
    path = folder / "net.pt2"
    path.write_bytes(data)
    return path


def frozen(path: Path, x: np.ndarray = X, steps: int | None = 4) -> Network:
    return load_network(path, example=x, steps=steps)


def test_an_archive_becomes_a_network(tmp_path: Path) -> None:
    network = frozen(file(tmp_path, archive(nodes(), WEIGHT)))
    assert network.origin == "torch.export archive" and "the code was not run" in network.assumptions[0]
    (projection,) = network.projections
    assert projection.name == "fc" and np.array_equal(projection.op.weight, WEIGHT)  # type: ignore[union-attr]
    neuron = network.by_name["lif"].neuron
    assert neuron is not None
    assert (neuron.v_decay, neuron.v_gain, neuron.threshold, neuron.reset) == (0.5, 0.5, 0.5, "zero")
    assert network.sample is not None and network.sample.inputs.shape == (6, 3) and network.sample.steps == 4


def test_what_spikingjelly_exports(tmp_path: Path) -> None:
    sj = pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import functional, layer, neuron

    assert sj
    net = torch.nn.Sequential(
        layer.Conv2d(1, 3, 3, bias=False), layer.BatchNorm2d(3), neuron.IFNode(v_reset=None), layer.MaxPool2d(2),
        layer.Flatten(), layer.Linear(12, 8), neuron.ParametricLIFNode(init_tau=4.0, decay_input=False, v_reset=0.25),
        layer.Linear(8, 4), neuron.LIFNode(tau=3.0),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    generator = torch.Generator().manual_seed(3)
    for p in net.parameters():
        if p.ndim > 1:
            p.data = torch.randint(-8, 16, p.shape, generator=generator) / 8
    net.eval()
    torch.export.save(torch.export.export(net, (torch.rand(4, 2, 1, 6, 6),), strict=False), tmp_path / "net.pt2")
    x = (np.random.default_rng(0).integers(0, 9, (5, 1, 6, 6)) / 8).astype(np.float32)
    functional.reset_net(net)
    theirs = freeze_file(None, _code(tmp_path, net), Example(x, None, 4))
    ours = frozen(tmp_path / "net.pt2", x)
    for one, other in zip(theirs.populations, ours.populations, strict=True):
        assert (one.neuron is None) == (other.neuron is None)
        if one.neuron is not None and other.neuron is not None:
            assert one.neuron.settings() == other.neuron.settings()
            a, b = one.neuron.parameters(), other.neuron.parameters()
            assert a.keys() == b.keys() and all(np.allclose(a[k], b[k]) for k in a)


def _code(folder: Path, net: Any) -> str:
    """A file whose function gives this very module."""
    torch.save(net, folder / "whole.pt")
    (folder / "net.py").write_text(
        f"import torch\ndef build():\n    return torch.load({str(folder / 'whole.pt')!r}, weights_only=False)\n"
    )
    return f"{folder / 'net.py'}:build"


def test_data_of_another_shape(tmp_path: Path) -> None:
    path = file(tmp_path, archive(nodes(), WEIGHT))
    with pytest.raises(InputError, match=r"exported for \(4, 2, 3\)"):
        frozen(path, X[:, :2])
    with pytest.raises(InputError, match=r"exported for \(4, 2, 3\)"):
        frozen(path, X, 5)
    network = frozen(path, np.repeat(X[:, None], 4, 1), None)
    assert network.sample is not None and network.sample.encoding == "temporal"


def changed(**inputs: Any) -> list[dict[str, Any]]:
    """The archive's steps with inputs of the neuron replaced."""
    steps = nodes()
    steps[3]["inputs"] = [{**i, "arg": inputs.get(i["name"], i["arg"])} for i in steps[3]["inputs"]]
    return steps


STRANGE = operation("aten.from_file.default", "sum", "fc", filename={"as_string": "/etc/passwd"})
HUGE = operation("aten.expand.default", "sum", "fc", self=ref("x"), size={"as_ints": [2**40, 2, 3]})
FOREIGN = operation("evil.run.default", "sum", "fc", x=ref("x"))
CODE = [{"as_expr": {"expr_str": "__import__('os').system('true')"}}]
CASES: dict[str, tuple[bytes, str]] = {
    "no neurons": (archive(nodes()[:1], WEIGHT), "without neurons: they were broken up into single operations"),
    "an operation that reads files": (archive([STRANGE, *nodes()[1:]], WEIGHT), r"op aten\.from_file\.default has no"),
    "a library's operation": (archive([FOREIGN, *nodes()[1:]], WEIGHT), r"op evil\.run\.default"),
    "too many elements": (archive([HUGE, *nodes()[1:]], WEIGHT), "asks for more than 268,435,456 elements"),
    "membrane from the input": (archive(changed(v=ref("sum")), WEIGHT), "does not begin from a constant"),
    "a name from nowhere": (archive(changed(x=ref("nothing")), WEIGHT), "'nothing', which nothing before it makes"),
    "another schema": (archive(nodes(), WEIGHT, major=99), "schema version 99 where 8 is read"),
    "sizes that change": (archive(nodes(), WEIGHT, sizes=CODE), "dynamic_shapes"),
    "a tensor larger than its file": (archive(nodes(), WEIGHT, tensor_meta=meta((5, 300))), "beyond 15 stored"),
    "a pickled tensor": (archive(nodes(), WEIGHT, use_pickle=True), "is pickled or missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    data, words = CASES[case]
    with pytest.raises(InputError, match=words):
        frozen(file(tmp_path, data))


def test_the_graph_alone_needs_no_torch(tmp_path: Path) -> None:
    found = read_pt2(file(tmp_path, archive(nodes(), WEIGHT)))
    assert (found.input, found.shape, found.output) == ("x", (4, 2, 3), "spikes")
    np.testing.assert_array_equal(found.tensors["p_weight"], WEIGHT)
    assert [step.path for step in found.steps] == ["fc", "lif", "lif", "lif"]
