"""The typed face of csrc/dram.c: runs one channel without the GIL."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc

from neurocomp._core.status import raise_status


cdef extern from "dram.h" nogil:
    ctypedef struct nc_dram_gaps:
        int32_t activate_read_bank, activate_write_bank, activate_precharge_bank, activate_activate_bank
        int32_t activate_activate_group, activate_activate_rank, window
        int32_t precharge_activate_bank, precharge_precharge_rank
        int32_t read_read_group, read_read_rank, read_read_other
        int32_t read_write_rank, read_write_other, read_precharge_bank
        int32_t write_write_group, write_write_rank, write_write_other
        int32_t write_read_group, write_read_rank, write_read_other, write_precharge_bank
        int32_t refresh_activate, read_data, write_data
    ctypedef struct nc_dram:
        int32_t ranks, groups, banks, bus_ranks, window_activates
        int32_t refresh_interval, refresh_together
        int32_t activate_slots, column_slots, two_buses, arbitration
        int32_t read_queue, write_queue, bank_queue, single_queue, write_high, write_low
        int32_t row_hit_cap, front_cycles
        nc_dram_gaps gaps
    ctypedef struct nc_dram_requests:
        int64_t count
        const int64_t *arrival
        const int32_t *bank
        const int32_t *row
        const uint8_t *write
    ctypedef struct nc_dram_counts:
        int64_t cycles, activates, reads, writes, refreshes, row_hits, active_cycles, precharged_cycles
    ctypedef enum nc_status:
        NC_OK
    nc_status nc_dram_check(const nc_dram *d)
    uint64_t nc_dram_workspace(const nc_dram *d, int32_t outstanding)
    nc_status nc_dram_run(const nc_dram *d, const nc_dram_requests *requests, int32_t outstanding, void *workspace,
                          int64_t *accepted, int64_t *done, nc_dram_counts *counts)
    uint64_t nc_dram_window_workspace(const nc_dram *d, int32_t channels, int32_t window, int32_t outstanding)
    nc_status nc_dram_run_window(const nc_dram *d, const nc_dram_requests *requests, const int32_t *channel,
                                 int32_t channels, int32_t window, int32_t outstanding, void *workspace,
                                 int64_t *accepted, int64_t *done, nc_dram_counts *counts)
    const int NC_DRAM_MAX_CHANNELS


cdef class ChannelCore:
    """One channel's configuration, checked. May be used by several threads at a time."""

    cdef nc_dram d

    def __cinit__(self, channel):
        self.d = _config(channel)
        self.d.gaps = _gaps(channel.gaps)
        raise_status(nc_dram_check(&self.d), "dram")

    def run(self, const int64_t[::1] arrival, const int32_t[::1] bank, const int32_t[::1] row,
            const uint8_t[::1] write, int32_t outstanding, int64_t[::1] accepted, int64_t[::1] done):
        """Serve the requests (n each); accepted and done receive a cycle for each. Returns the counts as a tuple in
        the order of nc_dram_counts."""
        cdef nc_dram_requests requests = _requests(arrival, bank, row, write, accepted, done)
        cdef nc_dram_counts counts
        cdef nc_status status
        cdef uint64_t size = nc_dram_workspace(&self.d, outstanding)
        if outstanding < 0 or size == 0:
            raise ValueError("a negative limit of outstanding reads")
        if requests.count == 0:
            return (0,) * 8
        cdef void *workspace = malloc(size)
        if workspace == NULL:
            raise MemoryError
        with nogil:
            status = nc_dram_run(&self.d, &requests, outstanding, workspace, &accepted[0], &done[0], &counts)
            free(workspace)
        raise_status(status, "dram")
        return _counts(&counts)

    def run_window(self, const int64_t[::1] arrival, const int32_t[::1] channel, const int32_t[::1] bank,
                   const int32_t[::1] row, const uint8_t[::1] write, int32_t channels, int32_t window,
                   int32_t outstanding, int64_t[::1] accepted, int64_t[::1] done):
        """As run, for several channels behind one door. Returns the counts of each channel."""
        cdef nc_dram_requests requests = _requests(arrival, bank, row, write, accepted, done)
        cdef nc_dram_counts counts[128]
        cdef nc_status status
        cdef uint64_t size = nc_dram_window_workspace(&self.d, channels, window, outstanding)
        if channel.shape[0] != requests.count or not 1 <= channels <= NC_DRAM_MAX_CHANNELS <= 128:
            raise ValueError("a channel table of the wrong length, or too many channels")
        if outstanding < 0 or size == 0:
            raise ValueError("a limit out of range")
        if requests.count == 0:
            return [(0,) * 8] * channels
        cdef void *workspace = malloc(size)
        if workspace == NULL:
            raise MemoryError
        with nogil:
            status = nc_dram_run_window(&self.d, &requests, &channel[0], channels, window, outstanding, workspace,
                                        &accepted[0], &done[0], counts)
            free(workspace)
        raise_status(status, "dram")
        return [_counts(&counts[k]) for k in range(channels)]


