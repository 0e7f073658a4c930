"""States that a user's own modules keep between calls, as attributes or in buffers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from neurocomp.frontend.freezing.neurons.readings import Reading


@contextmanager
def as_it_was(module: Any, readings: list[Reading]) -> Iterator[None]:
    """Put attributes and buffers back that the user's own code changes: states that it keeps between calls."""
    import torch

    known = {id(reading.module) for reading in readings}
    own = [m for m in module.modules() if id(m) not in known and not hasattr(m, "_memories")]
    own = [m for m in own if not isinstance(m, torch.jit.ScriptModule)]
    fixed = ("_parameters", "_modules", "_buffers")
    kept = [(m, {k: v for k, v in vars(m).items() if k not in fixed}, dict(m._buffers)) for m in own]
    copies = [(b, b.clone()) for _, _, buffers in kept for b in buffers.values() if isinstance(b, torch.Tensor)]
    try:
        yield
    finally:
        for m, attributes, buffers in kept:
            for name in [name for name in vars(m) if name not in fixed and name not in attributes]:
                del vars(m)[name]
            vars(m).update(attributes)
            m._buffers.clear()
            m._buffers.update(buffers)
        with torch.no_grad():
            for buffer, copy in copies:
                if not torch.compiler.is_exporting() and not torch.equal(buffer, copy):
                    buffer.copy_(copy)


@contextmanager
def without_traces(module: Any, readings: list[Reading]) -> Iterator[None]:
    """For the time of the block, a call of the module leaves its attributes as they were: torch.export forbids states
    that are kept as plain attributes."""
    forward = module.forward
    own = vars(module).get("forward")

    @functools.wraps(forward)
    def called(*args: Any, **kwargs: Any) -> Any:
        with as_it_was(module, readings):
            return forward(*args, **kwargs)

    vars(module)["forward"] = called
    try:
        yield
    finally:
        vars(module).pop("forward", None)
        if own is not None:
            vars(module)["forward"] = own
