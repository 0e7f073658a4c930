#include "partition_cluster.h"
#include "partition_state.h"
#include <stddef.h>

enum { AHEAD = 32, MOST_FETCHED = 256 };

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

static void rate(nc_clustering *c, int32_t v, int32_t group, int64_t worth) {
    nc_rated *const rated = &c->rated[group];
    if (rated->seen != v) {
        rated->seen = v;
        rated->rating = 0;
        c->found[c->founds++] = group;
    }
    rated->rating += worth;
}

/* The group of a vertex that v may join, or -1. */
static inline int32_t group_beside(const nc_clustering *c, int32_t v, int32_t other) {
    return other == v || (c->part != NULL && c->part[other] != c->part[v]) ? -1 : c->label[other];
}

/* Rates the groups on a net, or every stride-th of its pins; a net is worth less the more pins share it. */
static void rate_net(const nc_hyper *h, nc_clustering *c, int32_t v, int32_t e, int64_t stride) {
    const int64_t first = h->pin_ptr[e], pins = h->pin_ptr[e + 1] - first;
    const int64_t worth = (h->traffic[e] + 1) * stride * 64 / (pins + (h->source[e] >= 0));
    int64_t k = stride > 1 ? (int64_t)(nc_rng_next(c->rng) % (uint64_t)stride) : 0;
    while (k < pins) {
        int32_t group[AHEAD], count = 0;
        for (; k < pins && count < AHEAD; k += stride) {
            group[count] = group_beside(c, v, h->pin[first + k]);
            if (group[count] >= 0)
                NC_PREFETCH(&c->rated[group[count++]]);
        }
        for (int32_t g = 0; g < count; g++)
            rate(c, v, group[g], worth + 1);
    }
    const int32_t source = h->source[e], home = source >= 0 && !h->is_input[source] ? group_beside(c, v, source) : -1;
    if (home >= 0)
        rate(c, v, home, worth + 1);
}

/* Nets of one vertex lie anywhere in memory, and so do the groups on them: asked for before they are needed. */
static int64_t fetch_nets(const nc_hyper *h, const int32_t *nets, int64_t count) {
    int64_t pins = 0;
    for (int64_t k = 0; k < count; k++) {
        const int64_t first = h->pin_ptr[nets[k]];
        pins += h->pin_ptr[nets[k] + 1] - first;
        NC_PREFETCH(h->pin + first);
        NC_PREFETCH(h->traffic + nets[k]);
        NC_PREFETCH(h->source + nets[k]);
    }
    return pins;
}

static void fetch_labels(const nc_hyper *h, const nc_clustering *c, const int32_t *nets, int64_t count) {
    for (int64_t k = 0; k < count; k++)
        for (int64_t pin = h->pin_ptr[nets[k]]; pin < h->pin_ptr[nets[k] + 1]; pin++)
            NC_PREFETCH(c->label + h->pin[pin]);
}

static void rate_all(const nc_hyper *h, nc_clustering *c, const int32_t *nets, int64_t count, int32_t v) {
    const int64_t pins = fetch_nets(h, nets, count), stride = pins / c->most_pins + 1;
    if (stride == 1 && pins <= MOST_FETCHED)
        fetch_labels(h, c, nets, count);
    for (int64_t k = 0; k < count; k++)
        if (!h->memory[nets[k]])
            rate_net(h, c, v, nets[k], stride);
}

static int32_t best_group(const nc_clustering *c, int32_t v) {
    int32_t best = -1;
    double most = 0;
    for (int32_t k = 0; k < c->founds; k++) {
        const int32_t group = c->found[k];
        /* the smaller group among equals, so that groups stay of one size */
        const double score = (double)c->rated[group].rating / (double)c->rated[group].members;
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
    c->rated[group].members += c->rated[v].members;
    for (int32_t column = 0; column < NC_COLUMNS; column++)
        c->weight[(int64_t)group * NC_COLUMNS + column] += c->weight[(int64_t)v * NC_COLUMNS + column];
}

int32_t nc_hyper_cluster(const nc_partition *s, nc_clustering *c) {
    const nc_hyper *const h = s->h;
    int32_t groups = h->vertices;
    for (int32_t v = 0; v < h->vertices; v++) {
        c->label[v] = v;
        c->rated[v] = (nc_rated){0, -1, (int32_t)c->weight[(int64_t)v * NC_COLUMNS + NC_MEMBERS]};
        c->joined[v] = 0;
    }
    nc_shuffle(s->heap, h->vertices, c->rng);
    for (int32_t k = 0; k < h->vertices && groups > c->fewest; k++) {
        const int32_t v = s->heap[k];
        if (h->is_input[v] || c->joined[v])
            continue;
        c->founds = 0;
        rate_all(h, c, s->heard + s->heard_ptr[v], s->heard_ptr[v + 1] - s->heard_ptr[v], v);
        rate_all(h, c, s->sent + s->sent_ptr[v], s->sent_ptr[v + 1] - s->sent_ptr[v], v);
        const int32_t group = best_group(c, v);
        if (group < 0)
            continue;
        join(c, v, group);
        groups--;
    }
    return groups;
}
