/* Linear maps and ungrouped convolutions for one number type: VALUE (state), WEIGHT (stored), NAME(stem),
 * WIDENED(packed): eight stored weights as values.
 *
 * Weights are stored in blocks of columns that stay in the second-level cache while all rows pass by. The sums of one
 * block of one row stay in registers. Where most sources speak, four rows share each weight that is read. Where hardly
 * any does, each looks for its targets instead: these hear their sources in the same order.
 */

typedef VALUE NAME(lane) __attribute__((vector_size(8 * sizeof(VALUE))));
typedef VALUE NAME(lane_at) __attribute__((vector_size(8 * sizeof(VALUE)), aligned(sizeof(VALUE)), may_alias));
typedef WEIGHT NAME(packed_at) __attribute__((vector_size(8 * sizeof(WEIGHT)), aligned(sizeof(WEIGHT)), may_alias));

#define LANES_AT(at) (*(const NAME(lane_at) *)(const void *)(at))
#define WEIGHTS_AT(at) WIDENED(*(const NAME(packed_at) *)(const void *)(at))

/* One block of columns: its weights, where it begins, how many of its columns exist and are stored. */
typedef struct {
    const WEIGHT *weight;
    int32_t column, columns, stored;
} NAME(block);

/* x[8 * lanes] += what the sources under the window of target row `row` bring to one block. */
NC_ALWAYS_INLINE void NAME(pull)(const int32_t lanes, const int graded, const nc_projection *p, const nc_outputs *from,
                                 int32_t row, const WEIGHT *weight, VALUE *x) {
    const int32_t oy = row / p->w_out, ox = row % p->w_out, stored = 8 * lanes;
    const VALUE *const value = (const VALUE *)from->value;
    NAME(lane) sum[8];
    for (int32_t v = 0; v < lanes; v++)
        sum[v] = LANES_AT(x + 8 * v);
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int32_t y = under(oy, p->stride_y, p->pad_y, ky, p->dilation_y, p->h_in);
        for (int32_t kx = 0; y >= 0 && kx < p->kw; kx++) {
            const int32_t x_in = under(ox, p->stride_x, p->pad_x, kx, p->dilation_x, p->w_in);
            if (x_in < 0)
                continue;
            const int64_t pixel = (int64_t)y * p->w_in + x_in;
            const int32_t *const index = from->index + pixel * p->c_in;
            const WEIGHT *const tap = weight + ((int64_t)ky * p->kw + kx) * p->c_in * stored;
            const int32_t count = from->count[pixel];
            for (int32_t e = 0; e < count; e++) {
                const WEIGHT *const w = tap + (int64_t)index[e] * stored;
                const VALUE factor = graded ? value[pixel * p->c_in + index[e]] : 1;
                for (int32_t v = 0; v < lanes; v++) {
                    NAME(lane) term = WEIGHTS_AT(w + 8 * v);
                    if (graded)
                        term *= factor;
                    sum[v] += term;
                }
            }
        }
    }
    for (int32_t v = 0; v < lanes; v++)
        *(NAME(lane_at) *)(void *)(x + 8 * v) = sum[v];
}

static void NAME(pull_row)(const nc_projection *p, const nc_outputs *from, int graded, int32_t row,
                           const NAME(block) *b, VALUE *x) {
    VALUE padded[64] = {0};
    const int is_padded = b->columns < b->stored;
    VALUE *const at = is_padded ? padded : x;
    for (int32_t j = 0; is_padded && j < b->stored; j++)
        padded[j] = j < b->columns ? x[j] : 0;
    switch (b->stored / 8 * 2 + (graded != 0)) {
    case 16:
        NAME(pull)(8, 0, p, from, row, b->weight, at);
        break;
    case 17:
        NAME(pull)(8, 1, p, from, row, b->weight, at);
        break;
    case 8:
        NAME(pull)(4, 0, p, from, row, b->weight, at);
        break;
    case 9:
        NAME(pull)(4, 1, p, from, row, b->weight, at);
        break;
    case 4:
        NAME(pull)(2, 0, p, from, row, b->weight, at);
        break;
    case 5:
        NAME(pull)(2, 1, p, from, row, b->weight, at);
        break;
    case 2:
        NAME(pull)(1, 0, p, from, row, b->weight, at);
        break;
    default:
        NAME(pull)(1, 1, p, from, row, b->weight, at);
    }
    for (int32_t j = 0; is_padded && j < b->columns; j++)
        x[j] = padded[j];
}

/* Where four neighbouring target rows read one tap: their values and, for a tap on the padding, a step of 0 along a
 * single zero. Returns whether any of them lies on the map. */
static inline int NAME(under_four)(const nc_projection *p, const VALUE *value, const VALUE *zero, int32_t row,
                                   int32_t ky, int32_t kx, const VALUE **at, int32_t *step) {
    int any = 0;
    for (int32_t r = 0; r < 4; r++) {
        const int32_t oy = (row + r) / p->w_out, ox = (row + r) % p->w_out;
        const int32_t y = under(oy, p->stride_y, p->pad_y, ky, p->dilation_y, p->h_in);
        const int32_t x_in = under(ox, p->stride_x, p->pad_x, kx, p->dilation_x, p->w_in);
        step[r] = y >= 0 && x_in >= 0;
        at[r] = step[r] ? value + ((int64_t)y * p->w_in + x_in) * p->c_in : zero;
        any |= step[r];
    }
    return any;
}

