/* Linear maps and convolutions in blocks of columns against dense matrices filled in from their definition. */
#include "dense_rows.h"
#include "projection_sample.h"

static int32_t stored_columns(const nc_projection *p) { return (p->c_out + 7) / 8 * 8; }

/* Where the weight from input channel c through a tap to output channel o is stored, found by counting. */
static int64_t place_of(const nc_projection *p, int32_t tap, int32_t c, int32_t o) {
    const int64_t rows = (int64_t)p->kh * p->kw * p->c_in;
    int32_t column = 0;
    while (o >= column + nc_dense_columns(p, column))
        column += nc_dense_columns(p, column);
    return rows * column + ((int64_t)tap * p->c_in + c) * nc_dense_columns(p, column) + o - column;
}

static void add_dense(sample *s, int32_t target, int32_t source, int32_t c, int32_t j, int32_t tap) {
    *cell(s, target, source) += s->weight_i32[place_of(&s->p, tap, c, j)];
}

static void draw_dense(sample *s, int32_t c_out) {
    const int32_t blocks[3] = {16, 32, 64};
    draw_windows(s, 1, draw(1, 9), c_out);
    s->p.block = blocks[draw(0, 2)];
    s->silence = draw(0, 1) ? draw(1, 5) : draw(20, 80); /* 1: everybody speaks */
    set_map_ends(s);
    set_weights(s, (int64_t)s->p.c_in * s->p.kh * s->p.kw * stored_columns(&s->p));
    each_synapse(s, add_dense);
}

static void convolution_is_its_matrix(void) {
    for (int trial = 0; trial < 150; trial++) {
        sample s = {.p = {.kind = NC_DENSE}};
        draw_dense(&s, trial % 3 ? draw(1, 20) : draw(1, 140));
        compare_with_matrix(&s);
        release(&s);
    }
}

/* A linear map sees its whole source, however many rows that has, through one window. */
static void linear_is_its_matrix(void) {
    for (int trial = 0; trial < 80; trial++) {
        sample s = {.p = {.kind = NC_DENSE, .kh = 1, .h_in = 1, .h_out = 1, .w_out = 1, .stride_y = 1, .stride_x = 1}};
        s.p.dilation_y = s.p.dilation_x = s.p.groups = 1;
        s.p.block = 64;
        s.p.c_in = s.width = draw(1, 20);
        s.p.kw = s.p.w_in = draw(1, 5);
        s.p.c_out = draw(1, 300);
        s.silence = draw(1, 5);
        set_map_ends(&s);
        set_weights(&s, (int64_t)s.p.n_source * stored_columns(&s.p));
        each_synapse(&s, add_dense);
        compare_with_matrix(&s);
        release(&s);
    }
}

/* Columns are covered without gaps, in blocks that begin at multiples of 64 wherever a share may begin. */
static void blocks_cover_the_columns(void) {
    for (int32_t c_out = 1; c_out < 300; c_out++)
        for (int32_t block = 16; block <= 64; block *= 2) {
            const nc_projection p = {.c_out = c_out, .block = block};
            int32_t column = 0;
            while (column < c_out) {
                const int32_t columns = nc_dense_columns(&p, column);
                CHECK(columns >= 8 && columns <= block && (columns & (columns - 1)) == 0);
                CHECK(column % columns == 0);
                column += columns;
            }
            CHECK_EQUAL(column, stored_columns(&p));
        }
}

static void silence_adds_nothing(void) {
    const float weight[16] = {1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6};
    const nc_projection p = dense_rows(1, 2, 3, 64, weight);
    float values[2] = {0, 0}, x[3] = {7, 8, 9};
    int32_t index[2], count = 0;
    const nc_outputs none = {.rows = 1, .width = 2, .value = values, .index = index, .count = &count};
    CHECK_EQUAL(nc_projection_check(&p), NC_OK);
    nc_deliver_f32(&p, &none, (nc_share){0, 3}, x);
    CHECK(x[0] == 7 && x[1] == 8 && x[2] == 9);
}

/* Sums of floats that do round follow the sources in order, whether four rows share the weights or one goes alone, and
 * whether the silent sources are skipped or multiplied. */
