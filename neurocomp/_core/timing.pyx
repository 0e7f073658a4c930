"""The typed face of csrc/inference.h: runs ranges of chip steps without the GIL."""

from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from neurocomp._core.noc cimport (
    Network,
    nc_noc_event_workspace,
    nc_noc_links,
    nc_noc_prepare,
    nc_noc_routers,
    nc_noc_workspace,
)

from neurocomp._core.status import raise_status

RESULTS = 10  # columns of what Machine.run returns
LATENCY_BINS = NC_LATENCY_BINS


cdef class Machine


cdef class Work:
    """One thread's work area for a machine; the areas for packets grow when a step needs more."""

    cdef nc_step_work area
    cdef Machine machine
    cdef void *burst_memory

    def __cinit__(self, Machine machine, Py_ssize_t spikes):
        cdef nc_step_work *w = &self.area
        cdef Py_ssize_t tiles = machine.m.tile_count, cores = machine.m.core_count, links = machine.m.link_count
        cdef Py_ssize_t classes = machine.m.class_count
        self.machine = machine
        w.spike_capacity = spikes
        w.spikes = <nc_spike *>malloc(max(spikes, 1) * sizeof(nc_spike))
        w.sorted = <nc_spike *>malloc(max(spikes, 1) * sizeof(nc_spike))
        w.tile_active = <int32_t *>calloc(tiles, sizeof(int32_t))
        w.tile_first = <int64_t *>calloc(tiles + 1, sizeof(int64_t))
        w.core_first = <int64_t *>calloc(cores + 1, sizeof(int64_t))
        w.core_put = <int64_t *>calloc(cores + 1, sizeof(int64_t))
        w.core_generate_ps = <int64_t *>calloc(cores, sizeof(int64_t))
        w.core_left_ps = <int64_t *>calloc(cores, sizeof(int64_t))
        w.link_load = <int64_t *>calloc(max(links, 1), sizeof(int64_t))
        w.class_spikes = <int64_t *>calloc(max(classes, 1), sizeof(int64_t))
        w.used = <int32_t *>malloc(max(classes, 1) * sizeof(int32_t))
        if (w.spikes == NULL or w.sorted == NULL or w.tile_active == NULL or w.tile_first == NULL
                or w.core_first == NULL or w.core_put == NULL or w.core_generate_ps == NULL or w.core_left_ps == NULL
                or w.link_load == NULL or w.class_spikes == NULL or w.used == NULL):
            raise MemoryError
        self.grow(1024)

    cdef int grow(self, int64_t packets) except -1 nogil:
        cdef nc_step_work *w = &self.area
        w.packet_capacity = 0
        free(w.packets)
        free(w.merged)
        w.packets = <nc_packet *>malloc(packets * sizeof(nc_packet))
        w.merged = <nc_packet *>malloc(packets * sizeof(nc_packet))
        if w.packets == NULL or w.merged == NULL:
            with gil:
                raise MemoryError
        if self.machine.m.noc.net != NULL:
            self.grow_burst(packets)
        w.packet_capacity = packets
        return 0

    cdef int grow_burst(self, int64_t packets) except -1 nogil:
        cdef nc_step_noc *noc = &self.machine.m.noc
        cdef nc_step_burst *b = &self.area.burst
        cdef uint64_t size
        cdef int64_t *wide
        cdef int32_t *narrow
        if packets >= INT32_MAX // 2:
            with gil:
                raise MemoryError("more packets in a step than the network model can number")
        free(self.area.waiting)
        free(self.burst_memory)
        free(b.network)
        self.area.waiting = <nc_packet *>malloc(packets * sizeof(nc_packet))
        self.burst_memory = malloc((6 * packets + 1) * sizeof(int64_t) + 7 * packets * sizeof(int32_t))
        if noc.service == NULL:
            size = nc_noc_workspace(noc.net, packets, noc.tree_count > 0)
        else:
            size = nc_noc_event_workspace(noc.net, packets, packets)
        b.network = malloc(size) if size else NULL
        if self.area.waiting == NULL or self.burst_memory == NULL or b.network == NULL:
            with gil:
                raise MemoryError
        if noc.service == NULL:
            nc_noc_prepare(noc.net, b.network, packets, noc.tree_count > 0)
        wide = <int64_t *>self.burst_memory
        b.send_ps, b.release, b.inject, b.arrival = wide, wide + packets, wide + 2 * packets, wide + 3 * packets
        b.place, b.delivery_ptr = wide + 4 * packets, wide + 5 * packets
        b.delivery_ptr[0] = 0
        narrow = <int32_t *>(wide + 6 * packets + 1)
        b.core, b.source, b.flits, b.tree = narrow, narrow + packets, narrow + 2 * packets, narrow + 3 * packets
        b.order, b.sink, b.cycles = narrow + 4 * packets, narrow + 5 * packets, narrow + 6 * packets
        return 0

    def __dealloc__(self):
        cdef nc_step_work *w = &self.area
        free(w.spikes)
        free(w.sorted)
        free(w.packets)
        free(w.merged)
        free(w.waiting)
        free(w.tile_active)
        free(w.tile_first)
        free(w.core_first)
        free(w.core_put)
        free(w.core_generate_ps)
        free(w.core_left_ps)
        free(w.link_load)
        free(w.class_spikes)
        free(w.used)
        free(w.burst.network)
        free(self.burst_memory)


