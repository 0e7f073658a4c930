"""The DRAM channel of csrc/dram.c once more, cycle by cycle and readable: the oracle for tests of the C model.

Where the C model keeps, for each command, the first cycle in which it is allowed, this one remembers when each
command was last given and looks every rule up in a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurocomp.fabric.dram_channel import Channel, ChannelRequests, ChannelRun, Counts
from neurocomp.fabric.dram_gaps import Gaps

ACTIVATE, PRECHARGE, READ, WRITE = "activate", "precharge", "read", "write"
COLUMN = (READ, WRITE)
LONG_AGO = -(10**9)


def run_channel_reference(channel: Channel, requests: ChannelRequests, outstanding: int = 0) -> ChannelRun:
    """Serve all requests; same meaning and same result as :func:`neurocomp.fabric.dram.run_channel`."""
    controller = _Controller(channel, requests, outstanding, _Banks(channel))
    now = 0
    while not controller.finished():
        controller.tick(now)
        now += 1
    done = np.array(controller.done, np.int64)
    return ChannelRun(np.array(controller.accepted, np.int64), done, controller.banks.counts(int(done.max(initial=0))))


def run_channels_reference(
    channel: Channel, requests: ChannelRequests, of: np.ndarray, channels: int, window: int, outstanding: int = 0
) -> tuple[np.ndarray, np.ndarray, tuple[Counts, ...]]:
    """Same meaning and same result as :func:`neurocomp.fabric.dram.run_channels`."""
    houses = [_Controller(channel, requests, outstanding, _Banks(channel)) for _ in range(channels)]
    outside = list(range(len(of)))
    now = 0
    while outside or any(not controller.finished() for controller in houses):
        while (taken := next((k for k in outside[:window] if houses[of[k]].take(k, now)), None)) is not None:
            outside.remove(taken)
        for controller in houses:
            controller.next = len(of) if not outside else 0
            controller.cycle(now)
        now += 1
    done = [max(controller.done[k] for controller in houses) for k in range(len(of))]
    accepted = [max(controller.accepted[k] for controller in houses) for k in range(len(of))]
    counts = tuple(controller.banks.counts(max(done, default=0)) for controller in houses)
    return np.array(accepted, np.int64), np.array(done, np.int64), counts


def rules(gaps: Gaps) -> dict[str, list[tuple[str, str, int]]]:
    """For each command: (earlier command, scope in which it was given, least cycles since then)."""
    return {
        ACTIVATE: [
            (ACTIVATE, "bank", gaps.activate_activate_bank),
            (ACTIVATE, "group", gaps.activate_activate_group),
            (ACTIVATE, "rank", gaps.activate_activate_rank),
            (PRECHARGE, "bank", gaps.precharge_activate_bank),
        ],
        PRECHARGE: [
            (ACTIVATE, "bank", gaps.activate_precharge_bank),
            (READ, "bank", gaps.read_precharge_bank),
            (WRITE, "bank", gaps.write_precharge_bank),
            (PRECHARGE, "rank", gaps.precharge_precharge_rank),
        ],
        READ: [
            (ACTIVATE, "bank", gaps.activate_read_bank),
            (READ, "group", gaps.read_read_group),
            (READ, "rank", gaps.read_read_rank),
            (READ, "other", gaps.read_read_other),
            (WRITE, "group", gaps.write_read_group),
            (WRITE, "rank", gaps.write_read_rank),
            (WRITE, "other", gaps.write_read_other),
        ],
        WRITE: [
            (ACTIVATE, "bank", gaps.activate_write_bank),
            (READ, "rank", gaps.read_write_rank),
            (READ, "other", gaps.read_write_other),
            (WRITE, "group", gaps.write_write_group),
            (WRITE, "rank", gaps.write_write_rank),
            (WRITE, "other", gaps.write_write_other),
        ],
    }


class _Banks:
    """Open rows and the history of commands."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.rules = rules(channel.gaps)
        self.rank_banks = channel.groups * channel.banks
        total = channel.ranks * self.rank_banks
        self.row: list[int | None] = [None] * total
        self.hits = [0] * total
        self.last: dict[tuple[str, str, int], int] = {}  # (command, scope, number of the bank, group or rank)
        self.activates: list[list[int]] = [[] for _ in range(channel.ranks)]
        self.refreshed = [LONG_AGO] * channel.ranks
        self.given: dict[str, int] = dict.fromkeys((ACTIVATE, PRECHARGE, READ, WRITE, "refresh", "row hit"), 0)
        self.opened: list[int | None] = [None] * channel.ranks
        self.active = 0

    def rank_of(self, bank: int) -> int:
        return bank // self.rank_banks

    def _since(self, command: str, scope: str, bank: int, now: int) -> int:
        """Cycles since the command was last given in this scope of the bank."""
        rank = self.rank_of(bank)
        if scope == "other":
            size = self.channel.bus_ranks
            bus = range(rank // size * size, rank // size * size + size)
            numbers, scope = [r for r in bus if r != rank], "rank"
        else:
            numbers = [{"bank": bank, "group": bank // self.channel.banks, "rank": rank}[scope]]
        return now - max((self.last.get((command, scope, n), LONG_AGO) for n in numbers), default=LONG_AGO)

    def allows(self, command: str, bank: int, now: int) -> bool:
        if any(self._since(earlier, scope, bank, now) < gap for earlier, scope, gap in self.rules[command]):
            return False
        if command != ACTIVATE:
            return True
        rank, size = self.rank_of(bank), self.channel.window_activates
        recent = self.activates[rank][-size:]
        if len(recent) == size and now - recent[0] < self.channel.gaps.window:
            return False
        return now - self.refreshed[rank] >= self.channel.gaps.refresh_activate

    def give(self, command: str, bank: int, row: int, now: int) -> None:
        rank = self.rank_of(bank)
        for scope, number in (("bank", bank), ("group", bank // self.channel.banks), ("rank", rank)):
            self.last[command, scope, number] = now
        self.given[command] += 1
        if command == ACTIVATE:
            self.row[bank], self.hits[bank] = row, 0
            self.activates[rank].append(now)
        elif command == PRECHARGE:
            self.row[bank] = None
        else:
            self.given["row hit"] += self.hits[bank] > 0
            self.hits[bank] += 1
        self._account(rank, now)

    def _account(self, rank: int, now: int) -> None:
        """Keep the books on when the rank has an open row."""
        any_open = any(self.row[bank] is not None for bank in self.of_rank(rank))
        if any_open and self.opened[rank] is None:
            self.opened[rank] = now
        since = self.opened[rank]
        if not any_open and since is not None:
            self.active += now - since
            self.opened[rank] = None

    def of_rank(self, rank: int) -> range:
        return range(rank * self.rank_banks, (rank + 1) * self.rank_banks)

    def allows_refresh(self, rank: int, now: int) -> bool:
        gap = self.channel.gaps.precharge_activate_bank
        closed = all(self._since(PRECHARGE, "bank", bank, now) >= gap for bank in self.of_rank(rank))
        return closed and now - self.refreshed[rank] >= self.channel.gaps.refresh_activate

    def refresh(self, rank: int, now: int) -> None:
        self.refreshed[rank] = now
        self.given["refresh"] += 1

    def counts(self, cycles: int) -> Counts:
        active = self.active + sum(cycles - since for since in self.opened if since is not None)
        g = self.given
        precharged = cycles * self.channel.ranks - active
        return Counts(cycles, g[ACTIVATE], g[READ], g[WRITE], g["refresh"], g["row hit"], active, precharged)


@dataclass
class _Entry:
    """One waiting request."""

    number: int
    bank: int
    row: int
    command: str


@dataclass
class _Controller:
    """Queues, and who goes next."""

    channel: Channel
    requests: ChannelRequests
    outstanding: int
    banks: _Banks
    next: int = 0
    front: dict[str, list[_Entry]] = field(default_factory=lambda: {READ: [], WRITE: []})
    waiting: list[list[_Entry]] = field(default_factory=list)  # per bank, oldest first
    inside: list[int] = field(default_factory=list)  # cycles in which issued reads will be back
    reads_inside: int = 0
    draining: int = 0
    write_mode: bool = False
    due: list[int] = field(default_factory=list)  # ranks to be refreshed
    turn: int = 0
    bus_free: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # of column and row commands

    def __post_init__(self) -> None:
        self.waiting = [[] for _ in self.banks.row]
        self.turn = len(self.waiting) - 1
        self.next_rank = 0
        self.accepted = [0] * len(self.requests.arrival)
        self.done = [0] * len(self.requests.arrival)

    def finished(self) -> bool:
        return self.next == len(self.accepted) and not any([*self.front.values(), *self.waiting])

    def tick(self, now: int) -> None:
        """One clock cycle."""
        while self.next < len(self.accepted) and self.take(self.next, now):
            self.next += 1
        self.cycle(now)

    def cycle(self, now: int) -> None:
        """What happens in a clock cycle after requests were accepted."""
        self._note_refreshes(now)
        if self.channel.single_queue:
            self._choose_mode()
        held = self.due[0] if self.due else None
        if held is not None:
            self._refresh_step(held, now)
        if self._issue_one(held, now) and self.channel.two_buses:
            self._issue_one(held, now)
        if not self.channel.single_queue:
            self._move_one()

    def take(self, number: int, now: int) -> bool:
        """Accept a request if it has arrived and there is room; returns whether."""
        self.reads_inside -= sum(cycle <= now for cycle in self.inside)
        self.inside = [cycle for cycle in self.inside if cycle > now]
        r = self.requests
        command = WRITE if r.write[number] else READ
        if r.arrival[number] > now or not self._has_room(command):
            return False
        entry = _Entry(number, int(r.bank[number]), int(r.row[number]), command)
        (self.waiting[entry.bank] if self.channel.single_queue else self.front[command]).append(entry)
        self.reads_inside += command == READ
        self.accepted[number] = now
        return True

    def _has_room(self, command: str) -> bool:
        room = self.channel.read_queue if command == READ else self.channel.write_queue
        held = self._count(command) if self.channel.single_queue else len(self.front[command])
        limited = command == READ and 0 < self.outstanding <= self.reads_inside
        return held < room and not limited

    def _count(self, command: str) -> int:
        return sum(entry.command == command for queue in self.waiting for entry in queue)

    def _note_refreshes(self, now: int) -> None:
        c = self.channel
        if not c.refresh_interval:
            return
        interval = c.refresh_interval if c.refresh_together else c.refresh_interval // c.ranks
        if now > 0 and now % interval == 0:
            for _ in range(c.ranks if c.refresh_together else 1):
                self.due.append(self.next_rank)
                self.next_rank = (self.next_rank + 1) % c.ranks

    def _choose_mode(self) -> None:
        reads, writes = self._count(READ), self._count(WRITE)
        if self.write_mode:
            self.write_mode = not (writes <= self.channel.write_low and reads > 0)
        else:
            self.write_mode = writes > 0 and (writes >= self.channel.write_high or reads == 0)

    def _refresh_step(self, rank: int, now: int) -> None:
        if self.bus_free[False] > now:
            return
        open_banks = [bank for bank in self.banks.of_rank(rank) if self.banks.row[bank] is not None]
        ready = [bank for bank in open_banks if self.banks.allows(PRECHARGE, bank, now)]
        if ready:
            self.banks.give(PRECHARGE, ready[0], -1, now)
        elif not open_banks and self.banks.allows_refresh(rank, now):
            self.banks.refresh(rank, now)
            self.due.pop(0)
        else:
            return
        self._take_bus(False, 1, now)

    def _take_bus(self, column: bool, slots: int, now: int) -> None:
        self.bus_free[column] = now + slots
        if not self.channel.two_buses:
            self.bus_free[not column] = now + slots

    def _issue_one(self, held_rank: int | None, now: int) -> bool:
        total = len(self.waiting)
        options: list[tuple[str, _Entry]] = []
        for bank in [(self.turn + 1 + k) % total for k in range(total)]:
            if self.banks.rank_of(bank) != held_rank:
                option = self._option(bank, now)
                options += [option] if option else []
        if not options:
            return False
        if self.channel.arbitration:
            options.sort(key=lambda option: option[1].number)
        command, entry = options[0]
        self._issue(command, entry, now)
        return True

    def _option(self, bank: int, now: int) -> tuple[str, _Entry] | None:
        """The bank's command that can go out now for the oldest entry."""
        mixed = not self.channel.single_queue
        may = [e for e in self.waiting[bank] if mixed or (e.command == WRITE) == self.write_mode]
        row = self.banks.row[bank]
        hits = [e for e in may if e.row == row]
        cap = self.channel.row_hit_cap
        for k, entry in enumerate(may):
            if row is None:
                command = ACTIVATE
            elif entry.row == row:
                command = entry.command
            elif k == 0 and (not hits or (cap > 0 and self.banks.hits[bank] >= cap)):
                command = PRECHARGE
            else:
                continue
            if self.bus_free[command in COLUMN] <= now and self.banks.allows(command, bank, now):
                return command, entry
        return None

    def _issue(self, command: str, entry: _Entry, now: int) -> None:
        c = self.channel
        self.banks.give(command, entry.bank, entry.row, now)
        slots = c.column_slots if command in COLUMN else c.activate_slots if command == ACTIVATE else 1
        self._take_bus(command in COLUMN, slots, now)
        self.turn = entry.bank
        if command in COLUMN:
            self.waiting[entry.bank].remove(entry)
            end = now + (c.gaps.write_data if command == WRITE else c.gaps.read_data + c.front_cycles)
            self.done[entry.number] = end
            self.inside += [end] if command == READ else []

    def _move_one(self) -> None:
        writes = len(self.front[WRITE])
        no_reads_left = self.next == len(self.accepted) and not self.front[READ]
        if self.draining == 0:
            idle = not any(self.waiting) and writes > self.channel.write_low
            if writes >= self.channel.write_high or idle or (no_reads_left and writes):
                self.draining = writes
        queue = self.front[WRITE if self.draining else READ]
        for entry in queue:
            if len(self.waiting[entry.bank]) < self.channel.bank_queue:
                queue.remove(entry)
                self.waiting[entry.bank].append(entry)
                self.draining -= self.draining > 0
                return
