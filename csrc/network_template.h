/* Bodies of the run for one number type: VALUE, NAME(stem). */

/* One thread's view of one population at one step. */
typedef struct {
    const nc_network *net;
    run_state *run;
    int32_t k, t, part;
    nc_share share;
    nc_outputs *out;
} NAME(task);

static inline nc_outputs *NAME(slot)(const nc_network *net, const run_state *run, int32_t k, int32_t t) {
    return &run->population[k].outputs[t % net->populations[k].history];
}

static void NAME(add_bias)(const nc_population *p, nc_share share, VALUE *x) {
    const VALUE *const bias = (const VALUE *)p->bias;
    for (int32_t at = share.first; bias != NULL && at < share.last;) {
        const int32_t from_entry = at % p->bias_period, left = p->bias_period - from_entry;
        const int32_t m = share.last - at < left ? share.last - at : left;
        for (int32_t j = 0; j < m; j++)
            x[at + j] += bias[from_entry + j];
        at += m;
    }
}

/* x = bias + all that arrives at the share. Floating-point sums start from the bias, then follow the projections in
 * order and their sources in order; the reference twin does the same, so both round alike. */
static void NAME(gather)(const NAME(task) *job, nc_share share) {
    const nc_population *const p = &job->net->populations[job->k];
    VALUE *const x = (VALUE *)job->out->value;
    memset(x + share.first, 0, sizeof(VALUE) * (size_t)(share.last - share.first));
    const int32_t kind = p->last > p->first ? job->net->projections[p->first].kind : NC_DENSE;
    const int overwrites = kind == NC_MAX_POOL || kind == NC_COLLECT_MAX;
    if (p->shift == 0 && !overwrites)
        NAME(add_bias)(p, share, x);
    for (int32_t k = p->first; k < p->last; k++) {
        const nc_projection *const projection = &job->net->projections[k];
        if (job->t >= projection->delay)
            NAME(nc_deliver)(projection, NAME(slot)(job->net, job->run, projection->source, job->t - projection->delay),
                             share, x);
    }
    for (int32_t j = share.first; overwrites && j < share.last; j++)
        x[j] += 0; /* a sum never is -0, nor is a maximum */
    if (p->shift != 0)
        NAME(shifted)(x + share.first, share.last - share.first, p->shift);
    if (p->shift != 0 || overwrites)
        NAME(add_bias)(p, share, x);
}

/* The source's outputs that a factor or a host function reads, or NULL before the first has arrived. */
static const VALUE *NAME(arrived)(const NAME(task) *job, const nc_projection *p) {
    if (job->t < p->delay)
        return NULL;
    return (const VALUE *)NAME(slot)(job->net, job->run, p->source, job->t - p->delay)->value;
}

static nc_share NAME(portion)(const NAME(task) *job, int64_t size) {
    const int64_t parts = job->run->crew.parts;
    return (nc_share){(int32_t)(size * job->part / parts), (int32_t)(size * (job->part + 1) / parts)};
}

/* One operand in the order of the product: copied into place by all parts, or the source itself. */
static const VALUE *NAME(operand)(const NAME(task) *job, const nc_projection *factor, VALUE *place) {
    const VALUE *const value = NAME(arrived)(job, factor);
    if (value != NULL && factor->indices == NULL)
        return value;
    NAME(nc_operand)(factor, value, NAME(portion)(job, nc_operand_size(factor)), place);
    return place;
}

static void NAME(multiply)(const NAME(task) *job, const nc_record *record) {
    const nc_population *const p = &job->net->populations[job->k];
    const nc_projection *const left = &job->net->projections[p->first], *const right = left + 1;
    run_state *const run = job->run;
    const VALUE *const a = NAME(operand)(job, left, (VALUE *)run->left);
    const VALUE *const b = NAME(operand)(job, right, (VALUE *)run->right);
    nc_crew_wait(&run->crew);
    VALUE *const line = (VALUE *)(void *)((uint8_t *)run->line + run->line_bytes * (uint64_t)job->part);
    const nc_share rows = NAME(portion)(job, (int64_t)left->batch * left->rows);
    NAME(nc_multiply)(left, a, b, rows, line, (VALUE *)job->out->value);
    if (job->part == 0 && record->products != NULL)
        *record->products += NAME(nc_coincidences)(left, a, b, run->tally);
    nc_crew_wait(&run->crew);
}

static void NAME(ask_host)(const NAME(task) *job) {
    const nc_population *const p = &job->net->populations[job->k];
    const VALUE *const value = NAME(arrived)(job, &job->net->projections[p->first]);
    VALUE *const x = (VALUE *)job->out->value;
    if (job->part == 0 && value == NULL)
        memset(x, 0, sizeof(VALUE) * (size_t)p->n);
    else if (job->part == 0 && job->net->host(job->net->context, p->first, value, x) != NC_OK)
        atomic_store(&job->run->crew.failed, 1);
    nc_crew_wait(&job->run->crew);
}

/* x of the share, however it comes about. */
static void NAME(receive)(const NAME(task) *job, const nc_feed *feed, const nc_record *record) {
    const nc_population *const p = &job->net->populations[job->k];
    const int32_t kind = p->last > p->first ? job->net->projections[p->first].kind : NC_DENSE;
    const nc_share share = job->share;
    if (p->kind == NC_INPUT) {
        const VALUE *const row = (const VALUE *)feed->values + job->t * feed->stride + share.first;
        memcpy((VALUE *)job->out->value + share.first, row, sizeof(VALUE) * (size_t)(share.last - share.first));
    } else if (kind == NC_LEFT) {
        NAME(multiply)(job, record);
    } else if (kind == NC_HOST) {
        NAME(ask_host)(job);
    } else if (job->run->population[job->k].scattered) {
        if (job->part == 0)
            NAME(gather)(job, (nc_share){0, p->n});
        nc_crew_wait(&job->run->crew);
    } else if (share.first < share.last) {
        NAME(gather)(job, share);
    }
}

