"""Compiles trained spiking networks onto neuromorphic chips and simulates what they cost there.

The main job in Python::

    network = neurocomp.load_network("net.pt")
    program = neurocomp.compile(network, neurocomp.load_chip("loihi2"))
    run = neurocomp.execute(program.network, neurocomp.encode_sample(network.sample))
    result = neurocomp.report(program, neurocomp.simulate(program, run.trace), execution=run)

All of it, by what it is for::

    networks    load_network, freeze (a torch module), write_nir, Network
    chips       load_chip, load_array_chip (for training)
    inputs      encode, encode_sample
    inference   compile, load_program, execute, load_trace, simulate, report
    training    record_training, TrainingSetup, simulate_training, simulate_plasticity
    designs     sweep, pareto
    mistakes    NeurocompError: every finding with where, what, why and what next; its exit code

What they return is frozen, shows itself in a notebook and has ``to_json()`` and the like. Everything is imported on
first use, so that ``import neurocomp`` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurocomp.version import VERSION

if TYPE_CHECKING:
    from neurocomp.activity.encode import encode, encode_sample
    from neurocomp.activity.execute import execute
    from neurocomp.activity.trace_file import load_trace
    from neurocomp.chip.catalog import load_array_chip, load_chip
    from neurocomp.errors import NeurocompError
    from neurocomp.frontend.freeze import freeze
    from neurocomp.frontend.nir_write import write_nir
    from neurocomp.frontend.read import load_network
    from neurocomp.frontend.recording import record_training
    from neurocomp.mapping.compile import compile_network as compile
    from neurocomp.mapping.store import load_program
    from neurocomp.network.graph import Network
    from neurocomp.report.build import report
    from neurocomp.simulate.inference import simulate
    from neurocomp.simulate.plasticity import simulate_plasticity
    from neurocomp.simulate.training import simulate_training
    from neurocomp.simulate.training_setup import TrainingSetup
    from neurocomp.sweep.api import sweep
    from neurocomp.sweep.pareto import pareto

__version__ = VERSION

# public name -> (module, its name there)
_HOME = {
    "Network": ("neurocomp.network.graph", "Network"),
    "NeurocompError": ("neurocomp.errors", "NeurocompError"),
    "TrainingSetup": ("neurocomp.simulate.training_setup", "TrainingSetup"),
    "compile": ("neurocomp.mapping.compile", "compile_network"),
    "encode": ("neurocomp.activity.encode", "encode"),
    "encode_sample": ("neurocomp.activity.encode", "encode_sample"),
    "execute": ("neurocomp.activity.execute", "execute"),
    "freeze": ("neurocomp.frontend.freeze", "freeze"),
    "load_array_chip": ("neurocomp.chip.catalog", "load_array_chip"),
    "load_chip": ("neurocomp.chip.catalog", "load_chip"),
    "load_network": ("neurocomp.frontend.read", "load_network"),
    "load_program": ("neurocomp.mapping.store", "load_program"),
    "load_trace": ("neurocomp.activity.trace_file", "load_trace"),
    "pareto": ("neurocomp.sweep.pareto", "pareto"),
    "record_training": ("neurocomp.frontend.recording", "record_training"),
    "report": ("neurocomp.report.build", "report"),
    "simulate": ("neurocomp.simulate.inference", "simulate"),
    "simulate_plasticity": ("neurocomp.simulate.plasticity", "simulate_plasticity"),
    "simulate_training": ("neurocomp.simulate.training", "simulate_training"),
    "sweep": ("neurocomp.sweep.api", "sweep"),
    "write_nir": ("neurocomp.frontend.nir_write", "write_nir"),
}

_STAGES = ("report", "simulate", "sweep")  # packages, which can be called like their main functions

__all__ = [
    "Network", "NeurocompError", "TrainingSetup", "__version__", "compile", "encode", "encode_sample", "execute",
    "freeze", "load_array_chip", "load_chip", "load_network", "load_program", "load_trace", "pareto",
    "record_training", "report", "simulate", "simulate_plasticity", "simulate_training", "sweep", "write_nir",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = f"{__name__}.{name}"
    if name in _STAGES:  # a package of the same name: the package itself is made callable
        return import_module(package)
    module, attribute = _HOME[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Stage(ModuleType):
    """A package that can be called like its main function: ``neurocomp.simulate``, ``report`` and ``sweep``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._main(*args, **kwargs)

    @property
    def _main(self) -> Any:
        module, attribute = _HOME[self.__name__.rpartition(".")[2]]
        return getattr(import_module(module), attribute)

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(self._main)


class _Package(ModuleType):
    """The import system stores every subpackage here; the stages among them become callable on the way."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _STAGES and isinstance(value, ModuleType):
            value.__class__ = _Stage
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
