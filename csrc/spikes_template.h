/* Bodies of the delivery kernels for one number type: VALUE (state), WEIGHT (stored), NAME(stem), LOWEST. */

static inline void NAME(add_run)(VALUE *restrict x, const WEIGHT *restrict w, VALUE value, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        x[j] += value * (VALUE)w[j];
}

static inline VALUE NAME(scale_of)(const nc_projection *p, int32_t source) {
    return ((const VALUE *)p->scale)[p->scale_count == 1 ? 0 : source];
}

/* Events of one input pixel under one tap, each of which reaches the output channels of its group. */
static void NAME(grouped_tap)(const nc_projection *p, const nc_outputs *from, int64_t pixel, int32_t tap, VALUE *x) {
    const int32_t per_group = p->c_out / p->groups, taps = p->kh * p->kw;
    const int32_t *const index = from->index + pixel * p->c_in;
    const VALUE *const value = (const VALUE *)from->value + pixel * p->c_in;
    for (int32_t e = 0; e < from->count[pixel]; e++) {
        const int32_t c = index[e], group = c / (p->c_in / p->groups);
        const WEIGHT *const w = (const WEIGHT *)p->weight + ((int64_t)c * taps + tap) * per_group;
        NAME(add_run)(x + (int64_t)group * per_group, w, value[c], per_group);
    }
}

static void NAME(depthwise_tap)(const nc_projection *p, const VALUE *restrict value, int32_t tap, span s,
                                VALUE *restrict x) {
    const WEIGHT *const w = (const WEIGHT *)p->weight + (int64_t)tap * p->c_out;
    for (int32_t c = s.column0; c < s.column1; c++)
        x[c] += value[c] * (VALUE)w[c];
}

static void NAME(sum_tap)(VALUE scale, const VALUE *restrict value, span s, VALUE *restrict x) {
    for (int32_t c = s.column0; c < s.column1; c++)
        x[c] += value[c] * scale;
}

static void NAME(max_tap)(const VALUE *restrict value, span s, VALUE *restrict x) {
    for (int32_t c = s.column0; c < s.column1; c++)
        x[c] = value[c] > x[c] ? value[c] : x[c];
}

static void NAME(under_tap)(const nc_projection *p, const nc_outputs *from, int64_t pixel, int32_t tap, span s,
                            VALUE *x) {
    const VALUE *const value = (const VALUE *)from->value + pixel * p->c_in;
    switch (p->kind) {
    case NC_GROUPED:
        NAME(grouped_tap)(p, from, pixel, tap, x);
        break;
    case NC_DEPTHWISE:
        NAME(depthwise_tap)(p, value, tap, s, x);
        break;
    case NC_SUM_POOL:
        NAME(sum_tap)(*(const VALUE *)p->scale, value, s, x);
        break;
    default:
        NAME(max_tap)(value, s, x);
        break;
    }
}

/* Whatever looks through a window, pixel by pixel of the target. */
static void NAME(windowed)(const nc_projection *p, const nc_outputs *from, nc_share share, VALUE *x) {
    const span s = span_of(share, p->c_out);
    for (int32_t row = s.row0; row < s.row1; row++) {
        const int32_t oy = row / p->w_out, ox = row % p->w_out;
        VALUE *const out = x + (int64_t)row * p->c_out;
        for (int32_t c = s.column0; p->kind == NC_MAX_POOL && c < s.column1; c++)
            out[c] = LOWEST;
        for (int32_t tap = 0; tap < p->kh * p->kw; tap++) {
            const int32_t y = under(oy, p->stride_y, p->pad_y, tap / p->kw, p->dilation_y, p->h_in);
            const int32_t x_in = under(ox, p->stride_x, p->pad_x, tap % p->kw, p->dilation_x, p->w_in);
            if (y >= 0 && x_in >= 0)
                NAME(under_tap)(p, from, (int64_t)y * p->w_in + x_in, tap, s, out);
        }
    }
}

static void NAME(one_to_one)(const nc_projection *p, const VALUE *restrict value, nc_share share, VALUE *restrict x) {
    if (p->indices == NULL && p->scale_count == 1) {
        const VALUE scale = *(const VALUE *)p->scale;
        for (int32_t i = share.first; i < share.last; i++)
            x[i] += value[i] * scale;
        return;
    }
    for (int32_t i = share.first; i < share.last; i++) {
        const int32_t s = p->indices != NULL ? p->indices[i] : i;
        if (s >= 0)
            x[i] += value[s] * NAME(scale_of)(p, s);
    }
}

static void NAME(sparse)(const nc_projection *p, const nc_outputs *from, VALUE *x) {
    const WEIGHT *const w = (const WEIGHT *)p->weight;
    for (int32_t row = 0; row < from->rows; row++)
        for (int32_t e = 0; e < from->count[row]; e++) {
            const int64_t base = (int64_t)row * from->width, source = base + from->index[base + e];
            const VALUE value = ((const VALUE *)from->value)[source];
            for (int64_t k = p->indptr[source]; k < p->indptr[source + 1]; k++)
                x[p->indices[k]] += value * (VALUE)w[k];
        }
}

static void NAME(collect)(const nc_projection *p, const VALUE *value, VALUE *x) {
    for (int32_t s = 0; s < p->n_source; s++)
        if (value[s] != 0)
            x[p->indices[s]] += value[s] * NAME(scale_of)(p, s);
}

static void NAME(collect_max)(const nc_projection *p, const VALUE *value, VALUE *x) {
    for (int32_t i = 0; i < p->n_target; i++)
        x[i] = LOWEST;
    for (int32_t s = 0; s < p->n_source; s++) {
        VALUE *const most = x + p->indices[s];
        *most = value[s] > *most ? value[s] : *most;
    }
}

NC_HOT void NAME(nc_deliver)(const nc_projection *p, const nc_outputs *from, nc_share share, VALUE *x) {
    const VALUE *const value = (const VALUE *)from->value;
    if (share.first >= share.last)
        return;
    switch (p->kind) {
    case NC_DENSE:
        NAME(dense)(p, from, share, x);
        break;
    case NC_ONE_TO_ONE:
        NAME(one_to_one)(p, value, share, x);
        break;
    case NC_SPARSE:
        NAME(sparse)(p, from, x);
        break;
    case NC_COLLECT:
        NAME(collect)(p, value, x);
        break;
    case NC_COLLECT_MAX:
        NAME(collect_max)(p, value, x);
        break;
    default:
        NAME(windowed)(p, from, share, x);
        break;
    }
}