cdef class Machine:
    """A mapped network on a chip, ready to be timed. Holds references to the arrays that C points into."""

    cdef nc_machine m
    cdef nc_noc_service service
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
        if tables.network is not None:
            self._set_network(tables.network)
        cdef uint8_t[::1] seen = bytearray(self.m.tile_count)
        raise_status(nc_machine_check(&self.m, &seen[0]), "timing")

    def __dealloc__(self):
        free(self.emitters)

    cdef int _set_emitter(self, nc_emitter *e, tables) except -1:
        cdef const int32_t[::1] tile = tables.tile, rank = tables.rank, route = tables.route, words = tables.word_tile
        if tile.shape[0] < 1 or rank.shape[0] != tile.shape[0] or route.shape[0] != tile.shape[0]:
            raise ValueError("emitter tables of different lengths")
        if words.shape[0] != (tile.shape[0] + 63) // 64:
            raise ValueError("a table of words that does not suit the population")
        e.n = tile.shape[0]
        e.tile, e.rank, e.route, e.word_tile = &tile[0], &rank[0], &route[0], &words[0]
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

    cdef int _set_network(self, tables) except -1:
        cdef nc_step_noc *noc = &self.m.noc
        cdef Network network = tables.network
        cdef const int32_t[::1] source = tables.core_source, sink = tables.packet_sink, cycles = tables.packet_cycles
        cdef const int64_t[::1] link_flit
        if (source.shape[0] != self.m.core_count or sink.shape[0] != self.m.packet_ptr[self.m.class_count]
                or cycles.shape[0] != sink.shape[0]):
            raise ValueError("network tables of different lengths")
        self.keep.append(network)
        noc.net, noc.cycle_ps, noc.clocked, noc.flits = &network.net, tables.cycle_ps, tables.clocked, tables.flits
        noc.core_source = &source[0]
        if sink.shape[0]:
            noc.packet_sink, noc.packet_cycles = &sink[0], &cycles[0]
        if tables.service is not None:
            service = tables.service
            link_flit = service.link_flit
            if link_flit.shape[0] != nc_noc_links(noc.net) * nc_noc_routers(noc.net):
                raise ValueError("link tables of the wrong length")
            self.service.packet, self.service.eject_packet = service.packet, service.eject_packet
            self.service.inject_flit, self.service.eject_flit = service.inject_flit, service.eject_flit
            self.service.link_flit = &link_flit[0]
            noc.service = &self.service
        return self._set_trees(tables.class_tree, tables.trees)

    cdef int _set_trees(self, classes, trees) except -1:
        cdef nc_step_noc *noc = &self.m.noc
        cdef const int32_t[::1] class_tree = classes, router
        cdef const int64_t[::1] pointer
        cdef const uint64_t[::1] ports
        cdef const uint8_t[::1] high
        if class_tree.shape[0] != self.m.class_count:
            raise ValueError("network tables of different lengths")
        if class_tree.shape[0]:
            noc.class_tree = &class_tree[0]
        if trees is None:
            return 0
        router, pointer, ports, high = trees.router, trees.pointer, trees.ports, trees.high
        if (not router.shape[0] == ports.shape[0] == high.shape[0] or pointer.shape[0] < 2
                or pointer[pointer.shape[0] - 1] != router.shape[0]):
            raise ValueError("tree tables of different lengths")
        noc.tree_count = pointer.shape[0] - 1
        noc.tree_ptr, noc.tree_router, noc.tree_ports, noc.tree_high = &pointer[0], &router[0], &ports[0], &high[0]
        return 0

    def run(self, Work work, Py_ssize_t first, Py_ssize_t last, rows, offsets, int64_t[:, ::1] results, totals):
        """Time chip steps first..last.

        work: of this machine, made for as many spikes as a step can have. rows: per emitter (spikes, active or None),
        uint8 (network steps, bytes); row g belongs to chip step g + offset. results: (chip steps, RESULTS) receives the
        fields of nc_step_result. totals: int64 arrays (nc_step_totals), added to.
        """
        cdef nc_step_totals sums
        cdef nc_step_input *inputs
        cdef Py_ssize_t k
        if work.machine is not self or results.shape[1] != RESULTS or last > results.shape[0]:
            raise ValueError("a work area or results that do not belong to this machine")
        self._aim_totals(&sums, totals)
        inputs = <nc_step_input *>calloc(max(self.m.emitter_count, 1), sizeof(nc_step_input))
        try:
            if inputs == NULL:
                raise MemoryError
            for k in range(first, last):
                self._aim(inputs, rows, offsets, k)
                self._step(inputs, work, &sums, &results[k, 0])
        finally:
            free(inputs)

    cdef int _aim_totals(self, nc_step_totals *sums, totals) except -1:
        cdef int64_t[::1] class_spikes = totals[0], mute = totals[1], active = totals[2], got = totals[3]
        cdef int64_t[::1] busy = totals[4], latencies = totals[5], flits = totals[6], wait = totals[7]
        cdef const nc_noc *net = self.m.noc.net
        cdef Py_ssize_t routers = 0 if net == NULL else nc_noc_routers(net)
        cdef Py_ssize_t links = 0 if net == NULL else nc_noc_links(net)
        cdef Py_ssize_t ports = 0 if net == NULL else links + net.locals
        if (class_spikes.shape[0] < self.m.class_count or mute.shape[0] != self.m.tile_count
                or active.shape[0] != self.m.tile_count or got.shape[0] != self.m.core_count
                or busy.shape[0] != self.m.core_count or latencies.shape[0] != NC_LATENCY_BINS
                or flits.shape[0] != links * routers or wait.shape[0] != ports * routers):
            raise ValueError("total tables of the wrong length")
        sums.class_spikes = &class_spikes[0] if class_spikes.shape[0] else NULL
        sums.mute_spikes, sums.tile_active = &mute[0], &active[0]
        sums.core_packets, sums.core_busy_ps = &got[0], &busy[0]
        sums.latencies = &latencies[0]
        sums.link_flits = &flits[0] if routers else NULL
        sums.port_wait = &wait[0] if routers else NULL
        return 0

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

    cdef int _step(self, const nc_step_input *inputs, Work work, nc_step_totals *sums, int64_t *row) except -1:
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
        row[3], row[4], row[5], row[6] = result.spikes, result.packets, result.routing_ps, result.latency_ps
        row[7], row[8], row[9] = result.queue_ps, result.stall_ps, result.most_sent
        return 0
