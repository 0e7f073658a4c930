/* Whole networks: delays, recurrence, biases, records and the work area. */
#include "../network.h"
#include "check.h"

#define GUARD 64
#define STEPS 40

static const float ONE = 1, HALF = 0.5f, ZERO = 0, FOUR = 4;
static const int32_t ONE_I = 1, FULL_I = 4096, ZERO_I = 0, FOUR_I = 4;

/* Runs with a work area of exactly the announced size, full of garbage, between two guards. */
static void run_f32(const nc_network *net, const float *input, int64_t stride, int32_t steps,
                    const nc_record *records) {
    const uint64_t size = nc_network_workspace(net);
    const nc_feed feed = {input, stride};
    uint8_t *const memory = malloc(size + 2 * GUARD);
    if (memory == NULL)
        exit(2);
    memset(memory, 0xa5, size + 2 * GUARD);
    CHECK_EQUAL(nc_network_check(net), NC_OK);
    CHECK_EQUAL(nc_network_prepare_f32(net, memory + GUARD, 1), NC_OK);
    CHECK_EQUAL(nc_network_run_f32(net, memory + GUARD, &feed, steps, records, 0), NC_OK);
    CHECK_EQUAL(nc_network_saturations(memory + GUARD), 0);
    for (int k = 0; k < GUARD; k++)
        CHECK(memory[k] == 0xa5 && memory[GUARD + size + (uint64_t)k] == 0xa5);
    free(memory);
}

static int64_t run_i32(const nc_network *net, const int32_t *input, int64_t stride, int32_t steps,
                       const nc_record *records) {
    const uint64_t size = nc_network_workspace(net);
    const nc_feed feed = {input, stride};
    uint8_t *const memory = malloc(size); /* nothing around it: a sanitizer guards its ends */
    if (memory == NULL)
        exit(2);
    memset(memory, 0x5a, size);
    CHECK_EQUAL(nc_network_check(net), NC_OK);
    CHECK_EQUAL(nc_network_prepare_i32(net, memory, 1), NC_OK);
    CHECK_EQUAL(nc_network_run_i32(net, memory, &feed, steps, records, 0), NC_OK);
    const int64_t saturations = nc_network_saturations(memory);
    free(memory);
    return saturations;
}

static nc_projection pairs(int32_t source, int32_t target, int32_t n, int32_t delay, const void *scale) {
    return (nc_projection){.kind = NC_ONE_TO_ONE,
                           .source = source,
                           .target = target,
                           .delay = delay,
                           .n_source = n,
                           .n_target = n,
                           .scale = scale,
                           .scale_count = 1};
}

static void draw_input(float *f, int32_t *k, int32_t count) {
    for (int32_t at = 0; at < count; at++) {
        k[at] = draw(0, 1) ? 0 : draw(-9, 9);
        f[at] = (float)k[at];
    }
}

/* Input -> relay with every delay: the relay repeats the input that many steps later. */
static void a_delay_is_a_number_of_steps(void) {
    enum { N = 11 };
    float f[STEPS * N], out_f[STEPS * N];
    int32_t k[STEPS * N], out_k[STEPS * N];
    for (int32_t delay = 0; delay < 6; delay++) {
        const nc_population populations[2] = {
            {.kind = NC_INPUT, .n = N, .width = N, .history = delay + 1, .place = -1},
            {.kind = NC_RELAY, .n = N, .width = N, .history = 1, .place = -1, .first = 0, .last = 1}};
        nc_projection projection = pairs(0, 1, N, delay, &ONE);
        const nc_network net = {2, 1, populations, &projection, NULL, NULL, 0, 0};
        const nc_record keep_f[2] = {{0}, {.values = out_f}}, keep_k[2] = {{0}, {.values = out_k}};
        draw_input(f, k, STEPS * N);
        run_f32(&net, f, N, STEPS, keep_f);
        projection.scale = &ONE_I;
        run_i32(&net, k, N, STEPS, keep_k);
        for (int32_t at = 0; at < STEPS * N; at++) {
            const int32_t from = at - delay * N;
            CHECK_EQUAL(out_k[at], from < 0 ? 0 : k[from]);
            CHECK(out_f[at] == (float)out_k[at]);
        }
    }
}

