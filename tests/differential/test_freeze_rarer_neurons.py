"""The frameworks' rarer neurons over random inputs and parameters: every spike. Many layers side by side share one
export; the spikes are those of the module's own hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from tests.freezing import executed, spikes_of

torch = pytest.importorskip("torch")
STEPS, SAMPLES, NEURONS = 24, 4, 40


class Joined(torch.nn.Module):
    """Layers of neurons whose outputs all lead to one readout."""

    def __init__(self, neurons: dict[str, Any]) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleDict(neurons)
        self.readout = torch.nn.ModuleDict({name: torch.nn.LazyLinear(2, bias=False) for name in neurons})

    def read(self, outputs: dict[str, Any]) -> Any:
        first = {name: r[0] if isinstance(r, tuple) else r for name, r in outputs.items()}
        return sum(self.readout[name](r.flatten(2) if r.ndim == 5 else r) for name, r in first.items())


class SideBySide(Joined):
    """Each neuron layer gets the input, all steps at once if it can."""

    def forward(self, x: Any) -> Any:
        outputs = {}
        for name, layer in self.layers.items():
            single = getattr(layer, "step_mode", "m") == "s"
            outputs[name] = torch.stack([layer(x[t]) for t in range(x.shape[0])]) if single else layer(x)
        return self.read(outputs)


class Looped(Joined):
    """Calls cells once per step, each with its own last state."""

    def forward(self, x: Any) -> Any:
        states: dict[str, Any] = dict.fromkeys(self.layers)
        steps = []
        for t in range(x.shape[0]):
            outputs = {}
            for name, layer in self.layers.items():
                outputs[name], states[name] = layer(x[t], states[name])
            steps.append(self.read(outputs))
        return torch.stack(steps)


def drive(seed: int = 0, size: float = 1.0, shape: tuple[int, ...] = (NEURONS,), axis: int = 0) -> Any:
    """(steps, samples, ...) inputs, now weak, now strong, both signs, or time at ``axis``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.35, 0.8, (STEPS, SAMPLES, *shape)) * rng.uniform(0.2, 1.8, (1, 1, *shape)) * size
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, 0, axis).astype(np.float32)))


def check(module: Any, x: Any, reset: Any = None, axis: int = 0, low: float = 0.01, **options: Any) -> Any:
    """Freeze; every output of every layer is the module's; none is silent."""
    with torch.no_grad():
        module(x)  # the readout takes its size
    network = freeze(module, x, **options)
    for layer in module.layers.values():
        if reset is not None:
            reset(layer)
    seen = spikes_of(module, x, dict(module.layers.items()))
    ours = executed(network)
    for name, calls in seen.items():
        theirs = np.stack(calls, axis=1) if len(calls) > 1 else np.moveaxis(calls[0], axis, 1)
        got = ours[f"layers.{name}"]
        if network.by_name[f"layers.{name}"].neuron.output in ("membrane", "graded"):
            np.testing.assert_allclose(got, theirs, rtol=1e-4, atol=1e-5, err_msg=name)
        elif name.startswith("dsr"):  # whose spikes are worth their threshold
            np.testing.assert_array_equal(got != 0, theirs != 0, err_msg=name)
        else:
            np.testing.assert_array_equal(got, theirs, err_msg=name)
        assert low < np.mean(theirs != 0), name
    return network


