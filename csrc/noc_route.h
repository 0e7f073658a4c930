/* What a cell does with the packet at its front: where it goes, which VCs it may ask for. Included by noc.c only. */
#ifndef NC_NOC_ROUTE_H
#define NC_NOC_ROUTE_H

#include "noc_way.h"

static void begin_tree(noc_run *run, int32_t router, int32_t cell, int64_t packet) {
    const int32_t at = router * run->cells + cell;
    run->state[at] = TREE;
    run->row[at] = tree_row(run->burst, run->burst->tree[packet], router);
    run->popped[at] = 0;
    for (uint64_t ports = run->burst->tree_ports[run->row[at]]; ports != 0; ports &= ports - 1) {
        const int32_t branch = at * run->ports + lowest_bit(ports);
        run->branch_vc[branch] = NO_VC;
        run->branch_sent[branch] = 0;
    }
}

/* The packet at the front of a cell may ask for output VCs from now on. */
NOC_INLINE void ask(noc_run *run, int32_t router, int32_t cell) {
    const int32_t at = router * run->cells + cell;
    if (run->state[at] == SINGLE) {
        set_wait(run, router, run->port[at] & 127, run->port[at] >> 7, cell);
        return;
    }
    const int64_t row = run->row[at];
    for (uint64_t ports = run->burst->tree_ports[row]; ports != 0; ports &= ports - 1) {
        const int port = lowest_bit(ports);
        set_wait(run, router, port, port < run->links && (run->burst->tree_high[row] >> port & 1), cell);
    }
}

/* A packet has come to the front of a cell; `when`: the cycle from which its route may be computed. */
NOC_INLINE void open_front(noc_run *run, int32_t router, int32_t cell, int64_t when) {
    const int32_t at = router * run->cells + cell;
    const int64_t packet = run->flits[(int64_t)at * run->net->depth + run->first[at]] >> 1;
    if (run->burst->tree != NULL && run->burst->tree[packet] >= 0) {
        begin_tree(run, router, cell, packet);
    } else {
        run->state[at] = SINGLE;
        run->port[at] = port_of(run, router, run->way[packet]);
        run->vc[at] = NO_VC;
    }
    if (run->net->routing_delay == 0)
        ask(run, router, cell);
    else
        schedule(run, when + run->net->routing_delay, READY, router, cell, 0);
}

/* Whether a branch of a tree has a flit to send: one that is in the buffer and has not been sent that way. */
NOC_INLINE int branch_has_flit(const noc_run *run, int32_t at, int32_t port) {
    const int32_t ahead = run->branch_sent[at * run->ports + port] - run->popped[at];
    if (ahead >= run->count[at])
        return 0;
    if (ahead == 0)
        return 1;
    int32_t before = run->first[at] + ahead - 1; /* not beyond the tail: the flit before this one is none */
    before -= before >= run->net->depth ? run->net->depth : 0;
    return !(run->flits[(int64_t)at * run->net->depth + before] & 1);
}

#endif
