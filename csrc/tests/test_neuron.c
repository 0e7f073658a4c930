/* The canonical neuron alone: closed forms of each of its parts, in both number types. */
#include "../neuron.h"
#include "check.h"
#include <math.h>

#define DECAY_BITS 12
#define NEVER INT32_MAX

/* A single neuron in either number type. Decays are given as factors. */
typedef struct {
    double v_decay, v_gain, i_decay, i_gain, leak, threshold, v_reset, v_init;
} values;

typedef struct {
    nc_neurons p;
    nc_neuron_state s;
    int is_float;
    float f[8], f_state[3];
    int32_t k[8], k_state[3], wait;
    uint8_t fires, active;
} single;

static void set_value(single *u, int at, double value) {
    u->f[at] = (float)value;
    u->k[at] = (int32_t)value;
}

static const void *value_at(const single *u, int at) {
    return u->is_float ? (const void *)&u->f[at] : (const void *)&u->k[at];
}

static void start(single *u, int is_float, nc_neurons settings, values v) {
    const double unit = is_float ? 1 : 1 << DECAY_BITS;
    const double numbers[8] = {v.v_decay * unit, v.v_gain,    v.i_decay * unit, v.i_gain,
                               v.leak,           v.threshold, v.v_reset,        v.v_init};
    memset(u, 0, sizeof *u);
    u->is_float = is_float;
    for (int at = 0; at < 8; at++)
        set_value(u, at, numbers[at]);
    u->p = settings;
    u->p.n = u->p.period = 1;
    u->p.decay_bits = DECAY_BITS;
    if (u->p.state_limit == 0)
        u->p.state_limit = 1 << 23;
    u->p.v_decay = value_at(u, 0);
    u->p.v_gain = value_at(u, 1);
    u->p.i_decay = value_at(u, 2);
    u->p.i_gain = value_at(u, 3);
    u->p.leak = value_at(u, 4);
    u->p.threshold = value_at(u, 5);
    u->p.v_reset = value_at(u, 6);
    u->p.v_init = value_at(u, 7);
    u->s.v = is_float ? (void *)&u->f_state[0] : (void *)&u->k_state[0];
    u->s.i = is_float ? (void *)&u->f_state[1] : (void *)&u->k_state[1];
    u->s.fired = is_float ? (void *)&u->f_state[2] : (void *)&u->k_state[2];
    u->s.wait = &u->wait;
    CHECK_EQUAL(nc_neurons_check(&u->p), NC_OK);
    if (is_float)
        nc_neurons_init_f32(&u->p, &u->s);
    else
        nc_neurons_init_i32(&u->p, &u->s);
}

static double membrane(const single *u) { return u->is_float ? (double)u->f_state[0] : (double)u->k_state[0]; }

static double step(single *u, double x) {
    float f = (float)x;
    int32_t k = (int32_t)x;
    if (u->is_float)
        nc_neurons_step_f32(&u->p, &u->s, &f, &u->fires, &u->active);
    else
        nc_neurons_step_i32(&u->p, &u->s, &k, &u->fires, &u->active);
    return u->is_float ? (double)f : (double)k;
}

static void decay_truncates_towards_zero(void) {
    const values half = {.v_decay = 0.5, .v_gain = 1, .threshold = NEVER};
    single u;
    for (int32_t v = -9; v <= 9; v++) {
        values from = half;
        from.v_init = v;
        start(&u, 0, (nc_neurons){0}, from);
        step(&u, 0);
        CHECK_EQUAL(membrane(&u), v / 2); /* C divides towards zero; a floor would give -5 for -9 */
    }
    for (int trial = 0; trial < 2000; trial++) {
        const int32_t decay = draw(0, 1 << DECAY_BITS), v = draw(-(1 << 23), (1 << 23) - 1);
        values from = half;
        from.v_decay = (double)decay / (1 << DECAY_BITS);
        from.v_init = v;
        start(&u, 0, (nc_neurons){0}, from);
        step(&u, 0);
        CHECK_EQUAL(membrane(&u), (int64_t)v * decay / (1 << DECAY_BITS));
    }
}

static void decay_of_the_widest_states_is_exact(void) {
    const nc_neurons wide = {.state_limit = (int64_t)1 << 31, .strict = 1};
    single u;
    const int32_t extremes[4] = {INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1};
    for (int k = 0; k < 4; k++)
        for (int32_t decay = 4093; decay <= 4096; decay++) {
            const values v = {.v_decay = decay / 4096.0, .v_gain = 1, .threshold = NEVER, .v_init = extremes[k]};
            start(&u, 0, wide, v);
            step(&u, 0);
            CHECK_EQUAL(membrane(&u), (int64_t)extremes[k] * decay / 4096);
        }
}

