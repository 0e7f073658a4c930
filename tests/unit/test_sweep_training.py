"""Sweeps over training chips: arrays, batches, and axes that go together."""

from __future__ import annotations

from pathlib import Path

import pytest

import neurocomp
from neurocomp.chip.catalog import load_array_chip
from neurocomp.errors import InputError
from neurocomp.sweep.api import space_of
from neurocomp.sweep.checks import check_space
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.outcome import METRIC_NAMES, TRAINING_NAMES, Outcome
from neurocomp.sweep.profile import expanded, with_values
from neurocomp.sweep.sample import Point, grid_size, points_of
from neurocomp.sweep.space import TRAINING_OBJECTIVES, Range
from neurocomp.sweep.tables import points_csv
from neurocomp.sweep.training import TRAINING_AXES, TrainingChoices
from tests.sweeps import space
from tests.sweeps import space_of as parsed

DIGITS = str(Path(__file__).resolve().parents[2] / "examples" / "01_digits" / "net.pt")


def outcome_of(**settings: object) -> Outcome:
    point = Point(DIGITS, "neuromc", tuple((n.replace("__", "."), v) for n, v in settings.items()))  # type: ignore[misc]
    bench = Bench()
    return bench.evaluate(point, bench.key(point))


def test_a_point_costs_what_neurocomp_train_says() -> None:
    from neurocomp.energy.training import price_training
    from neurocomp.simulate.trained_layers import layers_of
    from neurocomp.simulate.training_setup import TrainingSetup

    layers = layers_of(neurocomp.load_network(DIGITS)).layers
    setup = TrainingSetup(8, 3, "adam", "layer", sparsity="skipped")
    run = neurocomp.simulate_training(load_array_chip("neuromc"), layers, setup)
    found = outcome_of(training__batch=8, training__steps=3.0, training__optimizer="adam", training__order="layer",
                       training__sparsity="skipped").metrics  # fmt: skip
    assert tuple(found) == TRAINING_NAMES
    assert found["iteration_ns"] == run.iteration_ps / 1e3 and found["sample_ns"] == run.iteration_ps / 8e3
    assert found["iteration_energy_pj"] == price_training(run).total_aj / 1e6
    assert found["sample_dram_bytes"] == run.dram_bits / 64 and found["dram_bytes_held"] == run.dram_bits_held / 8
    assert found["array_elements"] == 20 * 3 * 256 and found["training_cores"] == len({p.core for p in run.parts})
    mean = sum(run.utilisation().values()) / 3
    assert found["filled"] == pytest.approx(mean)


def test_the_steps_are_those_of_the_sample_unless_said() -> None:
    steps = neurocomp.load_network(DIGITS).sample.steps  # type: ignore[union-attr]
    assert outcome_of().metrics == outcome_of(training__steps=steps).metrics