static void rounding_does_not_depend_on_the_path(void) {
    enum { ROWS = 13, INPUTS = 40, OUTPUTS = 24 };
    float weight[INPUTS * OUTPUTS], values[ROWS * INPUTS], x[ROWS * OUTPUTS], expected[ROWS * OUTPUTS] = {0};
    int32_t index[ROWS * INPUTS], count[ROWS];
    const nc_projection p = dense_rows(ROWS, INPUTS, OUTPUTS, 16, weight);
    for (int32_t crowd = 1; crowd < 10; crowd++) {
        nc_outputs from = {.rows = ROWS, .width = INPUTS, .value = values, .index = index, .count = count};
        for (int32_t k = 0; k < INPUTS * OUTPUTS; k++)
            weight[k] = (float)draw(-1000, 1000) / 997;
        for (int32_t row = 0; row < ROWS; row++) {
            count[row] = 0;
            for (int32_t c = 0; c < INPUTS; c++) {
                values[row * INPUTS + c] = draw(0, 9) < crowd ? (float)draw(1, 1000) / 991 : 0;
                if (values[row * INPUTS + c] != 0)
                    index[row * INPUTS + count[row]++] = c;
            }
            from.total[0] += count[row];
            for (int32_t o = 0; o < OUTPUTS; o++) {
                float sum = 0;
                for (int32_t c = 0; c < INPUTS; c++)
                    sum += values[row * INPUTS + c] * weight[place_of(&p, 0, c, o)];
                expected[row * OUTPUTS + o] = sum;
            }
        }
        from.graded[0] = 1;
        memset(x, 0, sizeof x);
        nc_deliver_f32(&p, &from, (nc_share){0, ROWS * OUTPUTS}, x);
        CHECK(memcmp(x, expected, sizeof x) == 0);
    }
}

/* The same of windows: whoever looks for whom, sums follow the taps, then the channels. */
static void rounding_follows_the_taps(void) {
    enum { SIDE = 6, INPUTS = 4, OUTPUTS = 21, STORED = 24, PIXELS = SIDE * SIDE };
    float weight[9 * INPUTS * STORED], values[PIXELS * INPUTS], x[PIXELS * OUTPUTS], expected[PIXELS * OUTPUTS];
    int32_t index[PIXELS * INPUTS], count[PIXELS];
    nc_projection p = dense_rows(PIXELS, INPUTS, OUTPUTS, 16, weight);
    p.h_in = p.w_in = p.h_out = p.w_out = SIDE;
    p.kh = p.kw = 3;
    p.pad_y = p.pad_x = 1;
    CHECK_EQUAL(nc_projection_check(&p), NC_OK);
    for (int32_t trial = 0; trial < 60; trial++) {
        nc_outputs from = {.rows = PIXELS, .width = INPUTS, .value = values, .index = index, .count = count};
        for (int32_t k = 0; k < 9 * INPUTS * STORED; k++)
            weight[k] = (float)draw(-1000, 1000) / 997;
        for (int32_t row = 0; row < PIXELS; row++) {
            count[row] = 0;
            for (int32_t c = 0; c < INPUTS; c++) {
                values[row * INPUTS + c] = draw(0, 60) <= trial ? (float)draw(1, 1000) / 991 : 0;
                if (values[row * INPUTS + c] != 0)
                    index[row * INPUTS + count[row]++] = c;
            }
            from.total[0] += count[row];
        }
        for (int32_t k = 0; k < PIXELS * OUTPUTS; k++) {
            const int32_t oy = k / OUTPUTS / SIDE, ox = k / OUTPUTS % SIDE;
            expected[k] = (float)k / 7;
            for (int32_t tap = 0; tap < 9; tap++) {
                const int32_t y = oy - 1 + tap / 3, xx = ox - 1 + tap % 3;
                for (int32_t c = 0; y >= 0 && y < SIDE && xx >= 0 && xx < SIDE && c < INPUTS; c++)
                    expected[k] += values[(y * SIDE + xx) * INPUTS + c] * weight[place_of(&p, tap, c, k % OUTPUTS)];
            }
            x[k] = (float)k / 7;
        }
        from.graded[0] = 1;
        const int32_t cut = draw(0, SIDE) * SIDE * OUTPUTS;
        nc_deliver_f32(&p, &from, (nc_share){0, cut}, x);
        nc_deliver_f32(&p, &from, (nc_share){cut, PIXELS * OUTPUTS}, x);
        CHECK(memcmp(x, expected, sizeof x) == 0);
    }
}

int main(void) {
    RUN(convolution_is_its_matrix);
    RUN(linear_is_its_matrix);
    RUN(blocks_cover_the_columns);
    RUN(silence_adds_nothing);
    RUN(rounding_does_not_depend_on_the_path);
    RUN(rounding_follows_the_taps);
    return check_result();
}
