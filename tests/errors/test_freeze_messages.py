"""The exact message for each module that cannot be frozen; nothing is written then."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.errors import EXIT_BAD_INPUT, InputError
from neurocomp.frontend.freeze import freeze

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
snn = pytest.importorskip("snntorch")
from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402

EVENT_DRIVEN = (
    "  next: frozen are linear maps, pooling, sums, products of two signals, functions of values or rows on the host, "
    "and known neurons, each within a time step"
)


def refusal(module: Any, example: Any, tmp_path: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        freeze(module, example, tmp_path / "net.pt", **options)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    assert list(tmp_path.iterdir()) == []
    return str(caught.value)


def multi_step(*layers: nn.Module) -> nn.Module:
    net = nn.Sequential(*layers)
    functional.set_step_mode(net, "m")
    return net.eval()


X = torch.rand(4, 2, 6, generator=torch.Generator().manual_seed(0))
"""(steps, samples, features)"""


def test_no_module(tmp_path: Path) -> None:
    assert refusal({"w": 1}, X, tmp_path) == (
        "module: is a dict, not a torch.nn.Module\n  next: build the network and load its weights first"
    )


def test_no_tensor(tmp_path: Path) -> None:
    assert refusal(multi_step(layer.Linear(6, 3)), "x", tmp_path) == (
        "example_input: is a str; one tensor or array is needed"
    )


@pytest.mark.parametrize("steps", [0, -1, 2.5])
def test_steps_that_are_none(steps: Any, tmp_path: Path) -> None:
    net = nn.Sequential(layer.Linear(6, 3), neuron.IFNode()).eval()
    assert refusal(net, X[0], tmp_path, steps=steps) == (
        f"steps: is {steps}; a whole number of time steps, 1 at least, is needed"
    )


@pytest.mark.parametrize("allowed", [None, 0])
def test_numbers_that_leave_float32(allowed: int | None, tmp_path: Path) -> None:
    """An infinite membrane that is reset becomes none at all: that is no rounding at the threshold."""
    net = nn.Sequential(nn.Linear(6, 3), neuron.IFNode(v_threshold=0.1)).eval()
    net[0].weight.data[0, 0] = 3e38
    said = refusal(net, 10 * X[0] + 5, tmp_path, steps=4, max_differing_spikes=allowed)
    assert "  why:  the module's own numbers leave float32 here, so there is nothing to compare with\n" in said


def test_unknown_encoding(tmp_path: Path) -> None:
    assert refusal(multi_step(layer.Linear(6, 3)), X, tmp_path, encoding="rate") == (
        "encoding: 'rate' is neither direct nor temporal"
    )


def test_no_neurons(tmp_path: Path) -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), nn.ReLU()), X, tmp_path) == (
        "Sequential: contains no neuron that neurocomp knows\n"
        "  next: use the neuron classes of SpikingJelly, snnTorch, Norse or sinabs, or give your own a "
        "neurocomp_neuron method (docs/freezing.md shows a whole one); a network without spikes becomes a spiking one "
        "with neurocomp convert"
    )


def test_training_mode_names_every_layer(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), neuron.LIFNode())
    assert refusal(net, X, tmp_path) == (
        "1: BatchNorm1d is in training mode\n  why:  it would mix the samples of the batch\n"
        "  next: call module.eval() before freezing\n"
        "2: Dropout is in training mode\n  why:  it is random\n  next: call module.eval() before freezing"
    )


def test_batch_norm_without_statistics(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3, track_running_stats=False), neuron.LIFNode()).eval()
    assert refusal(net, X, tmp_path) == (
        "1: BatchNorm1d has no running statistics\n  why:  it would mix the samples of the batch\n"
        "  next: train it with track_running_stats=True"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: s.sort(0)[0], "op aten.sort in last has no event-driven form"),
        (lambda s: (s > 0.5).float(), "op aten.gt in last has no event-driven form"),
        (
            lambda s: s + torch.rand(()),
            "op aten.rand in last has no event-driven form\n"
            '  why:  it draws random numbers; encode the input outside the module (encoding="temporal")',
        ),
        (
            lambda s: s.sum(1),
            "op aten.sum in last has no event-driven form\n"
            "  why:  it reduces axis 1 of a tensor of shape (4, 2, 5), which is the batch",
        ),
        (
            lambda s: s[:, 0],
            "op aten.select in last has no event-driven form\n"
            "  why:  only some of the samples are used, or in another order (axis 1)",
        ),
    ],
)
def test_operations_that_are_refused(make: Any, message: str, tmp_path: Path) -> None:
    class Last(nn.Module):
        def forward(self, x: Any) -> Any:
            return make(x)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.sn, self.last = layer.Linear(6, 5), neuron.LIFNode(), Last()
            functional.set_step_mode(self, "m")

        def forward(self, x: Any) -> Any:
            return self.last(self.sn(self.fc(x)))

    found = refusal(Net(), X, tmp_path)
    assert found.startswith(f"last: {message}")
    assert found.endswith(EVENT_DRIVEN)


def test_one_step_without_steps(tmp_path: Path) -> None:
    assert refusal(nn.Sequential(nn.Linear(6, 3), neuron.LIFNode()), X[0], tmp_path) == (
        "steps: one forward pass of the module is one time step\n"
        '  next: say how many steps to run: freeze(..., steps=T), with encoding="temporal" if the example has one '
        "input per step (time first)"
    )


def test_steps_that_do_not_match(tmp_path: Path) -> None:
    assert refusal(multi_step(layer.Linear(6, 3), neuron.LIFNode()), X, tmp_path, steps=5) == (
        "steps: 5 steps are asked for, but the forward pass of the module runs 4\n"
        "  next: leave steps out, or let the module run 5 steps"
    )
    net = nn.Sequential(nn.Linear(6, 3), neuron.LIFNode())
    assert refusal(net, X, tmp_path, steps=5, encoding="temporal") == (
        'example_input: has shape (4, 2, 6); with encoding="temporal" its first axis must be the 5 time steps'
    )


def test_neuron_used_twice_and_neuron_not_used(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)
            self.once, self.also, self.twice, self.never = (neuron.LIFNode() for _ in range(4))

        def forward(self, x: Any) -> Any:
            for _ in range(3):
                s = self.twice(self.fc2(self.twice(self.also(self.fc1(self.once(x))))))
            return s

    assert refusal(Net(), X[0], tmp_path) == (
        "twice: runs 6 time steps where other neurons run 3\n"
        "  next: use one neuron module per layer, and call each once per step\n"
        "never: is never called\n  next: use one neuron module per layer, and call each once per step"
    )


def test_loop_that_changes(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif = nn.Linear(6, 3), snn.Leaky(beta=0.5, init_hidden=True)

        def forward(self, x: Any) -> Any:
            return torch.stack([self.lif(self.fc(x) * (t + 1)) for t in range(3)])

    assert refusal(Net(), X[0], tmp_path) == (
        "lif: what arrives here cannot be written as one step\n"
        "  why:  step 0 of the time loop does something else than step 2: fc has other weights than fc of the last "
        "step\n"
        "  next: the time loop must do the same at every step; keep other state in neuron modules"
    )


def test_membrane_changed_by_hand(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif = nn.Linear(6, 3), snn.Leaky(beta=0.5)

        def forward(self, x: Any) -> Any:
            mem, spikes = self.lif.reset_mem(), []
            for _ in range(3):
                spk, mem = self.lif(self.fc(x), mem * 0.5)
                spikes.append(spk)
            return torch.stack(spikes)

    assert refusal(Net(), X[0], tmp_path) == (
        "lif: what this neuron is given cannot be frozen\n"
        "  why:  the membrane given to lif is not the one it returned at the step before\n"
        "  next: call it once per step, with the input and its own last state"
    )


def test_membrane_and_spikes_both_used(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif = nn.Linear(6, 3), snn.Leaky(beta=0.5)
            self.out, self.last = nn.Linear(3, 3), snn.Leaky(beta=0.5, init_hidden=True)

        def forward(self, x: Any) -> Any:
            mem, spikes = self.lif.reset_mem(), []
            for _ in range(3):
                spk, mem = self.lif(self.fc(x), mem)
                spikes.append(self.last(self.out(mem + spk)))
            return torch.stack(spikes)

    assert refusal(Net(), X[0], tmp_path) == (
        "lif: the network uses the membrane and spike of this neuron\n"
        "  why:  a neuron on a chip sends either its spikes or, if it never resets, its membrane\n"
        "  next: read the spikes, or give the neuron no reset"
    )


def test_module_that_fails(tmp_path: Path) -> None:
    """The message names the layer."""
    message = refusal(multi_step(layer.Linear(7, 3), neuron.LIFNode()), X, tmp_path)
    assert "(in 0, a Linear)" in message
    assert message.startswith("Sequential: the module failed on the example input\n  why:  RuntimeError: mat1 and mat2")
    assert message.endswith("next: run it yourself on this input first")


def test_empty_example(tmp_path: Path) -> None:
    message = refusal(multi_step(layer.Linear(6, 3), neuron.LIFNode()), X[:, :0], tmp_path)
    assert message == "example_input: has shape (4, 0, 6), which is empty; give at least one sample"


def test_no_message_of_python(tmp_path: Path) -> None:
    """An operation that is used in a form that its handler does not know."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sn = neuron.LIFNode(step_mode="m")

        def forward(self, x: Any) -> Any:
            return self.sn(x)[..., torch.tensor([True, False] * 3)]

    assert refusal(Net(), X, tmp_path) == (
        "the network: op aten.index in the network has no event-driven form\n"
        f"  why:  it is used in a form that neurocomp does not know\n{EVENT_DRIVEN}"
    )