/* With an infinite threshold, too, that is to be subtracted: nothing is, not even 0 * infinity. */
static void float_decay_is_a_power(void) {
    const values v = {.v_decay = 0.5, .v_gain = 1, .threshold = INFINITY, .v_init = 3};
    single u;
    for (int next = 0; next < 2; next++) {
        start(&u, 1, (nc_neurons){.reset = NC_RESET_SUBTRACT, .reset_next = next}, v);
        for (int t = 1; t <= 20; t++) {
            step(&u, 0);
            CHECK(membrane(&u) == ldexp(3, -t));
        }
    }
}

static void states_saturate_and_are_counted(void) {
    const nc_neurons byte = {.state_limit = 128};
    const values v = {.v_decay = 1, .v_gain = 1, .threshold = NEVER};
    single u;
    start(&u, 0, byte, v);
    step(&u, 127);
    CHECK_EQUAL(u.s.saturations, 0);
    step(&u, 1);
    CHECK_EQUAL(membrane(&u), 127);
    CHECK_EQUAL(u.s.saturations, 1);
    step(&u, -255);
    CHECK_EQUAL(membrane(&u), -128);
    CHECK_EQUAL(u.s.saturations, 1); /* -128 itself still fits */
    step(&u, -1);
    CHECK_EQUAL(membrane(&u), -128);
    CHECK_EQUAL(u.s.saturations, 2);
}

static void a_saturated_current_counts_too(void) {
    const nc_neurons byte = {.state_limit = 128, .has_current = 1};
    single u;
    start(&u, 0, byte, (values){.v_decay = 1, .v_gain = 1, .i_decay = 1, .i_gain = 2, .threshold = NEVER});
    step(&u, 100);
    CHECK_EQUAL(membrane(&u), 127); /* the current is clipped to 127 before it reaches the membrane */
    CHECK_EQUAL(u.s.saturations, 1);
    step(&u, 0);
    CHECK_EQUAL(membrane(&u), 127);
    CHECK_EQUAL(u.s.saturations, 2);
}

static void the_widest_state_saturates_at_32_bits(void) {
    const nc_neurons wide = {.state_limit = (int64_t)1 << 31, .strict = 1};
    single u;
    start(&u, 0, wide, (values){.v_decay = 1, .v_gain = 1, .threshold = NEVER, .v_init = INT32_MAX - 1});
    step(&u, 5);
    CHECK_EQUAL(membrane(&u), INT32_MAX);
    CHECK_EQUAL(u.s.saturations, 1);
}

static void the_current_decays_and_drives_the_same_step(void) {
    const nc_neurons current = {.has_current = 1};
    const values v = {.v_decay = 1, .v_gain = 1, .i_decay = 0.5, .i_gain = 1, .threshold = NEVER};
    single u;
    for (int is_float = 0; is_float < 2; is_float++) {
        start(&u, is_float, current, v);
        const double expected[5] = {64, 96, 112, 120, 124};
        for (int t = 0; t < 5; t++) {
            step(&u, t == 0 ? 64 : 0);
            CHECK(membrane(&u) == expected[t]);
        }
    }
}

/* Steps (from 1) at which a neuron with constant input 1 fires within the first 64, as bits. */
static uint64_t firing_steps(int is_float, nc_neurons settings, values v) {
    single u;
    uint64_t bits = 0;
    start(&u, is_float, settings, v);
    for (int t = 1; t < 64; t++)
        if (step(&u, 1) != 0)
            bits |= (uint64_t)1 << t;
    return bits;
}

static uint64_t every(int first, int period) {
    uint64_t bits = 0;
    for (int t = first; t < 64; t += period)
        bits |= (uint64_t)1 << t;
    return bits;
}

static void constant_input_fires_periodically(void) {
    const values v = {.v_decay = 1, .v_gain = 1, .threshold = 4};
    const nc_neurons zero = {.reset = NC_RESET_ZERO}, subtract = {.reset = NC_RESET_SUBTRACT};
    const nc_neurons zero_strict = {.reset = NC_RESET_ZERO, .strict = 1};
    const nc_neurons subtract_strict = {.reset = NC_RESET_SUBTRACT, .strict = 1};
    for (int is_float = 0; is_float < 2; is_float++) {
        CHECK(firing_steps(is_float, zero, v) == every(4, 4));
        CHECK(firing_steps(is_float, subtract, v) == every(4, 4));
        CHECK(firing_steps(is_float, zero_strict, v) == every(5, 5));
        CHECK(firing_steps(is_float, subtract_strict, v) == every(5, 4)); /* one is left over each time */
    }
}

