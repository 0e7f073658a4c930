"""The typed face of csrc/inference.c: runs ranges of chip steps without the GIL."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc

from neurocomp._core.status import raise_status


cdef extern from "inference.h" nogil:
    ctypedef struct nc_emitter:
        int32_t n
        const int32_t *tile
        const int32_t *rank
        const int32_t *route
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
    ctypedef struct nc_step_input:
        const uint8_t *spikes
        const uint8_t *active
    ctypedef struct nc_step_result:
        int64_t generate_ps, process_ps, link_ps, spikes, packets
    ctypedef struct nc_step_totals:
        int64_t *class_spikes
        int64_t *mute_spikes
        int64_t *tile_active
        int64_t *core_packets
        int64_t *core_busy_ps
    ctypedef struct nc_spike:
        int32_t tile
    ctypedef struct nc_packet:
        int64_t arrival_ps
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
        int64_t *core_generate_ps
    ctypedef enum nc_status:
        NC_OK
        NC_ERR_CAPACITY
    nc_status nc_machine_check(const nc_machine *m, uint8_t *seen)
    nc_status nc_inference_step(const nc_machine *m, const nc_step_input *input, nc_step_work *work,
                                nc_step_totals *totals, nc_step_result *result, int64_t *needed_packets)


cdef class _Work:
    """One thread's work area; the packet area grows when a step needs more."""

    cdef nc_step_work area

    def __cinit__(self, Py_ssize_t tiles, Py_ssize_t cores, Py_ssize_t links, Py_ssize_t spikes):
        cdef nc_step_work *w = &self.area
        w.spike_capacity = spikes
        w.spikes = <nc_spike *>malloc(max(spikes, 1) * sizeof(nc_spike))
        w.sorted = <nc_spike *>malloc(max(spikes, 1) * sizeof(nc_spike))
        w.tile_active = <int32_t *>calloc(tiles, sizeof(int32_t))
        w.tile_first = <int64_t *>calloc(tiles + 1, sizeof(int64_t))
        w.core_first = <int64_t *>calloc(cores + 1, sizeof(int64_t))
        w.core_put = <int64_t *>calloc(cores + 1, sizeof(int64_t))
        w.core_generate_ps = <int64_t *>calloc(cores, sizeof(int64_t))
        w.link_load = <int64_t *>calloc(max(links, 1), sizeof(int64_t))
        if (w.spikes == NULL or w.sorted == NULL or w.tile_active == NULL or w.tile_first == NULL
                or w.core_first == NULL or w.core_put == NULL or w.core_generate_ps == NULL or w.link_load == NULL):
            raise MemoryError
        self.grow(1024)

    cdef int grow(self, int64_t packets) except -1 nogil:
        free(self.area.packets)
        free(self.area.merged)
        self.area.packets = <nc_packet *>malloc(packets * sizeof(nc_packet))
        self.area.merged = <nc_packet *>malloc(packets * sizeof(nc_packet))
        self.area.packet_capacity = packets
        if self.area.packets == NULL or self.area.merged == NULL:
            with gil:
                raise MemoryError
        return 0

    def __dealloc__(self):
        cdef nc_step_work *w = &self.area
        free(w.spikes)
        free(w.sorted)
        free(w.packets)
        free(w.merged)
        free(w.tile_active)
        free(w.tile_first)
        free(w.core_first)
        free(w.core_put)
        free(w.core_generate_ps)
        free(w.link_load)


