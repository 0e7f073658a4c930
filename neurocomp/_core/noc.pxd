"""What csrc/noc.h declares, and the network that other parts of the core take."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "noc.h" nogil:
    ctypedef struct nc_noc:
        int32_t width, height, locals, torus, tree, halves
        int32_t vcs, depth, routing_delay, credit_delay, speculative, input_speedup
        const int32_t *link_latency
        const int32_t *link_interval
    ctypedef struct nc_noc_burst:
        int64_t packet_count, delivery_count
        const int32_t *order
        const int64_t *release
        const int32_t *source
        const int32_t *flits
        int32_t classes
        const uint8_t *traffic_class
        const uint8_t *forward
        const int64_t *delivery_ptr
        const int32_t *delivery_core
        const int32_t *tree
        int64_t tree_count
        const int64_t *tree_ptr
        const int32_t *tree_router
        const uint64_t *tree_ports
        const uint8_t *tree_high
    ctypedef struct nc_noc_result:
        int64_t *arrival
        int64_t *inject
        int64_t *link_flits
        int64_t *port_wait
        int64_t drain, delivered, flit_hops
    ctypedef int nc_status
    int32_t nc_noc_links(const nc_noc *net)
    int32_t nc_noc_routers(const nc_noc *net)
    nc_status nc_noc_check(const nc_noc *net)
    nc_status nc_noc_check_burst(const nc_noc *net, const nc_noc_burst *burst)
    uint64_t nc_noc_workspace(const nc_noc *net, int64_t packet_capacity, int with_trees)
    void nc_noc_prepare(const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees)
    nc_status nc_noc_run(const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees,
                         const nc_noc_burst *burst, int64_t until, nc_noc_result *result)

cdef extern from "noc_event.h" nogil:
    ctypedef struct nc_noc_service:
        int64_t packet, eject_packet, inject_flit, eject_flit
        const int64_t *link_flit
    uint64_t nc_noc_event_workspace(const nc_noc *net, int64_t packets, int64_t deliveries)
    nc_status nc_noc_event_run(const nc_noc *net, void *workspace, const nc_noc_service *service,
                               const nc_noc_burst *burst, nc_noc_result *result)


cdef class Network:
    cdef nc_noc net
    cdef void *workspace
    cdef int64_t packet_capacity
    cdef int with_trees
    cdef list keep
    cdef int _reserve(self, int64_t packets, int with_trees) except -1
    cdef tuple _results(self, const nc_noc_burst *burst, nc_noc_result *result)
