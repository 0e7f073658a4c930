"""How large an input may be in integer arithmetic, down to a chip that takes nothing but spikes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.activity.execution import input_values
from neurocomp.activity.reference import execute_reference
from neurocomp.commands.small_network import small_inputs, small_network
from neurocomp.errors import InputError
from neurocomp.inputs.prepare import prepare
from neurocomp.network import Integer, Linear, Network, Neuron, Population, Projection
from neurocomp.network.quantise import quantise


@pytest.mark.parametrize(("bits", "limits"), [(1, (0, 1)), (2, (-2, 1)), (8, (-128, 127)), (16, (-32768, 32767))])
def test_limits(bits: int, limits: tuple[int, int]) -> None:
    assert Integer(input_bits=bits).input_limits == limits


def test_one_bit_rounds_an_image_to_spikes() -> None:
    inputs = small_inputs()
    network = quantise(small_network(), Integer(input_bits=1), inputs).network
    assert np.array_equal(input_values(network, inputs)[0], (inputs > 0.5).astype(np.int32))


def test_one_bit_without_calibration() -> None:
    network = quantise(small_network(), Integer(input_bits=1)).network
    assert network.arithmetic.input_scale == 1.0


def test_inputs_beyond_the_integers_are_counted_not_lost_silently():
    weight = np.ones((1, 2), np.int16)
    network = Network(
        (Population("in", (2,)), Population("out", (1,), Neuron(v_decay=4096.0, threshold=1e6))),
        (Projection("w", "in", "out", Linear(weight)),),
        ("in",),
        "out",
        Integer(input_bits=8),
    )
    inputs = np.array([[[127.0, 1e30], [-128.0, -200.0], [3.0, 500.0]]], np.float32)
    assert execute(network, inputs).clipped_inputs == execute_reference(network, inputs).clipped_inputs == 3
    still = np.broadcast_to(inputs[:, :1], (1, 5, 2))
    assert execute(network, still).clipped_inputs == execute_reference(network, still).clipped_inputs == 5


def test_inputs_beyond_single_precision_are_refused():
    network = Network(
        (Population("in", (1,)), Population("out", (1,), Neuron())),
        (Projection("w", "in", "out", Linear(np.ones((1, 1), np.float32))),),
        ("in",),
        "out",
    )
    with pytest.raises(InputError, match="beyond single precision"):
        execute(network, np.full((1, 1, 1), 1e300))


@pytest.mark.parametrize("top", [1e300, 1e35])
def test_inputs_that_are_far_too_large_are_named_not_the_weights(top: float, tmp_path: Path):
    network = small_network()
    path = tmp_path / "x.npz"
    np.savez(path, x=small_inputs(2)[:, 0].astype(np.float64) * top)
    with pytest.raises(InputError, match=r"input values up to|x holds values up to") as caught:
        prepared = prepare(network, path, 4, None, None)
        quantise(network, Integer(), prepared.calibration)
    assert "scale the inputs as they were in training" in str(caught.value)
