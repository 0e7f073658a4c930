/* Sweeps: every vertex is visited in turn, and of all its exchanges and moves within reach those are weighed that the
 * rows of place_joint_rows.h speak for. Included by place_joint.c only. */
#ifndef NC_PLACE_JOINT_SWEEP_H
#define NC_PLACE_JOINT_SWEEP_H

#include "place_joint_rows.h"
#include "place_joint_try.h"

enum { TRIES = 3 };

/* A part that a vertex may go to; back: the place of the vertex' part seen from there, or -1 if nobody need leave. */
typedef struct {
    float change;
    int32_t part, back;
} nc_offer;

/* The part so many places from a router, or -1. */
static inline int32_t part_around(const nc_joint *j, nc_spot at, int32_t place, int32_t slot) {
    const int32_t x = at.x + place / SIDE - REACH, y = at.y + place % SIDE - REACH;
    if (place == AROUND / 2 || x < 0 || y < 0 || x >= j->fabric->width || y >= j->fabric->height)
        return -1;
    return j->part_at[(y * j->fabric->width + x) * j->fabric->per_router + slot];
}

/* What a vertex would change by going to a part, and whether another has to come back for it. */
static nc_offer offer_of(nc_joint *j, int32_t v, int32_t part, int32_t place, float most) {
    const float alone = j->rows.row[(int64_t)v * AROUND + place];
    const int32_t back = AROUND - 1 - place;
    if (j->rows.is_mixed[part])
        set_least(j, part);
    const float both = alone + j->rows.least[(int64_t)part * AROUND + back];
    const int moves = alone < both && alone < most && has_room(j, v, part);
    return moves ? (nc_offer){alone, part, -1} : (nc_offer){both, part, back};
}

/* All that promise less than `most`; how many. */
static int32_t list_offers(nc_joint *j, int32_t v, float most, nc_offer *offer) {
    const int32_t per_router = j->fabric->per_router;
    const nc_spot at = j->spot[j->s->part[v]];
    int32_t offers = 0;
    for (int32_t place = 0; place < AROUND; place++) {
        const int32_t slot = per_router > 1 ? nc_rng_below(&j->rng, per_router) : 0;
        const int32_t part = part_around(j, at, place, slot);
        if (part < 0 || j->rows.changed[part] <= j->rows.seen[v])
            continue;
        const nc_offer one = offer_of(j, v, part, place, most);
        if (one.change < most)
            offer[offers++] = one;
    }
    j->work += AROUND / 4;
    return offers;
}

/* The member of a part that would change least by coming back; -1 if none fits. */
static int32_t member_back(nc_joint *j, int32_t v, const nc_offer *offer) {
    const nc_rows *const r = &j->rows;
    const int32_t first = j->s->first[offer->part], known = r->who[(int64_t)offer->part * AROUND + offer->back];
    if (known >= 0 && sizes_fit(j, v, known))
        return known;
    int32_t best = -1, w = first;
    float least = NEVER;
    while (w >= 0) {
        const float change = r->row[(int64_t)w * AROUND + offer->back];
        if (r->may_move[w] && change < least && sizes_fit(j, v, w)) {
            best = w;
            least = change;
        }
        j->work++;
        w = j->s->next[w] == first ? -1 : j->s->next[w];
    }
    return best;
}

/* Whether what is known of a part's members is still so; if not, it is counted anew. */
static int is_current(nc_joint *j, nc_offer *offer) {
    const int64_t at = (int64_t)offer->part * AROUND + offer->back;
    const float known = j->rows.least[at];
    if (offer->back < 0 || j->rows.who[at] < 0 || j->rows.row[(int64_t)j->rows.who[at] * AROUND + offer->back] == known)
        return 1;
    set_least(j, offer->part);
    offer->change += j->rows.least[at] - known;
    return 0;
}

static int take_offer(nc_joint *j, int32_t v, const nc_offer *offer, double temperature) {
    const int32_t from = j->s->part[v], w = offer->back < 0 ? -1 : member_back(j, v, offer);
    if (offer->back >= 0 && w < 0)
        return 0;
    if (!(w < 0 ? try_move(j, v, offer->part, temperature) : try_swap(j, v, w, temperature)))
        return 0;
    moved_row(j, v, from);
    if (w >= 0)
        moved_row(j, w, offer->part);
    return 1;
}

static void visit(nc_joint *j, int32_t v, double temperature) {
    nc_offer offer[AROUND];
    if (j->rows.is_stale[v])
        set_row(j, v);
    j->luck = temperature > 0.0 ? nc_rng_exponential(&j->rng) : 0.0;
    const float most = (float)(temperature * j->luck);
    int32_t offers = list_offers(j, v, most, offer), tries = TRIES;
    while (tries > 0 && offers > 0) {
        int32_t best = 0;
        for (int32_t k = 1; k < offers; k++)
            best = offer[k].change < offer[best].change ? k : best;
        if (offer[best].change >= most)
            break;
        if (!is_current(j, &offer[best]))
            continue;
        if (take_offer(j, v, &offer[best], temperature))
            return;
        tries--;
        offer[best] = offer[--offers];
    }
    j->rows.seen[v] = j->rows.clock;
}

/* most: the work after which it ends on its way. */
static void sweep(nc_joint *j, double temperature, int64_t most) {
    for (int32_t k = 0; k < j->joint->movable_count && j->work < most; k++)
        visit(j, j->joint->movable[k], temperature);
}

#endif
