/* Random machines: the timing kernel against a simulation that goes through cores, tiles and neurons in order. */
#include "../inference.h"
#include "check.h"

#define MOST_TILES 7
#define MOST_CORES 4
#define MOST_NEURONS 90
#define MOST_CLASSES 5
#define MOST_ROUTE 4
#define LINKS 6
#define SPIKES (MOST_TILES * MOST_NEURONS)
#define PACKETS (SPIKES * MOST_ROUTE)

/* Every tile is a whole population of its own, its elements in any order. */
typedef struct {
    nc_machine m;
    nc_emitter emitters[MOST_TILES];
    int32_t tile[MOST_TILES][MOST_NEURONS], rank[MOST_TILES][MOST_NEURONS], route[MOST_TILES][MOST_NEURONS];
    int32_t word_tile[MOST_TILES][(MOST_NEURONS + 63) / 64];
    int32_t core_tile_ptr[MOST_CORES + 1], core_tile[MOST_TILES], tile_size[MOST_TILES];
    uint8_t tile_is_input[MOST_TILES], seen[MOST_TILES];
    int64_t packet_ptr[MOST_CLASSES + 1], flight[MOST_CLASSES * MOST_ROUTE], service[MOST_CLASSES * MOST_ROUTE];
    int64_t link_ptr[MOST_CLASSES + 1];
    int32_t packet_core[MOST_CLASSES * MOST_ROUTE], link_id[MOST_CLASSES * MOST_ROUTE];
    uint8_t spikes[MOST_TILES][(MOST_NEURONS + 7) / 8], active[MOST_TILES][(MOST_NEURONS + 7) / 8];
    nc_step_input input[MOST_TILES];
} machine;

typedef struct {
    int64_t class_spikes[MOST_CLASSES], mute[MOST_TILES], active[MOST_TILES], packets[MOST_CORES], busy[MOST_CORES];
} totals;

static void draw_routes(machine *r) {
    r->m.class_count = draw(1, MOST_CLASSES);
    for (int32_t c = 0; c < r->m.class_count; c++) {
        r->packet_ptr[c + 1] = r->packet_ptr[c] + draw(0, MOST_ROUTE);
        r->link_ptr[c + 1] = r->link_ptr[c] + draw(0, MOST_ROUTE);
    }
    for (int64_t k = 0; k < r->packet_ptr[r->m.class_count]; k++) {
        r->packet_core[k] = draw(0, r->m.core_count - 1);
        r->flight[k] = draw(0, 3) * 50; /* few different times, so that packets tie */
        r->service[k] = draw(0, 120);
    }
    for (int64_t k = 0; k < r->link_ptr[r->m.class_count]; k++)
        r->link_id[k] = draw(0, LINKS - 1);
    r->m.packet_ptr = r->packet_ptr;
    r->m.packet_core = r->packet_core;
    r->m.packet_flight_ps = r->flight;
    r->m.packet_service_ps = r->service;
    r->m.link_ptr = r->link_ptr;
    r->m.link_id = r->link_id;
    r->m.link_count = LINKS;
}

static void draw_tile(machine *r, int32_t t) {
    const int32_t n = draw(1, MOST_NEURONS), turn = draw(0, n - 1);
    r->tile_size[t] = n;
    r->tile_is_input[t] = draw(0, 4) == 0;
    for (int32_t j = 0; j < n; j++) {
        r->tile[t][j] = t;
        r->rank[t][j] = j; /* elements of a tile are numbered in their population's order */
        r->route[t][j] = (j + turn) % 5 == 0 ? -1 : draw(0, r->m.class_count - 1);
    }
    r->word_tile[t][0] = draw(0, 3) ? t : -1;
    r->word_tile[t][1] = draw(0, 3) ? t : -1;
    r->emitters[t] = (nc_emitter){n, r->tile[t], r->rank[t], r->route[t], draw(0, 3) ? r->word_tile[t] : NULL};
    for (size_t k = 0; k < sizeof r->spikes[t]; k++) {
        r->spikes[t][k] = (uint8_t)draw(0, 255);
        r->active[t][k] = (uint8_t)draw(0, 255);
    }
    r->input[t] = (nc_step_input){draw(0, 9) ? r->spikes[t] : NULL, draw(0, 9) ? r->active[t] : NULL};
}

