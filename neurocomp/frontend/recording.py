"""``record_training``: one training step of a live torch module, as the zeros and non-zeros that its layers met.

The module runs forward and backward once on one batch. For every layer with weights it is kept which inputs were not
zero and where a gradient arrived; for every neuron whose surrogate function can be called, where its derivative is
not zero. Parameters, gradients, buffers and the random state are as before when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurocomp.activity.training.neurons import TrainedNeurons
from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.activity.training.trace import LayerTrace, Signal, TrainingTrace, signal_of
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.freeze import origin_of, unwrapped
from neurocomp.frontend.frozen import need_torch
from neurocomp.network.graph import Population


def record_training(module: Any, batch: Any, loss: Callable[..., Any]) -> TrainingTrace:
    """Run one training step of a torch module and record it.

    module: a ``torch.nn.Module`` in training mode whose neurons are those of SpikingJelly, snnTorch, Norse or sinabs.
    batch: what the module takes, or a pair of that and the targets. loss: called with the module's output, and with
    the targets if there are any; returns a scalar tensor.

    Layers are named by their paths. The surrogate windows (``masks``) are known for SpikingJelly and snnTorch.
    Raises InputError if the module cannot be run so, or if a layer gets no gradient.
    """
    need_torch()
    import torch

    from neurocomp.frontend.freezing.export import read_neurons, reset

    module = unwrapped(module)
    if not isinstance(module, torch.nn.Module):
        raise bad_input("module", f"is a {type(module).__name__}, not a torch.nn.Module")
    inputs, targets = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, None)
    readings = read_neurons(module)
    tape = _Tape(module, readings)
    with _untouched(module), tape.listening():
        reset(module, readings)
        try:
            output = module(inputs)
            value = loss(output) if targets is None else loss(output, targets)
            value.backward()
        except Exception as error:
            raise bad_input(
                type(module).__name__, "the module failed on the batch", why=f"{type(error).__name__}: {error}",
                hint="run it yourself on this batch first, in training mode",
            ) from error  # fmt: skip
        finally:
            reset(module, readings)
    return tape.trace(f"one training step of a {origin_of(readings)}")


@dataclass(frozen=True)
class _Clock:
    """How a run is laid out. time_axis: of tensors that hold all steps, 0 or 1."""

    samples: int
    steps: int
    time_axis: int

    def signal(self, where: str, parts: list[Any]) -> Signal:
        """The signal of the tensors of all calls, in order; see ``values``."""
        values = self.values(where, parts)
        return signal_of(values, values.shape[2:])

    def values(self, where: str, parts: list[Any]) -> np.ndarray:
        """(samples, steps, *shape) of the tensors of all calls. Raises InputError if they are not one per step."""
        first = tuple(parts[0].shape)
        lead = (self.steps, self.samples) if self.time_axis == 0 else (self.samples, self.steps)
        if len(parts) == 1 and first[:2] == lead:
            values = parts[0]
        elif len(parts) == 1 and first[0] == self.steps * self.samples:
            values = parts[0].reshape(*lead, *first[1:])
        elif first[0] == self.samples and len(parts) in (1, self.steps):
            return np.stack([_array(part) for part in parts], axis=1)
        else:
            raise bad_input(
                where, f"is called {len(parts)} times on tensors of shape {first}",
                why=f"one call per step, or one for all {self.steps} steps of {self.samples} samples, is expected",
                hint="use one module per layer",
            )  # fmt: skip
        array = _array(values)
        return np.swapaxes(array, 0, 1) if self.time_axis == 0 else array


@dataclass(eq=False)
class _Tape:
    """What the hooks heard, by path, in the order of the calls."""

    module: Any
    readings: list[Any]
    sent: dict[str, list[Any]] = field(default_factory=dict)
    arrived: dict[str, list[Any]] = field(default_factory=dict)
    charges: dict[str, list[Any]] = field(default_factory=dict)

    @contextmanager
    def listening(self) -> Iterator[None]:
        handles = [self._hear_layer(path, layer) for path, layer in self._layers()]
        handles += [self._hear_neurons(reading) for reading in self.readings]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _layers(self) -> list[tuple[str, Any]]:
        from torch import nn

        return [(p, m) for p, m in self.module.named_modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)]

    def _hear_layer(self, path: str, layer: Any) -> Any:
        def hook(_module: Any, args: Any, output: Any) -> None:
            call = len(self.sent.setdefault(path, []))
            self.sent[path].append(args[0].detach())
            self.arrived.setdefault(path, []).append(None)
            if output.requires_grad:
                output.register_hook(lambda gradient: self.arrived[path].__setitem__(call, gradient.detach()))

        return layer.register_forward_hook(hook)

    def _hear_neurons(self, reading: Any) -> Any:
        def hook(_module: Any, args: Any, kwargs: Any) -> None:
            self.charges.setdefault(reading.path, []).append(reading.unpack(args, kwargs)[0].detach())

        return reading.module.register_forward_pre_hook(hook, with_kwargs=True)

    def trace(self, origin: str) -> TrainingTrace:
        clock = self._clock()
        self._check_gradients()
        layers = {
            path: LayerTrace(clock.signal(path, parts), clock.signal(path, self.arrived[path]))
            for path, parts in self.sent.items()
        }
        masks = {
            reading.path: _window(reading, clock.values(reading.path, self.charges[reading.path]))
            for reading in self.readings if reading.path in self.charges and _has_window(reading)
        }  # fmt: skip
        return TrainingTrace(clock.samples, clock.steps, layers, masks, origin)

    def _clock(self) -> _Clock:
        found = set()
        for reading in self.readings:
            shapes = [tuple(charge.shape) for charge in self.charges.get(reading.path, [])]
            if not shapes:
                continue
            axis = reading.time_axis
            steps = len(shapes) if axis is None else sum(shape[axis] for shape in shapes)
            found.add((shapes[0][1 if axis == 0 else 0], steps, axis or 0))
        if len(found) != 1:
            raise bad_input(
                type(self.module).__name__, "its neurons run different numbers of steps or samples",
                why=", ".join(f"{steps} steps of {samples} samples" for samples, steps, _ in sorted(found)),
                hint="record a batch on which every neuron module runs once, or once per step",
            )  # fmt: skip
        return _Clock(*found.pop())

    def _check_gradients(self) -> None:
        if not self.sent:
            raise bad_input(type(self.module).__name__, "no layer with weights was called")
        lost = [path for path, parts in self.arrived.items() if any(part is None for part in parts)]
        if lost:
            hint = "call module.train() first" if not self.module.training else "is the layer frozen, or left out?"
            raise InputError([Diagnostic(path, "no gradient arrived at this layer", hint=hint) for path in lost])


def _surrogate(module: Any) -> Any:
    """What turns membrane minus threshold into spikes, with a surrogate derivative."""
    names = ("surrogate_function", "spike_grad")  # SpikingJelly, snnTorch
    return next((getattr(module, name) for name in names if callable(getattr(module, name, None))), None)


def _has_window(reading: Any) -> bool:
    neuron = reading.neuron
    plain = neuron.is_plain and neuron.output == "binary" and not neuron.refractory
    driven = reading.recurrence is None and reading.taps is None and reading.over_time is None
    return plain and driven and _surrogate(reading.module) is not None


def _window(reading: Any, charges: np.ndarray) -> Signal:
    """Where the surrogate derivative is not zero. charges: what the neurons were given, (samples, steps, *shape).

    The membranes are computed anew from the charges, because frameworks hide theirs in fused kernels.
    """
    import torch

    shape = charges.shape[2:]
    neurons = TrainedNeurons(Population(reading.path, shape, reading.neuron), charges.shape, Surrogate(), True)
    for t in range(charges.shape[1]):
        neurons.step(t, charges[:, t])
    over = torch.from_numpy(neurons.membrane - neurons.p["threshold"])
    with torch.enable_grad():
        over.requires_grad_()
        slope = torch.autograd.grad(_surrogate(reading.module)(over).sum(), over)[0]
    return signal_of(slope.numpy(), shape)


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().float().numpy()


@contextmanager
def _untouched(module: Any) -> Iterator[None]:
    """Puts gradients, buffers (running statistics) and random state back."""
    import torch

    gradients = [(parameter, parameter.grad) for parameter in module.parameters()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        for parameter, gradient in gradients:
            parameter.grad = gradient
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
