"""SpikingJelly's rarer neurons as canonical ones; the papers are named in the classes' own documentation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import comparison, number, refused
from neurocomp.network.neuron import Neuron

Value = float | np.ndarray


def common(module: Any, path: str, kind: str) -> dict[str, Any]:
    """Threshold, comparison and reset, as all of these classes have them."""
    v_reset = None if module.v_reset is None else float(module.v_reset)
    rest = v_reset or 0.0
    start = getattr(module, "_memories_rv", {}).get("v", rest)  # a converted network may start from elsewhere
    simple = kind.startswith("Simple")
    return {
        "threshold": number(module.v_threshold),
        "reset": "subtract" if v_reset is None else "zero",
        "compare": comparison(path, kind, module.surrogate_function),
        "v_reset": rest,
        "v_init": 0.0 if simple else start if isinstance(start, float) else rest,
    }


def worth_of_a_spike(module: Any, kind: str) -> Value:
    """What a spike carries: 1, except in DSR, whose spikes carry the threshold."""
    if kind not in ("DSRIFNode", "DSRLIFNode"):
        return 1.0
    threshold = number(module.v_threshold.clamp(min=module.v_threshold_lower_bound))
    return threshold / (module.delta_t if kind == "DSRLIFNode" else 1.0)


def _klif(module: Any, path: str, kind: str) -> Neuron:
    """v = relu(k * charged v); with scale_reset the reset acts on v / k, so that v here is k times the module's."""
    given = common(module, path, kind)
    k, rate, rest = number(module.k), 1.0 / number(module.tau), given["v_reset"]
    gain = k * rate if module.decay_input else k
    keep = 1.0 if module.scale_reset else k
    if module.scale_reset:
        given["v_reset"], given["v_init"] = rest * k, given["v_init"] * k
    leak = rest if module.decay_input else rest * rate
    return Neuron(v_decay=keep * (1.0 - rate), v_gain=gain, leak=leak, v_min=0.0, **given)


def _ternary(module: Any, path: str, kind: str) -> Neuron:
    given = {**common(module, path, kind), "output": "ternary"}
    if kind == "TernaryIFNode":
        return Neuron(**given)
    rate = 1.0 / number(module.tau)
    if module.decay_input:
        return Neuron(v_decay=1.0 - rate, v_gain=rate, leak=given["v_reset"], **given)
    return Neuron(v_decay=1.0 - rate, leak=given["v_reset"] * rate, **given)


def _integer(module: Any, path: str, kind: str) -> Neuron:
    most = int(module.surrogate_function.max_spike_count)
    return Neuron(
        v_decay=1.0 - 1.0 / number(module.tau),
        threshold=number(module.v_threshold),
        reset="subtract",
        output="count",
        max_count=most,
        rounding="nearest",
    )


def _complementary(module: Any, path: str, _kind: str) -> Neuron:
    rate = 1.0 / number(module.tau)
    return Neuron(
        v_decay=1.0 - rate,
        threshold=number(module.v_threshold),
        reset="subtract",
        adapts="reset",
        a_decay=1.0,
        a_gain=1.0,
        a_from_v=rate,
    )


def _quadratic(module: Any, path: str, kind: str) -> Neuron:
    """v += (x + a0 (v - rest) (v - v_c)) / tau"""
    rate, a0, rest, critical = 1.0 / module.tau, module.a0, module.v_rest, module.v_c
    return Neuron(
        v_decay=1.0 - a0 * (rest + critical) * rate,
        v_gain=rate,
        v_square=a0 * rate,
        leak=a0 * rest * critical,
        **common(module, path, kind),
    )


def _exponential(module: Any, path: str, kind: str) -> Neuron:
    """v += (x + rest - v + delta_T exp((v - theta_rh) / delta_T)) / tau"""
    rate, slope = 1.0 / module.tau, module.delta_T
    return Neuron(
        v_decay=1.0 - rate,
        v_gain=rate,
        leak=module.v_rest,
        v_exp=slope * rate * math.exp(-module.theta_rh / slope),
        v_exp_rate=1.0 / slope,
        **common(module, path, kind),
    )


def _izhikevich(module: Any, path: str, kind: str) -> Neuron:
    """As the quadratic one, with w += (a (v - rest) - w) / tau_w + b s taken off the input. A constant moves from w to
    the leak: a' = w + a rest."""
    rate, a0, rest, critical = 1.0 / module.tau, module.a0, module.v_rest, module.v_c
    moved = module.a * rest
    return Neuron(
        v_decay=1.0 - a0 * (rest + critical) * rate,
        v_gain=rate,
        v_square=a0 * rate,
        leak=a0 * rest * critical + moved,
        adapts="current",
        a_decay=1.0 - 1.0 / module.tau_w,
        a_from_v=module.a / module.tau_w,
        a_gain=module.b,
        a_init=module.w_rest + moved,
        **common(module, path, kind),
    )


