/* Flits and credits on the move: what an event does when it is due, a flit through the switch, a flit from a source.
 * Included by noc.c only. */
#ifndef NC_NOC_MOVE_H
#define NC_NOC_MOVE_H

#include "noc_route.h"

NOC_INLINE int has_credit(const noc_run *run, int32_t router, int32_t output, int32_t vc) {
    return run->credits[router * run->cells + output * run->vcs + vc] > 0;
}

NOC_INLINE void receive_flit(noc_run *run, int32_t router, int32_t cell, uint32_t flit) {
    const int32_t at = router * run->cells + cell, depth = run->net->depth;
    NC_ASSERT(run->count[at] < depth);
    touch(run, router);
    int32_t last = run->first[at] + run->count[at];
    last -= last >= depth ? depth : 0;
    run->flits[(int64_t)at * depth + last] = flit;
    run->count[at]++;
    run->result->port_wait[router * run->ports + cell / run->vcs] -= run->now;
    if (run->state[at] == IDLE) {
        open_front(run, router, cell, run->now);
    } else if (run->state[at] == SINGLE) {
        const int32_t output = run->port[at] & 127;
        if (run->count[at] == 1 && run->vc[at] != NO_VC && has_credit(run, router, output, run->vc[at]))
            set_bid(run, router, output, cell);
    } else {
        for (uint64_t ports = run->burst->tree_ports[run->row[at]]; ports != 0; ports &= ports - 1) {
            const int port = lowest_bit(ports);
            const uint8_t vc = run->branch_vc[at * run->ports + port];
            if (vc != NO_VC && branch_has_flit(run, at, port) && has_credit(run, router, port, vc))
                set_bid(run, router, port, cell);
        }
    }
}

NOC_INLINE void receive_credit(noc_run *run, int32_t router, int32_t output_vc) {
    const int32_t at = router * run->cells + output_vc;
    NC_ASSERT(run->credits[at] < run->net->depth);
    if (run->credits[at]++ > 0)
        return;
    const int32_t output = output_vc / run->vcs, vc = output_vc - output * run->vcs;
    const int32_t out = router * run->ports + output;
    run->vc_credit[out] |= (uint32_t)1 << vc;
    if (run->vc_free[out] >> vc & 1) {
        if (run->wait_ports[router] >> output & 1)
            wake(run, router);
        return;
    }
    const int32_t cell = run->owner[at], owner = router * run->cells + cell;
    if (run->state[owner] == SINGLE ? run->count[owner] > 0 : branch_has_flit(run, owner, output))
        set_bid(run, router, output, cell);
}

NOC_INLINE void start_sending(noc_run *run, int32_t core) {
    if (run->is_sending[core])
        return;
    run->is_sending[core] = 1;
    run->sending[run->sending_count++] = core;
}

NOC_INLINE void receive_source_credit(noc_run *run, int32_t core, int32_t vc) {
    NC_ASSERT(run->source_credits[core * run->vcs + vc] < run->net->depth);
    run->source_credits[core * run->vcs + vc]++;
    run->source_credit[core] |= (uint32_t)1 << vc;
    start_sending(run, core);
}

