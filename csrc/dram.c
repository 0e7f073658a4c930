#include "dram.h"
#include "dram_queue.h"
#include <stddef.h>
#ifdef _MSC_VER
#include <intrin.h>
#endif

/* A command that a bank can take, the best of its wishes. */
typedef struct {
    int64_t at; /* NC_DRAM_NEVER: none */
    int32_t place;
    nc_dram_command command;
} option;

/* The command that goes out, if no better one is found. */
typedef struct {
    int32_t bank; /* -1: none */
    int64_t id;   /* of the request it serves */
    option made;
} offer;

/* Number of the lowest bit that is set; there is one. */
static int32_t lowest_bit(uint64_t mask) {
#ifdef _MSC_VER
    unsigned long at;
    _BitScanForward64(&at, mask);
    return (int32_t)at;
#else
    return __builtin_ctzll(mask);
#endif
}

static int64_t sooner(int64_t a, int64_t b) { return a < b ? a : b; }

uint64_t nc_dram_workspace(const nc_dram *d, int32_t outstanding) {
    nc_dram_controller c;
    return nc_dram_check(d) == NC_OK && outstanding >= 0 ? nc_dram_place(&c, d, outstanding, NULL) : 0;
}

/* When the bank may take the command and its command bus is free. */
static int64_t possible(const nc_dram_controller *c, int32_t bank, nc_dram_command command) {
    const int64_t at = nc_dram_earliest(&c->s, bank, command), bus = c->bus_free[nc_dram_is_column(command)];
    return at > bus ? at : bus;
}

/* Of the commands that can go out now the one for the oldest entry; if none can, the one that can soonest. */
static option choose(const nc_dram_controller *c, int32_t bank, int64_t now) {
    const nc_dram_wishes *const w = &c->wishes[bank];
    if (w->only >= 0) {
        const nc_dram_command command = (nc_dram_command)w->only;
        return (option){possible(c, bank, command), w->place[command], command};
    }
    option best = {NC_DRAM_NEVER, 0, NC_DRAM_ACTIVATE};
    for (nc_dram_command command = NC_DRAM_ACTIVATE; command < NC_DRAM_COMMANDS; command++) {
        if (w->place[command] < 0)
            continue;
        const int64_t at = possible(c, bank, command);
        const int older = at <= now && best.at <= now && w->place[command] < best.place;
        if (older || (at < best.at && best.at > now))
            best = (option){at, w->place[command], command};
    }
    return best;
}

static void take_bus(nc_dram_controller *c, int column, int32_t slots, int64_t now) {
    c->bus_free[column] = now + slots;
    if (!c->d->two_buses)
        c->bus_free[!column] = now + slots;
}

static void issue(nc_dram_controller *c, int32_t bank, const option *made, int64_t now) {
    const int column = nc_dram_is_column(made->command);
    const int32_t slots = column ? c->d->column_slots : made->command == NC_DRAM_ACTIVATE ? c->d->activate_slots : 1;
    nc_dram_issue(&c->s, bank, made->command, c->queue[(int64_t)bank * c->depth + made->place].row, now);
    take_bus(c, column, slots, now);
    if (column)
        nc_dram_serve(c, bank, made->place, now);
    nc_dram_wish(c, bank, now);
    c->turn = bank;
}

/* Bit 0 is the cycle after `now`. */
static uint64_t cycles_ahead(uint64_t used, int64_t now) {
    const int turn = (int)((now + 1) & 63);
    return turn == 0 ? used : used >> turn | used << (64 - turn);
}

/* Banks whose time comes by now join c->maybe. */
static void turn_wheel(nc_dram_controller *c, int64_t now) {
    uint64_t ahead = cycles_ahead(c->wheel_used, c->looked);
    if (now - c->looked < 64)
        ahead &= ((uint64_t)1 << (now - c->looked)) - 1;
    for (; ahead != 0; ahead &= ahead - 1) {
        const int64_t slot = (c->looked + 1 + lowest_bit(ahead)) & 63;
        for (int32_t word = 0; word < c->words; word++) {
            c->maybe[word] |= c->wheel[slot * c->words + word];
            c->wheel[slot * c->words + word] = 0;
        }
        c->wheel_used &= ~((uint64_t)1 << slot);
    }
    c->looked = now;
}

