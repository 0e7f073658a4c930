"""The exact exit code and message of commands that cannot do what they were asked, and that nothing is written.

cli_messages.expect holds one block for each case: ``=== name``, the command, ``exit`` and the code, and what
stands on stderr. All run in a folder of good and bad files. ``python -m tests.errors.test_cli_messages`` writes the
answers anew, from the names and commands that are in the file.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from tests.chip_text import tiny
from tests.nir_files import chain, lif, node, sink, source, write

EXPECT = Path(__file__).parent / "cli_messages.expect"
DIGITS = Path(__file__).parents[2] / "examples" / "01_digits" / "net.pt"
Case = tuple[str, str, str]


def read_cases() -> list[Case]:
    """(name, command, answer) of each block."""
    blocks = [block.split("\n", 2) for block in EXPECT.read_text(encoding="utf-8").split("=== ")[1:]]
    return [(name, command.removeprefix("$ neurocomp "), answer.rstrip("\n")) for name, command, answer in blocks]


def make_files(folder: Path) -> None:
    """A working folder as users have them."""
    shutil.copy(DIGITS, folder / "digits.pt")
    (folder / "small.yaml").write_text(tiny(("value: 1024", "value: 16"), ("name: tiny", "name: small")))
    (folder / "broken.yaml").write_text(tiny(("  width: 2", "  widht: 2")))
    weights = node("Linear", weight=np.eye(4, dtype=np.float32))
    layers = ("input", source(4)), ("fc", weights), ("lif", lif(np.full(4, 0.01))), ("output", sink(4))
    write(folder / "bare.nir", chain(*layers))
    _make_inputs(folder)
    (folder / "full").mkdir()
    (folder / "full" / "thesis.tex").write_text("years of work")
    (folder / "changed").mkdir()
    (folder / "changed" / "program.json").write_text('{"schema": "neurocomp/program/2", "sha256": ""}')
    (folder / "locked").mkdir(mode=0o500)


def _make_inputs(folder: Path) -> None:
    x, y = np.zeros((3, 1, 8, 8), np.float32), np.arange(3)
    nan = x.copy()
    nan[1, 0, 2, 3] = np.nan
    arrays = {
        "good": {"x": x, "y": y}, "no-x": {"images": x, "labels": y}, "wrong-shape": {"x": x[:, :, :7]},
        "channels-last": {"x": np.moveaxis(x, 1, -1)}, "single": {"x": x[0]}, "flat": {"x": x.reshape(3, -1)},
        "nan": {"x": nan}, "text": {"x": np.array(["a", "b"])}, "empty-x": {"x": x[:0]},
        "short-labels": {"x": x, "y": y[:2]}, "one-hot": {"x": x, "y": np.eye(10)[y]},
        "label-12": {"x": x, "y": y + 10},
        "half-labels": {"x": x, "y": y / 2}, "over-time": {"x": np.repeat(x[:, None], 5, axis=1)}, "big": {"x": x + 3},
        "features": {"x": np.zeros((2, 4), np.float32)},
    }  # fmt: skip
    for name, content in arrays.items():
        np.savez(folder / f"{name}.npz", **content)
    np.savez(folder / "objects.npz", x=np.array([{"a": 1}], dtype=object))
    np.save(folder / "array.npy", x)
    (folder / "empty.npz").touch()
    (folder / "not.npz").write_text("x = 1\n")
    whole = (folder / "good.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    shutil.make_archive(str(folder / "zipped"), "zip", folder, "not.npz")
    (folder / "zipped.zip").rename(folder / "zipped.npz")


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def answer_to(command: str) -> str:
    """The exit code and stderr of a command, run in the current folder."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(app, shlex.split(command))
    if out.getvalue():
        raise AssertionError(f"stdout is for results: {out.getvalue()[:200]}")
    return f"exit {code}\n{err.getvalue()}".rstrip("\n")


def can_fail(command: str) -> bool:
    """Whether missing permissions would stop this user."""
    return "locked" not in command or not os.access("locked", os.W_OK)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    make_files(folder)
    return folder


