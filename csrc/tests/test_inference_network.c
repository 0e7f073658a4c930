/* One chip step with a network between the cores: closed forms of waiting, queues and stalls on two routers. */
#include "../inference.h"
#include "check.h"

/* Two routers side by side with two cores each, without a clock; core 4 is the entrance and unused. Cores 0 and 1
 * sit at router 0 and send to cores 2 and 3 at router 1. */
enum { CYCLE = 100, CORES = 4, PACKETS = 8, FLIGHT = 1000 };

static const int32_t LATENCY[8] = {1, 1, 1, 1, 1, 1, 1, 1};
static const int32_t A_TILE[8] = {0, 0, 0, 0, 1, 1, 1, 1}, A_RANK[8] = {0, 1, 2, 3, 0, 1, 2, 3};
static const int32_t A_ROUTE[8] = {0, 0, 0, 0, 1, 1, 1, 1};
static const int32_t CORE_TILES[5] = {0, 1, 2, 2, 2}, TILES[2] = {0, 1}, SIZES[2] = {4, 4};
static const uint8_t NO_INPUTS[2] = {0, 0};
static const int64_t PACKET_PTR[3] = {0, 1, 2}, FLIGHTS[2] = {FLIGHT, FLIGHT}, SERVICE[2] = {1, 1};
static const int64_t LINK_PTR[3] = {0, 1, 2};
static const int32_t PACKET_CORE[2] = {2, 3}, LINKS[2] = {0, 0};
static const int32_t SOURCE[4] = {0, 1, 2, 3}, CYCLES[2] = {8, 8}, NO_TREE[2] = {-1, -1};

typedef struct {
    nc_noc net;
    nc_machine m;
    nc_emitter emitter;
    nc_step_work work;
    nc_step_totals totals;
    int64_t totals_memory[2 + 2 + 2 + 4 + 4 + NC_LATENCY_BINS + 8 + 12];
    uint8_t seen[2];
} rig;

static void give_totals(rig *r) {
    memset(r->totals_memory, 0, sizeof r->totals_memory);
    int64_t *at = r->totals_memory;
    int64_t **const parts[8] = {&r->totals.class_spikes, &r->totals.mute_spikes,  &r->totals.tile_active,
                                &r->totals.core_packets, &r->totals.core_busy_ps, &r->totals.latencies,
                                &r->totals.link_flits,   &r->totals.port_wait};
    const int64_t sizes[8] = {2, 2, 2, 4, 4, NC_LATENCY_BINS, 8, 12};
    for (int k = 0; k < 8; k++) {
        *parts[k] = at;
        at += sizes[k];
    }
}

static void give_work(rig *r) {
    nc_step_work *const w = &r->work;
    *w = (nc_step_work){.spike_capacity = 8,
                        .packet_capacity = PACKETS,
                        .spikes = zeros(8, sizeof(nc_spike)),
                        .sorted = zeros(8, sizeof(nc_spike)),
                        .packets = zeros(PACKETS, sizeof(nc_packet)),
                        .merged = zeros(PACKETS, sizeof(nc_packet)),
                        .tile_active = zeros(2, sizeof(int32_t)),
                        .tile_first = zeros(3, sizeof(int64_t)),
                        .core_first = zeros(CORES + 1, sizeof(int64_t)),
                        .core_put = zeros(CORES + 1, sizeof(int64_t)),
                        .link_load = zeros(8, sizeof(int64_t)),
                        .class_spikes = zeros(r->m.class_count, sizeof(int64_t)),
                        .used = zeros(r->m.class_count, sizeof(int32_t)),
                        .core_generate_ps = zeros(CORES, sizeof(int64_t)),
                        .core_left_ps = zeros(CORES, sizeof(int64_t)),
                        .waiting = zeros(PACKETS, sizeof(nc_packet))};
    nc_step_burst *const b = &w->burst;
    int64_t **const wide[6] = {&b->send_ps, &b->release, &b->inject, &b->arrival, &b->place, &b->delivery_ptr};
    int32_t **const narrow[7] = {&b->core, &b->source, &b->flits, &b->tree, &b->order, &b->sink, &b->cycles};
    for (int k = 0; k < 6; k++)
        *wide[k] = zeros(PACKETS + 1, sizeof(int64_t));
    for (int k = 0; k < 7; k++)
        *narrow[k] = zeros(PACKETS, sizeof(int32_t));
    b->network = zeros((int64_t)nc_noc_workspace(&r->net, PACKETS, 0), 1);
    nc_noc_prepare(&r->net, b->network, PACKETS, 0);
}

