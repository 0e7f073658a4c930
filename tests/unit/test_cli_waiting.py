"""What a user or a program is told while a command runs, and when it fails."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

import neurocomp
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.commands.progress import Progress

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "01_digits" / "net.pt"


@pytest.mark.parametrize(
    ("words", "code", "where"),
    [
        (("compile", "nix.pt", "--chip", "loihi2", "--json"), 2, "nix.pt"),
        (("compile", "net.pt", "--chip", "small.yaml", "--json"), 3, "cores"),
        (("compile", "net.pt", "--json"), 2, "neurocomp compile"),
        (("simulate", "net.pt", "--json"), 2, "net.pt"),
    ],
)
def test_failures_are_json_where_json_was_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    where: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(DIGITS, "net.pt")
    text = (ROOT / "chips" / "loihi2.yaml").read_text()
    Path("small.yaml").write_text(text.replace("{value: 8192, source: brief2021", "{value: 1, source: brief2021"))
    assert run(app, words) == code
    out, err = capsys.readouterr()
    tree = json.loads(out)
    assert tree["schema"] == "neurocomp/failure/1" and tree["exit_code"] == code
    assert err.startswith("error: ") and all(finding["what"] in err for finding in tree["findings"])
    assert set(tree["findings"][0]) == {"where", "what", "why", "hint"}
    if where != "cores":
        assert tree["findings"][0]["where"] == where
    assert run(app, [word for word in words if word != "--json"]) == code
    assert capsys.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def show_stages(stream: io.StringIO, patience_s: float, enabled: bool = True) -> str:
    with Progress(stream, enabled, patience_s) as progress:
        if progress.timer is not None and patience_s == 0:
            progress.timer.join()
        with progress.stage("counting spikes") as advance:
            advance(1, 4)
            advance(4, 4)
    return stream.getvalue()


def test_progress_is_shown_on_a_terminal_when_it_takes_long() -> None:
    assert "counting spikes" in show_stages(Terminal(), 0.0)


@pytest.mark.parametrize(
    ("stream", "patience_s", "enabled"),
    [
        (Terminal(), 1000.0, True),
        (io.StringIO(), 0.0, True),
        (Terminal(), 0.0, False),
    ],
)
def test_progress_is_silent_otherwise(stream: io.StringIO, patience_s: float, enabled: bool) -> None:
    assert show_stages(stream, patience_s, enabled) == ""


def test_a_log_learns_how_far_a_long_stage_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("neurocomp.commands.progress.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    with Progress(stream) as progress, progress.stage("counting spikes") as advance:
        for seconds, done in ((10, 1), (31, 2), (40, 3), (400, 25), (500, 100)):
            clock[0] = seconds
            advance(done, 100)
        progress.tell("once")
        progress.tell("once")
    assert stream.getvalue() == (
        "counting spikes: 2% after 31 s, about 26 min in all\n"
        "counting spikes: 25% after 7 min, about 27 min in all\nonce\n"
    )
    with Progress(stream, enabled=False) as progress:
        progress.tell("never")
    assert "never" not in stream.getvalue()


def test_a_long_run_is_foretold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from neurocomp.commands import job
    from neurocomp.inputs.prepare import prepare

    network = neurocomp.load_network(DIGITS)
    for limit, expected in ((0.0, "450 samples x 300 time steps of digits will take about"), (1e9, "")):
        monkeypatch.setattr(job, "LONG_RUN_S", limit)
        monkeypatch.setattr(job, "LARGE_RUN", 1)
        stream = io.StringIO()
        job.tell_long_run(network, prepare(network, None, 300, None, None), 2, Progress(stream))
        assert stream.getvalue().startswith(expected) and bool(stream.getvalue()) == bool(expected)
