"""lava-dl files: each kind of layer and neuron parameter against lava's integer arithmetic written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.lava import read_lava
from neurocomp.network import Conv, Integer, Linear, Network, Sparse
from tests.lava_files import CUBA, conv, layer, spikes_in, write

RNG = np.random.default_rng(5)
STEPS = 60


def read(tmp_path: Path, *layers: dict[str, Any]) -> Network:
    return read_lava(write(tmp_path / "net.net", *layers))


def output(network: Network, x: np.ndarray) -> np.ndarray:
    found = execute(network, x[None].astype(np.float32)).output
    assert found is not None
    return found[0]


def spikes(*shape: int) -> np.ndarray:
    return RNG.random((STEPS, *shape)) < 0.3


def even_weights(*shape: int, most: int = 60) -> np.ndarray:
    """Loihi weights as lava-dl stores them: even integers in float32."""
    return (2 * RNG.integers(-most // 3, most // 2, shape)).astype(np.float32)


def toward_zero(product: np.ndarray) -> np.ndarray:
    return np.sign(product) * (np.abs(product) >> 12)


def lava_lif(
    currents: np.ndarray,
    *,
    bias: np.ndarray | int = 0,
    i_decay: Any = 4096,
    v_decay: Any = 1024,
    mantissa: Any = 25,
    refractory: int = 1,
    exponent: int = 0,
    recurrent: np.ndarray | None = None,
) -> np.ndarray:
    """Spikes of lava's fixed-point LIF for summed weights ``currents`` (steps, neurons)."""
    n = currents.shape[1]
    u, v, wait, s, found = (np.zeros(n, np.int64) for _ in range(4)), None, None, None, []
    u, v, wait, s = u
    for a in currents.astype(np.int64):
        total = a if recurrent is None else a + recurrent.astype(np.int64) @ s
        u = toward_zero(u * (4096 - i_decay)) + (total << 6 + exponent)
        v = toward_zero(v * (4096 - v_decay)) + u + (np.asarray(bias, np.int64) << 6)
        v = np.where(wait > 0, 0, v)
        s = (v > (np.asarray(mantissa) << 6)).astype(np.int64)
        v = np.where(s > 0, 0, v)
        wait = np.where(s > 0, refractory - 1, np.maximum(wait - 1, 0))
        found.append(s)
    return np.array(found)


NEURONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "current": ({"iDecay": 1000, "vDecay": 300}, {"i_decay": 1000, "v_decay": 300}),
    "refractory": ({"refDelay": 4}, {"refractory": 4}),
    "weight exponent": ({"wgtExp": 2}, {"exponent": 2}),
    "negative weight exponent": ({"wgtExp": -3, "vThMant": 4}, {"exponent": -3, "mantissa": 4}),
    "per neuron": (
        {"iDecay": np.array([4096, 2000, 10]), "vThMant": np.array([10, 30, 90])},
        {"i_decay": np.array([4096, 2000, 10]), "mantissa": np.array([10, 30, 90])},
    ),
}


@pytest.mark.parametrize("bias", [None, np.array([4.0, -6.0, 30.0])])
@pytest.mark.parametrize("name", NEURONS)
def test_neurons(tmp_path: Path, name: str, bias: np.ndarray | None) -> None:
    given, expected = NEURONS[name]
    weight, x = even_weights(3, 8), spikes(8)
    datasets = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    network = read(tmp_path, spikes_in(8, 1, 1), layer("dense", (3, 1, 1), neuron={**CUBA, **given}, **datasets))
    found = output(network, x)
    assert np.array_equal(found, lava_lif(x @ weight.T, bias=0 if bias is None else bias.astype(int), **expected))
    assert 5 < found.sum() < found.size


def test_layers_with_different_exponents_share_one_shift(tmp_path: Path) -> None:
    w1, w2, x = even_weights(6, 8), even_weights(3, 6), spikes(8)
    fast, slow = {**CUBA, "wgtExp": 1}, {**CUBA, "wgtExp": -2, "vThMant": 6}
    network = read(
        tmp_path,
        spikes_in(8, 1, 1),
        layer("dense", (6, 1, 1), neuron=fast, weight=w1),
        layer("dense", (3, 1, 1), neuron=slow, weight=w2),
    )
    hidden = lava_lif(x @ w1.T, exponent=1)
    assert np.array_equal(output(network, x), lava_lif(hidden @ w2.T, exponent=-2, mantissa=6))
    assert isinstance(network.arithmetic, Integer)
    assert network.arithmetic.state_shift == 4


