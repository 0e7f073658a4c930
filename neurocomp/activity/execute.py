"""Runs a network on input with the compiled engine."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.activity.execution import Execution, Inputs, check_inputs, input_values
from neurocomp.activity.plan import plan_network
from neurocomp.activity.records import Records
from neurocomp.activity.segments import run_segments
from neurocomp.errors import bad_input
from neurocomp.interrupts import working_threads
from neurocomp.network.graph import Network
from neurocomp.network.layout import channel_last
from neurocomp.network.verify import verify
from neurocomp.network.verify_time import mixes_time

if TYPE_CHECKING:
    from neurocomp._core.engine import Engine

Progress = Callable[[int, int], None]
MOST_PARTS = 16  # threads that share one sample: NC_MOST_PARTS of csrc/spikes.h
LEAST_SHARED_WORK = 8192  # elements, and multiplications by eight, below which a population is left to one thread


def execute(
    network: Network,
    inputs: Inputs = None,
    *,
    samples: int = 1,
    steps: int | None = None,
    record: Collection[str] = (),
    threads: int = 1,
    progress: Progress | None = None,
) -> Execution:
    """Run every sample from rest and return spikes, outputs and counts.

    inputs: (samples, steps, *input shape), numbers; a dictionary of such arrays by population for a network with
    several inputs; None for one without input population, for which ``samples`` and ``steps`` say how much to run.
    record: relays whose values are wanted in the trace too. threads: samples are shared out among that many, and
    where there are fewer samples, several threads compute one together; the result is the same, byte for byte, for
    any number. progress: called as progress(done, total) after each group of samples.

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
            return execute(segment, inputs or None, samples=samples, steps=steps, record=recorded, threads=threads)

        return run_segments(network, given, samples, steps, wanted, run)
    fed, clipped = _fed(network, given)
    plan = plan_network(network, _largest(fed))
    records = Records(network, plan, samples, steps, {*record, *network.stations})
    saturations = _run_samples(Engine(plan, LEAST_SHARED_WORK), records, fed, threads, progress)
    return replace(records.execution(saturations, fed), clipped_inputs=clipped)


def _largest(fed: list[np.ndarray]) -> float | None:
    return float(max(np.abs(values).max(initial=0) for values in fed)) if fed else None


def _run_samples(
    engine: Engine, records: Records, fed: list[np.ndarray], threads: int, progress: Progress | None
) -> int:
    """Run all samples, in groups that threads take in turn; returns how often a state saturated."""
    samples, saturations = records.samples, 0
    workers = min(threads, samples)
    parts = min(threads // max(workers, 1), MOST_PARTS)
    group = max(1, min(-(-samples // (4 * workers)), 64)) if samples else 1
    spans = [(at, min(at + group, samples)) for at in range(0, samples, group)]

    with working_threads(workers * (parts - 1)) as helpers, working_threads(workers) as pool:

        def run(span: tuple[int, int]) -> int:
            with records.borrowed() as arrays:
                return engine.run(fed, *span, records.steps, arrays, helpers, parts)

        for (_, done), saturated in zip(spans, pool.map(run, spans), strict=True):
            saturations += saturated
            if progress is not None:
                progress(done, samples)
    return saturations


def _fed(network: Network, given: dict[str, np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Inputs as the engine reads them (channel-last, contiguous, a single step if every step is the same), in the
    order of the network, and how many of them were cut to the range of the arithmetic."""
    fed, clipped = [], 0
    for name, inputs in given.items():
        repeats = 1
        if inputs.shape[1] > 1 and inputs.strides[1] == 0:
            inputs, repeats = inputs[:, :1], inputs.shape[1]
        values, cut = input_values(network, inputs, name)
        fed.append(np.ascontiguousarray(channel_last(values, network.by_name[name].shape)))
        clipped += cut * repeats
    return fed, clipped
