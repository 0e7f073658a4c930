"""A few steps of a run as a timeline for Perfetto (ui.perfetto.dev), by the protocol of the official package.

Tracks: the chip's steps; for each core one track per engine (sending: neuron updates and packets out; receiving:
packets and their synaptic operations); counters of spikes, packets and the hottest links. A core's work of a step is
drawn as one piece from the step's beginning; its length is exact, pauses within are not shown. Times are rounded to
nanoseconds, the unit of Perfetto.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.mapping.program import Program
from neurocomp.report import units
from neurocomp.report.routing import DIRECTIONS
from neurocomp.simulate.timeline import StepWork

CORES_SHOWN = 1024  # the busiest
LINKS_SHOWN = 16  # the hottest
SEQUENCE = 1


def need_perfetto() -> Any:
    """The package's protocol. Raises InputError if it is not installed."""
    try:
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2
    except ImportError as error:
        raise bad_input("--trace", "needs perfetto, which is not installed", hint='pip install "neurocomp[perfetto]"') \
            from error  # fmt: skip
    return perfetto_trace_pb2


def timeline(program: Program, steps: Sequence[StepWork]) -> bytes:
    """The trace file. steps: consecutive; equal ones give equal bytes. Raises InputError without the package."""
    trace = _Trace(need_perfetto())
    chip = trace.track(f"{units.clean(program.network.name)} on {units.clean(program.chip.name)}")
    _steps(trace, chip, steps)
    cores = trace.track("cores", chip)
    layers = _layers(program)
    for core in _busiest(np.sum([s.send_ps + s.receive_ps for s in steps], axis=0)).tolist():
        _core(trace, cores, core, layers.get(core, ""), steps)
    _counters(trace, chip, program, steps)
    return trace.whole()


def _busiest(busy: np.ndarray) -> np.ndarray:
    order = np.lexsort((np.arange(busy.size), -busy))[:CORES_SHOWN]
    return np.sort(order[busy[order] > 0])


def _layers(program: Program) -> dict[int, str]:
    names: dict[int, dict[str, None]] = {}
    for tile in program.tiles:
        names.setdefault(tile.core, {})[tile.population] = None
    return {core: units.clean(", ".join(found), 60) for core, found in names.items()}


def _steps(trace: _Trace, chip: int, steps: Sequence[StepWork]) -> None:
    track = trace.track("steps", chip)
    for s in steps:
        notes = {"spikes": s.spikes, "packets": int(s.packets.sum()), "duration_ps": s.total_ps}
        trace.slice(track, f"step {s.step}", s.start_ps, s.total_ps, notes)
        if s.work_ps < s.total_ps:
            trace.slice(track, "barrier or tick", s.start_ps + s.work_ps, s.total_ps - s.work_ps)
        trace.end(track, s.start_ps + s.total_ps)


def _core(trace: _Trace, cores: int, core: int, layers: str, steps: Sequence[StepWork]) -> None:
    track = trace.track(f"core {core}" + (f": {layers}" if layers else ""), cores)
    engines = (("sending", lambda s: s.send_ps), ("receiving", lambda s: s.receive_ps))
    for name, of in engines:
        engine = trace.track(name, track)
        for s in steps:
            length, stall = int(of(s)[core]), int(s.stall_ps[core]) if name == "sending" else 0
            if length:
                notes = {"duration_ps": length}
                notes |= {"packets": int(s.packets[core])} if name == "receiving" else {}
                trace.slice(engine, name, s.start_ps, length, notes)
                trace.end(engine, s.start_ps + length)
            if stall:
                trace.slice(engine, "kept by the network", s.start_ps + length, stall, {"duration_ps": stall})
                trace.end(engine, s.start_ps + length + stall)


def _counters(trace: _Trace, chip: int, program: Program, steps: Sequence[StepWork]) -> None:
    found = [("spikes per step", [s.spikes for s in steps])]
    found.append(("packets per step", [int(s.packets.sum()) for s in steps]))
    flits = np.sum([s.link_flits for s in steps], axis=0)
    order = np.lexsort((np.arange(flits.size), -flits))[:LINKS_SHOWN]
    width = program.mesh.width
    for link in order[flits[order] > 0].tolist():
        router, direction = divmod(link, len(DIRECTIONS))
        name = f"flits ({router % width}, {router // width}) {DIRECTIONS[direction]}"
        found.append((name, [int(s.link_flits[link]) for s in steps]))
    end = steps[-1].start_ps + steps[-1].total_ps
    for name, values in found:
        track = trace.track(name, chip, counter=True)
        for s, value in zip(steps, values, strict=True):
            trace.count(track, s.start_ps, value)
        trace.count(track, end, 0)


class _Trace:
    """Packets in the order of their times."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.tracks: list[Any] = []
        self.events: list[tuple[int, int, Any]] = []
        self.open: dict[int, list[int]] = {}

    def track(self, name: str, parent: int | None = None, counter: bool = False) -> int:
        packet = self._packet()
        track = packet.track_descriptor
        track.uuid = len(self.tracks) + 1
        track.name = name
        track.sibling_order_rank = track.uuid
        track.child_ordering = self.protocol.TrackDescriptor.EXPLICIT
        if parent is not None:
            track.parent_uuid = parent
        if counter:
            track.counter.unit = self.protocol.CounterDescriptor.UNIT_COUNT
        self.tracks.append(packet)
        return track.uuid

    def slice(self, track: int, name: str, start_ps: int, length_ps: int, notes: dict[str, int] | None = None) -> None:
        """Opens a piece inside the one that is open."""
        packet = self._event(track, start_ps, self.protocol.TrackEvent.TYPE_SLICE_BEGIN)
        packet.track_event.name = name
        for key, value in (notes or {}).items():
            note = packet.track_event.debug_annotations.add()
            note.name, note.int_value = key, value
        self.open.setdefault(track, []).append(start_ps + length_ps)

    def end(self, track: int, at_ps: int) -> None:
        """Closes all that is open."""
        for _ in self.open.pop(track, []):
            self._event(track, at_ps, self.protocol.TrackEvent.TYPE_SLICE_END)

    def count(self, track: int, at_ps: int, value: int) -> None:
        packet = self._event(track, at_ps, self.protocol.TrackEvent.TYPE_COUNTER)
        packet.track_event.counter_value = value

    def whole(self) -> bytes:
        trace = self.protocol.Trace()
        for packet in self._ordered():
            trace.packet.append(packet)
        return trace.SerializeToString(deterministic=True)

    def _ordered(self) -> Iterator[Any]:
        yield from self.tracks
        yield from (packet for _, _, packet in sorted(self.events, key=lambda event: event[:2]))

    def _event(self, track: int, at_ps: int, kind: int) -> Any:
        packet = self._packet()
        packet.timestamp = at_ps // 1000
        packet.track_event.type = kind
        packet.track_event.track_uuid = track
        self.events.append((packet.timestamp, len(self.events), packet))
        return packet

    def _packet(self) -> Any:
        packet = self.protocol.TracePacket()
        packet.trusted_packet_sequence_id = SEQUENCE
        return packet
