/* The parts that nc_partition_fill makes of vertices that are all nowhere, and their volume, without a state of them:
 * vertices come in parts one after the other, so that of each net only the last part is of interest. */
#ifndef NC_PARTITION_LAY_H
#define NC_PARTITION_LAY_H

#include "partition.h"

/* A net as far as it has been laid. */
typedef struct {
    int64_t traffic, amount;
    int32_t last;   /* the last part that has a pin of it, or -1 */
    int32_t home;   /* the part that sends it, or -1 */
    int32_t spread; /* parts that have a pin */
    uint8_t memory;
} nc_laid;

typedef struct {
    int32_t *part;  /* vertices: receives the part of each, -1: nowhere */
    nc_laid *net;   /* nets: work area */
    int64_t volume; /* of what was laid */
} nc_laying;

/* Fills to the limits; returns as nc_partition_fill. Of s it uses the hypergraph, incidence and limits. */
int32_t nc_partition_lay(const nc_partition *s, const int32_t *order, int32_t count, nc_laying *l);

#endif
