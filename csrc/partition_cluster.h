/* Groups of vertices that share much traffic, each time one vertex with the group it is rated highest with: the
 * coarsening step of multilevel partitioners (heavy-edge rating: Catalyurek and Aykanat, IEEE TPDS 1999). */
#ifndef NC_PARTITION_CLUSTER_H
#define NC_PARTITION_CLUSTER_H

#include "partition.h"

/* What the vertex at hand has in common with a group. */
typedef struct {
    int64_t rating;
    int32_t seen; /* the last vertex that was rated with it */
    int32_t members;
} nc_rated;

typedef struct {
    int32_t bounds;
    const int64_t *bound_weight; /* bounds x NC_COLUMNS */
    const int64_t *bound;        /* bounds: the most that a group weighs */
    const int32_t *part;         /* vertices; NULL, or only vertices of one part come together */
    int32_t fewest;              /* groups, inputs included: then it stops */
    int64_t most_pins;           /* that are looked at for a vertex, about */
    nc_rng *rng;
    int32_t *label;  /* vertices: the group of each, named by a vertex of it */
    int64_t *weight; /* vertices x NC_COLUMNS: that of the vertices; becomes that of their groups */
    nc_rated *rated; /* vertices; work areas */
    int32_t *found;
    uint8_t *joined;
    int32_t founds;
} nc_clustering;

/* Returns the number of groups, inputs included. Uses incidence and heap of s. */
int32_t nc_hyper_cluster(const nc_partition *s, nc_clustering *c);

#endif
