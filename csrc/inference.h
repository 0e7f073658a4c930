/* Timing of event-style feed-forward engines: one barrier-synchronised step of the whole chip.
 *
 * Generate: each core goes through its neurons in order. A spike is sent as soon as its neuron is done, as one packet
 * per destination core; the core's output takes packet_out_ps for each of them (once per spike where routers
 * replicate it). Network: packets take their flight time and, if routers are modelled (nc_step_noc), wait for each
 * other. Process: a packet waits until the destination core, which takes packets in the order of arrival, is free; it
 * is then busy for the packet's service time (receiving it and its synaptic operations). The step ends when every core
 * has done both, when the busiest link has carried its flits, and after the barrier.
 *
 * Times are integer picoseconds, counts are int64.
 */
#ifndef NC_INFERENCE_H
#define NC_INFERENCE_H

#include "noc_event.h"

/* Where the elements of one emitting population sit. All arrays have n entries. */
typedef struct {
    int32_t n;
    const int32_t *tile;  /* tile of each element */
    const int32_t *rank;  /* its place within the tile */
    const int32_t *route; /* its route class, or -1 if nothing listens */
    const int32_t *word_tile; /* (n + 63) / 64: the tile of 64 elements if it is one and the same, or -1; may be NULL */
} nc_emitter;

/* How packets wait for each other: the network between the cores, in cycles. A packet takes its flight time and what
 * it needs in the network beyond packet_cycles, in which it would get there alone. */
typedef struct {
    const nc_noc *net; /* NULL: packets do not wait for each other, nothing below is read */
    const nc_noc_service *service; /* NULL: flit by flit; else by reservation (noc_event.h) */
    int64_t cycle_ps;
    uint8_t clocked; /* packets leave their core at the beginning of a cycle */
    int32_t flits; /* of each packet */
    const int32_t *core_source; /* core_count: the network's core by which this core sends */
    const int32_t *packet_sink; /* per packet of a class: the network's core where it is delivered */
    const int32_t *packet_cycles; /* and its cycles from release to arrival if it is alone */
    const int32_t *class_tree; /* class_count, -1: none; only where routers copy packets (trees as in noc.h) */
    int64_t tree_count;
    const int64_t *tree_ptr;
    const int32_t *tree_router;
    const uint64_t *tree_ports;
    const uint8_t *tree_high;
} nc_step_noc;

typedef struct {
    int32_t emitter_count, tile_count, core_count, class_count, link_count;
    const nc_emitter *emitters;
    const int32_t *core_tile_ptr; /* core_count + 1: tiles of a core, in the order they are updated */
    const int32_t *core_tile;
    const int32_t *tile_size; /* neurons per tile */
    const uint8_t *tile_is_input; /* inputs are not updated; they enter at input_ps per packet */
    const int64_t *packet_ptr; /* class_count + 1 */
    const int32_t *packet_core;
    const int64_t *packet_flight_ps;
    const int64_t *packet_service_ps;
    const int64_t *link_ptr; /* class_count + 1 */
    const int32_t *link_id;
    int64_t access_ps, update_ps, spike_ps, packet_out_ps, input_ps, link_ps;
    uint8_t replicates; /* routers copy packets: the sender pays once per spike */
    nc_step_noc noc;
} nc_machine;

/* What one step's activity is: bit k % 8 of byte k / 8 is element k; NULL where a population is idle. */
typedef struct {
    const uint8_t *spikes, *active;
} nc_step_input;

typedef struct {
    int64_t generate_ps; /* the slowest core's updates and sends, and its wait for the network to take its packets */
    int64_t process_ps; /* the last packet has been dealt with */
    int64_t link_ps; /* flits of the busiest link, one after the other */
    int64_t spikes, packets;
    int64_t routing_ps; /* what the network added to the step: on the way of the packet that the last core waited for */
    int64_t latency_ps; /* the longest time of a packet from being sent to its arrival */
    int64_t queue_ps; /* time that packets spent in their cores' queues, all together */
    int64_t stall_ps; /* time that cores were kept from ending by these queues, all together */
    int64_t most_sent; /* packets that the busiest source sent into the network */
} nc_step_result;

