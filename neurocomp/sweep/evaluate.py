"""From a point to its outcome, recomputing only what the point changes.

A point differs from another in its network, its chip's numbers, its mapping or its time steps. The network is run once
for each set of numeric choices, mapped once for each mapping problem, and only timed and priced anew where nothing but
costs change. What is kept is kept per process, runs of networks also on disk; the outcome does not depend on it.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from neurocomp.activity.execute import execute
from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.catalog import describes_arrays, load_array_chip, load_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import CheckFailedError, DoesNotFitError, NeurocompError, ResourceLimitError
from neurocomp.inputs.memory import need_memory_for
from neurocomp.inputs.prepare import prepare
from neurocomp.inputs.prepared import Prepared
from neurocomp.inputs.reading import PLAIN
from neurocomp.mapping.check import check_program
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.compile import float_form, lower, ranges_on
from neurocomp.mapping.map import Plan, map_plan, plan_mapping
from neurocomp.mapping.problem import problem_of
from neurocomp.mapping.profile import Profile, profile_of
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import hearing_limits
from neurocomp.network.graph import Network
from neurocomp.network.quantise import WeightScales
from neurocomp.simulate.inference import Simulation, simulate
from neurocomp.sweep.given import NOTHING, Given
from neurocomp.sweep.mapping import Chips, chips_of, choices_of
from neurocomp.sweep.outcome import METRIC_NAMES, TRAINING_NAMES, Outcome, Status, metrics_of
from neurocomp.sweep.profile import Chip, with_values
from neurocomp.sweep.reuse import all_fit, holds, ignores_times, in_order, mapping_key, placing_key, timing_key
from neurocomp.sweep.runs import Run, load_run, run_key, save_run
from neurocomp.sweep.sample import Point
from neurocomp.sweep.training import TrainingChoices, training_metrics
from neurocomp.version import VERSION

KEPT_RUNS, KEPT_PROGRAMS, KEPT_FILES = 4, 32, 16
Made = TypeVar("Made")


@dataclass(frozen=True)
class Settings:
    """What a point says beside its network and chip values."""

    mapping: Choices
    chips: Chips
    steps: int | None
    noc: str | None
    scales: WeightScales

    @classmethod
    def of(cls, point: Point) -> Settings:
        """Raises InputError for choices that the mapper does not know."""
        given = dict(point.settings)
        steps, noc, scales = (given.get(f"run.{name}") for name in ("steps", "noc", "weight_scales"))
        chips = chips_of(given.get("mapping.chips"))
        return cls(choices_of(given), chips, steps, noc, scales or "tensor")  # type: ignore[arg-type]


@dataclass(eq=False)
class Bench:
    """Evaluates points and keeps what several of them share. given: the files that they name. runs: a folder
    for runs of networks, shared with other processes; None for none."""

    given: Given = NOTHING
    runs: Path | None = None
    kept: dict[str, OrderedDict[Hashable, Any]] = field(default_factory=dict)

    def key(self, point: Point) -> str:
        """SHA-256 of everything that determines a point's outcome. Raises InputError if its chip cannot be read."""
        tree = {
            "version": VERSION,
            "network": self._network_digest(point.network),
            "chip": self._keep("chip digest", point.chip, KEPT_FILES, self._base(point.chip).digest),
            "input": self._data_digest(self.given.input),
            "calibrate": self._data_digest(self.given.calibrate),
            "settings": sorted(point.settings, key=lambda setting: setting[0]),
        }
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()

    def evaluate(self, point: Point, key: str) -> Outcome:
        """The outcome of a point. Never raises for a point that cannot be: its outcome says why."""
        digests: dict[str, str] = {}
        status: Status = "ok"
        reason, metrics = "", dict.fromkeys(METRIC_NAMES)
        try:
            if isinstance(self._base(point.chip), ArrayChip):
                metrics = dict.fromkeys(TRAINING_NAMES)
                metrics = self._training_metrics(point, digests)
            else:
                metrics = self._metrics(point, digests)
        except NeurocompError as error:
            status, reason = _status(error), str(error)
        except MemoryError:
            status, reason = "too large", "out of memory"
        except Exception as error:  # one point's defect must not end the others
            status, reason = "defect", f"{type(error).__name__}: {error}"
        return Outcome(key, point, status, reason, metrics, digests, VERSION)

    def _training_metrics(self, point: Point, digests: dict[str, str]) -> dict[str, float | None]:
        choices, chip = TrainingChoices.of(dict(point.settings)), self._chip(point)
        digests["network"], digests["chip"] = self._network_digest(point.network), chip.digest()
        if not isinstance(chip, ArrayChip):
            raise TypeError(f"{chip!r} holds no arrays")
        return training_metrics(self._network(point.network), chip, choices)

    def _metrics(self, point: Point, digests: dict[str, str]) -> dict[str, float | None]:
        settings, chip = Settings.of(point), self._chip(point)
        if isinstance(chip, ArrayChip):
            raise TypeError(f"{chip!r} is not event-driven")
        digests["network"], digests["chip"] = self._network_digest(point.network), chip.digest()
        mapped, run = self._run(point.network, chip, settings)
        digests["trace"] = run.trace.digest
        # between chips the mapper weighs links by their energy, too
        boundary = None if settings.chips == (1, 1) else problem_of(mapped, chip).boundary_cost
        asked = (point.network, settings.steps, settings.scales, settings.mapping, settings.chips, boundary)
        problem = (*asked, mapping_key(chip, settings.mapping.objective))
        program = self._program(problem, mapped, chip, settings, run)

        def made() -> Simulation:
            return simulate(program, run.trace, settings.noc)  # type: ignore[arg-type]

        key = (point.network, settings.steps, settings.scales, settings.noc, timing_key(program))
        timed = self._keep("simulation", key, KEPT_RUNS, made)
        return metrics_of(program, timed, run.accuracy)

    def _data_digest(self, data: Path | None) -> str | None:
        return None if data is None else self._digest(data)

    def _network_digest(self, name: str) -> str:
        """Of the file, and of how it is read where that was said."""
        saved = self.given.saved(name)
        content = self._digest(saved.path)
        if saved.reading == PLAIN:
            return content
        return hashlib.sha256(json.dumps([content, asdict(saved.reading)]).encode()).hexdigest()

    def _network(self, name: str) -> Network:
        return self._keep("network", name, KEPT_FILES, self.given.saved(name).network)

    def _digest(self, path: Path) -> str:
        # a file that cannot be read is reported by its reader
        return self._keep("digest", str(path), 10 * KEPT_FILES, lambda: _sha256(path))

    def _base(self, name: str) -> Chip:
        return self._keep(
            "chip", name, KEPT_FILES, lambda: load_array_chip(name) if describes_arrays(name) else load_chip(name)
        )

    def _chip(self, point: Point) -> Chip:
        base = self._base(point.chip)
        values = {name.removeprefix("chip."): v for name, v in point.settings if name.startswith("chip.")}
        if not values:
            return base
        key = (point.chip, json.dumps(values, sort_keys=True))
        return self._keep("chip with values", key, KEPT_FILES, lambda: with_values(base, values))

    def _prepared(self, name: str, data: Path | None, steps: int | None) -> Prepared:
        def made() -> Prepared:
            return prepare(self._network(name), data, steps, None, None)

        return self._keep("inputs", (name, data, steps), KEPT_RUNS, made)

    def _run(self, name: str, chip: ChipSpec, settings: Settings) -> tuple[Network, Run]:
        """The network in the chip's numbers, and its run."""
        numbers, given, steps = chip.numeric.model_dump_json(), self.given, settings.steps

        def made() -> tuple[Network, Run]:
            prepared = self._prepared(name, given.input, steps)
            data = prepared if given.calibrate is None else self._prepared(name, given.calibrate, steps)
            mapped = rounded_for(self._network(name), chip, data, settings.scales)
            key = run_key(
                self._network_digest(name), self._data_digest(given.input), self._data_digest(given.calibrate), steps,
                settings.scales, "\n".join([numbers, *mapped.stations]),
            )  # fmt: skip
            known = None if self.runs is None else load_run(self.runs, key)
            run = known or _executed(mapped, prepared)
            if self.runs is not None and known is None:
                save_run(self.runs, key, run)
            return mapped, run

        return self._keep(
            "run", (name, steps, settings.scales, chip.name, numbers, hearing_limits(chip)), KEPT_RUNS, made
        )

    def _program(
        self, problem: tuple[Hashable, ...], mapped: Network, chip: ChipSpec, settings: Settings, run: Run
    ) -> Program:
        choices = settings.mapping
        timeless = (*problem[:-1], mapping_key(chip, choices.objective, times=False))

        def made() -> Program:
            known = self.kept.get("program for any times", {}).get(timeless)
            if known is not None:
                return known
            plan = plan_mapping(mapped, chip, chips=settings.chips)
            placings = [
                None
                if (key := placing_key(plan, choices, times)) is None
                else (*problem[:-1], mapped.stations, times, *key)
                for times in (True, False)
            ]
            program = self._placed(placings, plan)
            if program is None:
                program = map_plan(plan, choices, self._profile(problem[0], mapped, chip, run))
            if ignores_times(program, choices):
                self._keep("program for any times", timeless, KEPT_PROGRAMS, lambda: program)
            for placing, right in zip(placings, (in_order, ignores_times), strict=True):
                if placing is not None and right(program, choices) and all_fit(program):
                    self._keep("program of tiles", placing, KEPT_PROGRAMS, lambda: program)
            return program

        program = self._keep("program", problem, KEPT_PROGRAMS, made)
        return program if program.chip is chip else replace(program, chip=chip, network=mapped)

    def _placed(self, placings: Sequence[Hashable], plan: Plan) -> Program | None:
        """A program whose tiles lay on the same cores, for cores that hold other amounts; checked anew."""
        shelf = self.kept.get("program of tiles", {})
        known = next((shelf[placing] for placing in placings if placing in shelf), None)
        if not isinstance(known, Program) or not holds(plan, known):
            return None
        program = replace(known, chip=plan.problem.chip, network=plan.problem.lowered)
        check_program(program)
        return program

    def _profile(self, name: Hashable, mapped: Network, chip: ChipSpec, run: Run) -> Profile:
        """What the mapper weighs traffic with: of the network and its spikes alone."""
        return self._keep(
            "profile", (name, run.trace.digest), KEPT_RUNS, lambda: profile_of(problem_of(mapped, chip), run.trace)
        )

    def _keep(self, kind: str, key: Hashable, most: int, make: Callable[[], Made]) -> Made:
        """What was made for this key, made now if it is not kept; the least recently used goes first. That something
        does not fit is kept, too."""
        shelf = self.kept.setdefault(kind, OrderedDict())
        if key not in shelf:
            try:
                shelf[key] = make()
            except DoesNotFitError as error:
                shelf[key] = error
        shelf.move_to_end(key)
        if len(shelf) > most:
            shelf.popitem(last=False)
        if isinstance(shelf[key], DoesNotFitError):
            raise shelf[key].with_traceback(None)
        return shelf[key]


def rounded_for(network: Network, chip: ChipSpec, data: Prepared, scales: WeightScales) -> Network:
    """The network in the chip's numbers; values that data have to range are as large as on those that calibrate it."""
    form = float_form(network, chip)
    ranges = {} if form is None else ranges_on(form, chip, data.inputs, data.samples, data.steps)
    return lower(network, chip, data.calibration, weight_scales=scales, ranges=ranges)


def _executed(mapped: Network, prepared: Prepared) -> Run:
    need_memory_for(mapped, prepared)
    execution = execute(mapped, prepared.inputs, samples=prepared.samples, steps=prepared.steps)
    known = execution.output is not None and prepared.labels is not None
    right = int((execution.predictions == prepared.labels).sum()) if known else 0
    return Run(execution.trace, right / prepared.samples if known else None)


def _status(error: NeurocompError) -> Status:
    if isinstance(error, DoesNotFitError):
        return "does not fit"
    if isinstance(error, CheckFailedError):
        return "check failed"
    return "too large" if isinstance(error, ResourceLimitError) else "bad input"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
