#include "partition_lay.h"
#include "partition_state.h"
#include <string.h>

static inline int32_t column_of(const nc_laid *net) { return net->memory ? NC_SYNAPSE_BITS : NC_AXONS_IN; }

/* Whether a part that has `demand` holds the vertex as well. */
static int takes(const nc_partition *s, const nc_laying *l, int32_t v, int32_t part, const int64_t *demand) {
    int64_t after[NC_COLUMNS];
    for (int32_t c = 0; c < NC_COLUMNS; c++)
        after[c] = demand[c] + s->h->weight[(int64_t)v * NC_COLUMNS + c];
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_laid *const net = &l->net[s->heard[k]];
        after[column_of(net)] += net->last == part ? 0 : net->amount;
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        after[NC_AXONS_OUT] += l->net[s->sent[k]].amount * l->net[s->sent[k]].spread;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        int64_t used = 0;
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            used += s->limit_weight[(int64_t)limit * NC_COLUMNS + c] * after[c];
        if (used > s->capacity[limit])
            return 0;
    }
    return 1;
}

static void put(const nc_partition *s, nc_laying *l, int32_t v, int32_t part, int64_t *demand) {
    l->part[v] = part;
    for (int32_t c = 0; c < NC_COLUMNS; c++)
        demand[c] += s->h->weight[(int64_t)v * NC_COLUMNS + c];
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        nc_laid *const net = &l->net[s->heard[k]];
        if (net->last == part)
            continue;
        net->last = part;
        net->spread++;
        demand[column_of(net)] += net->amount;
        if (net->home == part)
            demand[NC_AXONS_OUT] += net->amount;
        else
            l->volume += net->traffic;
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        nc_laid *const net = &l->net[s->sent[k]];
        net->home = part;
        demand[NC_AXONS_OUT] += net->amount * net->spread;
        l->volume -= net->last == part ? net->traffic : 0;
    }
}

int32_t nc_partition_lay(const nc_partition *s, const int32_t *order, int32_t count, nc_laying *l) {
    int64_t demand[NC_COLUMNS] = {0};
    int32_t part = 0, members = 0;
    for (int32_t e = 0; e < s->h->nets; e++)
        l->net[e] = (nc_laid){s->h->traffic[e], s->h->amount[e], -1, -1, 0, s->h->memory[e]};
    for (int32_t v = 0; v < s->h->vertices; v++)
        l->part[v] = -1;
    l->volume = 0;
    for (int32_t k = 0; k < count; k++) {
        if (members > 0 && !takes(s, l, order[k], part, demand)) {
            if (++part == s->parts)
                return s->parts + 1;
            memset(demand, 0, sizeof demand);
            members = 0;
        }
        put(s, l, order[k], part, demand);
        members++;
    }
    return count == 0 ? 0 : part + 1;
}
