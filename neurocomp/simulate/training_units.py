"""What zeros save in one fragment, and how long its units take."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.simulate.engines.fragment import Fragment, Use, engine_of
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.training_setup import TrainingSetup

TrainingUnit = Literal["mac", "pointwise", "register", "sram", "norm", "optimizer", "dram"]


def _share(piece: Fragment, setup: TrainingSetup, layer: Layer) -> Fraction:
    """Share of a fragment's multiply-accumulates with an operand that is not zero: FP and WG look at spikes, BP at
    gradients. A first layer's inputs are numbers."""
    if setup.sparsity == "dense" or (layer.real_input and piece.phase != "BP"):
        return Fraction(1)
    activity = setup.activity.of(layer.name)
    return Fraction(Decimal(repr(activity.arrived if piece.phase == "BP" else activity.sent)))


def scaled(use: Use, piece: Fragment, setup: TrainingSetup, layer: Layer) -> tuple[TrainingUnit, str, int]:
    """(unit, action, count) of one use after zeros are taken off. Gated: the arithmetic rests; skipped: the operands
    are not touched either. What is done to each output is done in any case."""
    saves = use.of == "array" and (setup.sparsity == "skipped" or (setup.sparsity == "gated" and use.unit == "mac"))
    unit: TrainingUnit = "mac"
    if use.unit in ("pointwise", "register", "sram"):
        unit = use.unit  # type: ignore[assignment]
    return unit, use.action, round(use.count * _share(piece, setup, layer)) if saves else use.count


def cycles_of(chip: ArrayChip, piece: Fragment, setup: TrainingSetup, layer: Layer) -> tuple[int, int, int, int]:
    """(array, pointwise unit, slowest memory) in cycles of one sample and step, and executed multiply-accumulates."""
    share, engine = _share(piece, setup, layer), engine_of(chip, piece.phase)
    skips = setup.sparsity == "skipped"
    longer = Fraction(Decimal(repr(setup.activity.of(layer.name).imbalance))) if skips else Fraction(1)
    array = min(piece.steps, -(-piece.steps * share * longer // 1)) if skips else piece.steps
    each = engine.pointwise.values_per_cycle if engine.pointwise else None
    pointwise = -(-piece.values // each) if each else 0
    return int(array), pointwise, _slowest_port(chip, piece, setup, layer), round(piece.macs * share)


def _slowest_port(chip: ArrayChip, piece: Fragment, setup: TrainingSetup, layer: Layer) -> int:
    bits: dict[str, int] = {}
    for use in piece.uses:
        if use.unit == "sram":
            bits[use.action] = bits.get(use.action, 0) + scaled(use, piece, setup, layer)[2]
    return max((chip.memory(action.split(".")[1]).cycles(count) for action, count in bits.items()), default=0)
