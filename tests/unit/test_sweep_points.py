"""From a sweep's file to its points, and a profile with other values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.sweep.mapping import chips_of
from neurocomp.sweep.profile import SOURCE, paths, with_values
from neurocomp.sweep.sample import grid_size, points_of
from neurocomp.sweep.space import Limit, Range
from tests.sweeps import SPACE, space, space_of


def test_a_grid_holds_every_combination_once() -> None:
    found = points_of(space(networks=["a", "b"], chips=["x"], axes={"run.steps": (1, 2), "mapping.seed": (7, 8, 9)}))
    assert len(found) == len(set(found)) == 12
    assert {point.network for point in found} == {"a", "b"}
    assert found[0].settings == (("run.steps", 1), ("mapping.seed", 7))


def test_ranges_hold_both_ends() -> None:
    linear, log = Range(low=1, high=5, count=5), Range(low=1, high=1000, count=4, scale="log")
    whole = Range(low=1, high=3, count=7, integer=True)
    found = points_of(space(axes={"a": linear})), points_of(space(axes={"a": log})), points_of(space(axes={"a": whole}))
    values = [[dict(point.settings)["a"] for point in points] for points in found]
    assert values == [[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 10.0, 100.0, 1000.0], [1, 2, 3]]


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.sampled_from(["linear", "log"]), st.integers(0, 2**31))
def test_samples_lie_within_their_range(a: float, b: float, scale: str, seed: int) -> None:
    low, high = sorted((a, b))
    if low < high:
        axis = Range(low=low, high=high, scale=scale)  # type: ignore[arg-type]
        for point in points_of(space(axes={"a": axis}, sampler={"method": "latin", "points": 3, "seed": seed})):
            value = dict(point.settings)["a"]
            assert isinstance(value, float) and low * (1 - 1e-11) <= value <= high * (1 + 1e-11)


@pytest.mark.parametrize("method", ["random", "latin"])
def test_samples_depend_on_their_seed_alone(method: str) -> None:
    def sampled(seed: int) -> list[object]:
        axes = {"a": Range(low=0, high=1), "b": (1, 2, 3)}
        return points_of(space(chips=["x", "y"], axes=axes, sampler={"method": method, "points": 40, "seed": seed}))

    assert sampled(1) == sampled(1) != sampled(2)
    assert len(sampled(1)) == 40


def test_a_latin_hypercube_fills_every_strip_of_every_axis_once() -> None:
    sampler = {"method": "latin", "points": 50}
    found = points_of(space(axes={"a": Range(low=0, high=50), "b": Range(low=0, high=50)}, sampler=sampler))
    for name in ("a", "b"):
        strips = [int(dict(point.settings)[name]) for point in found]  # type: ignore[call-overload]
        assert sorted(strips) == list(range(50))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"axes": {"a": Range(low=0, high=1)}}, "axes.a: a grid needs the number of values in a range"),
        ({"sampler": {"method": "latin"}}, "sampler: latin needs a number of points"),
        ({"axes": {name: tuple(range(101)) for name in "abc"}}, "the grid has 1,030,301 points"),
    ],
)
def test_spaces_without_points(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        points_of(space(**changed))


def test_the_size_of_a_grid() -> None:
    assert grid_size(space(chips=["x", "y"], axes={"a": (1, 2, 3), "b": Range(low=0, high=1, count=4)})) == 24


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("energy_pj: [1, 2, 30]", "energy_pj: {low: 3, high: 1, count: 2}", "space.yaml:6:37: axes"),
        ("energy_pj: [1, 2, 30]", "energy_pj: []", "must not be empty"),
        ("energy_pj: [1, 2, 30]", "energy_pj: {low: -3, high: 1, scale: log}", "a log scale needs numbers above 0"),
        ("energy_pj: min", "energy_pj: least", "must be min or max"),
        ("axes:", "axis:", "did you mean axes?"),
        ("networks: [net.nir]", "networks: []", "networks must not be empty"),
    ],
)
def test_mistakes_have_a_place(old: str, new: str, message: str) -> None:
    text = SPACE.format(network="net.nir", inputs="null")
    assert old in text
    with pytest.raises(InputError) as caught:
        space_of(text.replace(old, new))
    assert message in str(caught.value) and "space.yaml:" in str(caught.value)


def test_limits() -> None:
    assert Limit(least=1, most=2).holds(1.5) and not Limit(least=1).holds(0.5) and not Limit(most=1).holds(1.5)
    assert not Limit().holds(None)


def test_replaced_values_say_who_set_them() -> None:
    chip = load_chip("loihi2")
    other = with_values(chip, {"core.neurons_max": 77, "core.memories[0].size_kib": 5.0})
    assert other.core.neurons_max == 77 and other.core.memories[0].size_kib == 5.0
    for path in ("core.neurons_max", "core.memories[0].size_kib"):
        assert (other.provenance[path].source, other.provenance[path].kind) == (SOURCE, "estimated")
    changed = {p for p in paths(chip) if other.provenance.get(p) != chip.provenance.get(p)}
    assert changed == {"core.neurons_max", "core.memories[0].size_kib"}
    assert with_values(chip, {}).digest() == chip.digest() != other.digest()


@pytest.mark.parametrize("name", ["loihi", "loihi2", "truenorth", "generic"])
def test_every_number_of_a_profile_can_be_replaced_by_itself(name: str) -> None:
    chip = load_chip(name)
    tree = chip.model_dump(mode="json", by_alias=True)

    def at(path: str) -> object:
        value: object = tree
        for step in path.replace("[", ".[").split("."):
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]  # type: ignore[index]
        return value

    values = {p: at(p) for p in paths(chip) if isinstance(at(p), int | float) and not isinstance(at(p), bool)}
    assert len(values) > 25
    same = with_values(chip, values)
    assert same.model_copy(update={"provenance": {}}) == chip.model_copy(update={"provenance": {}})


def test_values_that_a_profile_does_not_have_or_cannot_have() -> None:
    with pytest.raises(InputError) as caught:
        with_values(load_chip("loihi2"), {"core.neuron_max": 5, "core.memories[9].size_kib": 1.0})
    assert str(caught.value).startswith(
        "chip.core.neuron_max: loihi2 has no such value\n  next: did you mean core.neurons_max?"
    )
    with pytest.raises(InputError, match=r"chip\.core\.neurons_max: cannot be -3 on loihi2"):
        with_values(load_chip("loihi2"), {"core.neurons_max": -3})
    with pytest.raises(InputError, match=r"chip\.noc\.input_port"):
        with_values(load_chip("loihi2"), {"noc.width": 1, "noc.input_port[0]": 900})
    assert np.isfinite(load_chip("loihi2").noc.width)


@pytest.mark.parametrize(("given", "chips"), [(None, (1, 1)), ("2x3", (2, 3)), ("auto", "auto")])
def test_how_many_chips_a_point_may_use(given: str | None, chips: object) -> None:
    assert chips_of(given) == chips


@pytest.mark.parametrize("given", ["2", 4, "2x", "x2", "2x2x2", ""])
def test_chips_that_make_up_no_mesh(given: object) -> None:
    with pytest.raises(InputError, match=r"mapping\.chips: is .*\n  next: give columns x rows"):
        chips_of(given)  # type: ignore[arg-type]
