"""How good a mapping is: its figures beside what no mapping can undercut, and how it was found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from neurocomp.mapping.choices import EFFORTS, OBJECTIVES
from neurocomp.mapping.hypergraph import TRAFFIC_PER_SPIKE


@dataclass(frozen=True)
class Trial:
    """One candidate: what it costs; None where it did not come to a mapping that fits, or was not routed."""

    name: str
    hops: float | None = None
    hottest_link: float | None = None
    step_ns: float | None = None
    energy_pj: float | None = None
    cores: int | None = None


@dataclass(frozen=True)
class Quality:
    """Means per time step of the network under one activity; packets, hops and links in spikes, not flits.

    packets_sent: packets that leave for other cores than the sender's, inputs' included; of a multicast tree one. None
    in programs saved before it was counted. packets: copies of them delivered to other cores. hops: links crossed (of a
    tree each once); hottest_link: packets on the busiest link; between_chips: packets on links from one chip to
    another. cores_bound, packets_bound, hops_bound: no mapping of this network onto this chip takes less (bounds.py,
    traffic_bound.py). step_ns: no run with this activity takes less time per time step (its chip steps, those
    included that fill and empty the pipeline, over samples x steps), the longer one of core_ns, the busiest core's
    work, and link_ns, the busiest link's flits, and the barrier. energy_pj: what depends on the mapping.
    objective, effort, seed, time_budget_s: as asked for. candidate: which one won, of ``trials``. activity: where
    the spikes come from that traffic is weighed with.
    """

    candidate: str
    objective: str
    effort: str
    seed: int
    time_budget_s: float | None
    activity: str
    cores: int
    cores_bound: int
    packets: float
    packets_bound: float
    hops: float
    hops_bound: float
    hottest_link: float
    between_chips: float
    core_ns: float
    busiest_core: int
    link_ns: float
    step_ns: float
    energy_pj: float
    trials: tuple[Trial, ...] = ()
    packets_sent: float | None = None

    @property
    def mean_hops(self) -> float:
        """Links crossed per copy delivered to another core, those of a tree shared out among its copies."""
        return self.hops / self.packets if self.packets else 0.0

    @property
    def links_per_packet(self) -> float | None:
        """Links crossed per packet to other cores, all of its tree; None where packets were not counted."""
        if self.packets_sent is None:
            return None
        return self.hops / self.packets_sent if self.packets_sent else 0.0

    @property
    def hops_ratio(self) -> float | None:
        """Hops over their bound; None where the bound is zero."""
        return self.hops / self.hops_bound if self.hops_bound else None

    @property
    def step_bound_by(self) -> str:
        """What the step waits for: ``core``, ``link``, or ``barrier or tick``."""
        busy = max(self.core_ns, self.link_ns)
        if busy < self.step_ns / 2:
            return "barrier or tick"
        return "core" if self.core_ns >= self.link_ns else "link"

    def to_tree(self) -> dict[str, Any]:
        """Plain values for JSON; :func:`quality_from_tree` reads them back."""
        return asdict(self)


def quality_from_tree(tree: dict[str, Any]) -> Quality:
    """The reverse of ``to_tree``. Raises KeyError, TypeError or ValueError for a tree of another form."""
    values = _values(Quality, {"packets_sent": None, **tree, "trials": ()})
    if values["objective"] not in OBJECTIVES or values["effort"] not in EFFORTS:
        raise ValueError(f"there is no objective {values['objective']!r} or effort {values['effort']!r}")
    values["trials"] = tuple(Trial(**_values(Trial, trial)) for trial in tree["trials"])
    return Quality(**values)


def _values(kind: type, tree: dict[str, Any]) -> dict[str, Any]:
    """Every field of a dataclass, as the type that it is declared with."""
    casts = {"float": float, "int": int, "str": str}
    found = {}
    for field in fields(kind):
        cast = casts.get(str(field.type).removesuffix(" | None"), tuple)
        value = tree[field.name]
        found[field.name] = None if value is None and str(field.type).endswith("None") else cast(value)
    return found


def spikes(traffic: int) -> float:
    """Traffic in spikes per step."""
    return traffic / TRAFFIC_PER_SPIKE
