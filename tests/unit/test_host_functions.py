"""Functions of the host against PyTorch in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.activity.host import apply_host, error_function
from neurocomp.network import Host, Network, OneToOne, Population, Projection
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.signal_ops import HOST_FUNCTIONS

VALUES = np.concatenate(
    [np.linspace(-12, 12, 199), [0.0, -1e-6, 1e-6, 3.0, -3.0, 60.0, -60.0, 1e-30, 0.5]]
).astype(np.float32)  # fmt: skip
WEIGHT = np.linspace(0.5, 1.5, 8).astype(np.float32)


def torch_forms():
    functional = pytest.importorskip("torch.nn.functional")
    import torch

    weight = torch.from_numpy(WEIGHT).double()
    return {
        "abs": (torch.abs, {}),
        "clamp": (lambda x: torch.clamp(x, -1.5, 2.0), {"low": -1.5, "high": 2.0}),
        "elu": (functional.elu, {}),
        "erf": (torch.erf, {}),
        "exp": (torch.exp, {}),
        "gelu": (functional.gelu, {}),
        "gelu_tanh": (lambda x: functional.gelu(x, approximate="tanh"), {}),
        "hard_sigmoid": (functional.hardsigmoid, {}),
        "hard_swish": (functional.hardswish, {}),
        "layer_norm": (lambda x: functional.layer_norm(x, (8,), weight), {"weight": WEIGHT}),
        "leaky_relu": (lambda x: functional.leaky_relu(x, 0.2), {"negative_slope": 0.2}),
        "log": (torch.log, {}),
        "log_softmax": (lambda x: functional.log_softmax(x, -1), {}),
        "power": (lambda x: x**3, {"exponent": 3.0}),
        "reciprocal": (torch.reciprocal, {}),
        "relu": (functional.relu, {}),
        "rms_norm": (lambda x: functional.rms_norm(x, (8,), weight, 1e-5), {"weight": WEIGHT}),
        "rsqrt": (torch.rsqrt, {}),
        "sigmoid": (torch.sigmoid, {}),
        "sign": (torch.sign, {}),
        "silu": (functional.silu, {}),
        "softmax": (lambda x: functional.softmax(x, -1), {}),
        "softplus": (functional.softplus, {}),
        "sqrt": (torch.sqrt, {}),
        "tanh": (torch.tanh, {}),
    }


@pytest.mark.parametrize("function", sorted(HOST_FUNCTIONS))
def test_the_host_computes_what_torch_computes(function):
    form, parameters = torch_forms()[function]
    import torch

    op = Host(function, 8 if function in ("softmax", "log_softmax", "layer_norm", "rms_norm") else 1, parameters)
    result = apply_host(op, VALUES)
    expected = form(torch.from_numpy(VALUES.reshape(-1, 8)).double()).reshape(-1).numpy()
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-7, atol=1e-12)


def test_the_error_function_is_odd_and_saturates():
    x = np.array([-30.0, -6.0, -1.0, 0.0, 1.0, 6.0, 30.0])
    np.testing.assert_allclose(
        error_function(x), [-1, -1, -0.8427007929497149, 0, 0.8427007929497149, 1, 1], rtol=1e-15
    )


def test_whole_numbers_stay_whole():
    result = apply_host(Host("relu"), np.array([-3, 0, 7], np.int32))
    assert result.dtype == np.int32
    assert result.tolist() == [0, 0, 7]


def test_arrays_of_one_name_are_kept_apart_in_a_file() -> None:
    """A relay named as the projection behind it: its own bias, and that of a normalisation."""
    norm = Host("layer_norm", 4, {"bias": np.arange(4, dtype=np.float32)})
    relay = Population("norm", (2, 4), None, np.ones((2, 4), np.float32))
    network = Network(
        (Population("in", (2, 4)), relay, Population("out", (2, 4))),
        (Projection("in.norm", "in", "norm", OneToOne()), Projection("norm", "norm", "out", norm)),
        ("in",), "out",
    )  # fmt: skip
    again = from_tree(*to_tree(network), "file")
    bias, op = again.by_name["norm"].bias, again.incoming["out"][0].op
    assert bias is not None and bias.shape == (2, 4) and isinstance(op, Host)
    np.testing.assert_array_equal(op.parameters["bias"], np.arange(4))