def test_points_that_cannot_be_say_why() -> None:
    found = outcome_of(**{"chip__noc__width": 1})
    assert found.status == "bad input" and "mesh has 4 places" in found.reason
    assert tuple(found.metrics) == TRAINING_NAMES and set(found.metrics.values()) == {None}
    assert outcome_of(training__optimizer="adam+momentum").status == "bad input"
    assert outcome_of(training__batch=10**6, training__steps=10**5).status == "does not fit"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch", 1.5, "is 1.5; a whole number is needed"),
        ("batch", 0, "is 0"),
        ("steps", True, "is True; a whole number is needed"),
        ("order", 3, "is 3; a word is needed"),
        ("sparsity", 0.5, "is 0.5; a word is needed\n  next: one of dense, gated, skipped"),
        ("optimizer", 1, "next: one of sgd, adam, sgd+momentum, sgd+decay"),
        ("order", "sideways", "there is no order 'sideways'"),
        ("optimizer", "sgd+luck", "there is nothing called 'luck' to add"),
        ("spikes", 2, "shares lie between 0 and 1"),
        ("on_chip", 1, "is 1; true or false is needed"),
        ("bach", 4, "did you mean training.batch?"),
    ],
)
def test_choices_that_make_no_sense(name: str, value: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        TrainingChoices.of({f"training.{name}": value})  # type: ignore[dict-item]
    assert message in str(caught.value)


def test_every_axis_of_training_changes_a_point() -> None:
    other = {"batch": 4, "steps": 2, "optimizer": "adam+decay", "order": "layer", "balance": "forward", "packed": False,
             "sparsity": "skipped", "batch_norm": True, "recompute": True, "on_chip": True}  # fmt: skip
    plain = outcome_of(chip__cores=2).metrics
    skipped = outcome_of(training__sparsity="skipped").metrics
    for name, value in other.items():
        assert outcome_of(chip__cores=2, **{f"training__{name}": value}).metrics != plain, name
    assert outcome_of(training__sparsity="skipped", training__gradients=0.9).metrics != skipped
    # every layer of this network takes numbers, so that its share of spikes costs nothing
    assert TrainingChoices.of({"training.spikes": 0.9}).setup(4).activity.rest.sent == 0.9
    assert {f"training.{name}" for name in (*other, "spikes", "gradients")} == set(TRAINING_AXES)


def test_stars_and_numbers_stand_for_several_paths() -> None:
    chip = load_array_chip("neuromc")
    assert expanded(chip, "engines.*.rows") == ["engines.fp.rows", "engines.bp.rows", "engines.wg.rows"]
    assert expanded(chip, "memories[1,12].ports") == ["memories[1].ports", "memories[12].ports"]
    assert len(expanded(chip, "memories[*].ports")) == len(chip.memories)
    assert expanded(chip, "engines.*.row") == ["engines.*.row"] and expanded(chip, "clock_mhz") == ["clock_mhz"]
    changed = with_values(chip, {"engines.*.rows": 8, "memories[1,12].ports": 3})
    assert {engine.rows for engine in (changed.engines.fp, changed.engines.bp, changed.engines.wg)} == {8}
    assert [memory.ports for memory in changed.memories].count(3) == 2
    assert changed.provenance["engines.bp.rows"].kind == "estimated"
    with pytest.raises(InputError, match=r"chip\.engines\.\*\.row: neuromc has no such value"):
        with_values(chip, {"engines.*.row": 8})


TIED = {"a": (1, 2, 3), "b": {"with": "a", "values": [10, 20, 30]}}


@pytest.mark.parametrize("sampler", [{}, {"method": "latin", "points": 12}, {"method": "random", "points": 12}])
def test_tied_axes_follow_their_leader(sampler: dict[str, object]) -> None:
    tied = space(axes={**TIED, "c": Range(low=0, high=1, count=2)}, sampler=sampler)
    found = [dict(point.settings) for point in points_of(tied)]
    assert tied.followers == ("b",) and grid_size(tied) == 6
    assert len(found) == (12 if sampler else 6) and {p["a"] for p in found} == {1, 2, 3}
    assert all(list(p) == ["a", "b", "c"] and p["b"] == 10 * p["a"] for p in found)  # type: ignore[operator]


def test_guided_points_keep_axes_together() -> None:
    pytest.importorskip("optuna")
    from neurocomp.sweep.guided import new_study, point_of

    tied = space(axes=TIED, sampler={"method": "guided", "points": 4})
    study = new_study(tied)
    for _ in range(4):
        settings = dict(point_of(tied, study.ask()).settings)
        assert settings["b"] == 10 * settings["a"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("tie", "message"),
    [
        ({"with": "aa", "values": [1, 2, 3]}, "goes with aa, which is no axis that has a list of values"),
        ({"with": "r", "values": [1, 2, 3]}, "goes with r, which is a range"),
        ({"with": "b", "values": [1, 2, 3]}, "goes with b, which is no axis"),
        ({"with": "a", "values": [1, 2]}, "has 2 values; a has 3"),
    ],
)
def test_ties_that_cannot_be(tie: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        points_of(space(axes={"a": (1, 2, 3), "r": Range(low=0, high=1, count=3), "b": tie}))


def test_a_space_of_training_has_its_own_objectives_and_axes() -> None:
    base = {"networks": [DIGITS], "chips": ["neuromc"]}
    found = space_of(base)
    assert found.objectives == TRAINING_OBJECTIVES
    check_space(found)
    check_space(space_of({**base, "axes": {"chip.engines.*.rows": [4], "training.batch": [1]}}))
    with pytest.raises(InputError) as caught:
        wrong = {"run.noc": ["bound"], "training.bach": [1], "training.batch": [0], "chip.engines.*.row": [4]}
        check_space(space_of({**base, "input": "x.npz", "axes": wrong, "objectives": {"energy_pj": "min"}}))
    text = str(caught.value)
    for part in (
        "objectives.energy_pj: is a metric of inference, and these chips are for training",
        "axes.run.noc: is varied for inference",
        "did you mean training.batch?",
        "axes.training.batch: samples is 0",
        "axes.chip.engines.*.row: no chip of this sweep has such a value",
        "input: is not used by training",
    ):
        assert part in text, part
    with pytest.raises(InputError, match=r"axes\.training\.batch: is varied for training"):
        check_space(space_of({**base, "chips": ["loihi2"], "axes": {"training.batch": [1]}}))
    with pytest.raises(InputError, match="some of these chips are event-driven"):
        check_space(space_of({**base, "chips": ["loihi2", "neuromc"]}))


def test_tables_have_the_metrics_of_their_points() -> None:
    header = points_csv([outcome_of()]).partition("\n")[0].split(",")
    assert set(TRAINING_NAMES) <= set(header) and not set(METRIC_NAMES) & set(header)
    front = neurocomp.pareto([outcome_of(), outcome_of(training__batch=1)], ["sample_ns", "filled"])
    assert front


def test_files_are_found_from_the_folder_of_the_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "spaces"
    inner.mkdir()
    (inner / "net.pt").write_bytes(b"a")
    (tmp_path / "net.pt").write_bytes(b"b")
    (tmp_path / "here.pt").write_bytes(b"c")
    monkeypatch.chdir(tmp_path)
    file = inner / "s.yaml"
    names = "[net.pt, ../net.pt, here.pt, /gone/x.pt, none.pt]"
    text = f"schema: neurocomp/sweep/1\nnetworks: {names}\nchips: [loihi2, mine.yaml]\ninput: x.npz\n"
    file.write_text(text)
    found = space_of(Path("spaces", "s.yaml"))
    assert found.network_names == ("spaces/net.pt", "net.pt", "here.pt", "/gone/x.pt", "spaces/none.pt")
    assert found.chips == ("loihi2", "spaces/mine.yaml") and found.input == "spaces/x.npz"
    assert parsed(text).network_names[0] == "net.pt"
    (inner / "loihi2").mkdir()
    assert space_of(file).chips[0] == "loihi2"
