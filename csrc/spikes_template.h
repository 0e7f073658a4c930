/* Bodies of the delivery kernels for one number type: VALUE (state), WEIGHT (stored), NAME(stem), LOWEST. */

static inline void NAME(add_run)(VALUE *restrict x, const WEIGHT *restrict w, VALUE value, int64_t n) {
    if (value == 1) { /* binary spikes: no multiplication */
        for (int64_t j = 0; j < n; j++)
            x[j] += (VALUE)w[j];
    } else {
        for (int64_t j = 0; j < n; j++)
            x[j] += value * (VALUE)w[j];
    }
}

/* The output row (or column) at which input position `at` lies under tap k, or -1. */
static inline int32_t NAME(under_tap)(int32_t at, int32_t pad, int32_t tap, int32_t dilation, int32_t stride,
                                      int32_t n_out) {
    const int32_t start = at + pad - tap * dilation;
    if (start < 0 || start % stride)
        return -1;
    const int32_t out = start / stride;
    return out < n_out ? out : -1;
}

static void NAME(conv_row)(const nc_projection *p, int32_t y, int32_t x_in, int32_t c, VALUE value, VALUE *x) {
    const WEIGHT *const w = (const WEIGHT *)p->weight;
    const int32_t at = x_in + p->pad_x;
    const int32_t first = at - (p->kw - 1) > 0 ? at - (p->kw - 1) : 0; /* leftmost output column */
    const int32_t last = at < p->w_out - 1 ? at : p->w_out - 1;
    if (last < first)
        return;
    const int64_t run = (int64_t)(last - first + 1) * p->c_out;
    const int32_t flipped = p->kw - 1 - (at - first); /* stored position of the tap above the leftmost output */
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int32_t oy = NAME(under_tap)(y, p->pad_y, ky, p->dilation_y, p->stride_y, p->h_out);
        if (oy < 0)
            continue;
        const int64_t tap = ((int64_t)c * p->kh + ky) * p->kw + flipped;
        NAME(add_run)(x + ((int64_t)oy * p->w_out + first) * p->c_out, w + tap * p->c_out, value, run);
    }
}

static void NAME(conv)(const nc_projection *p, int32_t y, int32_t x_in, int32_t c, VALUE value, VALUE *x) {
    const WEIGHT *const w = (const WEIGHT *)p->weight;
    const int32_t per_group = p->c_out / p->groups;
    const int32_t offset = c / (p->c_in / p->groups) * per_group;
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int32_t oy = NAME(under_tap)(y, p->pad_y, ky, p->dilation_y, p->stride_y, p->h_out);
        if (oy < 0)
            continue;
        for (int32_t kx = 0; kx < p->kw; kx++) {
            const int32_t ox = NAME(under_tap)(x_in, p->pad_x, kx, p->dilation_x, p->stride_x, p->w_out);
            if (ox < 0)
                continue;
            const int64_t tap = ((int64_t)c * p->kh + ky) * p->kw + kx;
            NAME(add_run)(x + ((int64_t)oy * p->w_out + ox) * p->c_out + offset, w + tap * per_group, value, per_group);
        }
    }
}

static void NAME(sum_pool)(const nc_projection *p, int32_t y, int32_t x_in, int32_t c, VALUE value, VALUE *x) {
    const VALUE part = value * *(const VALUE *)p->scale;
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int32_t oy = NAME(under_tap)(y, p->pad_y, ky, 1, p->stride_y, p->h_out);
        for (int32_t kx = 0; oy >= 0 && kx < p->kw; kx++) {
            const int32_t ox = NAME(under_tap)(x_in, p->pad_x, kx, 1, p->stride_x, p->w_out);
            if (ox >= 0)
                x[((int64_t)oy * p->w_out + ox) * p->c_out + c] += part;
        }
    }
}