static void release(rig *r) {
    nc_step_work *const w = &r->work;
    nc_step_burst *const b = &w->burst;
    void *const all[] = {w->spikes,     w->sorted,       w->packets,      w->merged,    w->tile_active,
                         w->tile_first, w->core_first,   w->core_put,     w->link_load, w->core_generate_ps,
                         w->waiting,    w->core_left_ps, b->send_ps,      b->release,   b->inject,
                         b->arrival,    b->place,        b->delivery_ptr, b->core,      b->source,
                         b->flits,      b->tree,         b->order,        b->sink,      b->cycles,
                         b->network,    w->class_spikes, w->used};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free(r);
}

/* Every neuron takes 10 ps, every packet out_ps. */
static rig *two_routers(int32_t depth, int64_t out_ps) {
    rig *const r = zeros(1, sizeof(rig));
    r->net.width = 2;
    r->net.height = 1;
    r->net.locals = 2;
    r->net.vcs = 1;
    r->net.depth = depth;
    r->net.credit_delay = 0;
    r->net.speculative = 1;
    r->net.input_speedup = 1;
    r->net.link_latency = LATENCY;
    r->net.link_interval = LATENCY;
    r->emitter = (nc_emitter){8, A_TILE, A_RANK, A_ROUTE, NULL};
    r->m = (nc_machine){.emitter_count = 1,
                        .tile_count = 2,
                        .core_count = CORES,
                        .class_count = 2,
                        .link_count = 8,
                        .emitters = &r->emitter,
                        .core_tile_ptr = CORE_TILES,
                        .core_tile = TILES,
                        .tile_size = SIZES,
                        .tile_is_input = NO_INPUTS,
                        .packet_ptr = PACKET_PTR,
                        .packet_core = PACKET_CORE,
                        .packet_flight_ps = FLIGHTS,
                        .packet_service_ps = SERVICE,
                        .link_ptr = LINK_PTR,
                        .link_id = LINKS,
                        .access_ps = 10,
                        .packet_out_ps = out_ps,
                        .noc = {.net = &r->net,
                                .cycle_ps = CYCLE,
                                .flits = 1,
                                .core_source = SOURCE,
                                .packet_sink = PACKET_CORE,
                                .packet_cycles = CYCLES,
                                .class_tree = NO_TREE}};
    give_totals(r);
    give_work(r);
    return r;
}

static nc_step_result step(rig *r, uint8_t spikes) {
    nc_step_result result;
    int64_t needed = 0;
    const nc_step_input input = {&spikes, NULL};
    CHECK_EQUAL(nc_noc_check(&r->net), NC_OK);
    CHECK_EQUAL(nc_machine_check(&r->m, r->seen), NC_OK);
    CHECK_EQUAL(nc_inference_step(&r->m, &input, &r->work, &r->totals, &result, &needed), NC_OK);
    return result;
}

static void a_packet_alone_takes_its_flight(void) {
    for (int clocked = 0; clocked < 2; clocked++) {
        rig *const r = two_routers(8, 20);
        r->m.noc.clocked = (uint8_t)clocked;
        const nc_step_result result = step(r, 0x01);
        const int64_t sent = 10 + 20, leaves = clocked ? CYCLE : sent;
        CHECK_EQUAL(result.process_ps, leaves + FLIGHT + 1);
        CHECK_EQUAL(result.latency_ps, leaves - sent + FLIGHT);
        CHECK_EQUAL(result.routing_ps, result.latency_ps);
        CHECK_EQUAL(result.generate_ps, 4 * 10 + 20);
        CHECK(result.queue_ps == 0 && result.stall_ps == 0 && result.most_sent == 1);
        CHECK_EQUAL(r->totals.link_flits[0], 1);
        release(r);
    }
}

