"""The command line: what can be asked. The work is in commands/, imported when a command runs.

stdout carries the result only; progress, warnings and errors go to stderr. Exit codes are those of errors.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurocomp.commands import compile_words as compiling
from neurocomp.commands import front_words as front
from neurocomp.commands import network_words as saved
from neurocomp.commands import train_words as train
from neurocomp.commands.exits import LastWord, leave, run
from neurocomp.commands.export import export_command
from neurocomp.commands.noc_words import noc_command
from neurocomp.commands.sweep_words import sweep_command
from neurocomp.interrupts import end_as_interrupted

app = typer.Typer(
    name="neurocomp", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
chips_app = typer.Typer(rich_markup_mode=None)
app.add_typer(chips_app, name="chips")

Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write into. Default: none is written.")
]
ProgramFolder = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write into. Default: NETWORK-CHIP.")
]
Input = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE.npz",
        help=(
            "Arrays x (samples, *shape) or (samples, steps, *shape) and, optionally, y (labels). "
            "Default: the sample stored with the network."
        ),
    ),
]
Steps = Annotated[int | None, typer.Option("--steps", help="Time steps for each sample.")]
Encode = Annotated[
    str | None,
    typer.Option("--encode", metavar="CODING", help=("How values become input over time: direct, rate or latency.")),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of rate coding and of the mapper's search.")]
Threads = Annotated[
    int | None, typer.Option("--threads", help=("Threads to use; the result does not depend on it. Default: all CPUs."))
]
NocFidelity = Annotated[
    str | None,
    typer.Option(
        "--noc",
        metavar="FIDELITY",
        help=(
            "The network on chip: cycle (flit by flit; the default where the chip's routers are known), event (by "
            "reservation of links) or bound (packets do not wait for each other)."
        ),
    ),
]
Formats = Annotated[
    str, typer.Option("--formats", metavar="LIST", help="With commas: json, txt, html, csv, accelergy; or none.")
]
Timeline = Annotated[
    str | None, typer.Option("--trace", metavar="FIRST:LAST", help="Also write these chip steps for Perfetto: 0:8.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the report.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no report and no progress.")]
Force = Annotated[bool, typer.Option("--force", help="Write into a folder that holds other things.")]

Effort = Annotated[str | None, typer.Option("--effort", help="How long the mapper searches: fast, default or best.")]
Objective = Annotated[
    str | None, typer.Option("--objective", help="What it minimises: energy (default), traffic, step-time or cores.")
]
TimeBudget = Annotated[
    float | None,
    typer.Option("--time-budget", metavar="SECONDS", help="Nominal time for each partition that it searches."),
]
Chips = Annotated[
    str | None, typer.Option("--chips", metavar="COLxROW", help="Several chips in one mesh: 2x2, or auto.")
]
ForbidCores = Annotated[
    str | None, typer.Option("--forbid-cores", metavar="CORES", help="Cores that stay empty: 3,7-9.")
]
Pin = Annotated[
    list[str] | None, typer.Option("--pin", metavar="LAYER=CORES", help="Put a layer on these cores; repeatable.")
]
PlacementFile = Annotated[
    Path | None,
    typer.Option("--placement", metavar="FILE", help="Evaluate this placement: CSV, JSON or a program's folder."),
]
RatesOption = Annotated[
    str | None, typer.Option("--rates", help="What traffic is weighed with: measured (this run's spikes) or uniform.")
]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Compile trained spiking networks onto neuromorphic chips and simulate what they cost there."""
    if version:
        from neurocomp import __version__

        typer.echo(f"neurocomp {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("compile")
def compile_command(
    context: typer.Context,
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help=saved.NETWORK)],
    chip: Annotated[str, typer.Option("--chip", metavar="CHIP", help="Name (see: neurocomp chips) or file of a chip.")],
    output: ProgramFolder = None,
    inputs: Input = None,
    steps: Steps = None,
    encode: Encode = None,
    seed: Seed = None,
    threads: Threads = None,
    dt: saved.Dt = None,
    reset: saved.Reset = None,
    discretise: saved.Discretise = None,
    source: saved.Source = None,
    key: saved.Key = None,
    input_shape: saved.InputShape = None,
    encoding: saved.Encoding = None,
    calibrate: compiling.Calibrate = None,
    weight_scales: compiling.WeightScales = None,
    effort: Effort = None,
    objective: Objective = None,
    time_budget: TimeBudget = None,
    chips: Chips = None,
    forbid_cores: ForbidCores = None,
    pin: Pin = None,
    placement: PlacementFile = None,
    rates: RatesOption = None,
    noc: NocFidelity = None,
    formats: Formats = "json,txt,html,csv",
    trace: Timeline = None,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Map a network onto a chip and report what it costs.

    Reports energy, latency and memory; writes the program and, as --formats says, report.html, result.json, report.txt,
    layers.csv and cores.csv. Example:

    neurocomp compile examples/01_digits/net.pt --chip loihi2
    """
    compiling.start(context.params)


app.command("freeze", short_help="Freeze a trained network into a file that needs no torch.")(front.freeze_command)
app.command("convert", short_help="Turn a trained network without spikes into a spiking one.")(front.convert_command)


@app.command("simulate")
def simulate_command(
    program: Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by neurocomp compile.")],
    inputs: Input = None,
    output: Output = None,
    steps: Steps = None,
    encode: Encode = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of rate coding.")] = None,
    threads: Threads = None,
    noc: NocFidelity = None,
    formats: Formats = "json,txt,html,csv",
    trace: Timeline = None,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Run a compiled program on other inputs.

    With -o, also writes the report in the chosen --formats.
    """
    from neurocomp.commands.job import Job
    from neurocomp.commands.simulate import simulate_and_report

    job = Job(inputs, steps, encode, seed, threads, output, as_json, quiet, force, noc, formats, trace)
    simulate_and_report(program, job)