# SpikingJelly -----------------------------------------------------------------------------------------------
def spikingjelly_layers() -> dict[str, Any]:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate")
    layers = {
        "half_threshold": neuron.HalfThresholdIFNode(v_threshold=1.3),
        "klif": neuron.KLIFNode(tau=2.5),
        "klif_soft": neuron.KLIFNode(tau=2.5, v_reset=None, decay_input=False),
        "klif_scaled": neuron.KLIFNode(tau=3.0, scale_reset=True, v_reset=None),
        "klif_scaled_hard": neuron.KLIFNode(tau=3.0, scale_reset=True, v_reset=-0.2),
        "ternary_if": neuron.TernaryIFNode(v_reset=None),
        "ternary": neuron.TernaryLIFNode(tau=1.8, v_reset=0.1),
        "ternary_soft": neuron.TernaryLIFNode(tau=1.8, v_reset=None, decay_input=False),
        "ilif": neuron.ILIFNode(v_threshold=0.7, surrogate_function=surrogate.MultiLevelSpikeCount(3)),
        "clif": neuron.ComplementaryLIFNode(tau=2.0),
        "qif": neuron.QIFNode(tau=2.0, v_rest=0.05, v_reset=-0.1),
        "eif": neuron.EIFNode(tau=2.0),
        "izhikevich": neuron.IzhikevichNode(a=0.3, b=0.2),
        "izhikevich_rest": neuron.IzhikevichNode(a=-0.2, b=0.4, w_rest=0.1, v_reset=-0.2),
        "raf": neuron.RAFNode(omega=0.8),
        "raf_soft": neuron.RAFNode(b=-0.4, omega=1.9, v_reset=None),
        "aware": neuron.ActivationAwareIFNode(torch.rand(NEURONS) + 0.5, torch.rand(NEURONS) * 0.3, v_reset=None),
        "mpbn": neuron.MPBNLIFNode(out_features=NEURONS, v_reset=None),
        "mpbn_learnt": neuron.MPBNLIFNode(out_features=NEURONS, learnable_vth=True, decay_input=True),
        "ottt": neuron.OTTTLIFNode(),
        "sltt": neuron.SLTTLIFNode(),
        "sliding": neuron.SlidingPSN(4, exp_init=False),
        "sliding_single": neuron.SlidingPSN(3, exp_init=False),
    }
    for name, layer in layers.items():
        layer.step_mode = "s" if name in ("ottt", "klif", "sliding_single") else "m"
    dsr = {"dsr": neuron.DSRIFNode(T=STEPS, v_threshold=0.8), "dsr_lif": neuron.DSRLIFNode(T=STEPS, delta_t=0.4)}
    return {**layers, **dsr}


def test_spikingjelly() -> None:
    torch.manual_seed(1)
    layers = spikingjelly_layers()
    for name, layer in layers.items():
        if name.startswith("klif"):
            layer.k.data.fill_(1.2)
        if name.startswith("mpbn"):
            layer.vbn.running_mean.uniform_(-0.2, 0.2)
            layer.vbn.running_var.uniform_(0.5, 1.0)
            layer.vbn.weight.data.uniform_(0.8, 1.4)
        if name.startswith("sliding"):
            layer.weight.data.uniform_(-0.3, 0.8)
            layer.bias.data.fill_(-0.4)
    network = check(SideBySide(layers).eval(), drive(3, 2.0), lambda layer: layer.reset())
    kinds = {p.name: p.neuron.output for p in network.populations if p.neuron is not None}
    assert kinds["layers.ternary"] == "ternary"
    assert kinds["layers.ilif"] == "count"


def test_ternary_neurons_that_never_fire_below_zero() -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    network = check(SideBySide({"ternary": neuron.TernaryLIFNode(step_mode="m")}), drive(3, 2.0).abs())
    assert network.by_name["layers.ternary"].neuron.output == "ternary"


def test_spikingjelly_gates() -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    torch.manual_seed(2)
    layer = neuron.GatedLIFNode(T=STEPS, inplane=3)
    for name in ("alpha", "beta", "gamma", "tau", "v_threshold", "linear_decay", "v_subreset"):
        getattr(layer, name).data = torch.randn(getattr(layer, name).shape)
    layer.conduct.data = torch.randn(1, 3).expand(STEPS, 3).reshape(layer.conduct.shape).clone()
    x = drive(4, 1.5, (3, 4, 4))
    check(SideBySide({"glif": layer}), x, lambda each: each.reset())
    layer.conduct.data[0] += 0.1
    with pytest.raises(InputError, match="its conductance differs between the time steps"):
        freeze(SideBySide({"glif": layer}), x)


