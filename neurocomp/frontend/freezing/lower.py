"""From the exported graph to streams: what arrives at each neuron and what is read out, as functions of time.

The graph is followed node by node. Constants are computed with torch itself; everything that depends on the
input is a signal. A neuron that is called once per step must receive the same thing each time: its calls are
rolled into one (signals.rolled).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.freezing import axes as _axes  # noqa: F401  (registers its handlers)
from neurocomp.frontend.freezing.export import NEURON_OP, Graph
from neurocomp.frontend.freezing.layout import Atom, Layout, LayoutError, feature_map
from neurocomp.frontend.freezing.ops import HANDLERS, Context, is_open
from neurocomp.frontend.freezing.readings import Reading
from neurocomp.frontend.freezing.signals import Arrangement, Signal, Time, rolled
from neurocomp.frontend.freezing.streams import Output, Stream, Streams, Unsupported
from neurocomp.network.ops import Shape, ShapeMismatch

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
    """arriving: per neuron (by its number) the stream that arrives; shapes: of the neuron layers; readout: what
    the module returns; ignored: how many further results it returns."""

    streams: Streams
    arriving: dict[int, Stream]
    shapes: dict[int, Shape]
    readout: Signal
    ignored: int


class Lowering:
    """One pass over the graph, under one reading of the input's axes."""

    def __init__(self, graph: Graph, readings: list[Reading], steps: int, layout: Layout) -> None:
        self.graph = graph
        self.readings = readings
        self.steps = steps
        self.streams = Streams()
        self.arrange = Arrangement(self.streams, steps)
        self.layout = layout
        self.calls: dict[int, list[tuple[Stream, Time]]] = {k: [] for k in range(len(readings))}
        self.shapes: dict[int, Shape] = {}
        self.progress = 0

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
                raise self._refusal(node, str(error)) from error
            except InputError:
                raise
            except Exception as error:  # an operation used in a way that its handler does not know
                raise self._refusal(node, f"{type(error).__name__}: {error}") from error
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
        return handler(self._context(node), *args, **_without_tensor_options(kwargs))

    def _checked(self, node: Any, value: Any) -> Any:
        """The value, if its shape is the one that torch found for this node."""
        known = getattr(node.meta.get("val"), "shape", None)
        if isinstance(value, Signal) and known is not None and tuple(known) != value.layout.shape:
            raise Unsupported(f"it makes a tensor of shape {tuple(known)} where {value.layout.shape} was expected")
        return value

    def _resolve(self, values: dict[Any, Any], argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [self._resolve(values, part) for part in argument]
        return values[argument] if hasattr(argument, "op") and hasattr(argument, "meta") else argument

    def _input(self) -> Signal:
        time: Time = "any" if self.layout.size_of("T") is None else "all"
        shape = tuple(d[0].size if d else 1 for d in self.layout.dims if not d or d[0].kind == "F")
        return Signal(self.streams.input(shape, time == "any"), time, self.layout)

    def _like(self, node: Any, name: str) -> Any:
        """``zeros_like(signal)`` and its kin only use the signal's shape."""
        import torch

        made = {
            "aten.zeros_like": torch.zeros,
            "aten.ones_like": torch.ones,
            "aten.new_zeros": torch.zeros,
            "aten.new_ones": torch.ones,
            "aten.empty_like": torch.zeros,
        }.get(name.rpartition(".")[0])
        return None if made is None else made(tuple(node.meta["val"].shape))

    # neurons --------------------------------------------------------------------------------------------------
    def _neuron(self, x: Any, states: list[Any], key: int, _outputs: int) -> list[Signal]:
        reading = self.readings[key]
        if not isinstance(x, Signal):
            raise Unsupported(f"what arrives at {reading.path} does not depend on the input")
        call = len(self.calls[key])
        lead, time = self._neuron_axes(reading, x, call)
        stream, shape = self.arrange.in_order(x, lead, reading.path)
        self.calls[key].append((stream, x.time))
        self.shapes[key] = shape
        for state, port in zip(states, reading.states, strict=False):
            self._check_state(reading, key, state, port, call)
        layout = x.layout.with_features(lead, shape)
        return [self._emitted(reading, key, port, Signal(stream, time, layout), shape) for port in reading.outputs]

    def _neuron_axes(self, reading: Reading, x: Signal, call: int) -> tuple[int, Time]:
        """(number of leading axes that are time or batch, time of the neuron's output)."""
        lead = x.layout.lead()
        time_axis = x.layout.axis_of("T")
        if reading.time_axis is not None:
            if x.time not in ("all",) or time_axis != reading.time_axis:
                raise Unsupported(
                    f"{reading.path} steps along axis {reading.time_axis} of its input, which is not the time axis"
                )
            return lead, "all"
        if x.time in ("all", "mean", "sum") and self.steps > 1:
            raise Unsupported(
                f"{reading.path} takes one step per call but is given "
                f"{'all steps at once' if x.time == 'all' else f'a {x.time} over the steps'}"
            )
        return lead, call

    def _emitted(self, reading: Reading, key: int, port: str, x: Signal, shape: Shape) -> Signal:
        stream = self.streams.output(key, port, shape, reading.path)
        if port == "spike" and not (isinstance(reading.scale, float) and reading.scale == 1.0):
            scale = np.broadcast_to(np.asarray(reading.scale, np.float64), shape).reshape(-1)
            stream = self.streams.scaled(stream, scale[:1] if (scale == scale[0]).all() else scale, reading.path)
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
                arriving[key] = copies[0][0] if reading.time_axis is not None else rolled(self.streams, copies)
            except Unsupported as error:
                what = "what arrives here cannot be written as one step"
                hint = "the time loop must do the same at every step; keep other state in neuron modules"
                problems.append(Diagnostic(reading.path, what, str(error), hint))
        if problems:
            raise InputError(problems)
        readout, ignored = self._readout(results)
        return Lowered(self.streams, arriving, self.shapes, readout, ignored)

    def _readout(self, results: list[Any]) -> tuple[Signal, int]:
        """The result that is read out: the first that comes from the network and is no hidden state."""
        signals = [r for r in results if isinstance(r, Signal)]
        if not signals:
            raise InputError(
                Diagnostic(
                    "output",
                    "what the module returns does not depend on the input",
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
        return self.arrange.summed_over_time(chosen), len(results) - 1

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
        return Context(self.arrange, own, weight_path)

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
        hint = "only what a chip can do with spikes can be frozen: linear maps, pooling, sums, and known neurons"
        return InputError(Diagnostic(path, f"op {name} in {path} has no event-driven form", why, hint))


def input_layouts(shape: Shape, steps: int, encoding: str | None) -> list[Layout]:
    """What the axes of the example may mean, the likeliest first."""
    time = (Atom("T", steps),)
    found: list[Layout] = []

    def batch(size: int) -> tuple[Atom, ...]:
        return (Atom("N", size),)

    if encoding in (None, "temporal"):
        if len(shape) > 2 and shape[0] == steps:
            found.append(Layout((time, batch(shape[1]), *feature_map(shape[2:]))))
        if len(shape) > 2 and shape[1] == steps:
            found.append(Layout((batch(shape[0]), time, *feature_map(shape[2:]))))
    if encoding in (None, "direct") and len(shape) > 1:
        found.append(Layout((batch(shape[0]), *feature_map(shape[1:]))))
    if encoding in (None, "temporal") and len(shape) > 1 and shape[0] == steps:
        found.append(Layout((time, *feature_map(shape[1:]))))
    if encoding in (None, "direct"):
        found.append(Layout(feature_map(shape)))
    return found


def _is_state_of_spiking(signal: Signal, readings: list[Reading]) -> bool:
    stream = signal.stream
    return isinstance(stream, Output) and stream.port != "spike" and readings[stream.key].neuron.reset != "none"


def _without_tensor_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Options of torch that say how a tensor is stored, not what it holds."""
    return {k: v for k, v in kwargs.items() if k not in ("dtype", "layout", "device", "pin_memory", "memory_format")}
