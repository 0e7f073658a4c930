/* Products of two signals, functions of the host, and several threads that compute one sample together. */
#include "../network.h"
#include "../product.h"
#include "check.h"
#include "dense_rows.h"
#include <pthread.h>

static const float SCALE = 3;
static const int32_t SCALE_I = 3;

typedef struct {
    nc_projection left, right;
    int32_t *a, *b, *x;
    float *af, *bf, *xf;
    int64_t product;
} pair;

static void draw_pair(pair *m, int32_t batch, int32_t rows, int32_t inner, int32_t columns) {
    const nc_projection sizes = {.batch = batch, .rows = rows, .inner = inner, .columns = columns, .scale_count = 1};
    m->left = m->right = sizes;
    m->left.kind = NC_LEFT;
    m->right.kind = NC_RIGHT;
    m->product = (int64_t)batch * rows * columns;
    const int64_t na = nc_operand_size(&m->left), nb = nc_operand_size(&m->right);
    CHECK_EQUAL(na, (int64_t)batch * rows * inner);
    CHECK_EQUAL(nb, (int64_t)batch * inner * columns);
    m->a = zeros(na, 4), m->b = zeros(nb, 4), m->x = zeros(m->product, 4);
    m->af = zeros(na, 4), m->bf = zeros(nb, 4), m->xf = zeros(m->product, 4);
    for (int64_t k = 0; k < na; k++)
        m->af[k] = (float)(m->a[k] = draw(0, 2) ? 0 : draw(-3, 3));
    for (int64_t k = 0; k < nb; k++)
        m->bf[k] = (float)(m->b[k] = draw(0, 1) ? 0 : draw(-3, 3));
}

static void release(pair *m) { free(m->a), free(m->b), free(m->x), free(m->af), free(m->bf), free(m->xf); }

/* Element (batch, row, column) of the product, and the coincidences that it takes. */
static int64_t expected(const pair *m, int32_t batch, int32_t row, int32_t column, int64_t *met) {
    const nc_projection *const p = &m->left;
    int64_t sum = 0;
    for (int32_t k = 0; k < p->inner; k++) {
        const int32_t a = m->a[(batch * p->rows + row) * p->inner + k];
        const int32_t b = m->b[(batch * p->inner + k) * p->columns + column];
        sum += (int64_t)a * b;
        *met += a != 0 && b != 0;
    }
    return 3 * sum;
}

static void check_pair(pair *m, const int32_t *scatter) {
    const nc_projection *const p = &m->left;
    int32_t *const tally = zeros(p->inner, 4), *const line = zeros(p->columns, 4);
    int64_t met = 0;
    m->left.scatter = scatter;
    for (int32_t row = 0; row < p->batch * p->rows;) { /* in shares of a few rows */
        const int32_t last = row + draw(1, 3) < p->batch * p->rows ? row + 1 : p->batch * p->rows;
        m->left.scale = &SCALE_I;
        nc_multiply_i32(&m->left, m->a, m->b, (nc_share){row, last}, line, m->x);
        m->left.scale = &SCALE;
        nc_multiply_f32(&m->left, m->af, m->bf, (nc_share){row, last}, (float *)(void *)line, m->xf);
        row = last;
    }
    for (int32_t at = 0; at < m->product; at++) {
        const int32_t row = at / p->columns;
        const int64_t value = expected(m, row / p->rows, row % p->rows, at % p->columns, &met);
        const int32_t place = scatter != NULL ? scatter[at] : at;
        CHECK_EQUAL(m->x[place], value);
        CHECK(m->xf[place] == (float)value);
    }
    CHECK_EQUAL(nc_coincidences_i32(p, m->a, m->b, tally), met);
    CHECK_EQUAL(nc_coincidences_f32(p, m->af, m->bf, tally), met);
    free(tally), free(line);
}

static void products_follow_their_definition(void) {
    for (int trial = 0; trial < 80; trial++) {
        pair m;
        const int each = trial % 4 == 0;
        draw_pair(&m, draw(1, 5), each ? 1 : draw(1, 7), each ? 1 : draw(1, 9), each ? 1 : draw(1, 12));
        check_pair(&m, NULL);
        int32_t *const scatter = zeros(m.product, 4);
        for (int32_t k = 0; k < m.product; k++)
            scatter[k] = (int32_t)m.product - 1 - k;
        check_pair(&m, scatter);
        free(scatter);
        release(&m);
    }
}

