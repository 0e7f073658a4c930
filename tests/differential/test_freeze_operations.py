"""Single operations on spikes against torch: whatever the axes, the frozen network returns what the module returns.

Two layers fire, ``a`` and ``b``, with shape (steps 3, samples 2, tokens 6, channels 8); an operation of both is read
out at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Network
from neurocomp.network.ops import Conv, Factor, Host, Linear
from tests.freezing import on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, neuron  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

STEPS, SAMPLES, TOKENS, CHANNELS = 3, 2, 6, 8
Operation = Callable[[Any, Any], Any]


class Last(nn.Module):
    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.operation = operation
        self.maps = nn.ModuleDict(
            {
                "tokens": nn.Linear(CHANNELS, 5),
                "conv": nn.Conv2d(CHANNELS, 4, 3, padding=1),
                "up": nn.ConvTranspose2d(CHANNELS, 4, (3, 2), stride=2, padding=1, output_padding=1, groups=2),
                "norm": nn.LayerNorm(CHANNELS),
                "groups": nn.GroupNorm(2, CHANNELS),
                "bn": nn.BatchNorm2d(CHANNELS),
                "heads": nn.MultiheadAttention(CHANNELS, 2, batch_first=True),
            }
        )

    def forward(self, a: Any, b: Any) -> Any:
        return self.operation(a, b, self.maps) if self.operation.__code__.co_argcount == 3 else self.operation(a, b)


class Net(nn.Module):
    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(CHANNELS, CHANNELS), nn.Linear(CHANNELS, CHANNELS)
        self.lif1, self.lif2 = neuron.LIFNode(step_mode="m"), neuron.LIFNode(step_mode="m")
        self.last = Last(operation)

    def forward(self, x: Any) -> Any:
        return self.last(self.lif1(self.fc1(x)), self.lif2(self.fc2(x)))


def checked(operation: Operation, tolerance: float = 0.0) -> Network:
    net = on_a_grid(Net(operation), gain=8.0)
    x = torch.randint(0, 17, (STEPS, SAMPLES, TOKENS, CHANNELS)) / 16
    network = freeze(net, x)
    functional.reset_net(net)
    with torch.no_grad():
        theirs = net(x).numpy()
    functional.reset_net(net)
    ours = execute(network, encode_sample(network.sample)).output.swapaxes(0, 1)
    assert len(np.unique(theirs)) > 1
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, rtol=tolerance, atol=tolerance)
    return network


def kinds(network: Network) -> list[str]:
    """Operators behind the neurons, relays' identities apart."""
    ours = [p.op for p in network.projections if not p.name.startswith("fc")]
    return sorted({type(op).__name__ for op in ours} - {"OneToOne"})