cdef class Machine:
    """A mapped network on a chip, ready to be timed. Holds references to the arrays that C points into."""

    cdef nc_machine m
    cdef nc_emitter *emitters
    cdef list keep

    def __cinit__(self, tables):
        cdef const int32_t[::1] core_tile_ptr = tables.core_tile_ptr, core_tile = tables.core_tile
        cdef const int32_t[::1] tile_size = tables.tile_size
        cdef const uint8_t[::1] tile_is_input = tables.tile_is_input
        self.keep = [tables]
        self.emitters = <nc_emitter *>calloc(max(len(tables.emitters), 1), sizeof(nc_emitter))
        if self.emitters == NULL:
            raise MemoryError
        for k, emitter in enumerate(tables.emitters):
            self._set_emitter(&self.emitters[k], emitter)
        self.m.emitter_count = len(tables.emitters)
        self.m.emitters = self.emitters
        self.m.tile_count = tile_size.shape[0]
        self.m.core_count = core_tile_ptr.shape[0] - 1
        if core_tile.shape[0] != self.m.tile_count or tile_is_input.shape[0] != self.m.tile_count:
            raise ValueError("tile tables of different lengths")
        if self.m.tile_count < 1 or self.m.core_count < 1:
            raise ValueError("a machine without tiles or cores")
        self.m.core_tile_ptr = &core_tile_ptr[0]
        self.m.core_tile = &core_tile[0]
        self.m.tile_size = &tile_size[0]
        self.m.tile_is_input = &tile_is_input[0]
        self._set_routes(tables)
        self._set_costs(tables.costs)
        cdef uint8_t[::1] seen = bytearray(self.m.tile_count)
        raise_status(nc_machine_check(&self.m, &seen[0]), "timing")

    def __dealloc__(self):
        free(self.emitters)

    cdef int _set_emitter(self, nc_emitter *e, tables) except -1:
        cdef const int32_t[::1] tile = tables.tile, rank = tables.rank, route = tables.route
        if tile.shape[0] < 1 or rank.shape[0] != tile.shape[0] or route.shape[0] != tile.shape[0]:
            raise ValueError("emitter tables of different lengths")
        e.n = tile.shape[0]
        e.tile, e.rank, e.route = &tile[0], &rank[0], &route[0]
        return 0

    cdef int _set_routes(self, tables) except -1:
        cdef const int64_t[::1] packet_ptr = tables.packet_ptr, link_ptr = tables.link_ptr
        cdef const int64_t[::1] flight = tables.packet_flight_ps, service = tables.packet_service_ps
        cdef const int32_t[::1] core = tables.packet_core, link = tables.link_id
        self.m.class_count = packet_ptr.shape[0] - 1
        self.m.link_count = tables.link_count
        if link_ptr.shape[0] != packet_ptr.shape[0] or link.shape[0] != tables.link_ptr[self.m.class_count]:
            raise ValueError("link tables of different lengths")
        if not core.shape[0] == flight.shape[0] == service.shape[0] == tables.packet_ptr[self.m.class_count]:
            raise ValueError("packet tables of different lengths")
        self.m.packet_ptr, self.m.link_ptr = &packet_ptr[0], &link_ptr[0]
        if core.shape[0]:
            self.m.packet_core = &core[0]
            self.m.packet_flight_ps, self.m.packet_service_ps = &flight[0], &service[0]
        if link.shape[0]:
            self.m.link_id = &link[0]
        return 0

    cdef int _set_costs(self, costs) except -1:
        self.m.access_ps, self.m.update_ps, self.m.spike_ps = costs.access_ps, costs.update_ps, costs.spike_ps
        self.m.packet_out_ps, self.m.input_ps, self.m.link_ps = costs.packet_out_ps, costs.input_ps, costs.link_ps
        self.m.replicates = costs.replicates
        return 0

    def run(self, Py_ssize_t first, Py_ssize_t last, rows, offsets, Py_ssize_t most_spikes,
            int64_t[:, ::1] results, totals):
        """Time chip steps first..last.

        rows: per emitter (spikes, active or None), uint8 (network steps, bytes); row g belongs to chip step
        g + offset. most_spikes: no step has more. results: (chip steps, 5) receives generate_ps, process_ps,
        link_ps, spikes, packets. totals: five int64 arrays (csrc nc_step_totals), added to.
        """
        cdef _Work work = _Work(self.m.tile_count, self.m.core_count, self.m.link_count, most_spikes)
        cdef int64_t[::1] class_spikes = totals[0], mute = totals[1], active = totals[2], got = totals[3]
        cdef int64_t[::1] busy = totals[4]
        cdef nc_step_totals sums
        cdef nc_step_input *inputs = <nc_step_input *>calloc(max(self.m.emitter_count, 1), sizeof(nc_step_input))
        cdef Py_ssize_t k
        if (class_spikes.shape[0] < self.m.class_count or mute.shape[0] != self.m.tile_count
                or active.shape[0] != self.m.tile_count or got.shape[0] != self.m.core_count
                or busy.shape[0] != self.m.core_count or results.shape[1] != 5 or last > results.shape[0]):
            free(inputs)
            raise ValueError("total tables of the wrong length")
        sums.class_spikes = &class_spikes[0] if class_spikes.shape[0] else NULL
        sums.mute_spikes, sums.tile_active = &mute[0], &active[0]
        sums.core_packets, sums.core_busy_ps = &got[0], &busy[0]
        try:
            if inputs == NULL:
                raise MemoryError
            for k in range(first, last):
                self._aim(inputs, rows, offsets, k)
                self._step(inputs, work, &sums, &results[k, 0])
        finally:
            free(inputs)

    cdef int _aim(self, nc_step_input *inputs, rows, offsets, Py_ssize_t k) except -1:
        cdef const uint8_t[:, ::1] spikes, active
        cdef Py_ssize_t e, at, bytes_needed
        for e in range(self.m.emitter_count):
            spikes = rows[e][0]
            at = k - <Py_ssize_t>offsets[e]
            bytes_needed = (self.emitters[e].n + 7) // 8
            inputs[e].spikes = inputs[e].active = NULL
            if spikes.shape[1] != bytes_needed:
                raise ValueError("a trace whose rows do not suit the population")
            if at < 0 or at >= spikes.shape[0]:
                continue
            inputs[e].spikes = &spikes[at, 0]
            if rows[e][1] is not None:
                active = rows[e][1]
                if active.shape[0] != spikes.shape[0] or active.shape[1] != bytes_needed:
                    raise ValueError("a trace whose rows do not suit the population")
                inputs[e].active = &active[at, 0]
        return 0

    cdef int _step(self, const nc_step_input *inputs, _Work work, nc_step_totals *sums, int64_t *row) except -1:
        cdef nc_step_result result
        cdef int64_t needed = 0
        cdef nc_status status
        with nogil:
            status = nc_inference_step(&self.m, inputs, &work.area, sums, &result, &needed)
            if status == NC_ERR_CAPACITY:
                work.grow(needed + needed // 2)
                status = nc_inference_step(&self.m, inputs, &work.area, sums, &result, &needed)
        raise_status(status, "timing")
        row[0], row[1], row[2] = result.generate_ps, result.process_ps, result.link_ps
        row[3], row[4] = result.spikes, result.packets
        return 0
