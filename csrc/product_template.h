/* Bodies of the products for one number type: VALUE, NAME(stem). */

NC_HOT void NAME(nc_operand)(const nc_projection *factor, const VALUE *value, nc_share share, VALUE *operand) {
    if (value == NULL) {
        memset(operand + share.first, 0, sizeof(VALUE) * (size_t)(share.last - share.first));
        return;
    }
    for (int32_t i = share.first; i < share.last; i++)
        operand[i] = value[factor->indices != NULL ? factor->indices[i] : i];
}

/* line[n] = scale * sum over k of a[k] * b[k][n] */
static void NAME(multiply_row)(const nc_projection *p, const VALUE *restrict a, const VALUE *restrict b,
                               VALUE *restrict line) {
    const VALUE scale = *(const VALUE *)p->scale;
    const int64_t columns = p->columns;
    memset(line, 0, sizeof(VALUE) * (size_t)columns);
    for (int32_t k = 0; k < p->inner; k++) {
        const VALUE factor = a[k];
        if (factor == 0)
            continue;
        const VALUE *restrict const row = b + k * columns;
        for (int64_t n = 0; n < columns; n++)
            line[n] += factor * row[n];
    }
    for (int64_t n = 0; n < columns; n++)
        line[n] *= scale;
}

static void NAME(multiply_each)(const nc_projection *p, const VALUE *restrict a, const VALUE *restrict b, nc_share rows,
                                VALUE *restrict x) {
    const VALUE scale = *(const VALUE *)p->scale;
    if (p->scatter == NULL)
        for (int32_t i = rows.first; i < rows.last; i++)
            x[i] = (a[i] * b[i] + 0) * scale; /* never -0 */
    else
        for (int32_t i = rows.first; i < rows.last; i++)
            x[p->scatter[i]] = (a[i] * b[i] + 0) * scale;
}

NC_HOT void NAME(nc_multiply)(const nc_projection *left, const VALUE *a, const VALUE *b, nc_share rows, VALUE *line,
                              VALUE *x) {
    if (is_elementwise(left)) {
        NAME(multiply_each)(left, a, b, rows, x);
        return;
    }
    for (int32_t row = rows.first; row < rows.last; row++) {
        const int64_t first = (int64_t)row * left->columns, matrix = (int64_t)left->inner * left->columns;
        VALUE *const out = left->scatter == NULL ? x + first : line;
        NAME(multiply_row)(left, a + (int64_t)row * left->inner, b + row / left->rows * matrix, out);
        for (int32_t n = 0; left->scatter != NULL && n < left->columns; n++)
            x[left->scatter[first + n]] = line[n];
    }
}

NC_HOT int64_t NAME(nc_coincidences)(const nc_projection *left, const VALUE *a, const VALUE *b, int32_t *tally) {
    int64_t met = 0;
    if (is_elementwise(left)) {
        for (int32_t i = 0; i < left->batch; i++)
            met += (a[i] != 0) & (b[i] != 0);
        return met;
    }
    for (int32_t batch = 0; batch < left->batch; batch++) {
        memset(tally, 0, sizeof(int32_t) * (size_t)left->inner);
        for (int32_t m = 0; m < left->rows; m++, a += left->inner)
            for (int32_t k = 0; k < left->inner; k++)
                tally[k] += a[k] != 0;
        for (int32_t k = 0; k < left->inner; k++, b += left->columns) {
            int32_t speak = 0;
            for (int32_t n = 0; n < left->columns; n++)
                speak += b[n] != 0;
            met += (int64_t)tally[k] * speak;
        }
    }
    return met;
}
