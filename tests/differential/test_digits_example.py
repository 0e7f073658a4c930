"""The first example: the torch network and the frozen file agree on every spike of every test image."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.frontend.torchfile import read_torch
from neurocomp.network import Network
from tests.freezing import activity, executed, spikes_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01_digits"


@pytest.fixture(scope="module")
def network() -> Network:
    return read_torch(EXAMPLE / "net.pt")


def train_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("digits_train", EXAMPLE / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sample_is_the_whole_test_set(network: Network) -> None:
    with np.load(EXAMPLE / "test.npz", allow_pickle=False) as test:
        np.testing.assert_array_equal(network.sample.inputs, test["x"])
        np.testing.assert_array_equal(network.sample.labels, test["y"])
        assert test["x"].shape == (450, 1, 8, 8)


def test_test_set_is_a_stratified_quarter_of_the_digits(network: Network) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("spikingjelly.activation_based")
    train_x, test_x, train_y, test_y = train_script().load_data()
    np.testing.assert_array_equal(test_x, network.sample.inputs)
    np.testing.assert_array_equal(test_y, network.sample.labels)
    assert np.abs(np.bincount(train_y) / 3 - np.bincount(test_y)).max() <= 1
    seen = {image.tobytes() for image in train_x}
    assert sum(image.tobytes() in seen for image in test_x) <= 1


def test_accuracy_of_the_frozen_network(network: Network) -> None:
    run = execute(network, encode_sample(network.sample))
    assert run.accuracy(network.sample.labels) == pytest.approx(447 / 450)


def test_weights_are_eight_bit_integers_on_their_grid(network: Network) -> None:
    for projection in network.projections:
        weight = getattr(projection.op, "weight", None)
        if weight is not None:
            steps = weight.astype(np.float64) * 64
            np.testing.assert_array_equal(steps, np.rint(steps))
            assert 0 < np.abs(steps).max() <= 127
    for population in network.populations:
        if population.bias is not None:
            np.testing.assert_array_equal(population.bias * 1024, np.rint(population.bias * 1024))


def test_every_spike_and_prediction_is_that_of_torch(network: Network) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    net = train_script().Digits(normalise=False)
    net.load_state_dict(torch.load(EXAMPLE / "weights.pt", weights_only=True))
    net.eval()
    names = ["lif1", "lif2", "lif3"]
    images = torch.from_numpy(network.sample.inputs.copy())
    theirs = spikes_of(net, images, {name: getattr(net, name) for name in names})
    ours = executed(network)
    assert list(ours) == names
    for name in names:
        np.testing.assert_array_equal(ours[name], np.moveaxis(theirs[name][0], 0, 1), err_msg=name)
    assert min(activity(ours).values()) > 0.1
    rates = theirs["lif3"][0].mean(0)
    np.testing.assert_array_equal(execute(network, encode_sample(network.sample)).predictions, rates.argmax(1))


def test_freezing_the_shipped_weights_gives_the_shipped_file(network: Network, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    from neurocomp.frontend.freeze import freeze
    from neurocomp.network.serial import to_tree

    net = train_script().Digits(normalise=False)
    net.load_state_dict(torch.load(EXAMPLE / "weights.pt", weights_only=True))
    images, labels = torch.from_numpy(network.sample.inputs.copy()), network.sample.labels.tolist()
    again = freeze(net.eval(), images, tmp_path / "net.pt", labels=labels, name="digits")
    (tree, arrays), (expected, expected_arrays) = to_tree(again), to_tree(network)
    tree["origin"] = expected["origin"]  # names the version of the framework
    assert tree == expected
    for name, array in expected_arrays.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)


def test_weights_and_code_make_the_same_network(network: Network) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    from neurocomp.frontend.example import Example
    from neurocomp.frontend.live import freeze_file
    from neurocomp.network.serial import to_tree

    with np.load(EXAMPLE / "test.npz", allow_pickle=False) as test:
        example = Example(test["x"], test["y"])
    made = freeze_file(EXAMPLE / "weights.pt", f"{EXAMPLE / 'train.py'}:build", example)
    (_, ours), (_, theirs) = to_tree(made), to_tree(network)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
