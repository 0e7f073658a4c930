#include "partition_state.h"

/* Adds one edge of a vertex, or its weight if it has been added since `begin`. */
static void join(int64_t *mark, int64_t begin, int64_t *at, int32_t *neighbour, int64_t *weight, int32_t other,
                 int64_t traffic) {
    if (mark[other] < begin) {
        mark[other] = *at;
        if (neighbour != NULL) {
            neighbour[*at] = other;
            weight[*at] = 0;
        }
        ++*at;
    }
    if (neighbour != NULL)
        weight[mark[other]] += traffic;
}

void nc_hyper_graph(const nc_partition *s, int64_t *neighbour_ptr, int32_t *neighbour, int64_t *weight, int64_t *mark) {
    int64_t at = 0;
    for (int32_t v = 0; v < s->h->vertices; v++) {
        const int64_t begin = at;
        neighbour_ptr[v] = begin;
        for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
            const int32_t e = s->heard[k], source = s->h->source[e];
            if (source >= 0 && source != v)
                join(mark, begin, &at, neighbour, weight, source, s->h->traffic[e]);
        }
        for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
            const int32_t e = s->sent[k];
            for (int64_t pin = s->h->pin_ptr[e]; pin < s->h->pin_ptr[e + 1]; pin++)
                if (s->h->pin[pin] != v)
                    join(mark, begin, &at, neighbour, weight, s->h->pin[pin], s->h->traffic[e]);
        }
    }
    neighbour_ptr[s->h->vertices] = at;
}
