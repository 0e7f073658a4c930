#include "partition_heap.h"
#include "partition_state.h"

enum { FULL = 1024, REFUSALS = 64 };

/* Whether the vertex scanned last goes into a part filled up to a level; one alone may go to the limits themselves. */
static int takes(const nc_partition *s, int32_t v, int32_t part, int32_t level) {
    const int64_t *const demand = s->demand + (int64_t)part * NC_COLUMNS;
    const nc_share nothing = {0, 0, 0, 0, 0};
    const nc_share share = s->share[part].seen == s->clock ? s->share[part] : nothing;
    int64_t after[NC_COLUMNS];
    for (int32_t c = 0; c < NC_COLUMNS; c++)
        after[c] = demand[c] + s->h->weight[(int64_t)v * NC_COLUMNS + c];
    after[NC_AXONS_IN] += s->axons - share.axons;
    after[NC_SYNAPSE_BITS] += s->bits - share.bits;
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        after[NC_AXONS_OUT] += s->net[s->sent[k]].amount * s->net[s->sent[k]].spread;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        int64_t used = 0;
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            used += s->limit_weight[(int64_t)limit * NC_COLUMNS + c] * after[c];
        const int64_t full = s->capacity[limit];
        if (used > (level == FULL || s->first[part] < 0 ? full : full / FULL * level + full % FULL * level / FULL))
            return 0;
    }
    return 1;
}

int32_t nc_partition_fill(nc_partition *s, const int32_t *order, int32_t count, int32_t level) {
    int32_t part = 0;
    for (int32_t k = 0; k < count; k++) {
        nc_partition_scan(s, order[k]);
        if (s->first[part] >= 0 && !takes(s, order[k], part, level) && ++part == s->parts)
            return s->parts + 1;
        nc_partition_move(s, order[k], part);
    }
    return count == 0 ? 0 : part + 1;
}

static void raise_key(nc_partition *s, int32_t *size, int32_t v, int64_t traffic) {
    if (s->part[v] >= 0 || s->h->is_input[v] || s->place[v] == -2)
        return;
    if (s->place[v] >= 0) {
        s->key[v] += traffic + 1;
        nc_heap_up(s, s->place[v]);
    } else {
        s->key[v] = traffic + 1;
        nc_heap_push(s, size, v);
    }
}

/* Vertices on a net that a part has now are wanted there. */
static void want(nc_partition *s, int32_t *size, int32_t e) {
    for (int64_t k = s->h->pin_ptr[e]; k < s->h->pin_ptr[e + 1]; k++)
        raise_key(s, size, s->h->pin[k], s->h->traffic[e]);
    if (s->h->source[e] >= 0)
        raise_key(s, size, s->h->source[e], s->h->traffic[e]);
}

static void add(nc_partition *s, int32_t *size, int32_t v, int32_t part) {
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->heard[k]];
        if (net->source != v && nc_source_part(s, net) != part && nc_slot(s, net, part) < 0)
            want(s, size, s->heard[k]);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        if (nc_slot(s, &s->net[s->sent[k]], part) < 0)
            want(s, size, s->sent[k]);
    nc_partition_move(s, v, part);
}

static void forget(nc_partition *s, int32_t *size, const int32_t *refused, int32_t count) {
    while (*size > 0)
        s->place[s->heap[--*size]] = -1;
    for (int32_t k = 0; k < count; k++)
        s->place[refused[k]] = -1;
}

/* Fills one part as far as it goes, beginning with a vertex. */
static void grow_part(nc_partition *s, int32_t part, int32_t seed, int32_t level) {
    int32_t size = 0, refusals = 0, refused[REFUSALS];
    add(s, &size, seed, part);
    while (size > 0 && refusals < REFUSALS) {
        const int32_t v = nc_heap_pop(s, &size);
        if (s->part[v] >= 0)
            continue;
        nc_partition_scan(s, v);
        if (takes(s, v, part, level)) {
            add(s, &size, v, part);
        } else {
            s->place[v] = -2;
            refused[refusals++] = v;
        }
    }
    forget(s, &size, refused, refusals);
}

int32_t nc_partition_grow(nc_partition *s, const int32_t *order, int32_t count, int32_t level) {
    int32_t part = 0, used = 0;
    for (int32_t v = 0; v < s->h->vertices; v++)
        s->place[v] = -1;
    for (int32_t k = 0; k < count; k++) {
        const int32_t v = order[k];
        if (s->part[v] >= 0)
            continue;
        nc_partition_scan(s, v);
        if (s->first[part] >= 0 && !takes(s, v, part, level) && ++part == s->parts)
            return s->parts + 1;
        grow_part(s, part, v, level);
        used = part + 1;
    }
    return used;
}
