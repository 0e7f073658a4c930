/* Projections against dense matrices that are filled in from the definition of the operator, output by output. */
#include "../spikes.h"
#include "check.h"

/* A projection in both number types, with the matrix [target][source] it stands for. All numbers are small
 * integers, so sums of floats are exact and both types must give the same. */
typedef struct {
    nc_projection p;
    float *weight_f32, *scale_f32;
    int16_t *weight_i32;
    int32_t *scale_i32;
    int64_t *indptr;
    int32_t *indices;
    int64_t *matrix;
} sample;

static int64_t *cell(const sample *s, int32_t target, int32_t source) {
    return &s->matrix[(int64_t)target * s->p.n_source + source];
}

static void set_weights(sample *s, int64_t count) {
    s->weight_f32 = zeros(count, sizeof(float));
    s->weight_i32 = zeros(count, sizeof(int16_t));
    for (int64_t k = 0; k < count; k++) {
        s->weight_i32[k] = (int16_t)draw(-60, 60);
        s->weight_f32[k] = (float)s->weight_i32[k];
    }
}

static void set_scales(sample *s, int32_t count) {
    s->p.scale_count = count;
    s->scale_f32 = zeros(count, sizeof(float));
    s->scale_i32 = zeros(count, sizeof(int32_t));
    for (int32_t k = 0; k < count; k++) {
        s->scale_i32[k] = draw(1, 5);
        s->scale_f32[k] = (float)s->scale_i32[k];
    }
}

static void set_ends(sample *s, int32_t n_source, int32_t n_target) {
    s->p.n_source = n_source;
    s->p.n_target = n_target;
    s->matrix = zeros((int64_t)n_source * n_target, sizeof(int64_t));
}

static void release(sample *s) {
    free(s->weight_f32);
    free(s->weight_i32);
    free(s->scale_f32);
    free(s->scale_i32);
    free(s->indptr);
    free(s->indices);
    free(s->matrix);
}

/* Every third source or so speaks; many values are 1, which takes another path than the others. */
static int32_t draw_values(int64_t *values, int32_t n) {
    int32_t count = 0;
    for (int32_t k = 0; k < n; k++) {
        values[k] = draw(0, 2) != 0 ? 0 : (draw(0, 1) ? 1 : draw(-7, 7));
        count += values[k] != 0;
    }
    return count;
}

static void deliver_f32(sample *s, const int64_t *values, int32_t count, const int64_t *expected) {
    nc_events events = {0, zeros(count, sizeof(int32_t)), zeros(count, sizeof(float))};
    float *const x = zeros(s->p.n_target, sizeof(float));
    float *const scratch = zeros(s->p.n_source, sizeof(float));
    for (int32_t k = 0; k < s->p.n_source; k++)
        if (values[k] != 0) {
            events.index[events.count] = k;
            ((float *)events.value)[events.count++] = (float)values[k];
        }
    for (int32_t k = 0; k < s->p.n_target; k++)
        x[k] = (float)(k % 5);
    s->p.weight = s->weight_f32;
    s->p.scale = s->scale_f32;
    CHECK_EQUAL(nc_projection_check(&s->p), NC_OK);
    nc_deliver_f32(&s->p, &events, x, scratch);
    for (int32_t k = 0; k < s->p.n_target; k++)
        CHECK(x[k] == (float)expected[k]);
    for (int32_t k = 0; k < s->p.n_source; k++)
        CHECK(scratch[k] == 0);
    free(events.index);
    free(events.value);
    free(x);
    free(scratch);
}

static void deliver_i32(sample *s, const int64_t *values, int32_t count, const int64_t *expected) {
    nc_events events = {0, zeros(count, sizeof(int32_t)), zeros(count, sizeof(int32_t))};
    int32_t *const x = zeros(s->p.n_target, sizeof(int32_t));
    int32_t *const scratch = zeros(s->p.n_source, sizeof(int32_t));
    for (int32_t k = 0; k < s->p.n_source; k++)
        if (values[k] != 0) {
            events.index[events.count] = k;
            ((int32_t *)events.value)[events.count++] = (int32_t)values[k];
        }
    for (int32_t k = 0; k < s->p.n_target; k++)
        x[k] = k % 5;
    s->p.weight = s->weight_i32;
    s->p.scale = s->scale_i32;
    CHECK_EQUAL(nc_projection_check(&s->p), NC_OK);
    nc_deliver_i32(&s->p, &events, x, scratch);
    for (int32_t k = 0; k < s->p.n_target; k++)
        CHECK_EQUAL(x[k], expected[k]);
    for (int32_t k = 0; k < s->p.n_source; k++)
        CHECK_EQUAL(scratch[k], 0);
    free(events.index);
    free(events.value);
    free(x);
    free(scratch);
}

