/* Bodies of the neuron kernels with the canonical neuron's rarer parts, for one number type: VALUE (state), SUM
 * (intermediate), NAME(stem). Included after neuron_template.h, whose blocks they work on. */

static inline const VALUE *NAME(extra)(const nc_neurons *p, nc_extra which) { return (const VALUE *)p->extra[which]; }

/* What is compared with the membrane: the threshold, raised by what the neuron has adapted. */
static inline SUM NAME(theta)(const nc_neurons *p, const NAME(block) *b, int32_t j) {
    const int raised = b->a != NULL && p->adapts == NC_ADAPTS_THRESHOLD;
    return raised ? (SUM)b->threshold[j] + (SUM)b->a[j] : (SUM)b->threshold[j];
}

static inline int NAME(above)(const nc_neurons *p, SUM v, SUM theta) { return p->strict ? v > theta : v >= theta; }

/* The current's update; x becomes what drives the membrane. */
static void NAME(drive)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    const SUM unit = (SUM)1 / (SUM)(1 << p->decay_bits);
    const SUM limit = (SUM)p->state_limit;
    const VALUE *const from_v = NAME(extra)(p, NC_I_FROM_V);
    for (int32_t j = 0; p->has_current && j < b->m; j++) {
        const VALUE before = b->i[j];
        SUM i = NAME(decayed)(before, b->i_decay[j], unit) + (SUM)b->i_gain[j] * (SUM)b->x[j];
        if (from_v != NULL)
            i += NAME(decayed)(b->v[j], from_v[j], unit);
        b->i[j] = NAME(keep)(i, limit, &s->saturations);
        b->x[j] = p->current_next ? before : b->i[j];
    }
}

/* A reset that has waited since the step before. */
static inline SUM NAME(late_reset)(const nc_neurons *p, const NAME(block) *b, int32_t j, SUM v) {
    const VALUE *const subtract = NAME(extra)(p, NC_V_SUBTRACT);
    if (b->fired[j] == 0 || p->reset == NC_RESET_NONE)
        return v;
    if (p->reset == NC_RESET_SUBTRACT)
        return v - (SUM)b->fired[j] * (subtract != NULL ? (SUM)subtract[j] : NAME(theta)(p, b, j));
    if (p->reset_current)
        b->i[j] = 0;
    return (SUM)b->v_reset[j];
}

static void NAME(charge)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    const SUM unit = (SUM)1 / (SUM)(1 << p->decay_bits);
    const SUM limit = (SUM)p->state_limit;
    const VALUE *const square = NAME(extra)(p, NC_V_SQUARE), *const lowest = NAME(extra)(p, NC_V_MIN);
    const VALUE *const exponent = NAME(extra)(p, NC_V_EXP), *const rate = NAME(extra)(p, NC_V_EXP_RATE);
    const VALUE *const pull = p->adapts == NC_ADAPTS_CURRENT ? b->a : NULL;
    for (int32_t j = 0; j < b->m; j++) {
        const VALUE before = b->v[j];
        SUM input = (SUM)b->leak[j] + (SUM)b->x[j];
        if (pull != NULL)
            input -= (SUM)pull[j];
        SUM v = NAME(decayed)(before, b->v_decay[j], unit) + (SUM)b->v_gain[j] * input;
        if (square != NULL)
            v += (SUM)square[j] * (SUM)before * (SUM)before;
        if (exponent != NULL)
            v += (SUM)exponent[j] * (SUM)nc_exp((double)((SUM)rate[j] * (SUM)before));
        if (p->reset_next)
            v = NAME(late_reset)(p, b, j, v);
        if (lowest != NULL && v < (SUM)lowest[j])
            v = (SUM)lowest[j];
        b->v[j] = NAME(keep)(v, limit, &s->saturations);
    }
}

