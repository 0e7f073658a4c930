"""The power that a chip takes without doing anything."""

from __future__ import annotations

from neurocomp.chip.part import Part, PowerMw, in_thousandths


class Power(Part):
    """Power that flows whether or not anything happens. static_mw: the whole chip; per_core_mw: added for
    each core in use; host_mw: a processor on the chip that is needed to run it. None: unknown, or
    contained in static_mw."""

    static_mw: PowerMw
    per_core_mw: PowerMw | None = None
    host_mw: PowerMw | None = None

    @property
    def static_uw(self) -> int:
        return in_thousandths(self.static_mw)

    @property
    def per_core_uw(self) -> int:
        return in_thousandths(self.per_core_mw or 0.0)

    @property
    def host_uw(self) -> int:
        return in_thousandths(self.host_mw or 0.0)
