#include "spikes.h"
#include <stddef.h>

static nc_status check_windows(const nc_projection *p) {
    const int64_t n_in = (int64_t)p->c_in * p->h_in * p->w_in;
    const int64_t n_out = (int64_t)p->c_out * p->h_out * p->w_out;
    if (n_in != p->n_source || n_out != p->n_target)
        return NC_ERR_SIZE;
    if (p->kh < 1 || p->kw < 1 || p->stride_y < 1 || p->stride_x < 1 || p->pad_y < 0 || p->pad_x < 0 ||
        p->dilation_y < 1 || p->dilation_x < 1 || p->groups < 1)
        return NC_ERR_SIZE;
    if (p->c_in % p->groups || p->c_out % p->groups)
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