/* Both cores send at once over one link: one of the two packets waits a cycle for the other. */
static void two_packets_share_a_link(void) {
    rig *const r = two_routers(8, 20);
    const nc_step_result result = step(r, 0x11);
    CHECK_EQUAL(result.process_ps, 30 + FLIGHT + CYCLE + 1);
    CHECK_EQUAL(result.latency_ps, FLIGHT + CYCLE);
    CHECK_EQUAL(r->totals.latencies[nc_latency_bin(FLIGHT)], 1);
    CHECK_EQUAL(r->totals.latencies[nc_latency_bin(FLIGHT + CYCLE)], 1);
    CHECK_EQUAL(r->totals.link_flits[0], 2);
    release(r);
}

/* Packets that leave the core faster than the network takes them wait in its queue, and the core with them. */
static void a_queue_keeps_its_core(void) {
    rig *const r = two_routers(8, 0);
    const nc_step_result result = step(r, 0x0f);
    /* sent after 10, 20, 30 and 40 ps, all in cycle 1, and taken in cycles 1 to 4 */
    CHECK_EQUAL(result.queue_ps, (0 + 1 + 2 + 3) * CYCLE);
    CHECK_EQUAL(result.generate_ps, 40 + 3 * CYCLE);
    CHECK_EQUAL(result.stall_ps, 3 * CYCLE);
    CHECK_EQUAL(result.process_ps, 40 + 3 * CYCLE + FLIGHT + 1);
    CHECK_EQUAL(result.most_sent, 4);
    CHECK_EQUAL(r->totals.core_busy_ps[0], 40 + 3 * CYCLE);
    release(r);
}

static void steps_leave_nothing_behind(void) {
    rig *const r = two_routers(1, 0);
    const nc_step_result first = step(r, 0xff), second = step(r, 0xff);
    CHECK_EQUAL(memcmp(&first, &second, sizeof first), 0);
    CHECK_EQUAL(r->totals.link_flits[0], 16);
    CHECK_EQUAL(r->totals.class_spikes[0] + r->totals.class_spikes[1], 16);
    release(r);
}

static void links_are_reserved_in_turn(void) {
    const int64_t link_flit[8] = {1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024};
    const nc_noc_service service = {0, 0, 1024, 1024, link_flit};
    rig *const r = two_routers(8, 20);
    r->m.noc.service = &service;
    free(r->work.burst.network);
    r->work.burst.network = zeros((int64_t)nc_noc_event_workspace(&r->net, PACKETS, PACKETS), 1);
    CHECK_EQUAL(step(r, 0x11).process_ps, 30 + FLIGHT + CYCLE + 1);
    CHECK_EQUAL(r->totals.link_flits[0], 2);
    release(r);
}

#define REFUSED(field, value, code)                                                                                    \
    do {                                                                                                               \
        rig *const r = two_routers(8, 20);                                                                             \
        r->m.field = value;                                                                                            \
        CHECK_EQUAL(nc_machine_check(&r->m, r->seen), code);                                                           \
        release(r);                                                                                                    \
    } while (0)

static void wrong_networks_are_refused(void) {
    static const int32_t outside[4] = {0, 1, 2, 4}, negative[2] = {8, -1}, tree_1[2] = {-1, 1};
    REFUSED(noc.cycle_ps, 0, NC_ERR_SIZE);
    REFUSED(noc.flits, 0, NC_ERR_SIZE);
    REFUSED(noc.tree_count, -1, NC_ERR_SIZE);
    REFUSED(noc.core_source, outside, NC_ERR_INDEX);
    REFUSED(noc.packet_sink, &outside[2], NC_ERR_INDEX);
    REFUSED(noc.packet_cycles, negative, NC_ERR_SIZE);
    rig *const r = two_routers(8, 20);
    r->m.replicates = 1;
    r->m.noc.class_tree = tree_1;
    CHECK_EQUAL(nc_machine_check(&r->m, r->seen), NC_ERR_INDEX);
    release(r);
}

int main(void) {
    RUN(a_packet_alone_takes_its_flight);
    RUN(two_packets_share_a_link);
    RUN(a_queue_keeps_its_core);
    RUN(steps_leave_nothing_behind);
    RUN(links_are_reserved_in_turn);
    RUN(wrong_networks_are_refused);
    return check_result();
}
