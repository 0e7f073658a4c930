"""The C model of a DRAM channel is its readable twin, exactly; channels do not notice how many threads there are."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.fabric.dram import DramRequests, run_channel, run_channels, simulate_dram
from neurocomp.fabric.dram_address import field_sizes, places_of
from neurocomp.fabric.dram_bound import least_time
from neurocomp.fabric.dram_catalog import dram_names, load_dram
from neurocomp.fabric.dram_channel import channel_of
from neurocomp.fabric.dram_reference import run_channel_reference, run_channels_reference
from tests.random_drams import random_channel, random_requests

DRAMS = {name: load_dram(name) for name in dram_names()}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from([0, 0, 1, 3]), st.integers(1, 4), st.integers(1, 20))
def test_channels_behind_one_door_are_their_twin(seed, count, outstanding, channels, window):
    pick = random.Random(seed)
    channel = random_channel(pick)
    requests = random_requests(pick, channel, count)
    of = np.random.default_rng(seed).integers(0, channels, count)
    fast = run_channels(channel, requests, of, channels, window, outstanding)
    slow = run_channels_reference(channel, requests, of, channels, window, outstanding)
    assert [part.tolist() for part in fast[:2]] == [part.tolist() for part in slow[:2]]
    assert fast[2] == slow[2]
    if channels == window == 1:
        alone = run_channel(channel, requests, outstanding)
        assert alone.done.tolist() == fast[1].tolist() and (alone.counts,) == fast[2]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from([0, 0, 1, 3, 8]))
def test_the_c_model_is_its_twin(seed, count, outstanding):
    pick = random.Random(seed)
    channel = random_channel(pick)
    requests = random_requests(pick, channel, count)
    fast = run_channel(channel, requests, outstanding)
    slow = run_channel_reference(channel, requests, outstanding)
    assert fast.accepted.tolist() == slow.accepted.tolist()
    assert fast.done.tolist() == slow.done.tolist()
    assert fast.counts == slow.counts


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(DRAMS)), st.integers(0, 2**32), st.integers(0, 2))
def test_the_shipped_drams_run_as_in_the_twin(name, seed, pace):
    dram, draw = DRAMS[name], np.random.default_rng(seed)
    channel = channel_of(dram)
    requests = random_requests(random.Random(seed), channel, 150)
    arrival = np.sort(draw.integers(0, 1 + 4000 * pace, 150))
    requests = type(requests)(arrival, requests.bank, requests.row, requests.write)
    fast, slow = run_channel(channel, requests), run_channel_reference(channel, requests)
    assert fast.done.tolist() == slow.done.tolist()
    assert fast.counts == slow.counts


def random_accesses(name: str, seed: int, count: int) -> DramRequests:
    draw, o = np.random.default_rng(seed), DRAMS[name].organisation
    address = draw.integers(0, min(o.capacity_bytes, 2**22), count)
    return DramRequests(address, draw.random(count) < 0.3, np.cumsum(draw.integers(0, 20_000, count)))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(DRAMS)), st.integers(0, 2**32), st.integers(0, 300), st.integers(2, 5))
def test_threads_change_nothing(name, seed, count, threads):
    requests = random_accesses(name, seed, count)
    one, many = (simulate_dram(DRAMS[name], requests, threads=n) for n in (1, threads))
    assert one.done_ps.tobytes() == many.done_ps.tobytes()
    assert one.channel_counts == many.channel_counts and one.energy == many.energy


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(DRAMS)), st.integers(0, 2**32), st.integers(1, 400))
def test_the_bound_is_never_above_the_simulation(name, seed, count):
    requests = random_accesses(name, seed, count)
    at_once = DramRequests(requests.address, requests.write)
    run = simulate_dram(DRAMS[name], at_once)
    assert least_time(DRAMS[name], count, run.counts.activates).least_ps <= run.duration_ps
    assert run.counts.reads + run.counts.writes == count
    assert run.energy.total_aj == run.energy.dynamic_aj + run.energy.refresh_aj + run.energy.background_aj


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(DRAMS)), st.integers(0, 2**40))
def test_every_address_has_its_own_place(name, base):
    """Taking the fields of a place together again gives the address."""
    dram = DRAMS[name]
    o, sizes = dram.organisation, field_sizes(dram)
    address = (base + np.arange(64) * 7919 * o.access_bytes) % o.capacity_bytes
    places = places_of(dram, address)
    bank = places.bank.astype(np.int64)
    value = {"ch": places.channel, "ro": places.row, "co": places.column, "ba": bank % o.banks_per_group}
    value["bg"] = bank // o.banks_per_group % o.bank_groups
    value["ra"] = bank // (o.banks_per_group * o.bank_groups) % o.ranks
    value["pc"] = bank // (o.banks_per_group * o.bank_groups * o.ranks)
    rebuilt = np.zeros(64, np.int64)
    for name_of_field in dram.fields:
        assert value[name_of_field].max() < sizes[name_of_field]
        rebuilt = rebuilt * sizes[name_of_field] + value[name_of_field]
    assert (rebuilt == address // o.access_bytes).all()