cdef nc_dram_requests _requests(const int64_t[::1] arrival, const int32_t[::1] bank, const int32_t[::1] row,
                                const uint8_t[::1] write, const int64_t[::1] accepted,
                                const int64_t[::1] done) except *:
    """The requests, once all tables are known to be as long as them; none has pointers."""
    cdef nc_dram_requests requests
    requests.count = arrival.shape[0]
    if not (requests.count == bank.shape[0] == row.shape[0] == write.shape[0] == accepted.shape[0] == done.shape[0]):
        raise ValueError("request tables of different lengths")
    if requests.count > 0:
        requests.arrival, requests.bank = &arrival[0], &bank[0]
        requests.row, requests.write = &row[0], &write[0]
    return requests


cdef tuple _counts(const nc_dram_counts *c):
    return (c.cycles, c.activates, c.reads, c.writes, c.refreshes, c.row_hits, c.active_cycles, c.precharged_cycles)


cdef nc_dram _config(c) except *:
    cdef nc_dram d
    d.ranks, d.groups, d.banks, d.bus_ranks = c.ranks, c.groups, c.banks, c.bus_ranks
    d.window_activates = c.window_activates
    d.refresh_interval, d.refresh_together = c.refresh_interval, c.refresh_together
    d.activate_slots, d.column_slots, d.two_buses = c.activate_slots, c.column_slots, c.two_buses
    d.arbitration, d.single_queue = c.arbitration, c.single_queue
    d.read_queue, d.write_queue, d.bank_queue = c.read_queue, c.write_queue, c.bank_queue
    d.write_high, d.write_low, d.row_hit_cap, d.front_cycles = c.write_high, c.write_low, c.row_hit_cap, c.front_cycles
    return d


cdef nc_dram_gaps _gaps(g) except *:
    cdef nc_dram_gaps c
    c.activate_read_bank, c.activate_write_bank = g.activate_read_bank, g.activate_write_bank
    c.activate_precharge_bank, c.activate_activate_bank = g.activate_precharge_bank, g.activate_activate_bank
    c.activate_activate_group, c.activate_activate_rank = g.activate_activate_group, g.activate_activate_rank
    c.window, c.refresh_activate = g.window, g.refresh_activate
    c.precharge_activate_bank, c.precharge_precharge_rank = g.precharge_activate_bank, g.precharge_precharge_rank
    c.read_read_group, c.read_read_rank, c.read_read_other = g.read_read_group, g.read_read_rank, g.read_read_other
    c.read_write_rank, c.read_write_other = g.read_write_rank, g.read_write_other
    c.read_precharge_bank, c.write_precharge_bank = g.read_precharge_bank, g.write_precharge_bank
    c.write_write_group, c.write_write_rank = g.write_write_group, g.write_write_rank
    c.write_write_other, c.write_read_other = g.write_write_other, g.write_read_other
    c.write_read_group, c.write_read_rank = g.write_read_group, g.write_read_rank
    c.read_data, c.write_data = g.read_data, g.write_data
    return c