enum { NC_LATENCY_BINS = 54 * 1024 };

/* Sums over steps; each array is added to. The last two only where a network is modelled. */
typedef struct {
    int64_t *class_spikes; /* class_count */
    int64_t *mute_spikes; /* tile_count: spikes that nothing listens to */
    int64_t *tile_active; /* tile_count: neurons whose update was not a no-op */
    int64_t *core_packets; /* core_count: packets received */
    int64_t *core_busy_ps; /* core_count: the longer of sending and processing work of each step */
    int64_t *latencies; /* NC_LATENCY_BINS: packets by nc_latency_bin of their latency */
    int64_t *link_flits; /* per link of the network, as noc.h numbers them */
    int64_t *port_wait; /* per router and port */
} nc_step_totals;

/* Times in bins at most 1/1024 of the time wide: below 2048 each has its own, then 1024 to each factor of two. */
static inline int32_t nc_latency_bin(int64_t time_ps) {
    const int32_t high = time_ps < 2048 ? 0 : 53 - __builtin_clzll((uint64_t)time_ps);
    return (int32_t)(high * 1024 + (time_ps >> high));
}

typedef struct {
    int32_t tile, rank, route, active_before;
} nc_spike;

typedef struct {
    int64_t arrival_ps, service_ps, network_ps; /* network_ps: from being sent to arrival */
} nc_packet;

/* The packets of a step as the network sees them; packet_capacity entries each, delivery_ptr one more. */
typedef struct {
    int64_t *send_ps, *release, *inject, *arrival, *delivery_ptr;
    int64_t *place; /* per delivery: its packet in nc_step_work */
    int32_t *core, *source, *flits, *tree, *order;
    int32_t *sink, *cycles; /* per delivery */
    void *network; /* workspace of noc.h for packet_capacity packets, prepared, or of noc_event.h */
    int64_t packets, deliveries;
} nc_step_burst;

/* Work area for one thread; every array is overwritten. used_count, class_spikes: zero before the first step. */
typedef struct {
    int64_t spike_capacity, packet_capacity;
    nc_spike *spikes, *sorted; /* spike_capacity each */
    nc_packet *packets, *merged; /* packet_capacity each */
    int32_t *tile_active; /* tile_count */
    int64_t *tile_first; /* tile_count + 1 */
    int64_t *core_first, *core_put; /* core_count + 1 each */
    int64_t *link_load; /* link_count, zero before and after */
    int64_t *class_spikes; /* class_count: of this step */
    int32_t *used; /* class_count: the classes that spike in this step, in the order of their first spikes */
    int64_t used_count;
    int64_t *core_generate_ps; /* core_count */
    int64_t *core_left_ps; /* core_count: when the network has taken the last packet */
    nc_packet *waiting; /* packet_capacity; with a network only, like the burst */
    nc_step_burst burst;
} nc_step_work;

/* Checks sizes, index ranges and the longest possible step once, before any run. seen: tile_count bytes of scratch.
 * Of a network it does not check the trees: nc_noc_check_burst does, with a burst of one spike of each class. */
nc_status nc_machine_check(const nc_machine *m, uint8_t *seen);

/* One step. NC_ERR_CAPACITY: *needed_packets tells how large packet_capacity must be; nothing was added.
 * NC_ERR_SIZE: more spikes than spike_capacity; nothing was added. Bits beyond a population are ignored.
 * NC_ERR_STUCK: the network lost packets. */
nc_status nc_inference_step(const nc_machine *m, const nc_step_input *input, nc_step_work *work, nc_step_totals *totals,
                            nc_step_result *result, int64_t *needed_packets);

#endif