/* y(t) = x(t) + x(t-1) + x(t-4) + y(t-2) / 2 through a history of five steps and a loop of the relay onto itself. */
static void several_delays_share_one_history(void) {
    enum { N = 3 };
    const nc_population populations[2] = {
        {.kind = NC_INPUT, .n = N, .width = N, .history = 5, .place = -1},
        {.kind = NC_RELAY, .n = N, .width = N, .history = 3, .place = -1, .first = 0, .last = 4}};
    const nc_projection projections[4] = {pairs(0, 1, N, 0, &ONE), pairs(0, 1, N, 1, &ONE), pairs(0, 1, N, 4, &ONE),
                                          pairs(1, 1, N, 2, &HALF)};
    const nc_network net = {2, 4, populations, projections, NULL, NULL, 0, 0};
    float f[STEPS * N], out[STEPS * N], expected[STEPS * N];
    int32_t k[STEPS * N];
    draw_input(f, k, STEPS * N);
    const nc_record records[2] = {{0}, {.values = out}};
    run_f32(&net, f, N, STEPS, records);
    for (int32_t at = 0; at < STEPS * N; at++) {
        expected[at] = f[at];
        expected[at] += at >= N ? f[at - N] : 0;
        expected[at] += at >= 4 * N ? f[at - 4 * N] : 0;
        expected[at] += at >= 2 * N ? expected[at - 2 * N] / 2 : 0;
        CHECK(out[at] == expected[at]);
    }
}

static nc_neurons counter(int32_t n, int is_float) {
    const void *const decay = is_float ? (const void *)&ONE : &FULL_I, *const one =
                                                                           is_float ? (const void *)&ONE : &ONE_I;
    const void *const zero = is_float ? (const void *)&ZERO : &ZERO_I, *const four =
                                                                           is_float ? (const void *)&FOUR : &FOUR_I;
    return (nc_neurons){.n = n,
                        .period = 1,
                        .max_count = 1,
                        .decay_bits = 12,
                        .state_limit = 128,
                        .v_decay = decay,
                        .v_gain = one,
                        .leak = zero,
                        .threshold = four,
                        .v_reset = zero,
                        .v_init = zero};
}

/* Neuron 0 is driven once; then the spike runs round a ring of neurons, one per delay. */
static void a_spike_runs_round_a_ring(void) {
    enum { N = 5, DELAY = 3 };
    const int32_t before[N] = {4, 0, 1, 2, 3};
    const nc_population populations[2] = {{.kind = NC_INPUT, .n = N, .width = N, .history = 1, .place = -1},
                                          {.kind = NC_NEURONS,
                                           .n = N,
                                           .width = N,
                                           .history = DELAY + 1,
                                           .place = -1,
                                           .first = 0,
                                           .last = 2,
                                           .neurons = counter(N, 0)}};
    nc_projection projections[2] = {pairs(0, 1, N, 0, &ONE_I), pairs(1, 1, N, DELAY, &FOUR_I)};
    projections[1].indices = before;
    const nc_network net = {2, 2, populations, projections, NULL, NULL, 0, 0};
    int32_t input[STEPS * N] = {4};
    uint8_t spikes[STEPS], active[STEPS];
    int64_t fired[N] = {0};
    const nc_record records[2] = {{0}, {.spikes = spikes, .active = active, .nonzero = fired, .nonzero_bytes = 8}};
    CHECK_EQUAL(run_i32(&net, input, N, STEPS, records), 0);
    int64_t total = 0;
    for (int32_t t = 0; t < STEPS; t++) {
        CHECK_EQUAL(spikes[t], t % DELAY == 0 ? 1 << t / DELAY % N : 0);
        CHECK_EQUAL(active[t], spikes[t]); /* the others rest at zero */
    }
    for (int k = 0; k < N; k++)
        total += fired[k];
    CHECK_EQUAL(total, (STEPS + DELAY - 1) / DELAY);
}

/* Sums of neurons are shifted, their bias is not; a bias repeats along the population. */
static void the_bias_is_added_after_the_shift(void) {
    enum { N = 7 };
    const int32_t bias[3] = {10, 20, 30};
    const nc_population populations[2] = {{.kind = NC_INPUT, .n = N, .width = N, .history = 1, .place = -1},
                                          {.kind = NC_RELAY,
                                           .n = N,
                                           .width = N,
                                           .history = 1,
                                           .place = -1,
                                           .first = 0,
                                           .last = 1,
                                           .shift = 6,
                                           .bias = bias,
                                           .bias_period = 3}};
    const nc_projection projection = pairs(0, 1, N, 0, &ONE_I);
    const nc_network net = {2, 1, populations, &projection, NULL, NULL, 0, 0};
    const int32_t input[N] = {1, 0, -2, 3, 0, 5, 0};
    int32_t out[N];
    const nc_record records[2] = {{0}, {.values = out}};
    run_i32(&net, input, N, 1, records);
    for (int32_t j = 0; j < N; j++)
        CHECK_EQUAL(out[j], input[j] * 64 + bias[j % 3]);
}

