#include "partition_cluster.h"
#include "partition_state.h"
#include <stddef.h>

/* Whether two groups may become one: their own weights stay within the bounds. */
static int bearable(const nc_clustering *c, int32_t a, int32_t b) {
    for (int32_t k = 0; k < c->bounds; k++) {
        const int64_t *const weight = c->bound_weight + (int64_t)k * NC_COLUMNS;
        const int64_t *const wa = c->weight + (int64_t)a * NC_COLUMNS, *const wb = c->weight + (int64_t)b * NC_COLUMNS;
        int64_t sum = 0;
        for (int32_t column = 0; column < NC_COLUMNS; column++)
            sum += weight[column] * (wa[column] + wb[column]);
        if (sum > c->bound[k])
            return 0;
    }
    return 1;
}

static void rate(nc_clustering *c, int32_t v, int32_t other, int64_t worth) {
    const int32_t group = c->label[other];
    if (other == v || (c->part != NULL && c->part[other] != c->part[v]))
        return;
    if (c->seen[group] != v) {
        c->seen[group] = v;
        c->rating[group] = 0;
        c->found[c->founds++] = group;
    }
    c->rating[group] += worth;
}

/* Rates the groups on a net, or every stride-th of its pins; a net is worth less the more pins share it. */
static void rate_net(const nc_hyper *h, nc_clustering *c, int32_t v, int32_t e, int64_t stride) {
    const int64_t first = h->pin_ptr[e], pins = h->pin_ptr[e + 1] - first;
    const int64_t worth = (h->traffic[e] + 1) * stride * 64 / (pins + (h->source[e] >= 0));
    for (int64_t k = stride > 1 ? (int64_t)(nc_rng_next(c->rng) % (uint64_t)stride) : 0; k < pins; k += stride)
        rate(c, v, h->pin[first + k], worth + 1);
    if (h->source[e] >= 0 && !h->is_input[h->source[e]])
        rate(c, v, h->source[e], worth + 1);
}

static void rate_all(const nc_hyper *h, nc_clustering *c, const int64_t *pointer, const int32_t *nets, int32_t v,
                     int64_t most) {
    int64_t pins = 0;
    for (int64_t k = pointer[v]; k < pointer[v + 1]; k++)
        pins += h->pin_ptr[nets[k] + 1] - h->pin_ptr[nets[k]];
    const int64_t stride = pins / most + 1;
    for (int64_t k = pointer[v]; k < pointer[v + 1]; k++)
        if (!h->memory[nets[k]])
            rate_net(h, c, v, nets[k], stride);
}

static int32_t best_group(const nc_clustering *c, int32_t v) {
    int32_t best = -1;
    double most = 0;
    for (int32_t k = 0; k < c->founds; k++) {
        const int32_t group = c->found[k];
        /* the smaller group among equals, so that groups stay of one size */
        const double score = (double)c->rating[group] / (double)c->weight[(int64_t)group * NC_COLUMNS + NC_MEMBERS];
        if (group != v && (score > most || (score == most && best >= 0 && group < best)) && bearable(c, v, group)) {
            most = score;
            best = group;
        }
    }
    return best;
}

static void join(nc_clustering *c, int32_t v, int32_t group) {
    c->label[v] = group;
    c->joined[group] = 1;
    for (int32_t column = 0; column < NC_COLUMNS; column++)
        c->weight[(int64_t)group * NC_COLUMNS + column] += c->weight[(int64_t)v * NC_COLUMNS + column];
}

int32_t nc_hyper_cluster(const nc_partition *s, nc_clustering *c) {
    const nc_hyper *const h = s->h;
    int32_t groups = h->vertices;
    for (int32_t v = 0; v < h->vertices; v++) {
        c->label[v] = v;
        c->seen[v] = -1;
        c->joined[v] = 0;
    }
    nc_shuffle(s->heap, h->vertices, c->rng);
    for (int32_t k = 0; k < h->vertices && groups > c->fewest; k++) {
        const int32_t v = s->heap[k];
        if (h->is_input[v] || c->joined[v])
            continue;
        c->founds = 0;
        rate_all(h, c, s->heard_ptr, s->heard, v, c->most_pins);
        rate_all(h, c, s->sent_ptr, s->sent, v, c->most_pins);
        const int32_t group = best_group(c, v);
        if (group < 0)
            continue;
        join(c, v, group);
        groups--;
    }
    return groups;
}