static void without_reset_it_goes_on_firing(void) {
    const values v = {.v_decay = 1, .v_gain = 1, .threshold = 4};
    for (int is_float = 0; is_float < 2; is_float++)
        CHECK(firing_steps(is_float, (nc_neurons){.reset = NC_RESET_NONE}, v) == every(4, 1));
}

static void zero_reset_goes_to_v_reset(void) {
    const values v = {.v_decay = 1, .v_gain = 1, .threshold = 4, .v_reset = -2};
    for (int is_float = 0; is_float < 2; is_float++)
        CHECK(firing_steps(is_float, (nc_neurons){.reset = NC_RESET_ZERO}, v) == every(4, 6));
}

/* Reset in the next step: the membrane keeps its value for one step; zero reset then swallows that step's input. */
static void reset_next_acts_one_step_later(void) {
    const values v = {.v_decay = 1, .v_gain = 1, .threshold = 4};
    const nc_neurons zero = {.reset = NC_RESET_ZERO, .reset_next = 1};
    const nc_neurons subtract = {.reset = NC_RESET_SUBTRACT, .reset_next = 1};
    single u;
    for (int is_float = 0; is_float < 2; is_float++) {
        CHECK(firing_steps(is_float, zero, v) == every(4, 5));
        CHECK(firing_steps(is_float, subtract, v) == every(4, 4));
        start(&u, is_float, subtract, v);
        CHECK(step(&u, 9) == 1);
        CHECK(membrane(&u) == 9);
        CHECK(step(&u, 0) == 1);
        CHECK(membrane(&u) == 5);
        CHECK(step(&u, 0) == 0);
        CHECK(membrane(&u) == 1);
    }
}

static void the_subtracted_threshold_does_not_decay(void) {
    const nc_neurons next = {.reset = NC_RESET_SUBTRACT, .reset_next = 1};
    single u;
    for (int is_float = 0; is_float < 2; is_float++) {
        start(&u, is_float, next, (values){.v_decay = 0.5, .v_gain = 1, .threshold = 10});
        step(&u, 24);
        step(&u, 0);
        CHECK(membrane(&u) == 2); /* 24 / 2 - 10, not (24 - 10) / 2 */
    }
}

static void a_refractory_neuron_waits_at_v_reset(void) {
    const values v = {.v_decay = 1, .v_gain = 1, .threshold = 4, .v_reset = 1};
    single u;
    for (int is_float = 0; is_float < 2; is_float++) {
        start(&u, is_float, (nc_neurons){.reset = NC_RESET_ZERO, .refractory = 2}, v);
        CHECK(step(&u, 9) == 1);
        for (int t = 0; t < 2; t++) {
            CHECK(step(&u, 9) == 0);
            CHECK(u.fires == 0 && membrane(&u) == 1);
        }
        CHECK(step(&u, 2) == 0); /* 1 + 2: what arrived while it waited is gone */
        CHECK(step(&u, 1) == 1);
    }
}

static void counts_are_floors_within_bounds(void) {
    const nc_neurons count = {.output = NC_OUT_COUNT, .reset = NC_RESET_SUBTRACT, .max_count = 3};
    const double v[9] = {-7, -2, -1, 0, 1, 2, 5, 6, 11}, spikes[9] = {0, 0, 0, 0, 0, 1, 2, 3, 3};
    single u;
    for (int is_float = 0; is_float < 2; is_float++)
        for (int k = 0; k < 9; k++) {
            start(&u, is_float, count, (values){.v_decay = 1, .v_gain = 1, .threshold = 2, .v_init = v[k]});
            CHECK(step(&u, 0) == spikes[k]);
            CHECK_EQUAL(u.fires, spikes[k] != 0);
            CHECK(membrane(&u) == v[k] - 2 * spikes[k]); /* what was not sent stays */
        }
}

static void a_count_never_divides_by_zero(void) {
    const nc_neurons count = {.output = NC_OUT_COUNT, .reset = NC_RESET_SUBTRACT, .max_count = 3};
    single u;
    start(&u, 0, count, (values){.v_decay = 1, .v_gain = 1, .threshold = 0, .v_init = 5});
    CHECK(step(&u, 0) == 0);
}

static void a_membrane_output_is_not_reset(void) {
    const nc_neurons readout = {.output = NC_OUT_MEMBRANE, .reset = NC_RESET_ZERO};
    single u;
    for (int is_float = 0; is_float < 2; is_float++) {
        start(&u, is_float, readout, (values){.v_decay = 0.5, .v_gain = 1, .threshold = 1});
        CHECK(step(&u, 0) == 0 && u.fires == 0);
        CHECK(step(&u, 8) == 8 && u.fires == 1);
        CHECK(step(&u, -4) == 0 && u.fires == 0);
        CHECK(step(&u, -4) == -4 && u.fires == 1);
    }
}

