/* The network on chip: closed forms, conservation on random networks, workspaces that are left clean, refusals. */
#include "../noc.h"
#include "../noc_event.h"
#include "check.h"

enum { MOST = 400, LINKS = 4 };

typedef struct {
    nc_noc net;
    nc_noc_burst burst;
    nc_noc_result result;
    void *workspace;
    int64_t routers;
} setup;

static setup make(int32_t width, int32_t height, int32_t locals, int32_t torus, int32_t vcs, int32_t depth) {
    setup s = {.net = {.width = width,
                       .height = height,
                       .locals = locals,
                       .torus = torus,
                       .vcs = vcs,
                       .depth = depth,
                       .routing_delay = 1,
                       .credit_delay = 1,
                       .speculative = 0,
                       .input_speedup = 1}};
    s.routers = (int64_t)width * height;
    int32_t *const latency = zeros(s.routers * LINKS, sizeof *latency);
    int32_t *const interval = zeros(s.routers * LINKS, sizeof *interval);
    for (int64_t link = 0; link < s.routers * LINKS; link++)
        latency[link] = interval[link] = 1;
    s.net.link_latency = latency;
    s.net.link_interval = interval;
    s.result.arrival = zeros(MOST, sizeof(int64_t));
    s.result.inject = zeros(MOST, sizeof(int64_t));
    s.result.link_flits = zeros(s.routers * LINKS, sizeof(int64_t));
    s.result.port_wait = zeros(s.routers * (LINKS + locals), sizeof(int64_t));
    s.burst.classes = 1;
    return s;
}

static void open_workspace(setup *s, int with_trees) {
    const uint64_t bytes = nc_noc_workspace(&s->net, MOST, with_trees);
    s->workspace = zeros((int64_t)bytes, 1);
    memset(s->workspace, 0xa5, bytes);
    nc_noc_prepare(&s->net, s->workspace, MOST, with_trees);
}

static void discard(setup *s) {
    free((void *)s->net.link_latency);
    free((void *)s->net.link_interval);
    free((void *)s->burst.order);
    free((void *)s->burst.release);
    free((void *)s->burst.source);
    free((void *)s->burst.flits);
    free((void *)s->burst.delivery_core);
    free(s->result.arrival);
    free(s->result.inject);
    free(s->result.link_flits);
    free(s->result.port_wait);
    free(s->workspace);
}

/* Packets released in order of their number. */
static void fill(setup *s, int32_t packets, int32_t longest, int32_t every) {
    int32_t *const order = zeros(packets, sizeof *order), *const source = zeros(packets, sizeof *source);
    int32_t *const flits = zeros(packets, sizeof *flits), *const core = zeros(packets, sizeof *core);
    int64_t *const release = zeros(packets, sizeof *release);
    const int32_t cores = (int32_t)s->routers * s->net.locals;
    for (int32_t p = 0; p < packets; p++) {
        order[p] = p;
        release[p] = every == 0 ? 0 : p / every;
        source[p] = draw(0, cores - 1);
        core[p] = draw(0, cores - 1);
        flits[p] = draw(1, longest);
    }
    s->burst.packet_count = s->burst.delivery_count = packets;
    s->burst.order = order;
    s->burst.release = release;
    s->burst.source = source;
    s->burst.flits = flits;
    s->burst.delivery_core = core;
}

static nc_status run(setup *s, int64_t until) {
    memset(s->result.link_flits, 0, (size_t)s->routers * (size_t)nc_noc_links(&s->net) * sizeof(int64_t));
    return nc_noc_run(&s->net, s->workspace, MOST, 0, &s->burst, until, &s->result);
}

static int64_t hops_along(int32_t from, int32_t to, int32_t size, int32_t torus) {
    const int32_t apart = abs(from - to);
    return torus && size - apart < apart ? size - apart : apart;
}

static int64_t expected_flits(const setup *s) {
    int64_t sum = 0;
    for (int64_t p = 0; p < s->burst.packet_count; p++) {
        const int32_t from = s->burst.source[p] / s->net.locals, to = s->burst.delivery_core[p] / s->net.locals;
        const int32_t width = s->net.width, torus = s->net.torus;
        sum += s->burst.flits[p] * (hops_along(from % width, to % width, width, torus) +
                                    hops_along(from / width, to / width, s->net.height, torus));
    }
    return sum;
}

static int64_t flits_over_links(const setup *s) {
    int64_t sum = 0;
    for (int64_t link = 0; link < s->routers * LINKS; link++)
        sum += s->result.link_flits[link];
    return sum;
}