@pytest.mark.parametrize("decode", [None, "mean-mem", "last_mem"])
def test_spikingjelly_readouts(decode: str | None) -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lif = neuron.LIFNode(step_mode="m")
            self.out = neuron.NonSpikingLIFNode(tau=3.0, decode=decode)

        def forward(self, x: Any) -> Any:
            y = self.out(self.lif(x))
            return torch.stack(y) if isinstance(y, list) else y

    x = drive(5, 2.0)
    network = freeze(Net(), x)
    reference = neuron.NonSpikingLIFNode(tau=3.0)
    spikes = neuron.LIFNode(step_mode="m")(x)
    theirs = torch.stack(reference(spikes)).numpy()
    np.testing.assert_allclose(executed(network)["out"], np.moveaxis(theirs, 0, 1), rtol=1e-5, atol=1e-6)


# Norse ------------------------------------------------------------------------------------------------------
def norse_parameters(norse: Any) -> tuple[Any, Any, Any]:
    t = torch.tensor
    lif = norse.LIFParameters(tau_syn_inv=t(150.0), tau_mem_inv=t(250.0), v_th=t(0.5), v_reset=t(-0.1), v_leak=t(0.05))
    lsnn = norse.LSNNParameters(
        tau_syn_inv=t(150.0), tau_mem_inv=t(250.0), tau_adapt_inv=t(60.0), v_th=t(0.5), beta=t(0.4)
    )
    return lif, lsnn, norse.LIFRefracParameters(lif, t(3.0))


def test_norse_layers_over_time() -> None:
    norse = pytest.importorskip("norse.torch")
    torch.manual_seed(3)
    lif, lsnn, refractory = norse_parameters(norse)
    layers = {
        "lsnn": norse.LSNN(lsnn),
        "recurrent": norse.LIFRecurrent(NEURONS, 30, lif),
        "lsnn_recurrent": norse.LSNNRecurrent(NEURONS, 30, lsnn),
        "refractory": norse.LIFRefracRecurrent(NEURONS, 30, refractory),
        "li": norse.LI(),
    }
    network = check(SideBySide(layers), drive(6, 2.0))
    assert network.by_name["layers.lsnn"].neuron.parts() == ("adaptive_threshold", "delayed_current")


def test_norse_cells() -> None:
    norse = pytest.importorskip("norse.torch")
    torch.manual_seed(4)
    lif, lsnn, refractory = norse_parameters(norse)
    layers = {
        "lsnn": norse.LSNNCell(lsnn),
        "refractory": norse.LIFRefracCell(refractory),
        "recurrent": norse.LIFRecurrentCell(NEURONS, 20, lif),
        "lsnn_recurrent": norse.LSNNRecurrentCell(NEURONS, 20, lsnn),
        "refractory_recurrent": norse.LIFRefracRecurrentCell(NEURONS, 20, refractory),
        "li": norse.LICell(),
        "box": norse.LIBoxCell(),
        "linear": norse.LILinearCell(NEURONS, 20),
    }
    check(Looped(layers), drive(7, 2.0)[:12])


# sinabs -----------------------------------------------------------------------------------------------------
def test_sinabs() -> None:
    layers = pytest.importorskip("sinabs.layers")
    activation = pytest.importorskip("sinabs.activation")
    torch.manual_seed(5)
    recurrent = torch.nn.Linear(NEURONS, NEURONS, bias=False)
    recurrent.weight.data *= 0.5
    biased = torch.nn.Linear(NEURONS, NEURONS)  # the bias returns with the spikes, from the second step on
    biased.weight.data *= 0.5
    biased.bias.data.uniform_(-0.3, 0.6)
    found = {
        "alif": layers.ALIF(tau_mem=8.0, tau_adapt=12.0, adapt_scale=1.8, norm_input=False),
        "alif_normed": layers.ALIF(tau_mem=4.0, tau_adapt=6.0, adapt_scale=2.5, spike_threshold=torch.tensor(0.3)),
        "alif_many": layers.ALIF(
            tau_mem=8.0, tau_adapt=5.0, tau_syn=3.0, norm_input=False, spike_fn=activation.MultiSpike
        ),
        "alif_recurrent": layers.ALIFRecurrent(
            tau_mem=8.0, tau_adapt=5.0, rec_connect=recurrent, norm_input=False, adapt_scale=0.7
        ),
        "recurrent": layers.LIFRecurrent(tau_mem=8.0, rec_connect=recurrent, norm_input=False),
        "biased": layers.LIFRecurrent(tau_mem=8.0, rec_connect=biased, norm_input=False),
        "floor": layers.LIF(tau_mem=8.0, min_v_mem=-0.3, norm_input=False),
        "amount": layers.IAF(spike_fn=activation.SingleSpike, reset_fn=activation.MembraneSubtract(0.7)),
        "leak": layers.ExpLeak(tau_mem=6.0),
    }
    check(SideBySide(found), drive(8, 1.5, axis=1), lambda layer: layer.reset_states(), axis=1)