static void only_a_neuron_at_rest_is_idle(void) {
    const values rest = {.v_decay = 0.5, .v_gain = 1, .i_decay = 0.5, .i_gain = 1, .threshold = NEVER};
    values leaky = rest, raised = rest;
    leaky.leak = 1;
    raised.v_init = 8;
    single u;
    for (int is_float = 0; is_float < 2; is_float++) {
        start(&u, is_float, (nc_neurons){.has_current = 1}, rest);
        CHECK(step(&u, 0) == 0 && u.active == 0);
        CHECK(step(&u, 64) == 0 && u.active == 1);
        CHECK(step(&u, 0) == 0 && u.active == 1); /* its states have not died down */
        start(&u, is_float, (nc_neurons){0}, leaky);
        CHECK(step(&u, 0) == 0 && u.active == 1);
        start(&u, is_float, (nc_neurons){0}, raised);
        CHECK(step(&u, 0) == 0 && u.active == 1);
        CHECK(membrane(&u) == 4);
    }
}

static const float NUMBER[1];

static nc_neurons good(void) {
    return (nc_neurons){.n = 4,
                        .period = 1,
                        .max_count = 1,
                        .has_current = 1,
                        .decay_bits = 12,
                        .state_limit = 128,
                        .v_decay = NUMBER,
                        .v_gain = NUMBER,
                        .i_decay = NUMBER,
                        .i_gain = NUMBER,
                        .leak = NUMBER,
                        .threshold = NUMBER,
                        .v_reset = NUMBER,
                        .v_init = NUMBER};
}

#define REFUSED(field, value, code)                                                                                    \
    do {                                                                                                               \
        nc_neurons changed = good();                                                                                   \
        changed.field = value;                                                                                         \
        CHECK_EQUAL(nc_neurons_check(&changed), code);                                                                 \
    } while (0)

static void wrong_neurons_are_refused(void) {
    const nc_neurons fine = good();
    CHECK_EQUAL(nc_neurons_check(&fine), NC_OK);
    REFUSED(n, 0, NC_ERR_SIZE);
    REFUSED(period, 0, NC_ERR_SIZE);
    REFUSED(period, 5, NC_ERR_SIZE);
    REFUSED(refractory, -1, NC_ERR_SIZE);
    REFUSED(decay_bits, -1, NC_ERR_SIZE);
    REFUSED(decay_bits, 21, NC_ERR_SIZE);
    REFUSED(state_limit, 0, NC_ERR_SIZE);
    REFUSED(state_limit, ((int64_t)1 << 31) + 1, NC_ERR_SIZE);
    REFUSED(reset, 3, NC_ERR_KIND);
    REFUSED(reset, -1, NC_ERR_KIND);
    REFUSED(output, 3, NC_ERR_KIND);
    REFUSED(output, -1, NC_ERR_KIND);
    REFUSED(v_decay, NULL, NC_ERR_SIZE);
    REFUSED(v_gain, NULL, NC_ERR_SIZE);
    REFUSED(i_decay, NULL, NC_ERR_SIZE);
    REFUSED(i_gain, NULL, NC_ERR_SIZE);
    REFUSED(leak, NULL, NC_ERR_SIZE);
    REFUSED(threshold, NULL, NC_ERR_SIZE);
    REFUSED(v_reset, NULL, NC_ERR_SIZE);
    REFUSED(v_init, NULL, NC_ERR_SIZE);
}

int main(void) {
    RUN(decay_truncates_towards_zero);
    RUN(decay_of_the_widest_states_is_exact);
    RUN(float_decay_is_a_power);
    RUN(states_saturate_and_are_counted);
    RUN(a_saturated_current_counts_too);
    RUN(the_widest_state_saturates_at_32_bits);
    RUN(the_current_decays_and_drives_the_same_step);
    RUN(constant_input_fires_periodically);
    RUN(without_reset_it_goes_on_firing);
    RUN(zero_reset_goes_to_v_reset);
    RUN(reset_next_acts_one_step_later);
    RUN(the_subtracted_threshold_does_not_decay);
    RUN(a_refractory_neuron_waits_at_v_reset);
    RUN(counts_are_floors_within_bounds);
    RUN(a_count_never_divides_by_zero);
    RUN(a_membrane_output_is_not_reset);
    RUN(only_a_neuron_at_rest_is_idle);
    RUN(wrong_neurons_are_refused);
    return check_result();
}
