/* From the packets that cores send to their arrival, through a network in which they wait for each other. Included by
 * inference.c only. */
#ifndef NC_INFERENCE_NETWORK_H
#define NC_INFERENCE_NETWORK_H

#include "inference_queue.h"
#include <string.h>

/* One packet into the network; its deliveries follow. */
static void send_burst(const nc_machine *m, nc_step_burst *burst, int32_t core, int32_t route, int64_t send_ps) {
    const int64_t p = burst->packets++;
    burst->send_ps[p] = send_ps;
    burst->release[p] = (send_ps + m->noc.cycle_ps - 1) / m->noc.cycle_ps;
    burst->core[p] = core;
    burst->source[p] = m->noc.core_source[core];
    burst->flits[p] = m->noc.flits;
    burst->tree[p] = m->replicates ? m->noc.class_tree[route] : -1;
    burst->delivery_ptr[p] = burst->deliveries;
}

/* One delivery of the packet that was sent last. place: where it lies in the work area. */
static void deliver_burst(const nc_machine *m, nc_step_burst *burst, int64_t packet, int64_t place) {
    const int64_t d = burst->deliveries++;
    burst->place[d] = place;
    burst->sink[d] = m->noc.packet_sink[packet];
    burst->cycles[d] = m->noc.packet_cycles[packet];
    burst->delivery_ptr[burst->packets] = burst->deliveries;
}

/* Packets by the cycle of their release; those of one cycle stay in the order in which cores and neurons come. */
static int64_t order_burst(nc_step_work *work) {
    nc_step_burst *const burst = &work->burst;
    int64_t most = 0, run = 0;
    for (int64_t p = 0; p < burst->packets; p++) {
        work->waiting[p] = (nc_packet){burst->release[p], p, 0};
        run = p > 0 && burst->core[p] == burst->core[p - 1] ? run + 1 : 1;
        most = run > most ? run : most;
    }
    const nc_packet *const sorted =
        burst->packets > 0 ? sort_by_arrival(work->waiting, work->merged, burst->packets) : NULL;
    for (int64_t k = 0; k < burst->packets; k++)
        burst->order[k] = (int32_t)sorted[k].service_ps;
    return most;
}

static nc_status run_network(const nc_machine *m, nc_step_work *work, nc_step_totals *totals) {
    const nc_step_noc *const noc = &m->noc;
    nc_step_burst *const b = &work->burst;
    nc_noc_burst burst;
    memset(&burst, 0, sizeof burst);
    burst.packet_count = b->packets;
    burst.delivery_count = b->deliveries;
    burst.order = b->order;
    burst.release = b->release;
    burst.source = b->source;
    burst.flits = b->flits;
    burst.classes = 1;
    burst.delivery_ptr = b->delivery_ptr;
    burst.delivery_core = b->sink;
    if (m->replicates && noc->tree_count > 0) {
        burst.tree = b->tree;
        burst.tree_count = noc->tree_count;
        burst.tree_ptr = noc->tree_ptr;
        burst.tree_router = noc->tree_router;
        burst.tree_ports = noc->tree_ports;
        burst.tree_high = noc->tree_high;
    }
    nc_noc_result result = {b->arrival, b->inject, totals->link_flits, totals->port_wait, -1, 0, 0};
    const nc_status status =
        noc->service == NULL
            ? nc_noc_run(noc->net, b->network, work->packet_capacity, noc->tree_count > 0, &burst, -1, &result)
            : nc_noc_event_run(noc->net, b->network, noc->service, &burst, &result);
    if (status == NC_OK && result.delivered != b->deliveries)
        return NC_ERR_STUCK;
    return status == NC_OK && result.drain > (INT64_MAX >> 2) / noc->cycle_ps ? NC_ERR_OVERFLOW : status;
}

/* Lets the network delay the packets of a step, and the cores whose packets it does not take at once. */
static nc_status carry(const nc_machine *m, nc_step_work *work, nc_step_totals *totals, nc_step_result *result) {
    nc_step_burst *const b = &work->burst;
    const int64_t cycle_ps = m->noc.cycle_ps;
    result->most_sent = order_burst(work);
    const nc_status status = run_network(m, work, totals);
    if (status != NC_OK)
        return status;
    for (int64_t p = 0; p < b->packets; p++) {
        const int64_t queued_ps = (b->inject[p] - b->release[p]) * cycle_ps;
        const int64_t late_ps = m->noc.clocked ? b->release[p] * cycle_ps - b->send_ps[p] : 0;
        int64_t *const left_ps = &work->core_left_ps[b->core[p]];
        *left_ps = b->send_ps[p] + queued_ps > *left_ps ? b->send_ps[p] + queued_ps : *left_ps;
        result->queue_ps += queued_ps;
        for (int64_t d = b->delivery_ptr[p]; d < b->delivery_ptr[p + 1]; d++) {
            const int64_t beyond = b->arrival[d] - b->release[p] - b->cycles[d];
            const int64_t wait_ps = late_ps + (beyond > 0 ? beyond : 0) * cycle_ps;
            work->packets[b->place[d]].arrival_ps += wait_ps;
            work->packets[b->place[d]].network_ps += wait_ps;
        }
    }
    return NC_OK;
}

#endif
