/* Bodies of the neuron kernels for one number type: VALUE (state), SUM (intermediate), NAME(stem).
 *
 * A population is worked off in blocks of `period` neurons, each block in several short loops that stay in
 * the first-level cache and that the compiler can vectorise. */

/* One block: pointers to the block's states and parameters. */
typedef struct {
    int32_t m;
    VALUE *restrict v, *restrict i, *restrict fired, *restrict x, *restrict a;
    int32_t *restrict wait;
    uint8_t *restrict fires, *restrict active;
    const VALUE *v_decay, *v_gain, *i_decay, *i_gain, *leak, *threshold, *v_reset;
} NAME(block);

void NAME(nc_neurons_init)(const nc_neurons *p, nc_neuron_state *s) {
    for (int32_t j = 0; j < p->n; j++)
        ((VALUE *)s->v)[j] = ((const VALUE *)p->v_init)[j % p->period];
    for (int32_t j = 0; p->general && s->a != NULL && p->extra[NC_A_INIT] != NULL && j < p->n; j++)
        ((VALUE *)s->a)[j] = ((const VALUE *)p->extra[NC_A_INIT])[j % p->period];
}

static void NAME(mark_active)(const NAME(block) *b, int has_current) {
    for (int32_t j = 0; j < b->m; j++)
        b->active[j] = (uint8_t)((b->v[j] != 0) | (b->x[j] != 0) | (b->leak[j] != 0));
    for (int32_t j = 0; has_current && j < b->m; j++)
        b->active[j] |= (uint8_t)(b->i[j] != 0);
}

static void NAME(integrate)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    const SUM unit = (SUM)1 / (SUM)(1 << p->decay_bits);
    const SUM limit = (SUM)p->state_limit;
    int64_t saturations = 0;
    for (int32_t j = 0; p->has_current && j < b->m; j++) {
        const SUM i = NAME(decayed)(b->i[j], b->i_decay[j], unit) + (SUM)b->i_gain[j] * (SUM)b->x[j];
        b->i[j] = NAME(keep)(i, limit, &saturations);
        b->x[j] = b->i[j];
    }
    if (!p->reset_next) {
        for (int32_t j = 0; j < b->m; j++) {
            const SUM input = (SUM)b->leak[j] + (SUM)b->x[j];
            const SUM v = NAME(decayed)(b->v[j], b->v_decay[j], unit) + (SUM)b->v_gain[j] * input;
            b->v[j] = NAME(keep)(v, limit, &saturations);
        }
    } else {
        for (int32_t j = 0; j < b->m; j++) {
            const SUM input = (SUM)b->leak[j] + (SUM)b->x[j];
            SUM v = NAME(decayed)(b->v[j], b->v_decay[j], unit) + (SUM)b->v_gain[j] * input;
            if (b->fired[j] != 0 && p->reset == NC_RESET_ZERO)
                v = (SUM)b->v_reset[j];
            else if (b->fired[j] != 0 && p->reset == NC_RESET_SUBTRACT)
                v -= (SUM)b->fired[j] * (SUM)b->threshold[j];
            b->v[j] = NAME(keep)(v, limit, &saturations);
        }
    }
    s->saturations += saturations;
}

static void NAME(compare)(const nc_neurons *p, const NAME(block) *b) {
    if (p->output == NC_OUT_COUNT) {
        for (int32_t j = 0; j < b->m; j++) {
            const VALUE count = NAME(count)(b->v[j], b->threshold[j]);
            b->x[j] = count < 0 ? 0 : (count > (VALUE)p->max_count ? (VALUE)p->max_count : count);
            b->fires[j] = (uint8_t)(b->x[j] != 0);
        }
    } else if (p->strict) {
        for (int32_t j = 0; j < b->m; j++)
            b->fires[j] = (uint8_t)(b->v[j] > b->threshold[j]);
    } else {
        for (int32_t j = 0; j < b->m; j++)
            b->fires[j] = (uint8_t)(b->v[j] >= b->threshold[j]);
    }
    for (int32_t j = 0; p->output == NC_OUT_BINARY && j < b->m; j++)
        b->x[j] = (VALUE)b->fires[j];
}

static void NAME(hold_refractory)(const nc_neurons *p, const NAME(block) *b) {
    for (int32_t j = 0; j < b->m; j++) {
        if (b->wait[j] > 0) {
            b->fires[j] = 0;
            b->x[j] = 0;
            b->wait[j]--;
        } else if (b->fires[j]) {
            b->wait[j] = p->refractory;
        }
    }
}

static void NAME(reset)(const nc_neurons *p, const NAME(block) *b) {
    if (p->reset_next) {
        for (int32_t j = 0; j < b->m; j++)
            b->fired[j] = b->x[j];
    } else if (p->reset == NC_RESET_ZERO) {
        for (int32_t j = 0; j < b->m; j++)
            b->v[j] = b->fires[j] ? b->v_reset[j] : b->v[j];
    } else if (p->reset == NC_RESET_SUBTRACT) {
        for (int32_t j = 0; j < b->m; j++)
            b->v[j] -= b->fires[j] ? b->x[j] * b->threshold[j] : 0;
    }
}

static void NAME(step_block)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    NAME(mark_active)(b, p->has_current);
    NAME(integrate)(p, s, b);
    for (int32_t j = 0; p->refractory > 0 && j < b->m; j++)
        b->v[j] = b->wait[j] > 0 ? b->v_reset[j] : b->v[j];
    if (p->output == NC_OUT_MEMBRANE) {
        for (int32_t j = 0; j < b->m; j++) {
            b->x[j] = b->v[j];
            b->fires[j] = (uint8_t)(b->v[j] != 0);
        }
        return;
    }
    NAME(compare)(p, b);
    if (p->refractory > 0)
        NAME(hold_refractory)(p, b);
    NAME(reset)(p, b);
}

#include "neuron_general.h"

NC_HOT void NAME(nc_neurons_step)(const nc_neurons *p, nc_neuron_state *s, VALUE *x, uint8_t *fires, uint8_t *active) {
    NAME(block) b = {
        .v_decay = p->v_decay,
        .v_gain = p->v_gain,
        .i_decay = p->i_decay,
        .i_gain = p->i_gain,
        .leak = p->leak,
        .threshold = p->threshold,
        .v_reset = p->v_reset,
    };
    for (int32_t at = 0; at < p->n; at += p->period) {
        b.m = p->n - at < p->period ? p->n - at : p->period;
        b.v = (VALUE *)s->v + at;
        b.i = s->i != NULL ? (VALUE *)s->i + at : NULL;
        b.fired = s->fired != NULL ? (VALUE *)s->fired + at : NULL;
        b.a = s->a != NULL ? (VALUE *)s->a + at : NULL;
        b.wait = s->wait != NULL ? s->wait + at : NULL;
        b.x = x + at;
        b.fires = fires + at;
        b.active = active + at;
        if (p->general)
            NAME(step_general)(p, s, &b);
        else
            NAME(step_block)(p, s, &b);
    }
}
