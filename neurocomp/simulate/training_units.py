"""What zeros save in one fragment, and how long its units take."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.array_engine import WeightUpdate
from neurocomp.errors import bad_input
from neurocomp.simulate.engines.fragment import Fragment, Phase, Use, engine_of, fragment
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.training_setup import TrainingSetup

TrainingUnit = Literal["mac", "pointwise", "register", "sram", "norm", "optimizer", "dram", "noc"]


def weight_updates(chip: ArrayChip, setup: TrainingSetup) -> tuple[WeightUpdate, ...]:
    """What is done to each trained value: the optimizer's step, then what is added to it. Raises InputError for what
    the chip cannot do."""
    wanted = [setup.optimizer, *(name for name in ("momentum", "weight_decay") if getattr(setup, name))]
    missing = [name for name in wanted if getattr(chip.optimizers, name) is None]
    if missing:
        raise bad_input(chip.name, f"knows no {missing[0].replace('_', ' ')}", "its profile states no cost for it")
    return tuple(getattr(chip.optimizers, name) for name in wanted)


def share_of(chip: ArrayChip, phase: Phase, layer: Layer, setup: TrainingSetup) -> Fraction:
    """Share of a layer's multiply-accumulates in this phase that are executed. FP and WG look at what the layer's
    inputs are, BP at the gradients of its outputs. Counted operations leave out the padding and inserted zeros too."""
    if setup.sparsity == "dense":
        return Fraction(1)
    activity = setup.activity.of(layer.name)
    if activity.operations is not None:
        executed = activity.operations.backward if phase == "BP" else activity.operations.forward
        return Fraction(executed, fragment(chip, phase, layer).macs * activity.operations.runs)
    if layer.real_input and phase != "BP":
        return Fraction(1)
    return exact(activity.arrived if phase == "BP" else activity.sent)


def exact(value: float) -> Fraction:
    """A number as it was written."""
    return Fraction(Decimal(repr(value)))


def scaled(use: Use, share: Fraction, setup: TrainingSetup) -> tuple[TrainingUnit, Fraction]:
    """(unit, count) of one use after zeros are taken off. Gated: the arithmetic rests; skipped: the operands are not
    touched either. What is done to each output is done in any case."""
    saves = use.of == "array" and (setup.sparsity == "skipped" or (setup.sparsity == "gated" and use.unit == "mac"))
    unit: TrainingUnit = "mac"
    if use.unit in ("pointwise", "register", "sram"):
        unit = use.unit  # type: ignore[assignment]
    return unit, use.count * (share if saves else Fraction(1))


def cycles_of(
    chip: ArrayChip, piece: Fragment, share: Fraction, setup: TrainingSetup, layer: Layer
) -> tuple[int, int, int]:
    """(array, pointwise unit, slowest memory) in cycles of one sample and step."""
    engine, array = engine_of(chip, piece.phase), piece.steps
    if setup.sparsity == "skipped":
        activity = setup.activity.of(layer.name)
        uneven = activity.arrived_imbalance if piece.phase == "BP" else activity.sent_imbalance
        array = min(array, -(-piece.steps * share * exact(uneven) // 1))
    each = engine.pointwise.values_per_cycle if engine.pointwise else None
    pointwise = -(-piece.values // each) if each else 0
    bits: dict[str, Fraction] = {}
    for use in piece.uses:
        if use.unit == "sram":
            bits[use.action] = bits.get(use.action, Fraction(0)) + scaled(use, share, setup)[1]
    slowest = [chip.memory(action.split(".")[1]).cycles(round(count)) for action, count in bits.items()]
    return array, pointwise, max(slowest, default=0)
