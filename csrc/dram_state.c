#include "dram_state.h"
#include <stddef.h>
#include <string.h>

static uint64_t total_banks(const nc_dram *d) { return (uint64_t)d->ranks * (uint64_t)d->groups * (uint64_t)d->banks; }

uint64_t nc_dram_state_bytes(const nc_dram *d) {
    const uint64_t ranks = (uint64_t)d->ranks;
    return total_banks(d) * (sizeof(nc_dram_bank) + 2 * sizeof(int32_t)) +
           ranks * (uint64_t)d->groups * sizeof(nc_dram_times) + ranks * sizeof(nc_dram_rank) +
           ranks * (uint64_t)d->window_activates * sizeof(int64_t);
}

static void *take(uint8_t **at, uint64_t bytes) {
    void *const here = *at;
    *at += bytes;
    return here;
}

void nc_dram_reset(const nc_dram *d, void *memory, nc_dram_state *s) {
    const uint64_t banks = total_banks(d), ranks = (uint64_t)d->ranks;
    uint8_t *at = memory;
    memset(memory, 0, (size_t)nc_dram_state_bytes(d));
    *s = (nc_dram_state){.config = d};
    s->bank = take(&at, banks * sizeof(nc_dram_bank));
    s->group = take(&at, ranks * (uint64_t)d->groups * sizeof(nc_dram_times));
    s->rank = take(&at, ranks * sizeof(nc_dram_rank));
    s->ring = take(&at, ranks * (uint64_t)d->window_activates * sizeof(int64_t));
    s->group_of = take(&at, banks * sizeof(int32_t));
    s->rank_of = take(&at, banks * sizeof(int32_t));
    for (int32_t b = 0; b < (int32_t)banks; b++) {
        s->bank[b].row = -1;
        s->group_of[b] = b / d->banks;
        s->rank_of[b] = b / (d->banks * d->groups);
    }
    for (int32_t k = 0; k < d->ranks * d->window_activates; k++)
        s->ring[k] = -NC_DRAM_MAX_CYCLES; /* long ago */
}

static void hold(nc_dram_times *times, nc_dram_command command, int64_t from) {
    if (times->at[command] < from)
        times->at[command] = from;
}

static void activate(nc_dram_state *s, int32_t bank, int32_t row, int64_t now) {
    const nc_dram_gaps *const gap = &s->config->gaps;
    const int32_t size = s->config->window_activates;
    nc_dram_bank *const b = &s->bank[bank];
    nc_dram_rank *const r = &s->rank[s->rank_of[bank]];
    int64_t *const ring = &s->ring[(int64_t)s->rank_of[bank] * size];
    b->row = row;
    b->row_hits = 0;
    hold(&b->from, NC_DRAM_READ, now + gap->activate_read_bank);
    hold(&b->from, NC_DRAM_WRITE, now + gap->activate_write_bank);
    hold(&b->from, NC_DRAM_PRECHARGE, now + gap->activate_precharge_bank);
    hold(&b->from, NC_DRAM_ACTIVATE, now + gap->activate_activate_bank);
    hold(&s->group[s->group_of[bank]], NC_DRAM_ACTIVATE, now + gap->activate_activate_group);
    hold(&r->from, NC_DRAM_ACTIVATE, now + gap->activate_activate_rank);
    ring[r->oldest] = now;
    r->oldest = r->oldest + 1 == size ? 0 : r->oldest + 1;
    hold(&r->from, NC_DRAM_ACTIVATE, ring[r->oldest] + gap->window);
    if (r->open_rows++ == 0)
        r->active_since = now;
    s->counts.activates++;
}

static void precharge(nc_dram_state *s, int32_t bank, int64_t now) {
    const nc_dram_gaps *const gap = &s->config->gaps;
    nc_dram_rank *const r = &s->rank[s->rank_of[bank]];
    const int64_t closed = now + gap->precharge_activate_bank;
    s->bank[bank].row = -1;
    hold(&s->bank[bank].from, NC_DRAM_ACTIVATE, closed);
    hold(&r->from, NC_DRAM_PRECHARGE, now + gap->precharge_precharge_rank);
    r->refresh = r->refresh > closed ? r->refresh : closed;
    if (--r->open_rows == 0)
        s->counts.active_cycles += now - r->active_since;
}

