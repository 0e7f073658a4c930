/* What nc_network_check, nc_network_workspace and a run refuse. */
#include "../network.h"
#include "check.h"
#include "dense_rows.h"

static const float ONE = 1, ZERO = 0;

static nc_neurons neurons(int32_t n) {
    return (nc_neurons){.n = n,
                        .period = 1,
                        .max_count = 1,
                        .state_limit = 1,
                        .v_decay = &ONE,
                        .v_gain = &ONE,
                        .leak = &ZERO,
                        .threshold = &ONE,
                        .v_reset = &ZERO,
                        .v_init = &ZERO};
}

/* A network of an input, two populations of neurons and three projections, whose parts a test then spoils. */
typedef struct {
    nc_population populations[3];
    nc_projection projections[3];
    nc_network net;
} parts;

static const float WEIGHTS[32];

static nc_projection linear(int32_t source, int32_t target, int32_t n_source, int32_t n_target) {
    nc_projection p = dense_rows(1, n_source, n_target, 64, WEIGHTS);
    p.source = source;
    p.target = target;
    return p;
}

static void build(parts *b) {
    *b = (parts){
        .populations = {{.kind = NC_INPUT, .n = 3, .width = 3, .history = 1, .place = -1},
                        {.kind = NC_NEURONS,
                         .n = 4,
                         .width = 4,
                         .history = 3,
                         .place = -1,
                         .first = 0,
                         .last = 2,
                         .neurons = neurons(4)},
                        {.kind = NC_NEURONS,
                         .n = 3,
                         .width = 3,
                         .history = 1,
                         .place = -1,
                         .first = 2,
                         .last = 3,
                         .neurons = neurons(3)}},
        .projections = {linear(0, 1, 3, 4),
                        {.kind = NC_ONE_TO_ONE,
                         .source = 1,
                         .target = 1,
                         .delay = 2,
                         .n_source = 4,
                         .n_target = 4,
                         .scale = &ONE,
                         .scale_count = 1},
                        linear(1, 2, 4, 3)},
    };
    b->net = (nc_network){3, 3, b->populations, b->projections, NULL, NULL, 0, 0};
}

#define REFUSED(field, value, code)                                                                                    \
    do {                                                                                                               \
        parts b;                                                                                                       \
        build(&b);                                                                                                     \
        b.field = value;                                                                                               \
        CHECK_EQUAL(nc_network_check(&b.net), code);                                                                   \
    } while (0)

static void wrong_populations_are_refused(void) {
    parts fine;
    build(&fine);
    CHECK_EQUAL(nc_network_check(&fine.net), NC_OK);
    REFUSED(net.population_count, 0, NC_ERR_SIZE);
    REFUSED(net.projection_count, -1, NC_ERR_SIZE);
    REFUSED(populations[1].n, 0, NC_ERR_SIZE);
    REFUSED(populations[1].n, 5, NC_ERR_SIZE);
    REFUSED(populations[1].n, NC_MOST_ELEMENTS + 1, NC_ERR_SIZE);
    REFUSED(populations[1].history, 0, NC_ERR_SIZE);
    REFUSED(populations[1].first, -1, NC_ERR_SIZE);
    REFUSED(populations[1].last, -1, NC_ERR_SIZE);
    REFUSED(populations[2].last, 4, NC_ERR_SIZE);
    REFUSED(populations[1].last, 3, NC_ERR_INDEX); /* the third projection is another's */
    REFUSED(populations[1].kind, 3, NC_ERR_KIND);
    REFUSED(populations[2].kind, NC_INPUT, NC_ERR_KIND); /* only the first ones are fed */
    REFUSED(populations[1].width, 0, NC_ERR_SIZE);
    REFUSED(populations[1].width, 3, NC_ERR_SIZE);
    REFUSED(populations[1].width, 2, NC_ERR_SIZE); /* the projection's rows have four columns */
    REFUSED(populations[1].shift, -17, NC_ERR_SIZE);
    REFUSED(populations[1].shift, 17, NC_ERR_SIZE);
    REFUSED(populations[1].held_shift, -1, NC_ERR_SIZE);
    REFUSED(populations[1].held_shift, 32, NC_ERR_SIZE);
    REFUSED(populations[1].held_limit, -1, NC_ERR_SIZE);
    REFUSED(populations[0].held_limit, 1, NC_ERR_SIZE); /* inputs come as they are */
    REFUSED(populations[1].bias, WEIGHTS, NC_ERR_SIZE); /* without a period */
    REFUSED(populations[1].neurons.n, 3, NC_ERR_SIZE);
    REFUSED(populations[1].neurons.threshold, NULL, NC_ERR_SIZE);
}

