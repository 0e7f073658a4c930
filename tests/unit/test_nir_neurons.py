"""NIR's neurons step by step against the equations written out, in every discretisation and reset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.nir import read_nir
from neurocomp.network import Network
from tests.nir_files import chain, lif, node, sink, source, write

N, STEPS, DT_S = 6, 200, 1e-3
RNG = np.random.default_rng(3)
X = (RNG.random((STEPS, N)) * 0.6).astype(np.float32)
TAU, R, LEAK = RNG.uniform(3e-3, 2e-2, N), RNG.uniform(1.0, 4.0, N), RNG.uniform(-0.05, 0.05, N)
THRESHOLD, RESET = RNG.uniform(0.4, 0.9, N), RNG.uniform(-0.1, 0.1, N)


def read(tmp_path: Path, neuron: dict[str, Any], **options: Any) -> Network:
    root = chain(("input", source(N)), ("neuron", neuron), ("output", sink(N)))
    return read_nir(write(tmp_path / "net.nir", root), dt_s=options.pop("dt_s", DT_S), **options)


def outputs(network: Network) -> np.ndarray:
    found = execute(network, X[None]).output
    assert found is not None
    return found[0]


def spikes_by_hand(reset: str, discretise: str, *, v_leak: np.ndarray, v_reset: np.ndarray) -> np.ndarray:
    """LIF spikes (steps, N) from the equations in the head of nir_neurons.py, in double precision."""
    rate = DT_S / TAU
    decay = np.exp(-rate) if discretise == "exp" else 1.0 - rate
    rest = v_leak * (1.0 - decay) if discretise == "exp" else v_leak * rate
    v, last, found = np.zeros(N), np.zeros(N), []
    for x in X:
        v = decay * v + rest + rate * R * x
        if reset == "subtract-next":
            v = v - last * THRESHOLD
        last = (v > THRESHOLD).astype(float)
        if reset == "subtract":
            v = v - last * THRESHOLD
        if reset == "zero":
            v = np.where(last > 0, v_reset, v)
        found.append(last)
    return np.array(found)


@pytest.mark.parametrize("discretise", ["euler", "exp"])
@pytest.mark.parametrize("reset", ["zero", "subtract", "subtract-next"])
def test_lif(tmp_path: Path, reset: str, discretise: str) -> None:
    neuron = lif(TAU, R, LEAK, THRESHOLD, v_reset=RESET)
    network = read(tmp_path, neuron, reset=reset, discretise=discretise)
    expected = spikes_by_hand(reset, discretise, v_leak=LEAK, v_reset=RESET)
    assert 50 < expected.sum() < 0.9 * expected.size
    assert np.array_equal(outputs(network), expected)


def test_rest_is_v_leak_in_both_discretisations(tmp_path: Path) -> None:
    for discretise in ("euler", "exp"):
        network = read(tmp_path, node("LI", tau=TAU, r=R, v_leak=LEAK), discretise=discretise)
        rest = execute(network, np.zeros((1, 500, N), np.float32)).output
        assert rest is not None
        np.testing.assert_allclose(rest[0, -1], LEAK, rtol=1e-4)


def test_if_integrates_without_leak(tmp_path: Path) -> None:
    network = read(tmp_path, node("IF", r=np.full(N, 1 / DT_S), v_threshold=THRESHOLD))
    v, expected = np.zeros(N, np.float32), []
    for x in X:
        v = v + x
        expected.append(v > THRESHOLD.astype(np.float32))
        v = np.where(expected[-1], np.float32(0), v)
    assert np.array_equal(outputs(network), np.array(expected))
    neuron = network.by_name["neuron"].neuron
    assert neuron is not None
    assert (neuron.v_gain, neuron.v_decay) == (1.0, 1.0)


def test_i_and_li_are_read_out_as_membranes(tmp_path: Path) -> None:
    integrated = outputs(read(tmp_path, node("I", r=R)))
    np.testing.assert_allclose(integrated, np.cumsum(DT_S * R * X, axis=0), rtol=1e-4)
    leaked = outputs(read(tmp_path, node("LI", tau=TAU, r=R, v_leak=np.zeros(N))))
    v = np.zeros(N)
    for x, found in zip(X, leaked, strict=True):
        v = (1 - DT_S / TAU) * v + DT_S / TAU * R * x
        np.testing.assert_allclose(found, v, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spiking", [True, False])
def test_current_based_neurons(tmp_path: Path, spiking: bool) -> None:
    tau_syn, w_in = RNG.uniform(2e-3, 9e-3, N), RNG.uniform(1.0, 3.0, N)
    parameters = {"tau_syn": tau_syn, "tau_mem": TAU, "r": R, "v_leak": np.zeros(N), "w_in": w_in}
    if spiking:
        parameters |= {"v_threshold": THRESHOLD, "v_reset": RESET}
    found = outputs(read(tmp_path, node("CubaLIF" if spiking else "CubaLI", **parameters)))
    i, v, expected = np.zeros(N), np.zeros(N), []
    for x in X:
        i = (1 - DT_S / tau_syn) * i + DT_S / tau_syn * w_in * x
        v = (1 - DT_S / TAU) * v + DT_S / TAU * R * i
        expected.append(v > THRESHOLD if spiking else v)
        v = np.where(v > THRESHOLD, RESET, v) if spiking else v
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-4, atol=1e-6)


def test_threshold_forgets(tmp_path: Path) -> None:
    root = chain(("input", source(N)), ("neuron", node("Threshold", threshold=np.full(N, 0.25))), ("output", sink(N)))
    network = read_nir(write(tmp_path / "net.nir", root))
    assert np.array_equal(outputs(network), np.greater(X, np.float32(0.25)))
    assert network.assumptions == ()


def test_reaching_the_threshold_is_not_enough(tmp_path: Path) -> None:
    network = read(tmp_path, node("IF", r=np.full(N, 1 / DT_S), v_threshold=np.ones(N)))
    at_threshold = execute(network, np.ones((1, 1, N), np.float32)).output
    assert at_threshold is not None
    assert not at_threshold.any()


def test_equal_parameters_become_one_number(tmp_path: Path) -> None:
    network = read(tmp_path, lif(np.full(N, 2e-2), np.full(N, 1.0), np.zeros(N), np.full((1, N), 0.5)))
    neuron = network.by_name["neuron"].neuron
    assert neuron is not None
    assert all(isinstance(value, float) for value in neuron.parameters().values())


def test_scalars_and_channels_are_accepted(tmp_path: Path) -> None:
    neurons = lif(tau=np.array([1e-3, 2e-3, 4e-3]), v_threshold=np.array([[[0.5]]]))
    root = chain(("input", source(3, 4, 5)), ("lif", neurons), ("output", sink(3, 4, 5)))
    neuron = read_nir(write(tmp_path / "net.nir", root)).by_name["lif"].neuron
    assert neuron is not None
    assert np.shape(neuron.v_decay) == (3,)
    assert neuron.threshold == 0.5


def test_gain_of_one_survives_the_rounding_of_the_file(tmp_path: Path) -> None:
    # snnTorch writes tau = dt / (1 - beta) and r = tau / dt as float32
    tau = np.full(N, 1e-4 / (1 - 0.9), np.float32)
    neuron = read(tmp_path, lif(tau, tau / np.float32(1e-4)), dt_s=1e-4).by_name["neuron"].neuron
    assert neuron is not None
    assert neuron.v_gain == 1.0
    assert neuron.v_decay == pytest.approx(0.9, abs=1e-6)


def test_every_assumption_is_said_and_none_that_was_not_made(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nir", chain(("input", source(N)), ("lif", lif()), ("output", sink(N))))
    assert read_nir(path).assumptions == (
        "x.nir stores no time step: assumed dt = 0.0001 s (--dt)",
        "x.nir is continuous in time: assumed forward Euler (--discretise)",
        "x.nir stores no kind of reset: assumed that a spike sets v to v_reset (--reset)",
    )
    assert read_nir(path, dt_s=1e-4, reset="zero", discretise="exp").assumptions == ()


def test_the_signs_of_snntorch_are_told_and_change_nothing(tmp_path: Path) -> None:
    tau = np.full(N, 1e-3, np.float32)
    path = write(tmp_path / "x.nir", chain(("input", source(N)), ("lif", lif(tau, tau / 1e-4)), ("output", sink(N))))
    hint = "its neurons subtract the threshold one step later unless told otherwise (--reset subtract-next)"
    network = read_nir(path)
    assert network.assumptions[-1].endswith(hint)
    assert network.by_name["lif"].neuron.reset == "zero"
    for options in ({"reset": "zero"}, {"dt_s": 2e-4}):
        assert not any(hint in sentence for sentence in read_nir(path, **options).assumptions)


def test_time_constants_in_steps_are_suspected(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nir", chain(("input", source(N)), ("lif", lif(tau=20.0)), ("output", sink(N))))
    assert any("--dt 1 --discretise exp --reset subtract" in sentence for sentence in read_nir(path).assumptions)


BAD = {
    "dt too long": (lif(tau=2e-4), "tau is 0.0002 s, shorter than the time step of 0.001 s"),
    "tau 0": (lif(tau=0.0), "tau must be positive and finite; the least is 0"),
    "tau nan": (lif(tau=np.array([np.nan] + [1.0] * 5)), "tau must be positive and finite"),
    "r 0 with leak": (lif(tau=2e-2, r=0.0, v_leak=1.0), "parameter r is 0 where v_leak is not"),
    "shape": (lif(tau=np.full(5, 2e-2)), "tau has shape (5,), which does not suit (6,) elements"),
}


@pytest.mark.parametrize("name", BAD)
def test_faulty_neurons_are_named(tmp_path: Path, name: str) -> None:
    neuron, message = BAD[name]
    with pytest.raises(InputError) as caught:
        read(tmp_path, neuron)
    assert "net.nir: neuron (LIF): " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discretise": "exp"}, "--discretise has no effect: no node of this file has a time constant"),
        ({"reset": "subtract"}, "--reset has no effect: no node of this file spikes and is reset"),
        ({"dt_s": 1e-3}, "--dt has no effect: no node of this file depends on time"),
    ],
)
def test_options_without_effect_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    root = chain(("input", source(N)), ("fc", node("Linear", weight=np.eye(N))), ("output", sink(N)))
    with pytest.raises(InputError, match=message):
        read_nir(write(tmp_path / "net.nir", root), **options)
