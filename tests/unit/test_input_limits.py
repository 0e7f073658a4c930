"""How large an input may be in integer arithmetic, down to a chip that takes nothing but spikes."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.activity.execution import input_values
from neurocomp.commands.small_network import small_inputs, small_network
from neurocomp.network import Integer
from neurocomp.network.quantise import quantise


@pytest.mark.parametrize(("bits", "limits"), [(1, (0, 1)), (2, (-2, 1)), (8, (-128, 127)), (16, (-32768, 32767))])
def test_limits(bits: int, limits: tuple[int, int]) -> None:
    assert Integer(input_bits=bits).input_limits == limits


def test_one_bit_rounds_an_image_to_spikes() -> None:
    inputs = small_inputs()
    network = quantise(small_network(), Integer(input_bits=1), inputs).network
    assert np.array_equal(input_values(network, inputs), (inputs > 0.5).astype(np.int32))


def test_one_bit_without_calibration() -> None:
    network = quantise(small_network(), Integer(input_bits=1)).network
    assert network.arithmetic.input_scale == 1.0