/* What a column command means for the other ranks on its data bus. */
static void hold_other_ranks(nc_dram_state *s, int32_t rank, int64_t read_from, int64_t write_from) {
    const int32_t size = s->config->bus_ranks, first = rank / size * size;
    for (int32_t k = first; k < first + size; k++)
        if (k != rank) {
            hold(&s->rank[k].from, NC_DRAM_READ, read_from);
            hold(&s->rank[k].from, NC_DRAM_WRITE, write_from);
        }
}

static void read(nc_dram_state *s, int32_t bank, int64_t now) {
    const nc_dram_gaps *const gap = &s->config->gaps;
    const int32_t rank = s->rank_of[bank];
    hold(&s->group[s->group_of[bank]], NC_DRAM_READ, now + gap->read_read_group);
    hold(&s->rank[rank].from, NC_DRAM_READ, now + gap->read_read_rank);
    hold(&s->rank[rank].from, NC_DRAM_WRITE, now + gap->read_write_rank);
    hold(&s->bank[bank].from, NC_DRAM_PRECHARGE, now + gap->read_precharge_bank);
    hold_other_ranks(s, rank, now + gap->read_read_other, now + gap->read_write_other);
    s->counts.reads++;
}

static void write(nc_dram_state *s, int32_t bank, int64_t now) {
    const nc_dram_gaps *const gap = &s->config->gaps;
    const int32_t rank = s->rank_of[bank];
    hold(&s->group[s->group_of[bank]], NC_DRAM_WRITE, now + gap->write_write_group);
    hold(&s->group[s->group_of[bank]], NC_DRAM_READ, now + gap->write_read_group);
    hold(&s->rank[rank].from, NC_DRAM_WRITE, now + gap->write_write_rank);
    hold(&s->rank[rank].from, NC_DRAM_READ, now + gap->write_read_rank);
    hold(&s->bank[bank].from, NC_DRAM_PRECHARGE, now + gap->write_precharge_bank);
    hold_other_ranks(s, rank, now + gap->write_read_other, now + gap->write_write_other);
    s->counts.writes++;
}

void nc_dram_issue(nc_dram_state *s, int32_t bank, nc_dram_command command, int32_t row, int64_t now) {
    NC_ASSERT(now >= nc_dram_earliest(s, bank, command));
    NC_ASSERT((command == NC_DRAM_ACTIVATE) == (s->bank[bank].row < 0));
    if (command == NC_DRAM_ACTIVATE)
        activate(s, bank, row, now);
    else if (command == NC_DRAM_PRECHARGE)
        precharge(s, bank, now);
    else if (command == NC_DRAM_READ)
        read(s, bank, now);
    else
        write(s, bank, now);
    if (nc_dram_is_column(command) && s->bank[bank].row_hits++ > 0)
        s->counts.row_hits++;
}

void nc_dram_refresh(nc_dram_state *s, int32_t rank, int64_t now) {
    nc_dram_rank *const r = &s->rank[rank];
    NC_ASSERT(r->open_rows == 0 && now >= r->refresh);
    hold(&r->from, NC_DRAM_ACTIVATE, now + s->config->gaps.refresh_activate);
    r->refresh = now + s->config->gaps.refresh_activate;
    s->counts.refreshes++;
}

void nc_dram_finish(nc_dram_state *s, int64_t cycles) {
    for (int32_t k = 0; k < s->config->ranks; k++)
        if (s->rank[k].open_rows > 0)
            s->counts.active_cycles += cycles - s->rank[k].active_since;
    s->counts.cycles = cycles;
    s->counts.precharged_cycles = cycles * s->config->ranks - s->counts.active_cycles;
}
