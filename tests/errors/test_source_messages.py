"""The exact message for each mistake with weights, the code that belongs to them, and what is written.

source_messages.expect holds one block for each case: ``=== name``, the command, ``exit`` and the code, and what stands
on stderr. ``python -m tests.errors.test_source_messages`` writes the answers anew, from the names and commands there.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from tests.onnx_files import node
from tests.onnx_files import write as write_onnx
from tests.pt2_files import archive, nodes
from tests.source_files import NET, images, write_code

EXPECT = Path(__file__).parent / "source_messages.expect"

BROKEN = {
    "syntax.py": "def build(:\n    pass\n",
    "raises.py": "import math\n\n\ndef build():\n    return math.sqrt(-1)\n",
    "imports.py": "import a_module_that_nobody_has\n",
    "exits.py": "import sys\nsys.exit(3)\n",
    "needs.py": "def build(classes, width=3):\n    return None\n",
    "other.py": "def build():\n    return {'a': 1}\n\n\ndef bild():\n    return 3\n\n\nlayers = 4\n",
    "fails.py": NET + "\n\nclass Bad(Net):\n    def forward(self, x):\n        return self.layers(x) @ x\n\n\n"
                      "def bad():\n    return Bad()\n",
}  # fmt: skip


def make_files(folder: Path) -> None:
    """Weights, code and data as users have them; needs torch and SpikingJelly."""
    import torch

    write_code(folder)
    for name, text in BROKEN.items():
        (folder / name).write_text(text)
    sys.path.insert(0, str(folder))
    try:
        import net as code

        state = code.build().state_dict()
        torch.save(code.build(), folder / "whole.pt")
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("net", None)
    torch.save({"net": state, "epoch": 1}, folder / "good.pt")
    torch.save({**{k: v for k, v in state.items() if "4." not in k}, "head.bias": torch.ones(2)}, folder / "keys.pt")
    torch.save({**state, "layers.4.weight": torch.ones(3, 16)}, folder / "shape.pt")
    torch.save({"accuracy": 0.5}, folder / "nothing.pt")
    torch.save([state, {"last": state, "ema": state}], folder / "several.pt")
    np.savez(folder / "x.npz", x=images(), y=np.arange(5) % 3)
    np.savez(folder / "odd.npz", x=images()[:, :, :5])
    np.savez(folder / "labels.npz", x=images(), y=np.arange(4))
    np.savez(folder / "flat.npz", x=images().reshape(5, -1))
    write_onnx(folder / "max.onnx", [node("MaxPool", ["x"], "m", kernel_shape=[2, 2]), node("Relu", ["m"], "y")],
               {}, ("N", 1, 6, 6))  # fmt: skip
    write_onnx(folder / "relu.onnx", [node("Relu", ["x"], "y")], {}, ("N", 36))
    (folder / "cut.onnx").write_bytes((folder / "relu.onnx").read_bytes()[:-9])
    (folder / "plain.pt2").write_bytes(archive(nodes()[:1], np.ones((5, 3), np.float32)))
    (folder / "thesis.tex").write_text("years of work")


def read_cases() -> list[tuple[str, str, str]]:
    blocks = [block.split("\n", 2) for block in EXPECT.read_text(encoding="utf-8").split("=== ")[1:]]
    return [(name, command.removeprefix("$ neurocomp "), answer.rstrip("\n")) for name, command, answer in blocks]


def answer_to(command: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(app, shlex.split(command))
    if out.getvalue():
        raise AssertionError(f"stdout is for results: {out.getvalue()[:200]}")
    return f"exit {code}\n{err.getvalue()}".rstrip("\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    folder = tmp_path_factory.mktemp("work")
    make_files(folder)
    return folder


@pytest.mark.parametrize(("command", "answer"), [pytest.param(c, a, id=n) for n, c, a in read_cases()])
def test_answer(files: Path, monkeypatch: pytest.MonkeyPatch, command: str, answer: str) -> None:
    monkeypatch.chdir(files)
    before = sorted(path.name for path in files.iterdir())
    assert answer_to(command) == answer
    assert sorted(path.name for path in files.iterdir()) == before


def test_no_message_of_ours_is_a_traceback() -> None:
    answers = [answer for *_, answer in read_cases()]
    assert len(answers) >= 25
    assert all(
        answer.startswith(("exit 2\nerror: ", "exit 5\nerror: ")) and "Traceback" not in answer for answer in answers
    )


def write_answers() -> Any:
    """Run every command of the .expect file and store what comes; read the difference before committing it."""
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder))
        os.chdir(folder)
        blocks = [f"=== {n}\n$ neurocomp {c}\n{answer_to(c)}\n" for n, c, _ in read_cases()]
    EXPECT.write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write_answers())
