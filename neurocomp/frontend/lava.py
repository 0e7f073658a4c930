"""Reads lava-dl ``.net`` files: networks already in the integers of Loihi.

The neuron is lava's fixed-point LIF (Loihi's CUBA neuron; Davies et al., IEEE Micro 38(1), 2018)::

    u = u (4096 - iDecay) / 4096 + 2**(6 + wgtExp) sum(weight * spike)
    v = v (4096 - vDecay) / 4096 + u + 2**6 bias          both products truncated towards zero
    spike = v > 2**6 vThMant;  v = 0 after a spike;  refDelay - 1 further steps at 0

One step per layer, which lava counts as the time a spike needs, is not a delay of the network: the mapping
to a chip adds it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.joins import selected_copy, verified
from neurocomp.frontend.lava_layers import EXPORT, Layer, LayerProblem, read_layers
from neurocomp.network.graph import Integer, Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Shape, ShapeMismatch, Sparse

STATE_SHIFT = 6
DECAY_ONE = 4096
NEVER_FIRES = 2**17 - 1
"""The largest threshold mantissa of Loihi; lava-dl gives it to layers whose membrane is the output."""
INTEGRATOR: dict[str, int | np.ndarray] = {"iDecay": DECAY_ONE, "vDecay": 0, "vThMant": NEVER_FIRES, "refDelay": 1}
SAME_STEP = "spikes reach the next layer in the step in which they are sent; lava-dl counts one step for each layer"
DEFAULT_INPUT_WEIGHT = 64
LARGEST_WEIGHT = 256
MAX_DELAY = 62
"""Loihi has six bits of delay; lava-dl stays below 63."""


def read_lava(path: str | Path) -> Network:
    """The network in a lava-dl file, in integer arithmetic. Raises InputError with all that is wrong with it."""
    path = Path(path)
    layers = read_layers(path)
    builder = _Builder(path, layers)
    for layer in layers:
        builder.add(layer)
    if builder.findings:
        raise InputError(builder.findings)
    return verified(builder.network(), str(path))


@dataclass(eq=False)
class _Builder:
    path: Path
    layers: list[Layer]
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    input_scale: float = 1.0
    delays: dict[str, np.ndarray] = field(default_factory=dict)
    """Axonal delays of the neurons (steps, flat channel-first) by population; they go onto what leaves it."""

    def __post_init__(self) -> None:
        exponents = [int(np.min(layer.neuron["wgtExp"])) for layer in self.layers if layer.neuron]
        self.least_exponent = min([0, *exponents])
        if STATE_SHIFT + self.least_exponent < 0:
            self.findings.append(
                Diagnostic(
                    str(self.path),
                    f"has a weight exponent (wgtExp) of {self.least_exponent}",
                    why="weights would lose bits below one state unit; -6 is the least",
                )
            )

    def network(self) -> Network:
        weights = [p.op.weight for p in self.projections if isinstance(p.op, Linear | Conv)]
        arithmetic = Integer(
            weight_bits=max([8, *(_bits(w) for w in weights)]),
            input_scale=self.input_scale,
            state_shift=STATE_SHIFT + self.least_exponent,
        )
        return Network(
            tuple(self.populations),
            tuple(self.projections),
            (self.populations[0].name,),
            self.populations[-1].name,
            arithmetic=arithmetic,
            name=self.path.stem,
            origin="lava-dl",
            assumptions=(*self.notes, SAME_STEP) if len(self.layers) > 1 else tuple(self.notes),
        )

    def add(self, layer: Layer) -> None:
        """Append one layer. After a faulty one nothing more is built: everything behind would be reported too."""
        if self.findings:
            return
        try:
            if layer.type == "input" and self.populations:
                raise LayerProblem("is an input behind other layers")
            if layer.type != "input" and not self.populations:
                raise LayerProblem("is the first layer, but no input")
            getattr(self, f"_add_{layer.type}")(layer)
        except (LayerProblem, ShapeMismatch) as problem:
            where = f"{self.path}: layer {layer.index} ({layer.type})"
            self.findings.append(Diagnostic(where, str(problem), hint=getattr(problem, "hint", EXPORT)))

    def _add_input(self, layer: Layer) -> None:
        self.populations.append(Population("input", layer.shape))
        if layer.neuron is None:
            return
        weight = _one(layer, "weight", DEFAULT_INPUT_WEIGHT)
        if weight == 0:
            raise LayerProblem("has an input weight of 0: it hears nothing")
        self.input_scale = 1.0 / weight
        self.notes.append(f"input values x enter as round({weight} x) into the neurons of layer 0 (lava-dl truncates)")
        bias = _one(layer, "bias", 0)
        self._neurons(layer, layer.shape, None if bias == 0 else np.array(bias), last=len(self.layers) == 1)
        self._project(layer.name, OneToOne())

    def _add_flatten(self, layer: Layer) -> None:
        have = self.populations[-1].size
        if layer.shape != (have,):
            raise LayerProblem(f"flattens to {layer.shape[0]} elements, but {have} arrive")

    def _add_average(self, layer: Layer) -> None:
        """The mean over groups of neighbouring elements; summed here, because an integer mean would lose bits."""
        have, groups = self.populations[-1].size, layer.shape[0]
        if have % groups:
            raise LayerProblem(f"averages {have} elements into {groups} groups, which does not come out even")
        size = have // groups
        self.notes.append(f"layer {layer.index} (average) sums groups of {size} elements instead of averaging")
        self.populations.append(Population(layer.name, layer.shape))
        group = np.arange(have) // size
        self._project(layer.name, Sparse(np.arange(have + 1), group, np.ones(have, np.int32), layer.shape))

    def _add_dense(self, layer: Layer) -> None:
        weight = self._weight(layer, "weight")
        if weight.size % layer.shape[0]:
            raise LayerProblem(f"has {weight.size} weights, which cannot be shared out among {layer.shape[0]} neurons")
        self._layer(layer, Linear(weight.reshape(layer.shape[0], -1)), layer.shape)

    def _add_dense_rec(self, layer: Layer) -> None:
        self._add_dense(layer)
        n = layer.shape[0]
        recurrent = self._weight(layer, "weight_rec")
        if recurrent.size != n * n:
            raise LayerProblem(f"has {recurrent.size} recurrent weights for {n} neurons")
        op = Linear(recurrent.reshape(n, n))
        self.projections.append(Projection(f"{layer.name}.recurrent", layer.name, layer.name, op, delay=1))

    def _add_conv(self, layer: Layer) -> None:
        groups = _one(layer, "groups", 1)
        weight = _kernel(self._weight(layer, "weight"))
        op = Conv(weight, layer.pair("stride", 1, 1), layer.pair("padding", 0, 0), layer.pair("dilation", 1, 1), groups)
        self._layer(layer, op, layer.shape)

    def _add_pool(self, layer: Layer) -> None:
        """Sum pooling with one trained weight per tap, the same for all channels: a depthwise convolution."""
        channels = self.populations[-1].shape[0]
        weight = _kernel(self._weight(layer, "weight"))
        if weight.shape[:2] != (1, 1):
            raise LayerProblem(f"has pooling weights of shape {weight.shape}; (1, 1, height, width) is expected")
        weight = np.repeat(weight, channels, axis=0)
        stride = layer.pair("stride", weight.shape[2], 1)
        op = Conv(weight, stride, layer.pair("padding", 0, 0), layer.pair("dilation", 1, 1), channels)
        self._layer(layer, op, layer.shape)

    def _layer(self, layer: Layer, op: Op, shape: Shape) -> None:
        made = op.target_shape(self.populations[-1].shape)
        if made != shape:
            raise LayerProblem(f"declares the shape {shape}, but its weights make {made}")
        bias = layer.whole("bias").reshape(-1) if "bias" in layer.values else np.zeros(1, np.int64)
        if bias.size not in (1, shape[0], math.prod(shape)):
            raise LayerProblem(f"has {bias.size} bias values for {shape} neurons")
        bias = bias.reshape(shape) if bias.size == math.prod(shape) else bias[0] if bias.size == 1 else bias
        self._neurons(layer, shape, np.asarray(bias) if np.any(bias) else None, last=layer is self.layers[-1])
        self._project(layer.name, op)

    def _neurons(self, layer: Layer, shape: Shape, bias: np.ndarray | None, *, last: bool) -> None:
        given = layer.neuron
        if given is None:
            self.notes.append(f"layer {layer.index} ({layer.type}) has no neurons: membranes sum up and are read out")
            given = INTEGRATOR
        reads_membrane = bool(np.all(np.asarray(given["vThMant"]) >= NEVER_FIRES))
        if reads_membrane and not last:
            raise LayerProblem("never fires (vThMant is the largest there is), yet other layers follow")
        if reads_membrane and layer.neuron is not None:
            self.notes.append(f"layer {layer.index} ({layer.type}) never fires: its membrane is read out instead")
        neuron, bias = _neuron(given, bias, reads_membrane=reads_membrane, shape=shape)
        self.populations.append(Population(layer.name, shape, neuron, bias))
        if "delay" in layer.values:
            self.delays[layer.name] = _delays(layer, shape)
            if np.any(layer.values["delay"] != np.floor(layer.values["delay"])):
                self.notes.append(f"layer {layer.index} ({layer.type}): delays are rounded down to whole steps")

    def _project(self, name: str, op: Op) -> None:
        """From the last but one population to the last, through its axonal delays."""
        source = self.populations[-2]
        delays = self.delays.get(source.name, np.zeros(1, np.int64))
        if delays.min() == delays.max():
            self.projections.append(Projection(name, source.name, self.populations[-1].name, op, int(delays[0])))
            return
        relay = Population(f"{source.name}.delayed", source.shape)
        self.populations.insert(-1, relay)
        for d in np.unique(delays):
            copy = selected_copy(delays == d, source.shape, np.int32)
            self.projections.append(Projection(f"{relay.name}.{d}", source.name, relay.name, copy, int(d)))
        self.projections.append(Projection(name, relay.name, self.populations[-1].name, op))

    def _weight(self, layer: Layer, key: str) -> np.ndarray:
        """Integer weights, scaled so that all layers can share one state shift."""
        if key not in layer.values:
            raise LayerProblem(f"has no {key}")
        weight = layer.whole(key)
        if not weight.size:
            raise LayerProblem(f"has an empty {key}")
        exponent = layer.neuron["wgtExp"] if layer.neuron else 0
        if not isinstance(exponent, int):
            raise LayerProblem("has several weight exponents (wgtExp); one per layer can be read")
        largest = np.abs(weight).max()
        if largest > LARGEST_WEIGHT:
            raise LayerProblem(f"has weights of up to {largest}; those of Loihi are at most {LARGEST_WEIGHT}")
        scaled = weight << (exponent - self.least_exponent)
        if np.abs(scaled).max() >= 2**15:
            raise LayerProblem(
                f"has a weight exponent (wgtExp) of {exponent}, too far from the {self.least_exponent} "
                "of another layer",
                hint="weights of one network must fit into 16 bits together",
            )
        return scaled.astype(np.int32)


def _neuron(
    given: dict[str, int | np.ndarray], bias: np.ndarray | None, shape: Shape, *, reads_membrane: bool
) -> tuple[Neuron, np.ndarray | None]:
    """The neuron and the population's bias. lava adds the bias to v: with a current that decays it is a leak."""
    parameters: dict[str, float | np.ndarray | None] = {"v_decay": _remaining(given["vDecay"], shape)}
    if bias is not None and np.abs(bias).max(initial=0) >= 2 ** (31 - STATE_SHIFT):
        raise LayerProblem(f"has a bias of {int(bias.flat[np.abs(bias).argmax()])}, which outgrows a neuron's state")
    shifted = None if bias is None else (bias << STATE_SHIFT).astype(np.int32)
    if np.any(np.asarray(given["iDecay"]) != DECAY_ONE):
        parameters["i_decay"] = _remaining(given["iDecay"], shape)
        if shifted is not None:
            parameters["leak"], shifted = shifted, None
    if reads_membrane:
        return Neuron(reset="none", compare=">", output="membrane").with_parameters(parameters), shifted
    parameters["threshold"] = _spread(given["vThMant"], shape) * 2**STATE_SHIFT
    if np.ptp(given["refDelay"]):
        raise LayerProblem("has several refractory delays (refDelay); one per layer can be read")
    refractory = int(np.max(given["refDelay"])) - 1
    return Neuron(reset="zero", compare=">", refractory=refractory).with_parameters(parameters), shifted