/* Outputs lie within the pool, for one step, and no reader comes after they were overwritten. */
static void wrong_places_are_refused(void) {
    parts b;
    build(&b);
    b.net.pool = 16 + 3;
    b.populations[0].place = 16;
    b.populations[2].place = 16; /* the input is read for the last time by the population between */
    CHECK_EQUAL(nc_network_check(&b.net), NC_OK);
    b.net.pool = 16 + 2;
    CHECK_EQUAL(nc_network_check(&b.net), NC_ERR_SIZE);
    b.net.pool = -1;
    CHECK_EQUAL(nc_network_check(&b.net), NC_ERR_SIZE);
    b.net.pool = NC_MOST_POOLED;
    b.populations[2].place = 1;
    CHECK_EQUAL(nc_network_check(&b.net), NC_ERR_SIZE); /* not where arrays may begin */
    b.populations[2].place = 0;
    b.populations[1].place = 32;
    CHECK_EQUAL(nc_network_check(&b.net), NC_ERR_SIZE); /* it is heard two steps later */
    b.populations[1].place = -2;
    CHECK_EQUAL(nc_network_check(&b.net), NC_ERR_SIZE);
    b.populations[1].place = -1;
    b.projections[2].source = 0; /* the input is read by the last population now */
    b.projections[2].n_source = b.projections[2].c_in = 3;
    b.populations[2].place = 16;
    CHECK_EQUAL(nc_network_check(&b.net), NC_ERR_INDEX);
}

static void wrong_projections_are_refused(void) {
    REFUSED(projections[0].source, -1, NC_ERR_INDEX);
    REFUSED(projections[0].source, 3, NC_ERR_INDEX);
    REFUSED(projections[0].target, 2, NC_ERR_INDEX);
    REFUSED(projections[0].n_source, 2, NC_ERR_SIZE);
    REFUSED(projections[0].n_target, 3, NC_ERR_SIZE);
    REFUSED(projections[0].kind, 12, NC_ERR_KIND);
    REFUSED(projections[1].delay, 3, NC_ERR_SIZE); /* beyond the source's history */
    REFUSED(projections[1].delay, 0, NC_ERR_INDEX); /* a loop without delay */
}

static void a_run_needs_memory_and_input(void) {
    parts b;
    build(&b);
    const nc_record records[3] = {{0}, {0}, {0}};
    const nc_feed feed = {WEIGHTS, 0}, nothing = {NULL, 0};
    void *const workspace = zeros((int64_t)nc_network_workspace(&b.net), 1);
    CHECK_EQUAL(nc_network_prepare_f32(&b.net, NULL, 1), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_prepare_f32(&b.net, workspace, 0), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_prepare_f32(&b.net, workspace, NC_MOST_PARTS + 1), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_prepare_f32(&b.net, workspace, 1), NC_OK);
    CHECK_EQUAL(nc_network_run_f32(&b.net, NULL, &feed, 1, records, 0), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_run_f32(&b.net, workspace, NULL, 1, records, 0), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_run_f32(&b.net, workspace, &nothing, 1, records, 0), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_run_f32(&b.net, workspace, &feed, -1, records, 0), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_run_f32(&b.net, workspace, &feed, 1, records, 1), NC_ERR_SIZE);
    CHECK_EQUAL(nc_network_run_f32(&b.net, workspace, &feed, 0, records, 0), NC_OK);
    free(workspace);
}

static void an_absurd_size_has_no_workspace(void) {
    const nc_population populations[2] = {
        {.kind = NC_INPUT, .n = 1 << 30, .width = 1, .history = INT32_MAX, .place = -1},
        {.kind = NC_RELAY, .n = 1 << 30, .width = 1, .history = INT32_MAX, .place = -1}};
    const nc_network net = {2, 0, populations, NULL, NULL, NULL, 0, 0};
    CHECK_EQUAL(nc_network_check(&net), NC_OK);
    CHECK_EQUAL(nc_network_workspace(&net), 0);
}

int main(void) {
    RUN(wrong_populations_are_refused);
    RUN(wrong_places_are_refused);
    RUN(wrong_projections_are_refused);
    RUN(a_run_needs_memory_and_input);
    RUN(an_absurd_size_has_no_workspace);
    return check_result();
}