def by_hand(
    x: np.ndarray,
    weight: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> np.ndarray:
    """Integer convolution (steps, out, height, width), tap by tap."""
    steps, c, h, w = x.shape
    out, per_group, kh, kw = weight.shape
    padded = np.zeros((steps, c, h + 2 * padding[0], w + 2 * padding[1]), np.int64)
    padded[:, :, padding[0] : padding[0] + h, padding[1] : padding[1] + w] = x
    rows, columns = (padded.shape[2] - kh) // stride[0] + 1, (padded.shape[3] - kw) // stride[1] + 1
    found = np.zeros((steps, out, rows, columns), np.int64)
    for o in range(out):
        first = o // (out // groups) * per_group
        for i, j in np.ndindex(rows, columns):
            top, left = i * stride[0], j * stride[1]
            window = padded[:, first : first + per_group, top : top + kh, left : left + kw]
            found[:, o, i, j] = (window * weight[o].astype(np.int64)).sum(axis=(1, 2, 3))
    return found


@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolution_keeps_channels_height_width(tmp_path: Path, groups: int, time_axis: bool) -> None:
    weight, x = even_weights(4, 4 // groups, 3, 2), spikes(4, 7, 5)
    expected = by_hand(x, weight, (2, 1), (1, 0), groups)
    stored = weight[..., None] if time_axis else weight
    network = read(
        tmp_path, spikes_in(4, 7, 5), conv(expected.shape[1:], stored, stride=[2, 1], padding=[1, 0], groups=groups)
    )
    (projection,) = network.projections
    assert isinstance(projection.op, Conv)
    found = output(network, x)
    assert np.array_equal(found, lava_lif(expected.reshape(STEPS, -1)).reshape(found.shape))
    assert found.any()


def test_pooling_sums_with_its_weight(tmp_path: Path) -> None:
    x = spikes(3, 4, 4)
    pool = layer("pool", (3, 2, 2), weight=np.full((1, 1, 2, 2, 1), 20.0), stride=[2, 2])
    sums = x.reshape(STEPS, 3, 2, 2, 2, 2).sum(axis=(3, 5)) * 20
    found = output(read(tmp_path, spikes_in(3, 4, 4), pool), x)
    assert np.array_equal(found, lava_lif(sums.reshape(STEPS, -1)).reshape(found.shape))


def test_dense_behind_a_map_reads_it_channel_first(tmp_path: Path) -> None:
    x, weight = spikes(2, 3, 4), even_weights(5, 24)
    flat = layer("flatten", (24, 1, 1), neuron=None)
    network = read(tmp_path, spikes_in(2, 3, 4), flat, layer("dense", (5, 1, 1), weight=weight))
    assert np.array_equal(output(network, x), lava_lif(x.reshape(STEPS, -1) @ weight.T))
    assert [p.name for p in network.populations] == ["input", "2_dense"]


def test_recurrent_spikes_arrive_one_step_later(tmp_path: Path) -> None:
    x, weight, back = spikes(6), even_weights(4, 6), even_weights(4, 4)
    network = read(tmp_path, spikes_in(6, 1, 1), layer("dense_rec", (4, 1, 1), weight=weight, weight_rec=back))
    assert np.array_equal(output(network, x), lava_lif(x @ weight.T, recurrent=back))
    assert [(p.source, p.target, p.delay) for p in network.projections] == [
        ("input", "1_dense_rec", 0),
        ("1_dense_rec", "1_dense_rec", 1),
    ]


@pytest.mark.parametrize("delays", [np.array([3.0]), np.array([0.0, 2.0, 5.0, 2.0])])
def test_axonal_delays(tmp_path: Path, delays: np.ndarray) -> None:
    x, w1, w2 = spikes(6), even_weights(4, 6), even_weights(3, 4)
    network = read(
        tmp_path,
        spikes_in(6, 1, 1),
        layer("dense", (4, 1, 1), weight=w1, delay=delays),
        layer("dense", (3, 1, 1), weight=w2),
    )
    hidden, late = lava_lif(x @ w1.T), np.zeros((STEPS, 4), np.int64)
    for k, d in enumerate(np.broadcast_to(delays.astype(int), 4)):
        late[d:, k] = hidden[: STEPS - d, k]
    assert np.array_equal(output(network, x), lava_lif(late @ w2.T))
    copied = sum(p.op.indices.size for p in network.projections if isinstance(p.op, Sparse))
    assert copied == (4 if delays.size > 1 else 0)  # every neuron has one delay, not all of them


def test_fractions_of_delays_are_told(tmp_path: Path) -> None:
    weight = even_weights(4, 4)
    first = layer("dense", (4, 1, 1), weight=weight, delay=np.array([0.0, 1.5, 2.0, 2.0]))
    network = read(tmp_path, spikes_in(4, 1, 1), first, layer("dense", (4, 1, 1), weight=weight))
    assert "layer 1 (dense): delays are rounded down to whole steps" in network.assumptions
    assert sorted({p.delay for p in network.projections}) == [0, 1, 2]


def test_axonal_delays_pass_through_averages_and_leave_recurrence_alone(tmp_path: Path) -> None:
    weight, back = even_weights(6, 4), even_weights(6, 6)
    recurrent = layer("dense_rec", (6, 1, 1), weight=weight, weight_rec=back, delay=np.array([2.0]))
    network = read(tmp_path, spikes_in(4, 1, 1), recurrent, layer("average", (2, 1, 1), neuron=None))
    steps = {(p.source, p.target): p.delay for p in network.projections}
    assert steps["1_dense_rec", "1_dense_rec"] == 1
    assert steps["1_dense_rec", "2_average"] == 2


def test_channels_of_a_map_may_have_delays(tmp_path: Path) -> None:
    weight = even_weights(2, 2, 3, 3)
    first = conv((2, 4, 4), weight, delay=np.array([1.0, 4.0]))
    network = read(tmp_path, spikes_in(2, 6, 6), first, conv((2, 2, 2), weight))
    x = spikes(2, 6, 6)
    hidden = lava_lif(by_hand(x, weight).reshape(STEPS, -1)).reshape(STEPS, 2, 4, 4)
    late = np.zeros_like(hidden)
    late[1:, 0], late[4:, 1] = hidden[:-1, 0], hidden[:-4, 1]
    found = output(network, x)
    assert np.array_equal(found, lava_lif(by_hand(late, weight).reshape(STEPS, -1)).reshape(found.shape))


def test_input_neurons_hear_the_weighted_image_plus_bias(tmp_path: Path) -> None:
    image = RNG.random((2, 3, 3))
    network = read(tmp_path, layer("input", (2, 3, 3), weight=np.array([[36.0]]), bias=np.array([[34.0]])))
    bias = np.rint(36 * image).astype(int).reshape(-1) + 34
    found = output(network, np.broadcast_to(image, (STEPS, 2, 3, 3)))
    assert np.array_equal(found.reshape(STEPS, -1), lava_lif(np.zeros((STEPS, 18), int), bias=bias))
    assert network.assumptions == (
        "input values x enter as round(36 x) into the neurons of layer 0 (lava-dl truncates)",
    )


def test_a_last_layer_that_never_fires_is_read_as_membrane(tmp_path: Path) -> None:
    weight, x = even_weights(3, 6), spikes(6)
    neuron = {**CUBA, "vThMant": 2**17 - 1, "vDecay": 0}
    network = read(tmp_path, spikes_in(6, 1, 1), layer("dense", (3, 1, 1), neuron=neuron, weight=weight))
    assert np.array_equal(output(network, x), np.cumsum(x @ weight.T, axis=0) * 64)
    assert network.assumptions == (
        "layer 1 (dense) never fires: its membrane is read out instead",
        "spikes reach the next layer in the step in which they are sent; lava-dl counts one step for each layer",
    )


def test_a_last_layer_without_neurons_sums_up(tmp_path: Path) -> None:
    weight, x = even_weights(3, 6), spikes(6)
    network = read(tmp_path, spikes_in(6, 1, 1), layer("dense", (3, 1, 1), neuron=None, weight=weight))
    assert np.array_equal(output(network, x), np.cumsum(x @ weight.T, axis=0) * 64)


def test_average_sums_its_groups(tmp_path: Path) -> None:
    weight, x = even_weights(6, 4), spikes(4)
    network = read(
        tmp_path, spikes_in(4, 1, 1), layer("dense", (6, 1, 1), weight=weight), layer("average", (2, 1, 1), neuron=None)
    )
    assert np.array_equal(output(network, x), lava_lif(x @ weight.T).reshape(STEPS, 2, 3).sum(axis=2))
    assert "layer 2 (average) sums groups of 3 elements instead of averaging" in network.assumptions


def test_weight_bits_do_not_count_a_common_factor(tmp_path: Path) -> None:
    def bits(*values: float) -> int:
        weight = np.array([values], np.float32)
        arithmetic = read(tmp_path, spikes_in(len(values), 1, 1), layer("dense", (1, 1, 1), weight=weight)).arithmetic
        assert isinstance(arithmetic, Integer)
        return arithmetic.weight_bits

    assert bits(-256, 254) == 8  # Loihi: 8 bits, the lowest of 9 always 0
    assert bits(-256, 253) == 9
    assert bits(2, -2) == 8


def test_weights_stay_kernels_and_matrices(tmp_path: Path) -> None:
    network = read(tmp_path, spikes_in(8, 1, 1), layer("dense", (3, 1, 1), weight=even_weights(3, 8).reshape(-1)))
    (projection,) = network.projections
    assert isinstance(projection.op, Linear)
    assert projection.op.weight.dtype == np.int32
    assert network.origin == "lava-dl"


W = even_weights(2, 4)


def dense(n: int = 2, weight: np.ndarray = W, **more: Any) -> dict[str, Any]:
    return layer("dense", (n, 1, 1), weight=weight, **more)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "fraction": (dense(2, W + 0.5), "weight holds values that are no integers"),
    "nan": (dense(2, W * np.nan), "weight holds NaN, infinite or huge values"),
    "sizes": (dense(2, even_weights(2, 5)), "the weight expects 5 sources but gets 4"),
    "uneven": (dense(3, even_weights(2, 4)), "has 8 weights, which cannot be shared out among 3"),
    "bias": (dense(bias=np.ones(3)), "has 3 bias values for (2,) neurons"),
    "large bias": (dense(bias=np.array([2.0**27, 1.0])), "has a bias of 134217728, which outgrows a neuron's state"),
    "huge bias": (dense(bias=np.array([2**40, 1])), "bias holds NaN, infinite or huge values"),
    "huge stride": (conv((4, 1, 1), np.ones((4, 4, 1, 1)), stride=[2**40, 1]), "stride holds NaN, infinite or huge"),
    "nan delay": (dense(delay=np.array([np.nan])), "from 0 to 62, are expected"),
    "graded": (dense(neuron={**CUBA, "gradedSpike": True}), "has graded spikes"),
    "type": (dense(neuron={**CUBA, "type": "RF"}), "has neurons of type 'RF'; LOIHI and CUBA"),
    "decay": (dense(neuron={**CUBA, "vDecay": 5000}), "neuron/vDecay is [5000]"),
    "lacks": (dense(neuron={"type": "CUBA", "iDecay": 1, "vDecay": 1}), "lacks the neuron parameter vThMant"),
    "no weight": (layer("dense", (2, 1, 1)), "has no weight"),
    "kind": (layer("convT", (2, 1, 1), weight=W), "is of type 'convT'; input, dense"),
    "entry": (dense(weightExponent=3), "has an entry 'weightExponent' of unknown meaning"),
    "shape": (layer("dense", (2, 0, 1), weight=W), "shape is [2, 0, 1]"),
    "kernel": (conv((2, 1, 1), W), "has a kernel of shape (2, 4)"),
    "flatten": (layer("flatten", (5, 1, 1), neuron=None), "flattens to 5 elements, but 4 arrive"),
    "average": (layer("average", (3, 1, 1), neuron=None), "averages 4 elements into 3 groups"),
    "second input": (spikes_in(4, 1, 1), "is an input behind other layers"),
    "delay": (dense(delay=np.array([63.0])), "from 0 to 62, are expected"),
    "weights": (dense(2, W * 2000), "those of Loihi are at most 256"),
    "refractory": (dense(neuron={**CUBA, "refDelay": np.array([1, 2])}), "has several refractory delays (refDelay)"),
    "recurrent": (layer("dense_rec", (2, 1, 1), weight=W, weight_rec=np.ones(3)), "has 3 recurrent weights for 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_faulty_layers_are_named(tmp_path: Path, name: str) -> None:
    faulty, message = BAD[name]
    with pytest.raises(InputError) as caught:
        read(tmp_path, spikes_in(4, 1, 1), faulty)
    assert "net.net: layer" in str(caught.value)
    assert message in str(caught.value)


def test_conv_shape_must_be_what_the_kernel_makes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"declares the shape \(2, 9, 9\), but its weights make \(2, 4, 4\)"):
        read(tmp_path, spikes_in(1, 6, 6), conv((2, 9, 9), even_weights(2, 1, 3, 3)))


def test_a_silent_layer_in_the_middle_is_refused(tmp_path: Path) -> None:
    silent = layer("dense", (4, 1, 1), weight=even_weights(4, 4), neuron={**CUBA, "vThMant": 2**17 - 1})
    with pytest.raises(InputError, match="never fires"):
        read(tmp_path, spikes_in(4, 1, 1), silent, dense())


def test_the_first_layer_must_be_the_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is the first layer, but no input"):
        read(tmp_path, dense())


def test_exponents_too_far_apart_are_refused(tmp_path: Path) -> None:
    low, high = {**CUBA, "wgtExp": -6}, {**CUBA, "wgtExp": 7}
    with pytest.raises(InputError, match=r"a weight exponent \(wgtExp\) of 7, too far from the -6 of another layer"):
        read(
            tmp_path,
            spikes_in(4, 1, 1),
            layer("dense", (4, 1, 1), weight=even_weights(4, 4), neuron=low),
            dense(neuron=high),
        )


def test_lost_bits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a weight exponent \(wgtExp\) of -8"):
        read(tmp_path, spikes_in(4, 1, 1), dense(neuron={**CUBA, "wgtExp": -8}))