/* A bank's time comes later: it is looked at again then, or earlier if that is too far ahead. */
static void look_later(nc_dram_controller *c, int32_t bank, int64_t now) {
    const uint64_t bit = (uint64_t)1 << bank % 64;
    c->maybe[bank / 64] &= ~bit;
    if (c->ready[bank] == NC_DRAM_NEVER)
        return;
    const int64_t slot = (c->ready[bank] < now + 64 ? c->ready[bank] : now + 64) & 63;
    c->wheel[slot * c->words + bank / 64] |= bit;
    c->wheel_used |= (uint64_t)1 << slot;
}

/* The best command of the banks in `mask` (bit k is bank first + k) is put into *best; banks whose time turns out to
 * be later leave c->maybe. Returns whether the search is over: where banks take turns the first one that can go out is
 * the best. */
static int search(nc_dram_controller *c, uint64_t mask, int32_t first, int32_t held_rank, int64_t now, offer *best) {
    for (; mask != 0; mask &= mask - 1) {
        const int32_t bank = first + lowest_bit(mask);
        if (c->ready[bank] <= now) {
            if (c->s.rank_of[bank] == held_rank)
                continue;
            const option made = choose(c, bank, now);
            c->ready[bank] = made.at;
            if (made.at <= now) {
                const int64_t id = c->queue[(int64_t)bank * c->depth + made.place].id;
                if (best->bank < 0 || id < best->id)
                    *best = (offer){bank, id, made};
                if (c->d->arbitration == NC_DRAM_TURNS)
                    return 1;
                continue;
            }
        }
        look_later(c, bank, now);
    }
    return 0;
}

/* Finds the bank whose command goes out now, and issues it. Returns now if there was one, else when to try again.
 * Banks of `held_rank` wait for their refresh, and wake up otherwise. */
static int64_t issue_one(nc_dram_controller *c, int32_t held_rank, int64_t now) {
    const int32_t words = c->words, start = c->turn + 1 == c->bank_count ? 0 : c->turn + 1;
    const uint64_t from_start = ~(uint64_t)0 << start % 64;
    offer best = {-1, 0, {NC_DRAM_NEVER, 0, NC_DRAM_ACTIVATE}};
    int over = 0;
    turn_wheel(c, now);
    for (int32_t k = 0; k <= words && !over; k++) { /* the word of `start` comes twice: its end first, its begin last */
        const int32_t word = start / 64 + k < words ? start / 64 + k : start / 64 + k - words;
        const uint64_t part = k == 0 ? from_start : k == words ? ~from_start : ~(uint64_t)0;
        over = search(c, c->maybe[word] & part, word * 64, held_rank, now, &best);
    }
    if (best.bank < 0)
        return c->wheel_used == 0 ? NC_DRAM_NEVER : now + 1 + lowest_bit(cycles_ahead(c->wheel_used, now));
    issue(c, best.bank, &best.made, now);
    return now;
}

/* Refreshes the rank whose rows are all closed. */
static int64_t refresh_rank(nc_dram_controller *c, int64_t now) {
    const int64_t from = c->s.rank[c->refresh_rank].refresh;
    const int64_t at = from > c->bus_free[0] ? from : c->bus_free[0];
    if (at > now)
        return at;
    nc_dram_refresh(&c->s, c->refresh_rank, now);
    c->refreshes_due--;
    c->refresh_rank = c->refresh_rank + 1 == c->d->ranks ? 0 : c->refresh_rank + 1;
    take_bus(c, 0, 1, now);
    return now;
}

/* One step of the refresh that is due. Returns now if a command went out, else when to try again. */
static int64_t refresh_step(nc_dram_controller *c, int64_t now) {
    const int32_t size = c->d->groups * c->d->banks, first = c->refresh_rank * size;
    int64_t soonest = NC_DRAM_NEVER;
    if (c->s.rank[c->refresh_rank].open_rows == 0)
        return refresh_rank(c, now);
    for (int32_t bank = first; bank < first + size; bank++) {
        if (c->s.bank[bank].row < 0)
            continue;
        soonest = sooner(soonest, possible(c, bank, NC_DRAM_PRECHARGE));
        if (soonest <= now) {
            nc_dram_issue(&c->s, bank, NC_DRAM_PRECHARGE, 0, now);
            nc_dram_wish(c, bank, now + 1);
            take_bus(c, 0, 1, now);
            return now;
        }
    }
    return soonest;
}

static int32_t refresh_period(const nc_dram *d) {
    return d->refresh_together ? d->refresh_interval : d->refresh_interval / d->ranks;
}

