"""Running a network that mixes time steps: all steps up to the mixture, the mixture, all steps behind it.

The network is cut into segments that are run one after the other. What a segment gets from earlier ones, it gets as
inputs; a relay behind a mixture is an input that is fed the mixture. In integer arithmetic all of these are whole
numbers of the network's own units.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from neurocomp.activity.execution import Execution, input_values
from neurocomp.activity.host import HOST_LARGEST
from neurocomp.activity.trace import PopulationTrace, SpikeTrace, pack
from neurocomp.errors import bad_input
from neurocomp.network.graph import Arithmetic, Integer, Network, Projection
from neurocomp.network.layout import channel_last
from neurocomp.network.mixtures import elements_of
from neurocomp.network.ops import AllSteps, Mixture, OverTime
from neurocomp.network.verify import population_order

Inputs = dict[str, np.ndarray]
Run = Callable[[Network, Inputs, Collection[str]], Execution]
"""Runs one segment and records the named relays."""


def run_segments(
    network: Network, inputs: Inputs, samples: int, steps: int, record: Collection[str], run: Run
) -> Execution:
    """Run a verified network that mixes time steps. Raises InputError if its mixtures are not for that many steps."""
    for p in network.projections:
        if isinstance(p.op, Mixture) and p.op.steps != steps:
            what = f"mixes {p.op.steps} time steps, but {steps} are run"
            raise bad_input(p.name, what, hint=f"run it for {p.op.steps} steps")
    level = _levels(network)
    values, clipped = _given(network, inputs)
    parts: list[Execution] = []
    cut = 0
    for k in range(max(level.values()) + 1):
        mixed, beyond = _in_registers(network, _mixed(network, level, k, values, run))
        values, cut = values | mixed, cut + beyond
        segment = _segment(network, level, k)
        fed = {name: values[name] for name in segment.inputs}
        part = run(segment, fed, _wanted(network, level, k, record))
        parts.append(part)
        values |= {
            name: _sent(network, part, name) for name in level if level[name] == k and name in part.trace.populations
        }
    done = _joined(network, parts, values, (samples, steps), set(record))
    return replace(done, clipped_inputs=clipped, saturations=done.saturations + cut)


def _in_registers(network: Network, mixed: Inputs) -> tuple[Inputs, int]:
    """Mixtures as the packets of a chip carry them, and how many of their values saturate."""
    kept, cut = dict(mixed), 0
    for name, values in mixed.items():
        held = network.by_name[name].held
        if held is not None:
            rounded = (values.astype(np.int64) + (1 << held.shift >> 1)) >> held.shift
            kept[name] = np.clip(rounded, -held.limit, held.limit).astype(values.dtype)
            cut += int((kept[name] != rounded).sum())
    return kept, cut


def _given(network: Network, inputs: Inputs) -> tuple[Inputs, int]:
    """The inputs in the network's arithmetic, and how many of them were cut to its range."""
    fed = {name: input_values(network, array, name) for name, array in inputs.items()}
    return {name: values for name, (values, _) in fed.items()}, sum(cut for _, cut in fed.values())


def _levels(network: Network) -> dict[str, int]:
    """For each population how many mixtures lie before it on its longest way from an input."""
    level = dict.fromkeys(population_order(network), 0)
    changed = True
    while changed:  # delayed connections may point backwards in the order, so until nothing moves
        changed = False
        for p in network.projections:
            least = level[p.source] + isinstance(p.op, Mixture)
            if level[p.target] < least:
                level[p.target], changed = least, True
    return level


def _mixes(network: Network, name: str) -> bool:
    return any(isinstance(p.op, Mixture) for p in network.incoming[name])


def _segment(network: Network, level: dict[str, int], k: int) -> Network:
    """The populations of level k; those of earlier levels that they hear, and mixtures, as inputs."""
    mine = [name for name in level if level[name] == k and not _mixes(network, name)]
    projections = tuple(p for p in network.projections if p.target in mine)
    heard = {p.source for p in projections} - set(mine)
    mixtures = {name for name in level if level[name] == k and _mixes(network, name)}
    fed = [name for name in level if name in heard | mixtures or (name in network.inputs and name in mine)]
    members = {*mine, *fed}
    populations = tuple(
        replace(p, neuron=None, bias=None, held=None, exponent=0) if p.name in fed else p
        for p in network.populations
        if p.name in members
    )
    output = network.output if network.output in mine else None
    return replace(
        network,
        populations=populations,
        projections=projections,
        inputs=tuple(fed),
        output=output,
        arithmetic=_between_segments(network.arithmetic),
        sample=None,
        stations=(),
    )


def _between_segments(arithmetic: Arithmetic) -> Arithmetic:
    """The arithmetic of a segment, into which whole numbers enter as they are."""
    if isinstance(arithmetic, Integer):
        return replace(arithmetic, input_scale=1.0, input_bits=31)
    return arithmetic


def _wanted(network: Network, level: dict[str, int], k: int, record: Collection[str]) -> list[str]:
    """Relays of level k whose values are asked for, or which later levels hear."""
    later = {p.source for p in network.projections if level[p.source] == k < level[p.target]}
    return [
        name for name in level
        if level[name] == k and network.by_name[name].neuron is None and not _mixes(network, name)
        and (name in later or name in record)
    ]  # fmt: skip