/* fires and active of the share, and for neurons what they give. */
static void NAME(respond)(const NAME(task) *job) {
    const nc_population *const p = &job->net->populations[job->k];
    const nc_share share = job->share;
    run_state *const run = job->run;
    VALUE *const x = (VALUE *)job->out->value + share.first;
    uint8_t *const fires = run->fires + share.first;
    if (p->kind == NC_NEURONS) {
        const nc_neurons neurons = neurons_of(&p->neurons, share);
        nc_neuron_state state = state_of(&run->population[job->k].state, share);
        NAME(nc_neurons_step)(&neurons, &state, x, fires, run->active + share.first);
        run->saturations[job->part] += state.saturations;
    }
    const int32_t n = share.last - share.first;
    run->saturations[job->part] += NAME(held)(p, x, n);
    for (int32_t j = 0; (p->kind != NC_NEURONS || p->held_limit > 0) && j < n; j++)
        fires[j] = (uint8_t)(x[j] != 0);
    if (share.last == p->n) { /* packing reads whole groups of eight */
        memset(run->fires + p->n, 0, 8);
        memset(run->active + p->n, 0, 8);
    }
}

/* Which of the share's outputs are not zero, row by row. */
static void NAME(list)(const NAME(task) *job, nc_share share) {
    nc_outputs *const out = job->out;
    const nc_population *const p = &job->net->populations[job->k];
    const VALUE *const x = (const VALUE *)out->value;
    int64_t total = 0;
    int32_t graded = 0;
    for (int32_t row = share.first / p->width; out->index != NULL && row < share.last / p->width; row++) {
        const int64_t base = (int64_t)row * p->width;
        out->count[row] = list_row(job->run->fires + base, p->width, out->index + base);
        total += out->count[row];
    }
    const int binary = p->kind == NC_NEURONS && p->neurons.output == NC_OUT_BINARY;
    for (int32_t j = share.first; out->index != NULL && !binary && j < share.last; j++)
        graded |= (x[j] != 0) & (x[j] != 1);
    out->total[job->part] = total;
    out->graded[job->part] = graded;
}

static void NAME(keep)(const NAME(task) *job, const nc_record *record) {
    const nc_population *const p = &job->net->populations[job->k];
    const nc_share share = job->share;
    const int64_t row = (int64_t)job->t * ((p->n + 7) / 8);
    if (record->spikes != NULL)
        pack_bits(job->run->fires, share, record->spikes + row);
    if (record->active != NULL && p->kind == NC_NEURONS)
        pack_bits(job->run->active, share, record->active + row);
    if (record->values != NULL)
        memcpy((VALUE *)record->values + (int64_t)job->t * p->n + share.first, (VALUE *)job->out->value + share.first,
               sizeof(VALUE) * (size_t)(share.last - share.first));
    count_flags(record, job->run->fires, share);
}

static void NAME(step)(NAME(task) *job, const nc_feed *feeds, const nc_record *record) {
    const nc_population *const p = &job->net->populations[job->k];
    run_state *const run = job->run;
    job->out = NAME(slot)(job->net, run, job->k, job->t);
    job->share = share_of(p, run->population[job->k].granule, job->part, run->crew.parts);
    NAME(receive)(job, p->kind == NC_INPUT ? &feeds[job->k] : NULL, record);
    if (job->share.first < job->share.last)
        NAME(respond)(job);
    if (p->n == p->width) { /* a single row is listed by one part, once all have computed theirs */
        nc_crew_wait(&run->crew);
        NAME(list)(job, (nc_share){0, job->part == 0 ? p->n : 0});
    } else {
        NAME(list)(job, job->share);
    }
    if (job->share.first < job->share.last)
        NAME(keep)(job, record);
    nc_crew_wait(&run->crew);
}

nc_status NAME(nc_network_prepare)(const nc_network *net, void *workspace, int32_t parts) {
    if (workspace == NULL || parts < 1 || parts > NC_MOST_PARTS)
        return NC_ERR_SIZE;
    arena a = {(uint8_t *)workspace, 0};
    place(net, &a);
    run_state *const run = (run_state *)workspace;
    nc_crew_start(&run->crew, parts);
    set_shares(net, run);
    for (int32_t k = 0; k < net->population_count; k++)
        if (net->populations[k].kind == NC_NEURONS)
            NAME(nc_neurons_init)(&net->populations[k].neurons, &run->population[k].state);
    return NC_OK;
}

NC_HOT nc_status NAME(nc_network_run)(const nc_network *net, void *workspace, const nc_feed *feeds, int32_t steps,
                                      const nc_record *records, int32_t part) {
    run_state *const run = (run_state *)workspace;
    if (workspace == NULL || steps < 0 || part < 0 || part >= run->crew.parts)
        return NC_ERR_SIZE;
    for (int32_t k = 0; k < net->population_count && net->populations[k].kind == NC_INPUT; k++)
        if (feeds == NULL || feeds[k].values == NULL)
            return NC_ERR_SIZE;
    NAME(task) job = {net, run, 0, 0, part, {0, 0}, NULL};
    for (job.t = 0; job.t < steps; job.t++)
        for (job.k = 0; job.k < net->population_count; job.k++) {
            NAME(step)(&job, feeds, &records[job.k]);
            if (atomic_load(&run->crew.failed))
                return NC_ERR_KIND;
        }
    return NC_OK;
}
