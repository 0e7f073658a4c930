/* Which vertices of a hypergraph share a core, and what the cores and the network between them have to hold for it.
 *
 * A vertex is a small piece of a network, a part the content of one core. An axon net joins a sending vertex to those
 * that listen: it sends `traffic` to every part that listens, other than the sender's, takes `amount` fan-in axons of
 * every part that listens and, for each of them, `amount` fan-out axons of the sender's part. A memory net takes
 * `amount` bits of every part that has a pin of it. The state holds, for each net, how many of its pins each part has,
 * so that moving a vertex changes volume and demands exactly, at the cost of the vertex' own nets.
 * neurocomp/mapping/partition/reference.py is the readable twin. */
#ifndef NC_PARTITION_H
#define NC_PARTITION_H

#include "nc_status.h"
#include "rng.h"
#include <stdint.h>

/* Columns of demand. The first four are those of neurocomp/mapping/tiling/limits.py; of the others a part holds the
   sum. */
enum { NC_NEURONS, NC_AXONS_IN, NC_AXONS_OUT, NC_SYNAPSE_BITS, NC_MEMBERS, NC_WORK, NC_ANCHORS, NC_COLUMNS };

typedef struct {
    int32_t vertices, nets;
    const int64_t *pin_ptr; /* nets + 1 */
    const int32_t *pin;     /* listening vertices, ascending, each once, never inputs */
    const int32_t *source;  /* sending vertex; -1 for memory */
    const uint8_t *memory;  /* 0 axon, 1 memory */
    const int64_t *amount, *traffic;
    const uint8_t *is_input; /* vertices: belongs to no part */
    const int64_t *weight;   /* vertices x NC_COLUMNS: what a vertex takes whatever it shares a core with */
} nc_hyper;

typedef struct {
    int32_t part, count;
} nc_entry;

typedef struct {
    int64_t first; /* of the net's entries */
    int64_t traffic, amount;
    int32_t source;
    int32_t spread; /* parts with a pin, which is the number of entries in use */
    uint8_t memory, hears_itself;
} nc_net;

/* What a part already holds of all that one vertex needs. */
typedef struct {
    int64_t affinity, axons, bits;
    int32_t seen, listed;
} nc_share;

typedef struct {
    const nc_hyper *h;
    int32_t parts, limits;
    const int64_t *limit_weight; /* limits x NC_COLUMNS */
    const int64_t *capacity;     /* limits */
    int64_t least_members;       /* that a part keeps when vertices leave it */
    int32_t out_limited;         /* some limit weighs fan-out axons */

    int64_t *heard_ptr, *sent_ptr; /* vertices + 1 */
    int32_t *heard, *sent;         /* nets that a vertex listens to, that it sends */
    nc_net *net;
    nc_entry *entry;
    int32_t *part;                    /* vertices; -1: nowhere */
    int32_t *next, *previous, *first; /* rings of the members of each part */
    int64_t *demand;                  /* parts x NC_COLUMNS */
    int64_t volume;
    int64_t visits; /* entries that were looked at: the measure of work */

    /* of the vertex scanned last */
    nc_share *share;    /* parts */
    int32_t *candidate; /* parts */
    double *score;      /* parts */
    int32_t candidates, clock, lists;
    int64_t axons, bits, leaving_axons, leaving_bits; /* needed in all; heard in its part by no other */

    int64_t *out_change; /* parts, all zero between calls */
    int32_t *changed;    /* parts */
    int64_t *key;        /* vertices: of the heap */
    int32_t *heap, *place;
    uint8_t *active; /* vertices: to be visited again */
} nc_partition;

/* Whether indices, sizes, kinds and sums are in range. Everything below takes a hypergraph that passed. */
nc_status nc_hyper_check(const nc_hyper *h);

/* Whether limits, and part (vertices: 0 to parts - 1, or -1; always -1 for inputs), are in range. */
nc_status nc_partition_check(const nc_partition *s);

/* Length of `entry`: for each net as many as it has pins, at most `parts`. */
int64_t nc_partition_entries(const nc_hyper *h, int32_t parts);

/* heard_ptr, heard, sent_ptr, sent of a hypergraph. */
void nc_hyper_incidence(const nc_hyper *h, int64_t *heard_ptr, int32_t *heard, int64_t *sent_ptr, int32_t *sent);

/* Adds to demand (vertices x NC_COLUMNS) what the nets of each vertex take at least of a part that it is in. */
void nc_hyper_alone(const nc_hyper *h, int64_t *demand);

/* Everything that follows from s->part. The arrays need no preparation. */
void nc_partition_load(nc_partition *s);

/* Moves a vertex to a part, or to -1, whether it fits or not. */
void nc_partition_move(nc_partition *s, int32_t vertex, int32_t to);

/* What each part has of the vertex' nets, its own pins left out: s->share, s->candidate. */
void nc_partition_scan(nc_partition *s, int32_t vertex);

/* How much a move of the vertex scanned last lowers the volume; for one that is nowhere, up to a constant. */
int64_t nc_partition_gain(const nc_partition *s, int32_t vertex, int32_t to);

/* Whether each part still holds what it has if the vertex scanned last moves; parts that were too full before count
 * as holding it if they get no fuller. ignore_to: leave the part that it moves to out of that. */
int nc_partition_allowed(nc_partition *s, int32_t vertex, int32_t to, int ignore_to);

/* Whether a core holds a part. */
int nc_partition_fits(const nc_partition *s, int32_t part);

/* Sets s->score to the gain of each candidate; then, call by call, the best candidate that is left with a score above
 * floor, or -1. */
void nc_partition_score(nc_partition *s, int32_t vertex);
int32_t nc_partition_next_best(nc_partition *s, double floor);

/* Puts vertices that are nowhere, in the order given, into part after part, filled to level / 1024 of the limits.
 * Returns the number of parts, or parts + 1 if they do not suffice; some may be too full then. */
int32_t nc_partition_fill(nc_partition *s, const int32_t *order, int32_t count, int32_t level);

/* Puts all vertices that are nowhere into part after part: the next is the one that shares most traffic with what the
 * part has. Returns as nc_partition_fill. */
int32_t nc_partition_grow(nc_partition *s, const int32_t *order, int32_t count, int32_t level);

/* Places vertices that are nowhere, moves others out of parts that are too full, and into parts with too few. Returns
 * 0 if all is well then; ends at the first vertex that no part takes, and once it has seen about so many visits. */
int32_t nc_partition_repair(nc_partition *s, int64_t visits);

/* Places vertices that are nowhere and moves any until all parts fit, without regard to the volume; work: limits and
 * nets that may be looked at. Returns how many parts do not fit in the end. */
int32_t nc_partition_settle(nc_partition *s, int64_t work, uint64_t seed);

typedef struct {
    double temperature; /* in units of traffic; 0: only moves that lower the volume */
    int32_t swaps;      /* members of a full part that are tried as its price; 0: none */
    int64_t most_visits;
} nc_sweep;

/* Visits every vertex once in random order (active ones only at temperature 0); takes better parts for it, or with
 * some probability worse ones, that hold it. Needs parts that all fit, and leaves them so. Returns the moves. */
int64_t nc_partition_sweep(nc_partition *s, const nc_sweep *sweep, nc_rng *rng);

/* The graph of a hypergraph: sender and listener of each axon net are joined, by its traffic. neighbours_ptr
 * (vertices + 1); neighbour and weight may be NULL, to count them first; mark (vertices), all -1. */
void nc_hyper_graph(const nc_partition *s, int64_t *neighbour_ptr, int32_t *neighbour, int64_t *weight, int64_t *mark);

#endif
