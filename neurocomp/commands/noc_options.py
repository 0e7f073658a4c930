"""From what a user asked of ``neurocomp noc`` to a network and its traffic; all mistakes are found at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, cast

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.messages import did_you_mean
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.fabric.chip_network import noc_of
from neurocomp.fabric.chip_network import topology_of as topology_of_chip
from neurocomp.fabric.noc import Fidelity, Noc
from neurocomp.fabric.noc_traffic import HOTSPOT, PATTERNS, Stream
from neurocomp.fabric.router import ROUTERS, Router, find_router
from neurocomp.fabric.topology import Mesh, Topology
from neurocomp.fabric.tree import Tree

SIDE_MAX = 1024
POINTS_MAX = 1000
DEFAULT_ROUTER = "std"
TOPOLOGIES = ("mesh", "torus", "ring", "tree", "crossbar")
Value = TypeVar("Value")


@dataclass(frozen=True)
class NetworkChoices:
    """The network as it was named on the command line; None where an option was not given."""

    chip: str | None = None
    size: str | None = None
    topology: str | None = None
    cores_per_router: int | None = None
    router: str | None = None
    link_latency: str | None = None
    ties: str | None = None


@dataclass(frozen=True)
class TrafficChoices:
    """Synthetic traffic as it was asked for. cycles: (to settle, measured)."""

    pattern: str = "uniform"
    rate: str | None = None
    flits: int = 1
    seed: int = 0
    fidelity: str = "cycle"
    cycles: str = "6000,6000"


@dataclass(frozen=True)
class Sweep:
    """Loads to try, in flits per core and cycle. is_range: ends behind the first one that saturates the network."""

    loads: tuple[float, ...]
    is_range: bool
    streams: tuple[Stream, ...]
    flits: int
    seed: int
    fidelity: Fidelity
    warmup: int
    measure: int


class Findings:
    """Collects what is wrong, so that it is said in one go."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def attempt(self, make: Callable[[], Value], instead: Value) -> Value:
        try:
            return make()
        except InputError as error:
            self.found.extend(error.diagnostics)
            return instead

    def add(self, where: str, what: str, hint: str = "") -> None:
        self.found.append(Diagnostic(where, what, hint=hint))

    def stop(self) -> None:
        if self.found:
            raise InputError(self.found)


def network_of(choices: NetworkChoices) -> tuple[Noc, ChipSpec | None]:
    """The network, and the chip that it is taken from if it is. Raises InputError with all that is wrong."""
    findings = Findings()
    named = choices.chip, choices.size
    if named == (None, None):
        findings.add("--chip", "is needed, or --mesh", "for example --chip loihi2, or --mesh 8x8 --router std")
    elif None not in named:
        findings.add("--chip", "and --mesh cannot both be given")
    findings.stop()
    router = None if choices.router is None else findings.attempt(lambda: parse_router(choices.router or ""), None)
    latency = None if choices.link_latency is None else findings.attempt(lambda: _latency(choices.link_latency), None)
    ties = choices.ties or "forward"
    if ties not in ("forward", "random"):
        findings.add("--ties", f"is {ties!r}; forward or random", did_you_mean(ties, ("forward", "random")))
    build = _chip_network if choices.chip is not None else _mesh_network
    found = findings.attempt(lambda: build(choices, router), None)
    findings.stop()
    if found is None:
        raise InputError(findings.found)
    noc, chip = found
    return replace(noc, link_latency=noc.link_latency if latency is None else latency, ties=cast("Any", ties)), chip


def _chip_network(choices: NetworkChoices, router: Router | None) -> tuple[Noc, ChipSpec | None]:
    for option, value in (("--topology", choices.topology), ("--cores-per-router", choices.cores_per_router)):
        if value is not None:
            raise bad_input(option, "is for --mesh; a chip's profile says it itself")
    chip = load_chip(choices.chip or "")
    if chip.noc.router is None:
        if router is None:
            what = f"{chip.name}: the profile says nothing about its routers"
            raise bad_input("--chip", what, hint=f"choose them here: --router {', '.join(ROUTERS)}, or their numbers")
        return Noc(topology_of_chip(chip), router), chip
    noc = noc_of(chip)
    return replace(noc, router=router or noc.router), chip


