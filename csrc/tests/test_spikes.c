/* Projections without dense weights against matrices filled in from the definition of the operator. */
#include "projection_sample.h"

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

/* Target i receives source indices[i] (or i), or nothing where that is -1. */
static void one_to_one_is_its_matrix(void) {
    for (int trial = 0; trial < 60; trial++) {
        sample s = {.p = {.kind = NC_ONE_TO_ONE}};
        const int32_t n = draw(1, 30), wired = trial % 3;
        set_ends(&s, n, wired ? draw(1, 30) : n);
        set_scales(&s, trial % 2 ? 1 : n);
        s.indices = wired ? zeros(s.p.n_target, sizeof(int32_t)) : NULL;
        for (int32_t k = 0; k < s.p.n_target; k++) {
            const int32_t source = wired ? draw(-1, n - 1) : k;
            if (wired)
                s.indices[k] = source;
            if (source >= 0)
                *cell(&s, k, source) = s.scale_i32[s.p.scale_count == 1 ? 0 : source];
        }
        s.p.indices = s.indices;
        compare_with_matrix(&s);
        release(&s);
    }
}

static void collecting_is_its_matrix(void) {
    for (int trial = 0; trial < 60; trial++) {
        sample s = {.p = {.kind = NC_COLLECT}};
        set_ends(&s, draw(1, 30), draw(1, 9));
        set_scales(&s, trial % 2 ? 1 : s.p.n_source);
        s.p.indices = s.indices = zeros(s.p.n_source, sizeof(int32_t));
        for (int32_t k = 0; k < s.p.n_source; k++) {
            s.indices[k] = draw(0, s.p.n_target - 1);
            *cell(&s, s.indices[k], k) = s.scale_i32[s.p.scale_count == 1 ? 0 : k];
        }
        compare_with_matrix(&s);
        release(&s);
    }
}

/* The maximum over all sources of a target replaces what was there. */
static void the_largest_is_collected(void) {
    for (int trial = 0; trial < 60; trial++) {
        sample s = {.p = {.kind = NC_COLLECT_MAX}};
        const int32_t each = draw(1, 6);
        set_ends(&s, each * draw(1, 8), 0);
        s.p.n_target = s.p.n_source / each;
        s.p.indices = s.indices = zeros(s.p.n_source, sizeof(int32_t));
        int64_t *const values = zeros(s.p.n_source, sizeof(int64_t));
        int64_t *const expected = zeros(s.p.n_target, sizeof(int64_t));
        draw_values(&s, values);
        for (int32_t k = 0; k < s.p.n_source; k++) {
            const int32_t target = k % s.p.n_target;
            s.indices[k] = target;
            if (k < s.p.n_target || values[k] > expected[target])
                expected[target] = values[k];
        }
        deliver_f32(&s, values, expected);
        deliver_i32(&s, values, expected);
        free(values);
        free(expected);
        release(&s);
    }
}

static void add_grouped(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t tap) {
    const nc_projection *const p = &s->p;
    *cell(s, target, source) += s->weight_i32[(c * p->kh * p->kw + tap) * (p->c_out / p->groups) + j];
}

static void add_depthwise(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t tap) {
    (void)j;
    *cell(s, target, source) += s->weight_i32[tap * s->p.c_in + c];
}

static void add_pool(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t tap) {
    (void)c, (void)j, (void)tap;
    *cell(s, target, source) += s->scale_i32[0];
}

static void grouped_convolution_is_its_matrix(void) {
    for (int trial = 0; trial < 150; trial++) {
        sample s = {.p = {.kind = NC_GROUPED}};
        draw_windows(&s, trial % 3 + 1, draw(1, 3), draw(1, 4));
        set_map_ends(&s);
        set_weights(&s, (int64_t)s.p.c_in * s.p.kh * s.p.kw * (s.p.c_out / s.p.groups));
        each_synapse(&s, add_grouped);
        compare_with_matrix(&s);
        release(&s);
    }
}

static void depthwise_convolution_is_its_matrix(void) {
    for (int trial = 0; trial < 100; trial++) {
        sample s = {.p = {.kind = NC_DEPTHWISE}};
        draw_windows(&s, trial % 4 ? draw(1, 9) : 150, 1, 1);
        set_map_ends(&s);
        set_weights(&s, (int64_t)s.p.c_in * s.p.kh * s.p.kw);
        each_synapse(&s, add_depthwise);
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
            const int32_t y = position_under(oy, ky, p->stride_y, p->pad_y, 1, p->h_in);
            const int32_t x = position_under(ox, kx, p->stride_x, p->pad_x, 1, p->w_in);
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
        draw_values(&s, values);
        for (int32_t k = 0; k < s.p.n_target; k++) {
            const int32_t pixel = k / s.p.c_out;
            expected[k] = maximum(&s, values, pixel / s.p.w_out, pixel % s.p.w_out, k % s.p.c_out);
        }
        deliver_f32(&s, values, expected);
        deliver_i32(&s, values, expected);
        free(values);
        free(expected);
        release(&s);
    }
}

int main(void) {
    RUN(sparse_is_its_matrix);
    RUN(one_to_one_is_its_matrix);
    RUN(collecting_is_its_matrix);
    RUN(the_largest_is_collected);
    RUN(grouped_convolution_is_its_matrix);
    RUN(depthwise_convolution_is_its_matrix);
    RUN(sum_pool_is_its_matrix);
    RUN(max_pool_is_the_maximum_of_each_window);
    return check_result();
}
