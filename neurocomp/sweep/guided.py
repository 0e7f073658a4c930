"""Guided search: points are chosen by what earlier ones gave (optuna's multi-objective TPE).

Points are asked for and told in batches of one size, in order, so that the search depends on its seed alone and not on
how many workers there are. The same search run again asks for the same points, which the store has.
Model: Ozaki et al., Multiobjective Tree-Structured Parzen Estimator, JAIR 73:1209-1250, 2022, doi 10.1613/jair.1.13188.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from neurocomp.errors import bad_input
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.given import Given
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.run import Done, Job, Runner, run_jobs
from neurocomp.sweep.sample import Chosen, Free, Point, settings_of
from neurocomp.sweep.space import Range, Space, Tied

BATCH = 16
HOPELESS = 1e6  # how far beyond all limits a point without figures counts; others by shares of the limit


def guided(space: Space, given: Given, runner: Runner, done: Done | None = None) -> Iterator[Outcome]:
    """As many outcomes as the sampler's points; one that was chosen again comes once. Raises InputError if optuna is
    not installed."""
    study, bench, seen = new_study(space), Bench(given), set()
    left = int(space.sampler.points or 0)
    while left > 0:
        trials = [study.ask() for _ in range(min(BATCH, left))]
        points = [point_of(space, trial) for trial in trials]
        jobs = [Job(point, bench.key(point)) for point in points]
        outcomes = run_jobs(jobs, runner, done)
        for trial, outcome in zip(trials, outcomes, strict=True):
            _tell(study, trial, outcome, space)
            if outcome.key not in seen:
                seen.add(outcome.key)
                yield outcome
        left -= len(trials)


def check_optuna() -> Any:
    """The module. Raises InputError if it is not installed."""
    try:
        import optuna
    except ImportError:
        hint = "pip install 'neurocomp[dse]', or use sampler: {method: latin}"
        raise bad_input("sampler", "guided search needs optuna, which is not installed", hint=hint) from None
    return optuna


def new_study(space: Space) -> Any:
    """The search as optuna keeps it, from the space's seed. Raises InputError if optuna is not installed."""
    optuna = check_optuna()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ways = ["minimize" if way == "min" else "maximize" for way in space.objectives.values()]
    sampler = optuna.samplers.TPESampler(seed=space.sampler.seed, n_startup_trials=2 * BATCH)
    return optuna.create_study(directions=ways, sampler=sampler)


def point_of(space: Space, trial: Any) -> Point:
    """The point that a trial asks for."""
    network, _ = _asked(trial, "network", space.network_names)
    chip, _ = _asked(trial, "chip", space.chips)
    free = {name: _asked(trial, name, axis) for name, axis in space.axes.items() if not isinstance(axis, Tied)}
    return Point(str(network), str(chip), settings_of(space, free))


def _asked(trial: Any, name: str, axis: Free) -> Chosen:
    if not isinstance(axis, Range):
        place = 0 if len(axis) == 1 else trial.suggest_categorical(name, list(range(len(axis))))
        return axis[place], place
    log = axis.scale == "log"
    if axis.integer:
        return trial.suggest_int(name, round(axis.low), round(axis.high), log=log), 0
    value = float(f"{trial.suggest_float(name, axis.low, axis.high, log=log):.12g}")
    return min(max(value, axis.low), axis.high), 0


def _tell(study: Any, trial: Any, outcome: Outcome, space: Space) -> None:
    values = [outcome.metrics.get(name) for name in space.objectives]
    known = outcome.status == "ok" and all(value is not None for value in values)
    for name, limit in space.constraints.items():
        trial.set_constraint(f"most {name}", _beyond(outcome.metrics.get(name), limit.most, 1))
        trial.set_constraint(f"least {name}", _beyond(outcome.metrics.get(name), limit.least, -1))
    trial.set_constraint("has figures", 0.0 if known else HOPELESS)
    worst = [math.inf if way == "min" else -math.inf for way in space.objectives.values()]
    study.tell(trial, values if known else worst)


def _beyond(value: float | None, limit: float | None, sign: int) -> float:
    """Above 0 where a limit is broken."""
    if limit is None or value is None:
        return 0.0 if limit is None else HOPELESS
    return sign * (value - limit) / (abs(limit) or 1.0)
