"""What rounds of federated training cost, as text and values, beside the iteration that they repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from neurocomp.report import units
from neurocomp.simulate.federated import Link, RoundCost, Worker, round_cost
from neurocomp.simulate.training_run import TrainingRun


@dataclass(frozen=True)
class FederatedRounds:
    """Equal workers, each with a chip and a link of its own to a server that takes one transfer after the other.

    least_energy_pj: of a round, what is known of it."""

    workers: int
    rounds: int
    local_steps: int
    link: Link
    cost: RoundCost
    least_energy_pj: float

    def tree(self) -> dict[str, object]:
        cost = self.cost
        parts = {
            **asdict(cost), "total_ns": cost.total_ns, "energy_pj": cost.energy_pj,
            "energy_pj_at_least": self.least_energy_pj,
        }  # fmt: skip
        return {
            "workers": self.workers, "rounds": self.rounds, "local_steps": self.local_steps, "link": asdict(self.link),
            "round": parts, "all_rounds_ns": cost.total_ns * self.rounds,
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        cost, steps = self.cost, "1 iteration" if self.local_steps == 1 else f"{self.local_steps} iterations"
        least = "" if cost.energy_pj is not None else "at least "
        yield f"federated: {self.workers} workers, {steps} each, then the mean of their weights"
        times = {"computing": cost.compute_ns, "upload": cost.upload_ns, "download": cost.download_ns}
        for name, ns in {**times, "in all": cost.total_ns}.items():
            yield f"  {name:<10} {units.time(ns * 1e3):>12} per round"
        yield f"  {'sent':<10} {units.memory(cost.bits / 8):>12} per round, both ways, one worker after the other"
        links = "the links' is not known" if cost.link_energy_pj is None else (
            f"{units.energy(cost.link_energy_pj * 1e6)} of it in the links"
        )  # fmt: skip
        more = " or more" if least else ""
        yield f"  {'energy':<10} {units.energy(self.least_energy_pj * 1e6):>12} per round{more}, {links}"
        if self.rounds > 1:
            all_of_them = units.energy(self.least_energy_pj * 1e6 * self.rounds)
            yield f"  {self.rounds} rounds: {units.time(cost.total_ns * 1e3 * self.rounds)}, {least}{all_of_them}"


def federated_rounds(
    run: TrainingRun, energy_pj: float, lower_bound: bool, *, workers: int, rounds: int, local_steps: int, link: Link
) -> FederatedRounds:
    """Rounds of this iteration. energy_pj: of one iteration; lower_bound: a part of it is not known. Raises InputError
    for counts below 1."""
    worker = Worker(run.iteration_ps / 1e3, None if lower_bound else energy_pj, link)
    trained = sum(layer.trained for layer in run.layers)
    cost = round_cost([worker] * workers, trained, local_steps=local_steps, weight_bits=run.chip.value_bits)
    known = workers * local_steps * energy_pj + (cost.link_energy_pj or 0.0)
    return FederatedRounds(workers, rounds, local_steps, link, cost, known)
