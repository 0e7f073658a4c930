#include "noc_allocate.h"
#include <string.h>

static int32_t longest_delay(const nc_noc *net) {
    int32_t longest = net->routing_delay + 1 > 5 + net->credit_delay ? net->routing_delay + 1 : 5 + net->credit_delay;
    for (int64_t link = 0; link < (int64_t)nc_noc_routers(net) * nc_noc_links(net); link++) {
        const int32_t there = net->link_latency[link] + 2 + net->credit_delay;
        longest = there > longest ? there : longest;
        longest = net->link_interval[link] > longest ? net->link_interval[link] : longest;
    }
    return longest;
}

static void set_sizes(noc_run *run, const nc_noc *net) {
    memset(run, 0, sizeof *run);
    run->net = net;
    run->routers = nc_noc_routers(net);
    run->links = nc_noc_links(net);
    run->ports = run->links + net->locals;
    run->vcs = net->vcs;
    run->cells = run->ports * net->vcs;
    run->groups = run->ports * net->input_speedup;
    run->group_size = (net->vcs + net->input_speedup - 1) / net->input_speedup;
    run->cores = run->routers * net->locals;
    run->every_vc = (uint32_t)(((uint64_t)1 << net->vcs) - 1);
    const int split = net->torus || net->halves;
    run->range[0] = split ? run->every_vc >> net->vcs / 2 : run->every_vc;
    run->range[1] = run->every_vc & ~run->range[0]; /* BookSim2 gives an odd VC to both, by which rings can block */
    for (run->slots = 64; run->slots <= longest_delay(net);)
        run->slots *= 2;
    run->event_free = NO_EVENT;
}

/* vc -> its place among the VCs that share a switch input, and where the next search in that group starts. */
static void set_orders(noc_run *run) {
    const int32_t speedup = run->net->input_speedup;
    for (int32_t cell = 0; cell < run->cells; cell++) {
        const int32_t vc = cell % run->vcs, group = cell / run->vcs * speedup + vc % speedup;
        const int32_t bit = group * run->group_size + vc / speedup;
        const int32_t offset = (vc + speedup) % run->vcs, members = (run->vcs - vc % speedup + speedup - 1) / speedup;
        const int32_t next = offset > vc % speedup ? (offset - vc % speedup + speedup - 1) / speedup : 0;
        run->switch_bit[cell] = (uint8_t)bit;
        run->natural[bit] = (uint8_t)cell;
        run->next_in_group[bit] = (uint8_t)(next < members ? next : 0);
    }
    for (int32_t bit = 0; bit < run->groups * run->group_size; bit++)
        run->group_of[bit] = (uint8_t)(bit / run->group_size);
}

static void place_routers(noc_run *run, arena *a) {
    const int64_t routers = run->routers, outputs = routers * run->ports, cells = routers * run->cells;
    run->active = take(a, routers, sizeof *run->active);
    run->touched = take(a, routers, sizeof *run->touched);
    run->is_active = take(a, routers, 1);
    run->is_touched = take(a, routers, 1);
    run->place = take(a, routers, sizeof *run->place);
    run->level = take(a, routers, 1);
    run->neighbour = take(a, routers * run->links, sizeof *run->neighbour);
    run->back = take(a, routers * run->links, 1);
    run->bid_ports = take(a, routers, sizeof *run->bid_ports);
    run->wait_ports = take(a, routers, sizeof *run->wait_ports);
    run->closed = take(a, routers, sizeof *run->closed);
    run->bids = take(a, outputs, sizeof *run->bids);
    run->waits = take(a, 2 * outputs, sizeof *run->waits);
    run->hopes = take(a, 2 * outputs, sizeof *run->hopes);
    run->vc_free = take(a, outputs, sizeof *run->vc_free);
    run->vc_credit = take(a, outputs, sizeof *run->vc_credit);
    run->switch_grant = take(a, outputs, 1);
    run->credits = take(a, cells, sizeof *run->credits);
    run->owner = take(a, cells, 1);
    run->vc_grant = take(a, cells, 1);
    run->state = take(a, cells, 1);
    run->port = take(a, cells, 1);
    run->vc = take(a, cells, 1);
    run->vc_accept = take(a, cells, 1);
    run->first = take(a, cells, sizeof *run->first);
    run->count = take(a, cells, sizeof *run->count);
    run->group_next = take(a, routers * run->groups, 1);
    run->switch_accept = take(a, routers * run->groups, 1);
}

static void place_sources(noc_run *run, arena *a) {
    const int64_t cores = run->cores;
    run->sending = take(a, cores, sizeof *run->sending);
    run->is_sending = take(a, cores, 1);
    run->last_class = take(a, cores, 1);
    run->source_free = take(a, cores, sizeof *run->source_free);
    run->source_credit = take(a, cores, sizeof *run->source_credit);
    run->source_credits = take(a, cores * run->vcs, sizeof *run->source_credits);
    run->queue_head = take(a, cores * NC_NOC_CLASSES, sizeof *run->queue_head);
    run->queue_tail = take(a, cores * NC_NOC_CLASSES, sizeof *run->queue_tail);
    run->flits_left = take(a, cores * NC_NOC_CLASSES, sizeof *run->flits_left);
    run->source_vc = take(a, cores * NC_NOC_CLASSES, 1);
    run->last_vc = take(a, cores * NC_NOC_CLASSES, 1);
}

