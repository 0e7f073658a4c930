/* The queue of a core that takes packets in the order of their arrival. Included by inference.c only. */
#ifndef NC_INFERENCE_QUEUE_H
#define NC_INFERENCE_QUEUE_H

#include "inference.h"
#include <string.h>

/* Merges ascending runs until one is left (natural merge sort, stable). Returns where the result lies. */
static nc_packet *sort_by_arrival(nc_packet *from, nc_packet *to, int64_t n) {
    int64_t ascending = 1; /* often all of them: a core that hears one tile */
    while (ascending < n && from[ascending].arrival_ps >= from[ascending - 1].arrival_ps)
        ascending++;
    if (ascending >= n)
        return from;
    for (;;) {
        int64_t put = 0, at = 0, runs = 0;
        while (at < n) {
            int64_t middle = at + 1;
            while (middle < n && from[middle].arrival_ps >= from[middle - 1].arrival_ps)
                middle++;
            int64_t end = middle < n ? middle + 1 : middle;
            while (end < n && from[end].arrival_ps >= from[end - 1].arrival_ps)
                end++;
            int64_t left = at, right = middle;
            while (left < middle && right < end) { /* which one comes first is chance: no branch on it */
                const int64_t later = from[right].arrival_ps < from[left].arrival_ps;
                to[put++] = from[later ? right : left];
                left += !later;
                right += later;
            }
            memcpy(to + put, from + left, sizeof *to * (size_t)(middle - left));
            put += middle - left;
            memcpy(to + put, from + right, sizeof *to * (size_t)(end - right));
            put += end - right;
            at = end;
            runs++;
        }
        if (runs <= 1)
            return to;
        nc_packet *const swap = from;
        from = to;
        to = swap;
    }
}

typedef struct {
    int64_t end_ps, busy_ps;
    int64_t network_ps; /* of the packet with which the last time of work without a pause began */
    int64_t latency_ps; /* the longest */
} nc_served;

/* Until the queue is empty for good. */
static nc_served process(nc_packet *packets, nc_packet *merged, int64_t n, int64_t *latencies) {
    const nc_packet *const queue = n > 0 ? sort_by_arrival(packets, merged, n) : packets;
    nc_served served = {0, 0, 0, 0};
    for (int64_t k = 0; k < n; k++) {
        if (queue[k].arrival_ps > served.end_ps) {
            served.end_ps = queue[k].arrival_ps;
            served.network_ps = queue[k].network_ps;
        }
        served.end_ps += queue[k].service_ps;
        served.busy_ps += queue[k].service_ps;
        served.latency_ps = queue[k].network_ps > served.latency_ps ? queue[k].network_ps : served.latency_ps;
        latencies[nc_latency_bin(queue[k].network_ps)]++;
    }
    return served;
}

#endif
