"""Spiking transformers, small: every spike of every layer against torch, on weights whose sums are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurocomp.network import Network
from neurocomp.network.ops import Factor, Host
from tests.freezing import check_compiled, check_model, grid_input, on_a_grid
from tests.models.zoo import model_zoo

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional  # noqa: E402

from tests.models import transformers  # noqa: E402


def frozen(module: Any, *shape: int) -> Network:
    functional.set_step_mode(module, "m")
    network, sites = check_model(on_a_grid(module, gain=4.0), grid_input(*shape))
    assert sites > 10_000
    assert not any(isinstance(p.op, Host) for p in network.projections)
    return network


def products(network: Network) -> int:
    return sum(isinstance(p.op, Factor) and p.op.side == "left" for p in network.projections)


ZOO: dict[str, tuple[Callable[[Any], Any], int, int]] = {
    # name: (how it is made, pixels, products of two signals)
    "Spikformer": (
        lambda zoo: zoo("spikformer").Spikformer(
            T=2, img_size_h=64, img_size_w=64, in_channels=3, num_classes=10, embed_dims=32, num_heads=4, depths=2
        ),
        64,
        4,
    ),
    "Spike-driven Transformer": (
        lambda zoo: zoo("spike_driven_transformer").SpikeDrivenTransformer(
            T=3, embed_dims=32, num_heads=4, depths=2, num_classes=10
        ),
        32,
        4,
    ),
    "QKFormer, token attention": (
        lambda zoo: zoo("qkformer").QKFormer(T=2, embed_dims=32, num_heads=(2, 4, 4), depths=(1, 1, 1), num_classes=10),
        32,
        4,
    ),
    "QKFormer, channel attention": (
        lambda zoo: zoo("qkformer").QKFormer(
            T=2, embed_dims=32, num_heads=(2, 4, 4), depths=(1, 1, 1), num_classes=10, qka_type="channel"
        ),
        32,
        4,
    ),
    "MaxFormer": (lambda zoo: zoo("maxformer").MaxFormer(T=2, embed_dims=32, depths=(1, 1, 1), num_classes=10), 32, 2),
    "MaxFormer for CIFAR": (
        lambda zoo: zoo("maxformer").MaxFormer(T=2, embed_dims=32, depths=(1, 1, 1), num_classes=10, cifar=True),
        16,
        2,
    ),
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name: str) -> None:
    make, pixels, count = ZOO[name]
    with model_zoo() as zoo:
        model = make(zoo)
    network = frozen(model, 1, 3, pixels, pixels)
    assert products(network) == count
    check_compiled(network, 0.03 if name.startswith("MaxFormer") else 0.0)


def test_spikingformer() -> None:
    network = frozen(transformers.Spikingformer(), 2, 3, 16, 16)
    assert products(network) == 4
    check_compiled(network, 0.0)


def test_meta_spikeformer() -> None:
    network = frozen(transformers.MetaSpikeFormer(), 2, 3, 16, 16)
    assert products(network) == 2
    # the border that is overwritten with what normalisation makes of zero is padding and a bias again
    depthwise = next(p for p in network.projections if p.name == "attention.q_conv.0.body.2")
    assert depthwise.source == "attention.q_conv.0.body.0"
    assert (depthwise.op.padding, depthwise.op.groups) == ((1, 1), 32)
    assert network.by_name["attention.q_lif"].bias is not None
    check_compiled(network, 0.001)  # three convolutions in a row


def test_spiking_resformer() -> None:
    network = frozen(transformers.SpikingResformer(), 1, 3, 64, 64)
    assert products(network) == 4
    check_compiled(network, 0.001)
