#include "dram_queue.h"
#include <stddef.h>
#include <string.h>

static void *take(uint8_t *memory, uint64_t *used, uint64_t count, uint64_t size) {
    void *const here = memory == NULL ? NULL : memory + *used;
    *used += (count * size + 63) / 64 * 64;
    return here;
}

uint64_t nc_dram_place(nc_dram_controller *c, const nc_dram *d, int32_t outstanding, uint8_t *memory) {
    const uint64_t banks = (uint64_t)d->ranks * (uint64_t)d->groups * (uint64_t)d->banks;
    uint64_t used = 0;
    void *const state = take(memory, &used, 1, nc_dram_state_bytes(d));
    c->bank_count = (int32_t)banks;
    c->words = (c->bank_count + 63) / 64;
    c->depth = d->single_queue ? d->read_queue + d->write_queue : d->bank_queue; /* all may be for one bank */
    c->ready = take(memory, &used, banks, sizeof(int64_t));
    c->maybe = take(memory, &used, (uint64_t)c->words, sizeof(uint64_t));
    c->wheel = take(memory, &used, 64 * (uint64_t)c->words, sizeof(uint64_t));
    c->wishes = take(memory, &used, banks, sizeof(nc_dram_wishes));
    c->queue = take(memory, &used, banks * (uint64_t)c->depth, sizeof(nc_dram_waiting));
    c->held = take(memory, &used, banks, sizeof(int32_t));
    c->front[0] = take(memory, &used, (uint64_t)d->read_queue, sizeof(int64_t));
    c->front[1] = take(memory, &used, (uint64_t)d->write_queue, sizeof(int64_t));
    c->returns = take(memory, &used, (uint64_t)outstanding, sizeof(int64_t));
    if (memory == NULL)
        return used;
    nc_dram_reset(d, state, &c->s);
    memset(c->maybe, 0, sizeof(uint64_t) * (size_t)c->words);
    memset(c->wheel, 0, 64 * sizeof(uint64_t) * (size_t)c->words);
    c->looked = -1;
    for (int32_t b = 0; b < c->bank_count; b++) {
        c->ready[b] = NC_DRAM_NEVER;
        c->held[b] = 0;
    }
    return used;
}

/* Whether a queue entry may be served. */
static int eligible(const nc_dram_controller *c, const nc_dram_waiting *entry) {
    return !c->d->single_queue || entry->write == c->write_mode;
}

/* The places of the oldest entry that may be served, and of the oldest row hits by a read and by a write. */
static int16_t find_places(const nc_dram_controller *c, int32_t bank, nc_dram_wishes *w) {
    const nc_dram_waiting *const queue = c->queue + (int64_t)bank * c->depth;
    const int32_t row = c->s.bank[bank].row;
    int16_t first = -1;
    for (int16_t k = 0; k < c->held[bank]; k++) {
        if (!eligible(c, &queue[k]))
            continue;
        if (first < 0)
            first = k;
        int16_t *const column = &w->place[queue[k].write ? NC_DRAM_WRITE : NC_DRAM_READ];
        if (queue[k].row == row && *column < 0)
            *column = k;
        if (row < 0)
            break;
    }
    return first;
}

void nc_dram_wish(nc_dram_controller *c, int32_t bank, int64_t from) {
    const nc_dram_bank *const b = &c->s.bank[bank];
    nc_dram_wishes w = {{-1, -1, -1, -1}, -1};
    const int16_t first = find_places(c, bank, &w);
    const int hits = (w.place[NC_DRAM_READ] >= 0) + (w.place[NC_DRAM_WRITE] >= 0);
    const int capped = c->d->row_hit_cap > 0 && b->row_hits >= c->d->row_hit_cap;
    const int misses = first >= 0 && c->queue[(int64_t)bank * c->depth + first].row != b->row;
    if (b->row < 0)
        w.place[NC_DRAM_ACTIVATE] = first;
    else if (misses && (capped || hits == 0))
        w.place[NC_DRAM_PRECHARGE] = first;
    if (hits == 0 && first >= 0)
        w.only = b->row < 0 ? NC_DRAM_ACTIVATE : NC_DRAM_PRECHARGE;
    else if (hits == 1 && w.place[NC_DRAM_PRECHARGE] < 0)
        w.only = w.place[NC_DRAM_READ] >= 0 ? NC_DRAM_READ : NC_DRAM_WRITE;
    c->wishes[bank] = w;
    c->ready[bank] = first < 0 ? NC_DRAM_NEVER : from;
    c->maybe[bank / 64] |= (uint64_t)1 << bank % 64;
}

