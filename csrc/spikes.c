#include "spikes.h"
#include "nc_dispatch.h"
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
    const int64_t furthest = (int64_t)(n_out - 1) * stride + kernel;
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
    if (p->kind == NC_CONV_ROW && (p->groups != 1 || p->stride_x != 1 || p->dilation_x != 1))
        return NC_ERR_KIND;
    if ((p->kind == NC_SUM_POOL || p->kind == NC_MAX_POOL) && p->c_in != p->c_out)
        return NC_ERR_SIZE;
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

static nc_status check_one_to_one(const nc_projection *p) {
    if (p->n_source != p->n_target || (p->scale_count != 1 && p->scale_count != p->n_source) || p->scale == NULL)
        return NC_ERR_SIZE;
    for (int32_t s = 0; p->indices != NULL && s < p->n_source; s++)
        if (p->indices[s] < 0 || p->indices[s] >= p->n_target)
            return NC_ERR_INDEX;
    return NC_OK;
}

nc_status nc_projection_check(const nc_projection *p) {
    if (p->n_source < 1 || p->n_target < 1 || p->delay < 0)
        return NC_ERR_SIZE;
    switch (p->kind) {
    case NC_LINEAR:
        return p->weight == NULL ? NC_ERR_SIZE : NC_OK;
    case NC_CONV:
    case NC_CONV_ROW:
        return p->weight == NULL ? NC_ERR_SIZE : check_windows(p);
    case NC_SUM_POOL:
        return p->scale == NULL ? NC_ERR_SIZE : check_windows(p);
    case NC_MAX_POOL:
        return check_windows(p);
    case NC_ONE_TO_ONE:
        return check_one_to_one(p);
    case NC_SPARSE:
        return check_sparse(p);
    default:
        return NC_ERR_KIND;
    }
}

#define VALUE float
#define WEIGHT float
#define NAME(stem) stem##_f32
#define LOWEST (-__builtin_inff())
#include "spikes_template.h"
#undef VALUE
#undef WEIGHT
#undef NAME
#undef LOWEST

#define VALUE int32_t
#define WEIGHT int16_t
#define NAME(stem) stem##_i32
#define LOWEST INT32_MIN
#include "spikes_template.h"