/* x[r * c_out + 0 .. 8 * lanes) += everything under the windows of rows row .. row + 3, silent or not. */
NC_ALWAYS_INLINE void NAME(tile)(const int32_t lanes, const nc_projection *p, const nc_outputs *from, int32_t row,
                                 int32_t stored, const WEIGHT *weight, VALUE *x) {
    const VALUE zero = 0;
    const VALUE *at[4];
    int32_t step[4];
    NAME(lane) sum[4][2];
    for (int32_t r = 0; r < 4; r++)
        for (int32_t v = 0; v < lanes; v++)
            sum[r][v] = LANES_AT(x + (int64_t)r * p->c_out + 8 * v);
    for (int32_t ky = 0; ky < p->kh; ky++)
        for (int32_t kx = 0; kx < p->kw; kx++) {
            if (!NAME(under_four)(p, (const VALUE *)from->value, &zero, row, ky, kx, at, step))
                continue;
            const WEIGHT *w = weight + ((int64_t)ky * p->kw + kx) * p->c_in * stored;
            for (int32_t c = 0; c < p->c_in; c++, w += stored)
                for (int32_t r = 0; r < 4; r++)
                    for (int32_t v = 0; v < lanes; v++)
                        sum[r][v] += at[r][(int64_t)c * step[r]] * WEIGHTS_AT(w + 8 * v);
        }
    for (int32_t r = 0; r < 4; r++)
        for (int32_t v = 0; v < lanes; v++)
            *(NAME(lane_at) *)(void *)(x + (int64_t)r * p->c_out + 8 * v) = sum[r][v];
}

static void NAME(tile_rows)(const nc_projection *p, const nc_outputs *from, int32_t row, const NAME(block) *b,
                            VALUE *x) {
    if (b->stored == 8) {
        NAME(tile)(1, p, from, row, 8, b->weight, x);
        return;
    }
    for (int32_t column = 0; column < b->stored; column += 16)
        NAME(tile)(2, p, from, row, b->stored, b->weight + column, x + column);
}

/* x[columns] += what the sources of one pixel that speak bring to one target row through one tap. */
static inline void NAME(push_tap)(const int32_t *index, int32_t count, const VALUE *value, int graded,
                                  const WEIGHT *tap, const NAME(block) *b, VALUE *x) {
    for (int32_t e = 0; e < count; e++) {
        const WEIGHT *const w = tap + (int64_t)index[e] * b->stored;
        const VALUE factor = graded ? value[index[e]] : 1;
        int32_t j = 0;
        for (; j + 8 <= b->columns; j += 8)
            *(NAME(lane_at) *)(void *)(x + j) = LANES_AT(x + j) + factor * WEIGHTS_AT(w + j);
        for (; j < b->columns; j++)
            x[j] += factor * (VALUE)w[j];
    }
}

/* What the sources of one pixel bring to one block of every target row of the share that has it under its window. */
static void NAME(push_pixel)(const nc_projection *p, const nc_outputs *from, int graded, int32_t pixel, span s,
                             const NAME(block) *b, VALUE *x) {
    const int32_t y = pixel / p->w_in, x_in = pixel % p->w_in;
    const int64_t first = (int64_t)pixel * p->c_in;
    for (int32_t ky = 0; ky < p->kh; ky++) {
        const int32_t oy = above(y, p->stride_y, p->pad_y, ky, p->dilation_y, p->h_out);
        for (int32_t kx = 0; oy >= 0 && kx < p->kw; kx++) {
            const int32_t ox = above(x_in, p->stride_x, p->pad_x, kx, p->dilation_x, p->w_out);
            const int32_t row = oy * p->w_out + ox;
            if (ox < 0 || row < s.row0 || row >= s.row1)
                continue;
            const WEIGHT *const tap = b->weight + ((int64_t)ky * p->kw + kx) * p->c_in * b->stored;
            NAME(push_tap)(from->index + first, from->count[pixel], (const VALUE *)from->value + first, graded, tap, b,
                           x + (int64_t)row * p->c_out + b->column);
        }
    }
}

static void NAME(dense)(const nc_projection *p, const nc_outputs *from, nc_share share, VALUE *x) {
    const span s = span_of(share, p->c_out);
    const int64_t column_weights = (int64_t)p->kh * p->kw * p->c_in;
    const int graded = any_graded(from), crowded = is_crowded(from), lonely = is_lonely(p, from);
    NAME(block) b;
    for (b.column = s.column0; b.column < s.column1; b.column += b.stored) {
        b.stored = nc_dense_columns(p, b.column);
        b.columns = p->c_out - b.column < b.stored ? p->c_out - b.column : b.stored;
        b.weight = (const WEIGHT *)p->weight + column_weights * b.column;
        for (int32_t pixel = 0; lonely && pixel < from->rows; pixel++)
            if (from->count[pixel] > 0)
                NAME(push_pixel)(p, from, graded, pixel, s, &b, x);
        int32_t row = lonely ? s.row1 : s.row0;
        for (; crowded && b.columns == b.stored && row + 4 <= s.row1; row += 4)
            NAME(tile_rows)(p, from, row, &b, x + (int64_t)row * p->c_out + b.column);
        for (; row < s.row1; row++)
            NAME(pull_row)(p, from, graded, row, &b, x + (int64_t)row * p->c_out + b.column);
    }
}

#undef LANES_AT
#undef WEIGHTS_AT
