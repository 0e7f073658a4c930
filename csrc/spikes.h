/* Delivering spikes through projections, event by event.
 *
 * All maps are channel-last: element (y, x, c) of a map of h x w pixels and c_n channels has the index
 * (y * w + x) * c_n + c. One spike at an input pixel then adds contiguous runs of weights to the targets.
 * The file spikes_template.h is compiled once for float and once for 32-bit integers.
 */
#ifndef NC_SPIKES_H
#define NC_SPIKES_H

#include "nc_status.h"
#include <stdint.h>

typedef enum {
    NC_LINEAR = 0,   /* weight[source][target] */
    NC_CONV = 1,     /* weight[c_in][ky][kx][c_out / groups] */
    NC_CONV_ROW = 2, /* stride and dilation 1 along x, one group: weight[c_in][ky][kw - 1 - kx][c_out] */
    NC_SUM_POOL = 3, /* every input adds scale to the windows of its channel that hold it */
    NC_MAX_POOL = 4, /* maximum over the window, padding ignored; sources that are silent count as 0 */
    NC_ONE_TO_ONE = 5,
    NC_SPARSE = 6, /* CSR by source */
} nc_projection_kind;

typedef struct {
    int32_t kind;
    int32_t source, target; /* population numbers */
    int32_t delay;          /* steps */
    int32_t n_source, n_target;
    int32_t c_in, h_in, w_in, c_out, h_out, w_out;
    int32_t kh, kw, stride_y, stride_x, pad_y, pad_x, dilation_y, dilation_x, groups;
    const void *weight;     /* float, or int16_t in integer networks; NULL for pooling */
    const void *scale;      /* one-to-one and pooling: float or int32_t, one or n_source of them */
    int32_t scale_count;
    const int64_t *indptr;  /* sparse: n_source + 1 */
    const int32_t *indices; /* sparse: targets; one-to-one: target of each source, or NULL for i -> i */
} nc_projection;

/* Outputs of one population at one step that are not zero, ascending. */
typedef struct {
    int32_t count;
    int32_t *index;
    void *value; /* float or int32_t */
} nc_events;

/* Checks sizes, index ranges and kinds once, before any run. */
nc_status nc_projection_check(const nc_projection *p);

/* x[n_target] += what the events bring through p. scratch: n_source zeros, used and zeroed again by NC_MAX_POOL. */
void nc_deliver_f32(const nc_projection *p, const nc_events *events, float *x, float *scratch);
void nc_deliver_i32(const nc_projection *p, const nc_events *events, int32_t *x, int32_t *scratch);

#endif