PRODUCTS: dict[str, Operation] = {
    "q k^T": lambda a, b: a @ b.transpose(-1, -2),
    "q k.mT": lambda a, b: a @ b.mT,
    "k^T v": lambda a, b: a.transpose(-1, -2) @ b,
    "q (k^T v)": lambda a, b: a @ (a.transpose(-1, -2) @ b) * 0.125,
    "(q k^T) v": lambda a, b: (a @ b.transpose(-1, -2)) @ a,
    "heads": lambda a, b: _heads(a) @ _heads(b).transpose(-1, -2),
    "heads, joined again": lambda a, b: _joined(_heads(a) @ _heads(b).transpose(-1, -2) @ _heads(a)),
    "bmm": lambda a, b: torch.bmm(a.flatten(0, 1), b.flatten(0, 1).transpose(1, 2)),
    "einsum": lambda a, b: torch.einsum("tbnc,tbmc->tbmn", a, b),
    "einsum, outer product": lambda a, b: torch.einsum("tbnc,tbmd->tbncmd", a[:, :, :2], b[:, :, 3:5, :3]),
    "einsum of one token": lambda a, b: torch.einsum("tbc,tbnc->tbn", a[:, :, 0], b),
    "mask": lambda a, b: a * b,
    "mask per token": lambda a, b: a * b[..., :1],
    "mask per channel": lambda a, b: b[:, :, 2:3] * a,
    "mask of both kinds": lambda a, b: a[:, :, :1] * b[..., :1],
    "square": lambda a, b: (a + b) ** 2,
    "one minus": lambda a, b: a * (1 - b),
    "transposed operands": lambda a, b: a.transpose(2, 3) * b.transpose(2, 3),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_two_signals(name: str) -> None:
    network = checked(PRODUCTS[name])
    sides = [p.op.side for p in network.projections if isinstance(p.op, Factor)]
    assert sides.count("left") == sides.count("right") > 0


def _heads(x: Any) -> Any:
    return x.reshape(*x.shape[:3], 2, CHANNELS // 2).permute(0, 1, 3, 2, 4)


def _joined(x: Any) -> Any:
    return x.transpose(2, 3).reshape(STEPS, SAMPLES, TOKENS, CHANNELS)


REDUCTIONS: dict[str, tuple[Operation, list[str]]] = {
    "tokens": (lambda a, b: a.sum(2), ["Reduce"]),
    "channels": (lambda a, b: a.mean(-1, keepdim=True), ["Reduce"]),
    "everything": (lambda a, b: a.sum((2, 3)), ["Reduce"]),
    "maximum": (lambda a, b: (a + b).amax(2), ["Reduce"]),
    "minimum": (lambda a, b: (a * torch.arange(8.0) - b).amin(2), ["Reduce"]),
    "maximum along": (lambda a, b: (a - 2 * b).max(2).values, ["Reduce"]),
    "heads": (lambda a, b: _heads(a).sum(-1), ["Reduce"]),
    "of a product": (lambda a, b: (a * b).sum(-2, keepdim=True) * a, ["Factor", "Reduce"]),
    "adaptive": (lambda a, b: F.adaptive_avg_pool1d(a.flatten(0, 1), 1), ["Reduce"]),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    operation, expected = REDUCTIONS[name]
    found = {"Reduce" if kind == "Pool" else kind for kind in kinds(checked(operation))}
    assert found - {"Wiring"} == set(expected)


def _map(x: Any) -> Any:
    """Tokens as pixels, channels first: (steps, samples, 8, 2, 3)."""
    return x.transpose(2, 3).reshape(STEPS, SAMPLES, CHANNELS, 2, 3)


def _per_image(function: Callable[[Any], Any]) -> Operation:
    return lambda a, b: function(_map(a).flatten(0, 1)).unflatten(0, (STEPS, SAMPLES))


MOVES: dict[str, Operation] = {
    "concat of channels": lambda a, b: torch.cat([a, b], -1),
    "concat of tokens": lambda a, b: torch.cat([a[:, :, 1:3], b, a], 2),
    "concat with a constant": lambda a, b: torch.cat([a, torch.ones(STEPS, SAMPLES, TOKENS, 2)], -1),
    "stack": lambda a, b: torch.stack([a, b, a], 2),
    "chunk": lambda a, b: a.chunk(2, -1)[1] + b.chunk(2, -1)[0],
    "split": lambda a, b: b.split([3, 5], -1)[1],
    "unbind": lambda a, b: a.unflatten(-1, (2, 4)).unbind(3)[1],
    "roll": lambda a, b: a.roll(2, 2) + b.roll((1, -1), (2, 3)),
    "flip": lambda a, b: a.flip(-1),
    "index": lambda a, b: a[:, :, [4, 0, 4]],
    "expand": lambda a, b: a[:, :, :1].expand(-1, -1, 4, -1) + b[:, :, 2:],
    "repeat": lambda a, b: a.repeat(1, 1, 2, 1),
    "repeat_interleave": lambda a, b: a.repeat_interleave(2, dim=3),
    "broadcast sum": lambda a, b: a[:, :, :, :1] + b[:, :, :1],
    "sum of other orders": lambda a, b: a.permute(0, 1, 3, 2) + b.permute(0, 1, 3, 2).contiguous(),
    "sum of crossed orders": lambda a, b: a.reshape(STEPS, SAMPLES, 8, 6) + b.transpose(2, 3),
    "moved axes": lambda a, b: a.movedim(1, 0).movedim((2, 3), (3, 2)).transpose(0, 1),
    "constant per token and channel": lambda a, b: a * torch.arange(48.0).reshape(6, 8) + torch.arange(6.0)[:, None],
    "constant that enlarges": lambda a, b: (a + b)[..., 3:4] * torch.arange(1.0, 4.0),
    "zeros around": _per_image(lambda x: F.pad(x, (1, 2, 0, 1))),
    "a number around": _per_image(lambda x: F.pad(x, (1, 1), value=0.5)),
    "mirrored border": _per_image(lambda x: F.pad(x, (1, 1, 1, 0), mode="reflect")),
    "negative border": _per_image(lambda x: F.pad(x, (-1, 0, 0, 2))),
    "part overwritten": lambda a, b: _overwritten(a.clone(), b),
    "nearest": _per_image(lambda x: F.interpolate(x, scale_factor=2, mode="nearest")),
    "nearest, other size": _per_image(lambda x: F.interpolate(x, size=(3, 5), mode="nearest")),
    "bilinear": _per_image(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "bilinear, corners": _per_image(lambda x: F.interpolate(x, size=(3, 5), mode="bilinear", align_corners=True)),
    "adaptive pooling that does not divide": _per_image(lambda x: F.adaptive_avg_pool2d(x, (2, 2))),
    "average without the padding": _per_image(lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)),
    "average cut at the border": _per_image(lambda x: F.avg_pool2d(x, 2, ceil_mode=True)),
    "maximum cut at the border": _per_image(lambda x: F.max_pool2d(x - 0.5, 2, ceil_mode=True)),
    "pixels to channels": _per_image(lambda x: F.pixel_unshuffle(F.pad(x, (0, 1)), 2)),
}


def _overwritten(a: Any, b: Any) -> Any:
    a[:, :, 1:3] = b[:, :, :2]
    a[:, :, 0, ::2] = 0.25
    return a


@pytest.mark.parametrize("name", MOVES)
def test_moves(name: str) -> None:
    tolerance = 1e-6 if "bilinear" in name or "average" in name or "adaptive" in name else 0.0
    network = checked(MOVES[name], tolerance)
    allowed = {"Wiring", "Sparse", "Pool", "Conv", "Linear"}
    assert set(kinds(network)) <= allowed


MAPS: dict[str, tuple[Callable[[Any, Any, Any], Any], type]] = {
    "linear of every token": (lambda a, b, m: m["tokens"](a), Conv),
    "linear of one token": (lambda a, b, m: m["tokens"](a[:, :, 2]), Linear),
    "matrix from the left": (lambda a, b, m: m["tokens"].weight @ a.transpose(-1, -2), Conv),
    "matrix from the right": (lambda a, b, m: a @ m["tokens"].weight.t(), Conv),
    "convolution": (lambda a, b, m: m["conv"](_map(a).flatten(0, 1)), Conv),
    "convolution of joined halves": (
        lambda a, b, m: m["conv"](torch.cat([_map(a)[:, :, :4], _map(b)[:, :, 4:]], 2).flatten(0, 1)),
        Conv,
    ),
    "transposed convolution": (lambda a, b, m: m["up"](_map(a).flatten(0, 1)), Conv),
    "normalisation in front of a convolution": (lambda a, b, m: m["conv"](m["bn"](_map(a).flatten(0, 1))), Conv),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps(name: str) -> None:
    operation, kind = MAPS[name]
    network = checked(operation)
    assert any(type(p.op) is kind for p in network.projections if p.name.startswith("last"))


HOSTED: dict[str, tuple[Callable[[Any, Any, Any], Any], set[str]]] = {
    "softmax over tokens": (lambda a, b, m: (a @ b.transpose(-1, -2)).softmax(-1) @ b, {"softmax"}),
    "attention": (lambda a, b, m: F.scaled_dot_product_attention(_heads(a), _heads(b), _heads(a)), {"softmax"}),
    "scaled causal attention": (
        lambda a, b, m: F.scaled_dot_product_attention(a, b, a, is_causal=True, scale=0.5),
        {"softmax"},
    ),
    "masked attention": (
        lambda a, b, m: F.scaled_dot_product_attention(a, b, b, torch.arange(36).reshape(6, 6) % 5 > 1),
        {"softmax"},
    ),
    "multi-head attention": (lambda a, b, m: _attended(m["heads"], a, b, need_weights=False), {"softmax"}),
    "masked multi-head attention": (
        lambda a, b, m: _attended(m["heads"], a, b, attn_mask=torch.full((6, 6), -torch.inf).triu(1)),
        {"softmax"},
    ),
    "softmax over another axis": (lambda a, b, m: (a + b).softmax(2), {"softmax"}),
    "log softmax": (lambda a, b, m: (a + b).log_softmax(-1), {"log_softmax"}),
    "layer norm": (lambda a, b, m: m["norm"](a + b), {"layer_norm"}),
    "group norm": (lambda a, b, m: m["groups"](_map(a).flatten(0, 1)), {"layer_norm"}),
    "gelu": (lambda a, b, m: F.gelu(m["tokens"](a)), {"gelu"}),
    "sigmoid gate": (lambda a, b, m: torch.sigmoid(m["tokens"](a)) * b[..., :5], {"sigmoid"}),
    "relu and clamp": (lambda a, b, m: F.relu(a - b) + torch.clamp(a - b, -0.5, 0.25), {"relu", "clamp"}),
    "tanh, silu, exp": (
        lambda a, b, m: torch.tanh(a + b) + F.silu(a - b) + torch.exp(-a),
        {"tanh", "silu", "exp"},
    ),
    "division of signals": (lambda a, b, m: a / (1 + b), {"reciprocal"}),
    "square root": (lambda a, b, m: torch.sqrt(a + b) + (a + 1).pow(1.5), {"sqrt", "power"}),
}


def _attended(heads: Any, a: Any, b: Any, **options: Any) -> Any:
    return heads(a.flatten(0, 1), *(b.flatten(0, 1),) * 2, **options)[0].unflatten(0, (STEPS, SAMPLES))


@pytest.mark.parametrize("name", HOSTED)
def test_functions_of_the_host(name: str) -> None:
    operation, functions = HOSTED[name]
    network = checked(operation, 2e-6)
    assert {p.op.function for p in network.projections if isinstance(p.op, Host)} == functions
    for function in functions:
        assert any(text.startswith(f"{function} in last") and "on the host" in text for text in network.assumptions)


REFUSED: dict[str, tuple[Operation, str]] = {
    "dropout": (lambda a, b: F.scaled_dot_product_attention(a, b, b, dropout_p=0.1), "dropout_p=0.1 is random"),
    "mask of the input": (lambda a, b: F.scaled_dot_product_attention(a, b, b, a @ b.mT), "only constant masks"),
    "no key": (
        lambda a, b: F.scaled_dot_product_attention(a, b, b, torch.arange(6)[:, None].expand(6, 6) > 0),
        "a row of the attention mask leaves no key",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_attention_that_is_refused(name: str) -> None:
    operation, why = REFUSED[name]
    with pytest.raises(InputError, match=why):
        freeze(Net(operation).eval(), torch.rand(STEPS, SAMPLES, TOKENS, CHANNELS))
