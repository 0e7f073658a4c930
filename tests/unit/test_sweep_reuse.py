"""What points share is computed once, and nothing of that shows in their outcomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.chip.catalog import load_chip
from neurocomp.frontend.read import load_network
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.compile import lower
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.network.graph import Network
from neurocomp.sweep import evaluate
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.given import Given
from neurocomp.sweep.profile import paths, with_values
from neurocomp.sweep.reuse import ignores_times, mapping_key, timing_key
from neurocomp.sweep.runs import Run, load_run, save_run
from neurocomp.sweep.sample import Point
from tests.sweeps import make_files

CHANGES: tuple[dict[str, object], ...] = (
    {},
    {"chip.noc.hop_east_west.energy_pj": 9.0},
    {"chip.engines.fp.synaptic_operation.dense.energy_pj": 77.0, "chip.power.static_mw": 1.0},
    {"chip.engines.fp.neuron_update.latency_ns": 99.0},
    {"chip.noc.hop_east_west.energy_pj": 9.0, "chip.engines.fp.neuron_update.latency_ns": 99.0},
    {"chip.core.neurons_max": 2},
    {"chip.core.neurons_max": 2, "chip.noc.hop_east_west.energy_pj": 9.0},
    {"chip.core.neurons_max": 2, "chip.engines.fp.packet_out.latency_ns": 500.0},
    {"chip.core.neurons_max": 1, "chip.core.count": 3},
    {"chip.core.neurons_max": 1, "chip.core.count": 3, "chip.power.static_mw": 1.0},
    {"chip.numeric.weight_bits": 3},
    {"run.noc": "event"},
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_files(tmp_path_factory.mktemp("sweep")).parent


def points(made: Path, objective: str) -> list[Point]:
    fixed = {"mapping.objective": objective, "run.steps": 3, "run.noc": "bound"}
    return [Point(str(made / "net.nir"), "loihi2", tuple({**fixed, **change}.items())) for change in CHANGES]  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", ["traffic", "energy"])
def test_outcomes_do_not_know_what_was_kept(made: Path, tmp_path: Path, objective: str) -> None:
    asked = points(made, objective)
    alone = [Bench(Given(made / "x.npz")).evaluate(point, "k") for point in asked]
    shared, again = Bench(Given(made / "x.npz"), tmp_path / "runs"), Bench(Given(made / "x.npz"), tmp_path / "runs")
    assert [shared.evaluate(point, "k") for point in asked] == alone
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert [again.evaluate(point, "k") for point in reversed(asked)] == alone[::-1]
    statuses = [outcome.status for outcome in alone]
    assert statuses.count("ok") == 10 and statuses.count("does not fit") == 2, statuses


def test_any_number_of_a_profile_may_change(made: Path) -> None:
    """Each number, one after the other on one bench, against a bench that never saw another point."""
    base, shared, asked = load_chip("loihi2"), Bench(Given(made / "x.npz")), []
    for path in paths(base):
        value = _value(base, path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            settings = ((f"chip.{path}", value * 2), ("run.steps", 2), ("run.noc", "bound"))
            asked.append(Point(str(made / "net.nir"), "loihi2", settings))
    assert len(asked) > 40
    for point in asked:
        assert shared.evaluate(point, "k") == Bench(Given(made / "x.npz")).evaluate(point, "k")


def test_only_what_a_point_changes_is_made_again(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_: list[str] = []

    def count(name: str) -> None:
        original = getattr(evaluate, name)
        monkeypatch.setattr(evaluate, name, lambda *a, **k: (made_.append(name), original(*a, **k))[1])

    for name in ("execute", "plan_mapping", "simulate"):
        count(name)
    bench, per_point = Bench(Given(made / "x.npz"), tmp_path / "runs"), []
    for point in points(made, "energy"):
        made_.clear()
        bench.evaluate(point, "k")
        per_point.append(tuple(made_))
    everything = ("execute", "plan_mapping", "simulate")
    assert per_point[0] == everything and per_point[10] == everything, "other numbers need another run"
    assert per_point[1] == ("plan_mapping",), "hops are what energy ranks by, and nothing that takes time"
    assert per_point[3] == ("plan_mapping", "simulate") and per_point[11] == ("simulate",)
    assert per_point[8] == ("plan_mapping",), "it does not fit"
    made_.clear()
    Bench(Given(made / "x.npz"), tmp_path / "runs").evaluate(points(made, "energy")[0], "k")
    assert made_ == ["plan_mapping", "simulate"], "the run was kept on disk"


def test_energies_of_neurons_need_no_mapping_and_no_simulation(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, asked = Bench(Given(made / "x.npz")), points(made, "traffic")
    before = bench.evaluate(asked[0], "k")
    monkeypatch.setattr(evaluate, "plan_mapping", None)
    monkeypatch.setattr(evaluate, "simulate", None)
    for point in asked[1:3]:
        after = bench.evaluate(point, "k")
        assert after.status == "ok" and after.metrics["latency_ns"] == before.metrics["latency_ns"]


@pytest.fixture(scope="module")
def lowered(made: Path) -> Network:
    return lower(load_network(str(made / "net.nir")), load_chip("loihi2"), np.ones(1))


def same(a: Program, b: Program) -> bool:
    tiles = [(t.population, t.core, t.box) for t in a.tiles] == [(t.population, t.core, t.box) for t in b.tiles]
    return tiles and all(np.array_equal(v, vars(b.routes)[k]) for k, v in vars(a.routes).items() if k != "route_class")


@pytest.mark.parametrize("objective", ["traffic", "energy", "step-time", "cores"])
def test_chips_of_one_mapping_key_get_one_mapping(lowered: Network, objective: str) -> None:
    """Every energy and time of the profile, multiplied: where the key stays, so does the mapping."""
    base = with_values(load_chip("loihi2"), {"core.neurons_max": 2})
    choices, kept = Choices(objective, "fast"), 0
    program = map_network(lowered, base, objective=objective, effort="fast")
    for path in paths(base):
        if path.endswith(("_pj", "_mw", "_ns", "[0]")) and isinstance(value := _value(base, path), float):
            chip = with_values(base, {path: value * 5 + 1})
            equal = mapping_key(chip, objective) == mapping_key(base, objective)
            timeless = mapping_key(chip, objective, times=False) == mapping_key(base, objective, times=False)
            if equal or (timeless and ignores_times(program, choices)):
                kept += 1
                assert same(map_network(lowered, chip, objective=objective, effort="fast"), program), path
            timed = timing_key(replace(program, chip=chip)) == timing_key(program)
            assert timed == path.endswith(("_pj", "_mw")), path
    assert kept > 5


def _value(chip: object, path: str) -> object:
    for step in path.replace("[", ".").replace("]", "").split("."):
        chip = chip[int(step)] if step.isdigit() and isinstance(chip, tuple) else getattr(chip, step, None)
    return chip


def test_times_decide_between_equal_mappings(lowered: Network) -> None:
    program = map_network(lowered, load_chip("loihi2"), objective="energy", effort="fast")
    assert not ignores_times(program, Choices("energy", "fast"))
    program = map_network(lowered, load_chip("loihi2"), objective="traffic", effort="default")
    assert not ignores_times(program, Choices("traffic", "default"))


def trace() -> SpikeTrace:
    spikes = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    constant = np.broadcast_to(np.linspace(0, 1, 40, dtype=np.float32).reshape(2, 1, 20), (2, 4, 20))
    return SpikeTrace(2, 4, {
        "../in": PopulationTrace((20,), spikes, values=constant), "b": PopulationTrace((4, 5), spikes, spikes),
    }, "float")  # fmt: skip


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    run = Run(trace(), 0.5)
    save_run(tmp_path / "runs", "key", run)
    back = load_run(tmp_path / "runs", "key")
    assert back is not None and back.accuracy == 0.5
    assert back.trace.digest == run.trace.digest and list(back.trace.populations) == ["../in", "b"]
    assert back.trace.populations["b"].active is not None and back.trace.arithmetic == "float"
    (file,) = (tmp_path / "runs").iterdir()
    content = bytearray(file.read_bytes())
    content[content.index(bytes(range(12))) + 3] ^= 1
    for damaged in (bytes(content), bytes(content[:90]), b"", b"{}"):
        file.write_bytes(damaged)
        assert load_run(tmp_path / "runs", "key") is None
    assert load_run(tmp_path / "runs", "other") is None


def test_a_disk_that_refuses_runs_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    save_run(tmp_path / "file", "key", Run(trace(), None))
    assert load_run(tmp_path / "file", "key") is None


def test_several_chips_are_an_axis(tmp_path: Path) -> None:
    """A network that one small chip does not hold is mapped onto as many as it takes."""
    file = make_files(tmp_path)
    small = {"chip.core.count": 1, "chip.core.neurons_max": 2}
    bench, found = Bench(Given(tmp_path / "x.npz")), []
    for chips in ("1x1", "2x1", "auto"):
        settings = (*small.items(), ("mapping.chips", chips), ("run.noc", "bound"), ("run.steps", 2))
        point = Point(str(tmp_path / "net.nir"), "generic", settings)
        found.append(bench.evaluate(point, bench.key(point)))
    assert file.is_file() and [o.status for o in found] == ["does not fit", "ok", "ok"], [o.reason for o in found]
    assert found[1].metrics == found[2].metrics and found[1].metrics["cores_used"] == 2


def test_cores_that_hold_more_need_no_search(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the tiles lie where they lay; cores that hold less are searched, and refused if need be."""
    searched: list[int] = []
    original = evaluate.map_plan
    monkeypatch.setattr(evaluate, "map_plan", lambda *a, **k: (searched.append(1), original(*a, **k))[1])
    changes: tuple[dict[str, object], ...] = (
        {"chip.core.neurons_max": 100}, {"chip.core.neurons_max": 101}, {"chip.core.fan_in_axons_max": 99},
        {"chip.core.neurons_max": 3}, {"chip.core.neurons_max": 4}, {"chip.core.neurons_max": 3, "chip.core.count": 20},
        {"chip.core.neurons_max": 2, "chip.core.count": 1}, {"chip.noc.width": 16},
        {"chip.core.neurons_max": 102, "mapping.effort": "default"},
        {"chip.core.neurons_max": 103, "mapping.effort": "default"},
    )  # fmt: skip
    fixed = {"mapping.objective": "traffic", "run.steps": 3, "run.noc": "bound"}
    bench, found = Bench(Given(made / "x.npz")), []
    for change in changes:
        settings = tuple({**fixed, **change}.items())
        point, before = Point(str(made / "net.nir"), "loihi2", settings), len(searched)  # type: ignore[arg-type]
        outcome = bench.evaluate(point, "k")
        found.append((outcome.status, len(searched) - before))
        assert outcome == Bench(Given(made / "x.npz")).evaluate(point, "k")
    assert found == [
        ("ok", 1), ("ok", 0), ("ok", 0), ("ok", 1), ("ok", 0), ("ok", 1), ("does not fit", 0), ("ok", 1), ("ok", 1),
        ("ok", 1),
    ]  # fmt: skip


def test_links_between_chips_weigh_by_their_energy(made: Path) -> None:
    """Two points that differ in what such a link costs are no equal mapping problem."""
    fixed = {
        "chip.core.count": 1,
        "chip.core.neurons_max": 2,
        "mapping.chips": "2x1",
        "run.noc": "bound",
        "run.steps": 2,
    }
    bench, found = Bench(Given(made / "x.npz")), []
    for hop_pj in (1.0, 500.0):
        settings = (*fixed.items(), ("chip.noc.hop_east_west.energy_pj", hop_pj))
        point = Point(str(made / "net.nir"), "generic", settings)
        found.append(bench.evaluate(point, "k"))
        assert found[-1] == Bench(Given(made / "x.npz")).evaluate(point, "k")
    assert [outcome.status for outcome in found] == ["ok", "ok"], [outcome.reason for outcome in found]
    assert len(bench.kept["program"]) == 2
