"""Products of two signals, wires, reductions and functions of the host in the IR: shapes, rules, kinds, files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.errors import InputError
from neurocomp.network import (
    Factor,
    Float32,
    Host,
    Integer,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Op,
    Pool,
    Population,
    Projection,
    Reduce,
    Wiring,
)
from neurocomp.network.kinds import value_kinds
from neurocomp.network.ops import ShapeMismatch
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.text import describe_op, to_text
from neurocomp.network.verify import verify

LEFT = Factor("left", 2, 3, 4, 5, (2, 3, 5))
RIGHT = Factor("right", 2, 3, 4, 5, (2, 3, 5))


@pytest.mark.parametrize(
    ("op", "source", "target"),
    [
        (LEFT, (24,), (2, 3, 5)),
        (RIGHT, (8, 5), (2, 3, 5)),
        (Wiring(np.array([2, -1, 0, 0]), (2, 2)), (3,), (2, 2)),
        (Reduce("max", 2, 3, 4, (8,)), (2, 3, 4), (8,)),
        (Host("softmax", 4), (2, 3, 4), (2, 3, 4)),
    ],
)
def test_target_shapes(op: Op, source, target):
    assert op.target_shape(source) == target


@pytest.mark.parametrize(
    ("op", "source", "message"),
    [
        (LEFT, (23,), "the left factor is 2x3x4 elements but gets 23"),
        (Factor("right", 2, 3, 4, 5, (7,)), (40,), "a product of 2x3x5 elements does not fill 7"),
        (Factor("left", 0, 3, 4, 5, (7,)), (40,), "a product of sizes"),
        (Wiring(np.array([0, 1]), (3,)), (4,), "2 wires for the 3 elements"),
        (Wiring(np.array([0, 4, 1]), (3,)), (4,), "a wire starts outside the 4 source elements"),
        (Wiring(np.array([-2]), (1,)), (4,), "a wire starts outside"),
        (Reduce("sum", 2, 3, 1, (6,)), (6,), "2x1 results do not fill 6"),
        (Reduce("sum", 2, 3, 1, (2,)), (7,), "the reduction reads 2x3x1 elements but gets 7"),
        (Host("softmax", 4), (6,), "blocks of 4 do not divide the 6 source elements"),
        (Host("softmax", 0), (6,), "a host function's block of sizes"),
    ],
)
def test_what_does_not_fit_is_named(op: Op, source, message):
    with pytest.raises(ShapeMismatch, match=message):
        op.target_shape(source)


def joined(*arriving: tuple[str, Op], neuron: Neuron | None = None, bias=None, integer: bool = False) -> Network:
    """Binary populations a (2, 2) and b (2, 2), an input, and a target that receives what is given."""
    shape = arriving[0][1].target_shape((2, 2))
    drive = Linear(np.ones((4, 4), np.int8 if integer else np.float32))
    return Network(
        (
            Population("in", (4,)),
            *(Population(name, (4,), Neuron(v_decay=1.0)) for name in ("spikes_a", "spikes_b")),
            *(Population(name, (2, 2)) for name in ("a", "b")),
            Population("target", shape, neuron, bias),
        ),
        (
            *(Projection(f"drive_{n}", "in", f"spikes_{n}", drive) for n in ("a", "b")),
            *(Projection(f"form_{n}", f"spikes_{n}", n, OneToOne(1.0, (2, 2))) for n in ("a", "b")),
            *(Projection(f"w{k}", source, "target", op) for k, (source, op) in enumerate(arriving)),
        ),
        ("in",),
        "target",
        Integer() if integer else Float32(),
    )


def factor(side, scale: float = 1.0, inner: int = 2) -> Factor:
    return Factor(side, 1, 4 // inner, inner, 4 // inner, (4 // inner, 4 // inner), scale)


def findings(network: Network) -> list[str]:
    with pytest.raises(InputError) as caught:
        verify(network)
    return [f"{d.where}: {d.what}" for d in caught.value.diagnostics]


def test_a_product_is_one_left_and_one_right_factor():
    verify(joined(("a", factor("left")), ("b", factor("right"))))
    verify(joined(("a", factor("left")), ("a", factor("right"))))  # both from the same population
    assert findings(joined(("a", factor("left")))) == ["target: receives 1 left and 0 right factors"]
    three = joined(("a", factor("left")), ("b", factor("right")), ("b", OneToOne()))
    assert findings(three) == ["target: receives 1 left and 1 right factors and 1 other projections"]
    scaled = joined(("a", factor("left")), ("b", factor("right", 0.5)))
    assert findings(scaled) == ["target: multiplies factors of different scale: 1.0 and 0.5"]


def test_products_and_host_functions_need_a_plain_relay():
    pair = (("a", factor("left")), ("b", factor("right")))
    message = "brings a product of two signals to target, which has"
    assert findings(joined(*pair, neuron=Neuron())) == [f"w{k}: {message} neurons" for k in (0, 1)]
    assert findings(joined(*pair, bias=np.zeros(()))) == [f"w{k}: {message} a bias" for k in (0, 1)]
    host = joined(("a", Host("relu")), neuron=Neuron())
    assert findings(host) == ["w0: brings a host function to target, which has neurons"]


def test_maxima_and_host_functions_stand_alone():
    for op, what in ((Host("relu"), "a host function"), (Reduce("max", 4, 1, 1, (2, 2)), "a maximum")):
        found = findings(joined(("a", op), ("b", OneToOne())))
        assert found == [f"w0: {what} cannot be added to what other projections bring to the same population"]


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Host("softmux"), "is a function 'softmux' of the host, which is not known"),
        (Host("relu", 2), "is relu, element by element, yet has blocks of 2"),
        (Host("power"), "is power without its parameter exponent"),
        (Host("relu", 1, {"slope": 0.1}), "is relu, which has no parameter slope"),
        (Host("clamp", 1, {"low": float("nan")}), "parameter low of clamp is not a number"),
        (Host("layer_norm", 2, {"weight": np.ones(4)}), "parameter weight of layer_norm has shape (4,)"),
        (Reduce("most", 4, 1, 1, (2, 2)), "reduces by 'most'; one of sum, avg, max is needed"),
    ],
)
def test_bad_functions_are_named(op, message):
    assert findings(joined(("a", op)))[0].startswith(f"w0: {message}")


def test_integer_networks_take_what_stays_whole():
    verify(joined(("a", factor("left", 2.0)), ("b", factor("right", 2.0)), integer=True))
    verify(joined(("a", Host("relu")), integer=True))
    assert findings(joined(("a", Host("gelu")), integer=True)) == [
        "w0: is gelu in a network of integer arithmetic, without units"
    ]
    assert findings(joined(("a", factor("left", 0.5)), ("b", factor("right", 0.5)), integer=True)) == [
        f"w{k}: has a scale of 0.5 in a network of integer arithmetic" for k in (0, 1)
    ]


@pytest.mark.parametrize(
    ("arriving", "kind"),
    [
        ([("a", factor("left")), ("b", factor("right"))], "int<2>"),
        ([("a", factor("left", inner=1)), ("b", factor("right", inner=1))], "binary"),
        ([("a", factor("left", 0.25)), ("b", factor("right", 0.25))], "real"),
        ([("a", Wiring(np.array([3, 3, 0, -1]), (4,)))], "binary"),
        ([("a", Wiring(np.array([0, 1, -1]), (3,))), ("b", Wiring(np.array([-1, -1, 2]), (3,)))], "binary"),
        ([("a", Wiring(np.array([0, 1]), (2,))), ("b", Wiring(np.array([-1, 2]), (2,)))], "int<2>"),
        ([("a", Reduce("sum", 2, 2, 1, (2,)))], "int<2>"),
        ([("a", Reduce("max", 2, 2, 1, (2,)))], "binary"),
        ([("a", Reduce("avg", 2, 2, 1, (2,)))], "real"),
        ([("a", Host("relu"))], "binary"),
        ([("a", Host("sigmoid"))], "real"),
        ([("a", Pool("max", (2,), (2,), (0,)))], "binary"),
    ],
)
def test_value_kinds(arriving, kind):
    assert str(value_kinds(verify(joined(*arriving)))["target"]) == kind


def test_kinds_multiply_through_a_chain_of_products():
    """The attention of a spiking transformer: (q k^T) v of binary operands."""
    network = joined(("a", factor("left")), ("b", factor("right")))
    chain = Network(
        (*network.populations, Population("out", (2, 2))),
        (
            *network.projections,
            Projection("x", "target", "out", factor("left")),
            Projection("y", "b", "out", factor("right")),
        ),
        ("in",),
        "out",
    )
    assert value_kinds(verify(chain))["out"].largest == 2 * 2


@pytest.mark.parametrize(
    "arriving",
    [
        [("a", factor("left", 0.125)), ("b", factor("right", 0.125))],
        [("a", Wiring(np.array([3, 3, 0, -1]), (2, 2)))],
        [("a", Reduce("max", 2, 2, 1, (2,)))],
        [("a", Host("layer_norm", 2, {"weight": np.array([1.0, 2.0], np.float32), "epsilon": 1e-6}))],
        [("a", Host("clamp", 1, {"low": -float("inf"), "high": 6.0}))],
    ],
)
def test_files_keep_them(arriving):
    network = joined(*arriving)
    tree, arrays = to_tree(network)
    again = from_tree(json.loads(json.dumps(tree)), arrays, "net.pt")
    tree2, arrays2 = to_tree(again)
    assert json.dumps(tree2) == json.dumps(tree)
    assert all(arrays2[key].tobytes() == arrays[key].tobytes() for key in arrays)


def test_a_damaged_operator_is_an_input_error():
    tree, arrays = to_tree(joined(("a", Wiring(np.array([3, 3, 0, -1]), (2, 2)))))
    arrays["w0.index"] = arrays["w0.index"].astype(np.float32)
    with pytest.raises(InputError, match="wires are not an array of integers"):
        from_tree(tree, arrays, "net.pt")


def test_text():
    assert describe_op(LEFT) == "left factor, 2 times 3x4 by 4x5"
    assert describe_op(Factor("right", 9, 1, 1, 1, (3, 3), 0.5)) == "right factor, element by element, times 0.5"
    assert describe_op(Wiring(np.array([2, -1, 0, 0]), (2, 2))) == "wires to 3 of 4 elements"
    assert describe_op(Reduce("avg", 2, 3, 4, (8,))) == "avg over 3"
    assert describe_op(Host("softmax", 4)) == "softmax on the host, blocks of 4"
    assert "a -> target: relu on the host" in to_text(joined(("a", Host("relu"))))


def test_training_refuses_what_has_no_gradient():
    network = joined(("a", factor("left")), ("b", factor("right")))
    with pytest.raises(InputError, match="w0: left factor, 2x2 by 2x2: has no gradient here"):
        training_step(network, np.zeros((1, 2, 4), np.float32), rate_cross_entropy(np.zeros(1, np.int64)))