CASES = read_cases() if EXPECT.exists() else []


@pytest.mark.parametrize(("command", "answer"), [pytest.param(c, a, id=n) for n, c, a in CASES])
def test_answer(files: Path, monkeypatch: pytest.MonkeyPatch, command: str, answer: str) -> None:
    monkeypatch.chdir(files)
    before = listing(files)
    if not can_fail(command):
        pytest.skip("this user may write everywhere")
    assert answer_to(command) == answer
    assert listing(files) == before


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("compile --chip loihi2", "missing argument"),
        ("compile digits.pt", "neurocomp chips lists the profiles"),
        ("compile digits.pt other.pt --chip loihi2", "other.pt"),
        ("compile digits.pt --chip", "'--chip'"),
        ("compile digits.pt --chip loihi2 --steps many", "'--steps'"),
        ("chips show", "missing argument"),
        ("simulate", "missing argument"),
        ("doctor now", "now"),
    ],
)
def test_usage_errors_that_typer_words(files: Path, monkeypatch: pytest.MonkeyPatch, command: str, named: str) -> None:
    monkeypatch.chdir(files)
    answer = answer_to(command)
    assert answer.startswith("exit 2\nerror: neurocomp")
    assert named in answer and "\n  next: " in answer


def test_a_name_that_is_too_long(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    answer = answer_to("compile digits.pt --chip loihi2 -o " + 300 * "a")
    assert answer.startswith("exit 2\nerror: aaa")
    assert answer.endswith("cannot be written\n  why:  File name too long\n  next: give another folder: -o DIR")


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc here")
def test_a_place_where_nothing_can_be_made(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    assert answer_to("compile digits.pt --chip loihi2 -o /proc/x").startswith(
        "exit 2\nerror: /proc/x: cannot be written"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("redirection", "code"), [(">/dev/full", 5), (">&-", 2)])
def test_stdout_that_takes_nothing(redirection: str, code: int) -> None:
    command = f"{shlex.quote(sys.executable)} -m neurocomp chips {redirection}"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.startswith("error: ") and "cannot be used: " in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_every_exit_code_is_met() -> None:
    assert len(CASES) >= 40
    assert {answer.split("\n")[0] for _, _, answer in CASES} == {"exit 2", "exit 3"}


def test_too_large_a_job(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setattr("neurocomp.inputs.memory.available_bytes", lambda: 2**30)
    assert answer_to("compile digits.pt --chip loihi2 --steps 20000") == (
        "exit 5\n"
        "error: digits: a run of 450 samples x 20,000 time steps needs 4.5 GiB, of 1.0 GiB that are free\n"
        "  next: run fewer samples or time steps at a time"
    )
    monkeypatch.setattr("neurocomp.inputs.memory.available_bytes", lambda: 900)
    assert answer_to("compile digits.pt --chip loihi2 --input good.npz") == (
        "exit 5\n"
        "error: good.npz: array x of shape (3, 1, 8, 8) needs 0.0 GiB, of 0.0 GiB that are free\n"
        "  next: run fewer samples or time steps at a time"
    )


def test_a_file_that_lies_about_its_size(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header of 128 TiB in a file of a few hundred bytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**45, 1, 8, 8)})
    import zipfile

    with zipfile.ZipFile(files / "bomb.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    monkeypatch.chdir(files)
    answer = answer_to("compile digits.pt --chip loihi2 --input bomb.npz")
    (files / "bomb.npz").unlink()
    assert answer.startswith("exit 5\nerror: bomb.npz: array x of shape (35184372088832, 1, 8, 8) needs ")


def write_answers() -> None:
    """Run every command of the .expect file and store what comes; read the difference before committing it."""
    cases = read_cases()
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder))
        os.chdir(folder)
        answers = [answer_to(command) if can_fail(command) else answer for _, command, answer in cases]
    blocks = [f"=== {n}\n$ neurocomp {c}\n{a}\n" for (n, c, _), a in zip(cases, answers, strict=True)]
    EXPECT.write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write_answers())
