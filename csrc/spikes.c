#include "spikes.h"
#include "nc_dispatch.h"
#include <stddef.h>

int nc_is_scattered(const nc_projection *p) {
    return p->kind == NC_SPARSE || p->kind == NC_COLLECT || p->kind == NC_COLLECT_MAX;
}

int nc_reads_lists(const nc_projection *p) {
    return p->kind == NC_DENSE || p->kind == NC_GROUPED || p->kind == NC_SPARSE;
}

int32_t nc_dense_columns(const nc_projection *p, int32_t column) {
    const int32_t left = (p->c_out - column + 7) / 8 * 8;
    int32_t columns = p->block;
    while (columns > left)
        columns /= 2;
    return columns;
}

static int64_t summed(const int64_t *parts) {
    int64_t sum = 0;
    for (int32_t k = 0; k < NC_MOST_PARTS; k++)
        sum += parts[k];
    return sum;
}

static int any_graded(const nc_outputs *from) {
    int32_t any = 0;
    for (int32_t k = 0; k < NC_MOST_PARTS; k++)
        any |= from->graded[k];
    return any != 0;
}

/* Above this fraction of sources that are not silent, multiplying all of them is quicker than looking them up. */
static int is_crowded(const nc_outputs *from) { return summed(from->total) * 2 > (int64_t)from->rows * from->width; }

/* Whether looking for the targets of those that speak is quicker than looking under every target's windows: sums go to
 * memory and back for every synapse then, eight columns at a time, which takes about a third of a look. */
static int is_lonely(const nc_projection *p, const nc_outputs *from) {
    const int64_t taps = (int64_t)p->kh * p->kw, looks = (int64_t)p->h_out * p->w_out * taps;
    const int64_t lanes = ((p->c_out < p->block ? p->c_out : p->block) + 7) / 8;
    return from->rows == p->h_in * p->w_in && summed(from->total) * taps * lanes + from->rows < 3 * looks;
}

/* Rows and columns of the targets that a share covers. */
typedef struct {
    int32_t row0, row1, column0, column1;
} span;

static span span_of(nc_share share, int32_t width) {
    span s = {share.first / width, (share.last + width - 1) / width, share.first % width, width};
    if (s.row1 - s.row0 == 1)
        s.column1 = share.last - s.row0 * width;
    return s;
}

/* The input position under tap k of output `out`, or -1 if it lies on the padding. */
static inline int32_t under(int32_t out, int32_t stride, int32_t pad, int32_t tap, int32_t dilation, int32_t n_in) {
    const int32_t at = out * stride - pad + tap * dilation;
    return at < n_in ? at : -1;
}

/* The output position whose tap k reads input `in`, or -1 if there is none. */
static inline int32_t above(int32_t in, int32_t stride, int32_t pad, int32_t tap, int32_t dilation, int32_t n_out) {
    const int32_t at = in + pad - tap * dilation;
    return at >= 0 && at % stride == 0 && at / stride < n_out ? at / stride : -1;
}

#define VALUE float
#define WEIGHT float
#define NAME(stem) stem##_f32
#define LOWEST (-__builtin_inff())
#define WIDENED(packed) (packed)
#include "dense_template.h"
#include "spikes_template.h"
#undef VALUE
#undef WEIGHT
#undef NAME
#undef LOWEST
#undef WIDENED

#define VALUE int32_t
#define WEIGHT int16_t
#define NAME(stem) stem##_i32
#define LOWEST INT32_MIN
#define WIDENED(packed) __builtin_convertvector(packed, NAME(lane))
#include "dense_template.h"
#include "spikes_template.h"
