"""``neurocomp convert``: a trained network without spikes becomes a spiking one; its accuracy before and after."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.commands.freeze import check_output
from neurocomp.commands.progress import Progress
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.inputs.memory import need_memory_for
from neurocomp.inputs.npz import read_npz
from neurocomp.inputs.prepare import Prepared

if TYPE_CHECKING:
    from neurocomp.frontend.conversion.spiking import Conversion
    from neurocomp.network.graph import Network

STEPS = 32
KEPT_SAMPLES = 512
CALIBRATED = 1024
"""Samples that thresholds are taken from."""


@dataclass(frozen=True)
class ConvertOptions:
    """As they were given. source, key: code, and which weights, where the file holds such. test: other data for the
    accuracy."""

    path: Path
    source: str | None
    key: str | None
    calibrate: Path
    test: Path | None
    method: str
    max_pool: str
    steps: int
    output: Path
    quiet: bool = False

    def __post_init__(self) -> None:
        from neurocomp.frontend.conversion.maxima import MAX_POOLS
        from neurocomp.frontend.conversion.spiking import METHODS

        found = []
        if self.steps < 1:
            found.append(Diagnostic("--steps", f"is {self.steps}; at least 1 is needed"))
        if self.method not in METHODS:
            found.append(Diagnostic("--method", f"is {self.method!r}", hint=f"possible are {', '.join(METHODS)}"))
        if self.max_pool not in MAX_POOLS:
            hint = f"possible are {', '.join(MAX_POOLS)}"
            found.append(Diagnostic("--max-pool", f"is {self.max_pool!r}", hint=hint))
        if found:
            raise InputError(found)


@dataclass(frozen=True, eq=False)
class _Data:
    where: str
    inputs: np.ndarray
    labels: np.ndarray | None


def convert_and_write(options: ConvertOptions) -> None:
    """Do the whole job; prints accuracies and thresholds. Raises InputError."""
    from neurocomp.frontend.conversion.spiking import spiking
    from neurocomp.frontend.frozen import write_frozen
    from neurocomp.network.graph import Sample

    check_output(options.output)
    given = _data(options.calibrate)
    tested = given if options.test is None else _data(options.test)
    with Progress(sys.stderr, enabled=not options.quiet) as progress:
        with progress.stage("reading the network"):
            network = _network(options, given)
        for data in (given, tested):
            _check_shape(network, data)
        with progress.stage("taking thresholds from the data"):
            conversion = spiking(network, given.inputs[:CALIBRATED], options.method, options.max_pool)  # type: ignore[arg-type]
        kept = slice(0, KEPT_SAMPLES)
        labels = None if tested.labels is None else tested.labels[kept]
        made = conversion.network.with_sample(
            Sample(tested.inputs[kept].astype(np.float32), options.steps, "direct", labels)
        )
        with progress.stage("running both"):
            text = _text(conversion, network, tested, options)
    write_frozen(made, options.output)
    if not options.quiet:
        sys.stdout.write(text)
        sys.stdout.flush()
        sys.stderr.write(f"written to {options.output}\n")


def _network(options: ConvertOptions, given: _Data) -> Network:
    from neurocomp.frontend.module_file import open_module
    from neurocomp.frontend.onnx import read_stateless
    from neurocomp.frontend.sniff import sniff

    if options.source is None and sniff(options.path) == "onnx":
        return read_stateless(options.path)
    if options.source is not None and options.path.is_file() and options.path.suffix == ".onnx":
        raise bad_input("--source", "does not go with an ONNX file, which holds the network", hint="leave it away")
    from neurocomp.frontend.conversion.module import stateless_network

    _refuse_archives(options.path)
    with open_module(options.path, options.source, options.key) as (module, name, notes):
        network = stateless_network(module, given.inputs[:8], name)
    from dataclasses import replace

    return replace(network, assumptions=(*notes, *network.assumptions))


def _refuse_archives(path: Path) -> None:
    """Archives in which the layers of a network without spikes can no longer be told apart."""
    from neurocomp.frontend.torchfile import archive_kind

    kind = archive_kind(path) if path.is_file() else ""
    if kind:
        raise bad_input(
            str(path),
            f"is a {kind}, in which layers are broken up into single operations",
            hint='save it as ONNX: torch.onnx.export(net, example, "net.onnx"), then neurocomp convert net.onnx; or '
            "give its weights and the code that builds it: neurocomp convert weights.pt --source net.py:build",
        )


def _data(path: Path) -> _Data:
    arrays = read_npz(path, ("x",), ("y",))
    x, y = arrays["x"], arrays.get("y")
    if x.size == 0:
        raise bad_input(str(path), f"x is empty (shape {x.shape})")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise bad_input(str(path), "x holds NaN or infinite values")
    if y is not None and y.shape != x.shape[:1]:
        raise bad_input(str(path), f"y has shape {y.shape} where {x.shape[0]} labels are needed")
    return _Data(str(path), x.astype(np.float32), y)


def _check_shape(network: Network, data: _Data) -> None:
    shape = network.by_name[network.inputs[0]].shape
    if data.inputs.shape[1:] != shape:
        sizes = ", ".join(map(str, shape))
        raise bad_input(data.where, f"x has shape {data.inputs.shape}; the network takes (samples, {sizes})")


def _text(conversion: Conversion, network: Network, data: _Data, options: ConvertOptions) -> str:
    from neurocomp.activity.execute import execute
    from neurocomp.frontend.conversion.values import outputs

    lines = [f"{network.name}: {conversion.network.neuron_count:,} neurons in {len(conversion.thresholds)} layers"]
    width = max(len(name) for name in conversion.thresholds)
    lines += [f"  {name:{width}}  threshold {value:.6g}" for name, value in conversion.thresholds.items()]
    inputs, labels = data.inputs[:KEPT_SAMPLES], None if data.labels is None else data.labels[:KEPT_SAMPLES]
    fed = np.broadcast_to(inputs[:, None], (len(inputs), options.steps, *inputs.shape[1:]))
    need_memory_for(conversion.network, Prepared(fed, len(inputs), options.steps, labels, None, "direct", None))
    theirs = outputs(network, inputs).argmax(axis=1)
    run = execute(conversion.network, fed)
    if run.output is None:
        raise bad_input(network.name, "has no output")
    sums = run.output.astype(np.float64).reshape(len(inputs), options.steps, -1).cumsum(axis=1)
    if labels is not None:
        lines.append(f"before: {_right(theirs, labels)}")
    for step in _shown(options.steps):
        ours = sums[:, step - 1].argmax(axis=1)
        same = f"{np.mean(ours == theirs):.1%} of the answers as before"
        right = "" if labels is None else f"{_right(ours, labels)}, "
        lines.append(f"after, {step} time step{'s' * (step > 1)}: {right}{same}")
    lines += [f"assumed: {text}" for text in conversion.network.assumptions]
    return "\n".join(lines) + "\n"


def _right(answers: np.ndarray, labels: np.ndarray) -> str:
    right = int((answers == labels).sum())
    return f"{right / len(labels):.1%} right ({right} of {len(labels)})"


def _shown(steps: int) -> list[int]:
    """Powers of two up to the number of steps, and that number."""
    return sorted({2**k for k in range(steps.bit_length()) if 2**k >= steps / 16} | {steps})
