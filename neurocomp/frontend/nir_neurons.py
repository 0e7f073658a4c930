"""NIR's neurons in discrete time.

NIR states differential equations and stores neither a time step nor a kind of reset; both are assumed here
and said. With time step dt, input x and in the order of the canonical neuron (network/neuron.py)::

    I          v' = R x                       v += dt R x
    LI, LIF    tau v' = (v_leak - v) + R x     v = d(tau) v + (dt/tau) (v_leak + R x)
    CubaLI(F)  tau_syn i' = -i + w_in x        i = d(tau_syn) i + (dt/tau_syn) w_in x, then LI(F) with i for x

``euler`` (forward Euler, as Norse): d(tau) = 1 - dt/tau. ``exp`` (as sinabs and Rockpool): d(tau) = exp(-dt/tau),
the input still weighted by dt/tau; the leak is scaled so that the membrane rests at v_leak all the same.
A neuron spikes when v > v_threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from neurocomp.frontend.nir_file import EXPORT, STORED_DISCRETISE, STORED_DT, STORED_RESET, Node, NodeProblem
from neurocomp.frontend.nir_ops import compact, fit, fitted
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Shape

Reset = Literal["zero", "subtract", "subtract-next"]
Discretise = Literal["euler", "exp"]

DEFAULT_DT_S = 1e-4
ROUNDING = 2.0**-22
"""Files store float32; a gain closer to 1 than this was 1 before it was written as tau and r."""

NEURON_TYPES = ("I", "LI", "IF", "LIF", "CubaLI", "CubaLIF", "Threshold")


@dataclass(eq=False)
class Timing:
    """What the user said about time (None: nothing), what the file says (stored), and which answers were needed."""

    dt_option_s: float | None = None
    reset_option: Reset | None = None
    discretise_option: Discretise | None = None
    stored: Mapping[str, str | float] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    unit_gains: list[bool] = field(default_factory=list)
    """Of each kind of leaking neurons, whether an input of 1 raises the membrane by 1."""

    @property
    def dt_s(self) -> float:
        self.used.add("dt")
        return float(self.stored.get(STORED_DT, DEFAULT_DT_S)) if self.dt_option_s is None else self.dt_option_s

    @property
    def reset(self) -> Reset:
        self.used.add("reset")
        return self.reset_option or cast("Reset", self.stored.get(STORED_RESET, "zero"))

    @property
    def discretise(self) -> Discretise:
        self.used.add("discretise")
        return self.discretise_option or cast("Discretise", self.stored.get(STORED_DISCRETISE, "euler"))

    def assumptions(self, file: str) -> Iterator[str]:
        """What had to be assumed about time, and what of the file was overridden, in sentences."""
        dt, discretise, reset = self.dt_option_s, self.discretise_option, self.reset_option
        for key, name, option, assumed in (
            ("dt", STORED_DT, dt, f"{file} stores no time step: assumed dt = {DEFAULT_DT_S:g} s (--dt)"),
            ("discretise", STORED_DISCRETISE, discretise,
             f"{file} is continuous in time: assumed forward Euler (--discretise)"),
            ("reset", STORED_RESET, reset,
             f"{file} stores no kind of reset: assumed that a spike sets v to v_reset (--reset)"),
        ):  # fmt: skip
            if key not in self.used:
                continue
            if option is None and name not in self.stored:
                yield assumed
            elif option is not None and name in self.stored and self.stored[name] != option:
                yield f"--{key} {option} takes the place of {self.stored[name]}, with which {file} was written"
        if "reset" in self.used and reset is None and STORED_RESET not in self.stored:
            yield from self._hints()

    def _hints(self) -> Iterator[str]:
        """What the numbers look like; nothing is changed by it."""
        if self.dt_option_s is None and self.unit_gains and all(self.unit_gains):
            yield (
                f"at dt = {self.dt_s:g} s all inputs have a gain of 1, as in files of snnTorch, which writes no reset: "
                "its neurons subtract the threshold one step later unless told otherwise (--reset subtract-next)"
            )


def neuron(node: Node, shape: Shape, timing: Timing) -> Neuron:
    """The discrete neuron of a NIR node with ``shape`` elements. Raises NodeProblem."""
    return _Converter(node, shape, timing).neuron()


@dataclass(eq=False)
class _Converter:
    node: Node
    shape: Shape
    timing: Timing

    def neuron(self) -> Neuron:
        if self.node.type == "Threshold":
            # stateless: what arrives is compared and forgotten
            return Neuron(v_decay=0.0, threshold=self.given("threshold"), reset="none", compare=">")
        values = {**self.membrane(), **self.current()}
        parameters: dict[str, float | np.ndarray | None]
        parameters = {key: compact(value, self.shape) for key, value in values.items()}
        if "v_threshold" not in self.node.values:
            return Neuron(compare=">", reset="none", output="membrane").with_parameters(parameters)
        parameters["threshold"] = self.given("v_threshold")
        return self.resetting().with_parameters(parameters)

    def membrane(self) -> dict[str, np.ndarray]:
        r = self.value("r")
        if self.node.type in ("I", "IF"):
            return {"v_decay": np.ones(()), "v_gain": _snapped(self.timing.dt_s * r)}
        decay, rate = self.leaking("tau_mem" if "tau_mem" in self.node.values else "tau")
        gain = rate * r
        self.timing.unit_gains.append(bool(np.all(_snapped(gain) == 1)))
        leak = self.value("v_leak")
        if not np.any(leak):
            return {"v_decay": decay, "v_gain": _snapped(gain)}
        if not np.all(gain):
            raise NodeProblem("parameter r is 0 where v_leak is not: such a neuron hears nothing", hint=EXPORT)
        if STORED_DT not in self.timing.stored:  # our own writer refuses other starts
            self.note(f"{self.node.path}: v_leak is not 0, membranes start at 0")
        return {"v_decay": decay, "v_gain": _snapped(gain), "leak": leak * (1.0 - decay) / gain}

    def current(self) -> dict[str, np.ndarray]:
        if "tau_syn" not in self.node.values:
            return {}
        decay, rate = self.leaking("tau_syn")
        weight = self.value("w_in") if "w_in" in self.node.values else np.ones(())
        return {"i_decay": decay, "i_gain": _snapped(rate * weight)}

    def leaking(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(decay per step, dt / tau) of a time constant."""
        tau, dt = self.value(name), self.timing.dt_s
        if not (np.isfinite(tau).all() and np.all(tau > 0)):
            raise NodeProblem(f"parameter {name} must be positive and finite; the least is {np.min(tau):g}")
        rate = dt / tau
        if self.timing.discretise == "exp":
            return np.exp(-rate), rate
        if np.max(rate) > 1.0 + 1e-5:
            raise NodeProblem(
                f"parameter {name} is {np.min(tau):g} s, shorter than the time step of {dt:g} s, which forward Euler "
                "cannot follow",
                hint="give a shorter --dt, or --discretise exp; Norse 1.1 writes tau times its dt",
            )
        if self.timing.dt_option_s is None and np.min(tau) >= 0.5:
            self.note(
                f"{self.node.path}: {name} is {np.min(tau):g} s or more, which is long; if the file counts in "
                "steps (sinabs does), give --dt 1 --discretise exp --reset subtract"
            )
        return np.maximum(1.0 - rate, 0.0), rate

    def resetting(self) -> Neuron:
        """A neuron that has the settings and the parameter of the reset, and no others yet."""
        reset = self.timing.reset
        v_reset = self.given("v_reset") if "v_reset" in self.node.values else 0.0
        if reset == "zero":
            return Neuron(v_reset=v_reset, compare=">")
        if np.any(v_reset):
            self.note(f"{self.node.path}: v_reset is not 0, but has no effect with --reset {reset}")
        return Neuron(reset="subtract", reset_when="next" if reset == "subtract-next" else "now", compare=">")

    def value(self, name: str) -> np.ndarray:
        """A parameter in float64, of no axes or of the neurons' shape."""
        return fitted(self.node.array(name), self.shape, name)

    def given(self, name: str) -> float | np.ndarray:
        return fit(self.node.array(name), self.shape, name)

    def note(self, sentence: str) -> None:
        self.timing.notes.append(sentence)


def _snapped(gain: np.ndarray) -> np.ndarray:
    return np.where(np.abs(gain - 1.0) < ROUNDING, 1.0, gain)