def _mixed(network: Network, level: dict[str, int], k: int, values: Inputs, run: Run) -> Inputs:
    """Mixtures that level k begins with, (samples, steps, *shape)."""
    mixed: Inputs = {}
    for name in (n for n in level if level[n] == k):
        arriving = network.incoming[name]
        if any(isinstance(p.op, AllSteps) for p in arriving):
            mixed[name] = _computed(arriving, values, run)
        for p in arriving:
            if isinstance(p.op, OverTime):
                mixed[name] = mixture(p.op, values[p.source])
    return mixed


def _computed(arriving: Sequence[Projection], values: Inputs, run: Run) -> np.ndarray:
    """What a function of all steps gives: it is run once per sample, with the steps as elements of its inputs."""
    fed: Inputs = {}
    for p, op in ((p, p.op) for p in arriving if isinstance(p.op, AllSteps)):
        given, port = values[p.source], op.function.by_name[op.port]
        scaled = given if op.units is None else given.astype(np.float64) * op.units[0]
        fed[op.port] = np.ascontiguousarray(scaled, np.float32).reshape(given.shape[0], 1, *port.shape)
    last = arriving[-1].op
    if not isinstance(last, AllSteps):
        raise TypeError("a function of all steps receives something else")
    dtype = values[arriving[-1].source].dtype
    output = run(last.function, fed, ()).output
    if output is None:
        raise TypeError("a function of all steps has no output")
    results = output.reshape(output.shape[0], last.steps, *last.shape)
    return results if last.units is None else _rounded(results / np.float64(last.units[1]), dtype)


def mixture(op: OverTime, values: np.ndarray) -> np.ndarray:
    """What the operator makes of (samples, steps, *shape), in their own type (float32 or int32)."""
    if op.moves:
        return _moved(op, values)
    if op.units is None:
        return _mixed_steps(op, values)
    arriving, leaving = op.units
    return _rounded(_mixed_steps(op, values.astype(np.float64) * arriving) / leaving, values.dtype)


def _rounded(results: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Real results as whole numbers of the bits that the host gives."""
    return np.clip(np.nan_to_num(np.rint(results)), -HOST_LARGEST, HOST_LARGEST).astype(dtype)


def _moved(op: OverTime, values: np.ndarray) -> np.ndarray:
    total = np.zeros_like(values)
    target, source = np.nonzero(op.weight)
    total[:, target] = values[:, source]
    return total


def _mixed_steps(op: OverTime, values: np.ndarray) -> np.ndarray:
    each = (-1, *(1,) * (values.ndim - 2))
    total = np.broadcast_to(op.offset.reshape(each), values.shape[1:])
    total = np.repeat(total[None], values.shape[0], axis=0)
    for s in range(values.shape[1]):
        total = total + op.weight[:, s].reshape(each) * values[:, s : s + 1]
    return total


def _sent(network: Network, done: Execution, name: str) -> np.ndarray:
    dtype = np.int32 if isinstance(network.arithmetic, Integer) else np.float32
    return done.trace.dense(name).astype(dtype, copy=False)


def _joined(
    network: Network, parts: list[Execution], values: Inputs, size: tuple[int, int], record: set[str]
) -> Execution:
    """The parts' results as those of one run."""
    traces: dict[str, PopulationTrace] = {}
    counts: dict[str, np.ndarray] = {}
    for part in parts:
        own = {n: t for n, t in part.trace.populations.items() if n not in traces}
        traces |= {n: t for n, t in own.items() if _is_traced(network, n, record)}
        counts |= {n: c for n, c in part.nonzero_counts.items() if n not in counts}
    output = next((part.output for part in parts if part.output is not None), None)
    for name in (n for n in values if _mixes(network, n)):
        if name == network.output:
            output = values[name]
        if name in record:
            traces[name] = _trace_of(values[name])
    done = {n: c for part in parts for n, c in part.host_operations.items()}
    done |= {n: _host_elements(network, n) * size[0] for n in values if _mixes(network, n)}
    return Execution(
        SpikeTrace(*size, {n: traces[n] for n in population_order(network) if n in traces}, repr(network.arithmetic)),
        output,
        {n: counts[n] for n in population_order(network)},
        sum(part.saturations for part in parts),
        0,
        {n: c for part in parts for n, c in part.product_operations.items()},
        {n: done[n] for n in population_order(network) if n in done},
    )


def _host_elements(network: Network, name: str) -> int:
    op = network.incoming[name][0].op
    return elements_of(op, network.by_name[name].size) if isinstance(op, Mixture) else 0


def _is_traced(network: Network, name: str, record: set[str]) -> bool:
    return network.by_name[name].neuron is not None or name in network.inputs or name in record


def _trace_of(values: np.ndarray) -> PopulationTrace:
    last = channel_last(values, values.shape[2:])
    binary = bool(((last == 0) | (last == 1)).all())
    return PopulationTrace(values.shape[2:], pack(last != 0), None, None if binary else last)
