"""Runs a network on input with the compiled engine."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.activity.execution import Execution, check_inputs, input_values
from neurocomp.activity.plan import Plan, plan_network
from neurocomp.activity.segments import run_segments
from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.errors import bad_input
from neurocomp.network.graph import Network
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.verify import verify
from neurocomp.network.verify_time import mixes_time

if TYPE_CHECKING:
    from neurocomp._core.engine import Engine

Progress = Callable[[int, int], None]


def execute(
    network: Network,
    inputs: np.ndarray | None = None,
    *,
    samples: int = 1,
    steps: int | None = None,
    record: Collection[str] = (),
    threads: int = 1,
    progress: Progress | None = None,
) -> Execution:
    """Run every sample from rest and return spikes, outputs and counts.

    inputs: (samples, steps, *input shape), numbers; None for a network without input population, for which
    ``samples`` and ``steps`` say how much to run. record: relays whose values are wanted in the trace too;
    those of the network's stations are there in any case.
    threads: samples are shared out among that many; the result is the same, byte for byte, for any number.
    progress: called as progress(done, total) after each group of samples.

    Raises InputError if network or inputs are malformed.
    """
    from neurocomp._core.engine import Engine

    verify(network)
    if threads < 1:
        raise bad_input("threads", f"is {threads}; at least 1 is needed")
    given, samples, steps = check_inputs(network, inputs, samples, steps)
    if mixes_time(network):
        wanted = {*record, *network.stations}

        def run(segment: Network, inputs: dict[str, np.ndarray], recorded: Collection[str]) -> Execution:
            fed = next(iter(inputs.values())) if len(inputs) == 1 else inputs or None
            return execute(segment, fed, samples=samples, steps=steps, record=recorded, threads=threads)

        return run_segments(network, given, samples, steps, wanted, run)
    fed, clipped = _fed(network, given[network.inputs[0]]) if given else (None, 0)
    plan = plan_network(network, None if fed is None else float(np.abs(fed).max(initial=0)))
    records = _Records(network, plan, samples, steps, {*record, *network.stations})
    saturations = _run_samples(Engine(plan), records, fed, threads, progress)
    return replace(records.execution(saturations, fed), clipped_inputs=clipped)


def _run_samples(
    engine: Engine, records: _Records, fed: np.ndarray | None, threads: int, progress: Progress | None
) -> int:
    """Run all samples, in groups that threads take in turn; returns how often a state saturated."""
    samples, saturations = records.samples, 0
    group = max(1, min(-(-samples // (4 * threads)), 64))
    spans = [(at, min(at + group, samples)) for at in range(0, samples, group)]

    def run(span: tuple[int, int]) -> tuple[int, list[np.ndarray]]:
        counts = [np.zeros(p.n, np.int64) for p in records.plan.populations]
        return engine.run(fed, *span, records.steps, records.of_each_population(counts)), counts

    with ThreadPoolExecutor(max(1, threads)) as pool:
        for (_, done), (clipped, counts) in zip(spans, pool.map(run, spans), strict=True):
            saturations += clipped
            records.add_counts(counts)
            if progress is not None:
                progress(done, samples)
    return saturations


def _fed(network: Network, inputs: np.ndarray) -> tuple[np.ndarray, int]:
    """Inputs as the engine reads them (channel-last, contiguous, a single step if every step is the same), and
    how many of them were cut to the range of the arithmetic."""
    repeats = 1
    if inputs.shape[1] > 1 and inputs.strides[1] == 0:
        inputs, repeats = inputs[:, :1], inputs.shape[1]
    shape = network.by_name[network.inputs[0]].shape
    values, clipped = input_values(network, inputs)
    return np.ascontiguousarray(channel_last(values, shape)), clipped * repeats


class _Records:
    """Output arrays of a run, by population in the plan's order."""

    def __init__(self, network: Network, plan: Plan, samples: int, steps: int, record: set[str]) -> None:
        self.network, self.plan = network, plan
        self.samples, self.steps = samples, steps
        self.nonzero = [np.zeros(p.n, np.int64) for p in plan.populations]
        self.arrays = [self._allocate(network, p.name, p.n, record) for p in plan.populations]
        self.integer = plan.integer

    def _allocate(self, network: Network, name: str, n: int, record: set[str]) -> tuple[np.ndarray | None, ...]:
        neuron = network.by_name[name].neuron
        is_input = name in network.inputs
        rows = (self.samples, self.steps, (n + 7) // 8)
        traced = neuron is not None or is_input or name in record
        graded = traced and not is_input and (neuron is None or neuron.output != "binary")
        spikes = np.zeros(rows, np.uint8) if traced else None
        active = np.zeros(rows, np.uint8) if neuron is not None else None
        values = None
        if graded or name == network.output:
            values = np.zeros((self.samples, self.steps, n), np.int32 if self.plan.integer else np.float32)
        return spikes, active, values

    def of_each_population(self, counts: list[np.ndarray]) -> list[tuple[np.ndarray | None, ...]]:
        return [(*arrays, count) for arrays, count in zip(self.arrays, counts, strict=True)]

    def add_counts(self, counts: list[np.ndarray]) -> None:
        for total, part in zip(self.nonzero, counts, strict=True):
            total += part

    def execution(self, saturations: int, fed: np.ndarray | None) -> Execution:
        traces, counts, output = {}, {}, None
        for planned, (spikes, active, values), nonzero in zip(
            self.plan.populations, self.arrays, self.nonzero, strict=True
        ):
            name = planned.name
            shape = self.network.by_name[name].shape
            counts[name] = channel_first(nonzero, shape)
            if name == self.network.output and values is not None:
                output = channel_first(values, shape)
            if spikes is None:
                continue
            if fed is not None and name in self.network.inputs:
                values = np.broadcast_to(fed, (self.samples, self.steps, planned.n))
            graded = values is not None and not bool(((values == 0) | (values == 1)).all())
            traces[name] = PopulationTrace(shape, spikes, active, values if graded else None)
        return Execution(
            SpikeTrace(self.samples, self.steps, traces, repr(self.network.arithmetic)), output, counts, saturations
        )
