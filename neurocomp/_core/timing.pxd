"""What csrc/inference.h declares."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from neurocomp._core.noc cimport nc_noc, nc_noc_service

cdef extern from "inference.h" nogil:
    ctypedef struct nc_emitter:
        int32_t n
        const int32_t *tile
        const int32_t *rank
        const int32_t *route
        const int32_t *word_tile
    ctypedef struct nc_step_noc:
        const nc_noc *net
        const nc_noc_service *service
        int64_t cycle_ps
        uint8_t clocked
        int32_t flits
        const int32_t *core_source
        const int32_t *packet_sink
        const int32_t *packet_cycles
        const int32_t *class_tree
        int64_t tree_count
        const int64_t *tree_ptr
        const int32_t *tree_router
        const uint64_t *tree_ports
        const uint8_t *tree_high
    ctypedef struct nc_machine:
        int32_t emitter_count, tile_count, core_count, class_count, link_count
        const nc_emitter *emitters
        const int32_t *core_tile_ptr
        const int32_t *core_tile
        const int32_t *tile_size
        const uint8_t *tile_is_input
        const int64_t *packet_ptr
        const int32_t *packet_core
        const int64_t *packet_flight_ps
        const int64_t *packet_service_ps
        const int64_t *link_ptr
        const int32_t *link_id
        int64_t access_ps, update_ps, spike_ps, packet_out_ps, input_ps, link_ps
        uint8_t replicates
        nc_step_noc noc
    ctypedef struct nc_step_input:
        const uint8_t *spikes
        const uint8_t *active
    ctypedef struct nc_step_result:
        int64_t generate_ps, process_ps, link_ps, spikes, packets, routing_ps, latency_ps, queue_ps, stall_ps, most_sent
    enum:
        NC_LATENCY_BINS
    ctypedef struct nc_step_totals:
        int64_t *class_spikes
        int64_t *mute_spikes
        int64_t *tile_active
        int64_t *core_packets
        int64_t *core_busy_ps
        int64_t *latencies
        int64_t *link_flits
        int64_t *port_wait
    ctypedef struct nc_spike:
        int32_t tile
    ctypedef struct nc_packet:
        int64_t arrival_ps
    ctypedef struct nc_step_burst:
        int64_t *send_ps
        int64_t *release
        int64_t *inject
        int64_t *arrival
        int64_t *delivery_ptr
        int64_t *place
        int32_t *core
        int32_t *source
        int32_t *flits
        int32_t *tree
        int32_t *order
        int32_t *sink
        int32_t *cycles
        void *network
    ctypedef struct nc_step_work:
        int64_t spike_capacity, packet_capacity
        nc_spike *spikes
        nc_spike *sorted
        nc_packet *packets
        nc_packet *merged
        int32_t *tile_active
        int64_t *tile_first
        int64_t *core_first
        int64_t *core_put
        int64_t *link_load
        int64_t *class_spikes
        int32_t *used
        int64_t *core_generate_ps
        int64_t *core_left_ps
        nc_packet *waiting
        nc_step_burst burst
    ctypedef enum nc_status:
        NC_OK
        NC_ERR_CAPACITY
    nc_status nc_machine_check(const nc_machine *m, uint8_t *seen)
    nc_status nc_inference_step(const nc_machine *m, const nc_step_input *input, nc_step_work *work,
                                nc_step_totals *totals, nc_step_result *result, int64_t *needed_packets)
