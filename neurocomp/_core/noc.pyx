"""The typed face of csrc/noc.h: one network with one workspace; runs bursts without the GIL."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from neurocomp._core.status import raise_status


cdef int64_t _links(const nc_noc *net):
    return <int64_t>nc_noc_links(net) * nc_noc_routers(net)


cdef class Network:
    """A network and its work area; not to be used by two threads at once.

    wiring: width, height, cores_per_router, torus, router (neurocomp.fabric.router.Router), link_latency and
    link_interval (int32 per link, as csrc/noc.h numbers them), tree and halves as there.
    """

    def __cinit__(self, mesh, router, const int32_t[::1] link_latency, const int32_t[::1] link_interval,
                  bint tree=False, bint halves=False):
        cdef nc_noc *net = &self.net
        self.keep = [link_latency, link_interval]
        net.width, net.height, net.locals, net.torus = mesh.width, mesh.height, mesh.cores_per_router, mesh.torus
        net.vcs, net.depth, net.input_speedup = router.vcs, router.buffer_flits, router.input_speedup
        net.routing_delay, net.credit_delay = router.routing_delay, router.credit_delay
        net.speculative, net.tree, net.halves = router.speculative, tree, halves
        if link_latency.shape[0] != _links(net) or link_interval.shape[0] != link_latency.shape[0]:
            raise ValueError("link tables of the wrong length")
        net.link_latency, net.link_interval = &link_latency[0], &link_interval[0]
        raise_status(nc_noc_check(net), "noc")
        self.packet_capacity = -1

    def __dealloc__(self):
        free(self.workspace)

    cdef int _reserve(self, int64_t packets, int with_trees) except -1:
        cdef uint64_t size
        if packets <= self.packet_capacity and with_trees <= self.with_trees:
            return 0
        packets = max(packets, 2 * self.packet_capacity, 1024)
        with_trees = max(with_trees, self.with_trees)
        size = nc_noc_workspace(&self.net, packets, with_trees)
        free(self.workspace)
        self.packet_capacity = -1
        self.workspace = malloc(size) if size else NULL
        if self.workspace == NULL:
            raise MemoryError(f"a network that needs {size} bytes")
        nc_noc_prepare(&self.net, self.workspace, packets, with_trees)
        self.packet_capacity, self.with_trees = packets, with_trees
        return 0

    def check(self, tables):
        """Raise CoreError for a burst that cannot be run; tables: as for :meth:`run`."""
        cdef nc_noc_burst burst
        keep = _fill(&burst, tables)
        raise_status(nc_noc_check_burst(&self.net, &burst), "noc")
        del keep

    def run(self, tables, int64_t until=-1):
        """(drain, delivered, flit_hops, arrival, inject, link_flits, port_wait) of one burst, flit by flit.

        tables: the arrays of nc_noc_burst by name; forward, pointer and trees may be None. Raises CoreError
        where csrc/noc.h says so; until: stop before that cycle unless it is negative.
        """
        cdef nc_noc_burst burst
        cdef nc_noc_result result
        cdef nc_status status
        keep = _fill(&burst, tables)
        raise_status(nc_noc_check_burst(&self.net, &burst), "noc")
        self._reserve(burst.packet_count, burst.tree != NULL)
        arrays = self._results(&burst, &result)
        with nogil:
            status = nc_noc_run(&self.net, self.workspace, self.packet_capacity, self.with_trees, &burst, until,
                                &result)
        raise_status(status, "noc")
        del keep
        return result.drain, result.delivered, result.flit_hops, *arrays

    def run_events(self, tables, int64_t packet, int64_t eject_packet, int64_t inject_flit, int64_t eject_flit,
                   const int64_t[::1] link_flit):
        """The same by reservation (csrc/noc_event.h); the numbers are nc_noc_service."""
        cdef nc_noc_burst burst
        cdef nc_noc_result result
        cdef nc_noc_service service
        cdef nc_status status
        if link_flit.shape[0] != _links(&self.net):
            raise ValueError("link tables of the wrong length")
        keep = _fill(&burst, tables)
        raise_status(nc_noc_check_burst(&self.net, &burst), "noc")
        service.packet, service.eject_packet = packet, eject_packet
        service.inject_flit, service.eject_flit, service.link_flit = inject_flit, eject_flit, &link_flit[0]
        arrays = self._results(&burst, &result)
        cdef void *workspace = malloc(nc_noc_event_workspace(&self.net, burst.packet_count, burst.delivery_count))
        if workspace == NULL:
            raise MemoryError
        with nogil:
            status = nc_noc_event_run(&self.net, workspace, &service, &burst, &result)
        free(workspace)
        raise_status(status, "noc")
        del keep
        return result.drain, result.delivered, result.flit_hops, *arrays

    cdef tuple _results(self, const nc_noc_burst *burst, nc_noc_result *result):
        """Arrays for a run's results: arrival, inject, link_flits, port_wait."""
        cdef int64_t routers = nc_noc_routers(&self.net), links = nc_noc_links(&self.net)
        cdef int64_t[::1] arrival = np.empty(max(burst.delivery_count, 1), np.int64)
        cdef int64_t[::1] inject = np.empty(max(burst.packet_count, 1), np.int64)
        cdef int64_t[::1] link_flits = np.zeros(links * routers, np.int64)
        cdef int64_t[::1] port_wait = np.zeros((links + self.net.locals) * routers, np.int64)
        result.arrival, result.inject = &arrival[0], &inject[0]
        result.link_flits, result.port_wait = &link_flits[0], &port_wait[0]
        return (np.asarray(arrival)[:burst.delivery_count], np.asarray(inject)[:burst.packet_count],
                np.asarray(link_flits), np.asarray(port_wait))


