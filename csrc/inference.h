/* Timing of event-style feed-forward engines: one barrier-synchronised step of the whole chip.
 *
 * Each core goes through its neurons in order. A spike is sent as soon as its neuron is done, as one packet
 * per destination core; the core's output takes packet_out_ps for each of them (once per spike where routers
 * replicate it). A packet arrives after its flight time and waits until the destination core, which takes
 * packets in the order of arrival, is free; it is then busy for the packet's service time (receiving it and
 * its synaptic operations). The step ends when every core has done both, when the busiest link has carried
 * its flits (a lower bound: links are not simulated in time here), and after the barrier.
 *
 * Times are integer picoseconds, counts are int64.
 */
#ifndef NC_INFERENCE_H
#define NC_INFERENCE_H

#include "nc_status.h"
#include <stdint.h>

/* Where the elements of one emitting population sit. All arrays have n entries. */
typedef struct {
    int32_t n;
    const int32_t *tile;  /* tile of each element */
    const int32_t *rank;  /* its place within the tile */
    const int32_t *route; /* its route class, or -1 if nothing listens */
} nc_emitter;

typedef struct {
    int32_t emitter_count, tile_count, core_count, class_count, link_count;
    const nc_emitter *emitters;
    const int32_t *core_tile_ptr;   /* core_count + 1: tiles of a core, in the order they are updated */
    const int32_t *core_tile;
    const int32_t *tile_size;       /* neurons per tile */
    const uint8_t *tile_is_input;   /* inputs are not updated; they enter at input_ps per packet */
    const int64_t *packet_ptr;      /* class_count + 1 */
    const int32_t *packet_core;
    const int64_t *packet_flight_ps;
    const int64_t *packet_service_ps;
    const int64_t *link_ptr;        /* class_count + 1 */
    const int32_t *link_id;
    int64_t access_ps, update_ps, spike_ps, packet_out_ps, input_ps, link_ps;
    uint8_t replicates; /* routers copy packets: the sender pays once per spike */
} nc_machine;

/* What one step's activity is: bit k % 8 of byte k / 8 is element k; NULL where a population is idle. */
typedef struct {
    const uint8_t *spikes, *active;
} nc_step_input;

typedef struct {
    int64_t generate_ps; /* the slowest core's updates and sends */
    int64_t process_ps;  /* the last packet has been dealt with */
    int64_t link_ps;     /* flits of the busiest link, one after the other */
    int64_t spikes, packets;
} nc_step_result;

/* Sums over steps; each array is added to. */
typedef struct {
    int64_t *class_spikes; /* class_count */
    int64_t *mute_spikes;  /* tile_count: spikes that nothing listens to */
    int64_t *tile_active;  /* tile_count: neurons whose update was not a no-op */
    int64_t *core_packets; /* core_count: packets received */
    int64_t *core_busy_ps; /* core_count: the longer of sending and processing work of each step */
} nc_step_totals;

typedef struct {
    int32_t tile, rank, route, active_before;
} nc_spike;

typedef struct {
    int64_t arrival_ps, service_ps;
} nc_packet;

/* Work area for one thread; every array is overwritten. */
typedef struct {
    int64_t spike_capacity, packet_capacity;
    nc_spike *spikes, *sorted;      /* spike_capacity each */
    nc_packet *packets, *merged;    /* packet_capacity each */
    int32_t *tile_active;           /* tile_count */
    int64_t *tile_first;            /* tile_count + 1 */
    int64_t *core_first, *core_put; /* core_count + 1 each */
    int64_t *link_load;             /* link_count, zero before and after */
    int64_t *core_generate_ps;      /* core_count */
} nc_step_work;

/* Checks sizes, index ranges and the longest possible step once, before any run. seen: tile_count bytes of scratch. */
nc_status nc_machine_check(const nc_machine *m, uint8_t *seen);

/* One step. NC_ERR_CAPACITY: *needed_packets tells how large packet_capacity must be; nothing was added.
 * NC_ERR_SIZE: more spikes than spike_capacity; nothing was added. Bits beyond a population are ignored. */
nc_status nc_inference_step(const nc_machine *m, const nc_step_input *input, nc_step_work *work, nc_step_totals *totals,
                            nc_step_result *result, int64_t *needed_packets);

#endif
