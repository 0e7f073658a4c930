#include "noc_event.h"
#include "noc_way.h"
#include <string.h>

/* The head of a packet, or of one branch of it, at a router. */
typedef struct {
    int64_t time, order; /* order: of coming into being, decides between equal times */
    int32_t packet, router, port;
} head;

typedef struct {
    noc_run map; /* net, burst, result, place, neighbour, way */
    const nc_noc_service *service;
    int64_t *link_free; /* per router and output */
    int64_t *source_free;
    head *heap;
    int64_t count, next_order, pipeline;
} event_run;

static int before(const head *a, const head *b) { return a->time != b->time ? a->time < b->time : a->order < b->order; }

static void push(event_run *run, int64_t time, int32_t packet, int32_t router, int32_t port) {
    const head added = {time, run->next_order++, packet, router, port};
    int64_t at = run->count++;
    for (; at > 0 && before(&added, &run->heap[(at - 1) / 2]); at = (at - 1) / 2)
        run->heap[at] = run->heap[(at - 1) / 2];
    run->heap[at] = added;
}

static head pop(event_run *run) {
    const head first = run->heap[0], last = run->heap[--run->count];
    int64_t at = 0;
    for (int64_t child = 1; child < run->count; child = 2 * at + 1) {
        child += child + 1 < run->count && before(&run->heap[child + 1], &run->heap[child]);
        if (!before(&run->heap[child], &last))
            break;
        run->heap[at] = run->heap[child];
        at = child;
    }
    run->heap[at] = last;
    return first;
}

static void arrive(event_run *run, const head *h, int32_t core, int64_t time) {
    const nc_noc_burst *const burst = run->map.burst;
    const int64_t at = delivery_of(burst, h->packet, core);
    const int64_t spread = (burst->flits[h->packet] - 1) * run->service->eject_flit;
    const int64_t cycle = (time + spread + NC_NOC_FRACTION - 1) / NC_NOC_FRACTION + 4;
    run->map.result->delivered += burst->delivery_core[at] == core && run->map.result->arrival[at] < 0;
    run->map.result->arrival[at] = cycle;
    run->map.result->drain = cycle > run->map.result->drain ? cycle : run->map.result->drain;
}

/* A head takes an output as soon as it is free. */
static void take_output(event_run *run, const head *h, int32_t output) {
    const nc_noc *const net = run->map.net;
    const int32_t ports = run->map.ports, flits = run->map.burst->flits[h->packet];
    int64_t *const link_free = &run->link_free[h->router * ports + output];
    const int64_t start = *link_free > h->time ? *link_free : h->time;
    run->map.result->port_wait[h->router * ports + h->port] += (start - h->time) / NC_NOC_FRACTION;
    run->map.result->flit_hops += flits;
    if (output >= run->map.links) {
        *link_free = start + run->service->eject_packet + flits * run->service->eject_flit;
        arrive(run, h, h->router * net->locals + output - run->map.links, start);
        return;
    }
    const int32_t link = h->router * run->map.links + output;
    *link_free = start + run->service->packet + flits * run->service->link_flit[link];
    run->map.result->link_flits[link] += flits;
    const int64_t hop = (2 + net->link_latency[link] + run->pipeline) * NC_NOC_FRACTION;
    push(run, start + hop, h->packet, run->map.neighbour[link], run->map.back[link]);
}

static void inject(event_run *run, int32_t packet) {
    const nc_noc_burst *const burst = run->map.burst;
    const int32_t core = burst->source[packet], locals = run->map.net->locals, router = core / locals;
    const int64_t release = burst->release[packet] * NC_NOC_FRACTION;
    const int64_t start = run->source_free[core] > release ? run->source_free[core] : release;
    run->source_free[core] = start + burst->flits[packet] * run->service->inject_flit;
    run->map.result->inject[packet] = (start + NC_NOC_FRACTION - 1) / NC_NOC_FRACTION;
    const int64_t delivery = burst->delivery_ptr == NULL ? packet : burst->delivery_ptr[packet];
    run->map.way[packet] = way_of(&run->map, packet, burst->delivery_core[delivery]);
    push(run, start + (1 + run->pipeline) * NC_NOC_FRACTION, packet, router, run->map.links + core - router * locals);
}

static void pass(event_run *run, const head *h) {
    const nc_noc_burst *const burst = run->map.burst;
    if (burst->tree == NULL || burst->tree[h->packet] < 0) {
        take_output(run, h, port_of(&run->map, h->router, run->map.way[h->packet]) & 127);
        return;
    }
    uint64_t ports = burst->tree_ports[tree_row(burst, burst->tree[h->packet], h->router)];
    for (; ports != 0; ports &= ports - 1)
        take_output(run, h, lowest_bit(ports));
}

static void place(event_run *run, arena *a, int64_t packets, int64_t deliveries) {
    const int64_t routers = run->map.routers;
    run->link_free = take(a, routers * run->map.ports, sizeof *run->link_free);
    run->source_free = take(a, run->map.cores, sizeof *run->source_free);
    run->map.place = take(a, routers, sizeof *run->map.place);
    run->map.level = take(a, routers, 1);
    run->map.neighbour = take(a, routers * run->map.links, sizeof *run->map.neighbour);
    run->map.back = take(a, routers * run->map.links, 1);
    run->map.way = take(a, packets, sizeof *run->map.way);
    run->heap = take(a, packets + deliveries, sizeof *run->heap);
}

static void open_run(event_run *run, const nc_noc *net) {
    memset(run, 0, sizeof *run);
    run->map.net = net;
    run->map.routers = nc_noc_routers(net);
    run->map.links = nc_noc_links(net);
    run->map.ports = run->map.links + net->locals;
    run->map.cores = run->map.routers * net->locals;
    run->pipeline = net->routing_delay + !net->speculative;
}

uint64_t nc_noc_event_workspace(const nc_noc *net, int64_t packets, int64_t deliveries) {
    event_run run;
    arena a = {NULL, 0};
    open_run(&run, net);
    place(&run, &a, packets, deliveries);
    return a.used <= SIZE_MAX ? a.used : 0;
}

nc_status nc_noc_event_run(const nc_noc *net, void *workspace, const nc_noc_service *service, const nc_noc_burst *burst,
                           nc_noc_result *result) {
    event_run run;
    arena a = {workspace, 0};
    open_run(&run, net);
    place(&run, &a, burst->packet_count, burst->delivery_count);
    run.service = service;
    run.map.burst = burst;
    run.map.result = result;
    lay_links(&run.map);
    memset(run.link_free, 0, (size_t)run.map.routers * (size_t)run.map.ports * sizeof *run.link_free);
    memset(run.source_free, 0, (size_t)run.map.cores * sizeof *run.source_free);
    memset(result->arrival, 0xff, (size_t)burst->delivery_count * sizeof *result->arrival);
    result->drain = -1;
    result->delivered = result->flit_hops = 0;
    for (int64_t released = 0; released < burst->packet_count || run.count > 0;) {
        const int64_t next = released < burst->packet_count ? burst->release[burst->order[released]] : INT64_MAX;
        if (run.count == 0 || next <= run.heap[0].time / NC_NOC_FRACTION) {
            inject(&run, burst->order[released++]);
        } else {
            const head h = pop(&run);
            pass(&run, &h);
        }
    }
    return NC_OK;
}
