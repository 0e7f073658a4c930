"""A sweep on a real Dask scheduler with worker processes on loopback, against the same sweep in one process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import ResourceLimitError
from neurocomp.sweep.api import outcomes_of, plan, runner_of
from neurocomp.sweep.given import NOTHING, Given
from neurocomp.sweep.space import read_space
from neurocomp.sweep.store import Store
from tests.sweeps import make_files

pytest.importorskip("distributed")
WORKER = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard", "--no-nanny"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = make_files(tmp_path_factory.mktemp("sweep"))
    values = ", ".join(str(k) for k in range(1, 31))
    file.write_text(file.read_text().replace("[1, 2, 30]", f"[{values}]"))
    return file


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """The address of a scheduler process, and two worker processes."""
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
    address = ""
    while not address:
        line = started.stderr.readline()  # type: ignore[union-attr]
        assert line, "the scheduler did not start"
        found = re.search(r"Scheduler at:\s+(tcp://\S+)", line)
        address = found[1] if found else ""
    workers = [
        subprocess.Popen([*WORKER, address], stderr=subprocess.DEVNULL, text=True, cwd=tmp_path, env=environment)
        for _ in range(2)
    ]
    yield address, workers
    for process in (*workers, started):
        process.kill()
        process.wait()
    started.stderr.close()  # type: ignore[union-attr]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_cluster_gives_the_same_files(
    made: Path, tmp_path: Path, scheduler: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    address, _ = scheduler
    assert run(app, ["sweep", str(made), "-o", str(tmp_path / "a"), "-q", "--workers", "1"]) == 0
    assert run(app, ["sweep", str(made), "-o", str(tmp_path / "b"), "-q", "--dask", address]) == 0
    one, other = everything(tmp_path / "a"), everything(tmp_path / "b")
    assert one == other and sum(name.startswith("points/") for name in one) == 60


def test_a_lost_worker_costs_nothing_that_is_finished(
    made: Path, tmp_path: Path, scheduler: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    address, workers = scheduler
    space, store = read_space(made), Store(tmp_path / "s")
    given = Given(made.parent / "x.npz")
    jobs = plan(space, given)
    with runner_of(store, given, 1, address) as runner:
        runner.client.wait_for_workers(2, timeout=60)  # type: ignore[attr-defined]
        finished = 0
        for outcome in outcomes_of(space, jobs, runner, given):
            finished += 1
            assert outcome.status == "ok"
            if finished == 5:
                workers[0].kill()
    assert finished == len(jobs) == 60


def test_a_lost_scheduler_keeps_what_is_finished(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    from neurocomp.sweep import cluster as module

    monkeypatch.setattr(module, "PATIENCE_S", 1)

    space, store, given = read_space(made), Store(tmp_path / "s"), Given(made.parent / "x.npz")
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        pytest.raises(ResourceLimitError, match="lost"),
        runner_of(store, given, 1, cluster.scheduler_address) as runner,
    ):
        for done, _ in enumerate(outcomes_of(space, plan(space, given), runner, given)):
            if done == 3:
                cluster.close()
    assert 4 <= len(list(store.all())) < 60


def test_an_interrupt(made: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.yaml"
    many.write_text(made.read_text().replace("[1, 2,", "[" + "".join(f"{k}.5, " for k in range(2000)) + "1, 2,"))
    command = [
        sys.executable,
        "-m",
        "neurocomp",
        "sweep",
        str(many),
        "-o",
        str(tmp_path / "s"),
        "--dask",
        "local",
        "--workers",
        "2",
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background may ignore it
    )  # fmt: skip
    until = time.monotonic() + 100
    while time.monotonic() < until and len(list((tmp_path / "s" / "points").glob("*.json"))) < 5:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to every process
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130 and "points are finished and kept" in err, err
    assert "Traceback" not in err
    assert len(list(Store(tmp_path / "s").all())) >= 5


def test_no_scheduler(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from neurocomp.sweep import cluster

    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://x", "127.0.0.1"):
        assert run(app, ["sweep", str(made), "-o", str(tmp_path / "s"), "--dask", address]) == 2
        err = capsys.readouterr().err
        assert f"--dask: no scheduler answers at {address}" in err and "tcp://host:8786" in err


def test_a_worker_that_sees_other_files(made: Path) -> None:
    from neurocomp.sweep.cluster import compute

    network = str(made.parent / "net.nir")
    answer = compute(network, "loihi2", [["run.steps", 3]], "0" * 64, NOTHING, "nowhere")
    assert answer["what"].startswith("a worker has another version of neurocomp, or other files")
    answer = compute(network, "no_such_chip.yaml", [], "0" * 64, NOTHING, "nowhere")
    assert answer["what"].startswith("a worker cannot read the files")


def test_a_result_that_went_with_its_worker_is_waited_for() -> None:
    """The scheduler computes it again; only a task that failed or was given up has none."""
    from distributed.client import FutureCancelledError

    from neurocomp.sweep.cluster import result_of

    class Future:
        def __init__(self, status: str, error: Exception | None = None) -> None:
            self.status, self.error = status, error

        def result(self) -> dict[str, int]:
            if self.error is not None:
                raise self.error
            return {"a": 1}

    assert result_of(Future("finished")) == result_of(Future("lost")) == {"a": 1}
    assert result_of(Future("error")) is None and result_of(Future("cancelled")) is None
    assert result_of(Future("lost", FutureCancelledError("key", "scheduler closed"))) is None
    with pytest.raises(ZeroDivisionError):
        result_of(Future("finished", ZeroDivisionError()))
