/* A projection in both number types, with the dense matrix [target][source] it stands for, and the comparison of the
 * two. All numbers are small integers, so sums of floats are exact and both types must give the same. */
#ifndef NC_PROJECTION_SAMPLE_H
#define NC_PROJECTION_SAMPLE_H

#include "../spikes.h"
#include "check.h"

typedef struct {
    nc_projection p;
    int32_t width;   /* elements of one row of the source */
    int32_t silence; /* one of so many sources speaks, about */
    float *weight_f32, *scale_f32;
    int16_t *weight_i32;
    int32_t *scale_i32;
    int64_t *indptr;
    int32_t *indices;
    int64_t *matrix;
} sample;

static inline int64_t *cell(const sample *s, int32_t target, int32_t source) {
    return &s->matrix[(int64_t)target * s->p.n_source + source];
}

static inline void set_weights(sample *s, int64_t count) {
    s->weight_f32 = zeros(count, sizeof(float));
    s->weight_i32 = zeros(count, sizeof(int16_t));
    for (int64_t k = 0; k < count; k++) {
        s->weight_i32[k] = (int16_t)draw(-60, 60);
        s->weight_f32[k] = (float)s->weight_i32[k];
    }
}

static inline void set_scales(sample *s, int32_t count) {
    s->p.scale_count = count;
    s->scale_f32 = zeros(count, sizeof(float));
    s->scale_i32 = zeros(count, sizeof(int32_t));
    for (int32_t k = 0; k < count; k++) {
        s->scale_i32[k] = draw(1, 5);
        s->scale_f32[k] = (float)s->scale_i32[k];
    }
}

static inline void set_ends(sample *s, int32_t n_source, int32_t n_target) {
    s->p.n_source = n_source;
    s->p.n_target = n_target;
    s->matrix = zeros((int64_t)n_source * n_target, sizeof(int64_t));
}

static inline void release(sample *s) {
    free(s->weight_f32);
    free(s->weight_i32);
    free(s->scale_f32);
    free(s->scale_i32);
    free(s->indptr);
    free(s->indices);
    free(s->matrix);
}

/* Many values are 1; in every other draw all are. */
static inline void draw_values(const sample *s, int64_t *values) {
    const int graded = draw(0, 1), silence = s->silence > 0 ? s->silence : 3;
    for (int32_t k = 0; k < s->p.n_source; k++)
        values[k] = draw(1, silence) != 1 ? 0 : (graded && draw(0, 1) ? draw(-7, 7) : 1);
}

static inline nc_outputs outputs_of(const sample *s, const int64_t *values) {
    const int32_t width = s->width > 0 ? s->width : s->p.n_source, rows = s->p.n_source / width;
    nc_outputs out = {.rows = rows, .width = width};
    out.index = zeros(s->p.n_source, sizeof(int32_t));
    out.count = zeros(rows, sizeof(int32_t));
    const int32_t part = draw(0, NC_MOST_PARTS - 1);
    for (int32_t k = 0; k < s->p.n_source; k++)
        if (values[k] != 0) {
            out.index[k / width * width + out.count[k / width]++] = k % width;
            out.total[part]++;
            out.graded[part] |= values[k] != 1;
        }
    return out;
}

/* Shares that a run might hand out: whole rows of the target, or parts of a single row. */
static inline nc_share next_share(const sample *s, int32_t first) {
    const nc_projection *const p = &s->p;
    if (nc_is_scattered(p) || first >= p->n_target)
        return (nc_share){first, p->n_target};
    const int32_t row = p->c_out > 0 ? p->c_out : 1;
    const int32_t granule = p->kind == NC_GROUPED ? row : (row == p->n_target ? 64 : row);
    const int64_t last = first + (int64_t)granule * draw(1, 6);
    return (nc_share){first, last < p->n_target ? (int32_t)last : p->n_target};
}

static inline void deliver_f32(sample *s, const int64_t *values, const int64_t *expected) {
    nc_outputs from = outputs_of(s, values);
    float *const x = zeros(s->p.n_target, sizeof(float)), *const value = zeros(s->p.n_source, sizeof(float));
    for (int32_t k = 0; k < s->p.n_source; k++)
        value[k] = (float)values[k];
    for (int32_t k = 0; k < s->p.n_target; k++)
        x[k] = (float)(k % 5);
    from.value = value;
    s->p.weight = s->weight_f32;
    s->p.scale = s->scale_f32;
    CHECK_EQUAL(nc_projection_check(&s->p), NC_OK);
    for (nc_share share = next_share(s, 0); share.first < s->p.n_target; share = next_share(s, share.last))
        nc_deliver_f32(&s->p, &from, share, x);
    for (int32_t k = 0; k < s->p.n_target; k++)
        CHECK(x[k] == (float)expected[k]);
    free(from.index), free(from.count), free(value), free(x);
}