def _mesh_network(choices: NetworkChoices, router: Router | None) -> tuple[Noc, ChipSpec | None]:
    width, height = _size(choices.size or "")
    topology, per_router = choices.topology or "mesh", choices.cores_per_router or 1
    if topology not in TOPOLOGIES:
        raise bad_input("--topology", f"is {topology!r}", hint=did_you_mean(topology, TOPOLOGIES))
    if not 1 <= per_router <= SIDE_MAX:
        raise bad_input("--cores-per-router", f"is {per_router}; from 1 on")
    return Noc(topology_of(topology, width, height, per_router), router or find_router(DEFAULT_ROUTER)), None


def topology_of(name: str, width: int, height: int, per_router: int) -> Topology:
    """A topology by its name. Raises InputError for sizes that it cannot have."""
    if name == "ring" and height != 1:
        raise bad_input("--mesh", f"is {width}x{height}; a ring has one row", hint=f"--mesh {width * height}x1")
    if name == "crossbar" and width * height != 1:
        hint = f"--mesh 1x1 --cores-per-router {width * height * per_router}"
        raise bad_input("--mesh", f"is {width}x{height}; a crossbar is one router with all cores", hint=hint)
    if name == "tree":
        return Tree(width, height, per_router)
    return Mesh(width, height, per_router, name in ("torus", "ring"))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text.strip().lower())
    if match is None or not all(1 <= int(side) <= SIDE_MAX for side in match.groups()):
        raise bad_input("--mesh", f"is {text!r}", hint=f"columns x rows of routers, 1 to {SIDE_MAX} each: --mesh 8x8")
    return int(match[1]), int(match[2])


def parse_router(text: str) -> Router:
    """A preset (``std``), its values changed (``std,vcs=2``), or all spelt out (``vcs=2,buffer_flits=4``)."""
    parts = [part.strip() for part in text.split(",")]
    changes: dict[str, int] = {}
    names = [field.name for field in fields(Router)]
    for part in parts if "=" in parts[0] else parts[1:]:
        name, _, value = part.partition("=")
        if name not in names:
            raise bad_input("--router", f"{name!r} is no parameter of a router", hint=did_you_mean(name, names))
        if not re.fullmatch("[0-9]{1,4}", value):
            raise bad_input("--router", f"{name} is {value!r}; a whole number is needed")
        changes[name] = int(value)
    if "=" not in parts[0]:
        return replace(find_router(parts[0]), **_typed(changes))
    missing = [name for name in ("vcs", "buffer_flits") if name not in changes]
    if missing:
        raise bad_input("--router", f"has no {' and no '.join(missing)}", hint="or change a preset: std,vcs=2")
    return Router(**_typed(changes))


def _typed(changes: dict[str, int]) -> dict[str, Any]:
    return {name: bool(value) if name == "speculative" else value for name, value in changes.items()}


def _latency(text: str | None) -> int | tuple[int, int]:
    if text is None:
        return 1
    if not re.fullmatch("[0-9]{1,4}(,[0-9]{1,4})?", text):
        raise bad_input("--link-latency", f"is {text!r}", hint="cycles, or cycles along x and along y: 2 or 2,3")
    first, _, second = text.partition(",")
    return (int(first), int(second)) if second else int(first)


def sweep_of(choices: TrafficChoices, cores: int) -> Sweep:
    """Raises InputError with all that is wrong."""
    findings = Findings()
    streams = findings.attempt(lambda: parse_pattern(choices.pattern, cores), (Stream("uniform"),))
    loads, is_range = findings.attempt(lambda: parse_rate(choices.rate, choices.flits), ((0.1,), False))
    warmup, measure = findings.attempt(lambda: _cycles(choices.cycles), (0, 1))
    check_common(findings, choices.flits, choices.seed, choices.fidelity)
    findings.stop()
    fidelity = cast("Fidelity", choices.fidelity)
    return Sweep(loads, is_range, streams, choices.flits, choices.seed, fidelity, warmup, measure)


