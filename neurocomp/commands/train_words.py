"""The options of ``neurocomp train`` as Typer reads them; what they mean is in train.py and plastic.py."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from neurocomp.errors import Diagnostic, InputError

ORDER_HELP = "step: all layers at once; layer: one after the other, all steps of each."
ACTIVITY_HELP = "assumed, measured (on the labelled sample) or a recorded .npz."
OPTIMIZER_HELP = "sgd or adam; with +momentum, +decay what is added: sgd+momentum+decay."
LINK_HELP = "Between a worker and the server: Gbit/s, microseconds of a message, pJ per bit."
PLASTIC_HELP = "Layers that learn by a local rule, on an event-driven chip that can (loihi)."
RULE_HELP = "stdp (pairs of spikes) or reward (three factors)."
EPOCH_HELP = "Steps between two rounds of updates, or two rewards."

Batch = Annotated[int, typer.Option("--batch", help="Samples in one iteration.")]
Steps = Annotated[int | None, typer.Option("--steps", help="Time steps; default: the sample's, or 4.")]
DatasetSize = Annotated[int | None, typer.Option("--dataset-size", help="Samples in one epoch.")]
Optimizer = Annotated[str, typer.Option("--optimizer", help=OPTIMIZER_HELP)]
Order = Annotated[str, typer.Option("--order", help=ORDER_HELP)]
Sparsity = Annotated[
    str, typer.Option("--sparsity", help="What zeros save: dense (nothing), gated (energy) or skipped (time too).")
]
Activity = Annotated[str, typer.Option("--activity", help=ACTIVITY_HELP)]
Spikes = Annotated[float, typer.Option("--spikes", help="Assumed share of spikes.")]
Gradients = Annotated[float, typer.Option("--gradients", help="Assumed share of gradients.")]
BatchNorm = Annotated[bool, typer.Option("--batch-norm", help="Batch normalisation behind convolutions.")]
Unpacked = Annotated[bool, typer.Option("--unpacked", help="Spikes and masks are not packed into bits.")]
Recompute = Annotated[bool, typer.Option("--recompute", help="Membranes are computed again for BP.")]
OnChip = Annotated[bool, typer.Option("--on-chip", help="Maps that fit go from core to core, not through DRAM.")]
Gpus = Annotated[str, typer.Option("--gpus", help="Baselines: names with commas, all or none.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Federated training over this many chips.")]
Rounds = Annotated[int, typer.Option("--rounds", help="Rounds of federated training.")]
LocalSteps = Annotated[int, typer.Option("--local-steps", help="Iterations of a worker in each round.")]
Link = Annotated[str, typer.Option("--link", metavar="GBIT[,US[,PJ]]", help=LINK_HELP)]
Plastic = Annotated[str | None, typer.Option("--plastic", metavar="LAYER[,LAYER]", help=PLASTIC_HELP)]
Rule = Annotated[str, typer.Option("--rule", help=RULE_HELP)]
Epoch = Annotated[int | None, typer.Option("--epoch", metavar="STEPS", help=EPOCH_HELP)]

# parameters that mean something only with another option, or only without --plastic
_FEDERATED = ("rounds", "local_steps", "link")
_LOCAL = ("rule", "epoch")
_BACKWARD = ("dataset_size", "optimizer", "order", "sparsity", "activity", "spikes", "gradients", "batch_norm",
             "unpacked", "recompute", "on_chip", "gpus", "workers", *_FEDERATED)  # fmt: skip
_ASSUMED = ("spikes", "gradients")


def refuse_idle(context: typer.Context) -> None:
    """Options that would change nothing are misunderstandings. Raises InputError naming all of them."""
    stood = context.get_parameter_source("network")  # an argument always stands on the command line
    given = {name for name in context.params if context.get_parameter_source(name) == stood}
    found: list[Diagnostic] = []

    def refuse(names: tuple[str, ...], why: str) -> None:
        found.extend(Diagnostic(f"--{n.replace('_', '-')}", f"has no effect {why}") for n in names if n in given)

    if "plastic" in given:
        refuse(_BACKWARD, "with --plastic, which costs a local rule and no back-propagation")
    else:
        refuse(_LOCAL, "without --plastic")
        if "workers" not in given:
            refuse(_FEDERATED, "without --workers")
        if context.params.get("activity") != "assumed":
            refuse(_ASSUMED, "beside --activity, which says where the shares come from")
    if found:
        raise InputError(found)


def start(given: dict[str, Any]) -> None:
    """Run the command. given: its parameters by name."""
    from neurocomp.commands.learning import Ends
    from neurocomp.commands.network_words import reading_of
    from neurocomp.commands.plastic import PlasticOptions, learn_and_report
    from neurocomp.commands.train import Federation, TrainOptions, train_and_report

    def named(*names: str) -> dict[str, Any]:
        return {name: given[name] for name in names}

    network, chip = given["network"], given["chip"]
    ends = Ends(**named("output", "as_json", "quiet", "force"), reading=reading_of(given))
    if given["plastic"] is not None:
        rule = PlasticOptions(
            given["plastic"], given["rule"], given["epoch"], given["batch"], given["steps"], ends=ends
        )
        learn_and_report(network, chip, rule)
        return
    options = TrainOptions(
        **named("batch", "steps", "dataset_size", "optimizer", "order", "sparsity", "activity", "spikes", "gradients",
                "recompute", "on_chip", "gpus"),
        normalised=given["batch_norm"], packed=not given["unpacked"], ends=ends,
        federation=Federation(**named("workers", "rounds", "local_steps", "link")),
    )  # fmt: skip
    train_and_report(network, chip, options)