static inline void deliver_i32(sample *s, const int64_t *values, const int64_t *expected) {
    nc_outputs from = outputs_of(s, values);
    int32_t *const x = zeros(s->p.n_target, sizeof(int32_t)), *const value = zeros(s->p.n_source, sizeof(int32_t));
    for (int32_t k = 0; k < s->p.n_source; k++)
        value[k] = (int32_t)values[k];
    for (int32_t k = 0; k < s->p.n_target; k++)
        x[k] = k % 5;
    from.value = value;
    s->p.weight = s->weight_i32;
    s->p.scale = s->scale_i32;
    CHECK_EQUAL(nc_projection_check(&s->p), NC_OK);
    for (nc_share share = next_share(s, 0); share.first < s->p.n_target; share = next_share(s, share.last))
        nc_deliver_i32(&s->p, &from, share, x);
    for (int32_t k = 0; k < s->p.n_target; k++)
        CHECK_EQUAL(x[k], expected[k]);
    free(from.index), free(from.count), free(value), free(x);
}

/* Both number types add matrix * values to what is there already. */
static inline void compare_with_matrix(sample *s) {
    int64_t *const values = zeros(s->p.n_source, sizeof(int64_t));
    int64_t *const expected = zeros(s->p.n_target, sizeof(int64_t));
    draw_values(s, values);
    for (int32_t t = 0; t < s->p.n_target; t++) {
        expected[t] = t % 5;
        for (int32_t k = 0; k < s->p.n_source; k++)
            expected[t] += *cell(s, t, k) * values[k];
    }
    deliver_f32(s, values, expected);
    deliver_i32(s, values, expected);
    free(values);
    free(expected);
}

static inline int32_t extent(int32_t n, int32_t kernel, int32_t stride, int32_t pad, int32_t dilation) {
    return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

/* A random window that has at least one output; sets the projection's geometry and ends. */
static inline void draw_windows(sample *s, int32_t groups, int32_t per_group_in, int32_t per_group_out) {
    nc_projection *const p = &s->p;
    p->groups = groups;
    p->c_in = s->width = groups * per_group_in;
    p->c_out = groups * per_group_out;
    p->kh = draw(1, 3);
    p->kw = draw(1, 4);
    p->stride_y = draw(1, 3);
    p->stride_x = draw(1, 3);
    p->dilation_y = draw(1, 2);
    p->dilation_x = draw(1, 2);
    p->pad_y = draw(0, p->kh / 2);
    p->pad_x = draw(0, p->kw / 2);
    p->h_in = draw(p->dilation_y * (p->kh - 1) + 1, 8);
    p->w_in = draw(p->dilation_x * (p->kw - 1) + 1, 9);
}

static inline void set_map_ends(sample *s) {
    nc_projection *const p = &s->p;
    p->h_out = extent(p->h_in, p->kh, p->stride_y, p->pad_y, p->dilation_y);
    p->w_out = extent(p->w_in, p->kw, p->stride_x, p->pad_x, p->dilation_x);
    set_ends(s, p->c_in * p->h_in * p->w_in, p->c_out * p->h_out * p->w_out);
}

/* The input row (or column) under tap k of output `out`, or -1. */
static inline int32_t position_under(int32_t out, int32_t k, int32_t stride, int32_t pad, int32_t dilation, int32_t n) {
    const int32_t in = out * stride - pad + k * dilation;
    return in >= 0 && in < n ? in : -1;
}

/* Calls visit(s, target, source, c, j, tap) for all synapses, where j is the output channel in its group. */
typedef void visitor(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t tap);

static inline void each_input(sample *s, int32_t oy, int32_t ox, int32_t o, visitor *visit) {
    const nc_projection *const p = &s->p;
    const int32_t in_each = p->c_in / p->groups, out_each = p->c_out / p->groups;
    for (int32_t tap = 0; tap < p->kh * p->kw; tap++) {
        const int32_t y = position_under(oy, tap / p->kw, p->stride_y, p->pad_y, p->dilation_y, p->h_in);
        const int32_t x = position_under(ox, tap % p->kw, p->stride_x, p->pad_x, p->dilation_x, p->w_in);
        for (int32_t i = 0; y >= 0 && x >= 0 && i < in_each; i++) {
            const int32_t c = o / out_each * in_each + i;
            visit(s, (oy * p->w_out + ox) * p->c_out + o, (y * p->w_in + x) * p->c_in + c, c, o % out_each, tap);
        }
    }
}

static inline void each_synapse(sample *s, visitor *visit) {
    for (int32_t oy = 0; oy < s->p.h_out; oy++)
        for (int32_t ox = 0; ox < s->p.w_out; ox++)
            for (int32_t o = 0; o < s->p.c_out; o++)
                each_input(s, oy, ox, o, visit);
}

#endif
