#include "partition_heap.h"
#include "partition_state.h"

enum { ROUNDS = 8, MOST_EXCHANGES = 20000 };

/* Whether a part takes the vertex scanned last; where axons out are limited, all of its nets are looked at for that. */
static int takes(nc_partition *s, int32_t v, int32_t p) {
    if (s->out_limited)
        s->visits += s->heard_ptr[v + 1] - s->heard_ptr[v] + s->sent_ptr[v + 1] - s->sent_ptr[v];
    return nc_partition_allowed(s, v, p, 0);
}

/* The best part that holds the vertex scanned last, of those that share a net with it; -1 if none does. */
static int32_t best_target(nc_partition *s, int32_t v, int64_t *gain) {
    int32_t best = -1;
    for (int32_t k = 0; k < s->candidates; k++) {
        const int32_t p = s->candidate[k];
        const int64_t found = nc_partition_gain(s, v, p);
        if (p != s->part[v] && (best < 0 || found > *gain) && takes(s, v, p)) {
            best = p;
            *gain = found;
        }
    }
    s->visits += s->candidates;
    return best;
}

/* Of the parts that hold the vertex scanned last, the one with the fewest members; -1 if none does. */
static int32_t emptiest_target(nc_partition *s, int32_t v) {
    int32_t best = -1;
    for (int32_t p = 0; p < s->parts; p++) {
        const int64_t members = s->demand[(int64_t)p * NC_COLUMNS + NC_MEMBERS];
        const int fewer = best < 0 || members < s->demand[(int64_t)best * NC_COLUMNS + NC_MEMBERS];
        if (p != s->part[v] && fewer && takes(s, v, p))
            best = p;
    }
    s->visits += s->parts;
    return best;
}

/* Whether every vertex that is nowhere found a part; ends at the first that does not, as nothing makes room later. */
static int place_lost(nc_partition *s) {
    for (int32_t v = 0; v < s->h->vertices; v++) {
        if (s->part[v] >= 0 || s->h->is_input[v])
            continue;
        int64_t gain = 0;
        nc_partition_scan(s, v);
        int32_t to = best_target(s, v, &gain);
        if (to < 0)
            to = emptiest_target(s, v);
        if (to < 0)
            return 0;
        nc_partition_move(s, v, to);
    }
    return 1;
}

/* Whether a limit that the part exceeds would be used less without the vertex scanned last. */
static int relieves(const nc_partition *s, int32_t v, int32_t part) {
    const int64_t *const demand = s->demand + (int64_t)part * NC_COLUMNS;
    const int64_t *const own = s->h->weight + (int64_t)v * NC_COLUMNS;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        const int64_t *const weight = s->limit_weight + (int64_t)limit * NC_COLUMNS;
        int64_t used = 0, less = weight[NC_AXONS_IN] * s->leaving_axons + weight[NC_SYNAPSE_BITS] * s->leaving_bits;
        for (int32_t c = 0; c < NC_COLUMNS; c++) {
            used += weight[c] * demand[c];
            less += weight[c] * own[c];
        }
        const int sends = weight[NC_AXONS_OUT] > 0 && s->sent_ptr[v] < s->sent_ptr[v + 1];
        if (used > s->capacity[limit] && (less > 0 || sends))
            return 1;
    }
    return 0;
}

/* Members of a part that would relieve it, by the gain of their best move, as far as the work reaches. */
static int32_t list_members(nc_partition *s, int32_t part, int64_t most_visits) {
    int32_t size = 0;
    const int32_t first = s->first[part];
    int32_t v = first;
    do {
        nc_partition_scan(s, v);
        if (relieves(s, v, part) && best_target(s, v, &s->key[v]) >= 0)
            nc_heap_push(s, &size, v);
        v = s->next[v];
    } while (v != first && s->visits < most_visits);
    return size;
}

static void push_anywhere(nc_partition *s, int32_t part, int64_t most_visits) {
    int32_t left = (int32_t)s->demand[(int64_t)part * NC_COLUMNS + NC_MEMBERS];
    int32_t v = s->first[part];
    for (; left > 0 && s->visits < most_visits && !nc_partition_fits(s, part); left--) {
        const int32_t next = s->next[v];
        nc_partition_scan(s, v);
        const int32_t to = relieves(s, v, part) ? emptiest_target(s, v) : -1;
        if (to >= 0)
            nc_partition_move(s, v, to);
        v = next;
    }
}

static int relieve(nc_partition *s, int32_t part, int64_t most_visits) {
    int32_t size = list_members(s, part, most_visits);
    while (size > 0 && s->visits < most_visits && !nc_partition_fits(s, part)) {
        const int32_t v = nc_heap_pop(s, &size);
        int64_t gain = 0;
        nc_partition_scan(s, v);
        const int32_t to = relieves(s, v, part) ? best_target(s, v, &gain) : -1;
        if (to >= 0 && gain < s->key[v] && size > 0 && gain < s->key[s->heap[0]]) {
            s->key[v] = gain;
            nc_heap_push(s, &size, v); /* others are better now */
        } else if (to >= 0) {
            nc_partition_move(s, v, to);
        }
    }
    while (size > 0)
        nc_heap_pop(s, &size);
    push_anywhere(s, part, most_visits);
    return nc_partition_fits(s, part);
}

