"""The frozen network against the torch module: every spike or membrane value of every neuron, on the example.

Where they differ, the first difference in time (and, within a step, in the order of the network) is explained
from what the module itself received there: rounding at the threshold, another neuron model, or another input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.activity.reference_neuron import NeuronState
from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.freezing.export import Call
from neurocomp.frontend.freezing.forced import forced, same_values
from neurocomp.frontend.freezing.neurons.readings import Reading
from neurocomp.frontend.freezing.streams.layout import Layout
from neurocomp.network.graph import Network, Population, Sample
from neurocomp.network.neuron import Neuron, expand
from neurocomp.network.verify import population_order

ROUNDING = 1e-5
"""Relative distance from the threshold below which a difference is put down to float32 rounding."""
DIFFER = "differ from the torch module"


@dataclass(frozen=True, eq=False)
class Recorded:
    """What a torch neuron layer received and returned: arrays (samples, steps, *shape)."""

    inputs: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True)
class Agreement:
    """compared: sites (neuron x step x sample); differing: how many of them differ; spikes: of the module; membranes,
    differing_membranes: those of the sites that are values of read-outs, and no spikes; rounding: whether all
    differences are shown to come from float32 rounding at thresholds (forced.py); silent: layers of which no neuron
    fired, so that nothing about them was shown."""

    compared: int
    differing: int
    spikes: int
    membranes: int = 0
    differing_membranes: int = 0
    rounding: bool = False
    silent: tuple[str, ...] = ()

    @property
    def differing_spikes(self) -> int:
        return self.differing - self.differing_membranes

    def told(self) -> str:
        """What differs, as in "3 of 80 spikes and 1 of 20 membrane values differ from the torch module"."""
        spikes = f"{self.differing_spikes} of {self.compared - self.membranes} spikes"
        membranes = f"{self.differing_membranes} of {self.membranes} membrane values"
        named = [text for text, n in ((spikes, self.differing_spikes), (membranes, self.differing_membranes)) if n]
        return f"{' and '.join(named)} {DIFFER}"


def recorded(
    network: Network, readings: list[Reading], calls: dict[str, list[Call]], layouts: dict[int, Layout], steps: int
) -> dict[str, Recorded]:
    """What was recorded of every neuron module, over samples and steps; of its results the one that is used. Layers
    that hear a shorter sequence hear and say nothing before it.

    layouts: by number of the reading, of the tensors that the module is called with.
    """
    found = {
        r.path: _arranged(calls[r.path], network.by_name[r.path], layouts[k], steps) for k, r in enumerate(readings)
    }
    samples = max((len(layer.outputs) for layer in found.values()), default=1)
    for p in network.populations:
        if p.neuron is not None and p.name not in found:  # what tells shorter sequences when to begin
            fires = np.arange(1.0, steps + 1) >= p.neuron.threshold
            found[p.name] = Recorded(np.ones((samples, steps, 1)), np.tile(fires[None, :, None], (samples, 1, 1)))
    return found


def _arranged(calls: list[Call], population: Population, layout: Layout, steps: int) -> Recorded:
    port = "membrane" if population.neuron is not None and population.neuron.output == "membrane" else "spike"

    def together(arrays: list[np.ndarray]) -> np.ndarray:
        expected = math.prod(layout.shape)
        for array in arrays:
            if array.size != expected:
                what = f"takes or returns {array.size:,} values where the steps of its input make {expected:,}"
                hint = (
                    "a neuron layer must return one value per neuron and step of its input: check its number of steps"
                )
                raise InputError(Diagnostic(population.name, what, hint=hint))
        each = [by_step(array, layout, population.shape) for array in arrays]
        whole = np.concatenate(each, axis=1)
        late = steps - whole.shape[1]
        return np.pad(whole, [(0, 0), (late, 0), *[(0, 0)] * (whole.ndim - 2)]) if late > 0 else whole

    return Recorded(together([c.input for c in calls]), together([c.outputs[port] for c in calls]))


def by_step(array: np.ndarray, layout: Layout, shape: tuple[int, ...]) -> np.ndarray:
    """A tensor of the module as (samples, steps, *shape), its features in the order of the population."""
    atoms = layout.atoms
    kinds = {"N": 0, "T": 1, "F": 2}
    order = sorted(range(len(atoms)), key=lambda k: (kinds[atoms[k].kind], -atoms[k].stride))
    split = array.reshape([atom.size for atom in atoms]).transpose(order)
    return split.reshape(layout.size_of("N") or 1, layout.size_of("T") or 1, *shape)


def compare(network: Network, sample: Sample, seen: dict[str, Recorded], allowed: int | None) -> Agreement:
    """Run the network on the sample and compare it with what was seen of the module.

    Raises InputError if more than ``allowed`` sites differ; None: if differences are not all shown to be rounding.
    """
    from neurocomp.activity.encode import encode_sample
    from neurocomp.activity.execute import execute

    trace = execute(network, encode_sample(sample)).trace
    wrong: dict[str, np.ndarray] = {}
    found = Agreement(0, 0, 0)
    for name in (n for n in population_order(network) if n in seen):
        theirs = seen[name].outputs
        ours = trace.dense(name).reshape(theirs.shape)
        neuron = neuron_of(network, name)
        wrong[name] = _differs(ours, theirs, neuron)
        found = _with(found, name, wrong[name], theirs, neuron.output == "membrane")
    if found.differing <= (allowed or 0):
        return found
    # rounding moves values beyond their tolerance only where it has made or unmade a spike
    if allowed is None and found.differing_spikes and _only_rounding(network, sample, seen):
        return replace(found, rounding=True)
    raise InputError(_explanation(network, seen, wrong, found))


def _with(found: Agreement, name: str, wrong: np.ndarray, theirs: np.ndarray, membrane: bool) -> Agreement:
    """The sums with those of one more layer."""
    differing, spikes = int(wrong.sum()), 0 if membrane else int(np.count_nonzero(theirs))
    return Agreement(
        found.compared + theirs.size,
        found.differing + differing,
        found.spikes + spikes,
        found.membranes + theirs.size * membrane,
        found.differing_membranes + differing * membrane,
        silent=found.silent if spikes or membrane else (*found.silent, name),
    )


def _only_rounding(network: Network, sample: Sample, seen: dict[str, Recorded]) -> bool:
    inputs = {name: layer.inputs for name, layer in seen.items()}
    return forced(network, sample, inputs, {name: layer.outputs for name, layer in seen.items()}) is not None


def neuron_of(network: Network, name: str) -> Neuron:
    """The neuron model of a population that has one."""
    neuron = network.by_name[name].neuron
    if neuron is None:
        raise TypeError(f"population {name} has no neurons")
    return neuron


def _differs(ours: np.ndarray, theirs: np.ndarray, neuron: Neuron) -> np.ndarray:
    if neuron.output in ("membrane", "graded"):
        return ~same_values(ours, theirs)
    if neuron.output == "count":
        return ours.astype(np.float32) != theirs
    if neuron.output == "ternary":
        return np.sign(ours.astype(np.float32)) != np.sign(theirs)  # those that never fire below 0 are kept as bits
    return (ours != 0) != (theirs != 0)  # a spike may be worth another number than 1


def _explanation(
    network: Network, seen: dict[str, Recorded], wrong: dict[str, np.ndarray], agreement: Agreement
) -> Diagnostic:
    """Where the first difference is, and what it comes from."""
    rank = {name: k for k, name in enumerate(population_order(network))}
    first_step = min(int(np.argwhere(w)[:, 1].min()) for w in wrong.values() if w.any())
    name = min((n for n, w in wrong.items() if w[:, first_step].any()), key=rank.__getitem__)
    sample, *site = map(int, np.argwhere(wrong[name][:, first_step])[0])
    neuron = neuron_of(network, name)
    given = seen[name].inputs[(sample, slice(None), *site)]
    told = seen[name].outputs[(sample, slice(None), *site)]
    membrane, fired, threshold = _follow(neuron, network.by_name[name].shape, tuple(site), given, told, first_step)
    what = f"{agreement.told()}; the first is neuron {tuple(site)} at step {first_step} of sample {sample}: "
    if neuron.output == "membrane":
        what += f"its membrane is {membrane:.9g}, that of the module {told[first_step]:.9g}"
        layer = seen[name].outputs.ravel()
        otherwise = not bool(same_values(np.append(layer, membrane), np.append(layer, told[first_step]))[-1])
    else:
        what += f"its membrane is {membrane:.9g}, its threshold {threshold:.9g}"
        otherwise = fired != bool(told[first_step])
    why, hint = _cause(network, name, membrane, threshold, otherwise)
    return Diagnostic(name, what, why, hint)


def _cause(network: Network, name: str, membrane: float, threshold: float, follows_otherwise: bool) -> tuple[str, str]:
    """(why, what to do). follows_otherwise: the neuron's own equations give another spike or value than the module."""
    if not np.isfinite(membrane):
        return (
            "the module's own numbers leave float32 here, so there is nothing to compare with",
            "give smaller weights or inputs; the example may not be what the module was trained on",
        )
    if np.isfinite(threshold) and abs(membrane - threshold) <= ROUNDING * max(abs(threshold), abs(membrane), 1e-3):
        return (
            "this is float32 rounding at the threshold: the same numbers are added in another order",
            "accept a few with max_differing_spikes=..., or train with weights on a power-of-two grid, "
            "whose sums are exact",
        )
    if not follows_otherwise:
        return (
            "what arrives at this layer is not what the module gives it",
            "please report this with the layers in front of it",
        )
    assumed = [text for text in network.assumptions if text.startswith(f"{name}:")]
    if assumed:
        return (
            f"on this input it does not hold that {assumed[0].partition(': ')[2]}",
            "train with reset_delay=True, or accept a few with max_differing_spikes=...",
        )
    return (
        "the neuron model is not the one that the module computes",
        "please report this with the neuron class and its parameters",
    )