/* How many thresholds fit into the magnitude of the membrane, or how many it is nearest to. */
static inline VALUE NAME(levels)(const nc_neurons *p, SUM v, SUM theta) {
    if (theta <= 0 || (v < 0 && !p->is_signed))
        return 0;
    const SUM count = NAME(fit)(v < 0 ? -v : v, theta, p->nearest);
    int64_t n = count > (SUM)p->max_count ? p->max_count : count >= 1 ? (int64_t)count : 0;
    if (p->powers && n > 0) {
        int64_t power = 1;
        while (2 * power <= n)
            power *= 2;
        n = power;
    }
    return (VALUE)(v < 0 ? -n : n);
}

static inline VALUE NAME(emitted)(const nc_neurons *p, VALUE v, SUM theta) {
    const int up = NAME(above)(p, (SUM)v, theta);
    switch (p->output) {
    case NC_OUT_COUNT:
        return NAME(levels)(p, (SUM)v, theta);
    case NC_OUT_TERNARY:
        return (VALUE)(up - NAME(above)(p, -(SUM)v, theta));
    case NC_OUT_GRADED:
        return up || (p->is_signed && NAME(above)(p, -(SUM)v, theta)) ? v : 0;
    default:
        return (VALUE)up;
    }
}

/* How many spikes an output stands for in the reset and the adaptation: a graded one is a single spike. */
static inline SUM NAME(spikes_of)(const nc_neurons *p, VALUE x) {
    if (p->output == NC_OUT_MEMBRANE)
        return 0;
    return p->output == NC_OUT_GRADED ? (SUM)((x > 0) - (x < 0)) : (SUM)x;
}

/* The adaptation's update by n spikes at membrane v; returns what it adds to a reset by subtraction. */
static inline SUM NAME(adapt)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b, int32_t j, SUM n) {
    const SUM unit = (SUM)1 / (SUM)(1 << p->decay_bits);
    const VALUE *const gain = NAME(extra)(p, NC_A_GAIN), *const from_v = NAME(extra)(p, NC_A_FROM_V);
    const VALUE v = b->v[j];
    SUM a = NAME(decayed)(b->a[j], NAME(extra)(p, NC_A_DECAY)[j], unit);
    if (p->adapts == NC_ADAPTS_RESET && from_v != NULL)
        a = a * (SUM)nc_sigmoid((double)((SUM)from_v[j] * (SUM)v));
    if (gain != NULL)
        a += (SUM)gain[j] * n;
    if (p->adapts != NC_ADAPTS_RESET && from_v != NULL)
        a += NAME(decayed)(v, from_v[j], unit);
    b->a[j] = NAME(keep)(a, (SUM)p->state_limit, &s->saturations);
    return p->adapts == NC_ADAPTS_RESET ? (SUM)nc_sigmoid((double)b->a[j]) : 0;
}

/* Reset after the spikes, which are in x, where it does not wait for the adaptation. */
static void NAME(reset_plainly)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    const VALUE *const subtract = NAME(extra)(p, NC_V_SUBTRACT);
    const SUM limit = (SUM)p->state_limit;
    if (p->reset_next) {
        for (int32_t j = 0; j < b->m; j++)
            b->fired[j] = (VALUE)NAME(spikes_of)(p, b->x[j]);
    } else if (p->reset == NC_RESET_ZERO && p->output != NC_OUT_MEMBRANE) {
        for (int32_t j = 0; j < b->m; j++)
            b->v[j] = b->fires[j] ? b->v_reset[j] : b->v[j];
    } else if (p->reset == NC_RESET_SUBTRACT && p->output != NC_OUT_MEMBRANE) {
        for (int32_t j = 0; j < b->m; j++) {
            const SUM amount = subtract != NULL ? (SUM)subtract[j] : NAME(theta)(p, b, j);
            const SUM fall = b->fires[j] ? NAME(spikes_of)(p, b->x[j]) * amount : 0;
            b->v[j] = NAME(keep)((SUM)b->v[j] - fall, limit, &s->saturations);
        }
    }
}

