/* The canonical neuron's rarer parts, one at a time, in both number types. */
#include "../exponential.h"
#include "../neuron.h"
#include "check.h"
#include <math.h>

#define UNIT 4096 /* of decays in integer arithmetic: 12 bits */
#define VALUES (8 + NC_EXTRAS)

/* A single neuron; the parameters in the order of csrc/neuron.h: v_decay, v_gain, i_decay, i_gain, leak, threshold,
 * v_reset, v_init, then the rarer ones, NAN where that part is absent. */
typedef struct {
    nc_neurons p;
    nc_neuron_state s;
    int is_float;
    double number[VALUES];
    float f[VALUES], f_state[4];
    int32_t k[VALUES], k_state[4], wait;
    uint8_t fires, active;
} single;

static int is_factor(int at) {
    return at == 0 || at == 2 || at == 8 + NC_A_DECAY || at == 8 + NC_A_FROM_V || at == 8 + NC_V_KEEP ||
           at == 8 + NC_I_FROM_V;
}

static single perfect(int is_float) {
    single u;
    memset(&u, 0, sizeof u);
    u.is_float = is_float;
    for (int at = 8; at < VALUES; at++)
        u.number[at] = NAN;
    u.number[0] = u.number[1] = u.number[3] = 1;
    u.number[5] = 4;
    u.p = (nc_neurons){.n = 1, .period = 1, .decay_bits = 12, .state_limit = 1 << 20, .general = 1};
    u.p.max_count = 1;
    return u;
}

static const void *number_at(single *u, int at) {
    u->f[at] = (float)u->number[at];
    u->k[at] = isnan(u->number[at]) ? 0 : (int32_t)(u->number[at] * (is_factor(at) ? UNIT : 1));
    return u->is_float ? (const void *)&u->f[at] : (const void *)&u->k[at];
}

static void *state_at(single *u, int at) { return u->is_float ? (void *)&u->f_state[at] : (void *)&u->k_state[at]; }

static void begin(single *u) {
    const void **const plain[8] = {&u->p.v_decay, &u->p.v_gain,    &u->p.i_decay, &u->p.i_gain,
                                   &u->p.leak,    &u->p.threshold, &u->p.v_reset, &u->p.v_init};
    for (int at = 0; at < 8; at++)
        *plain[at] = number_at(u, at);
    for (int at = 0; at < NC_EXTRAS; at++)
        u->p.extra[at] = isnan(u->number[8 + at]) ? NULL : number_at(u, 8 + at);
    u->s.v = state_at(u, 0);
    u->s.i = u->p.has_current ? state_at(u, 1) : NULL;
    u->s.fired = u->p.reset_next ? state_at(u, 2) : NULL;
    u->s.a = u->p.extra[NC_A_DECAY] != NULL ? state_at(u, 3) : NULL;
    u->s.wait = u->p.refractory > 0 ? &u->wait : NULL;
    CHECK_EQUAL(nc_neurons_check(&u->p), NC_OK);
    if (u->is_float)
        nc_neurons_init_f32(&u->p, &u->s);
    else
        nc_neurons_init_i32(&u->p, &u->s);
}

static double step(single *u, double x) {
    float f = (float)x;
    int32_t k = (int32_t)x;
    if (u->is_float)
        nc_neurons_step_f32(&u->p, &u->s, &f, &u->fires, &u->active);
    else
        nc_neurons_step_i32(&u->p, &u->s, &k, &u->fires, &u->active);
    return u->is_float ? (double)f : (double)k;
}

static double state(const single *u, int at) { return u->is_float ? (double)u->f_state[at] : (double)u->k_state[at]; }

#define BOTH_TYPES for (int is_float = 0; is_float < 2; is_float++)

static void a_spike_raises_the_threshold_for_a_while(void) {
    BOTH_TYPES {
        single u = perfect(is_float);
        u.number[8 + NC_A_DECAY] = 0.5;
        u.number[8 + NC_A_GAIN] = 8;
        begin(&u);
        const double spikes[6] = {1, 0, 1, 0, 1, 0}, raised[6] = {8, 4, 10, 5, 10.5, 5.25};
        const double raised_whole[6] = {8, 4, 10, 5, 10, 5};
        for (int t = 0; t < 6; t++) { /* thresholds 4, 12, 8, 14, 9, 14.5 against 8, 8, 16, 8, 16, 8 */
            CHECK(step(&u, 8) == spikes[t]);
            CHECK(state(&u, 3) == (is_float ? raised[t] : raised_whole[t]));
        }
    }
}