static void a_maximum_is_taken_before_the_bias(void) {
    const float bias = 2;
    const nc_population populations[2] = {{.kind = NC_INPUT, .n = 4, .width = 1, .history = 1, .place = -1},
                                          {.kind = NC_RELAY,
                                           .n = 2,
                                           .width = 1,
                                           .history = 1,
                                           .place = -1,
                                           .first = 0,
                                           .last = 1,
                                           .bias = &bias,
                                           .bias_period = 1}};
    const nc_projection pool = {.kind = NC_MAX_POOL,
                                .source = 0,
                                .target = 1,
                                .n_source = 4,
                                .n_target = 2,
                                .c_in = 1,
                                .h_in = 1,
                                .w_in = 4,
                                .c_out = 1,
                                .h_out = 1,
                                .w_out = 2,
                                .kh = 1,
                                .kw = 2,
                                .stride_y = 1,
                                .stride_x = 2,
                                .dilation_y = 1,
                                .dilation_x = 1,
                                .groups = 1};
    const nc_network net = {2, 1, populations, &pool, NULL, NULL, 0, 0};
    const float input[8] = {-3, -1, -5, 0, 4, 1, 0, 0};
    float out[4];
    const nc_record records[2] = {{0}, {.values = out}};
    run_f32(&net, input, 4, 2, records);
    CHECK(out[0] == 1 && out[1] == 2 && out[2] == 6 && out[3] == 2);
}

/* Flags are packed eight to a byte, lowest bit first; bits beyond the population stay zero. */
static void records_hold_every_step(void) {
    for (int32_t n = 1; n <= 19; n++) {
        const int32_t bytes = (n + 7) / 8;
        const nc_population population = {.kind = NC_INPUT, .n = n, .width = n, .history = 1, .place = -1};
        const nc_network net = {1, 0, &population, NULL, NULL, NULL, 0, 0};
        float *const input = zeros(STEPS * n, sizeof(float)), *const values = zeros(STEPS * n, sizeof(float));
        int32_t *const whole = zeros(STEPS * n, sizeof(int32_t));
        uint8_t *const spikes = zeros(STEPS * bytes, 1);
        int64_t *const nonzero = zeros(n, sizeof(int64_t)), *const expected = zeros(n, sizeof(int64_t));
        draw_input(input, whole, STEPS * n);
        nonzero[0] = expected[0] = 100; /* counts are added to */
        memset(spikes, 0xff, (size_t)(STEPS * bytes));
        const nc_record record = {.spikes = spikes, .values = values, .nonzero = nonzero, .nonzero_bytes = 8};
        run_f32(&net, input, n, STEPS, &record);
        for (int32_t at = 0; at < STEPS * bytes * 8; at++) {
            const int32_t t = at / (bytes * 8), j = at % (bytes * 8);
            const int expected_bit = j < n && whole[t * n + j] != 0;
            CHECK_EQUAL(spikes[t * bytes + j / 8] >> j % 8 & 1, expected_bit);
            if (j < n)
                expected[j] += expected_bit;
        }
        CHECK(memcmp(values, input, sizeof(float) * (size_t)(STEPS * n)) == 0);
        CHECK(memcmp(nonzero, expected, sizeof(int64_t) * (size_t)n) == 0);
        free(input), free(values), free(whole), free(spikes), free(nonzero), free(expected);
    }
}

