"""From which data a network's numbers are rounded to a chip's, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.commands.job import Job, run_network
from neurocomp.commands.progress import Progress
from neurocomp.errors import Diagnostic, InputError
from neurocomp.inputs.memory import need_memory_for
from neurocomp.inputs.prepare import prepare
from neurocomp.inputs.prepared import Prepared
from neurocomp.mapping.compile import float_form, hosted_values, lower, measured_ranges, ranged_values, widest
from neurocomp.network.graph import Integer, Network
from neurocomp.network.quantise import SCALES, WeightScales

SAMPLES_AT_ONCE = 32  # of which the values of many layers are recorded


@dataclass(frozen=True)
class Rounding:
    """Options as they were given; None where they were not."""

    calibrate: Path | None = None
    weight_scales: str | None = None

    def __post_init__(self) -> None:
        if self.weight_scales not in (None, *SCALES):
            hint = f"possible are {', '.join(SCALES)}"
            raise InputError(Diagnostic("--weight-scales", f"is {self.weight_scales!r}", hint=hint))

    def check(self, network: Network, chip: ChipSpec) -> None:
        """Raise InputError if an option has no effect on this network and chip."""
        given = {"--calibrate": self.calibrate is not None, "--weight-scales": self.weight_scales is not None}
        why = ""
        if isinstance(network.arithmetic, Integer):
            why = "the network is in integers already"
        elif chip.numeric.arithmetic == "float32":
            why = f"{chip.name} computes in the network's own arithmetic"
        if why:
            found = [Diagnostic(o, f"has no effect: {why}", hint=f"leave {o} away") for o, yes in given.items() if yes]
            if found:
                raise InputError(found)


def lowered_for(
    network: Network, chip: ChipSpec, rounding: Rounding, prepared: Prepared, job: Job, progress: Progress
) -> Network:
    """The network as the chip will run it. prepared: the inputs of the run, which calibrate it if no others do."""
    rounding.check(network, chip)
    data = prepared
    if rounding.calibrate is not None:
        data = prepare(network, rounding.calibrate, job.steps, job.encoding, job.seed)
    lowered = rounded_by(data, network, chip, rounding, job.workers, progress)
    note = _note(network, lowered, rounding, data)
    return lowered if note is None else replace(lowered, assumptions=(*lowered.assumptions, note))


def rounded_by(
    data: Prepared, network: Network, chip: ChipSpec, rounding: Rounding, workers: int, progress: Progress
) -> Network:
    """The network in the chip's numbers; scales and ranges are those of the data, all of its samples."""
    return lower(
        network, chip, data.calibration,
        weight_scales=cast("WeightScales", rounding.weight_scales or "tensor"),
        ranges=_ranges(network, chip, data, workers, progress),
    )  # fmt: skip


def _ranges(network: Network, chip: ChipSpec, data: Prepared, workers: int, progress: Progress) -> dict[str, float]:
    """Greatest magnitudes, on the calibration data, of the values whose ranges have to be known from data."""
    form = float_form(network, chip)
    wanted = ranged_values(form, chip) if form is not None else []
    if form is None or not wanted:
        return {}
    need_memory_for(form, data)
    ranges: dict[str, float] = {}
    for first in range(0, data.samples, SAMPLES_AT_ONCE):
        run = run_network(form, _some(data, first), workers, progress, "measuring ranges", wanted)
        ranges = widest(ranges, measured_ranges(run, wanted))
        if data.inputs is None:
            break  # no input: all samples are alike
    return ranges


def _some(data: Prepared, first: int) -> Prepared:
    """A few samples, because all that is recorded of them is kept at once."""
    if data.inputs is None:
        return data
    inputs = data.inputs[first : first + SAMPLES_AT_ONCE]
    return replace(data, inputs=inputs, samples=len(inputs))


def _note(network: Network, lowered: Network, rounding: Rounding, data: Prepared) -> str | None:
    arithmetic = lowered.arithmetic
    if data.calibration is None or not isinstance(arithmetic, Integer) or isinstance(network.arithmetic, Integer):
        return None
    if rounding.calibrate is not None:
        source = f"{data.samples:,} samples of {rounding.calibrate} (--calibrate)"
        return f"the inputs' scale, {arithmetic.input_scale:.3g}, is that of {source}"
    scaled = np.asarray(data.calibration) / arithmetic.input_scale
    calibrated = any(p.held is not None and p.held.calibrated for p in lowered.populations)
    if np.array_equal(scaled, np.rint(scaled)) and not hosted_values(lowered) and not calibrated:
        return None  # nothing was rounded by them
    return "scales of real values come from the very inputs that are run; --calibrate takes them from other data"
