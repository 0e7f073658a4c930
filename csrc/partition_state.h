/* What the files of the partitioner share. */
#ifndef NC_PARTITION_STATE_H
#define NC_PARTITION_STATE_H

#include "partition.h"

#if defined(__GNUC__)
#define NC_PREFETCH(address) __builtin_prefetch(address)
#else
#define NC_PREFETCH(address) ((void)(address))
#endif

/* Entry of a part in a net, or -1. */
static inline int32_t nc_slot(const nc_partition *s, const nc_net *net, int32_t part) {
    const nc_entry *const entry = s->entry + net->first;
    for (int32_t k = 0; k < net->spread; k++)
        if (entry[k].part == part)
            return k;
    return -1;
}

/* Pins of a net in a part. */
static inline int32_t nc_pins(const nc_partition *s, const nc_net *net, int32_t part) {
    const int32_t slot = nc_slot(s, net, part);
    return slot < 0 ? 0 : s->entry[net->first + slot].count;
}

#define NC_NEVER (-1e300)

static inline int32_t nc_source_part(const nc_partition *s, const nc_net *net) {
    return net->source < 0 ? -1 : s->part[net->source];
}

/* All numbers below count in random order (Fisher and Yates). */
static inline void nc_shuffle(int32_t *order, int32_t count, nc_rng *rng) {
    for (int32_t k = 0; k < count; k++)
        order[k] = k;
    for (int32_t k = count - 1; k > 0; k--) {
        const int32_t other = nc_rng_below(rng, k + 1), moving = order[k];
        order[k] = order[other];
        order[other] = moving;
    }
}

/* Whether a part that changes by `change` (NC_COLUMNS) still fits, or gets no fuller where it does not; by the limits
 * that do not weigh `unknown`, a column that has not been counted, or NC_COLUMNS. */
static inline int nc_part_takes_but(const nc_partition *s, int32_t part, const int64_t *change, int32_t unknown) {
    const int64_t *const demand = s->demand + (int64_t)part * NC_COLUMNS;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        const int64_t *const weight = s->limit_weight + (int64_t)limit * NC_COLUMNS;
        int64_t used = 0, added = 0;
        for (int32_t c = 0; c < NC_COLUMNS; c++) {
            used += weight[c] * demand[c];
            added += weight[c] * change[c];
        }
        const int counted = unknown == NC_COLUMNS || weight[unknown] == 0;
        if (counted && added > 0 && used + added > s->capacity[limit])
            return 0;
    }
    return 1;
}

static inline int nc_part_takes(const nc_partition *s, int32_t part, const int64_t *change) {
    return nc_part_takes_but(s, part, change, NC_COLUMNS);
}

#endif
