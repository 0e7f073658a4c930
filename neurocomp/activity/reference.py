"""The readable twin of the compiled engine: the same sums in the same order, one event at a time.

It is slow and plain on purpose. Tests hold the compiled engine against it bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from neurocomp.activity.execution import Execution, Inputs, check_inputs, input_values
from neurocomp.activity.reference_neuron import NeuronState, vector
from neurocomp.activity.reference_signals import overwritten, product, signal_operations, wired_targets
from neurocomp.activity.segments import run_segments
from neurocomp.activity.trace import PopulationTrace, SpikeTrace, pack
from neurocomp.network.graph import Held, Integer, Network, Population, Projection, state_shift
from neurocomp.network.layout import channel_first, channel_last, channel_last_index
from neurocomp.network.ops import Conv, Factor, Host, Linear, OneToOne, Op, Pool, Reduce, Shape, Sparse, Wiring
from neurocomp.network.verify import population_order, verify
from neurocomp.network.verify_time import mixes_time


def execute_reference(
    network: Network,
    inputs: Inputs = None,
    *,
    samples: int = 1,
    steps: int | None = None,
    record: Collection[str] = (),
) -> Execution:
    """Run a network; the contract is that of :func:`neurocomp.activity.execute.execute`."""
    verify(network)
    given, samples, steps = check_inputs(network, inputs, samples, steps)
    if mixes_time(network):

        def run_one(segment: Network, fed: dict[str, np.ndarray], recorded: Collection[str]) -> Execution:
            return execute_reference(segment, fed or None, samples=samples, steps=steps, record=recorded)

        return run_segments(network, given, samples, steps, {*record, *network.stations}, run_one)
    values = {name: input_values(network, array, name) for name, array in given.items()}
    runs = [_Run(network, steps) for _ in range(samples)]
    for k, run in enumerate(runs):
        for t in range(steps):
            run.step(t, {name: array[k, t] for name, (array, _) in values.items()})
    clipped = sum(count for _, count in values.values())
    return replace(_collect(network, runs, samples, steps, {*record, *network.stations}), clipped_inputs=clipped)


class _Run:
    """State and outputs of one sample. All vectors are channel-last."""

    def __init__(self, network: Network, steps: int) -> None:
        self.network = network
        self.integer = network.arithmetic if isinstance(network.arithmetic, Integer) else None
        self.dtype = np.int32 if self.integer else np.float32
        self.order = population_order(network)
        self.output = {p.name: np.zeros((steps, p.size), self.dtype) for p in network.populations}
        self.active = {p.name: np.zeros((steps, p.size), np.bool_) for p in network.populations}
        self.state = {
            p.name: NeuronState(p, p.neuron, self.integer) for p in network.populations if p.neuron is not None
        }
        self.cut = 0
        self.products = {name: 0 for name, arriving in network.incoming.items() if _is_product(arriving)}

    def step(self, t: int, inputs: dict[str, np.ndarray]) -> None:
        for name in self.order:
            population = self.network.by_name[name]
            if name in inputs:
                self.output[name][t] = channel_last(inputs[name], population.shape)
                continue
            x = self._multiplied(population, t) if name in self.products else self._arriving(population, t)
            if population.neuron is None:
                self.output[name][t] = x
            else:
                self.output[name][t], self.active[name][t] = self.state[name].update(x)
            if population.held is not None:
                self.output[name][t] = self._held(population.held, self.output[name][t])

    def _held(self, register: Held, values: np.ndarray) -> np.ndarray:
        """What a register keeps of values; counts those that saturate."""
        rounded = shifted(values, -register.shift)
        kept = np.clip(rounded, -register.limit, register.limit)
        self.cut += int((kept != rounded).sum())
        return kept

    def _arriving(self, population: Population, t: int) -> np.ndarray:
        bias = vector(population.bias if population.bias is not None else 0, population.shape, self.dtype)
        x = np.zeros(population.size, self.dtype) if self.integer else bias.copy()
        for projection in self.network.incoming[population.name]:
            if t >= projection.delay:
                source = self.network.by_name[projection.source]
                deliver(
                    projection.op, self.output[source.name][t - projection.delay], source.shape, x, population.shape
                )
        return shifted(x, state_shift(self.network.arithmetic, population)) + bias if self.integer else x

    def _multiplied(self, population: Population, t: int) -> np.ndarray:
        operands, factors = {}, []
        for p in self.network.incoming[population.name]:
            if not isinstance(p.op, Factor):
                raise TypeError("a product of two signals receives something else")
            source = self.network.by_name[p.source]
            sent = self.output[source.name]
            values = sent[t - p.delay] if t >= p.delay else np.zeros_like(sent[0])
            operands[p.op.side] = channel_first(values, source.shape).reshape(-1)
            factors.append(p.op)
        result, met = product(factors[0], operands["left"], operands["right"])
        self.products[population.name] += met
        return channel_last(result.reshape(population.shape), population.shape)

    @property
    def saturations(self) -> int:
        return self.cut + sum(state.saturations for state in self.state.values())


def shifted(x: np.ndarray, shift: int) -> np.ndarray:
    """int32 times 2**shift; below 1 rounded to the nearest, halves upwards."""
    if shift >= 0:
        return np.left_shift(x, shift)
    return np.right_shift(x.astype(np.int64) + 2 ** (-shift - 1), -shift).astype(np.int32)


def _is_product(arriving: tuple[Projection, ...]) -> bool:
    return bool(arriving) and isinstance(arriving[0].op, Factor)


def deliver(op: Op, values: np.ndarray, source_shape: Shape, x: np.ndarray, target_shape: Shape) -> None:
    """Add what one step's outputs (channel-last) bring through ``op`` to x (channel-last), event by event."""
    if isinstance(op, Pool) and op.kind == "max":
        x += _maxima(op, channel_first(values, source_shape), target_shape)
        return
    if isinstance(op, Host) or (isinstance(op, Reduce) and op.kind == "max"):
        x += overwritten(op, values, source_shape, target_shape)
        return
    to_last = channel_last_index(target_shape)
    from_last = channel_last_index(source_shape)
    first_of = np.empty_like(from_last)
    first_of[from_last] = np.arange(from_last.size)
    for e in np.flatnonzero(values):
        targets, weights = synapses_of(op, int(first_of[e]), source_shape, target_shape)
        np.add.at(x, to_last[targets], values[e] * weights.astype(x.dtype))


