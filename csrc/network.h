/* Running a whole network on one sample: all populations, step after step. */
#ifndef NC_NETWORK_H
#define NC_NETWORK_H

#include "neuron.h"
#include "spikes.h"

#define NC_MOST_ELEMENTS (1 << 30) /* of one population: leaves room above for rounding up */

typedef enum { NC_INPUT = 0, NC_RELAY = 1, NC_NEURONS = 2 } nc_population_kind;

typedef struct {
    int32_t kind;
    int32_t n;
    int32_t history;     /* steps whose outputs are kept: longest outgoing delay + 1 */
    int32_t first, last; /* incoming projections: projections[first .. last) */
    int32_t shift;       /* weighted sums are shifted left by this (integer arithmetic) */
    const void *bias;    /* bias_period values, or NULL */
    int32_t bias_period;
    nc_neurons neurons; /* NC_NEURONS only */
} nc_population;

typedef struct {
    int32_t population_count, projection_count;
    const nc_population *populations; /* in an order in which projections without delay point forward */
    const nc_projection *projections; /* grouped by target */
} nc_network;

/* Where one population's outputs of one sample go; any pointer may be NULL. */
typedef struct {
    uint8_t *spikes, *active; /* steps rows of (n + 7) / 8 bytes, element k in bit k % 8 of byte k / 8 */
    void *values;             /* steps rows of n */
    int64_t *nonzero;         /* n, added to */
} nc_record;

nc_status nc_network_check(const nc_network *net);

/* Bytes of working memory for one run; 0 if no machine has that much. */
uint64_t nc_network_workspace(const nc_network *net);

/* Run `steps` steps from rest. input: values of population 0 if that is NC_INPUT, step t at input + t * stride.
 * workspace: nc_network_workspace bytes, any content. Adds to *saturations. */
nc_status nc_network_run_f32(const nc_network *net, void *workspace, const float *input, int64_t stride, int32_t steps,
                             const nc_record *records, int64_t *saturations);
nc_status nc_network_run_i32(const nc_network *net, void *workspace, const int32_t *input, int64_t stride,
                             int32_t steps, const nc_record *records, int64_t *saturations);

#endif