static void note_refreshes(nc_dram_controller *c, int64_t now) {
    for (; c->next_refresh <= now; c->next_refresh += refresh_period(c->d))
        c->refreshes_due += c->d->refresh_together ? c->d->ranks : 1;
}

/* All that happens in one cycle after requests were accepted; returns the next one in which something can happen. */
static int64_t tick(nc_dram_controller *c, int64_t now) {
    int64_t wake = NC_DRAM_NEVER;
    note_refreshes(c, now);
    if (c->d->single_queue)
        nc_dram_choose_mode(c, now);
    const int32_t held_rank = c->refreshes_due > 0 ? c->refresh_rank : -1;
    if (held_rank >= 0)
        wake = refresh_step(c, now);
    const int64_t at = issue_one(c, held_rank, now);
    if (at == now && c->d->two_buses)
        issue_one(c, held_rank, now);
    wake = sooner(sooner(wake, at), c->next_refresh);
    if (c->may_move)
        c->may_move = nc_dram_move_one(c, now);
    return c->may_move || wake <= now ? now + 1 : wake;
}

static nc_status check_requests(const nc_dram_requests *r, int32_t bank_count) {
    for (int64_t k = 0; k < r->count; k++) {
        if (r->bank[k] < 0 || r->bank[k] >= bank_count || r->row[k] < 0)
            return NC_ERR_INDEX;
        if (r->arrival[k] < 0 || (k > 0 && r->arrival[k] < r->arrival[k - 1]))
            return NC_ERR_SIZE;
    }
    /* no request takes 2^28 cycles, refreshes included */
    if (r->count > INT64_MAX >> 30 || (r->count > 0 && r->arrival[r->count - 1] > INT64_MAX / 2))
        return NC_ERR_OVERFLOW;
    return NC_OK;
}

static nc_status check_run(const nc_dram *d, const nc_dram_requests *r, int32_t outstanding, const void *workspace) {
    const nc_status status = nc_dram_check(d);
    if (status != NC_OK)
        return status;
    if (outstanding < 0 || workspace == NULL || r->count < 0)
        return NC_ERR_SIZE;
    return check_requests(r, d->ranks * d->groups * d->banks);
}

static void start(nc_dram_controller *c, void *workspace) {
    nc_dram_place(c, c->d, c->outstanding, workspace);
    c->turn = c->bank_count - 1;
    c->next_refresh = c->d->refresh_interval == 0 ? NC_DRAM_NEVER : refresh_period(c->d);
}

static int is_empty(const nc_dram_controller *c) { return c->front_held[0] + c->front_held[1] + c->in_banks == 0; }

nc_status nc_dram_run(const nc_dram *d, const nc_dram_requests *requests, int32_t outstanding, void *workspace,
                      int64_t *accepted, int64_t *done, nc_dram_counts *counts) {
    nc_dram_controller c = {
        .d = d, .requests = requests, .accepted = accepted, .done = done, .outstanding = outstanding};
    const nc_status status = check_run(d, requests, outstanding, workspace);
    if (status != NC_OK)
        return status;
    start(&c, workspace);
    int64_t next = 0, now = 0;
    while (next < requests->count || !is_empty(&c)) {
        int64_t offer_at = now;
        while (next < requests->count && (offer_at = nc_dram_accept(&c, next, now)) == now)
            next++;
        if (next == requests->count && !c.all_accepted)
            c.all_accepted = c.may_move = 1; /* the last writes may go */
        const int64_t wake = tick(&c, now);
        now = offer_at > now ? sooner(wake, offer_at) : wake;
    }
    nc_dram_finish(&c.s, c.last);
    *counts = c.s.counts;
    return NC_OK;
}

/* All channels behind one door. */
typedef struct {
    nc_dram_controller c[NC_DRAM_MAX_CHANNELS];
    int64_t wake[NC_DRAM_MAX_CHANNELS]; /* next cycle in which the channel can do something */
    const int32_t *channel; /* of each request */
    int64_t *at_door; /* requests that wait at the door, oldest first */
    int64_t next; /* first request that is not there yet */
    int32_t channels, window, waiting;
} house;

/* Accepts what it can of the requests at the door from place `first` on, and closes the gaps. closed[channel][write]:
 * there was no room before. Returns when to try again. */
