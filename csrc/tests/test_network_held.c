/* Integers of which a register keeps the upper bits, and sums that are divided on their way into states. */
#include "../network.h"
#include "check.h"

#define N 9

static const int32_t ONE_I = 1;
static const int32_t INPUT[N] = {0, 3, 4, -4, -5, 1000, -1000, INT32_MAX, INT32_MIN};

/* Input -> relay, one step; what the relay sends goes to out. Returns how often a value was cut. */
static int64_t run(int32_t shift, int32_t held_shift, int32_t held_limit, int32_t *out, uint8_t *spikes) {
    const nc_population populations[2] = {{.kind = NC_INPUT, .n = N, .width = N, .history = 1, .place = -1},
                                          {.kind = NC_RELAY,
                                           .n = N,
                                           .width = N,
                                           .history = 1,
                                           .place = -1,
                                           .last = 1,
                                           .shift = shift,
                                           .held_shift = held_shift,
                                           .held_limit = held_limit}};
    const nc_projection projection = {
        .kind = NC_ONE_TO_ONE, .target = 1, .n_source = N, .n_target = N, .scale = &ONE_I, .scale_count = 1};
    const nc_network net = {2, 1, populations, &projection, NULL, NULL, 0, 0};
    const nc_record records[2] = {{0}, {.values = out, .spikes = spikes}};
    const nc_feed feed = {INPUT, N};
    void *const memory = malloc(nc_network_workspace(&net));
    if (memory == NULL)
        exit(2);
    CHECK_EQUAL(nc_network_check(&net), NC_OK);
    CHECK_EQUAL(nc_network_prepare_i32(&net, memory, 1), NC_OK);
    CHECK_EQUAL(nc_network_run_i32(&net, memory, &feed, 1, records, 0), NC_OK);
    const int64_t cut = nc_network_saturations(memory);
    free(memory);
    return cut;
}

/* floor(x / 2^shift + 1/2), by definition. */
static int64_t nearest(int64_t x, int32_t shift) {
    const int64_t step = (int64_t)1 << shift, twice = 2 * x + step;
    return twice >= 0 ? twice / (2 * step) : -((-twice + 2 * step - 1) / (2 * step));
}

static void a_register_rounds_and_saturates(void) {
    for (int32_t shift = 0; shift < 32; shift++) {
        const int32_t limits[4] = {1, 127, 32767, INT32_MAX};
        for (int k = 0; k < 4; k++) {
            int32_t out[N];
            uint8_t spikes[2];
            int64_t expected = 0;
            const int64_t cut = run(0, shift, limits[k], out, spikes);
            for (int j = 0; j < N; j++) {
                const int64_t exact = nearest(INPUT[j], shift), limit = limits[k];
                const int64_t kept = exact > limit ? limit : exact < -limit ? -limit : exact;
                expected += kept != exact;
                CHECK_EQUAL(out[j], kept);
                CHECK_EQUAL(spikes[j / 8] >> j % 8 & 1, kept != 0); /* what rounds to nothing is not sent */
            }
            CHECK_EQUAL(cut, expected);
        }
    }
}

static void sums_are_divided_by_a_negative_shift(void) {
    for (int32_t shift = 1; shift <= 16; shift++) {
        int32_t out[N];
        uint8_t spikes[2];
        CHECK_EQUAL(run(-shift, 0, 0, out, spikes), 0);
        for (int j = 0; j < N; j++)
            CHECK_EQUAL(out[j], nearest(INPUT[j], shift));
    }
}

int main(void) {
    RUN(a_register_rounds_and_saturates);
    RUN(sums_are_divided_by_a_negative_shift);
    return check_result();
}
