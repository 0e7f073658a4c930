"""Energy of a training iteration: every count times its cost, by core, layer, phase and unit; parts sum to totals."""

from __future__ import annotations

from dataclasses import dataclass

from neurocomp.energy.array import ArrayCosts, cost_path
from neurocomp.simulate.training_run import Tallied, TrainingRun


@dataclass(frozen=True)
class TrainingEntry:
    """Energy of one row of counts; None if the cost is unknown."""

    row: Tallied
    energy_aj: int | None


@dataclass(frozen=True)
class TrainingEnergy:
    """All energy of one iteration. unknown: actions that happened and whose cost is not known. static_aj: None where
    the profile does not know the chip's static power."""

    entries: tuple[TrainingEntry, ...]
    static_aj: int | None
    unknown: tuple[str, ...]

    @property
    def total_aj(self) -> int:
        """With DRAM and, where it is known, static energy."""
        return sum(entry.energy_aj or 0 for entry in self.entries) + (self.static_aj or 0)

    def by(self, *axes: str) -> dict[tuple[str | int, ...], int]:
        """aJ by any of core, layer, phase and unit; with the static energy the values sum to the total."""
        sums: dict[tuple[str | int, ...], int] = {}
        for entry in self.entries:
            key = tuple(getattr(entry.row, axis) for axis in axes)
            sums[key] = sums.get(key, 0) + (entry.energy_aj or 0)
        return sums

    def without(self, unit: str) -> int:
        """aJ of everything but one unit, static energy left out."""
        return sum(entry.energy_aj or 0 for entry in self.entries if entry.row.unit != unit)


def price_training(run: TrainingRun) -> TrainingEnergy:
    """Price every count of an iteration."""
    costs, entries, unknown = ArrayCosts(run.chip), [], []
    for row in run.tallies:
        energy = costs.energy_aj(row.action, row.count)
        entries.append(TrainingEntry(row, energy))
        if energy is None and row.action not in unknown:
            unknown.append(row.action)
    static = None if run.chip.static_mw is None else round(run.chip.static_mw * 1000) * run.iteration_ps
    return TrainingEnergy(tuple(entries), static, tuple(sorted(unknown)))


def tera_operations_per_joule(run: TrainingRun, energy: TrainingEnergy) -> dict[str, float]:
    """Efficiency by counting rule, two operations per multiply-accumulate: ``executed`` counts those on inserted zeros
    too, ``useful`` three forward passes; ``core`` leaves DRAM out, ``all`` does not."""
    executed = sum(t.macs for t in run.times)
    useful = 3 * sum(layer.macs for layer in run.layers) * run.setup.samples * run.setup.steps
    joules = {"core": energy.without("dram") / 1e18, "all": energy.total_aj / 1e18}
    return {
        f"{rule}, {scope}": 2 * work / spent / 1e12
        for rule, work in (("executed", executed), ("useful", useful))
        for scope, spent in joules.items()
    }


def paths_used(run: TrainingRun) -> tuple[str, ...]:
    """Profile values that energy and time rest on, sorted: what is counted, what it costs, how fast it is."""
    chip = run.chip
    counted = ["engines.", f"optimizers.{run.setup.optimizer}.", "dram.", "clock_mhz", "cores", "tile_side"]
    counted += ["spike_bits", "value_bits"]
    counted += [f"optimizers.{name}." for name in ("momentum", "weight_decay") if getattr(run.setup, name)]
    if any(layer.normalised for layer in run.layers):
        counted.append("normalisation.")
    costs = {cost_path(row.action, chip) for row in run.tallies}
    found = {path for path, origin in chip.provenance.items() if origin.value is not None}
    return tuple(sorted(path for path in found if path in costs or path.startswith(tuple(counted))))
