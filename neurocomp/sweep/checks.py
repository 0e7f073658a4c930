"""What is wrong with a space as a whole, found before anything runs: names, files, values that no point can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import Diagnostic, InputError
from neurocomp.fabric.noc import Fidelity
from neurocomp.frontend.read import load_network
from neurocomp.inputs.prepare import prepare
from neurocomp.mapping.choices import Choices
from neurocomp.network.graph import Network
from neurocomp.sweep.outcome import METRIC_NAMES
from neurocomp.sweep.profile import paths
from neurocomp.sweep.space import Range, Scalar, Space

MAPPING = ("mapping.effort", "mapping.objective", "mapping.seed", "mapping.time_budget_s")
RUN = ("run.steps", "run.noc")
CHIP = "chip."


def check_space(space: Space) -> None:
    """Raises InputError with everything that is wrong, each finding once. A value that some chip refuses is no mistake
    here: it is the outcome of its points."""
    found = [*_metrics(space), *_axes(space), *_chips(space), *_networks(space)]
    if found:
        raise InputError(list({str(diagnostic): diagnostic for diagnostic in found}.values()))


def _metrics(space: Space) -> Iterator[Diagnostic]:
    for section, names in (("objectives", space.objectives), ("constraints", space.constraints)):
        for name in names:
            if name not in METRIC_NAMES:
                yield Diagnostic(f"{section}.{name}", "is no metric", hint=did_you_mean(name, METRIC_NAMES))


def _axes(space: Space) -> Iterator[Diagnostic]:
    for name, axis in space.axes.items():
        if name.startswith(CHIP):
            continue
        if name not in (*MAPPING, *RUN):
            known = (f"{CHIP}PATH", *MAPPING, *RUN)
            yield Diagnostic(f"axes.{name}", "nothing is varied by this name", hint=did_you_mean(name, known))
            continue
        values = [axis.low, axis.high] if isinstance(axis, Range) else list(axis)
        for value in values:
            wrong = _wrong(name, value)
            yield from (Diagnostic(f"axes.{name}", d.what, d.why, d.hint) for d in wrong)


def _wrong(name: str, value: Scalar) -> list[Diagnostic]:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name == "run.noc":
        known = get_args(Fidelity)
        return [] if value in known else [Diagnostic("", f"is {value!r}", hint=did_you_mean(str(value), known))]
    if name == "run.steps":
        if whole or (isinstance(value, float) and value.is_integer()):
            return [] if value >= 1 else [Diagnostic("", f"is {value}; at least 1 is needed")]  # type: ignore[operator]
        return [Diagnostic("", f"is {value!r}; a whole number is needed")]
    field = name.removeprefix("mapping.")
    try:
        Choices(**{field: value})  # type: ignore[arg-type]
    except InputError as error:
        return list(error.diagnostics)
    except TypeError:
        return [Diagnostic("", f"cannot be {value!r}")]
    return []


def _chips(space: Space) -> Iterator[Diagnostic]:
    known: list[str] = []
    for name in space.chips:
        try:
            known += paths(load_chip(name))
        except InputError as error:
            yield from error.diagnostics
            return
    for axis in space.axes:
        path = axis.removeprefix(CHIP)
        if (
            axis.startswith(CHIP)
            and path not in known
            and not any(k.startswith((f"{path}.", f"{path}[")) for k in known)
        ):
            yield Diagnostic(f"axes.{axis}", "no chip of this sweep has such a value", hint=did_you_mean(path, known))


def _networks(space: Space) -> Iterator[Diagnostic]:
    steps = space.axes.get("run.steps")
    first = steps[0] if isinstance(steps, tuple) and isinstance(steps[0], int) and steps[0] > 0 else None
    inputs = None if space.input is None else Path(space.input)
    for name in space.networks:
        networks: list[Network] = []
        yield from _said(lambda: networks.append(load_network(name)))  # noqa: B023
        if networks and not isinstance(steps, Range):
            yield from _said(lambda: prepare(networks[0], inputs, first, None, None))  # noqa: B023


def _said(attempt: Callable[[], object]) -> tuple[Diagnostic, ...]:
    try:
        attempt()
    except InputError as error:
        return error.diagnostics
    return ()