static void an_adaptation_current_pulls_the_membrane_down(void) {
    BOTH_TYPES {
        single u = perfect(is_float);
        u.p.adapts = NC_ADAPTS_CURRENT;
        u.number[8 + NC_A_DECAY] = 0.5;
        u.number[8 + NC_A_GAIN] = 6;
        u.number[8 + NC_A_FROM_V] = 0.5;
        u.number[8 + NC_A_INIT] = 2;
        begin(&u);
        CHECK(step(&u, 4) == 0 && state(&u, 0) == 2 && state(&u, 3) == 2); /* a = 2 / 2 + 2 / 2 */
        CHECK(step(&u, 4) == 1 && state(&u, 0) == 0 && state(&u, 3) == 9); /* 1 + 6 + 4 / 2, before the reset */
        CHECK(step(&u, 4) == 0 && state(&u, 0) == -5);
    }
}

static void a_complementary_reset_takes_more_off(void) {
    single u = perfect(1);
    u.p.adapts = NC_ADAPTS_RESET;
    u.p.reset = NC_RESET_SUBTRACT;
    u.number[8 + NC_A_DECAY] = 1;
    u.number[8 + NC_A_GAIN] = 1;
    u.number[8 + NC_A_FROM_V] = 0.5;
    begin(&u);
    CHECK(step(&u, 10) == 1);
    CHECK(state(&u, 3) == 1);
    CHECK(fabs(state(&u, 0) - (6 - 1 / (1 + exp(-1)))) < 1e-6);
}

static void the_membrane_stays_above_its_floor(void) {
    BOTH_TYPES {
        single u = perfect(is_float);
        u.number[8 + NC_V_MIN] = -3;
        begin(&u);
        step(&u, -9);
        CHECK(state(&u, 0) == -3);
        CHECK(step(&u, 7) == 1);
    }
}

static void a_reset_takes_off_its_own_amount(void) {
    for (int late = 0; late < 2; late++)
        BOTH_TYPES {
            single u = perfect(is_float);
            u.p.reset = NC_RESET_SUBTRACT;
            u.p.reset_next = late;
            u.number[8 + NC_V_SUBTRACT] = 6;
            u.number[8 + NC_V_KEEP] = late ? NAN : 0.5;
            begin(&u);
            CHECK(step(&u, 8) == 1);
            CHECK(state(&u, 0) == (late ? 8 : -2));
            step(&u, 0);
            CHECK(state(&u, 0) == (late ? 2 : -2));
        }
}

static void the_quadratic_and_the_exponential_see_the_old_membrane(void) {
    single u = perfect(1);
    u.number[5] = 100;
    u.number[7] = 2;
    u.number[8 + NC_V_SQUARE] = 0.5;
    u.number[8 + NC_V_EXP] = 3;
    u.number[8 + NC_V_EXP_RATE] = 0.5;
    begin(&u);
    step(&u, 1);
    CHECK(fabs(state(&u, 0) - (2 + 1 + 2 + 3 * exp(1))) < 1e-5);
}

static void a_resonator_rings(void) {
    BOTH_TYPES { /* half a turn of a circle of radius 1024 by quarter turns */
        single u = perfect(is_float);
        u.p.has_current = u.p.current_next = 1;
        u.p.reset = NC_RESET_NONE;
        u.number[0] = u.number[2] = 0;
        u.number[5] = 1000;
        u.number[8 + NC_I_FROM_V] = -1;
        begin(&u);
        CHECK(step(&u, 1024) == 0 && state(&u, 1) == 1024 && state(&u, 0) == 0);
        CHECK(step(&u, 0) == 1 && state(&u, 1) == 0 && state(&u, 0) == 1024);
        CHECK(step(&u, 0) == 0 && state(&u, 1) == -1024 && state(&u, 0) == 0);
    }
}

