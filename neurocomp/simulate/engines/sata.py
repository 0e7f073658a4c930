"""Energy of one training iteration on SATA (Yin et al., IEEE TCAD 2022, arXiv 2204.05422), in closed form.

Three sparsities save multiply-accumulates: of spikes (FP and weight update) and of the membrane's gradient (BP); the
surrogate's own sparsity does not enter the authors' counts. Values are counted per sample; FP works on values of
``forward_bits``, everything else on 16 bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from neurocomp.chip.sata_sheet import SataCounts, SataSheet
from neurocomp.errors import bad_input
from neurocomp.simulate.engines.layer import Layer

PHASES = ("forward", "backward", "update")


@dataclass(frozen=True)
class SataRun:
    """steps: of the network. spike_sparsity, gradient_sparsity: shares of zeros. authors_linear: count a fully
    connected layer as the authors' program does: its multiply-accumulates are never skipped, and those of FP replace
    those of the layers before it instead of being added."""

    steps: int
    forward_bits: int
    spike_sparsity: float
    gradient_sparsity: float
    authors_linear: bool = False


@dataclass(frozen=True)
class SataEnergy:
    """In multiply-accumulates of an ANN, by phase and part (``compute``, ``dram``, ``buffer``, ``scratchpad``)."""

    parts: dict[tuple[str, str], float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    def phase(self, name: str) -> float:
        return sum(energy for (phase, _), energy in self.parts.items() if phase == name)


def sata_energy(sheet: SataSheet, layers: Sequence[Layer], run: SataRun) -> SataEnergy:
    """What one sample costs in training. Raises InputError for impossible settings."""
    _check(sheet, run)
    counts = {key: Fraction(0) for key in _KEYS}
    for layer in layers:
        linear = run.authors_linear and layer.inputs == layer.in_channels and layer.outputs == layer.out_channels
        if linear:
            counts["forward", "mac"] = Fraction(0)
        for key, count in _counts(layer, run, dense=linear).items():
            counts[key] += count
    narrow = Fraction(run.forward_bits, sheet.full_bits)
    sums: dict[tuple[str, str], Fraction] = {}
    for (phase, what), count in counts.items():
        part = what if what in ("dram", "buffer", "scratchpad") else "compute"
        energy = count * _cost(sheet, phase, what) * (narrow if phase == "forward" else 1)
        sums[phase, part] = sums.get((phase, part), Fraction(0)) + energy
    return SataEnergy({key: float(energy / _exact(sheet.mac)) for key, energy in sums.items()})


_KEYS = [
    (phase, what) for phase in PHASES for what in ("neuron", "mac", "dram", "buffer", "scratchpad")
    if (phase, what) != ("update", "neuron")
]  # fmt: skip


def _counts(layer: Layer, run: SataRun, *, dense: bool) -> dict[tuple[str, str], Fraction]:
    """Per layer: neuron updates, multiply-accumulates and values moved. A spike is a forward_bits-th of a value."""
    steps, w = run.steps, layer.weights
    outputs, spikes = steps * layer.outputs, Fraction(steps * layer.inputs, run.forward_bits)
    spiking, sloping = (_exact(0.0 if dense else s) for s in (run.spike_sparsity, run.gradient_sparsity))
    backward = layer.weights * math.prod(layer.in_size) * steps
    forward = {"neuron": outputs, "mac": (1 - spiking) * layer.macs * steps}
    forward |= {"dram": w + outputs + spikes, "buffer": 2 * (w + outputs + spikes), "scratchpad": 2 * (w + spikes)}
    back = {"neuron": outputs, "mac": (1 - sloping) * backward, "dram": outputs + spikes}
    back |= {"buffer": 7 * outputs + 2 * spikes + w, "scratchpad": w + outputs}
    shared = 2 * (1 + steps) * w + spikes + outputs
    update = {"mac": (1 - spiking) * layer.macs * steps, "dram": 2 * w, "buffer": shared}
    update |= {"scratchpad": shared + 2 * steps * w}
    phases = {"forward": forward, "backward": back, "update": update}
    return {(phase, what): Fraction(count) for phase, each in phases.items() for what, count in each.items()}


def _cost(sheet: SataSheet, phase: str, what: str) -> Fraction:
    if what in ("dram", "buffer", "scratchpad"):
        return _exact(getattr(sheet.memory, what))
    if what == "neuron":
        return _sum(sheet, sheet.actions.neuron if phase == "forward" else sheet.actions.gradient)
    actions = sheet.actions
    return _sum(
        sheet, {"forward": actions.forward_mac, "backward": actions.backward_mac, "update": actions.update_mac}[phase]
    )


def _sum(sheet: SataSheet, counts: SataCounts) -> Fraction:
    names = SataCounts.model_fields
    return sum((getattr(counts, name) * _exact(getattr(sheet.operations, name)) for name in names), Fraction(0))


def _exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(value)))


def _check(sheet: SataSheet, run: SataRun) -> None:
    if run.steps < 1 or not 1 <= run.forward_bits <= sheet.full_bits:
        raise bad_input("SATA", f"{run.steps} steps of {run.forward_bits} bits", f"1 to {sheet.full_bits} bits")
    if not (0 <= run.spike_sparsity <= 1 and 0 <= run.gradient_sparsity <= 1):
        raise bad_input("SATA", "a sparsity is a share between 0 and 1")
