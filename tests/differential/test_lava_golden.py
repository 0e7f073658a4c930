"""Networks trained with lava-dl against the recorded spikes and voltages that ship with lava-dl.

In the recordings a layer lags one step behind the one before it, and its state is reset every 17 (PilotNet)
steps, layer k in step k. One sample of ours is what lies between two resets.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.frontend.read import load_network
from neurocomp.network import Network, Population

PILOT_WINDOW = 17
PILOT_LAYERS = ("0_input", "1_conv", "2_conv", "3_conv", "4_conv", "5_conv", "7_dense", "8_dense", "9_dense")
PILOT_FILES = ("input", "conv-0", "conv-1", "conv-2", "conv-3", "conv-4", "fc-0", "fc-1", "fc-2")
REFRACTORY_CODE = 1 << 7
"""What the voltage register of Loihi 2 holds in the step of a spike: the refractory count, not a voltage."""


def between(network: Network, first: str, last: str) -> Network:
    """The part of a chain behind ``first``, which becomes the input, up to ``last``."""
    names = [p.name for p in network.populations]
    kept = names[names.index(first) : names.index(last) + 1]
    populations = (Population(first, network.by_name[first].shape), *(network.by_name[name] for name in kept[1:]))
    projections = tuple(p for p in network.projections if p.source in kept and p.target in kept)
    return replace(
        network,
        populations=populations,
        projections=projections,
        inputs=(first,),
        output=last,
        arithmetic=replace(network.arithmetic, input_scale=1.0),
    )


def with_membrane(network: Network) -> Network:
    """The last population read out as a membrane that never fires."""
    last = network.populations[-1]
    assert last.neuron is not None
    readout = replace(last, neuron=replace(last.neuron, output="membrane", reset="none"))
    return replace(network, populations=(*network.populations[:-1], readout))


def output(network: Network, spikes: np.ndarray) -> np.ndarray:
    """(steps, *shape) of one sample."""
    found = execute(network, spikes[None].astype(np.float32)).output
    assert found is not None
    return found[0]


def windows(layer: int, steps: int, length: int) -> list[tuple[int, int]]:
    """(first step, end) between the resets of a layer."""
    resets = range(layer, steps, length)
    return list(zip([0, *resets], [*resets, steps], strict=True))


def delivered(golden: np.ndarray, start: int, end: int) -> np.ndarray:
    """What arrives in steps start .. end: what the layer before sent one step earlier."""
    earlier = np.concatenate([np.zeros_like(golden[:1]), golden])
    return earlier[start:end]


@pytest.fixture(scope="module")
def pilot(shared: Path) -> Network:
    return load_network(shared / "nets" / "lava_pilotnet" / "network.net")


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    """Recorded spikes by population, (24 steps, channels, height, width)."""
    folder = shared / "nets" / "lava_pilotnet"
    files = zip(PILOT_LAYERS, PILOT_FILES, strict=True)
    return {name: steps_first(np.load(folder / f"{file}.npy")) for name, file in files}


def steps_first(recorded: np.ndarray) -> np.ndarray:
    """lava orders (width, height, channels, steps)."""
    return recorded.T


@pytest.mark.parametrize("layer", range(1, 9))
def test_every_pilotnet_layer_given_its_recorded_input(
    pilot: Network, golden: dict[str, np.ndarray], layer: int
) -> None:
    name, before = PILOT_LAYERS[layer], PILOT_LAYERS[layer - 1]
    network, compared = between(pilot, before, name), 0
    for start, end in windows(layer, 24, PILOT_WINDOW):
        found = output(network, delivered(golden[before], start, end))
        expected = golden[name][start:end].reshape(found.shape)
        assert np.array_equal(found, expected), f"{(found != expected).sum()} of {found.size} sites from step {start}"
        compared += found.size
    assert compared == golden[name].size
    assert golden[name].any()


def test_whole_pilotnet_from_its_recorded_input_spikes(pilot: Network, golden: dict[str, np.ndarray]) -> None:
    network = between(pilot, "0_input", pilot.populations[-1].name)
    trace = execute(network, golden["0_input"][None, :PILOT_WINDOW].astype(np.float32)).trace
    compared = 0
    for lag, name in enumerate(PILOT_LAYERS[1:], start=1):
        expected = golden[name][lag : lag + PILOT_WINDOW]
        found = trace.dense(name)[0][: len(expected)]
        assert np.array_equal(found, expected.reshape(found.shape)), name
        compared += found.size
    assert compared == 2_021_426


@pytest.mark.parametrize(("name", "file"), [("5_conv", "conv-4"), ("7_dense", "fc-0")])
def test_voltages_of_the_chip_until_the_first_spike(
    shared: Path, pilot: Network, golden: dict[str, np.ndarray], name: str, file: str
) -> None:
    folder = shared / "nets" / "lava_pilotnet"
    voltage = steps_first(np.load(folder / f"{file}-v.npy"))
    layer, compared = PILOT_LAYERS.index(name), 0
    before = PILOT_LAYERS[layer - 1]
    network = with_membrane(between(pilot, before, name))
    for start, end in windows(layer, 24, PILOT_WINDOW):
        found = output(network, delivered(golden[before], start, end)).reshape(voltage[start:end].shape)
        spiked = golden[name][start:end].reshape(found.shape)
        not_yet = ~np.logical_or.accumulate(spiked, axis=0)
        assert np.array_equal(found[not_yet], voltage[start:end][not_yet])
        assert (voltage[start:end][spiked] == REFRACTORY_CODE).all()
        compared += int(not_yet.sum())
    assert compared > voltage.size // 3


TINY = "tests__lava__lib__dl__netx__gts__tinynet__"
TINY_WEIGHT, TINY_BIAS = 36, 34


def tiny_file(shared: Path, name: str) -> np.ndarray:
    return np.load(shared / "nets" / "lava_tiny" / f"{TINY}{name}.npy")


def tiny_spikes(shared: Path, name: str) -> np.ndarray:
    """(15 steps, channels, height, width); in step 0 of the recordings nothing has arrived anywhere."""
    recorded = np.moveaxis(tiny_file(shared, name)[0], -1, 0)
    assert not recorded[0].any()
    return recorded[1:] > 0


def test_tiny_net_end_to_end_from_the_image(shared: Path) -> None:
    """The recorded image is given as bias of the input neurons, (width, height, channels)."""
    network = load_network(shared / "nets" / "lava_tiny" / "tiny.net")
    assert [p.name for p in network.populations] == ["input", "0_input", "1_conv", "2_conv"]
    image = (tiny_file(shared, "input_bias").T - TINY_BIAS) / TINY_WEIGHT
    x = np.broadcast_to(image, (1, 15, *image.shape)).astype(np.float32)
    trace = execute(network, x).trace
    for name, file in [("0_input", "input"), ("1_conv", "layer1"), ("2_conv", "output")]:
        expected = tiny_spikes(shared, file)
        assert expected.any()
        assert np.array_equal(trace.dense(name)[0], expected), name
