"""What a run of the compiled engine writes down, and the Execution made of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from neurocomp.activity.execution import Execution, NonzeroCounts
from neurocomp.activity.plan import Plan
from neurocomp.activity.plan_ops import LEFT
from neurocomp.activity.reference_signals import signal_operations
from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.network.graph import Network
from neurocomp.network.layout import channel_first

Tally = list[tuple[np.ndarray, np.ndarray | None]]


class Records:
    """Output arrays of a run, by population in the plan's order."""

    def __init__(self, network: Network, plan: Plan, samples: int, steps: int, record: set[str]) -> None:
        self.network, self.plan = network, plan
        self.samples, self.steps = samples, steps
        self.arrays = [self._allocate(network, p.name, p.n, record) for p in plan.populations]
        self._lock = threading.Lock()
        self._tallies: list[Tally] = []
        self._idle: list[Tally] = []

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

    @contextmanager
    def borrowed(self) -> Iterator[list[tuple[np.ndarray | None, ...]]]:
        """Per population (spikes, active, values, nonzero, products) for one thread to write into. Counts are shared
        with nobody meanwhile; there are as many sets of them as threads at the same time."""
        with self._lock:
            tally = self._idle.pop() if self._idle else self._new_tally()
        try:
            yield [(*arrays, *counts) for arrays, counts in zip(self.arrays, tally, strict=True)]
        finally:
            with self._lock:
                self._idle.append(tally)

    def _new_tally(self) -> Tally:
        dtype = np.min_scalar_type(max(1, self.samples * self.steps))
        tally = [
            (np.zeros(p.n, dtype), np.zeros(1, np.int64) if self._multiplies(k) else None)
            for k, p in enumerate(self.plan.populations)
        ]
        self._tallies.append(tally)
        return tally

    def _multiplies(self, k: int) -> bool:
        planned = self.plan.populations[k]
        return planned.first < planned.last and self.plan.projections[planned.first].kind == LEFT

    def _counted(self, k: int) -> np.ndarray:
        """Outputs of population k that were not zero, per element; sums fit the type of each part."""
        if not self._tallies:
            return np.zeros(self.plan.populations[k].n, np.uint8)
        first, *others = [tally[k][0] for tally in self._tallies]
        for other in others:
            first += other
        return first

    def execution(self, saturations: int, fed: list[np.ndarray]) -> Execution:
        inputs = dict(zip(self.network.inputs, fed, strict=True))
        counts, traces, output = {}, {}, None
        for k, planned in enumerate(self.plan.populations):
            name, shape = planned.name, self.network.by_name[planned.name].shape
            spikes, active, values = self.arrays[k]
            counts[name] = self._counted(k)
            if name == self.network.output and values is not None:
                output = channel_first(values, shape)
            if spikes is None:
                continue
            if name in inputs:
                values = np.broadcast_to(inputs[name], (self.samples, self.steps, planned.n))
            graded = values is not None and not bool(((values == 0) | (values == 1)).all())
            traces[name] = PopulationTrace(shape, spikes, active, values if graded else None)
        products, hosted = signal_operations(self.network, self._met(), self.samples * self.steps)
        trace = SpikeTrace(self.samples, self.steps, traces, repr(self.network.arithmetic))
        counted = NonzeroCounts(self.network, counts)
        return Execution(trace, output, counted, saturations, 0, products, hosted)

    def _met(self) -> dict[str, int]:
        """Multiplications of two signals whose operands were both not zero, by population."""
        met = {p.name: 0 for k, p in enumerate(self.plan.populations) if self._multiplies(k)}
        for tally in self._tallies:
            for planned, (_, products) in zip(self.plan.populations, tally, strict=True):
                if products is not None:
                    met[planned.name] += int(products[0])
        return met
