#include "spikes.h"
#include <stddef.h>

/* Elements of a map; -1 if a side is below 1 or the first two alone are too many. */
static int64_t map_size(int32_t channels, int32_t height, int32_t width) {
    if (channels < 1 || height < 1 || width < 1 || (int64_t)channels * height > INT32_MAX)
        return -1;
    return (int64_t)channels * height * width;
}

/* Whether a window's numbers along one axis make sense and no position computed from them leaves 32 bits. */
static int is_window(int32_t n_in, int32_t n_out, int32_t kernel, int32_t stride, int32_t pad, int32_t dilation) {
    if (kernel < 1 || stride < 1 || pad < 0 || dilation < 1)
        return 0;
    const int64_t deepest = (int64_t)(kernel - 1) * dilation;
    const int64_t furthest = (int64_t)(n_out - 1) * stride + deepest;
    return (int64_t)n_in + pad <= INT32_MAX && deepest <= INT32_MAX && furthest <= INT32_MAX;
}

static nc_status check_windows(const nc_projection *p) {
    if (map_size(p->c_in, p->h_in, p->w_in) != p->n_source || map_size(p->c_out, p->h_out, p->w_out) != p->n_target)
        return NC_ERR_SIZE;
    if (!is_window(p->h_in, p->h_out, p->kh, p->stride_y, p->pad_y, p->dilation_y) ||
        !is_window(p->w_in, p->w_out, p->kw, p->stride_x, p->pad_x, p->dilation_x))
        return NC_ERR_SIZE;
    if (p->groups < 1 || p->c_in % p->groups || p->c_out % p->groups)
        return NC_ERR_SIZE;
    if (p->kind != NC_GROUPED && p->kind != NC_DENSE && p->c_in != p->c_out)
        return NC_ERR_SIZE;
    if (p->kind == NC_DENSE && (p->groups != 1 || (p->block != 16 && p->block != 32 && p->block != 64)))
        return NC_ERR_KIND;
    return NC_OK;
}

static nc_status check_sparse(const nc_projection *p) {
    if (p->indptr == NULL || p->indptr[0] != 0)
        return NC_ERR_SIZE;
    for (int32_t s = 0; s < p->n_source; s++)
        if (p->indptr[s + 1] < p->indptr[s])
            return NC_ERR_SIZE;
    if (p->indptr[p->n_source] > 0 && (p->indices == NULL || p->weight == NULL))
        return NC_ERR_SIZE;
    for (int64_t k = 0; k < p->indptr[p->n_source]; k++)
        if (p->indices[k] < 0 || p->indices[k] >= p->n_target)
            return NC_ERR_INDEX;
    return NC_OK;
}

/* Whether all of a table's entries lie in least .. most - 1. */
static nc_status check_table(const int32_t *table, int64_t size, int32_t least, int32_t most) {
    for (int64_t k = 0; table != NULL && k < size; k++)
        if (table[k] < least || table[k] >= most)
            return NC_ERR_INDEX;
    return NC_OK;
}

static nc_status check_one_to_one(const nc_projection *p) {
    if ((p->scale_count != 1 && p->scale_count != p->n_source) || p->scale == NULL)
        return NC_ERR_SIZE;
    if (p->indices == NULL && p->n_source != p->n_target)
        return NC_ERR_SIZE;
    return check_table(p->indices, p->n_target, -1, p->n_source);
}

static nc_status check_collect(const nc_projection *p) {
    if (p->indices == NULL || (p->kind == NC_COLLECT && p->scale == NULL))
        return NC_ERR_SIZE;
    return check_table(p->indices, p->n_source, 0, p->n_target);
}

static nc_status check_factor(const nc_projection *p) {
    const int left = p->kind == NC_LEFT;
    const int64_t operand = map_size(p->batch, left ? p->rows : p->inner, left ? p->inner : p->columns);
    const int64_t product = map_size(p->batch, p->rows, p->columns);
    if (operand < 1 || product != p->n_target || p->scale == NULL || (p->indices == NULL && operand != p->n_source))
        return NC_ERR_SIZE;
    const nc_status status = check_table(p->indices, operand, 0, p->n_source);
    return status == NC_OK ? check_table(p->scatter, product, 0, p->n_target) : status;
}

nc_status nc_projection_check(const nc_projection *p) {
    if (p->n_source < 1 || p->n_target < 1 || p->delay < 0)
        return NC_ERR_SIZE;
    switch (p->kind) {
    case NC_DENSE:
    case NC_GROUPED:
    case NC_DEPTHWISE:
        return p->weight == NULL ? NC_ERR_SIZE : check_windows(p);
    case NC_SUM_POOL:
        return p->scale == NULL ? NC_ERR_SIZE : check_windows(p);
    case NC_MAX_POOL:
        return check_windows(p);
    case NC_ONE_TO_ONE:
        return check_one_to_one(p);
    case NC_SPARSE:
        return check_sparse(p);
    case NC_COLLECT:
    case NC_COLLECT_MAX:
        return check_collect(p);
    case NC_LEFT:
    case NC_RIGHT:
        return check_factor(p);
    case NC_HOST:
        return p->n_source == p->n_target ? NC_OK : NC_ERR_SIZE;
    default:
        return NC_ERR_KIND;
    }
}