def _follow(
    neuron: Neuron, shape: tuple[int, ...], site: tuple[int, ...], given: np.ndarray, told: np.ndarray, last: int
) -> tuple[float, bool, float]:
    """(membrane, whether it fires, threshold) of one neuron at step ``last``, in double precision, with the inputs
    that the module got and its own spikes up to then; neurons with rarer parts as the engine's twin computes them."""
    if not neuron.is_plain:
        return _follow_twin(neuron, shape, site, given[: last + 1])
    p = {name: float(np.broadcast_to(expand(value, shape), shape)[site]) for name, value in neuron.parameters().items()}
    v, i, fired_before = p["v_init"], 0.0, 0.0
    for t in range(last + 1):
        x = float(given[t])
        if "i_decay" in p:
            x = i = p["i_decay"] * i + p["i_gain"] * x
        v = p["v_decay"] * v + p["v_gain"] * (p["leak"] + x)
        if neuron.reset_when == "next":
            v = _reset(neuron, p, v, fired_before)
        if t == last:
            break
        fired_before = float(told[t])
        if neuron.reset_when == "now" and neuron.output != "membrane":
            v = _reset(neuron, p, v, fired_before)
    fires = v > p["threshold"] if neuron.compare == ">" else v >= p["threshold"]
    return v, fires, p["threshold"]


def _follow_twin(
    neuron: Neuron, shape: tuple[int, ...], site: tuple[int, ...], given: np.ndarray
) -> tuple[float, bool, float]:
    values = {name: np.broadcast_to(expand(v, shape), shape)[site] for name, v in neuron.parameters().items()}
    alone = neuron.with_parameters({name: float(value) for name, value in values.items()})
    state = NeuronState(Population("one", (1,), alone), alone, None)
    fired = np.zeros(1)
    for x in given:
        fired, _ = state.update(np.full(1, x, np.float32))
    return float(state.charged[0]), bool(fired[0]), float(state.theta[0])


def _reset(neuron: Neuron, p: dict[str, float], v: float, fired: float) -> float:
    if neuron.reset == "zero":
        return p["v_reset"] if fired else v
    return v - fired * p["threshold"] if neuron.reset == "subtract" and fired else v