static void NAME(max_window)(const nc_projection *p, int32_t oy, int32_t ox, const VALUE *source, VALUE *out) {
    for (int32_t c = 0; c < p->c_out; c++)
        out[c] = LOWEST;
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int32_t y = oy * p->stride_y - p->pad_y + ky;
        for (int32_t kx = 0; kx < p->kw && y >= 0 && y < p->h_in; kx++) {
            const int32_t x_in = ox * p->stride_x - p->pad_x + kx;
            if (x_in < 0 || x_in >= p->w_in)
                continue;
            const VALUE *const pixel = source + ((int64_t)y * p->w_in + x_in) * p->c_in;
            for (int32_t c = 0; c < p->c_out; c++)
                out[c] = pixel[c] > out[c] ? pixel[c] : out[c];
        }
    }
}

static void NAME(max_pool)(const nc_projection *p, const nc_events *events, VALUE *x, VALUE *scratch) {
    const VALUE *const value = (const VALUE *)events->value;
    for (int32_t e = 0; e < events->count; e++)
        scratch[events->index[e]] = value[e];
    for (int32_t oy = 0; oy < p->h_out; oy++)
        for (int32_t ox = 0; ox < p->w_out; ox++)
            NAME(max_window)(p, oy, ox, scratch, x + ((int64_t)oy * p->w_out + ox) * p->c_out);
    for (int32_t e = 0; e < events->count; e++)
        scratch[events->index[e]] = 0;
}

static void NAME(one_to_one)(const nc_projection *p, const nc_events *events, VALUE *x) {
    const VALUE *const value = (const VALUE *)events->value;
    const VALUE *const scale = (const VALUE *)p->scale;
    for (int32_t e = 0; e < events->count; e++) {
        const int32_t s = events->index[e];
        x[p->indices != NULL ? p->indices[s] : s] += value[e] * scale[p->scale_count == 1 ? 0 : s];
    }
}

static void NAME(sparse)(const nc_projection *p, const nc_events *events, VALUE *x) {
    const VALUE *const value = (const VALUE *)events->value;
    const WEIGHT *const w = (const WEIGHT *)p->weight;
    for (int32_t e = 0; e < events->count; e++) {
        const int64_t end = p->indptr[events->index[e] + 1];
        for (int64_t k = p->indptr[events->index[e]]; k < end; k++)
            x[p->indices[k]] += value[e] * (VALUE)w[k];
    }
}

static void NAME(linear)(const nc_projection *p, const nc_events *events, VALUE *x) {
    const VALUE *const value = (const VALUE *)events->value;
    for (int32_t e = 0; e < events->count; e++)
        NAME(add_run)(x, (const WEIGHT *)p->weight + (int64_t)events->index[e] * p->n_target, value[e], p->n_target);
}

static void NAME(windowed)(const nc_projection *p, const nc_events *events, VALUE *x) {
    const VALUE *const value = (const VALUE *)events->value;
    for (int32_t e = 0; e < events->count; e++) {
        const int32_t pixel = events->index[e] / p->c_in;
        const int32_t c = events->index[e] - pixel * p->c_in;
        const int32_t y = pixel / p->w_in;
        const int32_t x_in = pixel - y * p->w_in;
        if (p->kind == NC_CONV_ROW)
            NAME(conv_row)(p, y, x_in, c, value[e], x);
        else if (p->kind == NC_CONV)
            NAME(conv)(p, y, x_in, c, value[e], x);
        else
            NAME(sum_pool)(p, y, x_in, c, value[e], x);
    }
}

NC_HOT void NAME(nc_deliver)(const nc_projection *p, const nc_events *events, VALUE *x, VALUE *scratch) {
    switch (p->kind) {
    case NC_LINEAR:
        NAME(linear)(p, events, x);
        break;
    case NC_SPARSE:
        NAME(sparse)(p, events, x);
        break;
    case NC_ONE_TO_ONE:
        NAME(one_to_one)(p, events, x);
        break;
    case NC_MAX_POOL:
        NAME(max_pool)(p, events, x, scratch);
        break;
    default:
        NAME(windowed)(p, events, x);
        break;
    }
}