/* By how much two parts break the limits, in shares of these. */
static double excess(const nc_partition *s, int32_t a, int32_t b) {
    const int32_t pair[2] = {a, b};
    double sum = 0;
    for (int k = 0; k < 2; k++)
        for (int32_t limit = 0; limit < s->limits; limit++) {
            int64_t over = -s->capacity[limit];
            for (int32_t c = 0; c < NC_COLUMNS; c++)
                over += s->limit_weight[(int64_t)limit * NC_COLUMNS + c] * s->demand[(int64_t)pair[k] * NC_COLUMNS + c];
            sum += over > 0 ? (double)over / ((double)s->capacity[limit] + 1) : 0;
        }
    return sum;
}

/* Copies the members of a part; returns how many. */
static int32_t members(const nc_partition *s, int32_t part, int32_t *list) {
    int32_t count = 0;
    int32_t v = s->first[part];
    for (int64_t left = s->demand[(int64_t)part * NC_COLUMNS + NC_MEMBERS]; v >= 0 && left > 0; left--) {
        list[count++] = v;
        v = s->next[v] == s->first[part] ? -1 : s->next[v];
    }
    return count;
}

/* Swaps a vertex of `part` for one of `other` if both then break the limits by less; 1 if it did. */
static int swap_one(nc_partition *s, int32_t v, int32_t part, int32_t other, int32_t *list, int32_t *left) {
    const int32_t count = members(s, other, list);
    const double before = excess(s, part, other);
    for (int32_t k = 0; k < count && (*left)-- > 0; k++) {
        nc_partition_move(s, v, other);
        nc_partition_move(s, list[k], part);
        if (excess(s, part, other) < before)
            return 1;
        nc_partition_move(s, list[k], other);
        nc_partition_move(s, v, part);
    }
    return 0;
}

/* Exchanges members of a part for those of others until it fits: what is left to do when no other has room. Ends once
 * the state has seen most_visits. */
static int exchange(nc_partition *s, int32_t part, int64_t most_visits) {
    int32_t left = MOST_EXCHANGES;
    int changed = 1;
    while (changed && left > 0 && s->visits < most_visits && !nc_partition_fits(s, part)) {
        const int32_t count = members(s, part, s->heap);
        changed = 0;
        for (int32_t k = 0; k < count && !changed && left > 0; k++)
            for (int32_t other = 0; other < s->parts && !changed && left > 0 && s->visits < most_visits; other++)
                changed = other != part && swap_one(s, s->heap[k], part, other, s->heap + count, &left);
    }
    return nc_partition_fits(s, part);
}

/* Brings the vertices into a part that cost least, until it has as many as it must. */
static int feed(nc_partition *s, int32_t part) {
    while (s->demand[(int64_t)part * NC_COLUMNS + NC_MEMBERS] < s->least_members) {
        int32_t best = -1;
        int64_t most = INT64_MIN;
        for (int32_t v = 0; v < s->h->vertices; v++) {
            if (s->part[v] < 0 || s->part[v] == part)
                continue;
            nc_partition_scan(s, v);
            const int64_t gain = nc_partition_gain(s, v, part);
            if (gain > most && nc_partition_allowed(s, v, part, 0)) {
                most = gain;
                best = v;
            }
        }
        if (best < 0)
            return 0;
        nc_partition_move(s, best, part);
    }
    return 1;
}

/* Moves vertices out of parts that are too full, and into parts with too few; 0 once nothing is left to do. */
static int32_t mend(nc_partition *s, int64_t most_visits) {
    int32_t wrong = 0;
    for (int32_t p = 0; p < s->parts && s->visits < most_visits; p++)
        wrong +=
            s->first[p] >= 0 && !nc_partition_fits(s, p) && !relieve(s, p, most_visits) && !exchange(s, p, most_visits);
    for (int32_t p = 0; p < s->parts; p++)
        wrong += !feed(s, p);
    return wrong;
}

int32_t nc_partition_repair(nc_partition *s, int64_t visits) {
    for (int32_t v = 0; v < s->h->vertices; v++)
        s->place[v] = -1;
    if (!place_lost(s))
        return 1;
    const int64_t most_visits = s->visits + visits;
    for (int round = 0; round < ROUNDS && s->visits < most_visits && mend(s, most_visits) > 0; round++)
        ;
    int32_t wrong = 0; /* what was mended may have broken something else */
    for (int32_t p = 0; p < s->parts; p++)
        wrong += !nc_partition_fits(s, p) || s->demand[(int64_t)p * NC_COLUMNS + NC_MEMBERS] < s->least_members;
    return wrong;
}