static int64_t let_in(house *h, int32_t first, uint8_t closed[][2], int64_t now) {
    int64_t again = NC_DRAM_NEVER;
    int32_t kept = first;
    for (int32_t k = first; k < h->waiting; k++) {
        const int64_t id = h->at_door[k];
        const int32_t channel = h->channel[id];
        uint8_t *const shut = &closed[channel][h->c[channel].requests->write[id] != 0];
        const int64_t at = *shut ? NC_DRAM_NEVER : nc_dram_accept(&h->c[channel], id, now);
        if (at == now) {
            h->wake[channel] = now;
            continue;
        }
        *shut = 1;
        again = sooner(again, at);
        h->at_door[kept++] = id;
    }
    h->waiting = kept;
    return again;
}

/* Fills the door's places and lets requests in until no more fit. Returns when to try again. */
static int64_t open_door(house *h, int64_t count, int64_t now) {
    uint8_t closed[NC_DRAM_MAX_CHANNELS][2] = {{0}};
    int64_t again = let_in(h, 0, closed, now);
    while (h->waiting < h->window && h->next < count) {
        const int32_t first = h->waiting;
        while (h->waiting < h->window && h->next < count)
            h->at_door[h->waiting++] = h->next++;
        again = sooner(again, let_in(h, first, closed, now));
    }
    for (int32_t k = 0; k < h->channels && h->next == count && h->waiting == 0; k++)
        if (!h->c[k].all_accepted) {
            h->c[k].all_accepted = h->c[k].may_move = 1; /* its last writes may go */
            h->wake[k] = now;
        }
    return again;
}

/* One cycle of all channels that have something to do; returns the next cycle. */
static int64_t tick_all(house *h, int64_t now) {
    int64_t soonest = NC_DRAM_NEVER;
    for (int32_t k = 0; k < h->channels; k++) {
        if (h->wake[k] <= now)
            h->wake[k] = tick(&h->c[k], now);
        soonest = sooner(soonest, h->wake[k]);
    }
    return soonest;
}

static int all_empty(const house *h) {
    int empty = 1;
    for (int32_t k = 0; k < h->channels; k++)
        empty &= is_empty(&h->c[k]);
    return empty;
}

static nc_status check_channels(const nc_dram_requests *r, const int32_t *channel, int32_t channels) {
    if (channels < 1 || channels > NC_DRAM_MAX_CHANNELS)
        return NC_ERR_SIZE;
    for (int64_t k = 0; k < r->count; k++)
        if (channel[k] < 0 || channel[k] >= channels)
            return NC_ERR_INDEX;
    return NC_OK;
}

uint64_t nc_dram_window_workspace(const nc_dram *d, int32_t channels, int32_t window, int32_t outstanding) {
    const uint64_t each = nc_dram_workspace(d, outstanding);
    const int fits = channels >= 1 && channels <= NC_DRAM_MAX_CHANNELS && window >= 1;
    return each > 0 && fits ? (uint64_t)channels * each + (uint64_t)window * sizeof(int64_t) : 0;
}

static void finish_all(house *h, nc_dram_counts *counts) {
    int64_t last = 0;
    for (int32_t k = 0; k < h->channels; k++)
        last = h->c[k].last > last ? h->c[k].last : last;
    for (int32_t k = 0; k < h->channels; k++) {
        nc_dram_finish(&h->c[k].s, last);
        counts[k] = h->c[k].s.counts;
    }
}

nc_status nc_dram_run_window(const nc_dram *d, const nc_dram_requests *requests, const int32_t *channel,
                             int32_t channels, int32_t window, int32_t outstanding, void *workspace, int64_t *accepted,
                             int64_t *done, nc_dram_counts *counts) {
    house h = {.channel = channel, .channels = channels, .window = window};
    const uint64_t bytes = nc_dram_workspace(d, outstanding);
    nc_status status = check_run(d, requests, outstanding, workspace);
    if (status == NC_OK)
        status = window < 1 ? NC_ERR_SIZE : check_channels(requests, channel, channels);
    if (status != NC_OK)
        return status;
    for (int32_t k = 0; k < channels; k++) {
        h.c[k] = (nc_dram_controller){
            .d = d, .requests = requests, .accepted = accepted, .done = done, .outstanding = outstanding};
        start(&h.c[k], (uint8_t *)workspace + (uint64_t)k * bytes);
    }
    h.at_door = (int64_t *)(void *)((uint8_t *)workspace + (uint64_t)channels * bytes);
    for (int64_t now = 0; h.next < requests->count || h.waiting > 0 || !all_empty(&h);) {
        const int64_t door = open_door(&h, requests->count, now);
        now = sooner(tick_all(&h, now), door);
    }
    finish_all(&h, counts);
    return NC_OK;
}
