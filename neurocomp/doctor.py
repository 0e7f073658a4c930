"""``neurocomp doctor``: does this installation work? One line per check; nothing is repaired or written."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from importlib import import_module, metadata
from typing import TextIO

from neurocomp.errors import EXIT_CHECK_FAILED, EXIT_OK, NeurocompError

REQUIRED = ("numpy", "h5py", "pydantic", "PyYAML", "typer", "rich")
OPTIONAL = {
    "torch": "freezes live modules",
    "spikingjelly": "its networks can be frozen",
    "snntorch": "its networks can be frozen",
    "nir": "writes .nir files; they are read without it",
}

Check = Callable[[], str]


class Broken(Exception):
    """A check failed; the text says what and what to do."""


def examine(stream: TextIO) -> int:
    """Run every check, print a line for each, and return the exit code."""
    failed = 0
    for title, check in checks():
        try:
            mark, text = "ok", check()
        except Exception as error:  # a broken installation can fail in any way; that is what is being looked for
            mark, text, failed = "FAIL", _reason(error), failed + 1
        stream.write(f"{mark:<4}  {title:<14}  {text}\n")
        stream.flush()
    stream.write(f"{failed} of {len(checks())} checks failed\n" if failed else "all is well\n")
    return EXIT_CHECK_FAILED if failed else EXIT_OK


def checks() -> tuple[tuple[str, Check], ...]:
    """Title and function of every check, in order."""
    return (
        ("neurocomp", _version),
        ("python", _python),
        ("packages", _packages),
        ("compiled core", _core),
        ("engine", _engine),
        ("chip profiles", _profiles),
        ("simulation", _simulation),
        ("folder", _folder),
        ("optional", _optional),
    )


def _version() -> str:
    from neurocomp import __file__ as place
    from neurocomp.version import VERSION

    return f"{VERSION} in {os.path.dirname(place)}"


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> str:
    found, missing = [], []
    for name in REQUIRED:
        version = _installed(name)
        (missing if version is None else found).append(name if version is None else f"{name} {version}")
    if missing:
        raise Broken(f"not installed: {', '.join(missing)}; install them: pip install {' '.join(missing)}")
    return ", ".join(found)


def _core() -> str:
    core = [import_module(f"neurocomp._core.{part}") for part in ("engine", "timing")]
    return ", ".join(os.path.basename(module.__file__ or "built in") for module in core)


def _engine() -> str:
    """The compiled engine against its twin in NumPy, spike by spike."""
    import numpy as np

    from neurocomp.activity.execute import execute
    from neurocomp.activity.reference import execute_reference
    from neurocomp.commands.small_network import small_inputs, small_network

    network, inputs = small_network(), small_inputs()
    compiled, twin = execute(network, inputs, threads=2), execute_reference(network, inputs)
    outputs = [np.asarray(run.output) for run in (compiled, twin)]
    if compiled.trace.digest != twin.trace.digest or not np.array_equal(outputs[0], outputs[1]):
        raise Broken("the compiled engine and its NumPy twin differ; build it again: pip install --force-reinstall .")
    spikes = sum(population.spike_count for population in compiled.trace.populations.values())
    return f"{spikes:,} spikes equal to those of the NumPy twin"


def _profiles() -> str:
    from neurocomp.chip.catalog import load_chip, profile_names

    return ", ".join(load_chip(name).name for name in profile_names())


def _simulation() -> str:
    """The main job on a network of a few neurons."""
    import neurocomp
    from neurocomp.commands.small_network import small_inputs, small_network

    network, inputs = small_network(), small_inputs()
    program = neurocomp.compile(network, neurocomp.load_chip("generic"), calibration=inputs)
    execution = neurocomp.execute(program.network, inputs)
    result = neurocomp.report(program, neurocomp.simulate(program, execution.trace), execution=execution)
    if sum(result.energy.by_unit.values()) != result.energy.total_aj or result.traffic.synaptic_events == 0:
        raise Broken("the parts of a small simulation do not add up; please report it")
    return f"{result.traffic.synaptic_events:,} synaptic events on {result.fit.cores_used} cores of {result.chip.name}"


def _folder() -> str:
    if not os.access(".", os.W_OK):
        raise Broken("the current folder cannot be written; change it, or give compile another one: -o DIR")
    return "the current folder can be written"


def _optional() -> str:
    found = {name: _installed(name) for name in OPTIONAL}
    return "; ".join(f"{name} {version or f'not installed ({OPTIONAL[name]})'}" for name, version in found.items())


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, Broken | NeurocompError):
        return str(error).replace("\n  next: ", "; ").replace("\n", " ")
    return f"{type(error).__name__}: {error}"
