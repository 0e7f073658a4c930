"""Back-propagation through time of a Network, in NumPy: the reference for what training engines compute.

FP runs the canonical neurons forward over all steps, BP walks back in time with a surrogate derivative, WG
multiplies what was sent with the gradient of what arrived (Wu et al., Frontiers in Neuroscience 12:331, 2018, doi
10.3389/fnins.2018.00331). Beside the gradients it keeps which operands were zero: that decides what an engine that
skips zeros has to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.activity.training.linear import forward, to_source, to_weights
from neurocomp.activity.training.neurons import TrainedNeurons, untrainable
from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.activity.training.trace import LayerTrace, TrainingTrace, signal_of
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.network.graph import Float32, Network, Projection
from neurocomp.network.neuron import expand
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Sparse, weight_of
from neurocomp.network.text import describe_op
from neurocomp.network.verify import population_order, verify

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """One batch, forward and backward.

    loss: of the batch. weights: gradient of every projection's weights by its name; biases: of every population's
    bias; both in the shape of what they belong to. trace: what was zero and what was not.
    """

    loss: float
    weights: dict[str, np.ndarray]
    biases: dict[str, np.ndarray]
    output: np.ndarray
    trace: TrainingTrace


def rate_cross_entropy(labels: np.ndarray) -> Loss:
    """Softmax cross-entropy of the output's mean over time, averaged over the samples. labels: int (samples,)."""
    labels = np.asarray(labels)

    def loss(output: np.ndarray) -> tuple[float, np.ndarray]:
        samples, steps = output.shape[:2]
        rates = output.mean(axis=1).reshape(samples, -1)
        shifted = rates - rates.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        chosen = (np.arange(samples), labels)
        gradient = np.exp(shifted - log_sum)
        gradient[chosen] -= 1
        each = (gradient / (samples * steps)).astype(output.dtype).reshape(samples, 1, *output.shape[2:])
        return float(np.mean(log_sum[:, 0] - shifted[chosen])), np.broadcast_to(each, output.shape)

    return loss


def training_step(
    network: Network,
    inputs: np.ndarray,
    loss: Loss,
    surrogate: Surrogate | None = None,
    *,
    detach_reset: bool = False,
    rounded: bool = False,
) -> TrainingStep:
    """Run one batch forward and backward.

    inputs: (samples, steps, *input shape). loss: from the output (samples, steps, *shape) to its value and its
    derivative by the output. surrogate: ATan by default. detach_reset: no gradient flows through the reset.
    rounded: weights, states and gradients are rounded to half precision (IEEE binary16) wherever an engine would
    store them, sums stay single precision.

    Raises InputError for a network with more than one input, in integer arithmetic, or with neurons that cannot be
    differentiated.
    """
    verify(network)
    _check(network, inputs)
    run = _Run(network, np.asarray(inputs, np.float32), surrogate or Surrogate(), detach_reset, rounded)
    run.forward()
    value, gradient = loss(run.output)
    if gradient.shape != run.output.shape:
        raise bad_input("loss", f"gives a gradient of shape {gradient.shape} for an output of {run.output.shape}")
    run.backward(gradient)
    return TrainingStep(value, run.weights, run.biases, run.output, run.trace())


