/* Bodies of the run for one number type: VALUE, NAME(stem). */

static void NAME(add_bias)(const nc_population *p, VALUE *x) {
    const VALUE *const bias = (const VALUE *)p->bias;
    if (bias == NULL)
        return;
    for (int32_t at = 0; at < p->n; at += p->bias_period) {
        const int32_t m = p->n - at < p->bias_period ? p->n - at : p->bias_period;
        for (int32_t j = 0; j < m; j++)
            x[at + j] += bias[j];
    }
}

/* x = bias + all that arrives at step t. Floating-point sums start from the bias, then follow the projections
 * in order and their events in order; the reference twin does the same, so both round alike. */
static void NAME(gather)(const nc_network *net, const run_state *run, const nc_population *p, int32_t t) {
    VALUE *const x = (VALUE *)run->x;
    memset(x, 0, sizeof(VALUE) * (size_t)p->n);
    const int overwrites = p->last > p->first && net->projections[p->first].kind == NC_MAX_POOL;
    if (p->shift == 0 && !overwrites)
        NAME(add_bias)(p, x);
    for (int32_t k = p->first; k < p->last; k++) {
        const nc_projection *const projection = &net->projections[k];
        if (t < projection->delay)
            continue;
        const int32_t slot = (t - projection->delay) % net->populations[projection->source].history;
        const nc_events *const events = &run->population[projection->source].events[slot];
        NAME(nc_deliver)(projection, events, x, (VALUE *)run->scratch);
    }
    for (int32_t j = 0; p->shift > 0 && j < p->n; j++)
        x[j] = (VALUE)(x[j] * (VALUE)(1 << p->shift));
    if (p->shift > 0 || overwrites)
        NAME(add_bias)(p, x);
}

/* The outputs that are not zero as a list, eight silent ones skipped at a time. fires has 8 spare bytes. */
static void NAME(list_events)(uint8_t *fires, const VALUE *x, int32_t n, nc_events *events) {
    VALUE *const value = (VALUE *)events->value;
    int32_t count = 0;
    memset(fires + n, 0, 8);
    for (int32_t base = 0; base < n; base += 8) {
        uint64_t eight;
        memcpy(&eight, fires + base, 8);
        for (int32_t j = base; eight != 0 && j < base + 8; j++) {
            if (fires[j]) {
                events->index[count] = j;
                value[count++] = x[j];
            }
        }
    }
    events->count = count;
}

static void NAME(keep_record)(const run_state *run, int32_t n, int32_t t, const nc_events *events, const VALUE *x,
                              int neurons, const nc_record *record) {
    const int64_t row = (int64_t)t * ((n + 7) / 8);
    if (record->spikes != NULL)
        pack_bits(run->fires, n, record->spikes + row);
    if (record->active != NULL && neurons)
        pack_bits(run->active, n, record->active + row);
    if (record->values != NULL)
        memcpy((VALUE *)record->values + (int64_t)t * n, x, sizeof(VALUE) * (size_t)n);
    for (int32_t e = 0; record->nonzero != NULL && e < events->count; e++)
        record->nonzero[events->index[e]]++;
}

static void NAME(step)(const nc_network *net, run_state *run, int32_t k, int32_t t, const VALUE *input,
                       const nc_record *record) {
    const nc_population *const p = &net->populations[k];
    VALUE *const x = (VALUE *)run->x;
    if (p->kind == NC_INPUT)
        memcpy(x, input, sizeof(VALUE) * (size_t)p->n);
    else
        NAME(gather)(net, run, p, t);
    if (p->kind == NC_NEURONS) {
        NAME(nc_neurons_step)(&p->neurons, &run->population[k].state, x, run->fires, run->active);
    } else {
        for (int32_t j = 0; j < p->n; j++)
            run->fires[j] = (uint8_t)(x[j] != 0);
    }
    nc_events *const events = &run->population[k].events[t % p->history];
    NAME(list_events)(run->fires, x, p->n, events);
    NAME(keep_record)(run, p->n, t, events, x, p->kind == NC_NEURONS, record);
}

NC_HOT nc_status NAME(nc_network_run)(const nc_network *net, void *workspace, const VALUE *input, int64_t stride,
                                      int32_t steps, const nc_record *records, int64_t *saturations) {
    if (steps < 0 || workspace == NULL || (input == NULL && net->populations[0].kind == NC_INPUT))
        return NC_ERR_SIZE;
    arena a = {(uint8_t *)workspace, 0};
    run_state run;
    place(net, &a, &run);
    memset(workspace, 0, (size_t)a.used);
    a.used = 0;
    place(net, &a, &run); /* again: the first pass's pointers were zeroed with the rest */
    for (int32_t k = 0; k < net->population_count; k++)
        if (net->populations[k].kind == NC_NEURONS)
            NAME(nc_neurons_init)(&net->populations[k].neurons, &run.population[k].state);
    for (int32_t t = 0; t < steps; t++)
        for (int32_t k = 0; k < net->population_count; k++)
            NAME(step)(net, &run, k, t, input == NULL ? NULL : input + t * stride, &records[k]);
    for (int32_t k = 0; k < net->population_count; k++)
        *saturations += run.population[k].state.saturations;
    return NC_OK;
}