/* Reads that have come back make room for others. */
static void collect_returns(nc_dram_controller *c, int64_t now) {
    while (c->on_way > 0 && c->returns[c->oldest_return] <= now) {
        c->oldest_return = c->oldest_return + 1 == c->outstanding ? 0 : c->oldest_return + 1;
        c->on_way--;
        c->reads_inside--;
    }
}

/* Puts a request into the queue of its bank, from where it may be served in cycle `from`. */
static void queue_up(nc_dram_controller *c, int64_t id, int64_t from) {
    const int32_t bank = c->requests->bank[id];
    const uint8_t write = c->requests->write[id] != 0;
    NC_ASSERT(c->held[bank] < c->depth);
    c->queue[(int64_t)bank * c->depth + c->held[bank]++] = (nc_dram_waiting){id, c->requests->row[id], write};
    c->in_banks++;
    nc_dram_wish(c, bank, from);
}

static int has_room(const nc_dram_controller *c, int write) {
    const int32_t room = write ? c->d->write_queue : c->d->read_queue;
    return (c->d->single_queue ? c->in_single[write] : c->front_held[write]) < room;
}

int64_t nc_dram_accept(nc_dram_controller *c, int64_t id, int64_t now) {
    const int write = c->requests->write[id] != 0;
    if (c->requests->arrival[id] > now)
        return c->requests->arrival[id];
    if (!has_room(c, write))
        return NC_DRAM_NEVER;
    collect_returns(c, now);
    if (!write && c->outstanding > 0 && c->reads_inside >= c->outstanding)
        return c->on_way > 0 ? c->returns[c->oldest_return] : NC_DRAM_NEVER;
    c->reads_inside += c->outstanding > 0 && !write;
    c->accepted[id] = now;
    if (c->d->single_queue) {
        c->in_single[write]++;
        queue_up(c, id, now);
    } else {
        c->front[write][c->front_held[write]++] = id;
        c->may_move = 1;
    }
    return now;
}

static void choose_front(nc_dram_controller *c) {
    const int32_t writes = c->front_held[1];
    if (c->draining > 0)
        return;
    const int no_reads_left = c->all_accepted && c->front_held[0] == 0;
    if (writes >= c->d->write_high || (c->in_banks == 0 && writes > c->d->write_low) || (no_reads_left && writes > 0))
        c->draining = writes;
}

int nc_dram_move_one(nc_dram_controller *c, int64_t now) {
    choose_front(c);
    const int write = c->draining > 0;
    int64_t *const front = c->front[write];
    for (int32_t k = 0; k < c->front_held[write]; k++) {
        if (c->held[c->requests->bank[front[k]]] == c->depth)
            continue;
        queue_up(c, front[k], now + 1);
        c->front_held[write]--;
        memmove(front + k, front + k + 1, sizeof(int64_t) * (size_t)(c->front_held[write] - k));
        c->draining -= write;
        return 1;
    }
    return 0;
}

void nc_dram_choose_mode(nc_dram_controller *c, int64_t now) {
    const int32_t reads = c->in_single[0], writes = c->in_single[1];
    const int change = c->write_mode ? writes <= c->d->write_low && reads > 0
                                     : writes > 0 && (writes >= c->d->write_high || reads == 0);
    if (!change)
        return;
    c->write_mode = !c->write_mode;
    for (int32_t b = 0; b < c->bank_count; b++)
        if (c->held[b] > 0)
            nc_dram_wish(c, b, now);
}

void nc_dram_serve(nc_dram_controller *c, int32_t bank, int32_t place, int64_t now) {
    nc_dram_waiting *const queue = c->queue + (int64_t)bank * c->depth;
    const nc_dram_gaps *const gap = &c->d->gaps;
    const int write = queue[place].write;
    const int64_t end = now + (write ? gap->write_data : gap->read_data + c->d->front_cycles);
    c->done[queue[place].id] = end;
    c->last = end > c->last ? end : c->last;
    if (!write && c->outstanding > 0) {
        const int32_t put = c->oldest_return + c->on_way++;
        c->returns[put < c->outstanding ? put : put - c->outstanding] = end;
    }
    c->held[bank]--;
    memmove(queue + place, queue + place + 1, sizeof(nc_dram_waiting) * (size_t)(c->held[bank] - place));
    c->in_single[write] -= c->d->single_queue;
    c->in_banks--;
    c->may_move = 1;
}