static void draw_machine(machine *r) {
    memset(r, 0, sizeof *r);
    r->m = (nc_machine){.tile_count = draw(1, MOST_TILES),
                        .core_count = draw(1, MOST_CORES),
                        .emitters = r->emitters,
                        .core_tile_ptr = r->core_tile_ptr,
                        .core_tile = r->core_tile,
                        .tile_size = r->tile_size,
                        .tile_is_input = r->tile_is_input,
                        .access_ps = draw(0, 9),
                        .update_ps = draw(0, 9),
                        .spike_ps = draw(0, 9),
                        .packet_out_ps = draw(0, 30),
                        .input_ps = draw(0, 30),
                        .link_ps = draw(0, 30),
                        .replicates = (uint8_t)draw(0, 1)};
    r->m.emitter_count = r->m.tile_count;
    draw_routes(r);
    int32_t core_of[MOST_TILES], put = 0;
    for (int32_t t = 0; t < r->m.tile_count; t++) {
        draw_tile(r, t);
        core_of[t] = draw(0, r->m.core_count - 1);
    }
    for (int32_t c = 0; c < r->m.core_count; c++) {
        for (int32_t t = r->m.tile_count - 1; t >= 0; t--) /* tiles need not ascend */
            if (core_of[t] == c)
                r->core_tile[put++] = t;
        r->core_tile_ptr[c + 1] = put;
    }
}

static int bit(const uint8_t *bits, int32_t at) { return bits != NULL && bits[at / 8] >> at % 8 & 1; }

/* ---- the plain simulation ---- */

typedef struct {
    nc_packet queue[MOST_CORES][PACKETS];
    int32_t count[MOST_CORES];
    int64_t load[LINKS];
    nc_step_result result;
} plain;

/* After all that arrive earlier or at the same time. */
static void enqueue(plain *p, int32_t core, nc_packet packet) {
    int32_t at = p->count[core]++;
    for (; at > 0 && p->queue[core][at - 1].arrival_ps > packet.arrival_ps; at--)
        p->queue[core][at] = p->queue[core][at - 1];
    p->queue[core][at] = packet;
}

static int64_t send_all(const machine *r, plain *p, int32_t route, int64_t clock, int64_t out_ps) {
    for (int64_t k = r->link_ptr[route]; k < r->link_ptr[route + 1]; k++)
        p->load[r->link_id[k]]++;
    for (int64_t k = r->packet_ptr[route]; k < r->packet_ptr[route + 1]; k++) {
        if (!r->m.replicates || k == r->packet_ptr[route])
            clock += out_ps;
        enqueue(p, r->packet_core[k], (nc_packet){clock + r->flight[k], r->service[k], r->flight[k]});
        p->result.packets++;
    }
    return clock;
}

