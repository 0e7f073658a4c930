"""Learning on an event-driven chip: which weights a local rule updates in each epoch, and how long that takes.

The engine runs at the end of every epoch and works through the weights that its rule changes, one after the other
(Davies et al., IEEE Micro 38(1):82-99, 2018, doi 10.1109/MM.2018.112130359). Which ones:

``stdp``, pairs of spikes: weights whose presynaptic or postsynaptic neuron spiked in the epoch.
``reward``, three factors: a reward arrives at the end of the epoch and changes the weights that are eligible, those
whose presynaptic and postsynaptic neuron both spiked since the last one.

Counts come from the operator's structure and the spikes, per postsynaptic neuron; no synapse is visited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import SpikeTrace, unpack
from neurocomp.chip.engines import EventLearning, LearningRule
from neurocomp.chip.messages import closest
from neurocomp.errors import Diagnostic, InputError, ResourceLimitError, bad_input
from neurocomp.mapping.program import Program
from neurocomp.network.graph import Network, Projection
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.ops import Conv, Op, Shape, weight_of
from neurocomp.network.structure import fan_in, synapse_count


@dataclass(frozen=True, eq=False)
class PlasticityRun:
    """Updates of a run. epoch_steps: the last epoch of a sample may be shorter.

    weights: of each plastic layer. updates: by layer, int64 (samples, epochs). core_updates: of the run, by core and
    layer. epoch_ps: int64 (samples, epochs), time of the slowest core, by which the epoch's last step takes longer.
    """

    rule: LearningRule
    epoch_steps: int
    samples: int
    steps: int
    weights: dict[str, int]
    updates: dict[str, np.ndarray]
    core_updates: dict[tuple[int, str], int]
    epoch_ps: np.ndarray

    @property
    def total_updates(self) -> int:
        return sum(int(counts.sum()) for counts in self.updates.values())

    @property
    def total_ps(self) -> int:
        return int(self.epoch_ps.sum())


def simulate_plasticity(
    program: Program, trace: SpikeTrace, layers: Sequence[str], rule: str = "stdp", epoch_steps: int | None = None
) -> PlasticityRun:
    """Count the updates of a program's plastic layers on a trace of its own network.

    layers: names of projections with weights of their own. epoch_steps: the profile's by default, and the whole sample
    for ``reward``. Raises InputError for a chip that does not learn, a rule that it does not know, and layers that
    local rules cannot change; ResourceLimitError for times beyond 64 bits.
    """
    engine = learning_engine(program, rule)
    steps = epoch_steps or (trace.steps if rule == "reward" else engine.epoch_steps)
    if steps < 1:
        raise bad_input("epoch", f"is {steps} steps; at least 1 is needed")
    plastic = plastic_projections(program.network, layers)
    updates, by_core, weights = {}, {}, {}
    busy = np.zeros(0, np.int64)
    cores = sorted({tile.core for tile in program.tiles})
    for projection in plastic:
        counts = _per_core(program, trace, projection, rule, min(steps, trace.steps), cores)
        busy = counts if not busy.size else busy + counts
        updates[projection.name] = counts.sum(axis=2)
        weights[projection.name] = synapse_count(projection.op, program.network.by_name[projection.source].shape)
        totals = zip(cores, counts.sum(axis=(0, 1)), strict=True)
        by_core.update({(core, projection.name): int(count) for core, count in totals if count})
    latency = engine.weight_update.latency_ps
    if float(busy.max(initial=0)) * latency * (busy.size // len(cores)) >= 2.0**62:
        raise ResourceLimitError(Diagnostic("learning", "takes longer than 64-bit picoseconds can hold"))
    return PlasticityRun(
        engine.rules[engine.rules.index(rule)], min(steps, trace.steps), trace.samples, trace.steps, weights,  # type: ignore[arg-type]
        updates, by_core, busy.max(axis=2) * latency,
    )  # fmt: skip


def learning_engine(program: Program, rule: str) -> EventLearning:
    """The chip's engine. Raises InputError where there is none, or it does not know the rule."""
    engine, name = program.chip.engines.wg, program.chip.name
    if engine is None:
        raise bad_input(name, "does not learn on the chip, or its profile does not know what that costs")
    if rule not in engine.rules:
        raise bad_input("rule", f"{name} has no rule {rule!r}", hint=f"it has {', '.join(engine.rules)}")
    return engine