@pytest.mark.parametrize("samples", [1, 3])
def test_sinabs_squeezed(samples: int) -> None:
    """Samples and steps share the first axis, as sinabs networks usually have it."""
    layers = pytest.importorskip("sinabs.layers")
    torch.manual_seed(6)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, bias=False), layers.IAFSqueeze(batch_size=samples), torch.nn.AvgPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(36, 5, bias=False), layers.LIFSqueeze(tau_mem=5.0, batch_size=samples),
    ).eval()  # fmt: skip
    net[0].weight.data *= 3
    net[4].weight.data *= 30
    x = torch.rand(samples * 6, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    network = freeze(net, x)
    for layer in (net[1], net[5]):
        layer.reset_states()
    seen, ours = spikes_of(net, x, {"1": net[1], "5": net[5]}), executed(network)
    for name, (spikes,) in seen.items():
        np.testing.assert_array_equal(ours[name], spikes.reshape(ours[name].shape))
        assert np.mean(spikes != 0) > 0.01
    assert ours["1"].shape == (samples, 6, 4, 6, 6)


def test_sinabs_refusals() -> None:
    layers = pytest.importorskip("sinabs.layers")
    x = drive(9, axis=1)
    with pytest.raises(InputError, match="above 0"):
        freeze(SideBySide({"a": layers.IAF(min_v_mem=0.2)}), x)


# snnTorch ---------------------------------------------------------------------------------------------------
def test_snntorch_over_time() -> None:
    snn = pytest.importorskip("snntorch")
    torch.manual_seed(6)
    layers = {
        "parallel": snn.LeakyParallel(NEURONS, 30, beta=torch.tensor([0.8])),
        "state": snn.StateLeaky(0.7, NEURONS),
        "linear": snn.LinearLeaky(torch.rand(20) * 0.4 + 0.5, NEURONS, 20),
    }
    layers["parallel"].rnn.weight_ih_l0.data *= 4
    check(SideBySide(layers), drive(10, 1.5))


def test_snntorch_alpha() -> None:
    snn = pytest.importorskip("snntorch")

    class Net(Joined):
        def forward(self, x: Any) -> Any:
            steps = [self.read({name: layer(x[t]) for name, layer in self.layers.items()}) for t in range(x.shape[0])]
            return torch.stack(steps)

    def alpha(mechanism: str) -> Any:
        return snn.Alpha(alpha=0.85, beta=0.6, threshold=0.4, reset_mechanism=mechanism, init_hidden=True)

    def reset(layer: Any) -> None:
        layer.syn_exc, layer.syn_inh, layer.mem = (torch.zeros(0) for _ in range(3))

    net = Net({mechanism: alpha(mechanism) for mechanism in ("zero", "none")})
    check(net, drive(11, 1.0)[:12], reset)
    net.layers["zero"] = alpha("subtract")
    with pytest.raises(InputError, match="takes the threshold off one of its currents"):
        freeze(net, drive(11)[:4])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda snn: snn.LeakyParallel(4, 4, weight_hh_enable=True), "its membranes drive each other"),
    ],
)
def test_snntorch_refusals(make: Any, why: str) -> None:
    snn = pytest.importorskip("snntorch")
    with pytest.raises(InputError, match=why):
        freeze(SideBySide({"a": make(snn)}), torch.rand(3, 2, 4))
