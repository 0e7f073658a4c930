"""Parameters of a packet router, and four presets that span what neuromorphic chips use.

The model is an input-queued virtual-channel router: Dally and Towles, Principles and Practices of
Interconnection Networks (2004), chapters 16 to 19, with the timing of BookSim2's IQ router (Jiang et al.,
ISPASS 2013, doi 10.1109/ISPASS.2013.6557149): separable iSLIP allocation with one iteration.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurocomp.chip.noc import PRESETS
from neurocomp.errors import Diagnostic, InputError

VCS_MAX = 32
BUFFER_MAX = 1024
DELAY_MAX = 64


@dataclass(frozen=True)
class Router:
    """One router's pipeline; all delays in cycles of the network's clock.

    vcs: virtual channels per input; buffer_flits: depth of each. routing_delay: 0 if the route is computed one
    hop ahead. credit_delay: from a credit's arrival to its use. speculative: switch allocation may be tried in
    the cycle of VC allocation. input_speedup: switch inputs per router input.

    A hop takes routing_delay + (0 if speculative else 1) + 2 + link latency cycles without contention.
    """

    vcs: int
    buffer_flits: int
    routing_delay: int = 1
    credit_delay: int = 1
    speculative: bool = False
    input_speedup: int = 1

    def __post_init__(self) -> None:
        limits = {
            "vcs": (1, VCS_MAX),
            "buffer_flits": (1, BUFFER_MAX),
            "routing_delay": (0, DELAY_MAX),
            "credit_delay": (0, DELAY_MAX),
            "input_speedup": (1, self.vcs if 1 <= self.vcs <= VCS_MAX else VCS_MAX),  # a wrong number is said once
        }
        wrong = [
            Diagnostic(f"router.{name}", f"is {getattr(self, name)}, and must be between {low} and {high}")
            for name, (low, high) in limits.items()
            if not low <= getattr(self, name) <= high
        ]
        if wrong:
            raise InputError(wrong)

    @property
    def pipeline(self) -> int:
        """Cycles from a flit's arrival in an empty input buffer to its passing the switch."""
        return self.routing_delay + (0 if self.speculative else 1)


ROUTERS: dict[str, Router] = {
    name: Router(**numbers)  # type: ignore[arg-type]
    for name, numbers in PRESETS.items()
}


def find_router(name: str) -> Router:
    """A preset by name. Raises InputError if there is none of that name."""
    if name not in ROUTERS:
        raise InputError(Diagnostic("router", f"no preset is called {name!r}", hint=f"one of {', '.join(ROUTERS)}"))
    return ROUTERS[name]
