"""Weights into a module, strictly: every name and every shape must be there on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.checkpoint import PREFIXES, Weights

STATES = frozenset({"mem", "syn", "spk", "v", "v_mem", "v_seq", "i", "i_syn", "activations", "min_v_mem_state"})
"""Membranes and currents that frameworks keep among the weights; they are state, not trained."""
OPTIONAL = ("num_batches_tracked",)  # files of old torch versions lack it; it is not used in eval mode


def load_strictly(module: Any, weights: Weights, where: str) -> tuple[str, ...]:
    """Put the weights into the module. Returns what was unwrapped and left out, in sentences.

    Prefixes of wrappers (``module.``, ``_orig_mod.``, ``model.``, or any that all names share) are taken off where
    that fits better. Raises InputError listing every missing, unexpected and mis-shaped name.
    """
    import torch

    wanted: dict[str, Any] = dict(module.state_dict())
    tensors, prefix = _fitting(weights.tensors, wanted)
    notes = [f"the weights were taken from {where}, {weights.found}"] if weights.found else []
    if weights.rivals:
        names = ", ".join(weights.rivals[:4]) + ", ..." * (len(weights.rivals) > 4)
        notes.append(
            f"{where} holds other weights too, {names}, which were not taken (--key {weights.rivals[0]} would)"
        )
    if prefix:
        notes.append(f"{prefix!r} was taken off the names of the weights in {where}")
    states = sorted(name for name in {*tensors, *wanted} if _is_state(name, tensors, wanted))
    if any(name in tensors for name in states):
        notes.append(f"{where} also holds states of neurons ({', '.join(states[:4])}), which are not loaded")
    findings = _findings(tensors, wanted, set(states), where)
    if findings:
        raise InputError(findings)
    with torch.no_grad():
        kept = {name: torch.from_numpy(np.array(array)) for name, array in tensors.items() if name not in states}
        module.load_state_dict(kept, strict=False)
    return tuple(notes)


def _fitting(tensors: dict[str, np.ndarray], wanted: dict[str, Any]) -> tuple[dict[str, np.ndarray], str]:
    """The tensors under the names that fit the module best, and the prefix that was taken off for that."""
    best, taken = tensors, ""
    current, off = tensors, ""
    while current:
        prefix = _common_prefix(current)
        if prefix is None:
            break
        current, off = {name.removeprefix(prefix): array for name, array in current.items()}, off + prefix
        if len(current.keys() & wanted.keys()) > len(best.keys() & wanted.keys()):
            best, taken = current, off
    return best, taken


def _common_prefix(tensors: dict[str, np.ndarray]) -> str | None:
    """The first part of the names, if all share it. Of what wrappers add, it is enough that most do."""
    first = next(iter(tensors)).partition(".")[0] + "."
    if all(name.startswith(first) and name != first for name in tensors):
        return first
    return next((p for p in PREFIXES if sum(n.startswith(p) for n in tensors) > len(tensors) / 2), None)


def _is_state(name: str, tensors: dict[str, np.ndarray], wanted: dict[str, Any]) -> bool:
    """Whether a name is a neuron's state and not the same on both sides."""
    if name.rpartition(".")[2] not in STATES:
        return False
    return name not in tensors or name not in wanted or tensors[name].shape != tuple(wanted[name].shape)


def _findings(tensors: dict[str, np.ndarray], wanted: dict[str, Any], states: set[str], where: str) -> list[Diagnostic]:
    missing = [
        n for n in wanted if n not in tensors and n not in states and not n.endswith((*OPTIONAL, "_extra_state"))
    ]
    unexpected = [n for n in tensors if n not in wanted and n not in states]
    shaped = [
        f"{n} is {_shape(tensors[n])} in the file, {_shape(wanted[n])} in the network"
        for n in wanted
        if n in tensors and n not in states and not _fits(tensors[n], wanted[n])
    ]
    found = []
    hint = "build the network with the arguments that it was trained with"
    if missing:
        found.append(Diagnostic(where, f"lacks {_listed(missing)}", "the network that was built has them", hint))
    if unexpected:
        found.append(Diagnostic(where, f"holds {_listed(unexpected)}", "the network that was built lacks them", hint))
    if shaped:
        found.append(
            Diagnostic(where, f"{len(shaped)} of the weights have other shapes: {'; '.join(shaped)}", "", hint)
        )
    return found


def _fits(array: np.ndarray, parameter: Any) -> bool:
    """Same shape, as torch sees it: a single number may come with an axis. What is not built yet takes any."""
    if type(parameter).__name__.startswith("Uninitialized"):
        return True
    return array.shape == tuple(parameter.shape) or (array.shape == (1,) and tuple(parameter.shape) == ())


def _shape(array: Any) -> str:
    return "x".join(map(str, array.shape)) or "a single number"


def _listed(names: list[str]) -> str:
    return f"{len(names)} weight{'s' * (len(names) > 1)}: {', '.join(names)}"
