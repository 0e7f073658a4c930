"""Input data from .npz files, checked against the network before anything is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from neurocomp.activity.encode import encode
from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import bad_input
from neurocomp.inputs.npz import read_npz
from neurocomp.inputs.prepared import Prepared
from neurocomp.network.graph import Encoding, Network

CODINGS = tuple(coding for coding in get_args(Encoding) if coding != "temporal")
SINGLE_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class _Data:
    """values: (samples, *shape), or (samples, steps, *shape) if they vary over time. where: their file, for errors."""

    where: str
    values: np.ndarray
    labels: np.ndarray | None
    varies: bool


def prepare(network: Network, path: Path | None, steps: int | None, encoding: str | None, seed: int | None) -> Prepared:
    """The inputs for a run: from a file, or the sample stored with the network. Raises InputError."""
    if encoding is not None and encoding not in CODINGS:
        hint = did_you_mean(encoding, CODINGS).replace("known here", "possible are")
        raise bad_input("--encode", f"there is no coding {encoding!r}", hint=hint)
    if not network.inputs:
        return _without_input(network, path, steps)
    sample = network.sample
    if path is not None:
        data = _from_file(network, path)
    elif sample is not None:
        data = _Data(network.name, sample.inputs, sample.labels, sample.encoding == "temporal")
    else:
        raise bad_input(
            network.name,
            "no sample inputs are stored with this network, and none were given",
            hint="give some: --input FILE.npz, with an array x of shape (samples, "
            f"{', '.join(map(str, network.by_name[network.inputs[0]].shape))})",
        )
    if data.varies:
        return _over_time(data, steps, encoding)
    if sample is not None and sample.encoding != "temporal":
        steps, encoding = steps or sample.steps, encoding or sample.encoding
        seed = sample.seed if seed is None else seed
    return _coded(data, steps, encoding or "direct", seed or 0)


def _without_input(network: Network, path: Path | None, steps: int | None) -> Prepared:
    if path is not None:
        raise bad_input(str(path), f"network {network.name} has no input to feed", hint="leave --input away")
    if steps is None:
        raise bad_input(
            network.name,
            "has no input, so nothing says how long to run it",
            hint="give the number of time steps: --steps",
        )
    return Prepared(None, 1, steps, None, None, None, None)


def _over_time(data: _Data, steps: int | None, encoding: str | None) -> Prepared:
    samples, given = data.values.shape[:2]
    if steps not in (None, given):
        raise bad_input(
            "--steps", f"is {steps}, but the inputs in {data.where} have {given} time steps", hint="leave --steps away"
        )
    if encoding is not None:
        raise bad_input("--encode", f"the inputs in {data.where} vary over time already", hint="leave --encode away")
    return Prepared(data.values, samples, given, data.labels, data.values, "temporal", None)


def _coded(data: _Data, steps: int | None, encoding: Encoding | str, seed: int) -> Prepared:
    if steps is None:
        raise bad_input(
            data.where, "the inputs do not vary over time, so the number of time steps is open", hint="give it: --steps"
        )
    inputs = encode(data.values, steps, encoding, seed)  # type: ignore[arg-type]
    calibration = data.values if encoding == "direct" else np.ones(1)
    used = seed if encoding == "rate" else None
    return Prepared(inputs, inputs.shape[0], steps, data.labels, calibration, encoding, used)  # type: ignore[arg-type]


def _from_file(network: Network, path: Path) -> _Data:
    where, shape = str(path), network.by_name[network.inputs[0]].shape

    def accept(name: str, found: tuple[int, ...]) -> None:
        if name == "x" and found[1:] != shape and not (len(found) == len(shape) + 2 and found[2:] == shape):
            raise _wrong_shape(where, found, shape)

    arrays = read_npz(path, required=("x",), optional=("y",), accept=accept)
    values = arrays["x"]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        first = int(np.argwhere(~np.isfinite(values).reshape(values.shape[0], -1).all(axis=1))[0, 0])
        raise bad_input(where, f"x holds NaN or infinite values, first in sample {first}")
    if values.dtype.kind == "f" and values.dtype.itemsize > 4 and (top := np.abs(values).max(initial=0.0)) > SINGLE_MAX:
        what = f"x holds values up to {top:.3g}; networks compute in single precision, up to {SINGLE_MAX:.3g}"
        raise bad_input(where, what, hint="scale the inputs as they were in training")
    varies = values.ndim == len(shape) + 2 and values.shape[2:] == shape
    if 0 in values.shape:
        raise bad_input(where, f"x is empty (shape {values.shape})")
    labels = _labels(network, where, arrays["y"], values.shape[0]) if "y" in arrays else None
    return _Data(where, values, labels, varies)


def _wrong_shape(where: str, found: tuple[int, ...], shape: tuple[int, ...]) -> Exception:
    sizes = ", ".join(map(str, shape))
    what = f"x has shape {found}; the network takes (samples, {sizes}) or (samples, steps, {sizes})"
    hint = ""
    last = shape[1:] + shape[:1]
    if found == shape:
        hint = "a single sample needs an axis in front: x[None]"
    elif len(shape) > 1 and found[-len(shape) :] == last:
        hint = "the channels come last in x; move them: np.moveaxis(x, -1, " + str(len(found) - len(shape)) + ")"
    elif int(np.prod(found[1:])) == int(np.prod(shape)):
        hint = f"the number of values agrees; x.reshape(-1, {sizes}) may be what you want"
    return bad_input(where, what, hint=hint)


def _labels(network: Network, where: str, labels: np.ndarray, samples: int) -> np.ndarray:
    if labels.shape != (samples,):
        hint = "one-hot labels need an argmax" if labels.ndim == 2 and labels.shape[0] == samples else ""
        raise bad_input(
            where, f"y has shape {labels.shape}; one class number for each of {samples} samples is needed", hint=hint
        )
    with np.errstate(invalid="ignore"):  # NaN, which the comparison finds
        whole = labels.astype(np.int64)
    if not np.array_equal(whole, labels):
        raise bad_input(where, "y holds labels that are not whole numbers")
    if network.output is None:
        raise bad_input(where, "holds labels y, but the network has no output to compare with")
    classes = network.by_name[network.output].size
    if whole.min() < 0 or whole.max() >= classes:
        odd = int(whole.min()) if whole.min() < 0 else int(whole.max())
        raise bad_input(where, f"y holds label {odd}, but the network has outputs 0 to {classes - 1}")
    return whole