def plastic_projections(network: Network, layers: Sequence[str]) -> tuple[Projection, ...]:
    """The layers that are to learn. Raises InputError, with all findings, for those that cannot."""
    able = {p.name: p for p in network.projections if weight_of(p.op) is not None}
    found = []
    for k, name in enumerate(layers):
        if name not in able:
            hint = f"did you mean {closest(name, tuple(able))}? " if closest(name, tuple(able)) else ""
            what = f"{network.name} has no layer of weights of this name"
            found.append(Diagnostic(name, what, hint=f"{hint}layers: {', '.join(able)}"))
        elif isinstance(able[name].op, Conv):
            why = "a local rule changes the weight of one synapse, a kernel's weight belongs to many"
            found.append(Diagnostic(name, "is a convolution, whose positions share their weights", why))
        elif network.by_name[able[name].target].neuron is None:
            found.append(Diagnostic(name, "does not end in neurons", "a local rule needs postsynaptic spikes"))
        elif name in layers[:k]:
            found.append(Diagnostic(name, "is named twice"))
    if found or not layers:
        raise InputError(found or [Diagnostic("plastic layers", "there are none")])
    return tuple(able[name] for name in layers)


def updates_of_targets(op: Op, source_shape: Shape, pre: np.ndarray, post: np.ndarray, rule: str) -> np.ndarray:
    """int64 (target shape): synapses of each target that the rule updates in one epoch.

    pre: bool (source shape), post: bool (target shape), whether a neuron spiked in the epoch.
    """
    active = np.broadcast_to(fan_in(op, source_shape, pre.astype(np.int64)), post.shape)
    if rule == "reward":
        return np.where(post, active, 0)
    return np.where(post, np.broadcast_to(fan_in(op, source_shape), post.shape), active)


def _per_core(
    program: Program, trace: SpikeTrace, projection: Projection, rule: str, epoch: int, cores: Sequence[int]
) -> np.ndarray:
    """int64 (samples, epochs, cores): updates of one layer."""
    network = program.network
    source, target = network.by_name[projection.source], network.by_name[projection.target]
    home = np.zeros(target.size, np.int64)  # channel-last: where each target lies, as an index into cores
    for tile in program.tiles:
        if tile.population == target.name:
            home[tile.channel_last_positions(target.shape)] = cores.index(tile.core)
    order = np.argsort(home, kind="stable")
    present, starts = np.unique(home[order], return_index=True)
    starts_of_epochs = np.arange(0, trace.steps, epoch)
    counts = np.zeros((trace.samples, starts_of_epochs.size, len(cores)), np.int64)
    for sample in range(trace.samples):
        before = _delayed(_spiking(network, trace, source.name, sample), projection.delay)
        pre, post = (
            np.logical_or.reduceat(spikes, starts_of_epochs, axis=0)
            for spikes in (before, _spiking(network, trace, target.name, sample))
        )
        for k in range(starts_of_epochs.size):
            each = updates_of_targets(projection.op, source.shape, pre[k], post[k], rule)
            flat = channel_last(each[None, None], target.shape).reshape(-1)
            counts[sample, k, present] = np.add.reduceat(flat[order], starts)
    return counts


def _spiking(network: Network, trace: SpikeTrace, name: str, sample: int) -> np.ndarray:
    """bool (steps, *shape): outputs of a population that are not zero. One that only passes on (pooling) counts as
    spiking where anything reaches it."""
    population = network.by_name[name]
    if name in trace.populations:
        stored = trace.populations[name]
        flat = unpack(stored.spikes[sample : sample + 1], stored.size)
        return channel_first(flat, stored.shape)[0]
    reached = np.zeros((trace.steps, *population.shape), np.bool_)
    for p in network.incoming[name]:
        sent = _delayed(_spiking(network, trace, p.source, sample), p.delay)
        shape = network.by_name[p.source].shape
        for t in range(trace.steps):
            reached[t] |= np.broadcast_to(fan_in(p.op, shape, sent[t].astype(np.int64)), population.shape) > 0
    return reached


def _delayed(spikes: np.ndarray, delay: int) -> np.ndarray:
    """When they arrive; what arrives after the sample is lost."""
    if not delay:
        return spikes
    later = np.zeros_like(spikes)
    later[delay:] = spikes[:-delay]
    return later
