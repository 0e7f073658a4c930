"""Results for tests: one made up by hand, which golden files hold, and one from the whole pipeline.

``python -m tests.reports`` writes the golden files and the JSON Schemas anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurocomp.activity.execute import execute
from neurocomp.activity.execution import Execution
from neurocomp.chip.load import parse_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.commands.small_network import small_inputs, small_network
from neurocomp.mapping.compile import compile_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.quality import Quality, Trial
from neurocomp.report.build import report
from neurocomp.report.detail import CoreFacts, StepBin
from neurocomp.report.model import (
    AccuracyFacts,
    BoundFacts,
    ChipFacts,
    ContentFacts,
    EnergyFacts,
    FitFacts,
    LayerFacts,
    LimitFacts,
    NetworkFacts,
    NeuroBenchFacts,
    Result,
    RunFacts,
    TimingFacts,
    TrafficFacts,
    ValueUse,
)
from neurocomp.report.routing import LinkFacts, RoutingFacts, StepPart
from neurocomp.report.schema import result_schema, training_schema
from neurocomp.report.schema_side import comparison_schema, plasticity_schema
from neurocomp.report.signals import HostFacts, ProductFacts, SignalFacts
from neurocomp.simulate.inference import Simulation, simulate
from neurocomp.sweep.schema import point_schema
from tests.chip_text import tiny

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = Path(__file__).parents[1] / "neurocomp" / "report" / "schemas"
HOSTILE = "evil\x1b[31m\r\nname\u202e" + "x" * 80


def small_chip(*changes: tuple[str, str]) -> ChipSpec:
    """The tiny chip with so few neurons per core that the small network needs several, and with known costs."""
    return parse_chip(tiny(("value: 1024", "value: 100"), *changes))


def small_run(chip: ChipSpec, samples: int = 3, threads: int = 1) -> tuple[Program, Simulation, Execution]:
    """The small network on a chip."""
    inputs = small_inputs(samples)
    program = compile_network(small_network(), chip, calibration=inputs, effort="fast")
    execution = execute(program.network, inputs, threads=threads)
    return program, simulate(program, execution.trace, threads=threads), execution


def small_result(chip: ChipSpec | None = None, samples: int = 3, threads: int = 1) -> Result:
    """A whole report, with a float run and labels beside it."""
    program, simulation, execution = small_run(chip or small_chip(), samples, threads)
    network = small_network()
    floating = execute(network, small_inputs(samples), threads=threads)
    return report(
        program, simulation, execution=execution, network=network, float_execution=floating,
        labels=np.zeros(samples, np.int64), encoding="rate", seed=7,
    )  # fmt: skip


def _energy() -> EnergyFacts:
    """Parts add up to 2.1 nJ."""
    return EnergyFacts(
        2_100_000_000,
        {"synapse": 600_000_000, "neuron": 400_000_000, "routing": 100_000_000, "memory": 0, "static": 10**9},
        {"chip": 900_000_000, "cores": 100_000_000, "host": 0}, 20_000_000,
        {"measured": 900_000_000, "derived": 600_000_000, "unstated": 600_000_000},
        {"derived": 600_000_000, "unstated": 500_000_000}, ("hop_north_south",), False,
    )  # fmt: skip


def _routing() -> RoutingFacts:
    """Two links, of which one has no known share of its capacity."""
    return RoutingFacts(
        "event", 3, (StepPart("compute", 48_000_000, 30), StepPart("routing", 2_000_000, 2),
                     StepPart("barrier or tick", 34_000_000, 10)),
        1_500, 6_500, 18_800, 28_400, 4_500_000, 900_000,
        (LinkFacts(0, 1, "east", 640, 0.0381), LinkFacts(1, 1, "north", 12, None)),
        (((0, 0, 0, 0), (0, 7, 0, 0)), ((640, 0, 0, 0), (0, 0, 12, 0))),
        (((0, 0, 0, 0), (0, 0, 0, 0)), ((9, 0, 0, 0), (0, 0, 0, 0))),
    )  # fmt: skip


def _values() -> tuple[ValueUse, ...]:
    """Of origins that are measured, derived and unstated."""
    return (
        ValueUse("engines.fp.synaptic_operation.conv.energy_pj", "energy", 4.0, "derived", "paper",
                 "A. Author, A Paper, 2020", "a note that is far too long to be shown in one line of the report"),
        ValueUse("power.static_mw", "energy", 107.5, "measured", "", "a data sheet", ""),
        ValueUse("engines.fp.spike_out.energy_pj", "energy", 69, "unstated", "", "", ""),
        ValueUse("step.floor_ns", "time", 1500, "unstated", "", "", ""),
        ValueUse("core.count", "capacity", 4, "unstated", "", "", ""),
    )  # fmt: skip


def _layers() -> tuple[LayerFacts, ...]:
    """An input, neurons with a hostile name, a readout."""
    energy = {"synapse": 600_000_000, "neuron": 300_000_000, "routing": 80_000_000, "memory": 0}
    quiet = {"synapse": 0, "neuron": 100_000_000, "routing": 0, "memory": 0}
    return (
        LayerFacts("input", "input", (1, 8, 8), 64, 0, 0, "real", 2560, 1280, 0, 0, 0, 0, 0, quiet | {"neuron": 0}),
        LayerFacts(HOSTILE, "neurons", (4, 8, 8), 256, 3, 1, "binary", 10_240, 1_024, 0, 40_000, 80_000, 44_000,
                   9_000, energy),
        LayerFacts("readout", "readout", (4,), 4, 1, 2, "real", 160, 120, 3_000, 1, 12_000, 3_001, 160, quiet),
    )  # fmt: skip


def _mapping() -> Quality:
    """Three candidates, of which one failed."""
    return Quality(
        "metis partition", "energy", "default", 0, None, "mean rates of a run of 4 samples x 10 steps", 3, 3, 42.5,
        10.25, 85.0, 12.5, 20.5, 0.0, 800.0, 1, 35.0, 1000.0, 123.0,
        (Trial("network order", 90.0, 21.0, 1100.0, 130.0, 4), Trial("metis partition", 85.0, 20.5, 1e3, 123.0, 3),
         Trial(HOSTILE)), 20.0,
    )  # fmt: skip


def made_up() -> Result:
    """Every section of a report is filled; numbers are round, parts add up."""
    trained = NetworkFacts("keyword\tnet", "NIR", "float32", 4, 3, 260, 12_345, 67_890, 50_000, 0.25, "a" * 64)
    mapped = NetworkFacts("keyword\tnet", "NIR", "integer", 4, 3, 260, 12_345, 67_890, 12_500, 0.26, "b" * 64)
    return Result(
        version="0.0",
        network=trained,
        mapped=mapped,
        chip=ChipFacts("tiny", "A chip for tests", "none", "c" * 64),
        run=RunFacts(4, 10, "rate", 7, "d" * 64, "bound"),
        fit=FitFacts(
            3, 4, 260, 8,
            (LimitFacts("neurons", "neurons", 100, 260, 95, 2), LimitFacts("memory", "bytes", 65536, 9000, 6000, 0)),
            (ContentFacts("synapses", 12_500, 6_000), ContentFacts("neuron_state", 1_040, 380)),
        ),
        mapping=_mapping(),
        timing=TimingFacts(42, 84_000_000, 1_500_000, 2_500_000, 12, 96_000_000, 23_000_000, 25_000_000, 80_000_000,
                           2, 42_000_000, 63_000_000, (
                               BoundFacts("neurons", 2, 10_000_000), BoundFacts("synapses", 30, 40_000_000),
                               BoundFacts("links", 0, 0), BoundFacts("barrier or tick", 10, 34_000_000))),
        energy=_energy(),
        layers=_layers(),
        neurobench=NeuroBenchFacts(12_500, 0.26, 0.9, 3_000, 40_001, 92_000),
        neurobench_trained=NeuroBenchFacts(50_000, 0.25, None, 3_100, 41_000, 92_000),
        traffic=TrafficFacts(1_024, 47_001, 9_160, 1_024, 1_500, 3_000, 640, packets_injected=120),
        routing=_routing(),
        cores=(
            CoreFacts(0, 0, 0, 95, "memory", 0.915, 21_000_000, 500_000_000, (HOSTILE,)),
            CoreFacts(1, 1, 0, 70, "neurons", 0.7, 0, 80_000_000, (HOSTILE, "readout")),
            CoreFacts(2, 0, 1, 95, "neurons", 0.95, 42_000_000, 500_000_000, (HOSTILE,)),
        ),
        steps=(
            StepBin(0, 20, 1_500_000.0, 2_000_000, 700_000.0, 50_000.0, 750_000.0, 24.0, 36.5),
            StepBin(21, 41, 2_500_000.0, 2_500_000, 1_585_714.5, 45_238.5, 869_047.0, 24.76, 35.0),
        ),
        accuracy=AccuracyFacts(4, 2, 3, 3, 2400, 12),
        saturations=5,
        values=_values(),
        warnings=("energy is a lower bound: the profile does not know the cost of hop_north_south",),
        assumptions=("something was assumed",),
        mismatches=("tiny: resets by zero, but lif has reset 'subtract'",),
        not_modelled=("the weather",),
        signals=SignalFacts(
            (ProductFacts("scores", HOSTILE, (2, 8, 4, 8), "binary", "int<3>", "AC", 1_000, 20_480),),
            (HostFacts("softmax", "softmax", 320, 120, 320, None), HostFacts("gelu", "gelu", 640, 60, 58, 1_280_000)),
            500,
        ),
    )  # fmt: skip


def write_golden() -> None:
    """Write tests/golden anew; read the difference before committing it."""
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / "report.txt").write_text(made_up().to_text(), encoding="utf-8")
    (GOLDEN / "result.json").write_text(made_up().to_json(), encoding="utf-8")
    for name, text in schemas().items():
        (SCHEMAS / f"{name}.json").write_text(text, encoding="utf-8")


def schemas() -> dict[str, str]:
    """What the files in report/schemas should hold."""
    return {
        "result": result_schema(), "training": training_schema(), "plasticity": plasticity_schema(),
        "comparison": comparison_schema(), "point": point_schema(),
    }  # fmt: skip


if __name__ == "__main__":
    write_golden()