/* Both number types add matrix * values to what is there already. */
static void compare_with_matrix(sample *s) {
    int64_t *const values = zeros(s->p.n_source, sizeof(int64_t));
    int64_t *const expected = zeros(s->p.n_target, sizeof(int64_t));
    const int32_t count = draw_values(values, s->p.n_source);
    for (int32_t t = 0; t < s->p.n_target; t++) {
        expected[t] = t % 5;
        for (int32_t k = 0; k < s->p.n_source; k++)
            expected[t] += *cell(s, t, k) * values[k];
    }
    deliver_f32(s, values, count, expected);
    deliver_i32(s, values, count, expected);
    free(values);
    free(expected);
}

static void linear_is_its_matrix(void) {
    for (int trial = 0; trial < 50; trial++) {
        sample s = {.p = {.kind = NC_LINEAR}};
        set_ends(&s, draw(1, 20), draw(1, 20));
        set_weights(&s, (int64_t)s.p.n_source * s.p.n_target);
        for (int32_t source = 0; source < s.p.n_source; source++)
            for (int32_t target = 0; target < s.p.n_target; target++)
                *cell(&s, target, source) = s.weight_i32[source * s.p.n_target + target];
        compare_with_matrix(&s);
        release(&s);
    }
}

static void sparse_is_its_matrix(void) {
    for (int trial = 0; trial < 50; trial++) {
        sample s = {.p = {.kind = NC_SPARSE}};
        set_ends(&s, draw(1, 20), draw(1, 20));
        s.indptr = zeros(s.p.n_source + 1, sizeof(int64_t));
        for (int32_t k = 0; k < s.p.n_source; k++)
            s.indptr[k + 1] = s.indptr[k] + draw(0, 4); /* some rows are empty */
        const int64_t count = s.indptr[s.p.n_source];
        s.indices = zeros(count, sizeof(int32_t));
        set_weights(&s, count);
        for (int32_t source = 0; source < s.p.n_source; source++)
            for (int64_t k = s.indptr[source]; k < s.indptr[source + 1]; k++) {
                s.indices[k] = draw(0, s.p.n_target - 1); /* the same target twice is two synapses */
                *cell(&s, s.indices[k], source) += s.weight_i32[k];
            }
        s.p.indptr = s.indptr;
        s.p.indices = s.indices;
        compare_with_matrix(&s);
        release(&s);
    }
}

static void one_to_one_is_its_matrix(void) {
    for (int trial = 0; trial < 60; trial++) {
        sample s = {.p = {.kind = NC_ONE_TO_ONE}};
        const int32_t n = draw(1, 30);
        set_ends(&s, n, n);
        set_scales(&s, trial % 2 ? 1 : n);
        if (trial % 3)
            s.indices = zeros(n, sizeof(int32_t));
        for (int32_t k = 0; k < n; k++) {
            if (s.indices != NULL)
                s.indices[k] = (k + 7) % n;
            *cell(&s, s.indices != NULL ? s.indices[k] : k, k) = s.scale_i32[s.p.scale_count == 1 ? 0 : k];
        }
        s.p.indices = s.indices;
        compare_with_matrix(&s);
        release(&s);
    }
}