static void operands_are_put_in_order(void) {
    const int32_t source[6] = {5, 4, 3, 2, 1, 0}, values[6] = {10, 11, 12, 13, 14, 15};
    nc_projection p = {.kind = NC_LEFT, .batch = 1, .rows = 2, .inner = 3, .columns = 1, .indices = source};
    int32_t out[6] = {7, 7, 7, 7, 7, 7};
    nc_operand_i32(&p, values, (nc_share){1, 5}, out);
    CHECK(out[0] == 7 && out[1] == 14 && out[4] == 11 && out[5] == 7);
    nc_operand_i32(&p, NULL, (nc_share){4, 6}, out); /* before anything has arrived */
    CHECK(out[3] == 12 && out[4] == 0 && out[5] == 0);
    p.indices = NULL;
    nc_operand_i32(&p, values, (nc_share){0, 6}, out);
    CHECK(memcmp(out, values, sizeof out) == 0);
}

static nc_status add_hundred(void *context, int32_t projection, const void *source, void *target) {
    int32_t *const calls = (int32_t *)context;
    CHECK_EQUAL(projection, 2);
    for (int k = 0; k < 6; k++)
        ((int32_t *)target)[k] = ((const int32_t *)source)[k] + 100;
    return ++*calls > 3 ? NC_ERR_KIND : NC_OK;
}

typedef struct {
    const nc_network *net;
    void *workspace;
    const nc_feed *feeds;
    const nc_record *records;
    int32_t steps, part;
    nc_status status;
} thread_job;

static void *run_part(void *argument) {
    thread_job *const job = (thread_job *)argument;
    job->status = nc_network_run_i32(job->net, job->workspace, job->feeds, job->steps, job->records, job->part);
    return NULL;
}

/* Runs with several threads at once; returns the status on which they agree. */
static nc_status run_together(const nc_network *net, const nc_feed *feeds, int32_t steps, const nc_record *records,
                              int32_t parts) {
    pthread_t threads[NC_MOST_PARTS];
    thread_job jobs[NC_MOST_PARTS];
    void *const workspace = malloc(nc_network_workspace(net));
    CHECK_EQUAL(nc_network_check(net), NC_OK);
    CHECK_EQUAL(nc_network_prepare_i32(net, workspace, parts), NC_OK);
    for (int32_t k = 0; k < parts; k++) {
        jobs[k] = (thread_job){net, workspace, feeds, records, steps, k, NC_OK};
        if (pthread_create(&threads[k], NULL, run_part, &jobs[k]) != 0)
            exit(2);
    }
    for (int32_t k = 0; k < parts; k++)
        pthread_join(threads[k], NULL);
    for (int32_t k = 1; k < parts; k++)
        CHECK_EQUAL(jobs[k].status, jobs[0].status);
    free(workspace);
    return jobs[0].status;
}

/* Two inputs are multiplied, (2 x 3) by (3 x 3), the right one a step late; the host works on the product. */
static void threads_meet_after_each_population(void) {
    nc_projection projections[3] = {{.kind = NC_LEFT, .source = 0, .target = 2, .n_source = 6},
                                    {.kind = NC_RIGHT, .source = 1, .target = 2, .n_source = 9, .delay = 1},
                                    {.kind = NC_HOST, .source = 2, .target = 3, .n_source = 6, .n_target = 6}};
    for (int k = 0; k < 2; k++) {
        projections[k].n_target = 6;
        projections[k].batch = 1, projections[k].rows = 2, projections[k].inner = projections[k].columns = 3;
        projections[k].scale = &SCALE_I, projections[k].scale_count = 1;
    }
    const nc_population populations[4] = {
        {.kind = NC_INPUT, .n = 6, .width = 6, .history = 1, .place = -1},
        {.kind = NC_INPUT, .n = 9, .width = 3, .history = 2, .place = -1},
        {.kind = NC_RELAY, .n = 6, .width = 3, .history = 1, .place = -1, .first = 0, .last = 2},
        {.kind = NC_RELAY, .n = 6, .width = 6, .history = 1, .place = -1, .first = 2, .last = 3}};
    const int32_t left[6] = {1, 0, 2, 0, 0, 1}, right[9] = {1, 1, 0, 0, 1, 0, 2, 0, 0};
    const nc_feed feeds[4] = {{left, 0}, {right, 0}, {NULL, 0}, {NULL, 0}};
    const int32_t product[6] = {15, 3, 0, 6, 0, 0};
    for (int32_t parts = 1; parts <= 5; parts++) {
        int32_t out[3 * 6], calls = 0;
        int64_t met = 10;
        const nc_record records[4] = {{0}, {0}, {.products = &met}, {.values = out}};
        const nc_network net = {4, 3, populations, projections, add_hundred, &calls, 0, 0};
        CHECK_EQUAL(run_together(&net, feeds, 3, records, parts), NC_OK);
        for (int k = 0; k < 18; k++)
            CHECK_EQUAL(out[k], 100 + (k < 6 ? 0 : product[k % 6]));
        CHECK_EQUAL(met, 10 + 2 * 4); /* nothing meets in the first step */
        CHECK_EQUAL(run_together(&net, feeds, 3, records, parts), NC_ERR_KIND); /* the host fails: all stop */
    }
}

