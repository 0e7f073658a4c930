"""One LIF neuron in a NIR file against recorded runs of simulators and of a Loihi 2 chip.

The traces are those of Pedersen et al., Nature Communications 15, 8122 (2024), figure 2: 1000 steps of 0.1 ms,
columns input, voltage, spike.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.frontend.read import load_network
from neurocomp.network import Integer, Linear, Network, Neuron, Population, Projection

WEIGHT, V_DECAY, THRESHOLD_MANTISSA = 10, 4096 - 163, 25
REFRACTORY_CODE = 1 << 7
"""What Loihi's voltage register holds in the step of a spike: the refractory count (1), not a voltage."""


def recorded(shared: Path, name: str) -> np.ndarray:
    return np.loadtxt(shared / "nets" / "nir_lif" / f"paper__01_lif__lif_{name}.csv", delimiter=",")


def stimulus(shared: Path) -> np.ndarray:
    """Input spikes as engine input, (1, 1000, 1)."""
    return (recorded(shared, "norse")[:, 0] > 0).astype(np.float32).reshape(1, -1, 1)


def net_file(shared: Path, name: str) -> Path:
    return shared / "nets" / "nir_lif" / f"paper__01_lif__lif_{name}.nir"


def spikes(network: Network, x: np.ndarray) -> np.ndarray:
    output = execute(network, x).output
    assert output is not None
    return output[0, :, 0]


def membrane_from_rest(network: Network, x: np.ndarray, fired: np.ndarray) -> np.ndarray:
    """The voltage of a neuron that is reset to 0: between two spikes that of a readout that starts from rest."""
    name = network.populations[-1].name
    neuron = network.populations[-1].neuron
    assert neuron is not None
    readout = replace(network.populations[-1], neuron=replace(neuron, output="membrane", reset="none"))
    network = replace(network, populations=(*network.populations[:-1], readout), output=name)
    starts = np.concatenate([[0], np.flatnonzero(fired) + 1])
    parts = np.zeros((len(starts), *x.shape[1:]), x.dtype)
    for part, start in zip(parts, starts, strict=True):
        part[: x.shape[1] - start] = x[0, start:]
    output = execute(network, parts).output
    assert output is not None
    lengths = np.diff([*starts, x.shape[1]])
    return np.concatenate([part[:length, 0] for part, length in zip(output, lengths, strict=True)])


def test_norse_is_forward_euler_with_reset_to_zero(shared: Path) -> None:
    network, trace = load_network(net_file(shared, "norse")), recorded(shared, "norse")
    fired = spikes(network, stimulus(shared))
    assert np.array_equal(fired, trace[:, 2])
    voltage = membrane_from_rest(network, stimulus(shared), fired)
    voltage[fired > 0] = 0.0
    np.testing.assert_allclose(voltage, trace[:, 1], atol=6e-8)


@pytest.mark.parametrize("simulator", ["sinabs", "rockpool"])
def test_sinabs_and_rockpool_decay_exponentially_and_subtract(shared: Path, simulator: str) -> None:
    network = load_network(net_file(shared, "norse"), discretise="exp", reset="subtract")
    trace = recorded(shared, simulator)
    fired = spikes(network, stimulus(shared))
    assert np.array_equal(fired, trace[:, 2])
    # v is linear in input and reset: a readout that also hears the decayed threshold for each earlier spike
    neuron = network.populations[-1].neuron
    assert neuron is not None
    drop = float(neuron.v_decay) * float(neuron.threshold) / float(neuron.v_gain)
    readout = Population("readout", (1,), replace(neuron, output="membrane", reset="none"))
    sums = Projection("w", "input", "readout", Linear(np.array([[1.0, -drop]], np.float32)))
    probe = Network((Population("input", (2,)), readout), (sums,), ("input",), "readout")
    earlier = np.concatenate([[0.0], fired[:-1]])
    output = execute(probe, np.stack([stimulus(shared)[0, :, 0], earlier], axis=1)[None].astype(np.float32)).output
    assert output is not None
    voltage = output[0, :, 0] - fired * float(neuron.threshold)
    np.testing.assert_allclose(voltage, trace[:, 1], atol=3e-8)


@pytest.mark.parametrize("simulator", ["snntorch", "nengo", "spinnaker2", "exact"])
def test_other_euler_simulators_spike_at_the_same_steps(shared: Path, simulator: str) -> None:
    fired = spikes(load_network(net_file(shared, "norse")), stimulus(shared))
    assert np.array_equal(fired, recorded(shared, simulator)[:, 2])


def loihi_neuron() -> Network:
    """The neuron as lava set it up on the chip: weights, decay and threshold in Loihi's integers. A spike takes
    a step from one neuron to the next."""
    neuron = Neuron(v_decay=V_DECAY, threshold=THRESHOLD_MANTISSA << 6, reset="zero", compare=">")
    weight = Linear(np.array([[WEIGHT]], np.int32))
    return Network(
        (Population("input", (1,)), Population("lif", (1,), neuron)),
        (Projection("w", "input", "lif", weight, delay=1),),
        ("input",),
        "lif",
        Integer(),
    )


@pytest.mark.parametrize("machine", ["lava_loihi_fixed", "lava_cpu_fixed"])
def test_loihi_2_trace_is_reproduced_exactly(shared: Path, machine: str) -> None:
    trace = recorded(shared, machine)
    fired = spikes(loihi_neuron(), stimulus(shared))
    assert np.array_equal(fired, trace[:, 2])
    delayed = np.concatenate([np.zeros((1, 1, 1), np.float32), stimulus(shared)[:, :-1]], axis=1)
    undelayed = replace(loihi_neuron(), projections=(replace(loihi_neuron().projections[0], delay=0),))
    voltage = membrane_from_rest(undelayed, delayed, fired)
    voltage[fired > 0] = REFRACTORY_CODE if machine == "lava_loihi_fixed" else 0
    assert np.array_equal(voltage, trace[:, 1])
