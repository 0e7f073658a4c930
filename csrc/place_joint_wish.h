/* Where vertices would lie if it went by the middle of all that they talk to: exchanges that serve these wishes are
 * made three to four times as often as exchanges at random. Included by place_joint.c only. */
#ifndef NC_PLACE_JOINT_WISH_H
#define NC_PLACE_JOINT_WISH_H

#include "place_joint_weigh.h"
#include <math.h>

enum { WISH_LEVELS = 4, LOOKED_AT = 8 }; /* levels between two counts; members of a part that are looked at */

static inline void add_pull(nc_wish *wish, nc_spot at, int64_t traffic) {
    wish->x += (double)traffic * at.x;
    wish->y += (double)traffic * at.y;
    wish->pull += (double)traffic;
}

static nc_wish wish_of(const nc_joint *j, int32_t v) {
    const nc_partition *const s = j->s;
    nc_wish wish = {0.0, 0.0, 0.0};
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->heard[k]];
        if (net->traffic > 0 && net->source != v)
            add_pull(&wish, home_of(j, net), net->traffic);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->sent[k]];
        for (int32_t e = 0; e < net->spread; e++)
            add_pull(&wish, j->spot[s->entry[net->first + e].part], net->traffic);
    }
    if (wish.pull > 0.0)
        return (nc_wish){wish.x / wish.pull, wish.y / wish.pull, wish.pull};
    return (nc_wish){j->spot[s->part[v]].x, j->spot[s->part[v]].y, 0.0};
}

static void set_wishes(nc_joint *j) {
    for (int32_t v = 0; j->wished && v < j->s->h->vertices; v++)
        if (!j->s->h->is_input[v])
            j->wish[v] = wish_of(j, v);
}

static inline double away(const nc_joint *j, const nc_wish *wish, int32_t part) {
    return fabs(j->spot[part].x - wish->x) + fabs(j->spot[part].y - wish->y);
}

/* What a vertex may gain by a move, in units of cost. */
static inline double hoped(const nc_joint *j, int32_t v, int32_t to) {
    const nc_wish *const wish = &j->wish[v];
    return wish->pull * (away(j, wish, j->s->part[v]) - away(j, wish, to));
}

/* The core closest to what a vertex wishes. */
static int32_t core_wished(const nc_joint *j, int32_t v) {
    const int32_t x = (int32_t)(j->wish[v].x + 0.5), y = (int32_t)(j->wish[v].y + 0.5);
    return (y * j->fabric->width + x) * j->fabric->per_router;
}

#endif
