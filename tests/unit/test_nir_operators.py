"""NIR's linear nodes: what they compute, and the shapes that other readers get wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.nir import read_nir
from neurocomp.network import Conv, Linear, Network, OneToOne, Pool
from tests.nir_files import chain, graph, lif, node, sink, source, write

RNG = np.random.default_rng(7)


def read(tmp_path: Path, *between: tuple[str, dict[str, Any]], shape: tuple[int, ...], **options: Any) -> Network:
    root = chain(("input", source(*shape)), *between, ("output", sink(1)))
    return read_nir(write(tmp_path / "net.nir", root), **options)


def response(network: Network, x: np.ndarray) -> np.ndarray:
    """Output of the network for one sample of one step."""
    output = execute(network, x[None, None].astype(np.float32)).output
    assert output is not None
    return output[0, 0]


def conv(weight: np.ndarray, **changed: Any) -> dict[str, Any]:
    axes = weight.ndim - 2
    given = {
        "stride": [1] * axes,
        "padding": [0] * axes,
        "dilation": [1] * axes,
        "groups": 1,
        "bias": np.zeros(weight.shape[0], np.float32),
    }
    return node(f"Conv{axes}d", weight=weight, **{**given, **changed})


def torch_conv(x: np.ndarray, weight: np.ndarray, **options: Any) -> np.ndarray:
    torch = pytest.importorskip("torch")
    function = torch.nn.functional.conv1d if weight.ndim == 3 else torch.nn.functional.conv2d
    return function(torch.tensor(x)[None], torch.tensor(weight), **options)[0].numpy()


CONVOLUTIONS = {
    "not square": ((4, 2, 3, 5), {}, {}),
    "stride and padding per axis": (
        (4, 2, 3, 3),
        {"stride": [2, 1], "padding": [0, 2]},
        {"stride": (2, 1), "padding": (0, 2)},
    ),
    "one number for both axes": (
        (4, 2, 3, 3),
        {"stride": 2, "padding": 1, "dilation": np.array([2])},
        {"stride": 2, "padding": 1, "dilation": 2},
    ),
    "grouped": ((4, 1, 3, 3), {"groups": 2}, {"groups": 2}),
    "valid": ((4, 2, 3, 3), {"padding": "valid"}, {}),
    "same": ((4, 2, 3, 5), {"padding": "same"}, {"padding": "same"}),
    "same, even kernel": ((4, 2, 4, 2), {"padding": "same"}, {"padding": "same"}),
    "same, dilated": ((4, 2, 3, 3), {"padding": "same", "dilation": [2, 1]}, {"padding": "same", "dilation": (2, 1)}),
    "same, even kernel, dilated": (
        (4, 2, 2, 4),
        {"padding": "same", "dilation": [3, 3]},
        {"padding": "same", "dilation": (3, 3)},
    ),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_2d(tmp_path: Path, name: str) -> None:
    shape, given, options = CONVOLUTIONS[name]
    weight = RNG.normal(size=shape).astype(np.float32)
    x = RNG.normal(size=(2, 9, 8)).astype(np.float32)
    network = read(tmp_path, ("conv", conv(weight, **given)), shape=x.shape)
    np.testing.assert_allclose(response(network, x), torch_conv(x, weight, **options), atol=1e-5)


@pytest.mark.parametrize("padding", [[1], "same", "valid"])
def test_convolution_1d(tmp_path: Path, padding: Any) -> None:
    weight = RNG.normal(size=(4, 2, 4)).astype(np.float32)
    x = RNG.normal(size=(2, 11)).astype(np.float32)
    network = read(tmp_path, ("conv", conv(weight, padding=padding)), shape=x.shape)
    expected = torch_conv(x, weight, padding=padding[0] if isinstance(padding, list) else padding)
    np.testing.assert_allclose(response(network, x), expected, atol=1e-5)


def test_a_wrong_or_missing_input_shape_does_not_matter(tmp_path: Path) -> None:
    weight = RNG.normal(size=(4, 2, 3, 3)).astype(np.float32)
    network = read(tmp_path, ("conv", conv(weight, input_shape=[99, 1])), shape=(2, 5, 6))
    assert network.by_name["conv"].shape == (4, 3, 4)


def test_kernels_are_not_copied_per_synapse(tmp_path: Path) -> None:
    network = read(tmp_path, ("conv", conv(np.ones((4, 2, 3, 3), np.float32))), ("lif", lif()), shape=(2, 20, 20))
    (projection,) = network.projections
    assert isinstance(projection.op, Conv)
    assert (projection.name, projection.source, projection.target) == ("conv", "input", "lif")
    assert projection.op.weight.size == 72


def test_affine_adds_its_bias_at_every_step(tmp_path: Path) -> None:
    weight, bias = RNG.normal(size=(3, 4)), RNG.normal(size=3)
    network = read(tmp_path, ("fc", node("Affine", weight=weight, bias=bias)), shape=(4,))
    x = RNG.normal(size=(1, 2, 4)).astype(np.float32)
    output = execute(network, x).output
    assert output is not None
    np.testing.assert_allclose(output[0], x[0] @ weight.T + bias, atol=1e-5)


def test_bias_moves_to_the_neurons_that_it_feeds(tmp_path: Path) -> None:
    fc = node("Affine", weight=np.eye(3), bias=np.array([1.0, 2.0, 3.0]))
    network = read(tmp_path, ("fc", fc), ("lif", lif()), shape=(3,))
    bias = network.by_name["lif"].bias
    assert bias is not None
    assert bias.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("scale", [2.0, np.array([1.0, 2.0]), np.arange(8.0).reshape(2, 4), np.array([[1.0], [3.0]])])
def test_scale(tmp_path: Path, scale: Any) -> None:
    network = read(tmp_path, ("scale", node("Scale", scale=scale)), shape=(2, 4))
    x = RNG.normal(size=(2, 4)).astype(np.float32)
    per_channel = np.asarray(scale).reshape(2, 1) if np.shape(scale) == (2,) else scale
    np.testing.assert_allclose(response(network, x), x * per_channel, rtol=1e-6)


@pytest.mark.parametrize(("kind", "divisor"), [("SumPool2d", 1), ("AvgPool2d", 4)])
def test_pooling(tmp_path: Path, kind: str, divisor: int) -> None:
    pool = node(kind, kernel_size=[2, 2], stride=[2, 2], padding=[0, 0])
    network = read(tmp_path, ("pool", pool), shape=(3, 4, 6))
    x = RNG.normal(size=(3, 4, 6)).astype(np.float32)
    expected = x.reshape(3, 2, 2, 3, 2).sum(axis=(2, 4)) / divisor
    np.testing.assert_allclose(response(network, x), expected, atol=1e-6)
    assert isinstance(network.projections[0].op, Pool)


ALL_AXES = [{}, {"start_dim": 0}, {"start_dim": 1, "end_dim": -1}, {"start_dim": 1, "end_dim": 3}]


@pytest.mark.parametrize("given", ALL_AXES)
def test_flatten_counts_a_batch_axis_or_not(tmp_path: Path, given: dict[str, int]) -> None:
    network = read(
        tmp_path, ("flat", node("Flatten", **given)), ("fc", node("Linear", weight=np.ones((2, 24)))), shape=(2, 3, 4)
    )
    (projection,) = network.projections
    assert isinstance(projection.op, Linear)


def test_flatten_of_some_axes(tmp_path: Path) -> None:
    network = read(tmp_path, ("flat", node("Flatten", start_dim=1, end_dim=2)), ("lif", lif()), shape=(2, 3, 4, 5))
    assert network.by_name["lif"].shape == (2, 12, 5)


def test_flat_order_is_channel_first(tmp_path: Path) -> None:
    weight = RNG.normal(size=(2, 24)).astype(np.float32)
    network = read(tmp_path, ("flat", node("Flatten")), ("fc", node("Linear", weight=weight)), shape=(2, 3, 4))
    x = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(response(network, x), weight @ x.reshape(-1), atol=1e-5)


def test_equal_delays_lie_on_the_projection(tmp_path: Path) -> None:
    network = read(tmp_path, ("wait", node("Delay", delay=np.full(3, 3.02e-3))), ("lif", lif()), shape=(3,), dt_s=1e-3)
    (projection,) = network.projections
    assert (projection.delay, projection.source, projection.target) == (3, "input", "lif")


def test_delays_per_element(tmp_path: Path) -> None:
    network = read(tmp_path, ("wait", node("Delay", delay=np.array([0.0, 2e-4, 1e-4]))), shape=(3,))
    x = np.zeros((1, 5, 3), np.float32)
    x[0, 0] = [1.0, 2.0, 3.0]
    output = execute(network, x).output
    assert output is not None
    assert output[0].T.tolist() == [[1, 0, 0, 0, 0], [0, 0, 2, 0, 0], [0, 3, 0, 0, 0]]


def test_a_delay_behind_a_bias_delays_the_bias_too(tmp_path: Path) -> None:
    fc = node("Affine", weight=np.eye(2), bias=np.array([1.0, 2.0]))
    network = read(tmp_path, ("fc", fc), ("wait", node("Delay", delay=2e-4)), shape=(2,))
    output = execute(network, np.zeros((1, 4, 2), np.float32)).output
    assert output is not None
    assert output[0, :, 1].tolist() == [0, 0, 2, 2]


def test_values_of_several_edges_are_added_before_the_operator(tmp_path: Path) -> None:
    nodes = {
        "input": source(3),
        "a": node("Scale", scale=2.0),
        "b": node("Scale", scale=-5.0),
        "fc": node("Linear", weight=np.arange(6.0).reshape(2, 3)),
        "output": sink(2),
    }
    edges = [("input", "a"), ("input", "b"), ("input", "fc"), ("a", "fc"), ("b", "fc"), ("fc", "output")]
    network = read_nir(write(tmp_path / "net.nir", graph(nodes, edges)))
    assert sum(isinstance(p.op, Linear) for p in network.projections) == 1
    x = RNG.normal(size=3).astype(np.float32)
    np.testing.assert_allclose(response(network, x), np.arange(6.0).reshape(2, 3) @ (-2.0 * x), atol=1e-5)


@pytest.mark.parametrize(("declared", "kept"), [((1, 1, 20), (20,)), ((256, 20), (20,)), ((20,), (20,))])
def test_batch_and_time_axes_of_the_input_are_dropped(
    tmp_path: Path, declared: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    network = read(tmp_path, ("fc", node("Linear", weight=np.ones((2, 20)))), shape=declared)
    assert network.by_name["input"].shape == kept
    assert any("batch" in sentence for sentence in network.assumptions) == (declared != kept)


def test_a_batch_axis_before_a_convolution_is_dropped(tmp_path: Path) -> None:
    weight = np.ones((4, 2, 3, 3), np.float32)
    assert read(tmp_path, ("conv", conv(weight)), shape=(1, 2, 34, 34)).by_name["input"].shape == (2, 34, 34)


def test_one_channel_is_no_batch_axis(tmp_path: Path) -> None:
    weight = np.ones((4, 1, 3, 3), np.float32)
    assert read(tmp_path, ("conv", conv(weight)), shape=(1, 28, 28)).by_name["input"].shape == (1, 28, 28)
    flat = (("flat", node("Flatten")), ("fc", node("Linear", weight=np.ones((2, 784)))))
    assert read(tmp_path, *flat, shape=(1, 28, 28)).by_name["input"].shape == (1, 28, 28)


def test_scale_of_one_stays_a_plain_copy(tmp_path: Path) -> None:
    network = read(tmp_path, ("scale", node("Scale", scale=np.ones(4))), ("lif", lif()), shape=(4,))
    (projection,) = network.projections
    assert isinstance(projection.op, OneToOne)
    assert projection.op.scale == 1.0


BAD = {
    "transposed": (node("Linear", weight=np.ones((4, 2))), "expects 2 sources but gets 4; the weight looks transposed"),
    "three axes": (node("Linear", weight=np.ones((1, 2, 4))), "weight has shape (1, 2, 4)"),
    "empty weight": (node("Linear", weight=np.ones((0, 4))), "none of them empty"),
    "conv on a vector": (conv(np.ones((1, 1, 3, 3), np.float32)), "needs a source of 3 axes, not 4"),
    "stride 0": (conv(np.ones((1, 4, 1), np.float32), stride=[0]), "stride is (0,); at least 1 is needed"),
    "padding text": (conv(np.ones((1, 4, 1), np.float32), padding="full"), "padding is 'full'"),
    "same with stride": (conv(np.ones((1, 4, 1), np.float32), padding="same", stride=[2]), "does not go with stride"),
    "endless stride": (conv(np.ones((1, 4, 1), np.float32), stride=[np.inf]), "stride is not 1 whole numbers: [inf]"),
    "half a stride": (conv(np.ones((1, 4, 1), np.float32), stride=[0.5]), "stride is not 1 whole numbers: [0.5]"),
    "bias": (node("Affine", weight=np.ones((2, 4)), bias=np.ones(3)), "bias has shape (3,), which does not suit (2,)"),
    "scale shape": (node("Scale", scale=np.ones(3)), "scale has shape (3,), which does not suit (4,)"),
    "negative delay": (node("Delay", delay=-1.0), "delay runs from -1 to -1 s"),
    "endless delay": (node("Delay", delay=1e9), "must lie within 0 and 1048576 steps"),
    "flatten axes": (node("Flatten", start_dim=3, end_dim=5), "cannot flatten axes 3 to 5 of (4,)"),
}


@pytest.mark.parametrize("name", BAD)
def test_faulty_nodes_are_named(tmp_path: Path, name: str) -> None:
    faulty, message = BAD[name]
    with pytest.raises(InputError) as caught:
        read(tmp_path, ("faulty", faulty), shape=(4,))
    assert f"net.nir: faulty ({faulty['type']}): " in str(caught.value)
    assert message in str(caught.value)


def test_a_padding_without_end_is_refused_before_a_bias_is_spread_over_it(tmp_path: Path) -> None:
    wide = node(
        "Conv2d", weight=np.ones((3, 2, 3, 3)), stride=[1, 1], padding=[2**15, 2**15], dilation=[1, 1], groups=1,
        bias=np.arange(3.0),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"wide \(Conv2d\): has shape \(3, 65539, 65539\); 1 to 134,217,728 elements"):
        read(tmp_path, ("wide", wide), shape=(2, 5, 5))