static int32_t extent(int32_t n, int32_t kernel, int32_t stride, int32_t pad, int32_t dilation) {
    return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

/* A random window that has at least one output; sets the projection's geometry and ends. */
static void draw_windows(sample *s, int32_t groups, int32_t per_group_in, int32_t per_group_out) {
    nc_projection *const p = &s->p;
    p->groups = groups;
    p->c_in = groups * per_group_in;
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

static void set_map_ends(sample *s) {
    nc_projection *const p = &s->p;
    p->h_out = extent(p->h_in, p->kh, p->stride_y, p->pad_y, p->dilation_y);
    p->w_out = extent(p->w_in, p->kw, p->stride_x, p->pad_x, p->dilation_x);
    set_ends(s, p->c_in * p->h_in * p->w_in, p->c_out * p->h_out * p->w_out);
}

/* The input row (or column) under tap k of output `out`, or -1. */
static int32_t under(int32_t out, int32_t k, int32_t stride, int32_t pad, int32_t dilation, int32_t n) {
    const int32_t in = out * stride - pad + k * dilation;
    return in >= 0 && in < n ? in : -1;
}

/* Calls visit(s, target, source, c, j, ky, kx) for all synapses, where j is the output channel in its group. */
typedef void visitor(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t ky, int32_t kx);

static void each_input(sample *s, int32_t oy, int32_t ox, int32_t o, visitor *visit) {
    const nc_projection *const p = &s->p;
    const int32_t in_each = p->c_in / p->groups, out_each = p->c_out / p->groups;
    for (int32_t ky = 0; ky < p->kh; ky++)
        for (int32_t kx = 0; kx < p->kw; kx++) {
            const int32_t y = under(oy, ky, p->stride_y, p->pad_y, p->dilation_y, p->h_in);
            const int32_t x = under(ox, kx, p->stride_x, p->pad_x, p->dilation_x, p->w_in);
            for (int32_t i = 0; y >= 0 && x >= 0 && i < in_each; i++) {
                const int32_t c = o / out_each * in_each + i;
                const int32_t target = (oy * p->w_out + ox) * p->c_out + o;
                visit(s, target, (y * p->w_in + x) * p->c_in + c, c, o % out_each, ky, kx);
            }
        }
}

static void each_synapse(sample *s, visitor *visit) {
    for (int32_t oy = 0; oy < s->p.h_out; oy++)
        for (int32_t ox = 0; ox < s->p.w_out; ox++)
            for (int32_t o = 0; o < s->p.c_out; o++)
                each_input(s, oy, ox, o, visit);
}

static void add_conv(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t ky, int32_t kx) {
    const nc_projection *const p = &s->p;
    *cell(s, target, source) += s->weight_i32[((c * p->kh + ky) * p->kw + kx) * (p->c_out / p->groups) + j];
}

static void add_conv_row(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t ky, int32_t kx) {
    const nc_projection *const p = &s->p;
    *cell(s, target, source) += s->weight_i32[((c * p->kh + ky) * p->kw + p->kw - 1 - kx) * p->c_out + j];
}

static void add_pool(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t ky, int32_t kx) {
    (void)c, (void)j, (void)ky, (void)kx;
    *cell(s, target, source) += s->scale_i32[0];
}

static void conv_is_its_matrix(void) {
    for (int trial = 0; trial < 150; trial++) {
        sample s = {.p = {.kind = NC_CONV}};
        draw_windows(&s, trial % 3 + 1, draw(1, 3), draw(1, 4));
        set_map_ends(&s);
        set_weights(&s, (int64_t)s.p.c_in * s.p.kh * s.p.kw * (s.p.c_out / s.p.groups));
        each_synapse(&s, add_conv);
        compare_with_matrix(&s);
        release(&s);
    }
}

static void row_conv_is_its_matrix(void) {
    for (int trial = 0; trial < 150; trial++) {
        sample s = {.p = {.kind = NC_CONV_ROW}};
        draw_windows(&s, 1, draw(1, 3), draw(1, 4));
        s.p.stride_x = s.p.dilation_x = 1;
        set_map_ends(&s);
        set_weights(&s, (int64_t)s.p.c_in * s.p.kh * s.p.kw * s.p.c_out);
        each_synapse(&s, add_conv_row);
        compare_with_matrix(&s);
        release(&s);
    }
}

/* The fast form with its kernel reversed along x gives what the general form gives. */
static void row_conv_equals_conv(void) {
    for (int trial = 0; trial < 50; trial++) {
        sample s = {.p = {.kind = NC_CONV}};
        draw_windows(&s, 1, 2, 3);
        s.p.stride_x = s.p.dilation_x = 1;
        set_map_ends(&s);
        set_weights(&s, (int64_t)s.p.c_in * s.p.kh * s.p.kw * s.p.c_out);
        each_synapse(&s, add_conv);
        compare_with_matrix(&s);
        for (int32_t row = 0; row < s.p.c_in * s.p.kh; row++)
            for (int32_t kx = 0; kx < s.p.kw / 2; kx++)
                for (int32_t o = 0; o < s.p.c_out; o++) {
                    const int32_t a = (row * s.p.kw + kx) * s.p.c_out + o;
                    const int32_t b = (row * s.p.kw + s.p.kw - 1 - kx) * s.p.c_out + o;
                    const int16_t kept = s.weight_i32[a];
                    s.weight_i32[a] = s.weight_i32[b];
                    s.weight_i32[b] = kept;
                    s.weight_f32[a] = s.weight_i32[a];
                    s.weight_f32[b] = s.weight_i32[b];
                }
        s.p.kind = NC_CONV_ROW;
        compare_with_matrix(&s);
        release(&s);
    }
}

static void sum_pool_is_its_matrix(void) {
    for (int trial = 0; trial < 100; trial++) {
        sample s = {.p = {.kind = NC_SUM_POOL}};
        const int32_t channels = draw(1, 4);
        draw_windows(&s, channels, 1, 1);
        s.p.dilation_y = s.p.dilation_x = 1;
        set_map_ends(&s);
        set_scales(&s, 1);
        each_synapse(&s, add_pool);
        s.p.groups = 1; /* a pool's windows keep to their channel without being told */
        compare_with_matrix(&s);
        release(&s);
    }
}

static int64_t maximum(const sample *s, const int64_t *values, int32_t oy, int32_t ox, int32_t c) {
    const nc_projection *const p = &s->p;
    int64_t most = INT64_MIN;
    for (int32_t ky = 0; ky < p->kh; ky++)
        for (int32_t kx = 0; kx < p->kw; kx++) {
            const int32_t y = under(oy, ky, p->stride_y, p->pad_y, 1, p->h_in);
            const int32_t x = under(ox, kx, p->stride_x, p->pad_x, 1, p->w_in);
            if (y >= 0 && x >= 0 && values[(y * p->w_in + x) * p->c_in + c] > most)
                most = values[(y * p->w_in + x) * p->c_in + c];
        }
    return most;
}

/* The maximum replaces what was there; silent sources count as zero, padding does not count. */
static void max_pool_is_the_maximum_of_each_window(void) {
    for (int trial = 0; trial < 100; trial++) {
        sample s = {.p = {.kind = NC_MAX_POOL}};
        draw_windows(&s, draw(1, 4), 1, 1);
        s.p.dilation_y = s.p.dilation_x = 1;
        set_map_ends(&s);
        s.p.groups = 1;
        int64_t *const values = zeros(s.p.n_source, sizeof(int64_t));
        int64_t *const expected = zeros(s.p.n_target, sizeof(int64_t));
        const int32_t count = draw_values(values, s.p.n_source);
        for (int32_t k = 0; k < s.p.n_target; k++) {
            const int32_t pixel = k / s.p.c_out;
            expected[k] = maximum(&s, values, pixel / s.p.w_out, pixel % s.p.w_out, k % s.p.c_out);
        }
        deliver_f32(&s, values, count, expected);
        deliver_i32(&s, values, count, expected);
        free(values);
        free(expected);
        release(&s);
    }
}

static void silence_adds_nothing(void) {
    const float weight[6] = {1, 2, 3, 4, 5, 6};
    const nc_projection p = {.kind = NC_LINEAR, .n_source = 2, .n_target = 3, .weight = weight};
    const nc_events none = {0, NULL, NULL};
    float x[3] = {7, 8, 9};
    nc_deliver_f32(&p, &none, x, NULL);
    CHECK(x[0] == 7 && x[1] == 8 && x[2] == 9);
}

int main(void) {
    RUN(linear_is_its_matrix);
    RUN(sparse_is_its_matrix);
    RUN(one_to_one_is_its_matrix);
    RUN(conv_is_its_matrix);
    RUN(row_conv_is_its_matrix);
    RUN(row_conv_equals_conv);
    RUN(sum_pool_is_its_matrix);
    RUN(max_pool_is_the_maximum_of_each_window);
    RUN(silence_adds_nothing);
    return check_result();
}
