"""What a running command has in hand when the chip has been timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurocomp.activity.trace import SpikeTrace
    from neurocomp.mapping.program import Program
    from neurocomp.report.model import Result
    from neurocomp.simulate.simulation import Simulation


@dataclass(frozen=True)
class TimedRun:
    """A program, what it ran on, and what came out."""

    program: Program
    trace: SpikeTrace
    simulation: Simulation
    result: Result
