"""What a simulated training iteration is made of: counts, traffic and times, and questions to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.simulate.engines.fragment import PHASES, Phase, engine_of
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.schedule import LayerPart
from neurocomp.simulate.traffic import Transfer
from neurocomp.simulate.training_noc import Sent, busiest_link_cycles
from neurocomp.simulate.training_setup import Stage, TrainingSetup
from neurocomp.simulate.training_units import TrainingUnit


@dataclass(frozen=True)
class Tallied:
    """``count`` times ``action`` by one unit of one core, for one layer and phase, in one iteration."""

    core: int
    layer: str
    phase: Stage
    unit: TrainingUnit
    action: str
    count: int


@dataclass(frozen=True)
class PhaseTime:
    """One part of a layer in one phase, whole iteration. *_cycles: of the array, of the pointwise unit (soma, surrogate
    gradient), of the slowest memory, which work at the same time, and of the normalisation after them. macs: executed
    ones, dense_macs: with all zeros."""

    core: int
    layer: str
    phase: Phase
    macs: int
    dense_macs: int
    array_cycles: int
    pointwise_cycles: int
    sram_cycles: int
    norm_cycles: int
    dram_bits: int
    dram_ps: int

    @property
    def cycles(self) -> int:
        return max(self.array_cycles, self.pointwise_cycles, self.sram_cycles) + self.norm_cycles


@dataclass(frozen=True)
class TrainingRun:
    """One iteration. sent: between cores. *_ps: engines alone, DRAM alone, the busiest link between cores (0 if its
    rate is not known), the optimizer, and all of it together. dram_bits_held: the most that DRAM holds at a time.
    assumptions: sentences for the report."""

    chip: ArrayChip
    setup: TrainingSetup
    layers: tuple[Layer, ...]
    parts: tuple[LayerPart, ...]
    tallies: tuple[Tallied, ...]
    traffic: tuple[Transfer, ...]
    sent: tuple[Sent, ...]
    times: tuple[PhaseTime, ...]
    engines_ps: int
    dram_ps: int
    noc_ps: int
    update_ps: int
    iteration_ps: int
    bytes_per_second: float
    dram_bits_held: int
    assumptions: tuple[str, ...]

    @property
    def dram_bits(self) -> int:
        return sum(t.read_bits + t.write_bits for t in self.traffic)

    def traffic_bits(self, *axes: str) -> dict[tuple[str | int, ...], int]:
        """Bits to and from DRAM by any of core, layer, phase and tensor; the values sum to ``dram_bits``."""
        sums: dict[tuple[str | int, ...], int] = {}
        for transfer in self.traffic:
            key = tuple(getattr(transfer, axis) for axis in axes)
            sums[key] = sums.get(key, 0) + transfer.read_bits + transfer.write_bits
        return sums

    def utilisation(self) -> dict[Phase, float]:
        """Share of each kind of engine's capability that executed multiply-accumulates used, over the whole
        iteration and all cores."""
        cycles = self.iteration_ps / self.chip.cycle_ps * self.chip.cores
        found: dict[Phase, float] = {}
        for phase in PHASES:
            engine = engine_of(self.chip, phase)
            work = sum(t.macs for t in self.times if t.phase == phase)
            found[phase] = work / (cycles * engine.rows * engine.columns)
        return found

    @cached_property
    def bounds(self) -> dict[str, str]:
        """What takes longest of each layer's work: ``FP array``, ``BP sram``, ``WG NoC``, ``DRAM`` and so on. The parts
        of a layer work side by side, DRAM serves one transfer at a time."""
        slowest: dict[str, dict[str, int]] = {t.layer: {"DRAM": 0} for t in self.times}
        for (name, phase), cycles in busiest_link_cycles(self.chip, self.sent).items():
            slowest[name][f"{phase} NoC"] = round(cycles * self.chip.cycle_ps)
        for t in self.times:
            times = slowest[t.layer]
            times["DRAM"] += t.dram_ps
            for unit in ("array", "pointwise", "sram", "norm"):
                key = f"{t.phase} {unit}"
                times[key] = max(times.get(key, 0), round(getattr(t, f"{unit}_cycles") * self.chip.cycle_ps))
        return {name: max(times, key=lambda key: times[key]) for name, times in slowest.items()}

    def epoch_ps(self, dataset_size: int) -> int:
        """All iterations of an epoch; the last one may be smaller and is counted in full."""
        return -(-dataset_size // self.setup.samples) * self.iteration_ps
