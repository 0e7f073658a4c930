/* A heap of vertices with the greatest key on top, the smaller vertex first among equals. place is -1 outside. */
#ifndef NC_PARTITION_HEAP_H
#define NC_PARTITION_HEAP_H

#include "partition.h"

static inline int nc_heap_before(const nc_partition *s, int32_t a, int32_t b) {
    return s->key[a] != s->key[b] ? s->key[a] > s->key[b] : a < b;
}

static inline void nc_heap_up(nc_partition *s, int32_t at) {
    const int32_t v = s->heap[at];
    while (at > 0 && nc_heap_before(s, v, s->heap[(at - 1) / 2])) {
        s->heap[at] = s->heap[(at - 1) / 2];
        s->place[s->heap[at]] = at;
        at = (at - 1) / 2;
    }
    s->heap[at] = v;
    s->place[v] = at;
}

static inline void nc_heap_push(nc_partition *s, int32_t *size, int32_t v) {
    s->heap[*size] = v;
    nc_heap_up(s, (*size)++);
}

static inline void nc_heap_down(nc_partition *s, int32_t size) {
    const int32_t v = s->heap[0];
    int32_t at = 0;
    for (int32_t child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && nc_heap_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (nc_heap_before(s, v, s->heap[child]))
            break;
        s->heap[at] = s->heap[child];
        s->place[s->heap[at]] = at;
        at = child;
    }
    s->heap[at] = v;
    s->place[v] = at;
}

static inline int32_t nc_heap_pop(nc_partition *s, int32_t *size) {
    const int32_t top = s->heap[0];
    s->place[top] = -1;
    if (--*size > 0) {
        s->heap[0] = s->heap[*size];
        nc_heap_down(s, *size);
    }
    return top;
}

#endif
