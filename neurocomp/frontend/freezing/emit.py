"""From streams to populations and projections.

A linear map with one user becomes a projection into that user. Whatever has several users, or is itself a
source of a map, becomes a relay population, so that no weight is ever duplicated.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.frontend.freezing.lower import Lowered
from neurocomp.frontend.freezing.neurons.readings import Reading, unique_name
from neurocomp.frontend.freezing.operations.allsteps import folded_in
from neurocomp.frontend.freezing.streams.folding import scaled_columns
from neurocomp.frontend.freezing.streams.kinds import (
    Concatenated,
    Folded,
    Input,
    Mapped,
    Output,
    Product,
    Stream,
    Sum,
    Term,
    Unfolded,
)
from neurocomp.frontend.freezing.streams.layout import Layout, constant_features
from neurocomp.frontend.freezing.streams.shorter import clock, clock_name
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import PARAMETERS, Neuron
from neurocomp.network.ops import AllSteps, Factor, OneToOne, Op, OverTime, Shape, Wiring, needs_relay, stands_alone
from neurocomp.network.signal_ops import Side
from neurocomp.network.verify import population_order


def emit(lowered: Lowered, readings: list[Reading], name: str, origin: str) -> Network:
    """The network that the streams describe. Raises InputError where a neuron's membrane is used beside spikes."""
    return _Emitter(lowered, readings).network(name, origin)