static void test_lonely_packet_takes_its_pipelines(void) {
    for (int32_t speculative = 0; speculative < 2; speculative++) {
        for (int32_t delay = 0; delay < 4; delay++) {
            setup s = make(5, 1, 1, 0, 2, 16);
            s.net.speculative = speculative;
            s.net.routing_delay = delay;
            open_workspace(&s, 0);
            fill(&s, 1, 1, 0);
            ((int32_t *)s.burst.source)[0] = 0;
            ((int32_t *)s.burst.delivery_core)[0] = 4;
            ((int32_t *)s.burst.flits)[0] = 6;
            CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_OK);
            CHECK_EQUAL(run(&s, -1), NC_OK);
            const int32_t pipeline = delay + 1 - speculative;
            CHECK_EQUAL(s.result.drain, 1 + pipeline + 4 * (3 + pipeline) + 4 + 5);
            CHECK_EQUAL(s.result.inject[0], 0);
            discard(&s);
        }
    }
}

static void test_everything_arrives_once(void) {
    for (int32_t round = 0; round < 60; round++) {
        const int32_t torus = draw(0, 1), locals = draw(1, 3), vcs = draw(1 + torus, 8);
        setup s = make(draw(1, 6), draw(1, 6), locals, torus, vcs, draw(1, 6));
        s.net.routing_delay = draw(0, 3);
        s.net.credit_delay = draw(0, 3);
        s.net.speculative = draw(0, 1);
        s.net.input_speedup = vcs % 2 == 0 ? draw(1, 2) : 1;
        open_workspace(&s, 0);
        fill(&s, draw(1, MOST), 7, draw(0, 3));
        CHECK_EQUAL(nc_noc_check(&s.net), NC_OK);
        CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_OK);
        CHECK_EQUAL(run(&s, -1), NC_OK);
        CHECK_EQUAL(s.result.delivered, s.burst.packet_count);
        CHECK_EQUAL(flits_over_links(&s), expected_flits(&s));
        discard(&s);
    }
}

static void test_workspace_is_left_as_it_was(void) {
    for (int32_t round = 0; round < 20; round++) {
        setup s = make(4, 3, 2, round % 2, 2, 3);
        s.net.speculative = draw(0, 1);
        open_workspace(&s, 0);
        fill(&s, 200, 5, 2);
        CHECK_EQUAL(run(&s, -1), NC_OK);
        int64_t *const first = zeros(200, sizeof *first);
        memcpy(first, s.result.arrival, 200 * sizeof *first);
        const int64_t drain = s.result.drain;
        CHECK_EQUAL(run(&s, draw(0, (int32_t)drain - 5)), NC_OK);
        CHECK(s.result.delivered < 200);
        CHECK_EQUAL(run(&s, -1), NC_OK);
        CHECK(memcmp(first, s.result.arrival, 200 * sizeof *first) == 0);
        free(first);
        discard(&s);
    }
}

/* A tree along a row, with a copy for every router on its way. */
static void test_tree_copies_at_every_router(void) {
    setup s = make(6, 1, 1, 0, 2, 4);
    open_workspace(&s, 1);
    fill(&s, 1, 1, 0);
    const int64_t delivery_ptr[] = {0, 6}, tree_ptr[] = {0, 6};
    const int32_t cores[] = {0, 1, 2, 3, 4, 5}, tree[] = {0};
    const uint64_t ports[] = {17, 17, 17, 17, 17, 16};
    const uint8_t high[6] = {0};
    free((void *)s.burst.delivery_core);
    s.burst.delivery_core = cores;
    s.burst.delivery_count = 6;
    s.burst.delivery_ptr = delivery_ptr;
    s.burst.tree = tree;
    s.burst.tree_count = 1;
    s.burst.tree_ptr = tree_ptr;
    s.burst.tree_router = cores;
    s.burst.tree_ports = ports;
    s.burst.tree_high = high;
    ((int32_t *)s.burst.source)[0] = 0;
    ((int32_t *)s.burst.flits)[0] = 4;
    CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_OK);
    CHECK_EQUAL(nc_noc_run(&s.net, s.workspace, MOST, 1, &s.burst, -1, &s.result), NC_OK);
    CHECK_EQUAL(s.result.delivered, 6);
    CHECK_EQUAL(flits_over_links(&s), 5 * 4);
    for (int32_t k = 1; k < 6; k++)
        CHECK(s.result.arrival[k] > s.result.arrival[k - 1]);
    CHECK_EQUAL(nc_noc_run(&s.net, s.workspace, MOST, 0, &s.burst, -1, &s.result), NC_ERR_CAPACITY);
    ((int32_t *)s.burst.flits)[0] = 5; /* longer than a buffer */
    CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_ERR_SIZE);
    ((uint64_t *)ports)[5] = 17; /* off the mesh */
    CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_ERR_INDEX);
    s.burst.delivery_core = NULL;
    discard(&s);
}