/* Events never outnumber the places for flits (a flit or its credit travels, or it lies in a buffer), the heads that
 * are being routed and the links that are closed. Pages that are never used stay untouched. */
static int64_t event_capacity(const noc_run *run) {
    const int64_t inputs = (int64_t)run->ports + run->net->locals;
    return run->routers * (inputs * run->vcs * run->net->depth + run->cells + run->links);
}

static void place(noc_run *run, arena *a, int64_t packets, int with_trees) {
    const int64_t cells = (int64_t)run->routers * run->cells;
    run->slot = take(a, run->slots, sizeof *run->slot);
    run->slot_used = take(a, run->slots / 64, sizeof *run->slot_used);
    place_routers(run, a);
    place_sources(run, a);
    run->row = take(a, with_trees ? cells : 0, sizeof *run->row);
    run->popped = take(a, with_trees ? cells : 0, sizeof *run->popped);
    run->branch_sent = take(a, with_trees ? cells * run->ports : 0, sizeof *run->branch_sent);
    run->branch_vc = take(a, with_trees ? cells * run->ports : 0, 1);
    run->flits = take(a, cells * run->net->depth, sizeof *run->flits);
    run->event_capacity = event_capacity(run);
    run->events = take(a, run->event_capacity, sizeof *run->events);
    run->queue_next = take(a, packets, sizeof *run->queue_next);
    run->way = take(a, packets, sizeof *run->way);
}

uint64_t nc_noc_workspace(const nc_noc *net, int64_t packet_capacity, int with_trees) {
    noc_run run;
    arena a = {NULL, 0};
    set_sizes(&run, net);
    place(&run, &a, packet_capacity, with_trees);
    return a.used <= SIZE_MAX ? a.used : 0;
}

static void open_run(noc_run *run, const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees) {
    arena a = {workspace, 0};
    set_sizes(run, net);
    set_orders(run);
    place(run, &a, packet_capacity, with_trees);
}

static void reset_core(noc_run *run, int32_t core) {
    run->is_sending[core] = run->last_class[core] = 0;
    run->source_free[core] = run->source_credit[core] = run->every_vc;
    for (int32_t vc = 0; vc < run->vcs; vc++)
        run->source_credits[core * run->vcs + vc] = (uint16_t)run->net->depth;
    for (int32_t queue = core * NC_NOC_CLASSES; queue < (core + 1) * NC_NOC_CLASSES; queue++) {
        run->queue_head[queue] = run->queue_tail[queue] = -1;
        run->source_vc[queue] = run->last_vc[queue] = NO_VC;
    }
}

/* A router and its cores as they are at rest. */
static void reset_router(noc_run *run, int32_t router) {
    const size_t ports = (size_t)run->ports, cells = (size_t)run->cells, groups = (size_t)run->groups;
    const size_t out = (size_t)router * ports, cell = (size_t)router * cells;
    run->is_active[router] = run->is_touched[router] = 0;
    run->bid_ports[router] = run->wait_ports[router] = run->closed[router] = 0;
    memset(run->bids + out, 0, ports * sizeof *run->bids);
    memset(run->waits + 2 * out, 0, 2 * ports * sizeof *run->waits);
    memset(run->hopes + 2 * out, 0, 2 * ports * sizeof *run->hopes);
    for (size_t port = 0; port < ports; port++)
        run->vc_free[out + port] = run->vc_credit[out + port] = run->every_vc;
    memset(run->switch_grant + out, 0, ports);
    for (size_t k = 0; k < cells; k++)
        run->credits[cell + k] = (uint16_t)run->net->depth;
    memset(run->vc_grant + cell, 0, cells);
    memset(run->vc_accept + cell, 0, cells);
    memset(run->state + cell, IDLE, cells);
    memset(run->first + cell, 0, cells * sizeof *run->first);
    memset(run->count + cell, 0, cells * sizeof *run->count);
    memset(run->group_next + (size_t)router * groups, 0, groups);
    memset(run->switch_accept + (size_t)router * groups, 0, groups);
    for (int32_t core = router * run->net->locals; core < (router + 1) * run->net->locals; core++)
        reset_core(run, core);
}

void nc_noc_prepare(const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees) {
    noc_run run;
    open_run(&run, net, workspace, packet_capacity, with_trees);
    lay_links(&run);
    for (int32_t slot = 0; slot < run.slots; slot++)
        run.slot[slot] = NO_EVENT;
    memset(run.slot_used, 0, (size_t)run.slots / 8);
    for (int32_t router = 0; router < run.routers; router++)
        reset_router(&run, router);
}

