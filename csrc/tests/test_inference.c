/* One chip step of small machines: closed forms of every part of its time, and what is refused. */
#include "../inference.c"
#include "check.h"

/* A machine with its arrays, work area and totals. */
typedef struct {
    nc_machine m;
    nc_emitter emitters[3];
    nc_step_work work;
    nc_step_totals totals;
    uint8_t *seen;
} rig;

static void give_memory(rig *r, int64_t spikes, int64_t packets) {
    const nc_machine *const m = &r->m;
    r->work = (nc_step_work){.spike_capacity = spikes,
                             .packet_capacity = packets,
                             .spikes = zeros(spikes, sizeof(nc_spike)),
                             .sorted = zeros(spikes, sizeof(nc_spike)),
                             .packets = zeros(packets, sizeof(nc_packet)),
                             .merged = zeros(packets, sizeof(nc_packet)),
                             .tile_active = zeros(m->tile_count, sizeof(int32_t)),
                             .tile_first = zeros(m->tile_count + 1, sizeof(int64_t)),
                             .core_first = zeros(m->core_count + 1, sizeof(int64_t)),
                             .core_put = zeros(m->core_count + 1, sizeof(int64_t)),
                             .link_load = zeros(m->link_count, sizeof(int64_t)),
                             .class_spikes = zeros(m->class_count, sizeof(int64_t)),
                             .used = zeros(m->class_count, sizeof(int32_t)),
                             .core_generate_ps = zeros(m->core_count, sizeof(int64_t)),
                             .core_left_ps = zeros(m->core_count, sizeof(int64_t))};
    r->totals = (nc_step_totals){.class_spikes = zeros(m->class_count, sizeof(int64_t)),
                                 .mute_spikes = zeros(m->tile_count, sizeof(int64_t)),
                                 .tile_active = zeros(m->tile_count, sizeof(int64_t)),
                                 .core_packets = zeros(m->core_count, sizeof(int64_t)),
                                 .core_busy_ps = zeros(m->core_count, sizeof(int64_t)),
                                 .latencies = zeros(NC_LATENCY_BINS, sizeof(int64_t))};
    r->seen = zeros(m->tile_count, 1);
}

static void release(rig *r) {
    nc_step_work *const w = &r->work;
    void *const all[] = {w->spikes,
                         w->sorted,
                         w->packets,
                         w->merged,
                         w->tile_active,
                         w->tile_first,
                         w->core_first,
                         w->core_put,
                         w->link_load,
                         w->class_spikes,
                         w->used,
                         w->core_generate_ps,
                         w->core_left_ps,
                         r->totals.class_spikes,
                         r->totals.mute_spikes,
                         r->totals.tile_active,
                         r->totals.core_packets,
                         r->totals.core_busy_ps,
                         r->totals.latencies,
                         r->seen};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
}

static nc_step_result step(rig *r, const nc_step_input *input) {
    nc_step_result result;
    int64_t needed = 0;
    CHECK_EQUAL(nc_machine_check(&r->m, r->seen), NC_OK);
    CHECK_EQUAL(nc_inference_step(&r->m, input, &r->work, &r->totals, &result, &needed), NC_OK);
    CHECK_EQUAL(needed, result.packets);
    return result;
}

/* ---- two cores: population A of 8 neurons on core 0 sends to core 1, where a tile B of 5 neurons waits ---- */

static const int32_t A_TILE[8] = {0}, A_RANK[8] = {0, 1, 2, 3, 4, 5, 6, 7}, A_ROUTE[8] = {0, 0, 0, 0, 0, 0, -1, 0};
static const int32_t TWO_CORES[3] = {0, 1, 2}, TWO_TILES[2] = {0, 1}, SIZES[2] = {8, 5}, TO_CORE_1[1] = {1};
static const uint8_t NO_INPUTS[2] = {0, 0}, FIRST_IS_INPUT[2] = {1, 0};
static const int64_t ONE_PACKET[2] = {0, 1}, FLIGHT[1] = {1000}, SERVICE[1] = {70}, THREE_LINKS[2] = {0, 3};
static const int32_t LINKS[3] = {0, 4, 4};

