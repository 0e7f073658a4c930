"""Running a sweep: the same outcomes however it is run, interrupted or repeated."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import neurocomp
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.commands.progress import Progress, duration
from neurocomp.commands.sweep_progress import SweepProgress
from neurocomp.errors import InputError, ResourceLimitError
from neurocomp.inputs.prepare import prepare
from neurocomp.mapping.compile import lower
from neurocomp.mapping.map import map_network
from neurocomp.report.model import Result
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.given import Given
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.profile import with_values
from neurocomp.sweep.run import jobs_of, run_jobs
from neurocomp.sweep.sample import Point, points_of
from neurocomp.sweep.space import read_space
from neurocomp.sweep.store import Store
from neurocomp.sweep.workers import local_runner
from tests.sweeps import make_files, outcome, space

HOP = "chip.noc.hop_east_west.energy_pj"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_files(tmp_path_factory.mktemp("sweep"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def swept(made: Path, folder: Path, *options: str) -> int:
    return run(app, ["sweep", str(made), "-o", str(folder), "-q", *options])


def test_a_point_is_what_the_api_gives(made: Path) -> None:
    """The outcome of each point equals that of a compile, a run and a report made for it alone, in every metric."""
    inputs, bench = made.parent / "x.npz", Bench(Given(made.parent / "x.npz"))
    for point in points_of(read_space(made)):
        found = bench.evaluate(point, bench.key(point))
        trained = neurocomp.load_network(point.network)
        chip = with_values(neurocomp.load_chip(point.chip), {HOP.removeprefix("chip."): dict(point.settings)[HOP]})
        prepared = prepare(trained, inputs, 3, None, None)
        mapped = lower(trained, chip, prepared.calibration)
        run_ = neurocomp.execute(mapped, prepared.inputs)
        program = map_network(mapped, chip, objective="traffic", effort="fast", activity=run_.trace)
        simulation = neurocomp.simulate(program, run_.trace, "bound")
        result = neurocomp.report(program, simulation, execution=run_, labels=prepared.labels)
        assert found.status == "ok", found.reason
        assert found.digests == {
            "network": sha256(Path(point.network)),
            "chip": chip.digest(),
            "trace": run_.trace.digest,
        }
        assert found.metrics == said_by(result)


def said_by(result: Result) -> dict[str, float]:
    samples, accuracy = result.run.samples, result.accuracy
    assert accuracy is not None and accuracy.correct_on_chip is not None
    dynamic = result.energy.total_aj - result.energy.by_unit["static"]
    return {
        "energy_pj": result.energy_per_inference_pj, "dynamic_energy_pj": dynamic / samples / 1e6,
        "latency_ns": result.latency_ns, "interval_ns": result.interval_ns,
        "edp_pj_ns": result.energy_per_inference_pj * result.latency_ns, "power_mw": result.power_mw,
        "cores_used": result.fit.cores_used, "accuracy": accuracy.correct_on_chip / samples,
        "hops": result.traffic.links_crossed / samples, "synaptic_events": result.traffic.synaptic_events / samples,
    }  # fmt: skip


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_one_process_and_two_give_the_same_files(made: Path, tmp_path: Path) -> None:
    assert swept(made, tmp_path / "a", "--workers", "1") == 0
    assert swept(made, tmp_path / "b", "--workers", "2") == 0
    one, two = everything(tmp_path / "a"), everything(tmp_path / "b")
    assert one == two
    assert sum(name.startswith("runs/") for name in one) == 2, "one run for each chip's numbers"
    assert {"points.csv", "pareto.csv", "summary.txt", "sweep.html", "space.yaml", "sweep.json"} < set(one)
    assert sum(name.startswith("points/") for name in one) == 6


def test_what_is_shown_are_the_points_of_the_space_as_it_is_now(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    less = tmp_path / "less.yaml"
    less.write_text(made.read_text().replace("[1, 2, 30]", "[1, 2]"))
    shown = []
    for space_file in (made, less, made):
        assert run(app, ["sweep", str(space_file), "-o", str(tmp_path / "s"), "-q", "--workers", "1"]) == 0
        assert run(app, ["sweep", "show", str(tmp_path / "s"), "--json"]) == 0
        shown.append(len(json.loads(capsys.readouterr().out)["points"]))
    assert shown == [6, 4, 6] and len(points_in(tmp_path / "s")) == 6
    (tmp_path / "s" / "asked.json").write_text('["../points.csv", 3]')
    assert len(list(Store(tmp_path / "s").all())) == 6, "a damaged list counts as none"


def test_what_is_finished_is_not_computed_again(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert swept(made, tmp_path / "a", "--workers", "1") == 0
    before = everything(tmp_path / "a")
    lost = sorted((tmp_path / "a" / "points").iterdir())[2]
    lost.write_text("half a po")
    asked: list[str] = []
    evaluate = Bench.evaluate
    monkeypatch.setattr(Bench, "evaluate", lambda self, point, key: (asked.append(key), evaluate(self, point, key))[1])
    assert swept(made, tmp_path / "a", "--workers", "1") == 0
    assert asked == [lost.stem]
    assert everything(tmp_path / "a") == before


def test_points_that_do_not_fit_are_kept_with_their_reason(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    text = made.read_text().replace(f"{HOP}: [1, 2, 30]", "chip.core.neurons_max: [1024, 1]\n  chip.core.count: [2, 3]")
    file.write_text(text)
    assert run(app, ["sweep", str(file), "-o", str(tmp_path / "s"), "-q", "--workers", "1"]) == 0
    statuses = [json.loads(p.read_text()) for p in (tmp_path / "s" / "points").iterdir()]
    refused = [s for s in statuses if s["status"] == "does not fit"]
    assert refused and len(refused) < len(statuses)
    assert all("core" in s["reason"] and s["metrics"]["energy_pj"] is None for s in refused)
    table = (tmp_path / "s" / "points.csv").read_text()
    assert table.count("does not fit") >= len(refused)


def started(made: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    """A sweep of 4,000 points, so many that it cannot end first, in a session of its own, a few points in."""
    many = folder / "many.yaml"
    values = ", ".join(str(k) for k in range(1, 2001))
    many.write_text(made.read_text().replace("[1, 2, 30]", f"[{values}]"))
    command = [sys.executable, "-m", "neurocomp", "sweep", str(many), "-o", str(folder / "s"), *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background may ignore it
    )  # fmt: skip
    until = time.monotonic() + 100
    while time.monotonic() < until and len(points_in(folder / "s")) < 3:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()[1]
    return process


def all_are_gone(group: int) -> bool:
    """Whether no process of a group is left, soon."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return False


