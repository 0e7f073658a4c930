"""Points on chips with array engines: what one training iteration costs there, as ``neurocomp train`` would say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.messages import did_you_mean
from neurocomp.energy.training import price_training
from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Network
from neurocomp.simulate.engines.fragment import PHASES, engine_of
from neurocomp.simulate.trained_layers import layers_of
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_run import TrainingRun
from neurocomp.simulate.training_setup import (
    ADDED,
    Balance,
    OptimizerName,
    Order,
    Sparsity,
    TrainingSetup,
    optimizer_of,
    synthetic_activity,
)  # fmt: skip
from neurocomp.sweep.outcome import TRAINING_NAMES
from neurocomp.sweep.space import Scalar

PREFIX = "training."
STEPS = 4  # of a network without a sample, as in neurocomp train


@dataclass(frozen=True)
class TrainingChoices:
    """What a point says about an iteration; the names are those of the axes ``training.NAME``. batch: samples of an
    iteration. steps: None: those of the network's sample. spikes, gradients: assumed shares that are not zero."""

    batch: int = 16
    steps: int | None = None
    optimizer: str = "sgd"
    order: str = "step"
    balance: str = "slowest"
    sparsity: str = "dense"
    spikes: float = 0.2
    gradients: float = 0.5
    batch_norm: bool = False
    packed: bool = True
    recompute: bool = False
    on_chip: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Scalar]) -> TrainingChoices:
        """From a point's settings, other axes left out. Raises InputError for values that make no sense."""
        given = {n.removeprefix(PREFIX): v for n, v in settings.items() if n.startswith(PREFIX)}
        found = [d for name, value in given.items() for d in _wrong_kind(name, value)]
        if found:
            raise InputError(found)
        choices = cls(**{name: _whole(name, value) for name, value in given.items()})  # type: ignore[arg-type]
        choices.setup(STEPS)
        return choices

    def setup(self, steps: int) -> TrainingSetup:
        """What is simulated. steps: of the network's sample. Raises InputError."""
        name, momentum, decay = optimizer_of(self.optimizer)
        return TrainingSetup(
            self.batch, steps if self.steps is None else self.steps, name, self.order, self.balance, self.sparsity,  # type: ignore[arg-type]
            synthetic_activity(self.spikes, self.gradients), self.packed, self.recompute, self.on_chip, momentum, decay,
        )  # fmt: skip


TRAINING_AXES = tuple(f"{PREFIX}{name}" for name in TrainingChoices.__dataclass_fields__)
WORDS: dict[str, tuple[str, ...]] = {
    "optimizer": (*get_args(OptimizerName), *(f"sgd+{word}" for word in ADDED)),
    "order": get_args(Order),
    "balance": get_args(Balance),
    "sparsity": get_args(Sparsity),
}
_KINDS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("batch", "steps"), (int, "a whole number")),
    **dict.fromkeys(WORDS, (str, "a word")),
    **dict.fromkeys(("spikes", "gradients"), (float, "a share from 0 to 1")),
    **dict.fromkeys(("batch_norm", "packed", "recompute", "on_chip"), (bool, "true or false")),
}


def training_metrics(network: Network, chip: ArrayChip, choices: TrainingChoices) -> dict[str, float | None]:
    """All metrics of one iteration, in the order of ``TRAINING_METRICS``. Energies leave out what the profile does not
    know, as the report does. Raises InputError or DoesNotFitError for a point that cannot be."""
    steps = STEPS if network.sample is None else network.sample.steps
    layers = layers_of(network, normalised=choices.batch_norm).layers
    run = simulate_training(chip, layers, choices.setup(steps))
    energy_pj, time_ns, batch = price_training(run).total_aj / 1e6, run.iteration_ps / 1e3, run.setup.samples
    found = (
        energy_pj / batch, time_ns / batch, energy_pj * time_ns / batch**2, energy_pj, time_ns,
        run.dram_bits / 8 / batch, run.dram_bits_held / 8, float(len({part.core for part in run.parts})),
        float(_elements(chip)), _filled(run),
    )  # fmt: skip
    return dict(zip(TRAINING_NAMES, found, strict=True))


def _elements(chip: ArrayChip) -> int:
    return chip.cores * sum(engine_of(chip, phase).rows * engine_of(chip, phase).columns for phase in PHASES)


def _filled(run: TrainingRun) -> float:
    cycles = run.iteration_ps / run.chip.cycle_ps
    return sum(time.macs for time in run.times) / (cycles * _elements(run.chip))


def _wrong_kind(name: str, value: Scalar) -> list[Diagnostic]:
    where = f"{PREFIX}{name}"
    if name not in _KINDS:
        return [Diagnostic(where, "nothing is varied by this name", hint=did_you_mean(where, TRAINING_AXES))]
    kind, words = _KINDS[name]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    fits: dict[type, bool] = {
        int: numeric and float(value or 0).is_integer(),
        float: numeric,
        str: isinstance(value, str),
        bool: isinstance(value, bool),
    }
    if fits[kind]:
        return []
    hint = f"one of {', '.join(WORDS[name])}" if name in WORDS else ""
    return [Diagnostic(where, f"is {value!r}; {words} is needed", hint=hint)]


def _whole(name: str, value: Any) -> Any:
    return int(value) if _KINDS[name][0] is int else value