static int64_t run_tile(const machine *r, plain *p, int32_t t, int64_t clock, totals *sums) {
    const nc_step_input *const in = &r->input[t];
    const int neurons = !r->tile_is_input[t];
    for (int32_t j = 0; j < r->tile_size[t]; j++) {
        const int fires = bit(in->spikes, j), works = fires || (in->spikes != NULL && bit(in->active, j));
        clock += neurons ? r->m.access_ps + (works ? r->m.update_ps : 0) + (fires ? r->m.spike_ps : 0) : 0;
        sums->active[t] += works && neurons;
        p->result.spikes += fires;
        if (!fires)
            continue;
        const int32_t route = r->route[t][j];
        if (route < 0) {
            sums->mute[t]++;
            continue;
        }
        sums->class_spikes[route]++;
        clock = send_all(r, p, route, clock, neurons ? r->m.packet_out_ps : r->m.input_ps);
    }
    return clock;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

/* network_ps: on the way of the packet that ended the last pause. */
static int64_t serve(plain *p, int32_t core, int64_t *busy, int64_t *network_ps) {
    int64_t now = 0;
    for (int32_t k = 0; k < p->count[core]; k++) {
        const nc_packet *const packet = &p->queue[core][k];
        *network_ps = packet->arrival_ps > now ? packet->network_ps : *network_ps;
        now = later(now, packet->arrival_ps) + packet->service_ps;
        *busy += packet->service_ps;
        p->result.latency_ps = later(p->result.latency_ps, packet->network_ps);
    }
    return now;
}

static void simulate(const machine *r, plain *p, totals *sums) {
    int64_t generate[MOST_CORES];
    memset(p, 0, sizeof *p);
    for (int32_t c = 0; c < r->m.core_count; c++) {
        generate[c] = 0;
        for (int32_t k = r->core_tile_ptr[c]; k < r->core_tile_ptr[c + 1]; k++)
            generate[c] = run_tile(r, p, r->core_tile[k], generate[c], sums);
        p->result.generate_ps = later(p->result.generate_ps, generate[c]);
    }
    for (int32_t c = 0; c < r->m.core_count; c++) {
        int64_t busy = 0, network_ps = 0;
        const int64_t end_ps = serve(p, c, &busy, &network_ps);
        if (end_ps > later(p->result.process_ps, p->result.generate_ps))
            p->result.routing_ps = network_ps;
        p->result.process_ps = later(p->result.process_ps, end_ps);
        sums->packets[c] += p->count[c];
        sums->busy[c] += later(busy, generate[c]);
    }
    for (int32_t k = 0; k < LINKS; k++)
        p->result.link_ps = later(p->result.link_ps, p->load[k] * r->m.link_ps);
    p->result.routing_ps += later(0, p->result.link_ps - later(p->result.process_ps, p->result.generate_ps));
}

static void compare_step(machine *r, plain *p, nc_step_work *work) {
    static int64_t latencies[NC_LATENCY_BINS];
    totals expected, actual;
    memset(&expected, 0, sizeof expected);
    memset(&actual, 0, sizeof actual);
    nc_step_totals sums = {actual.class_spikes, actual.mute, actual.active, actual.packets,
                           actual.busy,         latencies,   NULL,          NULL};
    nc_step_result result;
    int64_t needed = 0;
    CHECK_EQUAL(nc_machine_check(&r->m, r->seen), NC_OK);
    CHECK_EQUAL(nc_inference_step(&r->m, r->input, work, &sums, &result, &needed), NC_OK);
    simulate(r, p, &expected);
    CHECK_EQUAL(result.generate_ps, p->result.generate_ps);
    CHECK_EQUAL(result.process_ps, p->result.process_ps);
    CHECK_EQUAL(result.link_ps, p->result.link_ps);
    CHECK_EQUAL(result.spikes, p->result.spikes);
    CHECK_EQUAL(result.packets, p->result.packets);
    CHECK_EQUAL(result.routing_ps, p->result.routing_ps);
    CHECK_EQUAL(result.latency_ps, p->result.latency_ps);
    CHECK(result.queue_ps == 0 && result.stall_ps == 0);
    CHECK(memcmp(&expected, &actual, sizeof actual) == 0);
}

static void random_machines_are_timed_like_the_plain_simulation(void) {
    static machine r;
    static plain p;
    nc_step_work work = {.spike_capacity = SPIKES,
                         .packet_capacity = PACKETS,
                         .spikes = zeros(SPIKES, sizeof(nc_spike)),
                         .sorted = zeros(SPIKES, sizeof(nc_spike)),
                         .packets = zeros(PACKETS, sizeof(nc_packet)),
                         .merged = zeros(PACKETS, sizeof(nc_packet)),
                         .tile_active = zeros(MOST_TILES, sizeof(int32_t)),
                         .tile_first = zeros(MOST_TILES + 1, sizeof(int64_t)),
                         .core_first = zeros(MOST_CORES + 1, sizeof(int64_t)),
                         .core_put = zeros(MOST_CORES + 1, sizeof(int64_t)),
                         .link_load = zeros(LINKS, sizeof(int64_t)),
                         .class_spikes = zeros(MOST_CLASSES, sizeof(int64_t)),
                         .used = zeros(MOST_CLASSES, sizeof(int32_t)),
                         .core_generate_ps = zeros(MOST_CORES, sizeof(int64_t)),
                         .core_left_ps = zeros(MOST_CORES, sizeof(int64_t))};
    for (int trial = 0; trial < 3000; trial++) {
        draw_machine(&r);
        compare_step(&r, &p, &work);
    }
    void *const all[] = {work.spikes,       work.sorted,       work.packets,  work.merged,    work.tile_active,
                         work.tile_first,   work.core_first,   work.core_put, work.link_load, work.core_generate_ps,
                         work.core_left_ps, work.class_spikes, work.used};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
}

int main(void) {
    RUN(random_machines_are_timed_like_the_plain_simulation);
    return check_result();
}