static void a_second_run_starts_from_rest(void) {
    const nc_population populations[2] = {{.kind = NC_INPUT, .n = 1, .width = 1, .history = 1, .place = -1},
                                          {.kind = NC_NEURONS,
                                           .n = 1,
                                           .width = 1,
                                           .history = 1,
                                           .place = -1,
                                           .first = 0,
                                           .last = 1,
                                           .neurons = counter(1, 1)}};
    const nc_projection projection = pairs(0, 1, 1, 0, &ONE);
    const nc_network net = {2, 1, populations, &projection, NULL, NULL, 0, 0};
    const float input[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    uint8_t first[10], second[10], *const rows[2] = {first, second};
    const nc_feed feed = {input, 1};
    void *const workspace = zeros((int64_t)nc_network_workspace(&net), 1);
    for (int run = 0; run < 2; run++) { /* ten steps leave two inputs and a spike behind */
        const nc_record records[2] = {{0}, {.spikes = rows[run]}};
        CHECK_EQUAL(nc_network_prepare_f32(&net, workspace, 1), NC_OK);
        CHECK_EQUAL(nc_network_run_f32(&net, workspace, &feed, 10, records, 0), NC_OK);
    }
    for (int t = 0; t < 10; t++)
        CHECK(first[t] == (t % 4 == 3) && second[t] == first[t]);
    free(workspace);
}

/* Sums of all populations, on top of what was there: the middle one clips. */
static void saturations_are_added_up(void) {
    const nc_population populations[3] = {{.kind = NC_INPUT, .n = 2, .width = 2, .history = 1, .place = -1},
                                          {.kind = NC_NEURONS,
                                           .n = 2,
                                           .width = 2,
                                           .history = 1,
                                           .place = -1,
                                           .first = 0,
                                           .last = 1,
                                           .neurons = counter(2, 0)},
                                          {.kind = NC_NEURONS,
                                           .n = 2,
                                           .width = 2,
                                           .history = 1,
                                           .place = -1,
                                           .first = 1,
                                           .last = 1,
                                           .neurons = counter(2, 0)}};
    const nc_projection projection = pairs(0, 1, 2, 0, &ONE_I);
    const nc_network net = {3, 1, populations, &projection, NULL, NULL, 0, 0};
    const int32_t input[2] = {-100, 1};
    const nc_record records[3] = {{0}, {0}, {0}};
    CHECK_EQUAL(run_i32(&net, input, 0, 5, records), 4); /* -100, then four times clipped to -128 */
}

/* Populations share flag buffers: what a larger one left there must not show up behind a smaller one. */
static void flags_end_with_their_population(void) {
    for (int32_t n = 1; n <= 64; n++) {
        const nc_population populations[3] = {{.kind = NC_INPUT, .n = 64, .width = 64, .history = 1, .place = -1},
                                              {.kind = NC_NEURONS,
                                               .n = 64,
                                               .width = 64,
                                               .history = 1,
                                               .place = -1,
                                               .first = 0,
                                               .last = 1,
                                               .neurons = counter(64, 0)},
                                              {.kind = NC_NEURONS,
                                               .n = n,
                                               .width = n,
                                               .history = 1,
                                               .place = -1,
                                               .first = 1,
                                               .last = 2,
                                               .neurons = counter(n, 0)}};
        int32_t input[64], *const indices = zeros(64, sizeof(int32_t));
        int64_t *const indptr = zeros(65, sizeof(int64_t));
        int16_t weights[64];
        for (int32_t j = 0; j < 64; j++) {
            input[j] = 4;
            weights[j] = 4;
            indptr[j + 1] = j < n ? j + 1 : n;
            indices[j] = j;
        }
        const nc_projection projections[2] = {pairs(0, 1, 64, 0, &ONE_I),
                                              {.kind = NC_SPARSE,
                                               .source = 1,
                                               .target = 2,
                                               .n_source = 64,
                                               .n_target = n,
                                               .weight = weights,
                                               .indptr = indptr,
                                               .indices = indices}};
        const nc_network net = {3, 2, populations, projections, NULL, NULL, 0, 0};
        uint8_t wide[8], spikes[8] = {0}, active[8] = {0};
        const nc_record records[3] = {{0}, {.active = wide}, {.spikes = spikes, .active = active}};
        run_i32(&net, input, 64, 1, records);
        for (int32_t j = 0; j < 64; j++) {
            CHECK_EQUAL(wide[j / 8] >> j % 8 & 1, 1);
            CHECK_EQUAL(active[j / 8] >> j % 8 & 1, j < n);
            CHECK_EQUAL(spikes[j / 8] >> j % 8 & 1, j < n);
        }
        free(indices);
        free(indptr);
    }
}

/* A neuron with every state there is, last in a work area full of garbage, starts from rest. */
static void garbage_in_the_work_area_does_not_matter(void) {
    nc_neurons neurons = counter(3, 0);
    neurons.has_current = neurons.reset_next = 1;
    neurons.refractory = 2;
    neurons.i_decay = &ZERO_I;
    neurons.i_gain = &ONE_I;
    const nc_population populations[2] = {
        {.kind = NC_INPUT, .n = 3, .width = 3, .history = 1, .place = -1},
        {.kind = NC_NEURONS, .n = 3, .width = 3, .history = 1, .place = -1, .first = 0, .last = 1, .neurons = neurons}};
    const nc_projection projection = pairs(0, 1, 3, 0, &ONE_I);
    const nc_network net = {2, 1, populations, &projection, NULL, NULL, 0, 0};
    const int32_t input[3] = {5, 1, 0};
    uint8_t spikes[6];
    const nc_record records[2] = {{0}, {.spikes = spikes}};
    CHECK_EQUAL(run_i32(&net, input, 0, 6, records), 0);
    const uint8_t expected[6] = {1, 0, 0, 3, 0, 0}; /* fires, waits twice; its neighbour needs four steps */
    for (int t = 0; t < 6; t++)
        CHECK_EQUAL(spikes[t], expected[t]);
}

int main(void) {
    RUN(a_delay_is_a_number_of_steps);
    RUN(several_delays_share_one_history);
    RUN(a_spike_runs_round_a_ring);
    RUN(the_bias_is_added_after_the_shift);
    RUN(a_maximum_is_taken_before_the_bias);
    RUN(records_hold_every_step);
    RUN(a_second_run_starts_from_rest);
    RUN(saturations_are_added_up);
    RUN(flags_end_with_their_population);
    RUN(garbage_in_the_work_area_does_not_matter);
    return check_result();
}