def check_common(findings: Findings, flits: int, seed: int, fidelity: str) -> None:
    """What patterns and traces have in common."""
    if not 1 <= flits <= 4096:
        findings.add("--flits", f"is {flits}; from 1 to 4096 are possible")
    if seed < 0:
        findings.add("--seed", f"is {seed}; at least 0 is needed")
    if fidelity not in ("bound", "event", "cycle"):
        hint = did_you_mean(fidelity, ("bound", "event", "cycle"))
        findings.add("--fidelity", f"is {fidelity!r}", hint)


def parse_pattern(text: str, cores: int) -> tuple[Stream, ...]:
    """``uniform``, ``hotspot:27``, or a mix with shares of the load: ``uniform=0.9,hotspot:27=0.1``."""
    streams = tuple(_stream(part.strip(), cores) for part in text.split(","))
    total = sum(stream.share for stream in streams)
    if len(streams) > 8:
        raise bad_input("--pattern", f"is a mix of {len(streams)} patterns; at most 8 are possible")
    if abs(total - 1) > 1e-9:
        raise bad_input("--pattern", f"the shares of {text!r} add up to {total:g}, not to 1")
    return streams


def _stream(text: str, cores: int) -> Stream:
    head, _, share = text.partition("=")
    name, _, core = head.partition(":")
    known = (*PATTERNS, HOTSPOT)
    if name not in known:
        raise bad_input("--pattern", f"there is no pattern {name!r}", hint=did_you_mean(name, known))
    if share and not re.fullmatch(r"[0-9]*\.?[0-9]+", share):
        raise bad_input("--pattern", f"the share of {name} is {share!r}", hint="for example uniform=0.9,hotspot:27=0.1")
    if core and (name != HOTSPOT or not re.fullmatch("[0-9]{1,9}", core) or int(core) >= cores):
        raise bad_input("--pattern", f"{head!r} names no core", hint=f"for example hotspot:0, up to {cores - 1}")
    return Stream(name, float(share) if share else 1.0, (int(core) if core else 0) if name == HOTSPOT else None)


def parse_rate(text: str | None, flits: int) -> tuple[tuple[float, ...], bool]:
    """(loads, whether they are a range). A list ``0.1,0.2`` or a range ``first:last:step``; None: 0.05 to 1."""
    text = "0.05:1:0.05" if text is None else text.strip()
    is_range = ":" in text
    parts = text.split(":") if is_range else text.split(",")
    if (is_range and len(parts) != 3) or not all(re.fullmatch(r"[0-9]*\.?[0-9]+([eE]-?[0-9]+)?", p) for p in parts):
        raise bad_input("--rate", f"is {text!r}", hint="a list: 0.1,0.2, or first:last:step: 0.05:0.6:0.05")
    numbers = [float(part) for part in parts]
    loads = _steps(text, *numbers) if is_range else tuple(numbers)
    outside = [load for load in loads if not 0 < load <= flits]
    if outside:
        raise bad_input(
            "--rate",
            f"{outside[0]:g} flits per core and cycle are not possible",
            why="a core makes at most one packet per cycle",
            hint=f"above 0, at most {flits}, the flits of a packet",
        )
    return loads, is_range


def _steps(text: str, first: float, last: float, step: float) -> tuple[float, ...]:
    count = int((last - first) / step + 1e-9) + 1 if step > 0 else 0
    if not 1 <= count <= POINTS_MAX:
        raise bad_input(
            "--rate", f"{text!r} is no range", hint=f"first:last:step, upwards, at most {POINTS_MAX} points"
        )
    return tuple(round(first + k * step, 12) for k in range(count))


def _cycles(text: str) -> tuple[int, int]:
    if not re.fullmatch("[0-9]{1,8},[0-9]{1,8}", text) or int(text.partition(",")[2]) < 1:
        raise bad_input("--cycles", f"is {text!r}", hint="cycles to settle, cycles to measure: 6000,6000")
    first, _, second = text.partition(",")
    return int(first), int(second)


def only_one_kind(pattern: str | None, rate: str | None) -> None:
    """A trace brings its own packets: patterns and rates are for the other way of running."""
    given = [name for name, value in (("--pattern", pattern), ("--rate", rate)) if value is not None]
    if given:
        raise bad_input(given[0], "cannot be given with --trace", hint="a trace holds its own packets")
