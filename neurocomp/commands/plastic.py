"""``neurocomp train --plastic``: what learning by a local rule costs on an event-driven chip."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from neurocomp.chip.catalog import array_chip_names, load_chip, profile_names
from neurocomp.chip.spec import ChipSpec
from neurocomp.commands.calibration import Rounding, rounded_by
from neurocomp.commands.job import cpus_here, run_network
from neurocomp.commands.learning import Ends
from neurocomp.commands.progress import Progress
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.inputs.memory import need_memory_for
from neurocomp.inputs.prepare import prepare
from neurocomp.inputs.prepared import Prepared
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.map import map_plan, plan_mapping
from neurocomp.report.plasticity import plasticity_report
from neurocomp.simulate.inference import simulate
from neurocomp.simulate.plasticity import plastic_projections, simulate_plasticity


@dataclass(frozen=True)
class PlasticOptions:
    """Options as they were given. layers: names with commas; samples: of the stored ones, how many are run."""

    layers: str
    rule: str = "stdp"
    epoch_steps: int | None = None
    samples: int = 16
    steps: int | None = None
    ends: Ends = field(default_factory=Ends)

    def __post_init__(self) -> None:
        counts = {"--batch": self.samples, "--steps": self.steps, "--epoch": self.epoch_steps}
        found = [
            Diagnostic(name, f"is {n}; at least 1 is needed") for name, n in counts.items() if n is not None and n < 1
        ]
        if found:
            raise InputError(found)


def learn_and_report(path: Path, chip_name: str, options: PlasticOptions) -> None:
    """Map the network as ``compile`` does, by the spikes of samples that are stored with it, and report what learning
    adds to their inference."""
    network, chip = options.ends.reading.network(path, None, options.steps), _learning_chip(chip_name, options.rule)
    layers = [name.strip() for name in options.layers.split(",")]
    plastic_projections(network, layers)  # before any work
    folder = options.ends.folder()
    stored, threads = prepare(network, None, options.steps, None, None), cpus_here()
    prepared = _first(stored, options.samples)
    with Progress(sys.stderr, enabled=not options.ends.quiet) as progress:
        with progress.stage(f"fitting {network.name} to {chip.name}"):
            lowered = rounded_by(stored, network, chip, Rounding(), threads, progress)
            plan = plan_mapping(lowered, chip)
        need_memory_for(lowered, prepared)
        trace = run_network(lowered, prepared, threads, progress, "running the mapped network").trace
        with progress.stage(f"mapping onto {chip.name}"):
            program = map_plan(plan, Choices(), trace)
        with progress.stage("timing the chip") as advance:
            simulation = simulate(program, trace, threads=threads, progress=advance)
            run = simulate_plasticity(program, trace, layers, options.rule, options.epoch_steps)
    report = plasticity_report(program, simulation, run)
    options.ends.give(report, folder)


def _first(prepared: Prepared, samples: int) -> Prepared:
    """At most so many of the samples; scales stay those of all of them."""
    if prepared.inputs is None:
        return prepared
    inputs = prepared.inputs[:samples]
    return replace(prepared, inputs=inputs, samples=len(inputs))


def _learning_chip(name: str, rule: str) -> ChipSpec:
    """The chip. Raises InputError for one that has no local rules, or not this one."""
    able = [known for known in profile_names() if load_chip(known).engines.wg is not None]
    hint = f"chips that learn by local rules: {', '.join(able)}"
    if name in array_chip_names():
        raise bad_input(name, "trains by back-propagation and has no engine for local rules", hint=hint)
    chip = load_chip(name)
    if chip.engines.wg is None:
        what = "does not learn on the chip, or its profile does not know what that costs (engines.wg)"
        raise bad_input(chip.name, what, hint=hint)
    if rule not in chip.engines.wg.rules:
        rules = ", ".join(chip.engines.wg.rules)
        raise bad_input("--rule", f"{chip.name} has no rule {rule!r}", hint=f"it has {rules}")
    return chip
