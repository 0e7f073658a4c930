"""``neurocomp train``: what one training iteration of a network, an epoch, or a round over several workers costs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.counts import operation_counts
from neurocomp.activity.training.trace import TrainingTrace, load_training_trace
from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.catalog import load_array_chip
from neurocomp.chip.gpu import gpu_names, load_gpu
from neurocomp.commands.learning import Ends
from neurocomp.commands.progress import Progress
from neurocomp.energy.training import price_training
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.network.graph import Network
from neurocomp.report.training import training_report, with_rounds
from neurocomp.simulate.federated import Link
from neurocomp.simulate.trained_layers import layers_of
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import (
    Activity,
    TrainingSetup,
    optimizer_of,
    recorded_activity,
    synthetic_activity,
)  # fmt: skip

ASSUMED, MEASURED = "assumed", "measured"
MOST_SAMPLES = 10**6  # and steps


@dataclass(frozen=True)
class Federation:
    """Options of training over several workers, as they were given. link: Gbit/s, microseconds, pJ per bit."""

    workers: int | None = None
    rounds: int = 1
    local_steps: int = 1
    link: str = "1"

    def __post_init__(self) -> None:
        counts = {"--workers": self.workers, "--rounds": self.rounds, "--local-steps": self.local_steps}
        found = [
            Diagnostic(name, f"is {n}; at least 1 is needed") for name, n in counts.items() if n is not None and n < 1
        ]
        if found:
            raise InputError(found)

    def made(self) -> Link:
        """The link. Raises InputError if it cannot be read or makes no sense."""
        try:
            numbers = [float(word) for word in self.link.split(",")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3:
            raise bad_input("--link", f"is {self.link!r}; one to three numbers are needed", hint="as in 1,10,5")
        rate, latency_us = numbers[0], numbers[1] if len(numbers) > 1 else 0.0
        return Link(rate, latency_us * 1e3, numbers[2] if len(numbers) > 2 else None)


@dataclass(frozen=True)
class TrainOptions:
    """Options as they were given. optimizer: ``sgd+momentum+decay``, for example. activity: ``assumed``, ``measured``
    or a file of neurocomp.record_training. gpus: names of baselines, comma-separated; ``none`` for none. spikes,
    gradients: assumed shares that are not zero."""

    batch: int = 16
    steps: int | None = None
    dataset_size: int | None = None
    optimizer: str = "sgd"
    order: str = "step"
    sparsity: str = "dense"
    activity: str = ASSUMED
    spikes: float = 0.2
    gradients: float = 0.5
    normalised: bool = False
    packed: bool = True
    recompute: bool = False
    on_chip: bool = False
    gpus: str = "a100"
    federation: Federation = Federation()
    ends: Ends = field(default_factory=Ends)

    def __post_init__(self) -> None:
        least = {"--batch": self.batch, "--steps": self.steps, "--dataset-size": self.dataset_size}
        found = [
            Diagnostic(name, f"is {n}; at least 1 is needed") for name, n in least.items() if n is not None and n < 1
        ]
        if self.batch > MOST_SAMPLES:
            found.append(Diagnostic("--batch", f"is {self.batch}; at most {MOST_SAMPLES:,} is possible"))
        if self.steps is not None and self.steps > MOST_SAMPLES:
            found.append(Diagnostic("--steps", f"is {self.steps}; at most {MOST_SAMPLES:,} is possible"))
        for read, text in ((optimizer_of, self.optimizer), (_names, self.gpus)):
            try:
                read(text)
            except InputError as error:
                found += error.diagnostics
        if found:
            raise InputError(found)

    def setup(self, steps: int, activity: Activity) -> TrainingSetup:
        """What is to be simulated. Raises InputError for settings that there are not."""
        name, momentum, decay = optimizer_of(self.optimizer)
        return TrainingSetup(
            self.batch, self.steps or steps, name, self.order, sparsity=self.sparsity, activity=activity,  # type: ignore[arg-type]
            packed=self.packed, recompute=self.recompute, on_chip=self.on_chip, momentum=momentum,
            weight_decay=decay,
        )  # fmt: skip


def train_and_report(path: Path, chip_name: str, options: TrainOptions) -> None:
    """Do the whole job; prints the report and, if asked to, writes it into a folder."""
    network, chip = options.ends.reading.network(path, None, options.steps), load_array_chip(chip_name)
    gpus, link = [load_gpu(name) for name in _names(options.gpus)], options.federation.made()
    folder = options.ends.folder()
    layers = layers_of(network, normalised=options.normalised)
    with Progress(sys.stderr, enabled=not options.ends.quiet) as progress:
        with progress.stage("finding out what is zero"):
            activity = _activity(network, chip, options)
        setup = options.setup(_steps(network), activity)
        with progress.stage(f"training {network.name} on {chip.name}"):
            run = simulate_training(chip, layers.layers, setup)
            told = (*network.assumptions, *layers.assumptions)
            report = training_report(run, price_training(run), gpus, options.dataset_size, told, network.name)
    federation = options.federation
    if federation.workers is not None:
        report = with_rounds(
            report, workers=federation.workers, rounds=federation.rounds, local_steps=federation.local_steps, link=link
        )
    options.ends.give(report, folder)


def _names(gpus: str) -> list[str]:
    if gpus == "none":
        return []
    if gpus == "all":
        return list(gpu_names())
    names = list(dict.fromkeys(name.strip() for name in gpus.split(",")))
    for word in ("none", "all"):
        if word in names:
            others = ",".join(name for name in names if name != word)
            raise bad_input("--gpus", f"has {word} beside {others}", hint=f"--gpus {others}, or {word} alone")
    return names


def _steps(network: Network) -> int:
    return 4 if network.sample is None else network.sample.steps


def _activity(network: Network, chip: ArrayChip, options: TrainOptions) -> Activity:
    lanes = chip.engines.fp.rows
    if options.activity == ASSUMED:
        for name, share in (("--spikes", options.spikes), ("--gradients", options.gradients)):
            if not 0 <= share <= 1:
                raise bad_input(name, f"is {share}; a share from 0 to 1 is needed")
        return synthetic_activity(options.spikes, options.gradients)
    trace = _measured(network, options) if options.activity == MEASURED else load_training_trace(options.activity)
    known = {projection.name for projection in network.projections}
    if not known & set(trace.layers):
        raise bad_input(
            options.activity, f"has no layer of {network.name}",
            why=f"it holds {', '.join(list(trace.layers)[:5])}; the network has {', '.join(sorted(known)[:5])}",
            hint="record the module that the network was frozen from",
        )  # fmt: skip
    counts = operation_counts(network, trace) if _same_shapes(network, trace) else None
    return recorded_activity(trace, counts, lanes=lanes)


def _same_shapes(network: Network, trace: TrainingTrace) -> bool:
    """Whether the layers that were recorded are those of the network, maps as large as there."""
    ends = {p.name: (network.by_name[p.source].shape, network.by_name[p.target].shape) for p in network.projections}
    recorded = {name: (layer.sent.shape, layer.arrived.shape) for name, layer in trace.layers.items()}
    return all(ends.get(name) == shapes for name, shapes in recorded.items())


def _measured(network: Network, options: TrainOptions) -> TrainingTrace:
    """One step of our own back-propagation on the first samples that are stored with the network."""
    sample = network.sample
    if sample is None or sample.labels is None:
        raise bad_input(
            network.name, "has no labelled sample to measure on",
            hint="freeze it with labels, or record a step with neurocomp.record_training and give its file",
        )  # fmt: skip
    inputs = encode_sample(sample)[: options.batch]
    labels = np.asarray(sample.labels)[: options.batch]
    return training_step(network, inputs, rate_cross_entropy(labels), detach_reset=True).trace