NOC_INLINE void handle_events(noc_run *run) {
    const int32_t slot = (int32_t)(run->now & (run->slots - 1));
    int32_t id = run->slot[slot];
    run->slot[slot] = NO_EVENT;
    run->slot_used[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
    while (id != NO_EVENT) {
        noc_event *const event = &run->events[id];
        const int32_t router = (int32_t)(event->where >> 6 & 0x7fffff), index = (int32_t)(event->where & 63);
        const int32_t next = event->next;
        switch (event->where >> 29) {
        case FLIT:
            receive_flit(run, router, index, event->flit);
            break;
        case CREDIT:
            receive_credit(run, router, index);
            break;
        case SOURCE_CREDIT:
            receive_source_credit(run, router * run->net->locals + index / run->vcs, index % run->vcs);
            break;
        case READY:
            ask(run, router, index);
            break;
        default:
            run->closed[router] &= ~((uint64_t)1 << index);
            if (run->bid_ports[router] != 0 || run->wait_ports[router] != 0)
                wake(run, router);
        }
        event->next = run->event_free;
        run->event_free = id;
        run->in_flight--;
        id = next;
    }
}

/* The slot of the front flit is free again: tell whoever fills it, and go on to the next packet after a tail. */
NOC_INLINE void free_slot(noc_run *run, int32_t router, int32_t cell, int is_tail, int32_t pipeline) {
    const int32_t at = router * run->cells + cell, port = cell / run->vcs, vc = cell - port * run->vcs;
    run->first[at] = (uint16_t)(run->first[at] + 1 == run->net->depth ? 0 : run->first[at] + 1);
    run->count[at]--;
    run->result->port_wait[router * run->ports + port] += run->now - pipeline;
    if (port >= run->links) {
        schedule(run, run->now + 3, SOURCE_CREDIT, router, cell - run->links * run->vcs, 0);
    } else {
        const int32_t link = router * run->links + port; /* the one that leads back */
        const int32_t upstream = run->neighbour[link], output = run->back[link];
        const int64_t delay = 1 + run->net->credit_delay + run->net->link_latency[upstream * run->links + output];
        schedule(run, run->now + delay, CREDIT, upstream, output * run->vcs + vc, 0);
    }
    if (!is_tail)
        return;
    run->state[at] = IDLE;
    if (run->count[at] > 0)
        open_front(run, router, cell, run->now + 1);
}

static void deliver(noc_run *run, int64_t packet, int32_t core) {
    const int64_t at = delivery_of(run->burst, packet, core);
    run->result->delivered += run->burst->delivery_core[at] == core && run->result->arrival[at] < 0;
    run->result->arrival[at] = run->now + 4;
    run->result->drain = run->now + 4 > run->result->drain ? run->now + 4 : run->result->drain;
}

/* A flit leaves by an output; is_tail: the output VC is free from the next cycle on. */
NOC_INLINE void emit(noc_run *run, int32_t router, int32_t output, int32_t vc, uint32_t flit) {
    const int32_t out = router * run->ports + output, at = router * run->cells + output * run->vcs + vc;
    if (--run->credits[at] == 0)
        run->vc_credit[out] &= ~((uint32_t)1 << vc);
    if (flit & 1)
        run->vc_free[out] |= (uint32_t)1 << vc;
    run->result->flit_hops++;
    if (output >= run->links) {
        schedule(run, run->now + 5 + run->net->credit_delay, CREDIT, router, output * run->vcs + vc, 0);
        if (flit & 1)
            deliver(run, flit >> 1, router * run->net->locals + output - run->links);
        return;
    }
    const int32_t link = router * run->links + output;
    run->result->link_flits[link]++;
    if (run->net->link_interval[link] > 1) {
        run->closed[router] |= (uint64_t)1 << output;
        schedule(run, run->now + run->net->link_interval[link], OPEN, router, output, 0);
    }
    const int64_t arrival = run->now + 2 + run->net->link_latency[link];
    schedule(run, arrival, FLIT, run->neighbour[link], run->back[link] * run->vcs + vc, flit);
}

static void pass_tree(noc_run *run, int32_t router, int32_t cell, int32_t output, int32_t pipeline) {
    const int32_t at = router * run->cells + cell, branch = at * run->ports + output, depth = run->net->depth;
    const uint8_t vc = run->branch_vc[branch];
    if (vc == NO_VC || !has_credit(run, router, output, vc))
        return;
    int32_t here = run->first[at] + run->branch_sent[branch] - run->popped[at];
    here -= here >= depth ? depth : 0;
    const uint32_t flit = run->flits[(int64_t)at * depth + here];
    emit(run, router, output, vc, flit);
    run->branch_sent[branch]++;
    if ((flit & 1) || !branch_has_flit(run, at, output) || !has_credit(run, router, output, vc))
        clear_bid(run, router, output, cell);
    for (uint64_t ports = run->burst->tree_ports[run->row[at]]; ports != 0; ports &= ports - 1)
        if (run->branch_sent[at * run->ports + lowest_bit(ports)] == run->popped[at])
            return;
    run->popped[at]++;
    free_slot(run, router, cell, run->flits[(int64_t)at * depth + run->first[at]] & 1, pipeline);
}

/* The switch lets a flit through, unless speculation was in vain. */
NOC_INLINE void pass_flit(noc_run *run, int32_t router, int32_t cell, int32_t output, int32_t pipeline) {
    const int32_t at = router * run->cells + cell;
    if (run->state[at] == TREE) {
        pass_tree(run, router, cell, output, pipeline);
        return;
    }
    const uint8_t vc = run->vc[at];
    if (vc == NO_VC || !has_credit(run, router, output, vc))
        return;
    const uint32_t flit = run->flits[(int64_t)at * run->net->depth + run->first[at]];
    emit(run, router, output, vc, flit);
    if ((flit & 1) || run->count[at] == 1 || !has_credit(run, router, output, vc))
        clear_bid(run, router, output, cell);
    free_slot(run, router, cell, flit & 1, pipeline);
}

/* The input VC for a core's next flit of a class, or NO_VC if that has to wait for a credit or a packet. */
NOC_INLINE int32_t vc_for_source(noc_run *run, int32_t core, int32_t queue) {
    const int32_t packet = run->queue_head[queue], vcs = run->vcs;
    if (packet < 0)
        return NO_VC;
    if (run->source_vc[queue] == NO_VC) {
        const uint32_t fit = run->source_free[core] & run->source_credit[core];
        if (fit == 0)
            return NO_VC;
        const int32_t last = run->last_vc[queue];
        const int32_t vc = first_from(fit, last == NO_VC || last + 1 == vcs ? 0 : last + 1);
        run->source_vc[queue] = run->last_vc[queue] = (uint8_t)vc;
        run->source_free[core] &= ~((uint32_t)1 << run->source_vc[queue]);
        run->flits_left[queue] = run->burst->flits[packet];
        run->result->inject[packet] = run->now;
    }
    const int32_t vc = run->source_vc[queue];
    return run->source_credits[core * vcs + vc] > 0 ? vc : NO_VC;
}

NOC_INLINE void send_into(noc_run *run, int32_t core, int32_t queue, int32_t vc) {
    const int32_t packet = run->queue_head[queue], vcs = run->vcs, locals = run->net->locals, router = core / locals;
    if (--run->source_credits[core * vcs + vc] == 0)
        run->source_credit[core] &= ~((uint32_t)1 << vc);
    const uint32_t is_tail = --run->flits_left[queue] == 0;
    const int32_t cell = (run->links + core - router * locals) * vcs + vc;
    schedule(run, run->now + 1, FLIT, router, cell, (uint32_t)packet << 1 | is_tail);
    if (is_tail) {
        run->source_free[core] |= (uint32_t)1 << vc;
        run->source_vc[queue] = NO_VC;
        run->queue_head[queue] = run->queue_next[packet];
    }
}

/* One flit from a core's queues into its router; 0 if nothing moves until a credit or a packet comes. */
NOC_INLINE int send_flit(noc_run *run, int32_t core) {
    const int32_t classes = run->burst->classes;
    for (int32_t k = 1; k <= classes; k++) {
        int32_t class = run->last_class[core] + k;
        class -= class >= classes ? classes : 0;
        const int32_t queue = core * NC_NOC_CLASSES + class, vc = vc_for_source(run, core, queue);
        if (vc != NO_VC) {
            send_into(run, core, queue, vc);
            run->last_class[core] = (uint8_t)class;
            return classes > 1 || run->queue_head[queue] >= 0;
        }
    }
    return 0;
}

#endif