/* Put the packets that are released now into their cores' queues; returns the next one. */
static int64_t release_packets(noc_run *run, int64_t at) {
    const nc_noc_burst *const burst = run->burst;
    for (; at < burst->packet_count && burst->release[burst->order[at]] <= run->now; at++) {
        const int32_t packet = burst->order[at], core = burst->source[packet];
        const int64_t delivery = burst->delivery_ptr == NULL ? packet : burst->delivery_ptr[packet];
        run->way[packet] = way_of(run, packet, burst->delivery_core[delivery]);
        run->queue_next[packet] = -1;
        const int32_t queue = core * NC_NOC_CLASSES + (burst->traffic_class == NULL ? 0 : burst->traffic_class[packet]);
        if (run->queue_head[queue] < 0)
            run->queue_head[queue] = packet;
        else
            run->queue_next[run->queue_tail[queue]] = packet;
        run->queue_tail[queue] = packet;
        start_sending(run, core);
        touch(run, core / run->net->locals);
    }
    return at;
}

/* The next cycle in which something happens, given that neither routers nor sources have anything to do now. */
static int64_t next_cycle(const noc_run *run, int64_t released) {
    int64_t next = released < run->burst->packet_count ? run->burst->release[run->burst->order[released]] : INT64_MAX;
    if (run->in_flight == 0)
        return next;
    for (int64_t at = run->now;; at++) {
        if (at >= next)
            return next;
        const int32_t slot = (int32_t)(at & (run->slots - 1));
        const uint64_t later = run->slot_used[slot >> 6] >> (slot & 63);
        if (later != 0)
            return at + lowest_bit(later) < next ? at + lowest_bit(later) : next;
        at += 63 - (slot & 63);
    }
}

/* All sources and routers that have something to do, once. */
NOC_INLINE void step(noc_run *run, int32_t pipeline, int vcs, int speculative) {
    for (int32_t k = 0; k < run->sending_count;) {
        const int32_t core = run->sending[k];
        if (send_flit(run, core)) {
            k++;
            continue;
        }
        run->is_sending[core] = 0;
        run->sending[k] = run->sending[--run->sending_count];
    }
    for (int32_t k = 0; k < run->active_count;) {
        const int32_t router = run->active[k];
        step_router(run, router, pipeline, vcs, speculative);
        if (has_work(run, router)) {
            k++;
            continue;
        }
        run->is_active[router] = 0;
        run->active[k] = run->active[--run->active_count];
    }
}

NOC_INLINE void run_cycles(noc_run *run, int64_t until, int vcs, int speculative) {
    const int32_t pipeline = run->net->routing_delay + !speculative;
    for (int64_t released = 0;; run->now++) {
        if (run->active_count == 0 && run->sending_count == 0) {
            run->now = next_cycle(run, released);
            if (run->now == INT64_MAX)
                return;
        }
        if (until >= 0 && run->now >= until)
            return;
        handle_events(run);
        released = release_packets(run, released);
        step(run, pipeline, vcs, speculative);
    }
}

/* Flits that are still in buffers count with the time they have spent there; then everything is put to rest. */
static void close_run(noc_run *run) {
    for (int32_t k = 0; k < run->touched_count; k++) {
        const int32_t router = run->touched[k];
        for (int32_t cell = 0; cell < run->cells; cell++)
            run->result->port_wait[router * run->ports + cell / run->vcs] +=
                run->count[router * run->cells + cell] * run->now;
        reset_router(run, router);
    }
    for (int32_t word = 0; word < run->slots / 64; word++) {
        for (; run->slot_used[word] != 0; run->slot_used[word] &= run->slot_used[word] - 1)
            run->slot[word * 64 + lowest_bit(run->slot_used[word])] = NO_EVENT;
    }
}

nc_status nc_noc_run(const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees,
                     const nc_noc_burst *burst, int64_t until, nc_noc_result *result) {
    if (burst->packet_count > packet_capacity || (burst->tree != NULL && !with_trees))
        return NC_ERR_CAPACITY;
    noc_run run;
    open_run(&run, net, workspace, packet_capacity, with_trees);
    run.burst = burst;
    run.result = result;
    result->drain = -1;
    result->delivered = result->flit_hops = 0;
    memset(result->arrival, 0xff, (size_t)burst->delivery_count * sizeof *result->arrival);
    memset(result->inject, 0xff, (size_t)burst->packet_count * sizeof *result->inject);
    if (net->vcs == 1)
        net->speculative ? run_cycles(&run, until, 1, 1) : run_cycles(&run, until, 1, 0);
    else
        net->speculative ? run_cycles(&run, until, net->vcs, 1) : run_cycles(&run, until, net->vcs, 0);
    const int complete = run.in_flight == 0 && run.now == INT64_MAX;
    run.now = run.now == INT64_MAX ? 0 : until;
    close_run(&run);
    return complete && result->delivered != burst->delivery_count ? NC_ERR_STUCK : NC_OK;
}
