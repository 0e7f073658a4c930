/* Running a whole network on one sample: all populations, step after step, by one thread or by several together. */
#ifndef NC_NETWORK_H
#define NC_NETWORK_H

#include "neuron.h"
#include "spikes.h"

#define NC_MOST_ELEMENTS (1 << 30)       /* of one population: leaves room above for rounding up */
#define NC_MOST_POOLED ((int64_t)1 << 48) /* elements of the pool */

typedef enum { NC_INPUT = 0, NC_RELAY = 1, NC_NEURONS = 2 } nc_population_kind;

typedef struct {
    int32_t kind;
    int32_t n, width;    /* elements; how many of them form one row: the channels of a pixel */
    int32_t history;     /* steps whose outputs are kept: longest outgoing delay + 1 */
    int32_t first, last; /* incoming projections: projections[first .. last) */
    int32_t shift;       /* integers: weighted sums are shifted left by this; divided by 2^-shift if it is negative */
    int32_t held_shift;  /* integers: what is sent is divided by two to this */
    int32_t held_limit;  /* and cut to between -held_limit and held_limit; 0: it is sent as it is */
    int64_t place;       /* where its outputs lie in the pool, in elements; -1: in memory of their own */
    const void *bias;    /* bias_period values, or NULL */
    int32_t bias_period;
    nc_neurons neurons; /* NC_NEURONS only */
} nc_population;

/* Computes target (all of it) from source for an NC_HOST projection. Called by one thread at a time. */
typedef nc_status (*nc_host)(void *context, int32_t projection, const void *source, void *target);

typedef struct {
    int32_t population_count, projection_count;
    const nc_population *populations; /* inputs first; in an order in which projections without delay point forward */
    const nc_projection *projections; /* grouped by target */
    nc_host host;                     /* needed if there is an NC_HOST projection */
    void *context;
    int64_t pool; /* elements of memory for outputs that are not needed at the same time */
    int64_t least_work; /* populations with less work (elements, and multiplications by eight) are left to one part */
} nc_network;

/* What an NC_INPUT population is fed: step t at values + t * stride. */
typedef struct {
    const void *values;
    int64_t stride;
} nc_feed;

/* Where one population's outputs of one sample go; any pointer may be NULL. */
typedef struct {
    uint8_t *spikes, *active; /* steps rows of (n + 7) / 8 bytes, element k in bit k % 8 of byte k / 8 */
    void *values;             /* steps rows of n */
    void *nonzero;            /* n unsigned integers of nonzero_bytes (1, 2, 4 or 8) bytes, added to */
    int32_t nonzero_bytes;
    int64_t *products; /* one: coincidences of a population that multiplies two signals, added to */
} nc_record;

nc_status nc_network_check(const nc_network *net);

/* Bytes of working memory for one run; 0 if no machine has that much. */
uint64_t nc_network_workspace(const nc_network *net);

/* Makes a workspace (nc_network_workspace bytes, any content) ready for one run by `parts` threads. */
nc_status nc_network_prepare_f32(const nc_network *net, void *workspace, int32_t parts);
nc_status nc_network_prepare_i32(const nc_network *net, void *workspace, int32_t parts);

/* One thread's part, 0 .. parts - 1, of `steps` steps from rest. All parts must be called at the same time, with the
 * same arguments; the result does not depend on how many they are. feeds: one per input population. */
nc_status nc_network_run_f32(const nc_network *net, void *workspace, const nc_feed *feeds, int32_t steps,
                             const nc_record *records, int32_t part);
nc_status nc_network_run_i32(const nc_network *net, void *workspace, const nc_feed *feeds, int32_t steps,
                             const nc_record *records, int32_t part);

/* Tells the parts that have begun not to wait for those that cannot; their results are void. */
void nc_network_abandon(void *workspace);

/* How often a state was cut to its limits, once all parts have returned. */
int64_t nc_network_saturations(const void *workspace);

#endif