cdef list _fill(nc_noc_burst *burst, tables):
    """Point a burst at the arrays of ``tables``; returns them, so that they live as long as the caller keeps them."""
    cdef const int32_t[::1] order = tables.order, source = tables.source, flits = tables.flits
    cdef const int64_t[::1] release = tables.release
    cdef const int32_t[::1] core = tables.destination
    cdef const uint8_t[::1] forward, traffic_class
    cdef const int64_t[::1] pointer
    cdef Py_ssize_t packets = release.shape[0]
    if not order.shape[0] == source.shape[0] == flits.shape[0] == packets:
        raise ValueError("packet tables of different lengths")
    burst.packet_count, burst.delivery_count = packets, core.shape[0]
    burst.order = &order[0] if packets else NULL
    burst.release = &release[0] if packets else NULL
    burst.source = &source[0] if packets else NULL
    burst.flits = &flits[0] if packets else NULL
    burst.delivery_core = &core[0] if core.shape[0] else NULL
    burst.classes, burst.traffic_class = 1, NULL
    burst.forward, burst.delivery_ptr, burst.tree = NULL, NULL, NULL
    burst.tree_count = 0
    keep = [order, source, flits, release, core]
    if tables.traffic_class is not None and packets:
        traffic_class = tables.traffic_class
        if traffic_class.shape[0] != packets:
            raise ValueError("packet tables of different lengths")
        burst.classes, burst.traffic_class = tables.classes, &traffic_class[0]
        keep.append(traffic_class)
    if tables.forward is not None and packets:
        forward = tables.forward
        if forward.shape[0] != packets:
            raise ValueError("packet tables of different lengths")
        burst.forward = &forward[0]
        keep.append(forward)
    if tables.pointer is not None:
        pointer = tables.pointer
        if pointer.shape[0] != packets + 1:
            raise ValueError("delivery tables of different lengths")
        burst.delivery_ptr = &pointer[0]
        keep.append(pointer)
    if tables.trees is not None and packets:
        keep.extend(_fill_trees(burst, tables.trees, packets))
    return keep


cdef list _fill_trees(nc_noc_burst *burst, trees, Py_ssize_t packets):
    cdef const int32_t[::1] tree = trees.tree, router = trees.router
    cdef const int64_t[::1] pointer = trees.pointer
    cdef const uint64_t[::1] ports = trees.ports
    cdef const uint8_t[::1] high = trees.high
    if (tree.shape[0] != packets or not router.shape[0] == ports.shape[0] == high.shape[0]
            or pointer.shape[0] < 2 or pointer[0] != 0 or pointer[pointer.shape[0] - 1] != router.shape[0]):
        raise ValueError("tree tables of different lengths")
    burst.tree_count = pointer.shape[0] - 1
    burst.tree, burst.tree_ptr, burst.tree_router = &tree[0], &pointer[0], &router[0]
    burst.tree_ports, burst.tree_high = &ports[0], &high[0]
    return [tree, router, pointer, ports, high]
