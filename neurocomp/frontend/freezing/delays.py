"""SpikingJelly's ``layer.Delay``, which is the only reason why its input is used some steps later.

Its queue begins empty, so that in the graph its first results are constants that depend on nothing. For the time of
the export its ``forward`` is one operator instead, which is lowered to the delay of a projection.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from neurocomp.errors import bad_input
from neurocomp.frontend.freezing.neurons.readings import own_behaviour
from neurocomp.frontend.freezing.operations.ops import Context, handles, per_step
from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.rolling import delayed
from neurocomp.frontend.freezing.streams.shifts import refuse_constants
from neurocomp.frontend.freezing.streams.signals import Signal

DELAY_OP = "neurocomp.delay"


@contextmanager
def opaque_delays(module: Any) -> Iterator[None]:
    """Replace the forward of every delay layer by the operator, for the time of the block."""
    import torch

    layers = [child for child in module.modules() if _is_delay(child)]
    if layers:
        _define_operator()
    try:
        for layer in layers:

            def forward(x: Any, layer: Any = layer) -> Any:
                return torch.ops.neurocomp.delay(x, layer.delay_steps, layer.step_mode == "m")

            layer.__dict__["forward"] = forward
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _is_delay(module: Any) -> bool:
    for cls in type(module).__mro__:
        if cls.__name__ == "Delay" and cls.__module__.startswith("spikingjelly."):
            return not own_behaviour(module, cls)
    return False


@functools.cache
def _define_operator() -> None:
    import torch

    name = DELAY_OP.replace(".", "::")
    torch.library.define(name, "(Tensor x, int steps, bool multi_step) -> Tensor")
    torch.library.register_fake(name, lambda x, steps, multi_step: torch.empty_like(x))


def need_whole(nodes: Iterable[Any], path_of: Callable[[Any], str]) -> None:
    """Raises InputError for delay layers called once per step, whose calls do not say which layer they are of."""
    for node in nodes:
        if str(node.target).startswith(DELAY_OP) and not node.args[2]:
            why = "which of the single-step calls belong together is not known there"
            where = path_of(node) or "Delay"
            raise bad_input(where, "a delay lies beside neurons written out in plain torch", why, 'use step_mode="m"')


def shifted(x: Any, steps: int, _multi_step: bool) -> Any:
    """What a delay layer gives for all steps (axis 0), from nothing before."""
    import torch

    return torch.cat([torch.zeros_like(x[:steps]), x])[: x.shape[0]]


@handles(DELAY_OP)
def delay(c: Context, x: Any, steps: int, multi_step: bool) -> Signal:
    x = per_step(x, "a delay")
    if not steps:
        return x
    if multi_step and c.arrange.steps > 1 and x.layout.axis_of("T") != 0:
        raise Unsupported("it steps along axis 0 of its input, which is not the time axis")
    if not multi_step and x.time == "all" and c.arrange.steps > 1:
        raise Unsupported('it takes one step per call but is given all steps at once; use step_mode="m"')
    refuse_constants(x.stream)
    return Signal(delayed(c.arrange.streams, x.stream, steps), x.time, x.layout)
