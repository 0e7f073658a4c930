/* What one population's outputs bring to another through a projection.
 *
 * All maps are channel-last: element (y, x, c) of a map of h x w pixels and c_n channels has the index
 * (y * w + x) * c_n + c. The channels of one pixel are a row. Every kernel works on a share of the targets and adds to
 * each of them in ascending order of the sources, so that sums do not depend on how the targets are shared out, nor on
 * whether silent sources are skipped or multiplied by zero. The templates are compiled once for float and once for
 * 32-bit integers.
 */
#ifndef NC_SPIKES_H
#define NC_SPIKES_H

#include "nc_status.h"
#include <stdint.h>

#define NC_MOST_PARTS 16 /* threads that share one sample */

typedef enum {
    NC_DENSE = 0,     /* linear maps and ungrouped convolutions; weight[block][ky][kx][c_in][columns of the block] */
    NC_GROUPED = 1,   /* weight[c_in][ky][kx][c_out / groups] */
    NC_DEPTHWISE = 2, /* one input and one output channel per group; weight[ky][kx][c] */
    NC_SUM_POOL = 3,  /* every input adds scale to the windows of its channel that hold it */
    NC_MAX_POOL = 4,  /* maximum over the window, padding ignored */
    NC_ONE_TO_ONE = 5,
    NC_SPARSE = 6,      /* CSR by source */
    NC_COLLECT = 7,     /* every source adds scale to one target, which may have many sources */
    NC_COLLECT_MAX = 8, /* maximum over the sources of each target */
    NC_LEFT = 9,        /* the two operands of a product, see product.h */
    NC_RIGHT = 10,
    NC_HOST = 11, /* computed by the caller */
} nc_projection_kind;

typedef struct {
    int32_t kind;
    int32_t source, target; /* population numbers */
    int32_t delay;          /* steps */
    int32_t n_source, n_target;
    int32_t c_in, h_in, w_in, c_out, h_out, w_out;
    int32_t kh, kw, stride_y, stride_x, pad_y, pad_x, dilation_y, dilation_x, groups;
    int32_t block;                       /* dense: columns per block, 16, 32 or 64; see nc_dense_columns */
    int32_t batch, rows, inner, columns; /* factors */
    const void *weight;                  /* float, or int16_t in integer networks; NULL for pooling */
    const void *scale;                   /* float or int32_t, one or n_source of them */
    int32_t scale_count;
    const int64_t *indptr;  /* sparse: n_source + 1 */
    const int32_t *indices; /* sparse: target of each synapse; collect: target of each source; one-to-one: source of
                             * each target, -1 for none, or NULL for i -> i; factors: source of each element of the
                             * operand, or NULL for i -> i */
    const int32_t *scatter; /* left factor: target of each element of the product, or NULL for i -> i */
} nc_projection;

/* Outputs of one population at one step. */
typedef struct {
    int32_t rows, width;           /* rows * width elements */
    void *value;                   /* float or int32_t, all of them */
    int32_t *index, *count; /* row r has count[r] values that are not zero, in the columns index[r * width ...],
                             * ascending; NULL where no projection asks for them */
    int64_t total[NC_MOST_PARTS]; /* values that are not zero, by the part that listed them */
    int32_t graded[NC_MOST_PARTS]; /* whether a part saw a value other than 0 and 1 */
} nc_outputs;

/* Targets first .. last - 1: whole rows, or within a single row columns from a multiple of 64 on. */
typedef struct {
    int32_t first, last;
} nc_share;

/* Checks sizes, index ranges and kinds once, before any run. */
nc_status nc_projection_check(const nc_projection *p);

/* Whether targets are reached in no order, so that one part has to do them all. */
int nc_is_scattered(const nc_projection *p);

/* Whether the kernel reads index and count of its source. */
int nc_reads_lists(const nc_projection *p);

/* Columns of the dense block that begins at `column`; stored columns are rounded up to a multiple of 8. */
int32_t nc_dense_columns(const nc_projection *p, int32_t column);

/* x[target] += what arrives at the share's targets; a maximum overwrites. Not for factors and the host. */
void nc_deliver_f32(const nc_projection *p, const nc_outputs *from, nc_share share, float *x);
void nc_deliver_i32(const nc_projection *p, const nc_outputs *from, nc_share share, int32_t *x);

#endif