class _Run:
    """All signals of one batch: populations' outputs, and the gradients of outputs and of what arrived.

    Arrays are (samples, steps, *shape).
    """

    def __init__(
        self, network: Network, inputs: np.ndarray, surrogate: Surrogate, detach_reset: bool, rounded: bool
    ) -> None:
        self.network, self.rounded = network, rounded
        self.samples, self.steps = inputs.shape[:2]
        self.order = population_order(network)
        sizes = {p.name: (self.samples, self.steps, *p.shape) for p in network.populations}
        self.outputs = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
        self.outputs[network.inputs[0]] = inputs
        self.output_gradients = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
        self.arrival_gradients = {name: np.zeros(size, np.float32) for name, size in sizes.items()}
        self.neurons = {
            p.name: TrainedNeurons(p, sizes[p.name], surrogate, detach_reset)
            for p in network.populations if p.neuron is not None
        }  # fmt: skip
        self.ops = {p.name: _rounded_op(p.op) if rounded else p.op for p in network.projections}
        self.weights: dict[str, np.ndarray] = {}
        self.biases: dict[str, np.ndarray] = {}

    @property
    def output(self) -> np.ndarray:
        return self.outputs[str(self.network.output)]

    def forward(self) -> None:
        for t in range(self.steps):
            for name in self.order:
                if name in self.network.inputs:
                    continue
                x = self._arriving(name, t)
                self.outputs[name][:, t] = self.neurons[name].step(t, x) if name in self.neurons else x

    def _arriving(self, name: str, t: int) -> np.ndarray:
        population = self.network.by_name[name]
        x = np.zeros((self.samples, *population.shape), np.float32)
        if population.bias is not None:
            x += np.asarray(expand(population.bias, population.shape), np.float32)
        for p in self.network.incoming[name]:
            if t >= p.delay:
                x += forward(self.ops[p.name], self.outputs[p.source][:, t - p.delay], population.shape)
        return self._stored(x)

    def backward(self, gradient: np.ndarray) -> None:
        self.output_gradients[str(self.network.output)] += gradient
        for t in reversed(range(self.steps)):
            for name in reversed(self.order):
                if name in self.network.inputs:
                    continue
                arriving = self.output_gradients[name][:, t]
                if name in self.neurons:
                    arriving = self.neurons[name].back(t, arriving)
                self.arrival_gradients[name][:, t] = arriving = self._stored(arriving)
                for p in self.network.incoming[name]:
                    if t >= p.delay:
                        source = self.network.by_name[p.source].shape
                        back = to_source(self.ops[p.name], arriving, source)
                        self.output_gradients[p.source][:, t - p.delay] += self._stored(back)
        self._gradients_of_parameters()

    def _gradients_of_parameters(self) -> None:
        """WG: over samples and steps at once, as if steps were samples."""
        for p in self._trained():
            sent, arrived = self._operands(p)
            flat = (sent.reshape(-1, *sent.shape[2:]), arrived.reshape(-1, *arrived.shape[2:]))
            self.weights[p.name] = self._stored(to_weights(self.ops[p.name], *flat))
        for p in self.network.populations:
            if p.bias is not None:
                summed = self.arrival_gradients[p.name].sum(axis=(0, 1))
                keep = np.ndim(p.bias)
                self.biases[p.name] = summed.sum(axis=tuple(range(keep, summed.ndim))) if keep < summed.ndim else summed

    def _trained(self) -> list[Projection]:
        """Projections with weights through which something can pass within the steps."""
        return [p for p in self.network.projections if weight_of(p.op) is not None and p.delay < self.steps]

    def _operands(self, p: Projection) -> tuple[np.ndarray, np.ndarray]:
        """What a projection was given and the gradient of what it gave, of the steps at which both exist."""
        return self.outputs[p.source][:, : self.steps - p.delay], self.arrival_gradients[p.target][:, p.delay :]

    def trace(self) -> TrainingTrace:
        shapes = {p.name: p.shape for p in self.network.populations}
        layers = {}
        for p in self._trained():
            sent, arrived = self._operands(p)
            layers[p.name] = LayerTrace(signal_of(sent, shapes[p.source]), signal_of(arrived, shapes[p.target]))
        masks = {name: signal_of(neurons.slope != 0, shapes[name]) for name, neurons in self.neurons.items()}
        return TrainingTrace(self.samples, self.steps, layers, masks, "computed by neurocomp's back-propagation")

    def _stored(self, values: np.ndarray) -> np.ndarray:
        return _half(values) if self.rounded else values


def _rounded_op(op: Op) -> Op:
    """The operator with its weights in half precision."""
    match op:
        case Linear(weight) | Conv(weight):
            return replace(op, weight=_half(weight))
        case Sparse():
            return replace(op, weight=_half(op.weight))
        case OneToOne(scale) if isinstance(scale, np.ndarray):
            return replace(op, scale=_half(scale))
    return op


def _half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32)


def _check(network: Network, inputs: np.ndarray) -> None:
    where, found = network.name, []
    if not isinstance(network.arithmetic, Float32):
        found.append(
            Diagnostic(where, "is in integer arithmetic, which has no gradients", hint="train the float network")
        )
    if len(network.inputs) != 1 or network.output is None:
        found.append(Diagnostic(where, "one input and one output are needed to train"))
    found += [Diagnostic(p.name, why) for p in network.populations for why in untrainable(p)]
    found += [
        Diagnostic(p.name, "max pooling has no gradient here", hint="train with average pooling or strided layers")
        for p in network.projections if isinstance(p.op, Pool) and p.op.kind == "max"
    ]  # fmt: skip
    trained = Linear | Conv | Pool | OneToOne | Sparse
    found += [
        Diagnostic(p.name, f"{describe_op(p.op)}: has no gradient here")
        for p in network.projections if not isinstance(p.op, trained)
    ]  # fmt: skip
    if network.inputs:
        shape = network.by_name[network.inputs[0]].shape
        if np.ndim(inputs) != len(shape) + 2 or np.shape(inputs)[2:] != shape or 0 in np.shape(inputs):
            found.append(
                Diagnostic(where, f"inputs have shape {np.shape(inputs)}; (samples, steps, *{shape}) is needed")
            )
    if found:
        raise InputError(found)