static rig two_cores(void) {
    rig r = {.m = {.emitter_count = 1,
                   .tile_count = 2,
                   .core_count = 2,
                   .class_count = 1,
                   .link_count = 5,
                   .core_tile_ptr = TWO_CORES,
                   .core_tile = TWO_TILES,
                   .tile_size = SIZES,
                   .tile_is_input = NO_INPUTS,
                   .packet_ptr = ONE_PACKET,
                   .packet_core = TO_CORE_1,
                   .packet_flight_ps = FLIGHT,
                   .packet_service_ps = SERVICE,
                   .link_ptr = THREE_LINKS,
                   .link_id = LINKS,
                   .access_ps = 10,
                   .update_ps = 3,
                   .spike_ps = 5,
                   .packet_out_ps = 20,
                   .input_ps = 40,
                   .link_ps = 400}};
    r.emitters[0] = (nc_emitter){8, A_TILE, A_RANK, A_ROUTE, NULL};
    return r;
}

static nc_step_result two_cores_step(rig *r, uint8_t spikes, uint8_t active) {
    r->m.emitters = r->emitters;
    give_memory(r, 8, 16);
    const nc_step_input input = {&spikes, &active};
    return step(r, &input);
}

static void a_silent_step_costs_every_access(void) {
    rig r = two_cores();
    const nc_step_result result = two_cores_step(&r, 0, 0);
    CHECK_EQUAL(result.generate_ps, 8 * 10);
    CHECK_EQUAL(result.process_ps, 0);
    CHECK_EQUAL(result.link_ps, 0);
    CHECK_EQUAL(result.spikes, 0);
    CHECK_EQUAL(r.totals.core_busy_ps[0], 80);
    CHECK_EQUAL(r.totals.core_busy_ps[1], 50);
    release(&r);
}

static void active_neurons_cost_an_update_each(void) {
    rig r = two_cores();
    CHECK_EQUAL(two_cores_step(&r, 0, 0x17).generate_ps, 8 * 10 + 4 * 3);
    CHECK_EQUAL(r.totals.tile_active[0], 4);
    CHECK_EQUAL(r.totals.tile_active[1], 0);
    release(&r);
}

/* Neuron 2 spikes; 0 and 5 are active too. It leaves after three accesses and two updates. */
static void one_spike_arrives_after_its_flight(void) {
    rig r = two_cores();
    const nc_step_result result = two_cores_step(&r, 0x04, 0x21);
    const int64_t leaves = 3 * 10 + 2 * 3 + 5 + 20;
    CHECK_EQUAL(result.process_ps, leaves + 1000 + 70);
    CHECK_EQUAL(result.generate_ps, 8 * 10 + 3 * 3 + 5 + 20);
    CHECK_EQUAL(result.routing_ps, 1000);
    CHECK_EQUAL(result.latency_ps, 1000);
    CHECK_EQUAL(r.totals.latencies[nc_latency_bin(1000)], 1);
    CHECK_EQUAL(r.totals.class_spikes[0], 1);
    CHECK_EQUAL(r.totals.core_packets[1], 1);
    CHECK_EQUAL(r.totals.core_busy_ps[1], 70);
    release(&r);
}

static void a_spike_that_nothing_listens_to_is_mute(void) {
    rig r = two_cores();
    const nc_step_result result = two_cores_step(&r, 0x40, 0);
    CHECK_EQUAL(result.generate_ps, 8 * 10 + 3 + 5); /* no packet, so no sending */
    CHECK_EQUAL(result.packets, 0);
    CHECK_EQUAL(result.spikes, 1);
    CHECK_EQUAL(r.totals.mute_spikes[0], 1);
    CHECK_EQUAL(r.totals.class_spikes[0], 0);
    release(&r);
}

/* Six spikes leave one interval apart. A fast server waits for the last one, a slow one works through a queue. */
static void a_queue_ends_with_its_last_or_its_longest(void) {
    const int64_t interval = 10 + 3 + 5 + 20, first = interval + 1000;
    const int64_t services[4] = {1, interval, interval + 1, 500};
    for (int k = 0; k < 4; k++) {
        rig r = two_cores();
        r.m.packet_service_ps = &services[k];
        const int64_t waits = first + 5 * interval + services[k], queues = first + 6 * services[k];
        CHECK_EQUAL(two_cores_step(&r, 0x3f, 0).process_ps, waits > queues ? waits : queues);
        CHECK_EQUAL(r.totals.core_busy_ps[1], 6 * services[k] > 50 ? 6 * services[k] : 50);
        release(&r);
    }
}

