"""How one training iteration runs, and how much of its work the zeros save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from neurocomp.activity.training.counts import OperationCounts
from neurocomp.activity.training.trace import TrainingTrace
from neurocomp.errors import Diagnostic, InputError
from neurocomp.simulate.engines.layer import Layer

Stage = Literal["FP", "BP", "WG", "UPDATE"]
STAGES: tuple[Stage, ...] = ("FP", "BP", "WG", "UPDATE")
Sparsity = Literal["dense", "gated", "skipped"]
Order = Literal["layer", "step"]
Balance = Literal["forward", "slowest"]
OptimizerName = Literal["sgd", "adam"]
ADDED = ("momentum", "decay")  # to an optimizer


@dataclass(frozen=True)
class ExecutedOperations:
    """Multiply-accumulates of a layer in a recorded batch, those on zeros, padding and beyond strides left out.

    forward: where an input was not zero (FP; WG that looks at inputs alone). backward: where a gradient arrived (BP).
    runs: samples x steps of the batch."""

    forward: int
    backward: int
    runs: int


@dataclass(frozen=True)
class LayerActivity:
    """Shares that are not zero. sent: of a layer's inputs (operands of FP and WG); arrived: of the gradients of its
    outputs (BP). *_imbalance: how much longer the busiest lane of the array works than the mean, where zeros are
    skipped; 1 if work is spread evenly. operations: what was counted, instead of the shares."""

    sent: float
    arrived: float
    sent_imbalance: float = 1.0
    arrived_imbalance: float = 1.0
    operations: ExecutedOperations | None = None


@dataclass(frozen=True)
class Activity:
    """By layer; ``rest`` for layers that are not named. origin: where the shares come from, in a sentence."""

    layers: Mapping[str, LayerActivity]
    rest: LayerActivity
    origin: str

    def of(self, layer: str) -> LayerActivity:
        return self.layers.get(layer, self.rest)


def synthetic_activity(sent: float = 0.2, arrived: float = 0.5) -> Activity:
    """The same shares for every layer: nothing was run."""
    origin = f"assumed: {sent:.0%} of the neurons spike and {arrived:.0%} of the gradients are not zero in each step"
    return Activity({}, LayerActivity(sent, arrived), origin)


def recorded_activity(
    trace: TrainingTrace, counts: Mapping[str, OperationCounts] | None = None, *, lanes: int = 16
) -> Activity:
    """The shares of a recorded training step.

    counts: its operations, by layer (activity/training/counts.py). lanes: channels that the array works on at a time;
    they wait for the busiest of them. Layers that are not in the trace count as dense.
    """
    layers = {}
    for name, layer in trace.layers.items():
        counted = (counts or {}).get(name)
        runs = trace.samples * trace.steps
        operations = None if counted is None else ExecutedOperations(counted.forward, counted.backward, runs)
        sent, arrived = layer.sent, layer.arrived
        forth, back = (lane_imbalance(signal.dense(), lanes) for signal in (sent, arrived))
        layers[name] = LayerActivity(sent.density, arrived.density, forth, back, operations)
    return Activity(layers, LayerActivity(1.0, 1.0), trace.origin)


def lane_imbalance(values: np.ndarray, lanes: int) -> float:
    """How much longer channels in groups of ``lanes`` take when each group waits for its busiest channel, at every step
    of every sample. values: bool (samples, steps, channels, ...); what is not zero costs a cycle."""
    work = values.reshape(*values.shape[:3], -1).sum(axis=3, dtype=np.int64)
    padded = np.pad(work, ((0, 0), (0, 0), (0, -work.shape[2] % lanes)))
    waited = padded.reshape(*work.shape[:2], -1, lanes).max(axis=3)
    groups = [min(lanes, work.shape[2] - first) for first in range(0, work.shape[2], lanes)]
    return float((waited * groups).sum() / work.sum()) if work.any() else 1.0


def _evenness(layer: LayerActivity) -> float:
    return min(layer.sent_imbalance, layer.arrived_imbalance)


@dataclass(frozen=True)
class TrainingSetup:
    """One iteration: a batch forward and backward, and one update.

    order: ``step``, every step of every sample flows through all cores at once, and the weights of a core that do not
    fit it are fetched anew each time; ``layer``, all samples and steps of a layer before the next, so that weights are
    fetched once per phase and only the cores of one layer work.
    balance: cores get equal shares of the forward multiply-accumulates, or of the time of the slowest engine.
    sparsity: ``dense``; ``gated``, zeros save the arithmetic's energy; ``skipped``, they save time and accesses too.
    momentum (of sgd), weight_decay: what the optimizer does beside its step.
    packed: spikes and masks take one bit in DRAM. recompute: membranes and masks are not kept but computed again.
    on_chip: maps between layers that fit a core's memories go from core to core and not through DRAM.
    halos: rims of tiles are fetched twice. double_buffered: DRAM works while the engines do.
    """

    samples: int = 16
    steps: int = 4
    optimizer: OptimizerName = "sgd"
    order: Order = "step"
    balance: Balance = "slowest"
    sparsity: Sparsity = "dense"
    activity: Activity = field(default_factory=synthetic_activity)
    packed: bool = True
    recompute: bool = False
    on_chip: bool = False
    momentum: bool = False
    weight_decay: bool = False
    halos: bool = True
    double_buffered: bool = True

    def __post_init__(self) -> None:
        found = [
            Diagnostic("training", f"{name} is {value}", "a number from 1 to 1,000,000")
            for name, value in (("samples", self.samples), ("steps", self.steps))
            if not 1 <= value <= 10**6
        ]
        for name, value, known in (
            ("optimizer", self.optimizer, get_args(OptimizerName)), ("order", self.order, get_args(Order)),
            ("balance", self.balance, get_args(Balance)), ("sparsity", self.sparsity, get_args(Sparsity)),
        ):  # fmt: skip
            if value not in known:
                found.append(Diagnostic("training", f"there is no {name} {value!r}", hint=f"one of {', '.join(known)}"))
        for name, layer in (*self.activity.layers.items(), ("other layers", self.activity.rest)):
            if not (0 <= layer.sent <= 1 and 0 <= layer.arrived <= 1 and _evenness(layer) >= 1):
                found.append(Diagnostic("activity", f"{name}: {layer}", "shares lie between 0 and 1, imbalance above"))
        if self.momentum and self.optimizer == "adam":
            found.append(Diagnostic("training", "adam has a momentum of its own", hint="leave momentum out"))
        if found:
            raise InputError(found)


def optimizer_of(text: str) -> tuple[str, bool, bool]:
    """(name, with momentum, with weight decay) of ``sgd+momentum+decay``. Raises InputError for other words."""
    name, *added = text.split("+")
    unknown = [word for word in added if word not in ADDED]
    if unknown:
        hint = f"what can be added: {', '.join(ADDED)}"
        raise InputError(Diagnostic("--optimizer", f"there is nothing called {unknown[0]!r} to add", hint=hint))
    return name, "momentum" in added, "decay" in added


def forward_passes(layer: Layer, setup: TrainingSetup) -> int:
    """How often a layer goes through the FP engine: a second time where its membranes are computed again for BP."""
    return 2 if setup.recompute and layer.neurons else 1
