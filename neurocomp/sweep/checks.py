"""What is wrong with a space as a whole, found before anything runs: names, files, values that no point can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

from neurocomp.chip.catalog import load_array_chip, load_chip
from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import Diagnostic, InputError
from neurocomp.fabric.noc import Fidelity
from neurocomp.inputs.prepare import prepare
from neurocomp.mapping.choices import Choices
from neurocomp.network.graph import Network
from neurocomp.network.quantise import SCALES
from neurocomp.simulate.trained_layers import layers_of
from neurocomp.sweep.files import is_mixed, is_training
from neurocomp.sweep.given import Given
from neurocomp.sweep.mapping import MAPPING_AXES, chips_of
from neurocomp.sweep.outcome import METRIC_NAMES, TRAINING_NAMES
from neurocomp.sweep.profile import expanded, paths
from neurocomp.sweep.sample import wrong_ties
from neurocomp.sweep.space import Axis, Range, Scalar, Space, Tied
from neurocomp.sweep.training import TRAINING_AXES, TrainingChoices

RUN = ("run.steps", "run.noc", "run.weight_scales")
CHIP = "chip."
INFERENCE = (*MAPPING_AXES, *RUN)
_WORDS = {"run.noc": get_args(Fidelity), "run.weight_scales": SCALES}


def check_space(space: Space, given: Given | None = None) -> None:
    """Raises InputError with everything that is wrong, each finding once. A value that some chip refuses is no mistake
    here: it is the outcome of its points. given: the files of the points; None: the networks are not looked at."""
    if is_mixed(space):
        what = "some of these chips are event-driven, some hold arrays"
        why = "points are inferences on the former and training iterations on the latter, with other metrics"
        raise InputError(Diagnostic("chips", what, why, "give each kind a space of its own"))
    training = is_training(space)
    found = [*_metrics(space, training), *wrong_ties(space), *_axes(space, training), *_chips(space, training)]
    found += [*_names(space), *(_idle(space) if training else ())]
    if given is not None:
        found += _trained(space, given) if training else _networks(space, given)
    if found:
        raise InputError(list({str(diagnostic): diagnostic for diagnostic in found}.values()))


def _metrics(space: Space, training: bool) -> Iterator[Diagnostic]:
    known, others = (TRAINING_NAMES, METRIC_NAMES) if training else (METRIC_NAMES, TRAINING_NAMES)
    for section, names in (("objectives", space.objectives), ("constraints", space.constraints)):
        for name in names:
            if name in others:
                what = f"is a metric of {_kind(not training)}, and these chips are for {_kind(training)}"
                yield Diagnostic(f"{section}.{name}", what, hint=f"metrics: {', '.join(known)}")
            elif name not in known:
                yield Diagnostic(f"{section}.{name}", "is no metric", hint=did_you_mean(name, known))


def _kind(training: bool) -> str:
    return "training" if training else "inference"


def _axes(space: Space, training: bool) -> Iterator[Diagnostic]:
    known, others = (TRAINING_AXES, INFERENCE) if training else (INFERENCE, TRAINING_AXES)
    for name, axis in space.axes.items():
        if name.startswith(CHIP):
            continue
        if name in others:
            what = f"is varied for {_kind(not training)}, and these chips are for {_kind(training)}"
            yield Diagnostic(f"axes.{name}", what, hint=f"known here: {', '.join((f'{CHIP}PATH', *known))}")
        elif name not in known:
            hint = did_you_mean(name, (f"{CHIP}PATH", *known))
            yield Diagnostic(f"axes.{name}", "nothing is varied by this name", hint=hint)
        else:
            for value in _values(axis):
                wrong = _wrong_choice(name, value) if training else _wrong(name, value)
                yield from (Diagnostic(f"axes.{name}", d.what, d.why, d.hint) for d in wrong)


def _values(axis: Axis) -> list[Scalar]:
    if isinstance(axis, Range):
        return [axis.low, axis.high]
    return list(axis.values if isinstance(axis, Tied) else axis)


def _wrong_choice(name: str, value: Scalar) -> list[Diagnostic]:
    try:
        TrainingChoices.of({name: value})
    except InputError as error:
        return list(error.diagnostics)
    return []


def _wrong(name: str, value: Scalar) -> list[Diagnostic]:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name in _WORDS:
        known = _WORDS[name]
        return [] if value in known else [Diagnostic("", f"is {value!r}", hint=did_you_mean(str(value), known))]
    if name == "run.steps":
        if whole or (isinstance(value, float) and value.is_integer()):
            return [] if value >= 1 else [Diagnostic("", f"is {value}; at least 1 is needed")]  # type: ignore[operator]
        return [Diagnostic("", f"is {value!r}; a whole number is needed")]
    field = name.removeprefix("mapping.")
    try:
        chips_of(value) if field == "chips" else Choices(**{field: value})  # type: ignore[arg-type]
    except InputError as error:
        return list(error.diagnostics)
    except TypeError:
        return [Diagnostic("", f"cannot be {value!r}")]
    return []


def _chips(space: Space, training: bool) -> Iterator[Diagnostic]:
    known: list[str] = []
    meant: set[str] = set()
    for name in space.chips:
        try:
            chip = load_array_chip(name) if training else load_chip(name)
            known += paths(chip)
            meant |= {
                axis for axis in space.axes if expanded(chip, axis.removeprefix(CHIP)) != [axis.removeprefix(CHIP)]
            }
        except InputError as error:
            yield from error.diagnostics
            return
    for axis in space.axes:
        path = axis.removeprefix(CHIP)
        if (
            axis.startswith(CHIP)
            and path not in known
            and axis not in meant
            and not any(k.startswith((f"{path}.", f"{path}[")) for k in known)
        ):
            yield Diagnostic(f"axes.{axis}", "no chip of this sweep has such a value", hint=did_you_mean(path, known))


def _names(space: Space) -> Iterator[Diagnostic]:
    names = space.network_names
    for name in sorted({name for name in names if names.count(name) > 1}):
        what = f"{name} stands there {names.count(name)} times"
        yield Diagnostic("networks", what, hint="give each a name: of its own")


def _idle(space: Space) -> Iterator[Diagnostic]:
    for option, value in (("input", space.input), ("calibrate", space.calibrate)):
        if value is not None:
            yield Diagnostic(option, "is not used by training, which is costed from layers and assumed shares")


def _trained(space: Space, given: Given) -> Iterator[Diagnostic]:
    for name in space.network_names:
        yield from _said(lambda: layers_of(given.saved(name).network()))  # noqa: B023


def _networks(space: Space, given: Given) -> Iterator[Diagnostic]:
    steps = space.axes.get("run.steps")
    first = steps[0] if isinstance(steps, tuple) and isinstance(steps[0], int) and steps[0] > 0 else None
    for name in space.network_names:
        networks: list[Network] = []
        yield from _said(lambda: networks.append(given.saved(name).network()))  # noqa: B023
        for data in (given.input, *([] if given.calibrate is None else [given.calibrate])):
            if networks and not isinstance(steps, Range):
                yield from _said(lambda: prepare(networks[0], data, first, None, None))  # noqa: B023


def _said(attempt: Callable[[], object]) -> tuple[Diagnostic, ...]:
    try:
        attempt()
    except InputError as error:
        return error.diagnostics
    return ()
