"""``neurocomp train``: what one training iteration of a network, an epoch, or a round over several workers costs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.counts import operation_counts
from neurocomp.activity.training.trace import TrainingTrace, load_training_trace
from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.catalog import load_array_chip
from neurocomp.chip.gpu import gpu_names, load_gpu
from neurocomp.commands.folder import TRAINING, OutputFolder, text_writer
from neurocomp.commands.progress import Progress
from neurocomp.energy.training import price_training
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.read import load_network
from neurocomp.network.graph import Network
from neurocomp.report import units
from neurocomp.report.training import TrainingReport, training_report
from neurocomp.simulate.federated import Link, RoundCost, Worker, round_cost
from neurocomp.simulate.trained_layers import layers_of
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import Activity, TrainingSetup, recorded_activity, synthetic_activity

ASSUMED, MEASURED = "assumed", "measured"


@dataclass(frozen=True)
class Federation:
    """Options of training over several workers, as they were given."""

    workers: int | None = None
    rounds: int = 1
    local_steps: int = 1
    gbit_per_s: float = 1.0
    latency_us: float = 0.0
    pj_per_bit: float | None = None

    def __post_init__(self) -> None:
        counts = {"--workers": self.workers, "--rounds": self.rounds, "--local-steps": self.local_steps}
        found = [
            Diagnostic(name, f"is {n}; at least 1 is needed") for name, n in counts.items() if n is not None and n < 1
        ]
        if found:
            raise InputError(found)

    @property
    def link(self) -> Link:
        return Link(self.gbit_per_s, self.latency_us * 1e3, self.pj_per_bit)


@dataclass(frozen=True)
class TrainOptions:
    """Options as they were given. activity: ``assumed``, ``measured`` or a file of neurocomp.record_training. gpus:
    names of baselines, comma-separated; ``none`` for none. spikes, gradients: assumed shares that are not zero."""

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
    gpus: str = "a100"
    federation: Federation = Federation()
    output: Path | None = None
    as_json: bool = False
    quiet: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        if self.dataset_size is not None and self.dataset_size < 1:
            raise InputError(Diagnostic("--dataset-size", f"is {self.dataset_size}; at least 1 is needed"))


def train_and_report(path: Path, chip_name: str, options: TrainOptions) -> None:
    """Do the whole job; prints the report and, if asked to, writes it into a folder."""
    network, chip = load_network(path), load_array_chip(chip_name)
    gpus = [load_gpu(name) for name in _names(options.gpus)]
    folder = None if options.output is None else OutputFolder(options.output, options.force)
    layers = layers_of(network, normalised=options.normalised)
    with Progress(sys.stderr, enabled=not options.quiet) as progress:
        with progress.stage("finding out what is zero"):
            activity = _activity(network, chip, options)
        setup = TrainingSetup(
            options.batch, options.steps or _steps(network), options.optimizer, options.order,  # type: ignore[arg-type]
            sparsity=options.sparsity, activity=activity, packed=options.packed,  # type: ignore[arg-type]
            recompute=options.recompute,
        )  # fmt: skip
        with progress.stage(f"training {network.name} on {chip.name}"):
            run = simulate_training(chip, layers.layers, setup)
            report = training_report(run, price_training(run), gpus, dataset_size=options.dataset_size)
    rounds = _rounds(report, options.federation)
    text = f"{report.to_text()}{_sentences(layers.assumptions)}{_rounds_text(rounds, options.federation)}"
    tree = json.dumps(_with_rounds(report, rounds, options.federation, layers.assumptions), indent=2, allow_nan=False)
    if folder is not None:
        folder.write(text_writer(TRAINING, tree + "\n"), text_writer("report.txt", text))
    if options.as_json:
        sys.stdout.write(tree + "\n")
    elif not options.quiet:
        sys.stdout.write(text)
    sys.stdout.flush()
    if folder is not None and not options.quiet:
        sys.stderr.write(f"written to {folder.path}\n")


def _names(gpus: str) -> list[str]:
    if gpus == "none":
        return []
    return list(gpu_names()) if gpus == "all" else [name.strip() for name in gpus.split(",")]


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


def _rounds(report: TrainingReport, federation: Federation) -> RoundCost | None:
    if federation.workers is None:
        return None
    energy = None if report.lower_bound else report.energy_pj
    worker = Worker(report.run.iteration_ps / 1e3, energy, federation.link)
    weights = sum(layer.weights for layer in report.run.layers)
    bits = report.run.chip.value_bits
    return round_cost([worker] * federation.workers, weights, local_steps=federation.local_steps, weight_bits=bits)


def _rounds_text(cost: RoundCost | None, federation: Federation) -> str:
    if cost is None:
        return ""
    energy = "unknown, because a part of it is" if cost.energy_pj is None else units.energy(cost.energy_pj * 1e6)
    link = "unknown" if cost.link_energy_pj is None else units.energy(cost.link_energy_pj * 1e6)
    times = {
        "computing": cost.compute_ns,
        "upload": cost.upload_ns,
        "download": cost.download_ns,
        "in all": cost.total_ns,
    }
    lines = [
        "",
        f"Federated: {federation.workers} workers, {federation.local_steps} steps each, then an average of the weights",
        *(f"  {name:<10} {units.time(ns * 1e3):>12} per round" for name, ns in times.items()),
        f"  {'sent':<10} {cost.bits / 8e6:>9.3f} MB per round, both ways, one worker after the other",
        f"  {'energy':<10} {energy} per round; links {link}",
        f"  {federation.rounds} rounds take {units.time(cost.total_ns * 1e3 * federation.rounds)}",
    ]
    return "\n".join(lines) + "\n"


def _sentences(assumptions: tuple[str, ...]) -> str:
    return "".join(f"  {sentence}\n" for sentence in assumptions)


def _with_rounds(
    report: TrainingReport, cost: RoundCost | None, federation: Federation, assumptions: tuple[str, ...]
) -> dict[str, object]:
    tree = json.loads(report.to_json())
    tree["assumptions"] = [*tree["assumptions"], *assumptions]
    if cost is not None:
        parts = {**asdict(cost), "total_ns": cost.total_ns, "energy_pj": cost.energy_pj}
        tree["federated"] = {**asdict(federation), "round": parts, "all_rounds_ns": cost.total_ns * federation.rounds}
    return tree