def synapses_of(op: Op, source: int, source_shape: Shape, target_shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """All synapses of one source element: (flat channel-first targets, weights)."""
    match op:
        case Linear(weight):
            return np.arange(weight.shape[0]), weight[:, source]
        case Sparse():
            row = slice(op.indptr[source], op.indptr[source + 1])
            return op.indices[row], op.weight[row]
        case OneToOne(scale):
            one = scale.reshape(-1)[source] if isinstance(scale, np.ndarray) else scale
            return np.array([source]), np.array([one])
        case Conv():
            return _windowed_synapses(op, source, source_shape, target_shape)
        case Pool():
            return _windowed_synapses(op, source, source_shape, target_shape)
        case Wiring() | Reduce():
            return wired_targets(op, source, np.float32)
        case _:
            raise TypeError(f"{type(op).__name__} has no synapses")


def _windowed_synapses(
    op: Conv | Pool, source: int, source_shape: Shape, target_shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    channel, *pixel = (int(i) for i in np.unravel_index(source, source_shape))
    if isinstance(op, Conv):
        per_group = op.weight.shape[1]
        group_out = op.weight.shape[0] // op.groups
        outs = np.arange(group_out) + (channel // per_group) * group_out
        kernel = op.weight[outs, channel % per_group]
    else:
        outs = np.array([channel])
        kernel = np.full((1, *op.kernel), op.scale, np.float32 if op.kind == "avg" else np.int32)
    targets, weights = [], []
    for tap in np.ndindex(*op.kernel):
        out_pixel = _output_pixel(op, tap, pixel, target_shape)
        if out_pixel is not None:
            targets.append(np.ravel_multi_index((outs, *out_pixel), target_shape))
            weights.append(kernel[(slice(None), *tap)])
    if not targets:
        return np.zeros(0, np.int64), np.zeros(0, kernel.dtype)
    return np.concatenate(targets), np.concatenate(weights)


def _output_pixel(op: Conv | Pool, tap: Shape, pixel: list[int], target_shape: Shape) -> Shape | None:
    """The output pixel at which an input pixel lies under kernel tap ``tap``, if there is one."""
    out = []
    for axis, k in enumerate(tap):
        start = pixel[axis] + op.padding[axis] - k * op.dilation[axis]
        if start % op.stride[axis] or not 0 <= start // op.stride[axis] < target_shape[axis + 1]:
            return None
        out.append(int(start // op.stride[axis]))
    return tuple(out)


def _maxima(op: Pool, source: np.ndarray, target_shape: Shape) -> np.ndarray:
    result = np.empty(target_shape, source.dtype)
    for pixel in np.ndindex(*target_shape[1:]):
        window = [slice(None)]
        for o, k, s, p, size in zip(pixel, op.kernel, op.stride, op.padding, source.shape[1:], strict=True):
            window.append(slice(max(o * s - p, 0), min(o * s - p + k, size)))
        result[(slice(None), *pixel)] = source[tuple(window)].max(axis=tuple(range(1, source.ndim)))
    return channel_last(result, target_shape)


def _collect(network: Network, runs: list[_Run], samples: int, steps: int, record: set[str]) -> Execution:
    stacked = {p.name: np.stack([run.output[p.name] for run in runs]) for p in network.populations}
    traces = {}
    for p in network.populations:
        if p.neuron is None and p.name not in network.inputs and p.name not in record:
            continue
        values = stacked[p.name]
        binary = bool(((values == 0) | (values == 1)).all())
        active = pack(np.stack([run.active[p.name] for run in runs])) if p.neuron is not None else None
        traces[p.name] = PopulationTrace(p.shape, pack(values != 0), active, None if binary else values)
    counts = {
        name: channel_first((v != 0).sum(axis=(0, 1), dtype=np.int64), network.by_name[name].shape)
        for name, v in stacked.items()
    }
    output = None
    if network.output is not None:
        output = channel_first(stacked[network.output], network.by_name[network.output].shape)
    met = {name: sum(run.products[name] for run in runs) for name in runs[0].products} if runs else {}
    products, hosted = signal_operations(network, met, samples * steps)
    return Execution(
        SpikeTrace(samples, steps, traces, repr(network.arithmetic)),
        output,
        counts,
        sum(run.saturations for run in runs),
        product_operations=products,
        host_operations=hosted,
    )