static void the_busiest_link_carries_one_flit_after_the_other(void) {
    rig r = two_cores();
    const nc_step_result result = two_cores_step(&r, 0x07, 0);
    CHECK_EQUAL(result.link_ps, 3 * 2 * 400); /* link 4 twice per spike, link 0 once */
    for (int k = 0; k < 5; k++)
        CHECK_EQUAL(r.work.link_load[k], 0);
    release(&r);
}

static void inputs_enter_at_their_own_pace(void) {
    rig r = two_cores();
    r.m.tile_is_input = FIRST_IS_INPUT;
    const nc_step_result result = two_cores_step(&r, 0x03, 0xff);
    CHECK_EQUAL(result.generate_ps, 2 * 40 > 5 * 10 ? 2 * 40 : 5 * 10); /* port, or the waiting tile's accesses */
    CHECK_EQUAL(result.process_ps, 40 + 1000 + 2 * 70); /* the second one waits for the first */
    CHECK_EQUAL(r.totals.tile_active[0], 0); /* inputs are not updated */
    release(&r);
}

static void a_replicating_router_is_paid_once(void) {
    const int64_t three[2] = {0, 3}, flight[3] = {100, 200, 300}, service[3] = {1, 1, 1};
    const int32_t cores[3] = {0, 1, 1};
    for (int replicates = 0; replicates < 2; replicates++) {
        rig r = two_cores();
        r.m.packet_ptr = three;
        r.m.packet_core = cores;
        r.m.packet_flight_ps = flight;
        r.m.packet_service_ps = service;
        r.m.replicates = (uint8_t)replicates;
        const nc_step_result result = two_cores_step(&r, 0x01, 0);
        const int64_t done = 10 + 3 + 5, sends = replicates ? 20 : 3 * 20;
        CHECK_EQUAL(result.process_ps, done + sends + 300 + 1);
        CHECK_EQUAL(result.generate_ps, 8 * 10 + 3 + 5 + sends);
        CHECK_EQUAL(result.packets, 3);
        CHECK_EQUAL(r.totals.core_packets[0], 1);
        CHECK_EQUAL(r.totals.core_packets[1], 2);
        release(&r);
    }
}

static void totals_add_up_over_steps(void) {
    rig r = two_cores();
    const uint8_t spikes = 0x05, active = 0x08;
    const nc_step_input input = {&spikes, &active};
    two_cores_step(&r, spikes, active);
    const int64_t busy = r.totals.core_busy_ps[0];
    for (int k = 0; k < 2; k++)
        step(&r, &input);
    CHECK_EQUAL(r.totals.class_spikes[0], 6);
    CHECK_EQUAL(r.totals.tile_active[0], 9);
    CHECK_EQUAL(r.totals.core_packets[1], 6);
    CHECK_EQUAL(r.totals.core_busy_ps[0], 3 * busy);
    release(&r);
}

static void an_idle_population_adds_nothing(void) {
    rig r = two_cores();
    two_cores_step(&r, 0, 0);
    const nc_step_input none = {NULL, NULL};
    CHECK_EQUAL(step(&r, &none).spikes, 0);
    release(&r);
}

/* A population of 5 in a byte whose upper three bits are set. */
static void bits_beyond_the_population_do_not_count(void) {
    rig r = two_cores();
    r.emitters[0].n = 5;
    const nc_step_result result = two_cores_step(&r, 0xe1, 0xe0);
    CHECK_EQUAL(result.spikes, 1);
    CHECK_EQUAL(r.totals.tile_active[0], 1);
    release(&r);
}

