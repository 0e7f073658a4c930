/* Populations of random neurons against the neuron's equations, written down one neuron at a time. */
#include "../neuron.h"
#include "check.h"
#include <math.h>

#define DECAY_BITS 12
#define MOST 40

typedef struct {
    int is_float, n, period;
    nc_neurons p;
    double number[8][MOST]; /* v_decay, v_gain, i_decay, i_gain, leak, threshold, v_reset, v_init */
    float f[8][MOST], fv[MOST], fi[MOST], ffired[MOST], fx[MOST];
    int32_t k[8][MOST], kv[MOST], ki[MOST], kfired[MOST], kx[MOST], wait[MOST];
    nc_neuron_state s;
} crowd;

typedef struct {
    double v, i, fired;
    int32_t wait;
} model;

static double decayed(const crowd *c, double state, double decay) {
    return c->is_float ? state * decay : trunc(state * decay / (1 << DECAY_BITS));
}

static double limited(const crowd *c, double state, int64_t *saturations) {
    const double limit = (double)c->p.state_limit;
    if (c->is_float || (state >= -limit && state <= limit - 1))
        return state;
    ++*saturations;
    return state < 0 ? -limit : limit - 1;
}

static double emitted(const nc_neurons *p, double v, double threshold) {
    if (p->output == NC_OUT_COUNT)
        return fmin(fmax(floor(v / threshold), 0), p->max_count);
    return p->strict ? v > threshold : v >= threshold;
}

static double after_reset(const nc_neurons *p, double v, double fired, double threshold, double v_reset) {
    if (fired == 0 || p->reset == NC_RESET_NONE)
        return v;
    return p->reset == NC_RESET_ZERO ? v_reset : v - fired * threshold;
}

static double model_step(const crowd *c, int j, model *m, double x, int *active, int64_t *saturations) {
    const double (*const number)[MOST] = c->number;
    const int at = j % c->period;
    *active = m->v != 0 || m->i != 0 || x != 0 || number[4][at] != 0;
    if (c->p.has_current)
        x = m->i = limited(c, decayed(c, m->i, number[2][at]) + number[3][at] * x, saturations);
    double v = decayed(c, m->v, number[0][at]) + number[1][at] * (number[4][at] + x);
    if (c->p.reset_next)
        v = after_reset(&c->p, v, m->fired, number[5][at], number[6][at]);
    m->v = limited(c, v, saturations);
    const int waits = m->wait > 0;
    if (waits)
        m->v = number[6][at];
    if (c->p.output == NC_OUT_MEMBRANE)
        return m->v;
    m->fired = waits ? 0 : emitted(&c->p, m->v, number[5][at]);
    m->wait = waits ? m->wait - 1 : (m->fired != 0 ? c->p.refractory : 0);
    if (!c->p.reset_next)
        m->v = after_reset(&c->p, m->v, m->fired, number[5][at], number[6][at]);
    return m->fired;
}

/* Numbers with few bits, so that a few steps of float arithmetic are exact. */
static void draw_numbers(crowd *c) {
    const double unit = c->is_float ? 1 : 1 << DECAY_BITS, quarter = c->is_float ? 0.25 : 1;
    for (int at = 0; at < c->period; at++) {
        c->number[0][at] = c->is_float ? 0.5 * draw(0, 2) : draw(0, (int32_t)unit);
        c->number[1][at] = draw(1, 2);
        c->number[2][at] = c->is_float ? 0.5 * draw(0, 2) : draw(0, (int32_t)unit);
        c->number[3][at] = draw(1, 2);
        c->number[4][at] = draw(0, 3) ? 0 : quarter * draw(-4, 4);
        c->number[5][at] = quarter * draw(1, 30);
        c->number[6][at] = quarter * draw(-5, 5);
        c->number[7][at] = quarter * draw(-20, 20);
        for (int q = 0; q < 8; q++) {
            c->f[q][at] = (float)c->number[q][at];
            c->k[q][at] = (int32_t)c->number[q][at];
        }
    }
}

static void draw_crowd(crowd *c, int is_float) {
    memset(c, 0, sizeof *c);
    c->is_float = is_float;
    c->n = draw(1, MOST);
    c->period = draw(1, c->n);
    draw_numbers(c);
    const void *at[8];
    for (int q = 0; q < 8; q++)
        at[q] = is_float ? (const void *)c->f[q] : (const void *)c->k[q];
    c->p = (nc_neurons){.n = c->n,
                        .period = c->period,
                        .reset = draw(0, 2),
                        .reset_next = draw(0, 1),
                        .strict = draw(0, 1),
                        .output = draw(0, 2),
                        .max_count = draw(1, 4),
                        .refractory = draw(0, 1) * draw(1, 3),
                        .has_current = draw(0, 1),
                        .decay_bits = DECAY_BITS,
                        .state_limit = draw(0, 1) ? 1 << 20 : 64,
                        .v_decay = at[0],
                        .v_gain = at[1],
                        .i_decay = at[2],
                        .i_gain = at[3],
                        .leak = at[4],
                        .threshold = at[5],
                        .v_reset = at[6],
                        .v_init = at[7]};
    c->s.v = is_float ? (void *)c->fv : (void *)c->kv;
    c->s.i = !c->p.has_current ? NULL : is_float ? (void *)c->fi : (void *)c->ki;
    c->s.fired = !c->p.reset_next ? NULL : is_float ? (void *)c->ffired : (void *)c->kfired;
    c->s.wait = c->p.refractory > 0 ? c->wait : NULL;
    CHECK_EQUAL(nc_neurons_check(&c->p), NC_OK);
}

static void crowd_step(crowd *c, uint8_t *fires, uint8_t *active) {
    if (c->is_float)
        nc_neurons_step_f32(&c->p, &c->s, c->fx, fires, active);
    else
        nc_neurons_step_i32(&c->p, &c->s, c->kx, fires, active);
}

static void follow(crowd *c) {
    model models[MOST] = {{0, 0, 0, 0}};
    double x[MOST];
    uint8_t fires[MOST], active[MOST];
    int64_t saturations = 0;
    if (c->is_float)
        nc_neurons_init_f32(&c->p, &c->s);
    else
        nc_neurons_init_i32(&c->p, &c->s);
    for (int j = 0; j < c->n; j++)
        models[j].v = c->number[7][j % c->period];
    for (int t = 0; t < 8; t++) {
        for (int j = 0; j < c->n; j++) {
            x[j] = draw(0, 1) ? 0 : draw(-40, 40) * (c->is_float ? 0.25 : 1);
            c->fx[j] = (float)x[j];
            c->kx[j] = (int32_t)x[j];
        }
        crowd_step(c, fires, active);
        for (int j = 0; j < c->n; j++) {
            int is_active;
            const double out = model_step(c, j, &models[j], x[j], &is_active, &saturations);
            CHECK((c->is_float ? (double)c->fx[j] : (double)c->kx[j]) == out);
            CHECK(fires[j] == (out != 0) && active[j] == is_active);
        }
    }
    CHECK_EQUAL(c->s.saturations, saturations);
}

static void random_neurons_follow_their_equations(void) {
    static crowd c;
    for (int trial = 0; trial < 3000; trial++) {
        draw_crowd(&c, trial % 2);
        follow(&c);
    }
}

int main(void) {
    RUN(random_neurons_follow_their_equations);
    return check_result();
}
