"""What cores of a training chip send each other: a layer that is cut over several cores shares its inputs, and sums up
the gradients of its inputs. Maps that need not go through DRAM travel from layer to layer.

The core with a layer's first part fetches the inputs and hands them on; each other core hands its share of the input
gradients back to it. Everything else goes through DRAM. Packets take the shortest way over the mesh, along x first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.simulate.engines.fragment import Phase
from neurocomp.simulate.schedule import LayerPart
from neurocomp.simulate.traffic import gradients_stay, spikes_stay
from neurocomp.simulate.training_setup import TrainingSetup


@dataclass(frozen=True)
class Sent:
    """Bits from one core to another in one iteration, and the links on their way."""

    source: int
    target: int
    layer: str
    phase: Phase
    bits: int
    hops: int


def sent_between_cores(chip: ArrayChip, parts: Sequence[LayerPart], setup: TrainingSetup) -> tuple[Sent, ...]:
    """All of one iteration; copies of the same inputs are sent core by core."""
    first = {part.whole.name: part.core for part in parts if part.first == 0}
    within = (s for part in parts if part.first for s in _of_part(chip, part, first[part.whole.name], setup))
    return (*within, *_between_layers(chip, parts, setup))


def _between_layers(chip: ArrayChip, parts: Sequence[LayerPart], setup: TrainingSetup) -> Iterator[Sent]:
    """Maps that stay on the chip. Those of a layer are taken to come from the layer before it in the list, each part of
    which holds its share of the channels."""
    rows, of = setup.samples * setup.steps, dict[str, list[LayerPart]]()
    for part in parts:
        of.setdefault(part.whole.name, []).append(part)
    for before, name in pairwise(of):
        layer, home = of[name][0].whole, of[name][0].core
        for part in of[before]:
            values = rows * layer.inputs * part.piece.out_channels // part.whole.out_channels
            hops = _hops(chip, part.core, home)
            if hops and spikes_stay(chip, layer, setup):
                yield Sent(part.core, home, layer.name, "FP", values * chip.spike_bits, hops)
            if hops and not layer.first and gradients_stay(chip, layer.inputs, setup):
                yield Sent(home, part.core, layer.name, "BP", values * chip.value_bits, hops)


def _of_part(chip: ArrayChip, part: LayerPart, home: int, setup: TrainingSetup) -> Iterator[Sent]:
    layer, hops = part.whole, _hops(chip, home, part.core)
    values = setup.samples * setup.steps * layer.inputs
    inputs = values * (chip.value_bits if layer.real_input else chip.spike_bits)
    yield Sent(home, part.core, layer.name, "FP", inputs, hops)
    yield Sent(home, part.core, layer.name, "WG", inputs, hops)
    if not layer.first:
        yield Sent(part.core, home, layer.name, "BP", values * chip.value_bits, hops)


def _hops(chip: ArrayChip, a: int, b: int) -> int:
    width = chip.noc.width
    return abs(a % width - b % width) + abs(a // width - b // width)


def busiest_link_bits(chip: ArrayChip, sent: Sequence[Sent]) -> int:
    """Bits over the link that carries most."""
    loads: dict[tuple[int, int], int] = {}
    for each in sent:
        for link in _way(chip, each.source, each.target):
            loads[link] = loads.get(link, 0) + each.bits
    return max(loads.values(), default=0)


def busiest_link_cycles(chip: ArrayChip, sent: Sequence[Sent]) -> dict[tuple[str, Phase], int]:
    """By layer and phase, cycles of the link that carries most; empty if the links' width is not known."""
    width = chip.noc.link_bits_per_cycle
    if width is None:
        return {}
    groups: dict[tuple[str, Phase], list[Sent]] = {}
    for each in sent:
        groups.setdefault((each.layer, each.phase), []).append(each)
    return {key: -(-busiest_link_bits(chip, group) // width) for key, group in groups.items()}


def _way(chip: ArrayChip, source: int, target: int) -> Iterator[tuple[int, int]]:
    """Links, as pairs of neighbouring cores."""
    width, at = chip.noc.width, source
    while at != target:
        along_x = target % width - at % width
        step = (1 if along_x > 0 else -1) if along_x else (width if target > at else -width)
        yield at, at + step
        at += step