static void a_small_packet_area_is_asked_for_again(void) {
    rig r = two_cores();
    r.m.emitters = r.emitters;
    give_memory(&r, 8, 3);
    const uint8_t spikes = 0x0f;
    const nc_step_input input = {&spikes, NULL};
    nc_step_result result;
    int64_t needed = 0;
    CHECK_EQUAL(nc_inference_step(&r.m, &input, &r.work, &r.totals, &result, &needed), NC_ERR_CAPACITY);
    CHECK_EQUAL(needed, 4);
    CHECK(r.totals.class_spikes[0] == 0 && r.totals.core_packets[1] == 0 && r.totals.tile_active[0] == 0);
    free(r.work.packets);
    free(r.work.merged);
    r.work.packets = zeros(needed, sizeof(nc_packet));
    r.work.merged = zeros(needed, sizeof(nc_packet));
    r.work.packet_capacity = needed;
    CHECK_EQUAL(step(&r, &input).packets, 4);
    CHECK_EQUAL(r.totals.class_spikes[0], 4);
    release(&r);
}

static void too_many_spikes_are_refused(void) {
    rig r = two_cores();
    r.m.emitters = r.emitters;
    give_memory(&r, 3, 16);
    const uint8_t spikes = 0x0f;
    const nc_step_input input = {&spikes, NULL};
    nc_step_result result;
    int64_t needed = 0;
    CHECK_EQUAL(nc_inference_step(&r.m, &input, &r.work, &r.totals, &result, &needed), NC_ERR_SIZE);
    CHECK_EQUAL(r.totals.class_spikes[0], 0);
    release(&r);
}

/* Bins follow each other without a gap, and are at most 1/1024 of their times wide. */
static void latencies_fall_into_bins(void) {
    int64_t first = 0;
    for (int32_t bin = 0; bin < NC_LATENCY_BINS; bin++) {
        const int32_t high = bin < 2048 ? 0 : bin / 1024 - 1;
        const int64_t width = (int64_t)1 << high;
        CHECK_EQUAL(nc_latency_bin(first), bin);
        CHECK_EQUAL(nc_latency_bin(first + (width - 1)), bin);
        CHECK(high == 0 || first / width >= 1024);
        first += bin < NC_LATENCY_BINS - 1 ? width : 0;
    }
    CHECK_EQUAL(nc_latency_bin(INT64_MAX), NC_LATENCY_BINS - 1);
}

/* Packets that arrive at the same time stay in the order in which they were sent. */
static void sorting_is_stable(void) {
    nc_packet packets[64], merged[64];
    for (int trial = 0; trial < 2000; trial++) {
        const int32_t n = draw(1, 64), spread = draw(0, 20);
        int64_t last = -1, rank = -1;
        for (int32_t k = 0; k < n; k++)
            packets[k] = (nc_packet){draw(0, spread), k, 0};
        const nc_packet *const sorted = sort_by_arrival(packets, merged, n);
        for (int32_t k = 0; k < n; k++) {
            CHECK(sorted[k].arrival_ps > last || (sorted[k].arrival_ps == last && sorted[k].service_ps > rank));
            last = sorted[k].arrival_ps;
            rank = sorted[k].service_ps;
        }
    }
}

/* ---- what is refused ---- */

#define REFUSED(field, value, code)                                                                                    \
    do {                                                                                                               \
        rig r = two_cores();                                                                                           \
        r.m.emitters = r.emitters;                                                                                     \
        give_memory(&r, 8, 16);                                                                                        \
        r.field = value;                                                                                               \
        CHECK_EQUAL(nc_machine_check(&r.m, r.seen), code);                                                             \
        release(&r);                                                                                                   \
    } while (0)

static void wrong_tiles_are_refused(void) {
    static const int32_t late[3] = {1, 1, 2}, short_of[3] = {0, 1, 1}, back[3] = {0, 3, 2};
    static const int32_t outside[2] = {0, 2}, twice[2] = {0, 0}, negative[2] = {8, -1}, smaller[2] = {7, 5};
    static const int32_t no_tile[8] = {0, 2}, no_rank[8] = {-1}, other_word[1] = {1};
    REFUSED(m.tile_count, 0, NC_ERR_SIZE);
    REFUSED(m.core_count, 0, NC_ERR_SIZE);
    REFUSED(m.emitter_count, -1, NC_ERR_SIZE);
    REFUSED(m.core_tile_ptr, late, NC_ERR_SIZE);
    REFUSED(m.core_tile_ptr, short_of, NC_ERR_SIZE);
    REFUSED(m.core_tile_ptr, back, NC_ERR_SIZE);
    REFUSED(m.core_tile, outside, NC_ERR_INDEX);
    REFUSED(m.core_tile, twice, NC_ERR_INDEX);
    REFUSED(m.tile_size, negative, NC_ERR_SIZE);
    REFUSED(m.tile_size, smaller, NC_ERR_INDEX); /* neuron 7 has rank 7 */
    REFUSED(emitters[0].n, 0, NC_ERR_SIZE);
    REFUSED(emitters[0].tile, no_tile, NC_ERR_INDEX);
    REFUSED(emitters[0].rank, no_rank, NC_ERR_INDEX);
    REFUSED(emitters[0].word_tile, other_word, NC_ERR_INDEX);
}