@app.command("report")
def report_command(
    results: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders that compile or simulate wrote, or result.json.")
    ],
    output: Output = None,
    formats: Annotated[
        str | None, typer.Option("--formats", metavar="LIST", help="With -o, with commas: json, txt, html; or none.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Put results side by side: chips, networks, or before and after.

    Ratios are to the first. With -o, also writes report.html. Example:

    neurocomp report net-loihi net-loihi2 -o loihi-or-loihi2
    """
    from neurocomp.commands.report import ReportOptions, report_side_by_side

    report_side_by_side(results, ReportOptions(output, as_json, quiet, force, formats))


@chips_app.callback(invoke_without_command=True)
def chips_command(context: typer.Context, as_json: Json = False) -> None:
    """List the chip profiles; chips show NAME prints one."""
    if context.invoked_subcommand is None:
        from neurocomp.commands.chips import list_chips

        list_chips(as_json)


@chips_app.command("show")
def show_chip_command(
    chip: Annotated[str, typer.Argument(metavar="NAME", help="A profile's name or file.")],
    as_json: Json = False,
) -> None:
    """Print a chip profile: every value with its kind and source."""
    from neurocomp.commands.chips import show_chip

    show_chip(chip, as_json)


app.command("noc")(noc_command)


@app.command("train", short_help="Report what training a network on a chip costs.")
def train_command(
    context: typer.Context,
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help=saved.NETWORK)],
    chip: Annotated[str, typer.Option("--chip", metavar="CHIP", help="A chip with FP, BP and WG engines.")] = "neuromc",
    batch: train.Batch = 16,
    steps: train.Steps = None,
    dataset_size: train.DatasetSize = None,
    optimizer: train.Optimizer = "sgd",
    order: train.Order = "step",
    sparsity: train.Sparsity = "dense",
    activity: train.Activity = "assumed",
    spikes: train.Spikes = 0.2,
    gradients: train.Gradients = 0.5,
    batch_norm: train.BatchNorm = False,
    unpacked: train.Unpacked = False,
    recompute: train.Recompute = False,
    on_chip: train.OnChip = False,
    gpus: train.Gpus = "a100",
    workers: train.Workers = None,
    rounds: train.Rounds = 1,
    local_steps: train.LocalSteps = 1,
    link: train.Link = "1",
    source: saved.Source = None,
    key: saved.Key = None,
    input_shape: saved.InputShape = None,
    encoding: saved.Encoding = None,
    dt: saved.Dt = None,
    reset: saved.Reset = None,
    discretise: saved.Discretise = None,
    plastic: train.Plastic = None,
    rule: train.Rule = "stdp",
    epoch: train.Epoch = None,
    output: Output = None,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Report what training a network on a chip costs: time, energy, DRAM traffic.

    neurocomp train examples/01_digits/net.pt --chip neuromc --dataset-size 1347

    neurocomp train examples/01_digits/net.pt --chip loihi --plastic fc
    """
    train.refuse_idle(context)
    train.start(context.params)


app.command("sweep", short_help="Try many chips, mappings and settings; find the best.")(sweep_command)
app.command("export")(export_command)


@app.command("schema")
def schema_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="result, training, plasticity, comparison, or point (of a sweep).")
    ],
) -> None:
    """Print the JSON Schema of a file that neurocomp writes."""
    from neurocomp.commands.schema import print_schema

    print_schema(name)


@app.command("doctor")
def doctor_command() -> None:
    """Check this installation; one line per check."""
    from neurocomp.doctor import examine

    raise typer.Exit(examine(sys.stdout))


def main() -> None:
    """Entry point of the command ``neurocomp``."""
    last_word = LastWord()
    end_as_interrupted()
    leave(run(app, sys.argv[1:]), last_word)