def _remaining(decay: int | np.ndarray, shape: Shape) -> int | np.ndarray:
    """What remains of a state after a step, in 4096ths."""
    return _spread(DECAY_ONE - np.asarray(decay), shape)


def _spread(value: int | np.ndarray, shape: Shape) -> int | np.ndarray:
    """A neuron parameter: one number, or one per channel or per neuron as the file has it."""
    array = np.asarray(value, np.int64)
    if array.ndim == 0:
        return int(array)
    if array.size == math.prod(shape):
        return array.reshape(shape)
    if array.size != shape[0]:
        raise LayerProblem(f"has {array.size} values of a neuron parameter for {shape} neurons")
    return array


def _delays(layer: Layer, shape: Shape) -> np.ndarray:
    """Axonal delay of every neuron in steps, flat channel-first."""
    delays = np.floor(layer.values["delay"].reshape(-1))
    in_range = delays.size and delays.min() >= 0 and delays.max() <= MAX_DELAY  # false for NaN
    if delays.size not in (1, shape[0], math.prod(shape)) or not in_range:
        raise LayerProblem(
            f"has {delays.size} delays for {shape} neurons; one for all, per channel or per neuron, "
            f"from 0 to {MAX_DELAY}, are expected"
        )
    delays = delays.astype(np.int64)
    if delays.size == math.prod(shape):
        return delays
    return np.repeat(np.resize(delays, shape[0]), math.prod(shape[1:]))


def _one(layer: Layer, key: str, default: int) -> int:
    if key not in layer.values:
        return default
    value = layer.whole(key)
    if value.size != 1:
        raise LayerProblem(f"has {value.size} values of {key} where one is expected")
    return int(value.reshape(-1)[0])


def _kernel(weight: np.ndarray) -> np.ndarray:
    """(out, in / groups, height, width), without the time axis that some files have behind."""
    if weight.ndim == 5 and weight.shape[4] == 1:
        weight = weight[..., 0]
    if weight.ndim != 4:
        raise LayerProblem(f"has a kernel of shape {weight.shape}; (out, in, height, width) is expected")
    return weight


def _bits(weight: np.ndarray) -> int:
    """Signed bits that hold the weights after their common power of two is taken out."""
    common = int(np.bitwise_or.reduce(np.abs(weight), axis=None))
    if common == 0:
        return 1
    weight = weight // (common & -common)
    return max(int(weight.max()).bit_length(), int(-weight.min() - 1).bit_length() if weight.min() < 0 else 0) + 1
