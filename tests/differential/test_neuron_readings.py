"""Readings of the frameworks' neurons with random parameters against the modules themselves, without a network: the
readable twin steps the canonical neuron, whose spikes must all be the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.reference_neuron import NeuronState
from neurocomp.frontend.freezing.neurons import norse as norse_file
from neurocomp.frontend.freezing.neurons import sinabs as sinabs_file
from neurocomp.frontend.freezing.neurons import snntorch as snntorch_file
from neurocomp.frontend.freezing.neurons import spikingjelly as spikingjelly_file
from neurocomp.network import Population

torch = pytest.importorskip("torch")
STEPS, NEURONS, TRIALS = 30, 40, 12


def canonical(neuron: Any, x: np.ndarray) -> np.ndarray:
    """Outputs of the canonical neuron on (steps, neurons)."""
    state = NeuronState(Population("n", x.shape[1:], neuron), neuron, None)
    return np.stack([state.update(given)[0] for given in x])


def compare(read: Callable[[Any, str], Any], make: Callable[[np.random.Generator], Any], run: Any) -> None:
    """Several draws of the parameters; the layer must fire, though not always."""
    fired = []
    for trial in range(TRIALS):
        rng = np.random.default_rng(trial)
        torch.manual_seed(trial)
        x = rng.normal(0.3, 0.9, (STEPS, NEURONS)).astype(np.float32) * rng.uniform(0.5, 2.0, (1, NEURONS)).astype("f")
        module = make(rng)
        with torch.no_grad():
            theirs = run(module, torch.from_numpy(x)).numpy()
        reading = read(module, "n")
        reading.reset()
        ours = canonical(reading.neuron, x)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"trial {trial}")
        fired.append(np.mean(theirs != 0))
    assert 0.02 < np.mean(fired) < 0.95


# SpikingJelly -----------------------------------------------------------------------------------------------
def _choice(rng: np.random.Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _usual(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "v_threshold": float(rng.uniform(0.6, 1.5)),
        "v_reset": _choice(rng, None, 0.0, float(rng.uniform(-0.3, 0.3))),
    }


def _leaky(rng: np.random.Generator) -> dict[str, Any]:
    return {**_usual(rng), "tau": float(rng.uniform(1.2, 5.0)), "decay_input": bool(rng.integers(2))}


def _klif(module: Any, rng: np.random.Generator) -> Any:
    node = module.KLIFNode(**_leaky(rng), scale_reset=bool(rng.integers(2)))
    node.k.data.fill_(rng.uniform(0.7, 1.6))
    return node


def _plif(module: Any, rng: np.random.Generator) -> Any:
    options = _leaky(rng)
    return module.ParametricLIFNode(init_tau=options.pop("tau"), **options)


SPIKINGJELLY: dict[str, Callable[[Any, np.random.Generator], Any]] = {
    "IF": lambda m, g: m.IFNode(**_usual(g)),
    "LIF": lambda m, g: m.LIFNode(**_leaky(g)),
    "PLIF": _plif,
    "CUBA": lambda m, g: m.CUBALIFNode(float(g.uniform(0.1, 0.9)), float(g.uniform(0.1, 0.9)), **_usual(g)),
    "half": lambda m, g: m.HalfThresholdIFNode(float(g.uniform(0.5, 2.0))),
    "KLIF": _klif,
    "ternary IF": lambda m, g: m.TernaryIFNode(**_usual(g)),
    "ternary": lambda m, g: m.TernaryLIFNode(**_leaky(g)),
    "ILIF": lambda m, g: m.ILIFNode(tau=float(g.uniform(1.2, 4)), v_threshold=float(g.uniform(0.4, 1.2))),
    "CLIF": lambda m, g: m.ComplementaryLIFNode(tau=float(g.uniform(1.2, 4)), v_threshold=float(g.uniform(0.5, 1.5))),
    "QIF": lambda m, g: m.QIFNode(tau=float(g.uniform(1.5, 4)), v_c=float(g.uniform(0.5, 0.9)), v_reset=-0.1),
    "EIF": lambda m, g: m.EIFNode(tau=float(g.uniform(1.5, 4)), delta_T=float(g.uniform(0.5, 1.5))),
    "Izhikevich": lambda m, g: m.IzhikevichNode(
        tau=float(g.uniform(1.5, 3)), a=float(g.uniform(-0.2, 0.4)), b=float(g.uniform(0, 0.5)), w_rest=0.1
    ),
    "RAF": lambda m, g: m.RAFNode(b=-float(g.uniform(0.05, 1)), omega=float(g.uniform(0.2, 2.5)), **_usual(g)),
    "aware": lambda m, g: m.ActivationAwareIFNode(
        torch.tensor(g.uniform(0.5, 1.5), dtype=torch.float32), torch.tensor(g.uniform(0, 0.4), dtype=torch.float32)
    ),
}


@pytest.mark.parametrize("kind", SPIKINGJELLY)
def test_spikingjelly(kind: str) -> None:
    module = pytest.importorskip("spikingjelly.activation_based.neuron")

    def run(node: Any, x: Any) -> Any:
        return torch.stack([node(given) for given in x])

    compare(spikingjelly_file.read, lambda rng: SPIKINGJELLY[kind](module, rng), run)


# snnTorch ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["Leaky", "Synaptic", "Lapicque", "Alpha"])
def test_snntorch(kind: str) -> None:
    snn = pytest.importorskip("snntorch")

    def make(rng: np.random.Generator) -> Any:
        beta = float(rng.uniform(0.3, 0.7))
        rates = {"alpha": float(rng.uniform(0.75, 0.95))} if kind in ("Synaptic", "Alpha") else {}
        mechanism = _choice(rng, "zero", "none", *(["subtract"] if kind != "Alpha" else []))
        return getattr(snn, kind)(
            beta=beta, threshold=float(rng.uniform(0.4, 1.2)), init_hidden=True, reset_mechanism=mechanism, **rates
        )

    compare(snntorch_file.read, make, lambda node, x: torch.stack([node(given) for given in x]))


# Norse ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["LIFBoxCell", "LIFCell", "LSNNCell", "LIFRefracCell"])
def test_norse(kind: str) -> None:
    norse = pytest.importorskip("norse.torch")

    def make(rng: np.random.Generator) -> Any:
        t = {
            name: torch.tensor(rng.uniform(*span), dtype=torch.float32)
            for name, span in {
                "tau_syn_inv": (100, 400),
                "tau_mem_inv": (100, 600),
                "v_th": (0.2, 0.6),
                "v_reset": (-0.2, 0.1),
            }.items()
        }
        if kind == "LSNNCell":
            return norse.LSNNCell(
                norse.LSNNParameters(**t, tau_adapt_inv=torch.tensor(rng.uniform(5, 100)), beta=torch.tensor(0.3))
            )
        if kind == "LIFBoxCell":
            return norse.LIFBoxCell(norse.LIFBoxParameters(**{k: v for k, v in t.items() if k != "tau_syn_inv"}))
        lif = norse.LIFParameters(**t)
        return (
            norse.LIFCell(lif)
            if kind == "LIFCell"
            else norse.LIFRefracCell(norse.LIFRefracParameters(lif, torch.tensor(2.0)))
        )

    def run(cell: Any, x: Any) -> Any:
        state, spikes = None, []
        for given in x:
            z, state = cell(given, state)
            spikes.append(z)
        return torch.stack(spikes)

    compare(norse_file.read, make, run)


# sinabs -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["IAF", "LIF", "ALIF"])
def test_sinabs(kind: str) -> None:
    layers = pytest.importorskip("sinabs.layers")
    activation = pytest.importorskip("sinabs.activation")

    def make(rng: np.random.Generator) -> Any:
        options: dict[str, Any] = {
            "spike_threshold": torch.tensor(rng.uniform(0.4, 1.2), dtype=torch.float32),
            "min_v_mem": _choice(rng, None, -float(rng.uniform(0.0, 1.0))),
            "spike_fn": _choice(rng, activation.MultiSpike, activation.SingleSpike, activation.MaxSpike(2)),
        }
        if kind != "IAF":
            options |= {"tau_mem": float(rng.uniform(2, 20)), "norm_input": False, "tau_syn": _choice(rng, None, 4.0)}
        if kind == "ALIF":
            options |= {"tau_adapt": float(rng.uniform(2, 20)), "adapt_scale": float(rng.uniform(0.5, 2.5))}
        return getattr(layers, kind)(**options)

    compare(sinabs_file.read, make, lambda layer, x: layer(x[None])[0])
