/* Moves and exchanges that are made if they are wanted and every limit allows them. Included by place_joint.c only. */
#ifndef NC_PLACE_JOINT_TRY_H
#define NC_PLACE_JOINT_TRY_H

#include "place_joint_weigh.h"

/* After the move at hand was made, or was not. */
static void settle(nc_joint *j, int made, int64_t hops) {
    loads_decide(&j->loads, made);
    if (!made)
        return;
    for (int32_t k = 0; k < j->freshes; k++)
        j->cost[j->fresh[k].net] = j->fresh[k].after;
    j->total += hops;
}

static double luck_of(nc_joint *j) { return j->luck < 0.0 ? nc_rng_exponential(&j->rng) : j->luck; }

/* Loads are left out where a sweep has many exchanges to choose from and this one's hops are too many already. */
static int takes(nc_joint *j, int64_t hops, double temperature) {
    j->weighed++;
    if (j->luck >= 0.0 && (double)hops > temperature * j->luck)
        return 0;
    const double delta = (double)hops + (j->steepness > 0.0 ? weigh_loads(j) : 0.0);
    if (loads_exceed(&j->loads, j->hottest))
        return 0;
    const int wanted = delta <= 0.0 || (temperature > 0.0 && delta <= temperature * luck_of(j));
    j->wanted += wanted;
    return wanted;
}

static int legal(nc_joint *j, int32_t v, int32_t to, int ignore_to) {
    nc_partition_scan(j->s, v);
    j->work += j->s->heard_ptr[v + 1] - j->s->heard_ptr[v];
    return nc_partition_allowed(j->s, v, to, ignore_to);
}

static int try_move(nc_joint *j, int32_t v, int32_t to, double temperature) {
    j->freshes = 0;
    const int64_t hops = weigh(j, v, to);
    const int made = takes(j, hops, temperature) && legal(j, v, to, 0);
    if (made)
        nc_partition_move(j->s, v, to);
    settle(j, made, hops);
    return made;
}

/* Moves v to the part of w, and w to that of v, if both then fit. */
static int exchanged(nc_joint *j, int32_t v, int32_t w) {
    nc_partition *const s = j->s;
    const int32_t from = s->part[v], to = s->part[w];
    const int64_t least = s->least_members;
    s->least_members = 0; /* the other one is on its way */
    int keep = legal(j, v, to, 1);
    s->least_members = least;
    if (!keep)
        return 0;
    nc_partition_move(s, v, to);
    keep = legal(j, w, from, 0);
    if (keep) {
        nc_partition_move(s, w, from);
        if (nc_partition_fits(s, from) && nc_partition_fits(s, to))
            return 1;
        nc_partition_move(s, w, to);
    }
    nc_partition_move(s, v, from);
    return 0;
}

static int try_swap(nc_joint *j, int32_t v, int32_t w, double temperature) {
    j->freshes = 0;
    const int64_t hops = weigh_swap(j, v, w);
    const int made = takes(j, hops, temperature) && exchanged(j, v, w);
    settle(j, made, hops);
    return made;
}

/* Whether two parts stay within what does not depend on nets if v and w change places. */
static int sizes_fit(const nc_joint *j, int32_t v, int32_t w) {
    const nc_partition *const s = j->s;
    const int64_t *const own = s->h->weight + (int64_t)v * NC_COLUMNS;
    const int64_t *const other = s->h->weight + (int64_t)w * NC_COLUMNS;
    if (memcmp(own, other, sizeof(int64_t) * NC_COLUMNS) == 0)
        return 1;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        const int64_t *const weight = s->limit_weight + (int64_t)limit * NC_COLUMNS;
        if (weight[NC_AXONS_IN] || weight[NC_AXONS_OUT] || weight[NC_SYNAPSE_BITS])
            continue;
        int64_t added = 0, used = 0;
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            added += weight[c] * (own[c] - other[c]);
        const int32_t part = added > 0 ? s->part[w] : s->part[v];
        for (int32_t c = 0; c < NC_COLUMNS && added != 0; c++)
            used += weight[c] * s->demand[(int64_t)part * NC_COLUMNS + c];
        if (added != 0 && used + (added > 0 ? added : -added) > s->capacity[limit])
            return 0;
    }
    return 1;
}

static int has_room(const nc_joint *j, int32_t v, int32_t to) {
    return nc_part_takes(j->s, to, j->s->h->weight + (int64_t)v * NC_COLUMNS);
}

#endif
