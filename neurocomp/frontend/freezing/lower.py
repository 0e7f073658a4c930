"""From the exported graph to streams: what arrives at each neuron and what is read out, as functions of time.

The graph is followed node by node. Constants are computed with torch itself; everything that depends on the
input is a signal. A neuron that is called once per step must receive the same thing each time: its calls are
rolled into one (signals.rolled).
"""

from __future__ import annotations

import contextlib
import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.freezing import delays
from neurocomp.frontend.freezing.export import NEURON_OP, Graph
from neurocomp.frontend.freezing.neurons.readings import Reading
from neurocomp.frontend.freezing.operations import arithmetic, attention, axes, joining, linear, pooling, reductions
from neurocomp.frontend.freezing.operations.allsteps import (
    at_every_step,
    folded,
    handled,
    is_made_of_all_steps,
    stepwise,
)
from neurocomp.frontend.freezing.operations.ops import HANDLERS, Context, is_open, only_recorded
from neurocomp.frontend.freezing.streams import Streams
from neurocomp.frontend.freezing.streams.kinds import MixedSamples, Output, Stream, Unsupported
from neurocomp.frontend.freezing.streams.layout import Layout, LayoutError, constant_features
from neurocomp.frontend.freezing.streams.rolling import Time, rolled
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.shorter import begins_late, length, settled, silent_before
from neurocomp.frontend.freezing.streams.signals import Arrangement, Signal
from neurocomp.frontend.freezing.written.polynomials import COMPARISONS, ELEMENTWISE, FILLED
from neurocomp.network.ops import Shape, ShapeMismatch

HANDLER_FILES = (arithmetic, attention, axes, delays, joining, linear, pooling, reductions)  # each registers its own

_LIKE = {
    "aten.zeros_like": "zeros",
    "aten.ones_like": "ones",
    "aten.new_zeros": "zeros",
    "aten.new_ones": "ones",
    "aten.empty_like": "zeros",
}
"""Operations that only use the shape of a signal, and the torch function that makes the same constant."""

RANDOM = frozenset(
    {
        "rand",
        "rand_like",
        "randn",
        "randn_like",
        "randint",
        "randint_like",
        "randperm",
        "bernoulli",
        "normal",
        "poisson",
        "multinomial",
        "uniform",
        "exponential",
    }
)


@dataclass(frozen=True, eq=False)
class Lowered:
    """arriving: per neuron (by its number) the stream that arrives; shapes: of the neuron layers; layouts: of the
    tensors that the neuron modules are given; readout: what the module returns; ignored: how many further results
    it returns; steps: of the network; late: of neurons that hear a shorter sequence, the step at which it begins;
    reduced: lengths of the sequences of which a mean or a sum over time was taken."""

    streams: Streams
    arriving: dict[int, Stream]
    shapes: dict[int, Shape]
    layouts: dict[int, Layout]
    readout: Signal
    ignored: int
    steps: int
    late: dict[int, int]
    reduced: frozenset[int]


