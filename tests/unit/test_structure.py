"""Closed forms of the structural operators on layers of real size."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.network import Conv, Linear, OneToOne, Pool
from neurocomp.network.structure import as_map, fan_in, fan_out, synapse_count


def conv(c_out: int, c_in: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1) -> Conv:
    weight = np.ones((c_out, c_in // groups, kernel, kernel), np.int8)
    return Conv(weight, (stride, stride), (padding, padding), (1, 1), groups)


def test_a_dense_convolution_gives_one_map_for_all_channels() -> None:
    counts = fan_out(conv(64, 32, 3, padding=1), (32, 20, 30), np.ones((1, 1, 1), np.int64))
    assert counts.shape == (1, 20, 30)
    assert counts[0, 10, 10] == 64 * 9
    assert counts[0, 0, 0] == 64 * 4


def test_synapses_of_the_first_vgg_layers() -> None:
    # interior and border taps: (3 * 224 - 2)**2 window positions and taps per channel pair
    assert synapse_count(conv(64, 3, 3, padding=1), (3, 224, 224)) == 64 * 3 * (3 * 224 - 2) ** 2
    assert synapse_count(Linear(np.ones((10, 12), np.int8)), (3, 4)) == 120
    assert synapse_count(Pool("sum", (2, 2), (2, 2), (0, 0)), (8, 6, 6)) == 8 * 36


def test_grouped_convolution_counts_its_own_group_only() -> None:
    counts = fan_out(conv(8, 4, 1, groups=4), (4, 2, 2), np.ones((1, 1, 1), np.int64))
    assert (counts == 2).all()
    per_channel = np.arange(8).reshape(8, 1, 1)
    assert fan_out(conv(8, 4, 1, groups=4), (4, 2, 2), per_channel)[:, 0, 0].tolist() == [1, 5, 9, 13]


def test_zero_weights_are_left_out_on_request() -> None:
    weight = np.zeros((2, 1, 1, 3), np.float32)
    weight[0, 0, 0, 1] = 5.0
    op = Conv(weight, (1, 1), (0, 1), (1, 1))
    assert fan_out(op, (1, 1, 4), np.ones((1, 1, 1), np.int64), nonzero=True).tolist() == [[[1, 1, 1, 1]]]
    assert fan_out(op, (1, 1, 4), np.ones((1, 1, 1), np.int64)).tolist() == [[[4, 6, 6, 4]]]
    assert fan_out(OneToOne(0.0), (3,), np.ones(3, np.int64), nonzero=True).tolist() == [0, 0, 0]


def test_counts_through_a_chain_of_operators_compose() -> None:
    pool, head = Pool("sum", (2, 2), (2, 2), (0, 0)), Linear(np.ones((10, 4 * 9), np.int8))
    at_pool = fan_out(head, (4, 3, 3), np.ones(10, np.int64))
    assert (np.broadcast_to(fan_out(pool, (4, 7, 7), at_pool), (4, 7, 7))[:, :6, :6] == 10).all()
    assert not np.broadcast_to(fan_out(pool, (4, 7, 7), at_pool), (4, 7, 7))[:, 6].any()


def test_fan_in_counts_taps_inside_the_map() -> None:
    assert fan_in(conv(5, 2, 3, padding=1), (2, 4, 4))[0, 0].tolist() == [8, 12, 12, 8]


@pytest.mark.parametrize(
    ("shape", "expected"), [((7,), (7, 1, 1)), ((3, 5), (3, 5, 1)), ((2, 3, 4), (2, 3, 4)), ((2, 3, 4, 5), (2, 3, 20))]
)
def test_every_shape_has_a_map_form(shape, expected) -> None:
    assert as_map(shape) == expected


def test_counts_with_too_many_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="do not broadcast"):
        fan_out(OneToOne(), (3,), np.ones((1, 3), np.int64))
