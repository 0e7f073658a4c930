"""Reads a network from a file of any supported format."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.contents import stateless, weights_alone
from neurocomp.frontend.nir_neurons import Discretise, Reset
from neurocomp.frontend.sniff import Format, sniff
from neurocomp.network.graph import Network

if TYPE_CHECKING:
    from neurocomp.frontend.example import Example

_TITLES: dict[Format, str] = {
    "nir": "a NIR file",
    "lava": "a lava-dl file",
    "torch": "a frozen network",
    "safetensors": "a file of weights",
    "onnx": "an ONNX file",
}
_TIMED = "says itself how its neurons behave in time"


def load_network(
    path: str | Path,
    *,
    dt_s: float | None = None,
    reset: Reset | None = None,
    discretise: Discretise | None = None,
    steps: int | None = None,
    source: str | None = None,
    key: str | None = None,
    example: Example | np.ndarray | None = None,
) -> Network:
    """The network in a file; the format is found out from its content.

    dt_s, reset, discretise: for NIR files, which leave them open, see :func:`neurocomp.frontend.nir.read_nir`.
    steps: time steps per sample, in place of those stored with the network's own sample inputs.
    source: ``net.py:build``, the code of weights (.pt, .safetensors) or of a pickled module; it is imported and run.
    key: which of several state_dicts in the file, as in ``ema`` or ``0``; only with source.
    example: what the module is frozen with, (samples, *shape) or (samples, steps, *shape); needed for those.
    An option that the file gives no use for is an error. Raises InputError.
    """
    if not isinstance(path, str | Path):
        raise bad_input("path", f"is a {type(path).__name__}; the name of a file is needed")
    path = Path(path)
    _check(dt_s, reset, discretise, steps)
    if source is not None or example is not None:
        return _live(path, source, key, example, steps, {"dt": dt_s, "reset": reset, "discretise": discretise})
    found = sniff(path)
    if found != "nir":
        _refuse(path, found, {"dt": dt_s, "reset": reset, "discretise": discretise})
    if found == "nir":
        from neurocomp.frontend.nir import read_nir

        network = read_nir(path, dt_s=dt_s, reset=reset, discretise=discretise)
    elif found == "lava":
        from neurocomp.frontend.lava import read_lava

        network = read_lava(path)
    elif found == "safetensors":
        raise weights_alone(path)
    elif found == "onnx":
        raise stateless(path)
    else:
        from neurocomp.frontend.torchfile import read_torch

        network = read_torch(path)
    return network if steps is None else _with_steps(network, path, steps)


def _live(
    path: Path,
    source: str | None,
    key: str | None,
    example: Example | np.ndarray | None,
    steps: int | None,
    nir: dict[str, object],
) -> Network:
    from neurocomp.frontend.example import Example
    from neurocomp.frontend.live import freeze_file

    if nir and any(value is not None for value in nir.values()):
        _refuse(path, "torch", nir)
    if example is None:
        raise bad_input(
            str(path),
            "needs an example of what the network takes, to be frozen with",
            hint="give data, --input x.npz, or only their shape, --input-shape 1,28,28",
        )
    if not isinstance(example, Example):
        example = Example(np.asarray(example), steps=steps)
    return freeze_file(path, source, example, key)


def _check(dt_s: float | None, reset: str | None, discretise: str | None, steps: int | None) -> None:
    found = []
    if dt_s is not None and not (math.isfinite(dt_s) and dt_s > 0):
        found.append(Diagnostic("--dt", f"is {dt_s:g} s; it must be positive"))
    asked = (("--reset", reset, get_args(Reset)), ("--discretise", discretise, get_args(Discretise)))
    for option, value, choices in asked:
        if value is not None and value not in choices:
            found.append(Diagnostic(option, f"is {value!r}", hint=f"possible are {', '.join(choices)}"))
    if steps is not None and steps < 1:
        found.append(Diagnostic("--steps", f"is {steps}; at least 1 is needed"))
    if found:
        raise InputError(found)


def _refuse(path: Path, found: Format, options: dict[str, object]) -> None:
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise bad_input(
            str(path),
            f"{' and '.join(given)} only {'go' if len(given) > 1 else 'goes'} with NIR files",
            why=f"this is {_TITLES[found]}, which {_TIMED}",
            hint=f"leave {' and '.join(given)} away",
        )


def _with_steps(network: Network, path: Path, steps: int) -> Network:
    sample = network.sample
    if sample is None:
        raise bad_input(
            str(path),
            "--steps has no effect: no sample inputs are stored with the network",
            hint="the steps then come with the input data",
        )
    if sample.encoding == "temporal":
        raise bad_input(
            str(path),
            "--steps cannot change the stored sample inputs: they vary over time",
            why=f"they have {sample.steps} steps",
            hint="leave --steps away",
        )
    return replace(network, sample=replace(sample, steps=steps))
