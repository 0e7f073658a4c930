"""What csrc/partition.h and its neighbours declare."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "rng.h" nogil:
    ctypedef struct nc_rng:
        uint64_t seed, count

cdef extern from "partition.h" nogil:
    const int NC_COLUMNS
    ctypedef struct nc_hyper:
        int32_t vertices, nets
        const int64_t *pin_ptr
        const int32_t *pin
        const int32_t *source
        const uint8_t *memory
        const int64_t *amount
        const int64_t *traffic
        const uint8_t *is_input
        const int64_t *weight
    ctypedef struct nc_entry:
        int32_t part, count
    ctypedef struct nc_net:
        int64_t first
    ctypedef struct nc_share:
        int64_t affinity
    ctypedef struct nc_sweep:
        double temperature
        int32_t swaps
        int64_t most_visits
    ctypedef struct nc_partition:
        const nc_hyper *h
        int32_t parts, limits
        const int64_t *limit_weight
        const int64_t *capacity
        int64_t least_members
        int32_t out_limited
        int64_t *heard_ptr
        int64_t *sent_ptr
        int32_t *heard
        int32_t *sent
        nc_net *net
        nc_entry *entry
        int32_t *part
        int32_t *next
        int32_t *previous
        int32_t *first
        int64_t *demand
        int64_t volume, visits
        nc_share *share
        int32_t *candidate
        double *score
        int32_t candidates
        int64_t *out_change
        int32_t *changed
        int64_t *key
        int32_t *heap
        int32_t *place
        uint8_t *active
    ctypedef int nc_status
    nc_status nc_hyper_check(const nc_hyper *h)
    nc_status nc_partition_check(const nc_partition *s)
    int64_t nc_partition_entries(const nc_hyper *h, int32_t parts)
    void nc_hyper_incidence(const nc_hyper *h, int64_t *heard_ptr, int32_t *heard, int64_t *sent_ptr, int32_t *sent)
    void nc_hyper_alone(const nc_hyper *h, int64_t *demand)
    void nc_partition_load(nc_partition *s)
    void nc_partition_move(nc_partition *s, int32_t vertex, int32_t to)
    void nc_partition_scan(nc_partition *s, int32_t vertex)
    int64_t nc_partition_gain(const nc_partition *s, int32_t vertex, int32_t to)
    int nc_partition_allowed(nc_partition *s, int32_t vertex, int32_t to, int ignore_to)
    int nc_partition_fits(const nc_partition *s, int32_t part)
    int32_t nc_partition_fill(nc_partition *s, const int32_t *order, int32_t count, int32_t level)
    int32_t nc_partition_grow(nc_partition *s, const int32_t *order, int32_t count, int32_t level)
    int32_t nc_partition_repair(nc_partition *s, int64_t visits)
    int32_t nc_partition_settle(nc_partition *s, int64_t work, uint64_t seed)
    int64_t nc_partition_sweep(nc_partition *s, const nc_sweep *sweep, nc_rng *rng)
    void nc_hyper_graph(const nc_partition *s, int64_t *neighbour_ptr, int32_t *neighbour, int64_t *weight,
                        int64_t *mark)

cdef extern from "partition_cluster.h" nogil:
    ctypedef struct nc_rated:
        int64_t rating
    ctypedef struct nc_clustering:
        int32_t bounds
        const int64_t *bound_weight
        const int64_t *bound
        const int32_t *part
        int32_t fewest
        int64_t most_pins
        nc_rng *rng
        int32_t *label
        int64_t *weight
        nc_rated *rated
        int32_t *found
        uint8_t *joined
    int32_t nc_hyper_cluster(const nc_partition *s, nc_clustering *c)

cdef extern from "partition_contract.h" nogil:
    ctypedef struct nc_contraction:
        int32_t vertices, nets
        int64_t *pin_ptr
        int32_t *pin
        int32_t *source
        uint8_t *memory
        int64_t *amount
        int64_t *traffic
        int64_t *weight
        int32_t *mark
        int32_t *table
        uint64_t table_mask
    void nc_hyper_contract(const nc_hyper *h, const int32_t *label, int fold, nc_contraction *out)

cdef extern from "partition_lay.h" nogil:
    ctypedef struct nc_laid:
        int64_t traffic
    ctypedef struct nc_laying:
        int32_t *part
        nc_laid *net
        int64_t volume
    int32_t nc_partition_lay(const nc_partition *s, const int32_t *order, int32_t count, nc_laying *l)
