"""Random DRAM channels and requests: small, with gaps of all sizes, every kind of controller."""

from __future__ import annotations

import random

import numpy as np

from neurocomp.fabric.dram_channel import Channel, ChannelRequests
from neurocomp.fabric.dram_gaps import Gaps


def random_gaps(pick: random.Random) -> Gaps:
    upto = pick.randint
    return Gaps(
        activate_read_bank=upto(0, 12), activate_write_bank=upto(0, 12), activate_precharge_bank=upto(0, 20),
        activate_activate_bank=upto(0, 30), activate_activate_group=upto(0, 6), activate_activate_rank=upto(0, 4),
        window=upto(0, 24), precharge_activate_bank=upto(0, 12), precharge_precharge_rank=upto(0, 3),
        read_read_group=upto(1, 6), read_read_rank=upto(1, 4), read_read_other=upto(0, 6),
        read_write_rank=upto(0, 9), read_write_other=upto(0, 9), read_precharge_bank=upto(0, 9),
        write_write_group=upto(1, 6), write_write_rank=upto(1, 4), write_write_other=upto(0, 6),
        write_read_group=upto(0, 15), write_read_rank=upto(0, 15), write_read_other=upto(-5, 9),
        write_precharge_bank=upto(0, 20), refresh_activate=upto(0, 60), read_data=upto(1, 20), write_data=upto(1, 20),
    )  # fmt: skip


def random_channel(pick: random.Random) -> Channel:
    upto, gaps, ranks, write_queue = pick.randint, random_gaps(pick), pick.choice([1, 2, 4]), pick.randint(1, 8)
    row_cycle = gaps.activate_precharge_bank + gaps.read_precharge_bank + gaps.write_precharge_bank
    row_cycle += gaps.precharge_activate_bank + gaps.activate_read_bank + gaps.activate_write_bank
    least = 2 * (gaps.refresh_activate + ranks * row_cycle)  # csrc/dram_check.c
    write_high = upto(1, write_queue)
    return Channel(
        ranks=ranks, groups=pick.choice([1, 2, 4]), banks=pick.choice([1, 2]),
        bus_ranks=pick.choice([size for size in (1, 2, 4) if ranks % size == 0]), window_activates=upto(1, 5),
        refresh_interval=pick.choice([0, max(ranks, least) + upto(0, 100)]), refresh_together=upto(0, 1),
        activate_slots=upto(1, 3), column_slots=upto(1, 2), two_buses=upto(0, 1), arbitration=upto(0, 1),
        read_queue=upto(1, 8), write_queue=write_queue, bank_queue=upto(1, 4), single_queue=upto(0, 1),
        write_high=write_high, write_low=upto(0, write_high - 1), row_hit_cap=upto(0, 4), front_cycles=upto(0, 3),
        gaps=gaps,
    )  # fmt: skip


def random_requests(pick: random.Random, channel: Channel, count: int) -> ChannelRequests:
    draw = np.random.default_rng(pick.getrandbits(32))
    banks = channel.ranks * channel.groups * channel.banks
    return ChannelRequests(
        arrival=np.cumsum(draw.integers(0, pick.choice([1, 3, 20, 200]), count)),
        bank=draw.integers(0, banks, count).astype(np.int32),
        row=draw.integers(0, 3, count).astype(np.int32),
        write=(draw.random(count) < pick.choice([0, 0.3, 0.5, 1])).astype(np.uint8),
    )