class _Emitter:
    def __init__(self, lowered: Lowered, readings: list[Reading]) -> None:
        self.lowered = lowered
        self.readings = readings
        self.populations: dict[str, Population] = {}
        self.projections: list[Projection] = []
        self.bias: dict[str, np.ndarray] = {}
        self.names: set[str] = set()
        self.projection_names: set[str] = set()
        self.relays: dict[int, str] = {}
        self.fed: dict[str, Folded] = {}
        self.uses, self.ports = self._count()

    def network(self, name: str, origin: str) -> Network:
        self.input = unique_name("input", self.names)
        readout = self.lowered.readout.stream
        shape = next((s.shape for s in self.everything if isinstance(s, Input)), (1,))
        self.populations[self.input] = Population(self.input, shape)
        self.neuron_names = {key: unique_name(self.readings[key].path, self.names) for key in self.lowered.arriving}
        for key in sorted(key for key in self.ports if key < 0):  # from when on a shorter sequence hears its biases
            name = self.neuron_names[key] = unique_name(clock_name(-key), self.names)
            self.populations[name] = Population(name, (1,), clock(-key), np.ones(1, np.float32))
        for key in self.lowered.arriving:
            population, shape = self.neuron_names[key], self.lowered.shapes[key]
            self.populations[population] = Population(population, shape, self._neuron(self.readings[key], key, shape))
        for key, stream in self.lowered.arriving.items():
            self._arrive(key, stream)
        output = self.population_of(readout)
        network = Network(self._finished(), tuple(self.projections), (self.input,), output, name=name, origin=origin)
        return in_flow_order(network)

    def _finished(self) -> tuple[Population, ...]:
        """The populations with their biases."""
        return tuple(
            replace(p, bias=_as_bias(self.bias[p.name], p.shape)) if p.name in self.bias else p
            for p in self.populations.values()
        )

    def _count(self) -> tuple[dict[int, int], dict[int, set[str]]]:
        """How many users every stream has, and which outputs of each neuron are used at all."""
        uses: dict[int, int] = {}
        ports: dict[int, set[str]] = {}
        waiting = [*self.lowered.arriving.values(), self.lowered.readout.stream]
        self.everything: list[Stream] = []
        while waiting:
            stream = waiting.pop()
            uses[id(stream)] = uses.get(id(stream), 0) + 1
            if uses[id(stream)] > 1:
                continue
            self.everything.append(stream)
            if isinstance(stream, Output):
                ports.setdefault(stream.key, set()).add(stream.port)
            elif isinstance(stream, Mapped):
                waiting.append(stream.source)
            elif isinstance(stream, Sum | Concatenated):
                waiting += [term.stream for term in stream.terms]
            elif isinstance(stream, Product):
                waiting += [stream.left.stream, stream.right.stream]
            elif isinstance(stream, Unfolded):
                waiting += [folded.source for folded in folded_in(stream)]
        return uses, ports

    # neurons ----------------------------------------------------------------------------------------------------
    def _arrive(self, key: int, arriving: Stream) -> None:
        reading, shape = self.readings[key], self.lowered.shapes[key]
        name = self.neuron_names[key]
        recurrence = reading.recurrence
        # a maximum must be all that arrives; where the layer also feeds itself, it needs a relay of its own
        alone = recurrence is None and self.uses[id(arriving)] <= 1
        if reading.taps is not None:
            self._tap(name, self.population_of(self.lowered.streams.reshaped(arriving, shape)), reading)
            return
        if reading.over_time is not None:
            self._mix(name, self.population_of(self.lowered.streams.reshaped(arriving, shape)), reading)
            return
        if reading.waits:  # a relay holds the biases as well, so that all of it arrives one step later
            waiting = unique_name(f"{name}.arriving", self.names)
            self.populations[waiting] = Population(waiting, shape)
            self.project(f"{waiting} -> {name}", waiting, name, self._identity(waiting, name), 1)
            self.bring(waiting, self.lowered.streams.reshaped(arriving, shape), 0, alone)
            return
        self.bring(name, self.lowered.streams.reshaped(arriving, shape), 0, alone)
        if recurrence is None:
            return
        op = self._returning(reading, recurrence.op(shape), shape, key)
        late = recurrence.late and recurrence.bias is not None
        adds = unique_name(recurrence.path, self.names) if late else name
        if late:  # a relay adds the bias, and all that it holds arrives one step later
            self.populations[adds] = Population(adds, shape)
            self.project(f"{adds} -> {name}", adds, name, self._identity(adds, name), 1)
        self.project(recurrence.path, name, adds, op, 0 if late else 1)
        if recurrence.bias is not None:
            self.add_bias(adds, recurrence.bias.reshape(-1, *(1,) * (len(shape) - 1)) * np.ones(shape, np.float32))

    def _returning(self, reading: Reading, op: Op, shape: Shape, key: int) -> Op:
        """The connection of a layer to itself, with what its spikes are worth in the weights."""
        worth = np.asarray(reading.scale, np.float64)
        if (worth == 1.0).all():
            return op
        flat = constant_features(worth, self.lowered.layouts[key]) if worth.size > 1 else worth.reshape(1)
        scaled = None if flat is None else scaled_columns(op, flat)
        if scaled is None:
            raise bad_input(reading.path, "spikes that are worth different numbers cannot return through a convolution")
        return scaled

    def _tap(self, name: str, source: str, reading: Reading) -> None:
        """A neuron that looks back: a connection for each step, later by one each."""
        for delay, weight in enumerate(reading.taps if reading.taps is not None else ()):
            if weight:
                identity = self._identity(source, name)
                self.project(f"{reading.path}.{delay}", source, name, replace(identity, scale=float(weight)), delay)

    def _mix(self, name: str, source: str, reading: Reading) -> None:
        """A neuron that needs all steps at once: a relay holds what they make together."""
        mixed = unique_name(f"{reading.path}.mixed", self.names)
        self.populations[mixed] = Population(mixed, self.populations[source].shape)
        if reading.over_time is not None:
            op = _at_the_end(reading.over_time.weight, reading.over_time.offset, self.lowered.steps)
            self.project(f"{reading.path}.weight", source, mixed, op, 0)
        self.project(f"{mixed} -> {name}", mixed, name, self._identity(mixed, name), 0)

    def _neuron(self, reading: Reading, key: int, shape: Shape) -> Neuron:
        neuron = reading.neuron
        layout = self.lowered.layouts[key]
        parameters = {n: fitted(getattr(neuron, n), layout, shape, reading.path, n) for n in PARAMETERS}
        ports = self.ports.get(key, set())
        if "current" in ports or {"spike", "membrane"} <= ports or ("membrane" in ports and neuron.reset != "none"):
            used = " and ".join(sorted(ports))
            raise bad_input(
                reading.path,
                f"the network uses the {used} of this neuron",
                why="a neuron on a chip sends either its spikes or, if it never resets, its membrane",
                hint="read the spikes, or give the neuron no reset",
            )
        output = "membrane" if "membrane" in ports else neuron.output
        return replace(neuron, output=output, **parameters)

    # streams ----------------------------------------------------------------------------------------------------
    def bring(self, target: str, stream: Stream, delay: int, own: bool) -> None:
        """Let a stream arrive at a population. own: the population is the only user, so nothing is shared."""
        if isinstance(stream, Sum) and own and (stream.constant is None or delay == 0):
            for term in stream.terms:
                alone = len(stream.terms) == 1
                self._bring_term(target, term.stream, delay + term.delay, alone)
            if stream.constant is not None:
                self.add_bias(target, np.broadcast_to(stream.constant, (self.populations[target].size,)))
        else:
            self._bring_term(target, stream, delay, own)

    def _bring_term(self, target: str, stream: Stream, delay: int, alone: bool) -> None:
        shared = self.uses.get(id(stream), 1) > 1
        if (
            isinstance(stream, Mapped)
            and not shared
            and not needs_relay(stream.op)
            and (alone or not stands_alone(stream.op))
        ):
            source = self.population_of(stream.source)
            self.project(stream.path, source, target, stream.op, delay)
        elif isinstance(stream, Sum) and not shared and (stream.constant is None or delay == 0):
            self.bring(target, stream, delay, own=True)
        else:
            source = self.population_of(stream)
            self.project(f"{source} -> {target}", source, target, self._identity(source, target), delay)

    def _identity(self, source: str, target: str) -> OneToOne:
        shape = self.populations[target].shape
        return OneToOne(1.0, None if self.populations[source].shape == shape else shape)

    def population_of(self, stream: Stream) -> str:
        """Name of the population whose output is this stream; makes a relay if there is none yet."""
        if isinstance(stream, Input):
            return self.input
        if isinstance(stream, Output):
            return self.neuron_names[stream.key]
        if isinstance(stream, Folded):
            return self._port(stream)
        if id(stream) not in self.relays:
            name = self.relays[id(stream)] = unique_name(stream.path or "constant", self.names)
            self.populations[name] = Population(name, stream.shape)
            if isinstance(stream, Concatenated):
                self._join(name, stream)
            elif isinstance(stream, Mapped):
                self.project(stream.path, self.population_of(stream.source), name, stream.op, 0)
            elif isinstance(stream, Product):
                self._multiply(name, stream)
            elif isinstance(stream, Unfolded):
                self._all_steps(name, stream)
            else:
                self.bring(name, stream, 0, own=True)
        return self.relays[id(stream)]

    def _join(self, name: str, stream: Concatenated) -> None:
        """Parts side by side: each goes to its own elements of the relay."""
        index = np.arange(self.populations[name].size).reshape(stream.shape)
        start = 0
        for term in stream.terms:
            size = term.stream.shape[stream.axis]
            places = index.take(range(start, start + size), stream.axis).reshape(-1).astype(np.int32)
            start += size
            if isinstance(term.stream, Sum) and not term.stream.terms:
                flat = np.zeros(stream.shape, np.float32).reshape(-1)
                flat[places] = 0.0 if term.stream.constant is None else term.stream.constant
                self.add_bias(name, flat)
                continue
            wires = np.full(index.size, -1, np.int32)
            wires[places] = np.arange(places.size)
            op = Wiring(wires, stream.shape)
            self.project(stream.path, self.population_of(term.stream), name, op, term.delay)

    def _multiply(self, name: str, stream: Product) -> None:
        form = stream.form
        sides: tuple[tuple[Side, Term], ...] = (("left", stream.left), ("right", stream.right))
        for side, term in sides:
            op = Factor(side, form.batch, form.rows, form.inner, form.columns, stream.shape, form.scale)
            self.project(f"{stream.path}.{side}", self.population_of(term.stream), name, op, term.delay)

    def _all_steps(self, name: str, stream: Unfolded) -> None:
        """A function of all steps: a network of its own, with an input for each stream that it is made of."""
        readout = replace(self.lowered.readout, stream=stream.source)
        inner = _Emitter(replace(self.lowered, arriving={}, readout=readout), [])
        function = inner.function(f"{name} over time")
        steps = math.prod(stream.source.shape) // math.prod(stream.shape)
        for port, folded in inner.fed.items():
            op = AllSteps(function, port, steps, stream.shape)
            self.project(f"{stream.path}.{port}", self.population_of(folded.source), name, op, 0)

    def function(self, name: str) -> Network:
        """What is read out as a network of its own, fed with folded streams (``fed``)."""
        output = self.population_of(self.lowered.readout.stream)
        network = Network(self._finished(), tuple(self.projections), tuple(self.fed), output, name=name, origin="")
        return in_flow_order(network)

    def _port(self, stream: Folded) -> str:
        """An input of a function of all steps."""
        if id(stream) not in self.relays:
            name = self.relays[id(stream)] = unique_name(stream.source.path or "constant", self.names)
            self.populations[name] = Population(name, stream.shape)
            self.fed[name] = stream
        return self.relays[id(stream)]

    # bookkeeping ------------------------------------------------------------------------------------------------
    def project(self, name: str, source: str, target: str, op: Op, delay: int) -> None:
        self.projections.append(Projection(unique_name(name, self.projection_names), source, target, op, delay))

    def add_bias(self, population: str, flat: np.ndarray) -> None:
        flat = np.asarray(flat, np.float32).reshape(-1)
        known = self.bias.get(population)
        self.bias[population] = flat.copy() if known is None else known + flat


