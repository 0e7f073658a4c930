"""The programs of docs/python.md run, and what they show is so; layers of spikes are those of the run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.errors import InputError
from neurocomp.network import Conv, Linear, Network, Neuron, OneToOne, Population, Projection
from neurocomp.simulate.spike_layers import spike_layers

ROOT = Path(__file__).resolve().parents[2]


def test_the_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for program in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.DOTALL):
        exec(compile(program, "python.md", "exec"), names)  # noqa: S102  our own text
    assert names["trace"].digest == names["run"].trace.digest
    assert set(names["cycles"]) == {"bit-sparse", "eyeriss_snn", "mint", "prosperity", "ptb", "sato"}
    assert 0 < names["product"] < names["bit"] < 1
    assert names["served"].done_ps.size == 1000


def network(op: Conv | Linear, shape: tuple[int, ...], second: int = 0) -> Network:
    """The operator on spikes of neurons that pass on what arrives."""
    target = op.target_shape(shape) if isinstance(op, Conv) else (op.weight.shape[0],)
    populations = (
        Population("in", shape), Population("a", shape, Neuron(v_decay=0.0, threshold=0.5)),
        Population("b", target, Neuron()),
    )  # fmt: skip
    projections = (Projection("one", "in", "a", OneToOne()), Projection("op", "a", "b", op))
    return Network(populations, projections, ("in",), "b")


def test_layers_of_a_convolution_hold_the_inputs_of_every_output() -> None:
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(5, 2, 3, 3)).astype(np.float32)
    net = network(Conv(weight, (2, 2), (1, 1), (1, 1)), (2, 7, 7))
    x = (rng.random((2, 3, 2, 7, 7)) < 0.5).astype(np.float32)
    (layer,) = spike_layers(net, neurocomp.execute(net, x).trace, sample=1)
    assert (layer.steps, layer.positions, layer.inputs, layer.outputs, layer.neurons) == (3, 16, 18, 5, 80)
    padded = np.pad(x[1], ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = [
        [padded[t, :, y : y + 3, z : z + 3].ravel() for y in (0, 2, 4, 6) for z in (0, 2, 4, 6)] for t in range(3)
    ]
    np.testing.assert_array_equal(layer.spikes, np.array(expected, bool))


def test_what_these_arrays_do_not_compute_is_refused_at_once() -> None:
    ones = np.ones((4, 1, 3, 1), np.float32)
    odd = network(Conv(ones, (1, 1), (1, 0), (1, 1), groups=4), (4, 6, 6))
    run = neurocomp.execute(odd, np.ones((1, 2, 4, 6, 6), np.float32))
    with pytest.raises(InputError, match="op: has groups or dilation"):
        spike_layers(odd, run.trace)
    tall = network(Conv(np.ones((4, 4, 3, 1), np.float32), (1, 1), (1, 0), (1, 1)), (4, 6, 6))
    with pytest.raises(InputError, match="op: has a kernel, stride or padding that is not square"):
        spike_layers(tall, run.trace)
    with pytest.raises(InputError, match="sample: is 1; the trace has 1"):
        spike_layers(tall, run.trace, sample=1)


def test_layers_that_are_given_numbers_are_left_out_and_missing_trains_are_named() -> None:
    network_ = neurocomp.load_network(ROOT / "examples" / "01_digits" / "net.pt")
    inputs = neurocomp.encode_sample(network_.sample)[:1]
    with pytest.raises(InputError, match=r"(?s)conv2: the trace does not hold what pool1 gives.*record=\['pool1'\]"):
        spike_layers(network_, neurocomp.execute(network_, inputs).trace)
    trace = neurocomp.execute(network_, inputs, record=["pool1", "pool2"]).trace
    with pytest.raises(InputError, match="no fully connected layer or convolution that is given spikes"):
        spike_layers(network_, trace)