static void outputs(int output, int is_signed, int nearest, int powers, const double *expected) {
    const double v[9] = {-11, -6, -4, -2, 0, 2, 6, 11, 30};
    for (int at = 0; at < 9; at++)
        BOTH_TYPES {
            single u = perfect(is_float);
            u.p.output = output;
            u.p.is_signed = is_signed;
            u.p.nearest = nearest;
            u.p.powers = powers;
            u.p.max_count = 6;
            u.p.reset = NC_RESET_SUBTRACT;
            u.number[7] = v[at];
            begin(&u);
            const double out = step(&u, 0), n = output == NC_OUT_GRADED ? (out > 0) - (out < 0) : out;
            CHECK(out == expected[at]);
            CHECK_EQUAL(u.fires, expected[at] != 0);
            CHECK(state(&u, 0) == v[at] - 4 * n);
        }
}

static void outputs_of_every_kind(void) {
    outputs(NC_OUT_TERNARY, 0, 0, 0, (const double[9]){-1, -1, -1, 0, 0, 0, 1, 1, 1});
    outputs(NC_OUT_GRADED, 0, 0, 0, (const double[9]){0, 0, 0, 0, 0, 0, 6, 11, 30});
    outputs(NC_OUT_GRADED, 1, 0, 0, (const double[9]){-11, -6, -4, 0, 0, 0, 6, 11, 30});
    outputs(NC_OUT_COUNT, 0, 0, 0, (const double[9]){0, 0, 0, 0, 0, 0, 1, 2, 6});
    outputs(NC_OUT_COUNT, 1, 0, 0, (const double[9]){-2, -1, -1, 0, 0, 0, 1, 2, 6});
    outputs(NC_OUT_COUNT, 1, 1, 0, (const double[9]){-3, -2, -1, 0, 0, 0, 2, 3, 6}); /* halves to even */
    outputs(NC_OUT_COUNT, 0, 0, 1, (const double[9]){0, 0, 0, 0, 0, 0, 1, 2, 4});
}

static void forever_is_once(void) {
    single u = perfect(1);
    u.p.refractory = INT32_MAX;
    begin(&u);
    CHECK(step(&u, 9) == 1);
    for (int t = 0; t < 50; t++)
        CHECK(step(&u, 9) == 0);
}

static void a_reset_can_clear_the_current(void) {
    BOTH_TYPES {
        single u = perfect(is_float);
        u.p.has_current = u.p.reset_current = 1;
        u.number[2] = 0.5;
        begin(&u);
        CHECK(step(&u, 8) == 1 && state(&u, 1) == 0);
    }
}

static void wrong_parts_are_refused(void) {
    single u = perfect(1);
    begin(&u);
    u.p.adapts = 3;
    CHECK_EQUAL(nc_neurons_check(&u.p), NC_ERR_KIND);
    u.p.adapts = 0;
    u.p.extra[NC_A_GAIN] = u.f;
    CHECK_EQUAL(nc_neurons_check(&u.p), NC_ERR_SIZE);
    u.p.extra[NC_A_GAIN] = NULL;
    u.p.extra[NC_V_EXP] = u.f;
    CHECK_EQUAL(nc_neurons_check(&u.p), NC_ERR_SIZE);
    u.p.extra[NC_V_EXP] = NULL;
    u.p.extra[NC_I_FROM_V] = u.f;
    CHECK_EQUAL(nc_neurons_check(&u.p), NC_ERR_SIZE);
}

static void the_exponential_is_exact_to_rounding(void) {
    for (int32_t trial = 0; trial < 20000; trial++) {
        const double x = draw(-700000, 700000) / 1000.0;
        CHECK(fabs(nc_exp(x) / exp(x) - 1) < 1e-15);
    }
    CHECK((float)nc_exp(-1e9) == 0 && isinf((float)nc_exp(1e9)) && (float)nc_exp(NAN) == 0);
}

int main(void) {
    RUN(a_spike_raises_the_threshold_for_a_while);
    RUN(an_adaptation_current_pulls_the_membrane_down);
    RUN(a_complementary_reset_takes_more_off);
    RUN(the_membrane_stays_above_its_floor);
    RUN(a_reset_takes_off_its_own_amount);
    RUN(the_quadratic_and_the_exponential_see_the_old_membrane);
    RUN(a_resonator_rings);
    RUN(outputs_of_every_kind);
    RUN(forever_is_once);
    RUN(a_reset_can_clear_the_current);
    RUN(wrong_parts_are_refused);
    RUN(the_exponential_is_exact_to_rounding);
    return check_result();
}