def test_workers_end_with_a_parent_that_was_killed(made: Path, tmp_path: Path) -> None:
    process = started(made, tmp_path, "--workers", "2")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert all_are_gone(process.pid)


def points_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "points").glob("[!.]*.json")}


def test_a_killed_sweep_goes_on(made: Path, tmp_path: Path) -> None:
    process = started(made, tmp_path, "--workers", "1")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = points_in(tmp_path / "s")
    assert len(kept) >= 3
    jobs = jobs_of(points_of(read_space(tmp_path / "many.yaml")), Given(made.parent / "x.npz"))[:8]
    with local_runner(Store(tmp_path / "s"), Given(made.parent / "x.npz")) as runner:
        outcomes = run_jobs(jobs, runner)
    assert [outcome.point for outcome in outcomes] == [job.point for job in jobs]
    after = points_in(tmp_path / "s")
    assert all(after[name] == content for name, content in kept.items())


def end_by_terminal(process: int) -> None:
    os.killpg(process, signal.SIGINT)  # to every process


def end_by_scheduler(process: int) -> None:
    os.kill(process, signal.SIGTERM)  # to the first process


@pytest.mark.parametrize(("workers", "end"), [("1", end_by_terminal), ("2", end_by_terminal), ("2", end_by_scheduler)])
def test_an_interrupted_sweep_keeps_what_is_done(
    made: Path, tmp_path: Path, workers: str, end: Callable[[int], None]
) -> None:
    process = started(made, tmp_path, "--workers", workers)
    end(process.pid)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert out == "" and "Traceback" not in err and "leaked" not in err
    assert all_are_gone(process.pid)
    assert re.search(r"error: .*/s: interrupted; \d+ of 4,000 points are finished and kept\n  next: the same", err), err
    assert 3 <= len(points_in(tmp_path / "s")) < 4000
    assert all(json.loads(content)["status"] == "ok" for content in points_in(tmp_path / "s").values())


