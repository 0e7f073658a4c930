"""``neurocomp freeze``: a user's network, as it was saved, becomes a file that needs neither torch nor the code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from neurocomp.errors import NeurocompError, bad_input
from neurocomp.inputs.reading import Reading
from neurocomp.network.graph import Network


@dataclass(frozen=True)
class FreezeOptions:
    """As they were given. path: weights or a pickled module, or None where the code returns a trained network."""

    path: Path | None
    reading: Reading
    inputs: Path | None
    steps: int | None
    output: Path
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise bad_input("--steps", f"is {self.steps}; at least 1 is needed")


def freeze_and_write(options: FreezeOptions) -> None:
    """Do the whole job; prints what was frozen and what was assumed. Raises InputError."""
    from neurocomp.frontend.frozen import write_frozen
    from neurocomp.frontend.live import freeze_file

    if options.path is None and options.reading.source is None:
        hint = "as in neurocomp freeze net.pt --source net.py:build --input x.npz -o net.ncomp"
        raise bad_input("neurocomp freeze", "needs a file, the code of a network, or both", hint=hint)
    check_output(options.output)
    example = options.reading.example(options.inputs, options.steps)
    if example is None:
        raise bad_input(
            "--input", "is missing: a network is frozen with an example of what it takes",
            hint="give data, --input x.npz, or only their shape, --input-shape 1,28,28",
        )  # fmt: skip
    network = freeze_file(options.path, options.reading.source, example, options.reading.key)
    write_frozen(network, options.output)
    if not options.quiet:
        sys.stdout.write(frozen_text(network))
        sys.stdout.flush()
        sys.stderr.write(f"written to {options.output}\n")


def check_output(path: Path) -> None:
    """Before any work: the file can be written, and takes the place of nothing but a frozen network."""
    from neurocomp.frontend.frozen import is_frozen
    from neurocomp.frontend.torchfile import read_saved

    where = str(path)
    if path.is_dir():
        raise bad_input(where, "is a folder; a file is written", hint="give its name: -o net.ncomp")
    if not path.absolute().parent.is_dir():
        raise bad_input(where, f"there is no folder {path.parent} to put it in", hint="make it first")
    if not path.exists():
        return
    try:
        ours = is_frozen(read_saved(path).value)
    except NeurocompError:
        ours = False
    if not ours:
        raise bad_input(where, "exists and is no frozen network of neurocomp", hint="give another name: -o net.ncomp")


def frozen_text(network: Network) -> str:
    """What was frozen, in a few lines."""
    from neurocomp.frontend.freezing.compare import DIFFER

    parameters = sum(getattr(p.op, "weight", _NONE).size for p in network.projections)
    sample = network.sample
    lines = [
        f"{network.name}: {network.neuron_count:,} neurons in {len(network.populations)} populations, "
        f"{len(network.projections)} projections, {parameters:,} weights",
        f"from a {network.origin}",
    ]
    if sample is not None:
        labels = "with labels" if sample.labels is not None else "without labels"
        lines.append(f"sample: {len(sample.inputs):,} inputs {labels}, {sample.steps} time steps, {sample.encoding}")
    if not any(DIFFER in text for text in network.assumptions):
        lines.append("every spike and membrane of the sample's first inputs is as in torch")
    lines += [f"assumed: {text}" for text in network.assumptions]
    return "\n".join(lines) + "\n"


class _NoWeight:
    size = 0


_NONE = _NoWeight()