static void wrong_routes_are_refused(void) {
    static const int32_t class_1[8] = {1}, below[8] = {-2}, core_2[1] = {2}, link_5[3] = {0, 5, 4};
    static const int64_t from_1[2] = {1, 1}, back[2] = {0, -1}, before[1] = {-1};
    REFUSED(emitters[0].route, class_1, NC_ERR_INDEX);
    REFUSED(emitters[0].route, below, NC_ERR_INDEX);
    REFUSED(m.class_count, -1, NC_ERR_SIZE);
    REFUSED(m.link_count, -1, NC_ERR_SIZE);
    REFUSED(m.link_count, 4, NC_ERR_INDEX);
    REFUSED(m.packet_ptr, NULL, NC_ERR_SIZE);
    REFUSED(m.packet_ptr, from_1, NC_ERR_SIZE);
    REFUSED(m.link_ptr, back, NC_ERR_SIZE);
    REFUSED(m.packet_core, core_2, NC_ERR_INDEX);
    REFUSED(m.link_id, link_5, NC_ERR_INDEX);
    REFUSED(m.packet_flight_ps, before, NC_ERR_SIZE);
    REFUSED(m.packet_service_ps, before, NC_ERR_SIZE);
}

static void wrong_costs_are_refused(void) {
    static const int64_t endless[1] = {INT64_MAX / 2};
    REFUSED(m.access_ps, -1, NC_ERR_SIZE);
    REFUSED(m.update_ps, -1, NC_ERR_SIZE);
    REFUSED(m.spike_ps, -1, NC_ERR_SIZE);
    REFUSED(m.packet_out_ps, -1, NC_ERR_SIZE);
    REFUSED(m.input_ps, -1, NC_ERR_SIZE);
    REFUSED(m.link_ps, -1, NC_ERR_SIZE);
    REFUSED(m.access_ps, INT64_MAX, NC_ERR_OVERFLOW);
    REFUSED(m.update_ps, INT64_MAX / 4, NC_ERR_OVERFLOW);
    REFUSED(m.spike_ps, INT64_MAX / 4, NC_ERR_OVERFLOW);
    REFUSED(m.packet_out_ps, INT64_MAX / 4, NC_ERR_OVERFLOW);
    REFUSED(m.link_ps, INT64_MAX / 10, NC_ERR_OVERFLOW);
    REFUSED(m.packet_service_ps, endless, NC_ERR_OVERFLOW);
}

int main(void) {
    RUN(a_silent_step_costs_every_access);
    RUN(active_neurons_cost_an_update_each);
    RUN(one_spike_arrives_after_its_flight);
    RUN(a_spike_that_nothing_listens_to_is_mute);
    RUN(a_queue_ends_with_its_last_or_its_longest);
    RUN(the_busiest_link_carries_one_flit_after_the_other);
    RUN(inputs_enter_at_their_own_pace);
    RUN(a_replicating_router_is_paid_once);
    RUN(totals_add_up_over_steps);
    RUN(an_idle_population_adds_nothing);
    RUN(bits_beyond_the_population_do_not_count);
    RUN(a_small_packet_area_is_asked_for_again);
    RUN(too_many_spikes_are_refused);
    RUN(latencies_fall_into_bins);
    RUN(sorting_is_stable);
    RUN(wrong_tiles_are_refused);
    RUN(wrong_routes_are_refused);
    RUN(wrong_costs_are_refused);
    return check_result();
}
