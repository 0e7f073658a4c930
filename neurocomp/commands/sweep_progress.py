"""How far a sweep is, for people who wait: how fast, how long yet, the best so far."""

from __future__ import annotations

import time

from neurocomp.commands.progress import Advance, Progress, duration
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.space import Space
from neurocomp.sweep.tables import within


class SweepProgress:
    """Counts what comes in and says it for people who wait: how fast, how long yet, the best so far."""

    def __init__(self, space: Space, points: int, advance: Advance, progress: Progress) -> None:
        self.space, self.points, self.advance, self.progress = space, points, advance, progress
        self.known, self.new, self.since = 0, 0, time.monotonic()
        self.best: dict[str, float] = {}

    def done(self, outcome: Outcome, known: bool) -> None:
        self.known, self.new = self.known + known, self.new + (not known)
        for kept in within([outcome], self.space.constraints):
            for name, way in self.space.objectives.items():
                value = kept.metrics.get(name)
                if value is not None:
                    self.best[name] = (min if way == "min" else max)(value, self.best.get(name, value))
        self.progress.note = self.note()
        self.advance(self.known + self.new, self.points)

    def note(self) -> str:
        left = ""
        if self.new:
            seconds = (self.points - self.known - self.new) / self.rate
            left = f"{self.rate:.1f} points/s, {duration(seconds)} left"
        return ", ".join(filter(None, (left, *(f"best {name} {value:.4g}" for name, value in self.best.items()))))

    @property
    def rate(self) -> float:
        """Points computed in a second."""
        return self.new / max(time.monotonic() - self.since, 1e-9)

    def said(self) -> str:
        found = f"{self.known:,} points were finished before" if self.known else ""
        new = f"{self.new:,} points computed ({self.rate:.1f} per second)" if self.new else ""
        return ", ".join(filter(None, (new, found))) or "no points"