static void test_events_carry_the_same_flits(void) {
    for (int32_t round = 0; round < 20; round++) {
        setup s = make(draw(1, 6), draw(1, 6), 1, 0, 4, 8);
        fill(&s, draw(1, MOST), 7, draw(0, 3));
        int64_t *const link_flit = zeros(s.routers * LINKS, sizeof *link_flit);
        for (int64_t link = 0; link < s.routers * LINKS; link++)
            link_flit[link] = NC_NOC_FRACTION;
        const nc_noc_service service = {0, 0, NC_NOC_FRACTION, NC_NOC_FRACTION, link_flit};
        s.workspace = zeros((int64_t)nc_noc_event_workspace(&s.net, s.burst.packet_count, s.burst.delivery_count), 1);
        CHECK_EQUAL(nc_noc_event_run(&s.net, s.workspace, &service, &s.burst, &s.result), NC_OK);
        CHECK_EQUAL(s.result.delivered, s.burst.packet_count);
        CHECK_EQUAL(flits_over_links(&s), expected_flits(&s));
        free(link_flit);
        discard(&s);
    }
}

/* Leaves of 2 x 2 under one router each, these under the root. */
static int64_t levels_apart(int32_t from, int32_t to, int32_t width) {
    int64_t levels = 0;
    for (; from != to; levels++, width = (width + 1) / 2) {
        from = from / width / 2 * ((width + 1) / 2) + from % width / 2;
        to = to / width / 2 * ((width + 1) / 2) + to % width / 2;
    }
    return levels;
}

static void test_a_quad_tree_goes_up_and_down(void) {
    for (int32_t round = 0; round < 20; round++) {
        const int32_t width = draw(1, 7), height = draw(1, 7);
        setup s = make(2 * width, 2 * height, draw(1, 3), 0, draw(1, 3), draw(1, 8)); /* room for all routers */
        s.net.width = width;
        s.net.height = height;
        s.net.tree = 1;
        CHECK_EQUAL(nc_noc_check(&s.net), NC_OK);
        open_workspace(&s, 0);
        s.routers = width * height;
        fill(&s, draw(1, MOST), 5, draw(0, 2));
        s.routers = nc_noc_routers(&s.net);
        CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_OK);
        CHECK_EQUAL(run(&s, -1), NC_OK);
        CHECK_EQUAL(s.result.delivered, s.burst.packet_count);
        int64_t expected = 0, counted = 0;
        for (int64_t p = 0; p < s.burst.packet_count; p++)
            expected += 2 * s.burst.flits[p] *
                        levels_apart(s.burst.source[p] / s.net.locals, s.burst.delivery_core[p] / s.net.locals, width);
        for (int64_t link = 0; link < s.routers * nc_noc_links(&s.net); link++)
            counted += s.result.link_flits[link];
        CHECK_EQUAL(counted, expected);
        discard(&s);
    }
}

static void test_what_cannot_be_run_is_refused(void) {
    setup s = make(3, 3, 1, 0, 2, 4);
    const nc_noc good = s.net;
    CHECK_EQUAL(nc_noc_check(&s.net), NC_OK);
    s.net.torus = s.net.vcs = 1;
    CHECK_EQUAL(nc_noc_check(&s.net), NC_ERR_SIZE);
    s.net = good;
    s.net.tree = s.net.torus = 1;
    CHECK_EQUAL(nc_noc_check(&s.net), NC_ERR_SIZE);
    s.net = good;
    s.net.halves = s.net.vcs = 1;
    CHECK_EQUAL(nc_noc_check(&s.net), NC_ERR_SIZE);
    s.net = good;
    s.net.vcs = 13; /* 5 ports x 13 > 64 */
    CHECK_EQUAL(nc_noc_check(&s.net), NC_ERR_SIZE);
    s.net = good;
    ((int32_t *)s.net.link_latency)[3] = 0;
    CHECK_EQUAL(nc_noc_check(&s.net), NC_ERR_SIZE);
    ((int32_t *)s.net.link_latency)[3] = 1;
    open_workspace(&s, 0);
    fill(&s, 3, 1, 0);
    CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_OK);
    ((int32_t *)s.burst.delivery_core)[1] = 9;
    CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_ERR_INDEX);
    ((int32_t *)s.burst.delivery_core)[1] = 8;
    ((int32_t *)s.burst.order)[0] = 1; /* not a permutation */
    CHECK_EQUAL(nc_noc_check_burst(&s.net, &s.burst), NC_ERR_SIZE);
    ((int32_t *)s.burst.order)[0] = 0;
    s.burst.packet_count = MOST + 1;
    CHECK_EQUAL(run(&s, -1), NC_ERR_CAPACITY);
    discard(&s);
}

int main(void) {
    RUN(test_lonely_packet_takes_its_pipelines);
    RUN(test_everything_arrives_once);
    RUN(test_workspace_is_left_as_it_was);
    RUN(test_tree_copies_at_every_router);
    RUN(test_events_carry_the_same_flits);
    RUN(test_a_quad_tree_goes_up_and_down);
    RUN(test_what_cannot_be_run_is_refused);
    return check_result();
}
