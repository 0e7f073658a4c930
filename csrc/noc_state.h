/* State of a running network as flat arrays, and the words all its parts use. Included by noc.c only.
 *
 * A cell is an input VC: router * cells + port * vcs + vc. Sets of cells of one router are 64-bit masks, in one of
 * two orders: natural (port * vcs + vc), in which VCs are allocated, and by switch input (the VCs of a port that
 * share a switch input lie together), in which the switch is allocated. Without input speed-up they are the same.
 */
#ifndef NC_NOC_STATE_H
#define NC_NOC_STATE_H

#include "noc.h"
#include <stddef.h>

#if defined(_MSC_VER)
#include <intrin.h>
#define NOC_INLINE static __forceinline
static __forceinline int lowest_bit(uint64_t mask) {
    unsigned long at;
    _BitScanForward64(&at, mask);
    return (int)at;
}
#else
#define NOC_INLINE static inline __attribute__((always_inline))
NOC_INLINE int lowest_bit(uint64_t mask) { return __builtin_ctzll(mask); }
#endif

enum { NO_VC = 255, NO_EVENT = -1 };
enum { IDLE = 0, SINGLE = 1, TREE = 2 };                            /* state of a cell */
enum { FLIT = 0, CREDIT = 1, SOURCE_CREDIT = 2, READY = 3, OPEN = 4 }; /* kinds of events */

typedef struct {
    int32_t next;
    uint32_t where; /* kind << 29 | router << 6 | cell or output VC or output */
    uint32_t flit;  /* packet << 1 | tail */
} noc_event;

typedef struct {
    const nc_noc *net;
    const nc_noc_burst *burst;
    nc_noc_result *result;
    int32_t routers, links, ports, vcs, cells, groups, group_size, cores;
    int64_t now, in_flight; /* in_flight: events in the wheel */
    uint32_t every_vc, range[2];      /* output VCs for each class of a link's packets */
    uint8_t switch_bit[64], natural[64], group_of[64], next_in_group[64];

    /* the wheel: events of the next `slots` cycles */
    int32_t slots, event_top, event_free;
    int64_t event_capacity;
    int32_t *slot;
    uint64_t *slot_used;
    noc_event *events;

    /* routers */
    int32_t active_count, touched_count;
    int32_t *active, *touched;
    uint8_t *is_active, *is_touched;
    uint32_t *place;     /* x | y << 16 */
    uint8_t *level;      /* of a tree */
    int32_t *neighbour;  /* per link; -1: none */
    uint8_t *back;       /* per link: the input that it leads to, which is the output that leads back */
    uint64_t *bid_ports; /* outputs with a bid */
    uint64_t *wait_ports;
    uint64_t *closed; /* outputs whose link has just taken a flit and takes no other yet */

    /* outputs: router * ports + port */
    uint64_t *bids;         /* by switch input: cells that could send a flit there now */
    uint64_t *waits;        /* natural, 2 per output (class): cells whose head waits for a VC there */
    uint64_t *hopes;        /* the same cells by switch input */
    uint32_t *vc_free, *vc_credit; /* output VCs that belong to nobody; that have a credit */
    uint8_t *switch_grant;  /* bit from which the next round-robin search starts */

    /* output VCs, counted like cells */
    uint16_t *credits;
    uint8_t *owner, *vc_grant;

    /* cells */
    uint8_t *state, *port, *vc, *vc_accept; /* port: output | class << 7 */
    uint16_t *first, *count;
    uint32_t *flits; /* depth per cell */

    /* switch inputs */
    uint8_t *group_next, *switch_accept;

    /* cells with trees: row of the tree table, flits gone, and per branch VC and flits sent */
    int64_t *row;
    uint16_t *popped, *branch_sent;
    uint8_t *branch_vc;

    /* sources */
    int32_t sending_count;
    int32_t *sending;
    uint8_t *is_sending, *last_class;
    uint32_t *source_free, *source_credit;
    uint16_t *source_credits;

    /* their queues: core * NC_NOC_CLASSES + class */
    int32_t *queue_head, *queue_tail, *flits_left;
    uint8_t *source_vc, *last_vc;

    /* packets */
    int32_t *queue_next;
    uint32_t *way; /* x | y << 10 | local << 20 | west << 26 | north << 27 | class in x << 28 | class in y << 29 */
} noc_run;

/* The first member of a set at or after `start`, going round. */
NOC_INLINE int first_from(uint64_t mask, int start) {
    const uint64_t later = mask >> start << start;
    return lowest_bit(later != 0 ? later : mask);
}

NOC_INLINE void schedule(noc_run *run, int64_t at, int kind, int32_t router, int32_t index, uint32_t flit) {
    const int32_t slot = (int32_t)(at & (run->slots - 1));
    int32_t id = run->event_free;
    if (id != NO_EVENT)
        run->event_free = run->events[id].next;
    else
        id = run->event_top++;
    NC_ASSERT(id < run->event_capacity);
    noc_event *const event = &run->events[id];
    event->next = run->slot[slot];
    event->where = (uint32_t)kind << 29 | (uint32_t)router << 6 | (uint32_t)index;
    event->flit = flit;
    run->slot[slot] = id;
    run->slot_used[slot >> 6] |= (uint64_t)1 << (slot & 63);
    run->in_flight++;
}

/* A router whose state is no longer that of rest. */
NOC_INLINE void touch(noc_run *run, int32_t router) {
    if (run->is_touched[router])
        return;
    run->is_touched[router] = 1;
    run->touched[run->touched_count++] = router;
}

/* A router that has something to do; it has been touched before. */
NOC_INLINE void wake(noc_run *run, int32_t router) {
    if (run->is_active[router])
        return;
    run->is_active[router] = 1;
    run->active[run->active_count++] = router;
}

NOC_INLINE void set_bid(noc_run *run, int32_t router, int32_t output, int32_t cell) {
    run->bids[router * run->ports + output] |= (uint64_t)1 << run->switch_bit[cell];
    run->bid_ports[router] |= (uint64_t)1 << output;
    wake(run, router);
}

NOC_INLINE void clear_bid(noc_run *run, int32_t router, int32_t output, int32_t cell) {
    uint64_t *const bids = &run->bids[router * run->ports + output];
    *bids &= ~((uint64_t)1 << run->switch_bit[cell]);
    if (*bids == 0)
        run->bid_ports[router] &= ~((uint64_t)1 << output);
}

NOC_INLINE void set_wait(noc_run *run, int32_t router, int32_t output, int high, int32_t cell) {
    const int32_t at = (router * run->ports + output) * 2 + high;
    run->waits[at] |= (uint64_t)1 << cell;
    run->hopes[at] |= (uint64_t)1 << run->switch_bit[cell];
    run->wait_ports[router] |= (uint64_t)1 << output;
    wake(run, router);
}

NOC_INLINE void clear_wait(noc_run *run, int32_t router, int32_t output, int32_t cell) {
    const int32_t at = (router * run->ports + output) * 2;
    const uint64_t keep = ~((uint64_t)1 << cell), keep_hope = ~((uint64_t)1 << run->switch_bit[cell]);
    run->waits[at] &= keep;
    run->waits[at + 1] &= keep;
    run->hopes[at] &= keep_hope;
    run->hopes[at + 1] &= keep_hope;
    if ((run->waits[at] | run->waits[at + 1]) == 0)
        run->wait_ports[router] &= ~((uint64_t)1 << output);
}

/* Output VCs that packets of a class may use at an output. */
NOC_INLINE uint32_t range_of(const noc_run *run, int32_t output, int high) {
    return output < run->links ? run->range[high] : run->every_vc;
}

#endif
