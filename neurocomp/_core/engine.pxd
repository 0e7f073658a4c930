"""What csrc/network.h declares."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "network.h" nogil:
    ctypedef struct nc_neurons:
        int32_t n, period
        int32_t reset, reset_next, strict, output, max_count, refractory, has_current
        int32_t decay_bits
        int64_t state_limit
        const void *v_decay
        const void *v_gain
        const void *i_decay
        const void *i_gain
        const void *leak
        const void *threshold
        const void *v_reset
        const void *v_init
        int32_t general, adapts, current_next, reset_current, nearest, powers, is_signed
        const void *extra[11]
    ctypedef struct nc_population:
        int32_t kind, n, width, history, first, last, shift, held_shift, held_limit
        int64_t place
        const void *bias
        int32_t bias_period
        nc_neurons neurons
    ctypedef struct nc_projection:
        int32_t kind, source, target, delay, n_source, n_target
        int32_t c_in, h_in, w_in, c_out, h_out, w_out
        int32_t kh, kw, stride_y, stride_x, pad_y, pad_x, dilation_y, dilation_x, groups
        int32_t block, batch, rows, inner, columns
        const void *weight
        const void *scale
        int32_t scale_count
        const int64_t *indptr
        const int32_t *indices
        const int32_t *scatter
    ctypedef enum nc_projection_kind:
        NC_DENSE
        NC_DEPTHWISE
        NC_ONE_TO_ONE
        NC_SPARSE
        NC_LEFT
        NC_RIGHT
        NC_HOST
    ctypedef enum nc_status:
        NC_OK
        NC_ERR_KIND
    ctypedef nc_status (*nc_host)(void *context, int32_t projection, const void *source, void *target) noexcept nogil
    ctypedef struct nc_network:
        int32_t population_count, projection_count
        const nc_population *populations
        const nc_projection *projections
        nc_host host
        void *context
        int64_t pool
        int64_t least_work
    ctypedef struct nc_feed:
        const void *values
        int64_t stride
    ctypedef struct nc_record:
        uint8_t *spikes
        uint8_t *active
        void *values
        void *nonzero
        int32_t nonzero_bytes
        int64_t *products
    ctypedef enum nc_extra:
        NC_EXTRAS
    nc_status nc_network_check(const nc_network *net)
    uint64_t nc_network_workspace(const nc_network *net)
    nc_status nc_network_prepare_f32(const nc_network *net, void *workspace, int32_t parts)
    nc_status nc_network_prepare_i32(const nc_network *net, void *workspace, int32_t parts)
    nc_status nc_network_run_f32(const nc_network *net, void *workspace, const nc_feed *feeds, int32_t steps,
                                 const nc_record *records, int32_t part)
    nc_status nc_network_run_i32(const nc_network *net, void *workspace, const nc_feed *feeds, int32_t steps,
                                 const nc_record *records, int32_t part)
    void nc_network_abandon(void *workspace)
    int64_t nc_network_saturations(const void *workspace)
