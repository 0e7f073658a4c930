"""Commands that work: what they print where, what they write, and that nothing depends on how they are run."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.cli import app
from neurocomp.commands.exits import explain, run
from neurocomp.commands.folder import OutputFolder, text_writer
from neurocomp.doctor import examine
from neurocomp.errors import Diagnostic, InputError, bad_input

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "01_digits"
REPORT = ["cores.csv", "layers.csv", "report.html", "report.txt", "result.json"]
WRITTEN = sorted(["program.json", "program.npz", *REPORT])


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the digits network and ten of its inputs."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(DIGITS / "net.pt", "net.pt")
    with np.load(DIGITS / "test.npz") as data:
        np.savez("ten.npz", x=data["x"][:10], y=data["y"][:10])
    return tmp_path


def command(*arguments: str) -> int:
    return run(app, arguments)


def compile_ten(*more: str) -> int:
    return command("compile", "net.pt", "--chip", "loihi2", "--input", "ten.npz", *more)


# --- compile --------------------------------------------------------------------------------------------


def test_compile_prints_the_report_and_writes_the_folder(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_ten() == 0
    out, err = capsys.readouterr()
    assert out.startswith("digits on Intel Loihi 2")
    assert "accuracy" in out and "in float" in out
    assert err == "written to net-loihi2\n"
    assert sorted(p.name for p in (work / "net-loihi2").iterdir()) == WRITTEN
    assert (work / "net-loihi2" / "report.txt").read_text() == out
    assert sorted(p.name for p in work.iterdir()) == ["net-loihi2", "net.pt", "ten.npz"]


def test_json_is_one_document_equal_to_the_file(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_ten("--json", "-o", "out") == 0
    out = capsys.readouterr().out
    assert out == (work / "out" / "result.json").read_text()
    tree = json.loads(out)
    assert tree["run"] == {
        "samples": 10,
        "steps": 8,
        "encoding": "direct",
        "seed": None,
        "fidelity": "cycle",
        "trace_sha256": tree["run"]["trace_sha256"],
    }
    assert str(work) not in out


def test_quiet_prints_nothing(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_ten("--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert (work / "net-loihi2" / "result.json").exists()


def test_same_bytes_for_any_number_of_threads(work: Path) -> None:
    assert compile_ten("-q", "-o", "one", "--threads", "1") == 0
    assert compile_ten("-q", "-o", "three", "--threads", "3") == 0
    for name in WRITTEN:
        assert (work / "one" / name).read_bytes() == (work / "three" / name).read_bytes(), name


def test_steps_and_coding_are_taken(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = {}
    for seed in ("1", "1", "2"):
        assert compile_ten("--json", "--steps", "5", "--encode", "rate", "--seed", seed) == 0
        runs.setdefault(seed, []).append(capsys.readouterr().out)
    assert runs["1"][0] == runs["1"][1] != runs["2"][0]
    tree = json.loads(runs["2"][0])["run"]
    assert (tree["steps"], tree["encoding"], tree["seed"]) == (5, "rate", 2)


def test_input_over_time_brings_its_steps(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.load("ten.npz")["x"]
    np.savez("moving.npz", x=np.repeat(x[:, None], 8, axis=1))
    assert compile_ten("--json") == 0
    fixed = json.loads(capsys.readouterr().out)
    assert command("compile", "net.pt", "--chip", "loihi2", "--input", "moving.npz", "--json") == 0
    moving = json.loads(capsys.readouterr().out)
    assert moving["energy"] == fixed["energy"]
    assert moving["run"]["encoding"] == "temporal" and moving["accuracy"]["on_chip"] is None


def test_chip_from_a_file(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "chips" / "loihi2.yaml").read_text().replace("name: loihi2", "name: mine", 1)
    Path("my chip.yaml").write_text(text)
    assert command("compile", "net.pt", "--chip", "my chip.yaml", "--input", "ten.npz", "-q") == 0
    assert (work / "net-mine" / "report.txt").exists()


def test_compiling_again_replaces_only_what_is_ours(work: Path) -> None:
    assert compile_ten("-q") == 0
    (work / "net-loihi2" / "notes.txt").write_text("mine")
    before = (work / "net-loihi2" / "report.txt").read_text()
    assert compile_ten("-q", "--steps", "3") == 0
    assert (work / "net-loihi2" / "notes.txt").read_text() == "mine"
    assert (work / "net-loihi2" / "report.txt").read_text() != before
    assert sorted(p.name for p in (work / "net-loihi2").iterdir()) == sorted([*WRITTEN, "notes.txt"])


# --- simulate -------------------------------------------------------------------------------------------


def test_simulate_agrees_with_compile(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_ten("--json") == 0
    compiled = json.loads(capsys.readouterr().out)
    stamp = (work / "net-loihi2" / "result.json").read_bytes()
    assert command("simulate", "net-loihi2", "--input", "ten.npz", "--json") == 0
    simulated = json.loads(capsys.readouterr().out)
    for key in ("energy", "timing", "layers", "cores", "traffic", "mapped_network", "run"):
        assert simulated[key] == compiled[key], key
    assert simulated["accuracy"]["on_chip"] == compiled["accuracy"]["on_chip"]
    assert (work / "net-loihi2" / "result.json").read_bytes() == stamp


def test_simulate_runs_the_stored_sample_by_default(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_ten("-q") == 0
    assert command("simulate", "net-loihi2", "-o", "again", "--steps", "2") == 0
    out, err = capsys.readouterr()
    assert "450 samples of 2 time steps" in out and err == "written to again\n"
    assert sorted(p.name for p in (work / "again").iterdir()) == REPORT


# --- chips, doctor, help --------------------------------------------------------------------------------


def test_chips_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("chips") == 0
    out = capsys.readouterr().out
    for name in ("generic", "loihi", "loihi2", "truenorth"):
        assert f"\n{name} " in out
    assert "1,048,576" in out and "measured" in out
    assert command("chips", "--json") == 0
    listed = {chip["name"]: chip for chip in json.loads(capsys.readouterr().out)}
    assert listed["loihi"]["cores"] == 128 and listed["loihi"]["kinds"]["measured"] > 10


def test_a_chip_is_shown_with_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("chips", "show", "loihi") == 0
    out = capsys.readouterr().out
    assert "Davies" in out and "neuron_update" in out
    assert command("chips", "show", "loihi", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "loihi"


def test_doctor_is_content(work: Path) -> None:
    report = io.StringIO()
    assert examine(report) == 0, report.getvalue()
    assert report.getvalue().endswith("all is well\n")


def test_doctor_finds_a_missing_core(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if '_core.' in name else find(name, package)\n"
        "from neurocomp.doctor import examine; sys.exit(examine(sys.stdout))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 4
    assert "FAIL  compiled core   neurocomp: its compiled core is missing" in done.stdout
    assert "python setup.py build_ext --inplace" in done.stdout
    assert "3 of 9 checks failed" in done.stdout


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--version") == 0
    assert capsys.readouterr().out == f"neurocomp {neurocomp.__version__}\n"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", neurocomp.__version__) == neurocomp.__version__


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert command(*arguments) == 0
    out, err = capsys.readouterr()
    assert all(name in out for name in ("compile", "simulate", "chips", "doctor")) and not err


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from neurocomp.cli import app; from neurocomp.commands.exits import run; run(app, ['--help']);"
        "print(sorted({'numpy', 'h5py', 'pydantic', 'torch', 'yaml', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n") and done.stderr == ""


def test_module_can_be_run() -> None:
    done = subprocess.run([sys.executable, "-m", "neurocomp", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"neurocomp {neurocomp.__version__}\n")


def test_reader_of_our_output_may_leave() -> None:
    """As in `neurocomp chips show loihi | head -1`."""
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "neurocomp", "chips", "show", "loihi"],
        cwd=ROOT,
        stdout=written,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(written)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_of_few_letters() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from neurocomp.commands.exits import run; run(lambda **_: print('\\u00e9'), [])"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "\\xe9\n")


# --- ends -----------------------------------------------------------------------------------------------


def raising(error: BaseException):
    def app(args: list[str], prog_name: str, standalone_mode: bool) -> None:
        raise error

    return app


def test_our_own_defect_asks_for_a_report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEUROCOMP_TRACEBACK", raising=False)
    assert run(raising(ZeroDivisionError("division\nby zero")), []) == 1
    assert capsys.readouterr().err == (
        "error: a defect of neurocomp (ZeroDivisionError: division by zero); please report it, with what "
        "NEUROCOMP_TRACEBACK=1 in front of the same command prints\n"
    )
    monkeypatch.setenv("NEUROCOMP_TRACEBACK", "1")
    assert run(raising(ZeroDivisionError("division by zero")), []) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(KeyboardInterrupt()), []) == 130
    assert run(lambda **_: 130, []) == 130  # what Typer makes of it
    assert capsys.readouterr() == ("", "error: interrupted; nothing is left half-written\n" * 2)


def test_interrupted_where_a_program_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(KeyboardInterrupt()), ["--json"]) == 130
    tree = json.loads(capsys.readouterr().out)
    assert (tree["exit_code"], tree["findings"][0]["what"]) == (130, "interrupted; nothing is left half-written")


def test_out_of_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(MemoryError()), []) == 5
    assert capsys.readouterr().err == "error: out of memory\n  next: run fewer samples or time steps\n"


def test_every_finding_is_printed_without_control_characters() -> None:
    stream = io.StringIO()
    assert explain(InputError([Diagnostic("a\x1b[31m", "x\r"), Diagnostic("b", "y", "z")]), stream) == 2
    assert stream.getvalue() == "error: a?[31m: x?\nerror: b: y\n  why:  z\n"


def test_interrupt_in_the_middle_writes_nothing(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurocomp.simulate.inference.simulate", interrupted)
    assert compile_ten() == 130
    assert sorted(p.name for p in work.iterdir()) == ["net.pt", "ten.npz"]


# --- folder ---------------------------------------------------------------------------------------------


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise bad_input("x", "broke")

    for target in (tmp_path / "new", tmp_path / "old"):
        if target.name == "old":
            target.mkdir()
        with pytest.raises(InputError):
            OutputFolder(target).write(text_writer("whole", "whole"), fails)
    assert [p.name for p in tmp_path.rglob("*")] == ["old"]


def test_force_writes_beside_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        OutputFolder(tmp_path)
    OutputFolder(tmp_path, force=True).write(text_writer("report.txt", "r"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "report.txt"]


def test_a_new_folder_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").mkdir()
    OutputFolder(tmp_path / "new").write(text_writer("a", "b"))
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


# --- fidelity of the network on chip ----------------------------------------------------------------------


def test_the_network_is_modelled_as_asked_and_the_result_says_so(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for asked in ((), ("--noc", "cycle"), ("--noc", "bound")):
        assert command("compile", "net.pt", "--chip", "generic", "--input", "ten.npz", "--json", "--force", *asked) == 0
        found[asked] = json.loads(capsys.readouterr().out)
    default, cycle, bound = (tree["network_on_chip"] for tree in found.values())
    assert default == cycle
    assert (cycle["fidelity"], bound["fidelity"]) == ("cycle", "bound")
    assert cycle["packet_p99_ps"] > bound["packet_p99_ps"]
    assert command("simulate", "net-generic", "--input", "ten.npz", "--noc", "bound", "--json") == 0
    assert json.loads(capsys.readouterr().out)["network_on_chip"] == bound


# --- forms of the report ----------------------------------------------------------------------------------


def test_the_report_is_written_in_the_forms_asked_for(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_ten("-q", "--formats", "html", "-o", "page") == 0
    assert sorted(p.name for p in (work / "page").iterdir()) == ["program.json", "program.npz", "report.html"]
    assert compile_ten("-q", "--formats", "none", "-o", "bare") == 0
    assert sorted(p.name for p in (work / "bare").iterdir()) == ["program.json", "program.npz"]
    for _ in range(2):  # a page alone marks the folder as ours
        assert command("simulate", "bare", "--input", "ten.npz", "-q", "--formats", "html", "-o", "alone") == 0
    assert [p.name for p in (work / "alone").iterdir()] == ["report.html"]
    assert command("simulate", "bare", "-q", "--formats", "htm", "-o", "no") == 2
    assert "error: --formats: there is no format 'htm'\n  next: did you mean html?" in capsys.readouterr().err
    assert not (work / "no").exists()


def test_exports_are_written_if_asked_for(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("perfetto")
    assert compile_ten("-q", "--formats", "accelergy", "--trace", "0:4", "-o", "out") == 0
    names = ["ERT.yaml", "action_counts.yaml", "program.json", "program.npz", "timeline.pftrace"]
    assert sorted(p.name for p in (work / "out").iterdir()) == names
    assert command("simulate", "out", "--input", "ten.npz", "--trace", "0:4") == 2
    assert "error: --trace: there is no folder to write it into" in capsys.readouterr().err
    assert command("simulate", "out", "--input", "ten.npz", "--trace", "900:904", "-o", "again") == 2
    assert "begins at chip step 900; the run has 83" in capsys.readouterr().err
    assert not (work / "again").exists()