def _resonate(module: Any, path: str, kind: str) -> Neuron:
    """(u, v) turns by omega dt and shrinks by exp(b dt); the input goes to u, which is the canonical current."""
    shrink, angle = math.exp(module.b * module.dt), module.omega * module.dt
    return Neuron(
        v_decay=shrink * math.cos(angle),
        v_gain=shrink * math.sin(angle),
        i_decay=shrink * math.cos(angle),
        i_from_v=-shrink * math.sin(angle),
        current_when="next",
        **common(module, path, kind),
    )


def _gated(module: Any, path: str, kind: str) -> Neuron:
    """GLIF: exponential and linear decay, proportional and subtractive reset, blended by learnt gates."""

    def gate(name: str) -> Value:
        return number(getattr(module, name).sigmoid().reshape(1, -1, 1, 1))

    alpha, beta, gamma = gate("alpha"), gate("beta"), gate("gamma")
    conduct = module.conduct.detach().reshape(module.T, -1)
    if not bool((conduct == conduct[:1]).all()):
        hint = "share one conductance over all steps (tie conduct over its first axis)"
        raise refused(path, kind, "its conductance differs between the time steps", hint)
    decay = 1 - alpha * (1 - gate("tau"))
    gain = 1 - beta * (1 - number(conduct[0].sigmoid().reshape(1, -1, 1, 1)))
    return Neuron(
        v_decay=decay,
        v_gain=gain,
        leak=-(1 - alpha) * gate("linear_decay") / gain,
        threshold=gate("v_threshold"),
        compare=comparison(path, kind, module.surrogate_function),
        reset="subtract",
        v_keep=1 - gamma,
        v_subtract=(1 - gamma) * gate("v_subreset") / decay,
    )


def _normalised(module: Any, path: str, kind: str) -> Neuron:
    """MPBN: batch normalisation of the charged membrane; a spike takes off v_threshold, wherever it fires."""
    _refuse_normalised(module, path, kind)
    given = common(module, path, kind)
    rate, rest = 1.0 / number(module.tau), given["v_reset"]
    each = (1, -1, 1, 1) if type(module.vbn).__name__ == "BatchNorm2d" else (1, -1)
    slope: Value = 1.0
    shift: Value = 0.0
    if type(module.vbn).__name__ != "Identity":
        norm = module.vbn.weight / (module.vbn.running_var + module.vbn.eps).sqrt()
        shift = number((module.vbn.bias - module.vbn.running_mean * norm).reshape(each))
        slope = number(norm.reshape(each))
    amount = given["threshold"] if given["reset"] == "subtract" else None
    if module.learnable_vth:
        given["threshold"] = number(module.a.exp().reshape(each))
    gain = slope * rate if module.decay_input else slope
    leak = (rest if module.decay_input else rest * rate) + shift / gain
    return Neuron(v_decay=slope * (1.0 - rate), v_gain=gain, leak=leak, v_subtract=amount, **given)


def _refuse_normalised(module: Any, path: str, kind: str) -> None:
    if module.fold_bn:
        hint = "freeze it before re_parameterize_v_threshold: the spikes are the same"
        raise refused(path, kind, "its normalisation is folded into thresholds whose axes cannot be told", hint)
    if module.learnable_vth and type(module.vbn).__name__ == "Identity":
        raise refused(path, kind, "its learnt thresholds lie along an axis that cannot be told", "keep mpbn=True")


def _activation_aware(module: Any, path: str, kind: str) -> Neuron:
    """Fires at threshold - offset, loses the threshold; both scalars or one per channel."""
    given = common(module, path, kind)
    threshold, offset = number(module.v_threshold), number(module.v_offset)
    if isinstance(threshold, np.ndarray) or isinstance(offset, np.ndarray):
        if module.channel_dim not in (1, -1):
            raise refused(path, kind, f"channel_dim={module.channel_dim}: its parameters lie along another axis")
        width = max(np.size(threshold), np.size(offset))
        shape = (width,) if module.channel_dim == -1 else (1, width, 1, 1)
        threshold, offset = (np.broadcast_to(v, (width,)).reshape(shape) for v in (threshold, offset))
    subtracts = given["reset"] == "subtract"
    given["threshold"] = threshold - offset
    return Neuron(v_subtract=threshold if subtracts else None, **given)


def _dsr(module: Any, path: str, kind: str) -> Neuron:
    threshold = number(module.v_threshold.clamp(min=module.v_threshold_lower_bound))
    fires_at = {"threshold": module.alpha * threshold, "v_subtract": threshold, "reset": "subtract"}
    if kind == "DSRIFNode":
        return Neuron(**fires_at)
    beta = math.exp(-module.delta_t / module.tau)
    return Neuron(v_decay=beta, v_gain=1.0 - beta, **fires_at)


BUILD = {
    "KLIFNode": _klif,
    "TernaryIFNode": _ternary,
    "TernaryLIFNode": _ternary,
    "ILIFNode": _integer,
    "ComplementaryLIFNode": _complementary,
    "QIFNode": _quadratic,
    "EIFNode": _exponential,
    "IzhikevichNode": _izhikevich,
    "RAFNode": _resonate,
    "GatedLIFNode": _gated,
    "MPBNLIFNode": _normalised,
    "ActivationAwareIFNode": _activation_aware,
    "DSRIFNode": _dsr,
    "DSRLIFNode": _dsr,
}