def test_whole_recurrent_layers(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells, self.sn = nn.GRU(6, 3), neuron.LIFNode(step_mode="m")

        def forward(self, x: Any) -> Any:
            return self.sn(self.cells(x)[0])

    assert refusal(Net(), X, tmp_path) == (
        "cells: op aten.gru in cells has no event-driven form\n"
        "  why:  it runs all steps in one call\n"
        "  next: use LSTMCell, GRUCell or RNNCell, called once per step"
    )


def test_branch_on_values(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.sn = nn.Linear(6, 3), neuron.LIFNode(step_mode="m")

        def forward(self, x: Any) -> Any:
            x = self.fc(x)
            sys.stderr.write("passing by\n")
            return self.sn(x if x.sum() > 0 else -x)

    levels = [logging.getLogger(name).level for name in ("torch.export", "torch.fx.experimental.symbolic_shapes")]
    message = refusal(Net(), X, tmp_path)
    assert message.startswith(
        "Net: torch.export cannot take the graph of this module\n"
        "  why:  what is done depends on the value of a tensor (test_freeze_messages.py, line "
    )
    assert message.endswith(
        ": return self.sn(x if x.sum() > 0 else -x))\n  next: the forward pass must not branch on values of tensors"
    )
    said = capfd.readouterr()
    assert said.out == ""
    assert set(said.err.splitlines()) == {"passing by"}, "what the module says passes, what torch says does not"
    assert levels == [logging.getLogger(n).level for n in ("torch.export", "torch.fx.experimental.symbolic_shapes")]


def test_wrong_labels(tmp_path: Path) -> None:
    assert refusal(multi_step(layer.Linear(6, 3), neuron.LIFNode()), X, tmp_path, labels=[1, 2, 3]) == (
        "labels: (3,) labels for 2 samples"
    )


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    net = multi_step(layer.Linear(6, 3), neuron.LIFNode())
    net[0].weight.data[0, 0] = float("nan")
    assert refusal(net, X, tmp_path) == "0: 1 of 18 weights are NaN or infinite\n  next: was the training stable?"


def scaled_inputs(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """The engine is given the first input of each step times a factor, whichever network it runs."""
    from neurocomp.activity import execute as engine

    run = engine.execute

    def other(network: Any, inputs: Any, **options: Any) -> Any:
        first = network.inputs[0]
        named = dict(inputs) if isinstance(inputs, dict) else {first: inputs}
        changed = np.array(named[first], np.float32)
        changed[..., 0] *= np.float32(factor)
        return run(network, {**named, first: changed}, **options)

    monkeypatch.setattr(engine, "execute", other)


def test_rounding_at_the_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1 + 0.2 - 0.3 is a rounding error: whether it reaches a threshold of about zero depends on the order."""
    net = multi_step(layer.Linear(6, 1, bias=False), neuron.IFNode(v_threshold=float(np.float32(0.3))))
    net[0].weight.data = torch.tensor([[0.1, 0.2, 0.0, 0.0, 0.0, 0.0]])
    # the engine adds 0.1 + 0.2 as torch does; this makes it add them the other way round, a little off
    scaled_inputs(monkeypatch, 1 - 1e-7)
    message = refusal(net, torch.ones(1, 1, 6), tmp_path, max_differing_spikes=0)
    assert message.startswith(
        "1: 1 of 1 spikes differ from the torch module; the first is neuron (0,) at step 0 of sample 0: its membrane "
    )
    assert message.endswith(
        "  why:  this is float32 rounding at the threshold: the same numbers are added in another order\n"
        "  next: accept a few with max_differing_spikes=..., or train with weights on a power-of-two grid, whose sums "
        "are exact"
    )
    differ = "1 of 1 spikes differ from the torch module on the sample"
    assert freeze(net, torch.ones(1, 1, 6), max_differing_spikes=1).assumptions[-1] == differ
    # by default, what is shown to be rounding is accepted, and said
    assert freeze(net, torch.ones(1, 1, 6)).assumptions[-1] == (
        f"{differ}, all by float32 rounding at thresholds: given the module's own spikes, every layer agrees"
    )


def test_another_input_is_told_from_another_neuron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = multi_step(layer.Linear(6, 1, bias=False), neuron.IFNode())
    net[0].weight.data[:] = 0.2
    scaled_inputs(monkeypatch, -1.0)
    message = refusal(net, torch.ones(1, 1, 6), tmp_path)
    assert message.endswith(
        "  why:  what arrives at this layer is not what the module gives it\n"
        "  next: please report this with the layers in front of it"
    )


def test_neurons_that_differ_are_not_put_down_to_rounding(tmp_path: Path) -> None:
    """What arrives is right, yet the module's neuron does something else: no layer by layer check excuses that."""
    net = multi_step(layer.Linear(6, 8), neuron.LIFNode(tau=2.0))
    with torch.no_grad():
        net[0].weight.uniform_(0.1, 0.6)
    original = net[1].multi_step_forward
    net[1].multi_step_forward = lambda x: original(x * 1.01)
    assert "spikes differ from the torch module" in refusal(net, torch.rand(20, 4, 6), tmp_path)
