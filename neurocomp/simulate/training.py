"""One training iteration on a chip with FP, BP and WG engines: counts, traffic, times, and what bounds each layer.

Work per layer, phase, sample and step is that of its fragments (simulate/engines/fragment.py), traffic that of its
tensors (simulate/traffic.py), and the order of both that of the schedule (simulate/schedule.py). DRAM is modelled at
``bound`` fidelity: its bytes at the bandwidth that its standard sustains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.fabric.dram_bound import sustained_bytes_per_second
from neurocomp.simulate.engines.fragment import (
    PHASES,
    Phase,
    Use,
    fragment,
    pointwise_uses,
)
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.schedule import LayerPart, StageTimes, flow_ps, split_over_cores
from neurocomp.simulate.traffic import Transfer, transfers
from neurocomp.simulate.training_assumptions import training_assumptions
from neurocomp.simulate.training_capacity import check_capacity, dram_bits_held, dram_of
from neurocomp.simulate.training_noc import Sent, busiest_link_bits, sent_between_cores
from neurocomp.simulate.training_run import PhaseTime, Tallied, TrainingRun
from neurocomp.simulate.training_setup import TrainingSetup, forward_passes
from neurocomp.simulate.training_units import TrainingUnit, cycles_of, scaled, share_of, weight_updates


def simulate_training(chip: ArrayChip, layers: Sequence[Layer], setup: TrainingSetup | None = None) -> TrainingRun:
    """One training iteration of these layers. Raises InputError for layers or settings that make no sense,
    DoesNotFitError for a batch that DRAM cannot hold or kernels too large for a core."""
    setup = setup or TrainingSetup()
    parts = split_over_cores(layers, chip.cores, chip.engines.fp.columns, lambda layer: _work_of(chip, layer, setup))
    traffic = transfers(chip, parts, setup)
    held = dram_bits_held(chip, parts, traffic, setup)
    check_capacity(chip, parts, setup, held)
    rate = dram_bytes_per_second(chip)
    tallies, times = _work(chip, parts, setup, traffic, rate)
    sent = sent_between_cores(chip, parts, setup)
    engines_ps = _flow_ps(chip, times, setup) if setup.order == "step" else _layer_by_layer_ps(chip, times)
    dram_ps = _dram_ps(sum(t.read_bits + t.write_bits for t in traffic), rate)
    update_ps = _update_ps(chip, tallies)
    width = chip.noc.link_bits_per_cycle
    noc_ps = 0 if width is None else _ps(chip, -(-busiest_link_bits(chip, sent) // width))
    near = max(engines_ps, noc_ps)
    both = max(near, dram_ps) if setup.double_buffered else near + dram_ps
    return TrainingRun(
        chip, setup, tuple(layers), parts, (*tallies, *_far_tallies(traffic, sent)), traffic, sent, times, engines_ps,
        dram_ps, noc_ps, update_ps, both + update_ps, rate, held, training_assumptions(chip, setup),
    )  # fmt: skip


def dram_bytes_per_second(chip: ArrayChip) -> float:
    """What the DRAM sustains when rows are read from end to end."""
    dram = dram_of(chip)
    return sustained_bytes_per_second(dram, dram.organisation.accesses_per_row)


def _dram_ps(bits: int, bytes_per_second: float) -> int:
    return -(-bits * 125 * 10**9 // round(bytes_per_second))


def _work(
    chip: ArrayChip, parts: Sequence[LayerPart], setup: TrainingSetup, traffic: Sequence[Transfer], rate: float
) -> tuple[tuple[Tallied, ...], tuple[PhaseTime, ...]]:
    """Counts and times of all parts in all phases."""
    moved: dict[tuple[int, str, str], int] = {}
    for t in traffic:
        key = (t.core, t.layer, t.phase)
        moved[key] = moved.get(key, 0) + t.read_bits + t.write_bits
    tallies, times = [], []
    for part in parts:
        for phase in PHASES:
            if phase == "BP" and part.whole.first:
                continue
            uses, time = _phase(chip, part, phase, setup)
            bits = moved.get((part.core, part.whole.name, phase), 0)
            times.append(PhaseTime(part.core, part.whole.name, phase, *time, bits, _dram_ps(bits, rate)))
            tallies += [Tallied(part.core, part.whole.name, phase, *use) for use in uses]
        tallies += list(_optimizer(chip, part, setup))
    return tuple(tallies), tuple(times)


UnitUse = tuple[TrainingUnit, str, int]


def _phase(
    chip: ArrayChip, part: LayerPart, phase: Phase, setup: TrainingSetup
) -> tuple[list[UnitUse], tuple[int, int, int, int, int, int]]:
    """(unit, action, count) of a part in one phase, and its numbers for PhaseTime."""
    runs = setup.samples * setup.steps
    passes = forward_passes(part.whole, setup) if phase == "FP" else 1
    first = fragment(chip, phase, part.piece)
    later = fragment(chip, phase, part.piece, weights_resident=True)
    share = share_of(chip, phase, part.whole, setup)
    sums: dict[tuple[TrainingUnit, str], Fraction] = {}
    for piece, n in ((first, passes), (later, (runs - 1) * passes)):
        for use in piece.uses:
            unit, count = scaled(use, share, setup)
            sums[unit, use.action] = sums.get((unit, use.action), Fraction(0)) + count * n
    norm = _normalisation(chip, part.piece, phase, setup)
    for use in norm:
        sums["norm", use.action] = sums.get(("norm", use.action), Fraction(0)) + use.count * passes
    counted: list[UnitUse] = [(unit, action, round(count)) for (unit, action), count in sums.items() if round(count)]
    runs *= passes
    array, pointwise, sram = (n * runs for n in cycles_of(chip, first, share, setup, part.whole))
    macs = round(first.macs * share * runs)
    return counted, (macs, first.macs * runs, array, pointwise, sram, _port_cycles(chip, norm) * passes)


def _normalisation(chip: ArrayChip, piece: Layer, phase: Phase, setup: TrainingSetup) -> list[Use]:
    """What normalising a layer takes in one iteration. Statistics of a step are those of its whole batch."""
    if not piece.normalised or phase == "WG":
        return []
    norm = chip.normalisation
    work = (norm.forward, norm.forward_channel) if phase == "FP" else (norm.backward, norm.backward_channel)
    counts = (piece.outputs * setup.samples * setup.steps, piece.out_channels * setup.steps)
    return [use for each, n in zip(work, counts, strict=True) for use in pointwise_uses(each, n) if use.count]


def _port_cycles(chip: ArrayChip, uses: Sequence[Use]) -> int:
    """Cycles of the busiest port."""
    bits: dict[str, int] = {}
    for use in uses:
        if use.unit == "sram":
            bits[use.action] = bits.get(use.action, 0) + use.count
    return max((chip.memory(action.split(".")[1]).cycles(n) for action, n in bits.items()), default=0)


def _optimizer(chip: ArrayChip, part: LayerPart, setup: TrainingSetup) -> Iterator[Tallied]:
    sums: dict[str, int] = {}
    for update in weight_updates(chip, setup):
        for use in pointwise_uses(update.each, part.piece.trained):
            sums[use.action] = sums.get(use.action, 0) + use.count
    for action, count in sums.items():
        if count:
            yield Tallied(part.core, part.whole.name, "UPDATE", "optimizer", action, count)


def _update_ps(chip: ArrayChip, tallies: Sequence[Tallied]) -> int:
    """Cores update their weights at the same time; the slowest port decides."""
    busy: dict[tuple[int, str], int] = {}
    for t in tallies:
        if t.unit == "optimizer" and t.action.startswith("memories"):
            busy[t.core, t.action] = busy.get((t.core, t.action), 0) + t.count
    cycles = [chip.memory(action.split(".")[1]).cycles(bits) for (_, action), bits in busy.items()]
    return _ps(chip, max(cycles, default=0))


def _far_tallies(traffic: Sequence[Transfer], sent: Sequence[Sent]) -> Iterator[Tallied]:
    """Bits to and from DRAM, and bits times links between cores, which the sender counts."""
    for t in traffic:
        yield Tallied(t.core, t.layer, t.phase, "dram", "dram", t.read_bits + t.write_bits)
    for each in sent:
        yield Tallied(each.source, each.layer, each.phase, "noc", "noc", each.bits * each.hops)


def _work_of(chip: ArrayChip, layer: Layer, setup: TrainingSetup) -> int:
    """By what layers are shared out: multiply-accumulates, or cycles of the busiest of the three engines."""
    if setup.balance == "forward":
        return layer.macs
    phases: list[Phase] = [phase for phase in PHASES if not (phase == "BP" and layer.first)]
    return max(fragment(chip, phase, layer).steps for phase in phases)


def _flow_ps(chip: ArrayChip, times: Sequence[PhaseTime], setup: TrainingSetup) -> int:
    """Every step flows through all cores; a core does its parts one after the other."""
    cores = max(t.core for t in times) + 1
    sums = {phase: [0] * cores for phase in PHASES}
    for t in times:
        sums[t.phase][t.core] += t.cycles
    runs = setup.samples * setup.steps
    each = {phase: tuple(_ps(chip, Fraction(n, runs)) for n in cycles) for phase, cycles in sums.items()}
    return flow_ps(StageTimes(each["FP"], each["BP"], each["WG"]), setup.samples, setup.steps)


def _layer_by_layer_ps(chip: ArrayChip, times: Sequence[PhaseTime]) -> int:
    """One layer after the other, its parts side by side; WG beside BP."""
    longest: dict[tuple[str, str], int] = {}
    for t in times:
        key = (t.layer, t.phase)
        longest[key] = max(longest.get(key, 0), t.cycles)
    layers = dict.fromkeys(t.layer for t in times)
    forward = sum(longest[name, "FP"] for name in layers)
    return _ps(chip, forward + sum(max(longest.get((name, "BP"), 0), longest[name, "WG"]) for name in layers))


def _ps(chip: ArrayChip, cycles: int | Fraction) -> int:
    """Picoseconds of so many cycles."""
    return round(cycles * Fraction(10**6) / Fraction(Decimal(repr(chip.clock_mhz))))