/* Adaptation by the spikes alone. */
static void NAME(adapt_plainly)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    const SUM unit = (SUM)1 / (SUM)(1 << p->decay_bits);
    const VALUE *const decay = NAME(extra)(p, NC_A_DECAY), *const gain = NAME(extra)(p, NC_A_GAIN);
    for (int32_t j = 0; j < b->m; j++) {
        SUM a = NAME(decayed)(b->a[j], decay[j], unit);
        if (gain != NULL)
            a += (SUM)gain[j] * NAME(spikes_of)(p, b->x[j]);
        b->a[j] = NAME(keep)(a, (SUM)p->state_limit, &s->saturations);
    }
}

/* Adaptation and reset after the spikes, which are in x. */
static void NAME(settle)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    const SUM unit = (SUM)1 / (SUM)(1 << p->decay_bits);
    const VALUE *const subtract = NAME(extra)(p, NC_V_SUBTRACT), *const part = NAME(extra)(p, NC_V_KEEP);
    const int entangled = b->a != NULL && (p->adapts == NC_ADAPTS_RESET || p->extra[NC_A_FROM_V] != NULL);
    if (!entangled && part == NULL && !p->reset_current) {
        NAME(reset_plainly)(p, s, b);
        if (b->a != NULL)
            NAME(adapt_plainly)(p, s, b);
        return;
    }
    for (int32_t j = 0; j < b->m; j++) {
        const SUM n = NAME(spikes_of)(p, b->x[j]);
        SUM amount = subtract != NULL ? (SUM)subtract[j] : NAME(theta)(p, b, j);
        if (b->a != NULL)
            amount += NAME(adapt)(p, s, b, j, n);
        if (p->reset_next) {
            b->fired[j] = (VALUE)n;
        } else if (n != 0 && p->reset == NC_RESET_ZERO) {
            b->v[j] = b->v_reset[j];
            if (p->reset_current)
                b->i[j] = 0;
        } else if (n != 0 && p->reset == NC_RESET_SUBTRACT) {
            const SUM kept = part != NULL ? NAME(decayed)(b->v[j], part[j], unit) : (SUM)b->v[j];
            b->v[j] = NAME(keep)(kept - n * amount, (SUM)p->state_limit, &s->saturations);
        }
    }
}

/* The outputs and whether they are not zero. */
static void NAME(fire)(const nc_neurons *p, const NAME(block) *b) {
    const VALUE *const raised = p->adapts == NC_ADAPTS_THRESHOLD ? b->a : NULL;
    if (p->output == NC_OUT_BINARY && !p->strict && raised != NULL) {
        for (int32_t j = 0; j < b->m; j++)
            b->fires[j] = (uint8_t)((SUM)b->v[j] >= (SUM)b->threshold[j] + (SUM)raised[j]);
    } else if (p->output == NC_OUT_BINARY && raised != NULL) {
        for (int32_t j = 0; j < b->m; j++)
            b->fires[j] = (uint8_t)((SUM)b->v[j] > (SUM)b->threshold[j] + (SUM)raised[j]);
    } else if (p->output == NC_OUT_BINARY) {
        NAME(compare)(p, b);
    } else {
        for (int32_t j = 0; j < b->m; j++) {
            b->x[j] = p->output == NC_OUT_MEMBRANE ? b->v[j] : NAME(emitted)(p, b->v[j], NAME(theta)(p, b, j));
            b->fires[j] = (uint8_t)(b->x[j] != 0);
        }
    }
    for (int32_t j = 0; p->output == NC_OUT_BINARY && j < b->m; j++)
        b->x[j] = (VALUE)b->fires[j];
}

static void NAME(step_general)(const nc_neurons *p, nc_neuron_state *s, const NAME(block) *b) {
    NAME(mark_active)(b, p->has_current);
    for (int32_t j = 0; b->a != NULL && j < b->m; j++)
        b->active[j] |= (uint8_t)(b->a[j] != 0);
    NAME(drive)(p, s, b);
    NAME(charge)(p, s, b);
    for (int32_t j = 0; p->refractory > 0 && j < b->m; j++)
        b->v[j] = b->wait[j] > 0 ? b->v_reset[j] : b->v[j];
    NAME(fire)(p, b);
    if (p->refractory > 0)
        NAME(hold_refractory)(p, b);
    NAME(settle)(p, s, b);
}