class Lowering:
    """One pass over the graph, under one reading of the input's axes. may_fold: whether operations may be computed on
    all steps at once where they do not go step by step (allsteps.py)."""

    def __init__(
        self, graph: Graph, readings: list[Reading], steps: int, layout: Layout, may_fold: bool = False
    ) -> None:
        self.may_fold = may_fold
        self.graph = graph
        self.readings = readings
        self.steps = steps
        self.streams = Streams()
        self.arrange = Arrangement(self.streams, steps)
        self.layout = layout
        self.calls: dict[int, list[tuple[Stream, Time]]] = {k: [] for k in range(len(readings))}
        self.layouts: dict[int, Layout] = {}
        self.progress = 0
        self.mixes_samples = False

    def run(self) -> Lowered:
        """Follow the whole graph. Raises InputError at the first node that has no event-driven form."""
        values: dict[Any, Any] = {}
        for progress, node in enumerate(self.graph.nodes):
            self.progress = progress
            if node.op == "output":
                return self._finish([self._resolve(values, a) for a in node.args[0]])
            try:
                values[node] = self._checked(node, self._value(node, values))
            except (Unsupported, LayoutError, ShapeMismatch) as error:
                if type(error) is Unsupported and only_recorded(node):
                    continue
                self.mixes_samples = isinstance(error, MixedSamples)
                raise self._refusal(node, str(error)) from error
            except InputError:
                raise
            except Exception as error:  # an operation used in a way that its handler does not know
                raise self._refusal(node, "it is used in a form that neurocomp does not know") from error
        raise AssertionError("an exported graph ends with its output")

    def _value(self, node: Any, values: dict[Any, Any]) -> Any:
        if node.op == "placeholder":
            return self._input() if node.name == self.graph.input else self.graph.constants.get(node.name)
        args = self._resolve(values, node.args)
        kwargs = {key: self._resolve(values, value) for key, value in node.kwargs.items()}
        if node.target is operator.getitem:
            return args[0][args[1]]
        name = str(node.target)
        if name.startswith(NEURON_OP):
            return self._neuron(*args)
        if name.split(".")[1:2] and name.split(".")[1] in RANDOM:
            raise Unsupported('it draws random numbers; encode the input outside the module (encoding="temporal")')
        if not is_open(args) and not is_open(list(kwargs.values())):
            # constants are on the CPU here, wherever the module is
            return node.target(*args, **({**kwargs, "device": "cpu"} if "device" in kwargs else kwargs))
        handler = HANDLERS.get(name) or HANDLERS.get(name.rpartition(".")[0])
        if handler is None:
            like = self._like(node, name)
            if like is not None:
                return like
            raise Unsupported("")
        options = _without_tensor_options(kwargs)
        context = self._context(node)

        def call(given: list[Any]) -> Any:
            return handler(context, *given[:-1], **dict(zip(options, given[-1], strict=True)))

        return handled(self.arrange, call, [*args, list(options.values())], context.path, self.may_fold)

    def _checked(self, node: Any, value: Any) -> Any:
        """The value, if its shape is the one that torch found for this node."""
        known = getattr(node.meta.get("val"), "shape", None)
        if isinstance(value, Signal) and known is not None and tuple(known) != value.layout.shape:
            raise Unsupported(f"it makes a tensor of shape {tuple(known)} where {value.layout.shape} was expected")
        return value

    def _resolve(self, values: dict[Any, Any], argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [self._resolve(values, part) for part in argument]
        return values.get(argument) if hasattr(argument, "op") and hasattr(argument, "meta") else argument

    def _input(self) -> Signal:
        time: Time = "any" if self.layout.size_of("T") is None else "all"
        shape = tuple(d[0].size if d else 1 for d in self.layout.dims if not d or d[0].kind == "F")
        return Signal(self.streams.input(shape, time == "any"), time, self.layout)

    def _like(self, node: Any, name: str) -> Any:
        """``zeros_like(signal)`` and its kin only use the signal's shape."""
        import torch

        base = name.rpartition(".")[0]
        if base in FILLED:
            return torch.full(tuple(node.meta["val"].shape), float(node.args[1 if base == "aten.full_like" else 2]))
        made = _LIKE.get(base)
        return None if made is None else getattr(torch, made)(tuple(node.meta["val"].shape))

    # neurons --------------------------------------------------------------------------------------------------
    def _neuron(self, x: Any, states: list[Any], key: int, _outputs: int) -> list[Signal]:
        reading = self.readings[key]
        if isinstance(x, Window):
            x = settled(self.arrange, x, reading.path)
        if not isinstance(x, Signal):
            self._need_thresholds()
            raise Unsupported(f"what arrives at {reading.path} does not depend on the input")
        call = len(self.calls[key])
        if reading.forgets and call > 0 and not states:
            raise Unsupported(
                f"at step {call} {reading.path} is not given the state that it returned at the step before: "
                "it starts anew"
            )
        x, time = self._neuron_input(reading, x, call)
        if self.layouts.setdefault(key, x.layout) != x.layout:
            raise Unsupported(f"at step {call} the axes of its input are not those of step 0")
        self.calls[key].append((x.stream, x.time))
        for state, port in zip(states, reading.states, strict=False):
            self._check_state(reading, key, state, port, call)
        return [self._emitted(reading, key, port, Signal(x.stream, time, x.layout)) for port in reading.outputs]

    def _neuron_input(self, reading: Reading, x: Signal, call: int) -> tuple[Signal, Time]:
        """The input in the order in which the layer's neurons are numbered, and the time of its output.

        A neuron does not care for its place, so a layer keeps the order of the stream, unless it is connected to
        itself, which it does in the order of the tensor.
        """
        x = self.arrange.solid(self._by_steps(reading, x), reading.path)
        if reading.recurrence is not None:
            lead = x.layout.lead()
            stream, shape = self.arrange.in_order(x, lead, reading.path)
            x = Signal(stream, x.time, x.layout.with_features(lead, shape))
        if reading.time_axis is not None:
            right_axis = x.layout.axis_of("T") == reading.time_axis
            if self.steps > 1 and x.time == "any" and self.layout.size_of("T") is None:
                raise Unsupported(
                    f"the longest of the neuron layers runs {self.steps} time steps, and no axis of the example, which "
                    f"has shape {self.layout.shape}, has as many; give {self.steps} steps, or repeat the input over "
                    "them in front of the first layer"
                )
            if self.steps > 1 and (x.time != "all" or not right_axis):
                raise Unsupported(
                    f"{reading.path} steps along axis {reading.time_axis} of its input, which is not the time axis"
                )
            late = self.steps - length(self.arrange, x)
            begins_late(reading, late)
            self.arrange.begins[self.readings.index(reading)] = late
            return silent_before(self.arrange, x, reading.path), "all"
        if x.time in ("all", "mean", "sum") and self.steps > 1:
            raise Unsupported(
                f"{reading.path} takes one step per call but is given "
                f"{'all steps at once' if x.time == 'all' else f'a {x.time} over the steps'}"
            )
        return x, call

    def _by_steps(self, reading: Reading, x: Signal) -> Signal:
        """What a neuron is given, step by step."""
        whole = x.time in ("mean", "sum") or (x.time == "any" and is_made_of_all_steps(x.stream))
        if self.steps == 1 or not (x.time == "folded" or (whole and reading.time_axis is not None and self.may_fold)):
            return x
        x = folded(self.arrange, x)
        return stepwise(self.arrange, x, reading.path, reading.time_axis)

    def _emitted(self, reading: Reading, key: int, port: str, x: Signal) -> Signal:
        stream = self.streams.output(key, port, x.stream.shape, reading.path)
        if port == "spike" and not (isinstance(reading.scale, float) and reading.scale == 1.0):
            scale = np.asarray(reading.scale, np.float64)
            flat = constant_features(scale, x.layout) if scale.size > 1 else scale.reshape(1)
            if flat is None:
                raise Unsupported("its spikes are worth different numbers at different steps")
            stream = self.streams.scaled(stream, flat, reading.path)
        return Signal(stream, x.time, x.layout)

    def _check_state(self, reading: Reading, key: int, state: Any, port: str, call: int) -> None:
        """A state that is passed in must be what the neuron returned at the step before (zeros at the first)."""
        if isinstance(state, Signal):
            stream = state.stream
            own = isinstance(stream, Output) and stream.key == key and stream.port == port
            if own and state.time == call - 1:
                return
            raise Unsupported(f"the {port} given to {reading.path} is not the one it returned at the step before")
        if call > 0:
            raise Unsupported(f"the {port} of {reading.path} is set to a constant at step {call}")
        if np.any(np.asarray(state.detach().cpu()) != 0):
            raise Unsupported(f"{reading.path} starts with a {port} that is not zero")

    # the end ----------------------------------------------------------------------------------------------------
    def _finish(self, results: list[Any]) -> Lowered:
        arriving = {}
        problems = []
        for key, copies in self.calls.items():
            reading = self.readings[key]
            expected = self.steps if reading.time_axis is None else 1
            if len(copies) != expected:
                why = f"the other neurons show {self.steps} time steps"
                problems.append(
                    Diagnostic(
                        reading.path,
                        f"is called {len(copies)} times in one forward pass",
                        why,
                        "use one neuron module per layer, called once per step",
                    )
                )
                continue
            try:
                given = copies[1:] if reading.waits else copies
                arriving[key] = given[0][0] if reading.time_axis is not None else rolled(self.streams, given)
            except Unsupported as error:
                what = "what arrives here cannot be written as one step"
                hint = "the time loop must do the same at every step; keep other state in neuron modules"
                problems.append(Diagnostic(reading.path, what, str(error), hint))
        if problems:
            raise InputError(problems)
        readout, ignored = self._readout(results)
        with contextlib.suppress(LayoutError):  # time, batch and features in one axis: the stream's order will do
            readout = self.arrange.natural(readout, "output")
        shapes = {key: stream.shape for key, stream in arriving.items()}
        late = {key: first for key, first in self.arrange.begins.items() if first and key >= 0}
        reduced = frozenset(self.arrange.reduced)
        return Lowered(self.streams, arriving, shapes, self.layouts, readout, ignored, self.steps, late, reduced)

    def _readout(self, results: list[Any]) -> tuple[Signal, int]:
        """The result that is read out: the first that comes from the network and is no hidden state."""
        results = [settled(self.arrange, r, "output") if isinstance(r, Window) else r for r in results]
        signals = [silent_before(self.arrange, r, "output") for r in results if isinstance(r, Signal)]
        if not signals:
            raise InputError(
                Diagnostic(
                    "output",
                    "what the module returns does not depend on the input",
                    why="only what calls of layers return is followed; a state read from inside a neuron, as in "
                    "self.lif.v, counts as a constant",
                    hint="return the spikes (or membrane) of the last layer",
                )
            )
        if len(signals) >= self.steps > 1 and [s.time for s in signals[: self.steps]] == list(range(self.steps)):
            first = signals[0]
            try:
                joined = self.arrange.stacked(signals[: self.steps], 0)
            except Unsupported:
                return first, len(results) - 1
            return joined, len(results) - self.steps
        chosen = next((s for s in signals if not _is_state_of_spiking(s, self.readings)), signals[0])
        if chosen.time == "folded":
            with contextlib.suppress(Unsupported):  # several axes of steps, say: no step has an output of its own
                return stepwise(self.arrange, chosen, "output", always=True), len(results) - 1
            return replace(at_every_step(self.arrange, chosen, "output"), time="mean"), len(results) - 1
        return self.arrange.summed_over_time(chosen), len(results) - 1

    def _need_thresholds(self) -> None:
        """Raises InputError if there are thresholds that are none of a neuron, on which all else depends."""
        if self.graph.refused:
            told = [_no_threshold(path or "the network", why) for path, why in self.graph.refused.items()]
            raise InputError(told)

    # messages ---------------------------------------------------------------------------------------------------
    def _context(self, node: Any) -> Context:
        path = own = self.graph.path_of(node)
        if path not in self.graph.leaves:
            own = ".".join(part for part in (path, str(node.target).split(".")[1]) if part)
        weight_path = own
        for argument in node.args[1:2]:
            name = self.graph.names.get(getattr(argument, "name", ""))
            if name is not None and "." in name:
                weight_path = name.rpartition(".")[0]
            elif name is not None:
                weight_path = name
        feeds = frozenset(str(user.target).rpartition(".")[0] for user in node.users)
        return Context(self.arrange, own, weight_path, feeds)

    def _refusal(self, node: Any, why: str) -> InputError:
        name = str(node.target).rpartition(".")[0] or str(node.target)
        path = self.graph.path_of(node) or "the network"
        if name == NEURON_OP:
            return InputError(
                Diagnostic(
                    path,
                    "what this neuron is given cannot be frozen",
                    why,
                    "call it once per step, with the input and its own last state",
                )
            )
        told = self.graph.refused.get(self.graph.path_of(node), "")
        if name in COMPARISONS and told:
            return InputError(_no_threshold(path, told))
        hint = (
            "frozen are linear maps, pooling, sums, products of two signals, functions of values or rows on the host, "
            "and known neurons, each within a time step"
        )
        if name.startswith(("aten.lstm", "aten.gru", "aten.rnn_")):
            why, hint = "it runs all steps in one call", "use LSTMCell, GRUCell or RNNCell, called once per step"
        return InputError(Diagnostic(path, f"op {name} in {path} has no event-driven form", why, hint))


def _no_threshold(path: str, why: str) -> Diagnostic:
    hint = "give the neuron a module of its own that declares its canonical neuron: docs/freezing.md shows one"
    return Diagnostic(path, f"the threshold in {path} is none of a neuron that is known", why, hint)


def understood(name: str) -> bool:
    """Whether an operation can be lowered as it is (or computed by torch, where only constants are involved)."""
    base = name.rpartition(".")[0]
    known = name in HANDLERS or base in HANDLERS or name.startswith(NEURON_OP) or base in _LIKE or base in FILLED
    return known or base in ELEMENTWISE  # the steps of a neuron that is written out


def _is_state_of_spiking(signal: Signal, readings: list[Reading]) -> bool:
    stream = signal.stream
    return isinstance(stream, Output) and stream.port != "spike" and readings[stream.key].neuron.reset != "none"


def _without_tensor_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Options of torch that say how a tensor is stored, not what it holds."""
    return {k: v for k, v in kwargs.items() if k not in ("dtype", "layout", "device", "pin_memory", "memory_format")}