/* A wide layer of neurons behind a dense map gives the same bytes for any number of threads. */
static void shares_do_not_show(void) {
    enum { ROWS = 9, IN = 16, OUT = 40, N = ROWS * OUT, STEPS = 6 };
    static int16_t weight[IN * OUT];
    static int32_t input[STEPS * ROWS * IN], values[2][STEPS * N];
    static uint8_t spikes[2][STEPS * N / 8], active[2][STEPS * N / 8];
    const int32_t bias[3] = {1, 2, 3};
    int32_t threshold[N];
    for (int k = 0; k < IN * OUT; k++)
        weight[k] = (int16_t)draw(-9, 9);
    for (int k = 0; k < STEPS * ROWS * IN; k++)
        input[k] = draw(0, 3) ? 0 : draw(-2, 2);
    for (int k = 0; k < N; k++)
        threshold[k] = draw(3, 30);
    const nc_neurons neurons = {.n = N,
                                .period = N,
                                .max_count = 1,
                                .decay_bits = 12,
                                .state_limit = 40,
                                .v_decay = threshold,
                                .v_gain = threshold,
                                .leak = threshold,
                                .threshold = threshold,
                                .v_reset = threshold,
                                .v_init = threshold};
    const nc_population populations[2] = {{.kind = NC_INPUT, .n = ROWS * IN, .width = IN, .history = 1, .place = -1},
                                          {.kind = NC_NEURONS,
                                           .n = N,
                                           .width = OUT,
                                           .history = 1,
                                           .place = -1,
                                           .last = 1,
                                           .bias = bias,
                                           .bias_period = 3,
                                           .neurons = neurons}};
    nc_projection dense = dense_rows(ROWS, IN, OUT, 16, weight);
    dense.target = 1;
    const nc_network net = {2, 1, populations, &dense, NULL, NULL, 0, 0};
    const nc_feed feeds[2] = {{input, ROWS * IN}, {NULL, 0}};
    for (int32_t parts = 1; parts <= 4; parts++) {
        const int k = parts > 1;
        const nc_record records[2] = {{0}, {.spikes = spikes[k], .active = active[k], .values = values[k]}};
        CHECK_EQUAL(run_together(&net, feeds, STEPS, records, parts), NC_OK);
        CHECK(memcmp(spikes[0], spikes[k], sizeof spikes[0]) == 0);
        CHECK(memcmp(active[0], active[k], sizeof active[0]) == 0);
        CHECK(memcmp(values[0], values[k], sizeof values[0]) == 0);
    }
}

static void counts_have_the_width_that_is_asked_for(void) {
    const nc_population population = {.kind = NC_INPUT, .n = 3, .width = 3, .history = 1, .place = -1};
    const nc_network net = {1, 0, &population, NULL, NULL, NULL, 0, 0};
    const int32_t input[3] = {1, 0, 2};
    const nc_feed feed = {input, 0}; /* a stride of 0 repeats one step */
    uint8_t one[3] = {0};
    uint16_t two[3] = {0};
    uint32_t four[3] = {0};
    uint64_t eight[3] = {0};
    const nc_record records[4] = {{.nonzero = one, .nonzero_bytes = 1},
                                  {.nonzero = two, .nonzero_bytes = 2},
                                  {.nonzero = four, .nonzero_bytes = 4},
                                  {.nonzero = eight, .nonzero_bytes = 8}};
    for (int k = 0; k < 4; k++)
        CHECK_EQUAL(run_together(&net, &feed, 5, &records[k], k + 1), NC_OK);
    CHECK(one[0] == 5 && one[1] == 0 && one[2] == 5);
    CHECK(two[0] == 5 && two[1] == 0 && two[2] == 5);
    CHECK(four[0] == 5 && four[1] == 0 && four[2] == 5);
    CHECK(eight[0] == 5 && eight[1] == 0 && eight[2] == 5);
}

int main(void) {
    RUN(products_follow_their_definition);
    RUN(operands_are_put_in_order);
    RUN(threads_meet_after_each_population);
    RUN(shares_do_not_show);
    RUN(counts_have_the_width_that_is_asked_for);
    return check_result();
}