def test_an_interrupt_that_a_library_drops(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pydantic's serialiser does so now and then, wherever the signal hits it."""
    evaluate, points = Bench.evaluate, []

    def deaf(bench: Bench, point: Point, key: str) -> Outcome:
        points.append(key)
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)  # ended by the signal
        return evaluate(bench, point, key)

    monkeypatch.setattr(Bench, "evaluate", deaf)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert swept(made, tmp_path / "s", "--workers", "1") == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(points) == 1
    assert len(points_in(tmp_path / "s")) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk(made: Path, tmp_path: Path, workers: str) -> None:
    """A limit on the size of files stands in for it: points fit, the table of all of them does not."""
    values = ", ".join(str(k) for k in range(1, 20))
    (tmp_path / "space.yaml").write_text(made.read_text().replace("[1, 2, 30]", f"[{values}]"))
    command = [sys.executable, "-m", "neurocomp", "sweep", str(tmp_path / "space.yaml"), "-q", "--workers", workers]
    command = ["prlimit", "--fsize=3000", *command, "-o", str(tmp_path / "s")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr and "every finished point is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(points_in(tmp_path / "s")) == 38


def test_a_disk_that_fills_up(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of(points_of(read_space(made)), Given(made.parent / "x.npz"))
    put, room = Store.put, [1, 1]

    def full(store: Store, outcome: Outcome) -> None:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room.pop()
        put(store, outcome)

    monkeypatch.setattr(Store, "put", full)
    with (
        pytest.raises(ResourceLimitError, match="No space left on device\n  next: every finished point is kept; make"),
        local_runner(Store(tmp_path / "s"), Given(made.parent / "x.npz")) as runner,
    ):
        run_jobs(jobs, runner)
    assert len(points_in(tmp_path / "s")) == 2


def test_a_killed_worker(made: Path, tmp_path: Path) -> None:
    process = started(made, tmp_path, "--workers", "2")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
    os.kill(int(workers[0]), signal.SIGKILL)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 5 and "a worker process was killed" in err, err


def test_from_python(made: Path, tmp_path: Path) -> None:
    outcomes = list(neurocomp.sweep(made, store=tmp_path / "s"))
    assert [o.point for o in outcomes] == points_of(read_space(made))
    front = neurocomp.pareto(outcomes, ["energy_pj", "latency_ns"])
    assert front and set(o.key for o in front) <= {o.key for o in outcomes}
    tree = {"networks": [outcomes[0].point.network], "chips": ["loihi2"], "axes": {"run.steps": [3]}}
    first = next(iter(neurocomp.sweep({**tree, "input": str(made.parent / "x.npz")})))
    assert first.status == "ok"
    with pytest.raises(InputError, match=r"axes\.run\.step: nothing is varied by this name"):
        neurocomp.sweep({**tree, "axes": {"run.step": [3]}})
    with pytest.raises(InputError, match="chips: field required"):
        neurocomp.sweep({"networks": ["n"]})


def test_progress_says_how_fast_how_long_and_what_is_best() -> None:
    progress = Progress(io.StringIO())
    teller = SweepProgress(space(constraints={"latency_ns": {"most": 5}}), 4, progress._advance, progress)
    teller.done(outcome(1, {"energy_pj": 3.0, "latency_ns": 4.0}), True)
    assert progress.note == "best energy_pj 3, best latency_ns 4"
    teller.done(outcome(2, {"energy_pj": 1.0, "latency_ns": 9.0}), False)
    teller.done(outcome(3, {}, "does not fit"), False)
    teller.since = time.monotonic() - 1000
    teller.done(outcome(4, {"energy_pj": 2.0, "latency_ns": 5.0}), True)
    assert progress.note == "0.0 points/s, 0 s left, best energy_pj 2, best latency_ns 4"
    assert (progress.done, progress.total) == (4, 4)
    assert [duration(s) for s in (3, 119, 120, 7200, 3 * 86400)] == ["3 s", "119 s", "2 min", "2 h", "3 d"]


def test_show_repeats_the_summary(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert swept(made, tmp_path / "a", "--workers", "1") == 0
    assert run(app, ["sweep", "show", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("6 points: 6 ok\n\nFront of ") and HOP in shown
    assert run(app, ["sweep", "show", str(tmp_path / "a"), "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert len(tree["points"]) == 6 and set(tree["pareto"]) <= {point["key"] for point in tree["points"]}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HOP, "chip.noc.hop_eastwest.energy_pj", "did you mean noc.hop_east_west.energy_pj?"),
        (HOP, "core.neurons_max", "axes.core.neurons_max: nothing is varied by this name"),
        ("run.steps: [3]", "run.steps: [0]", "axes.run.steps: is 0"),
        ("run.noc: [bound]", "run.noc: [bond]", "did you mean bound?"),
        ("energy_pj: min", "energy: min", "objectives.energy: is no metric\n  next: did you mean energy_pj?"),
        ("loihi2, generic", "loihi2x, generic", "did you mean loihi2?"),
        ("net.nir", "nit.nir", "nit.nir"),
        ("x.npz", "z.npz", "z.npz"),
    ],
)
def test_mistakes_are_found_before_anything_runs(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    file = tmp_path / "bad.yaml"
    assert old in made.read_text()
    file.write_text(made.read_text().replace(old, new))
    assert run(app, ["sweep", str(file), "-o", str(tmp_path / "s")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_values_that_only_some_chips_can_have_are_outcomes(made: Path, tmp_path: Path) -> None:
    """A value that a profile refuses is that point's outcome; only a path that no chip has is a mistake."""
    file = tmp_path / "odd.yaml"
    file.write_text(made.read_text().replace(f"{HOP}: [1, 2, 30]", "chip.core.neurons_max: [64, -1]"))
    with local_runner(Store(tmp_path / "s"), Given(made.parent / "x.npz")) as runner:
        outcomes = run_jobs(jobs_of(points_of(read_space(file))), runner)
    assert [o.status for o in outcomes] == ["ok", "bad input"] * 2
    assert "neurons_max" in outcomes[1].reason


def test_too_many_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["sweep", "show"]) == 2
    assert "give one space, or show and one folder" in capsys.readouterr().err
    assert run(app, ["sweep", "x.yaml", "--workers", "0"]) == 2
    assert "--workers: is 0" in capsys.readouterr().err
    with pytest.raises(InputError):
        read_space("no such file.yaml")
