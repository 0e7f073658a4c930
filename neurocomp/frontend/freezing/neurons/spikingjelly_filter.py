"""SpikingJelly's ``layer.SynapseFilter``: a current that decays where no spike arrives.

    i = i - (1 - x) * i / tau + x = (1 - 1 / tau) * i + x + x * i / tau

A membrane that is read out and never resets, driven by the input and by a product of the input and the membrane of the
step before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import Reading, number, own_behaviour, refused
from neurocomp.network.neuron import Neuron

FILTER = "SynapseFilter"


def filter_reading(module: Any, path: str) -> Reading:
    """Raises InputError where one call runs several steps."""
    if getattr(module, "step_mode", "s") != "s":
        why = "with step_mode='m' its steps are hidden in one call"
        raise refused(path, FILTER, why, "call functional.set_step_mode(net, 's') and loop over the steps")
    known = next(cls for cls in type(module).__mro__ if cls.__name__ == FILTER)
    own = own_behaviour(module, known)
    if own:
        why = f"the class changes {FILTER}: {', '.join(own[:4])}"
        raise refused(path, type(module).__name__, why, "use the framework's own class")
    rate = float(number(module.w.sigmoid())) if module.learnable else 1.0 / float(module.tau)
    last = _Last()

    def unpack(args: tuple[Any, ...], _kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        x = args[0]
        return (x if last.value is None else x + x * last.value * rate), []

    return Reading(
        path=path,
        kind=FILTER,
        module=module,
        neuron=Neuron(v_decay=1.0 - rate, threshold=np.inf, reset="none", output="membrane"),
        time_axis=None,
        outputs=("membrane",),
        states=(),
        unpack=unpack,
        pack=lambda outputs: last.keep(outputs[0]),
        reset=last.clear,
        results=lambda _, returned: [last.keep(returned)],
    )


class _Last:
    """What the filter returned at the step before; None before the first."""

    def __init__(self) -> None:
        self.value: Any = None

    def keep(self, value: Any) -> Any:
        self.value = value
        return value

    def clear(self) -> None:
        self.value = None
