#include "dram.h"
#include <stddef.h>

static int between(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

static nc_status check_gaps(const nc_dram_gaps *g) {
    const int32_t all[] = {
        g->activate_read_bank,
        g->activate_write_bank,
        g->activate_precharge_bank,
        g->activate_activate_bank,
        g->activate_activate_group,
        g->activate_activate_rank,
        g->window,
        g->precharge_activate_bank,
        g->precharge_precharge_rank,
        g->read_read_group,
        g->read_read_rank,
        g->read_read_other,
        g->read_write_rank,
        g->read_write_other,
        g->read_precharge_bank,
        g->write_write_group,
        g->write_write_rank,
        g->write_write_other,
        g->write_read_group,
        g->write_read_rank,
        g->write_read_other,
        g->write_precharge_bank,
        g->refresh_activate,
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        if (!between(all[k], -NC_DRAM_MAX_CYCLES, NC_DRAM_MAX_CYCLES))
            return NC_ERR_SIZE;
    if (!between(g->read_data, 0, NC_DRAM_MAX_CYCLES) || !between(g->write_data, 0, NC_DRAM_MAX_CYCLES))
        return NC_ERR_SIZE;
    return NC_OK;
}

static nc_status check_structure(const nc_dram *d) {
    const int32_t most = NC_DRAM_MAX_BANKS;
    if (!between(d->ranks, 1, most) || !between(d->groups, 1, most) || !between(d->banks, 1, most) ||
        (int64_t)d->ranks * d->groups * d->banks > most)
        return NC_ERR_SIZE;
    if (!between(d->bus_ranks, 1, d->ranks) || d->ranks % d->bus_ranks != 0 || !between(d->window_activates, 1, 64))
        return NC_ERR_SIZE;
    return NC_OK;
}

static nc_status check_controller(const nc_dram *d) {
    const int32_t queue = NC_DRAM_MAX_QUEUE;
    if (!between(d->read_queue, 1, queue) || !between(d->write_queue, 1, queue) || !between(d->bank_queue, 1, queue) ||
        !between(d->row_hit_cap, 0, queue))
        return NC_ERR_SIZE;
    if (!between(d->write_high, 1, d->write_queue) || !between(d->write_low, 0, queue))
        return NC_ERR_SIZE;
    if (!between(d->activate_slots, 1, 64) || !between(d->column_slots, 1, 64) ||
        !between(d->front_cycles, 0, NC_DRAM_MAX_CYCLES))
        return NC_ERR_SIZE;
    return between(d->arbitration, NC_DRAM_TURNS, NC_DRAM_OLDEST) ? NC_OK : NC_ERR_KIND;
}

/* Refreshes leave at least half of the time for requests: else a run might never end. */
static nc_status check_refresh(const nc_dram *d) {
    const nc_dram_gaps *const g = &d->gaps;
    if (d->refresh_interval == 0)
        return NC_OK;
    const int64_t row_cycle = (int64_t)g->activate_precharge_bank + g->read_precharge_bank + g->write_precharge_bank +
                              g->precharge_activate_bank + g->activate_read_bank + g->activate_write_bank;
    const int64_t busy = g->refresh_activate + d->ranks * row_cycle;
    return d->refresh_interval >= 2 * busy && d->refresh_interval >= d->ranks ? NC_OK : NC_ERR_SIZE;
}

nc_status nc_dram_check(const nc_dram *d) {
    nc_status status = check_structure(d);
    if (status == NC_OK)
        status = check_controller(d);
    if (status == NC_OK)
        status = check_gaps(&d->gaps);
    if (status == NC_OK && !between(d->refresh_interval, 0, NC_DRAM_MAX_CYCLES))
        status = NC_ERR_SIZE;
    return status == NC_OK ? check_refresh(d) : status;
}
