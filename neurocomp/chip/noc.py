"""The network on chip of a profile: its shape, its hops, its routers, and the links between chips."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from neurocomp.chip.part import Coordinate, Cost, EnergyPj, Part, Side, TimeNs, in_thousandths

CELLS_MAX = 64  # input VCs of a router in the model (csrc/noc.h)
LINK_CYCLES_MAX = 1000  # csrc/noc.h: NC_NOC_DELAY_MAX
CONTROL_CYCLES = 2  # of a hop, beside the router's pipeline and the link: the switch and its traversal

# numbers that span what neuromorphic chips use; each also stands for a router of BookSim2
PRESETS: dict[str, dict[str, int | bool]] = {
    # smallest: one short queue per input, look-ahead routing, speculative switch allocation
    "lean": {"vcs": 1, "buffer_flits": 4, "routing_delay": 0, "speculative": True},
    # what SANA-FE passes to BookSim for Loihi
    "sana": {"vcs": 1, "buffer_flits": 8, "routing_delay": 0, "credit_delay": 0},
    # the textbook's four stages: routing, VC allocation, switch allocation, switch traversal
    "std": {"vcs": 4, "buffer_flits": 8},
    # look-ahead and speculation, many VCs, two switch inputs per router input
    "fast": {"vcs": 8, "buffer_flits": 8, "routing_delay": 0, "speculative": True, "input_speedup": 2},
}
Delay = Annotated[int, Field(ge=0, le=64)]


class RouterSpec(Part):
    """A packet router, see neurocomp.fabric.router for the meaning of the numbers.

    In a profile the name of a preset, or the numbers; with the key ``preset`` the numbers change that preset's.
    """

    preset: str | None = None
    vcs: Annotated[int, Field(ge=1, le=32)]
    buffer_flits: Annotated[int, Field(ge=1, le=1024)]
    routing_delay: Delay = 1
    credit_delay: Delay = 1
    speculative: bool = False
    input_speedup: Annotated[int, Field(ge=1, le=32)] = 1

    @model_validator(mode="before")
    @classmethod
    def _spelt_out(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"preset": given}
        if not isinstance(given, dict) or given.get("preset") is None:
            return given
        name = given["preset"]
        if not isinstance(name, str) or name not in PRESETS:
            raise PydanticCustomError("unknown_preset", "is no preset", {"known": tuple(PRESETS), "name": name})
        return {**PRESETS[name], **given}

    @property
    def pipeline(self) -> int:
        """Cycles from a flit's arrival in an empty input buffer to its passing the switch."""
        return self.routing_delay + (0 if self.speculative else 1)

    def input_vcs(self, cores_per_router: int, links: int = 4) -> int:
        """Input VCs of a router, those of its cores' and the chip's entrance included."""
        return (links + cores_per_router + 1) * (-(-self.vcs // self.input_speedup) * self.input_speedup)


class ChipLink(Part):
    """A link from one chip to the next in a mesh of several chips.

    latency_ns, energy_pj: a hop over it, instead of hop_*; flit_ns: time for which one flit occupies it.
    """

    latency_ns: TimeNs
    flit_ns: TimeNs
    energy_pj: EnergyPj | None

    @property
    def cost(self) -> Cost:
        return Cost(energy_pj=self.energy_pj, latency_ns=self.latency_ns)

    @property
    def flit_ps(self) -> int:
        return in_thousandths(self.flit_ns)


class Noc(Part):
    """The network on chip: width x height routers; router id = y * width + x, core id = router id *
    cores_per_router + k. Routes go along x first.

    topology: ``ring`` is a torus of one row, ``crossbar`` one router, ``tree`` a quad tree whose leaves are the width
    x height routers, on which hop_east_west is a link up and hop_north_south a link down.
    multicast: ``unicast`` sends one packet to each destination core, ``tree`` sends one that branches.
    hop_*: one packet over one link (all its flits) where nothing is in its way; link_flit_ns: time for which one flit
    occupies a link (None: unknown, taken as 0). input_port: [x, y] of the router where inputs enter.

    router: how packets wait for each other, flit by flit; None: unknown, so only a lower bound of the waiting is known.
    clock_ns: the routers' cycle, in which a link takes one flit; None: they have no clock, and the nominal cycle is
    link_flit_ns. link_latency_cycles: of a link alone; None: what hop_*.latency_ns leaves of a hop after the
    router. chip_link: None where chips cannot be joined, or nothing is known about it.
    """

    topology: Literal["mesh", "torus", "ring", "tree", "crossbar"]
    width: Side
    height: Side
    cores_per_router: Annotated[int, Field(ge=1, le=256)]
    multicast: Literal["unicast", "tree"]
    flits_per_spike: Annotated[int, Field(ge=1, le=64)]
    link_flit_ns: TimeNs | None = None
    hop_east_west: Cost
    hop_north_south: Cost
    input_port: Annotated[tuple[Coordinate, Coordinate], Field(strict=False)]
    router: RouterSpec | None = None
    clock_ns: TimeNs | None = None
    link_latency_cycles: Annotated[int, Field(ge=1, le=1000)] | None = None
    chip_link: ChipLink | None = None

    @property
    def routers(self) -> int:
        return self.width * self.height

    @property
    def wraps(self) -> bool:
        """Whether links lead round from one border to the other."""
        return self.topology in ("torus", "ring")

    @property
    def link_flit_ps(self) -> int:
        return in_thousandths(self.link_flit_ns or 0.0)

    @property
    def cycle_ps(self) -> int:
        """The routers' cycle, nominal where they have no clock; 0: not known."""
        return in_thousandths(self.clock_ns) if self.clock_ns else self.link_flit_ps

    def link_cycles(self) -> tuple[int, int]:
        """Cycles that a flit spends on a link along x and along y. Needs a router and a cycle."""
        if self.link_latency_cycles is not None:
            return self.link_latency_cycles, self.link_latency_cycles
        return self._wire_cycles(self.hop_east_west), self._wire_cycles(self.hop_north_south)

    def _wire_cycles(self, hop: Cost) -> int:
        pipeline = self.router.pipeline if self.router is not None else 0
        return max(1, self.cycles_of(hop.latency_ps) - CONTROL_CYCLES - pipeline)

    def cycles_of(self, time_ps: int) -> int:
        """The nearest number of cycles, at least one."""
        return max(1, (2 * time_ps + self.cycle_ps) // (2 * self.cycle_ps))

    def boundary_cycles(self) -> tuple[int, int]:
        """(latency, interval between flits) of a link from chip to chip, in cycles."""
        if self.chip_link is None or self.router is None:
            return 1, 1
        interval = -(-self.chip_link.flit_ps // self.cycle_ps)
        return self._wire_cycles(self.chip_link.cost), max(1, interval)