def _at_the_end(weight: np.ndarray, offset: np.ndarray, steps: int) -> OverTime:
    """A mixture of the last ones of ``steps`` time steps; before, nothing that reaches a threshold."""
    late = steps - offset.size
    return OverTime(np.pad(weight, [(late, 0), (late, 0)]), np.pad(offset, (late, 0), constant_values=-1.0))


def in_flow_order(network: Network) -> Network:
    """The network with its populations and projections listed from the input to the output."""
    order = population_order(network)
    if len(order) < len(network.populations):
        return network  # a loop without delay, which verify reports
    rank = {name: k for k, name in enumerate(order)}
    return replace(
        network,
        populations=tuple(sorted(network.populations, key=lambda p: rank[p.name])),
        projections=tuple(sorted(network.projections, key=lambda p: rank[p.target])),
    )


def _as_bias(flat: np.ndarray, shape: Shape) -> np.ndarray:
    bias = compressed(flat, shape)
    return bias if isinstance(bias, np.ndarray) else np.full(shape[:1], bias, np.float32)


def fitted(
    value: float | np.ndarray | None, layout: Layout, shape: Shape, path: str, name: str
) -> float | np.ndarray | None:
    """A neuron parameter as a scalar, one per channel or one per neuron, from torch's broadcasting against a tensor
    of this layout; shape: of the layer, whose elements are in the order of the layout's strides."""
    if not isinstance(value, np.ndarray):
        return value
    try:
        flat = constant_features(value, layout)
    except ValueError:
        flat = None
    if flat is None:
        what = f"parameter {name} of shape {value.shape} does not fit neurons of shape {shape}"
        raise bad_input(path, what)
    return compressed(flat, shape)


def compressed(flat: np.ndarray, shape: Shape) -> float | np.ndarray:
    """Values per element as a number if all are equal, as one per channel if each map is uniform."""
    if flat.size and (flat == flat[0]).all():
        return np.float32(flat[0]).item()
    maps = flat.reshape(shape[0], -1)
    if maps.shape[1] > 1 and (maps == maps[:, :1]).all():
        return np.ascontiguousarray(maps[:, 0], dtype=np.float32)
    return np.ascontiguousarray(flat.reshape(shape), dtype=np.float32)
