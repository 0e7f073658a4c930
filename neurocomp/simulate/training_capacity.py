"""What has to fit when a chip trains: least contents of a core's memories, maps that may stay on the chip, and DRAM.

Weights, maps and states stream through a core in slices, so none of them has to fit it as a whole. What must be there
at the same time is one slice: the kernel's weights for the channels that the array works on, and one kernel window of
inputs. DRAM must hold everything that BPTT keeps of a whole batch from the forward pass on, because FP does not wait
for BP.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.errors import Diagnostic, DoesNotFitError
from neurocomp.fabric.dram_catalog import load_dram
from neurocomp.fabric.dram_spec import DramSpec
from neurocomp.simulate.engines.fragment import PHASES, Phase, engine_of
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.schedule import LayerPart
from neurocomp.simulate.traffic import Transfer
from neurocomp.simulate.training_setup import TrainingSetup

MIB = 2**20


def dram_of(chip: ArrayChip) -> DramSpec:
    """The DRAM beside the chip, with the profile's channels."""
    standard = load_dram(chip.dram.standard)
    organisation = standard.organisation.model_copy(update={"channels": chip.dram.channels})
    return standard.model_copy(update={"organisation": organisation})


def dram_bits_held(
    chip: ArrayChip, parts: Sequence[LayerPart], traffic: Sequence[Transfer], setup: TrainingSetup
) -> int:
    """The most that DRAM holds at a time: the batch, what FP leaves for BP and WG, trained values with their gradients
    and optimizer state, and the gradients of two maps."""
    first = [part.whole for part in parts if part.whole.first and not part.first]
    batch = setup.samples * setup.steps * sum(layer.inputs for layer in first) * chip.value_bits
    kept = sum(t.write_bits for t in traffic if t.phase == "FP")
    values = sum(part.piece.trained for part in parts) * chip.value_bits
    gradients = sum(t.write_bits for t in traffic if t.phase == "WG")
    state = sum(t.write_bits for t in traffic if t.tensor == "optimizer_state")
    maps: dict[str, int] = {}
    for t in traffic:
        if (t.phase, t.tensor) == ("BP", "gradient"):
            maps[t.layer] = maps.get(t.layer, 0) + t.write_bits
    return batch + kept + values + gradients + state + sum(sorted(maps.values())[-2:])


def check_capacity(chip: ArrayChip, parts: Sequence[LayerPart], setup: TrainingSetup, held_bits: int) -> None:
    """Raise DoesNotFitError, with all findings, if a slice does not fit a core or the batch does not fit DRAM."""
    wholes = {part.whole.name: part.whole for part in parts}
    found = [finding for layer in wholes.values() for finding in _too_large(chip, layer)]
    capacity = dram_of(chip).organisation.capacity_bytes
    if held_bits > capacity * 8:
        needed = f"{held_bits / 8 / MIB:,.0f} MiB for {setup.samples} samples x {setup.steps} steps"
        what = f"training needs {needed}, but {chip.dram.channels} channels of {chip.dram.standard} hold"
        hints = ["take fewer samples" * (setup.samples > 1), "recompute membranes" * (not setup.recompute),
                 "pack spikes" * (not setup.packed)]  # fmt: skip
        hint = ", or ".join(hint for hint in hints if hint) or "name more DRAM channels in the profile"
        found.append(Diagnostic(f"{chip.name}: DRAM", f"{what} {capacity / MIB:,.0f} MiB", hint=hint))
    if found:
        raise DoesNotFitError(found)


def _too_large(chip: ArrayChip, layer: Layer) -> Iterator[Diagnostic]:
    for phase in PHASES:
        if phase == "BP" and layer.first:
            continue
        for name, bits in least_contents(chip, phase, layer).items():
            room = chip.memory(name).total_bits
            if bits > room:
                kernel = "x".join(map(str, layer.kernel))
                yield Diagnostic(
                    layer.name, f"{phase} needs {bits:,} bits of {name} at a time, but a core has {room:,}",
                    f"a kernel of {kernel} does not fit beside its window of inputs", "use smaller kernels",
                )  # fmt: skip


def least_contents(chip: ArrayChip, phase: Phase, layer: Layer) -> dict[str, int]:
    """Bits that one slice of a layer takes in each memory of an engine."""
    engine, taps = engine_of(chip, phase), math.prod(layer.kernel)
    inputs, outputs = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    sides = {"input_channels": inputs, "output_channels": outputs}
    rows, columns = min(engine.rows, sides[engine.along_rows]), min(engine.columns, sides[engine.along_columns])
    real = engine.real_input if layer.real_input else None
    moving = engine.input if real is None else real.input
    other = engine.other if real is None or real.other is None else real.other
    spread = {engine.along_rows: rows, engine.along_columns: columns}
    if engine.dataflow == "reduction":
        needed = ((moving, rows * taps), (other, rows * columns * taps), (engine.output, columns))
    else:
        needed = (
            (moving, spread["input_channels"] * taps), (other, spread["output_channels"]),
            (engine.output, rows * columns * taps),
        )  # fmt: skip
    sums: dict[str, int] = {}
    for operand, values in needed:
        sums[operand.memory] = sums.get(operand.memory, 0) + values * operand.bits
    return sums
