"""The typed face of csrc/partition.h: hypergraphs, and parts of their vertices that change move by move."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

import numpy as np

from neurocomp._core.status import raise_status

COLUMNS = NC_COLUMNS


cdef class HyperCore:
    """A hypergraph, checked, with the nets of each vertex. Keeps the arrays it is given; they must not change."""

    cdef nc_hyper h
    cdef list keep
    cdef readonly object weight
    cdef object listed

    def __cinit__(self, const int64_t[::1] pin_ptr, const int32_t[::1] pin, const int32_t[::1] source,
                  const uint8_t[::1] memory, const int64_t[::1] amount, const int64_t[::1] traffic,
                  const uint8_t[::1] is_input, const int64_t[:, ::1] weight):
        cdef Py_ssize_t nets = source.shape[0], vertices = is_input.shape[0]
        cdef nc_status status
        if not nets == memory.shape[0] == amount.shape[0] == traffic.shape[0] == pin_ptr.shape[0] - 1:
            raise ValueError("net tables of different lengths")
        if pin_ptr[nets] != pin.shape[0] or weight.shape[0] != vertices or weight.shape[1] != NC_COLUMNS:
            raise ValueError("pins or weights of the wrong length")
        if nets >= 2**31 - 1 or vertices >= 2**31 - 1:
            raise ValueError("too many vertices or nets")
        self.keep = [pin_ptr, pin, source, memory, amount, traffic, is_input]
        self.weight = np.asarray(weight)
        self.h.vertices, self.h.nets = <int32_t>vertices, <int32_t>nets
        self.h.pin_ptr = &pin_ptr[0]
        self.h.pin = &pin[0] if pin.shape[0] else NULL
        if nets:
            self.h.source, self.h.memory = &source[0], &memory[0]
            self.h.amount, self.h.traffic = &amount[0], &traffic[0]
        if vertices:
            self.h.is_input, self.h.weight = &is_input[0], &weight[0, 0]
        with nogil:
            status = nc_hyper_check(&self.h)
        raise_status(status, "partition")
        self.listed = None

    cdef tuple _nets(self):
        """heard_ptr, heard, sent_ptr, sent: listed when they are first asked for."""
        if self.listed is None:
            self.listed = self._list_nets()
        return self.listed

    cdef tuple _list_nets(self):
        cdef int64_t[::1] heard_ptr = np.empty(self.h.vertices + 1, np.int64)
        cdef int64_t[::1] sent_ptr = np.empty(self.h.vertices + 1, np.int64)
        cdef int32_t[::1] heard = np.empty(max(1, self.h.pin_ptr[self.h.nets]), np.int32)
        cdef int32_t[::1] sent = np.empty(max(1, self.h.nets), np.int32)
        with nogil:
            nc_hyper_incidence(&self.h, &heard_ptr[0], &heard[0], &sent_ptr[0], &sent[0])
        return heard_ptr, heard, sent_ptr, sent

    def contract(self, const int32_t[::1] label, int32_t groups, bint fold):
        """(pin_ptr, pin, source, memory, amount, traffic, weight) with each group of vertices drawn together.

        label: int32 (vertices), 0 to groups - 1, also of inputs; see nc_hyper_contract.
        """
        cdef nc_contraction out
        cdef Py_ssize_t size = 2
        labels = np.asarray(label)
        if labels.shape[0] != self.h.vertices or (labels.size and not 0 <= labels.min() <= labels.max() < groups):
            raise ValueError("labels of the wrong length or range")
        while size <= 2 * self.h.nets:
            size *= 2
        cdef int64_t[::1] pin_ptr = np.empty(self.h.nets + 1, np.int64)
        cdef int32_t[::1] pin = np.empty(max(1, self.pins), np.int32)
        cdef int32_t[::1] source = np.empty(max(1, self.h.nets), np.int32)
        cdef uint8_t[::1] memory = np.empty(max(1, self.h.nets), np.uint8)
        cdef int64_t[::1] amount = np.empty(max(1, self.h.nets), np.int64)
        cdef int64_t[::1] traffic = np.empty(max(1, self.h.nets), np.int64)
        cdef int64_t[:, ::1] weight = np.empty((max(1, groups), NC_COLUMNS), np.int64)
        cdef int32_t[::1] mark = np.empty(max(1, groups), np.int32)
        cdef int32_t[::1] table = np.empty(size, np.int32)
        out.vertices, out.pin_ptr, out.pin, out.source = groups, &pin_ptr[0], &pin[0], &source[0]
        out.memory, out.amount, out.traffic = &memory[0], &amount[0], &traffic[0]
        out.weight, out.mark, out.table, out.table_mask = &weight[0, 0], &mark[0], &table[0], size - 1
        with nogil:
            nc_hyper_contract(&self.h, &label[0] if self.h.vertices else NULL, fold, &out)
        n, last = out.nets, pin_ptr[out.nets]
        return (np.asarray(pin_ptr)[:n + 1].copy(), np.asarray(pin)[:last].copy(), np.asarray(source)[:n].copy(),
                np.asarray(memory)[:n].copy(), np.asarray(amount)[:n].copy(), np.asarray(traffic)[:n].copy(),
                np.asarray(weight)[:groups])

    def weighing(self, const int64_t[:, ::1] weight):
        """The same hypergraph with other weights of the vertices."""
        return HyperCore(*self.keep, weight)

    def alone(self):
        """int64 (vertices, COLUMNS): what each vertex demands at least of a part, with any others or none."""
        cdef int64_t[:, ::1] demand = self.weight.copy()
        with nogil:
            nc_hyper_alone(&self.h, &demand[0, 0] if self.h.vertices else NULL)
        return np.asarray(demand)

    def net_arrays(self):
        """pin_ptr, pin, source, memory, amount, traffic, is_input, as they were given; not to be changed."""
        return tuple(np.asarray(array) for array in self.keep)

    def incident_traffic(self):
        """Traffic of a vertex' nets, on average over all vertices."""
        traffic = np.asarray(self.keep[5])
        pins = np.diff(np.asarray(self.keep[0])) + 1
        return float((traffic * pins.astype(np.float64)).sum() / max(1, self.h.vertices))

    @property
    def vertices(self):
        return self.h.vertices

    @property
    def nets(self):
        return self.h.nets

    @property
    def pins(self):
        return self.h.pin_ptr[self.h.nets]


cdef class PartitionCore:
    """Parts of a hypergraph's vertices, with volume and demands, kept exact from move to move."""

    cdef nc_partition s
    cdef HyperCore hyper
    cdef list keep
    cdef object part_array, demand_array

    def __cinit__(self, HyperCore hyper, int32_t parts, const int64_t[:, ::1] limit_weight,
                  const int64_t[::1] capacity, int64_t least_members, const int32_t[::1] part):
        if parts < 1 or limit_weight.shape[1] != NC_COLUMNS or limit_weight.shape[0] != capacity.shape[0]:
            raise ValueError("limits of the wrong shape")
        if capacity.shape[0] == 0 or part.shape[0] != hyper.h.vertices:
            raise ValueError("no limits, or parts of the wrong length")
        self.hyper = hyper
        self.s.h, self.s.parts, self.s.limits = &hyper.h, parts, <int32_t>capacity.shape[0]
        self.s.limit_weight, self.s.capacity = &limit_weight[0, 0], &capacity[0]
        self.s.least_members = least_members
        self.s.out_limited = bool(np.asarray(limit_weight)[:, 2].any())
        self.keep = [limit_weight, capacity]
        self._reserve(hyper, parts)
        self.load(part)

    cdef int64_t[::1] _long(self, int64_t count):
        cdef int64_t[::1] array = np.empty(max(1, count), np.int64)
        self.keep.append(array)
        return array

    cdef int32_t[::1] _int(self, int64_t count):
        cdef int32_t[::1] array = np.empty(max(1, count), np.int32)
        self.keep.append(array)
        return array

    cdef int _reserve(self, HyperCore hyper, int32_t parts) except -1:
        cdef int64_t[::1] heard_ptr, sent_ptr
        cdef int32_t[::1] heard, sent
        heard_ptr, heard, sent_ptr, sent = hyper._nets()
        cdef double[::1] score = np.empty(parts)
        cdef uint8_t[::1] active = np.empty(max(1, hyper.h.vertices), np.uint8)
        cdef int32_t[::1] part = self._int(hyper.h.vertices)
        cdef int64_t[::1] demand = self._long(<int64_t>parts * NC_COLUMNS)
        self.keep.extend([score, active, heard_ptr, heard, sent_ptr, sent])
        self.s.heard_ptr, self.s.heard = &heard_ptr[0], &heard[0]
        self.s.sent_ptr, self.s.sent = &sent_ptr[0], &sent[0]
        self.s.net = <nc_net *>&self._long(hyper.h.nets * <int64_t>sizeof(nc_net) // 8)[0]
        self.s.entry = <nc_entry *>&self._long(nc_partition_entries(&hyper.h, parts))[0]
        self.s.share = <nc_share *>&self._long(parts * <int64_t>sizeof(nc_share) // 8)[0]
        self.s.part, self.s.demand = &part[0], &demand[0]
        self.s.next = &self._int(hyper.h.vertices)[0]
        self.s.previous = &self._int(hyper.h.vertices)[0]
        self.s.first = &self._int(parts)[0]
        self.s.candidate = &self._int(parts)[0]
        self.s.score, self.s.active = &score[0], &active[0]
        self.s.out_change = &self._long(parts)[0]
        self.s.changed = &self._int(parts)[0]
        self.s.key = &self._long(hyper.h.vertices)[0]
        self.s.heap = &self._int(hyper.h.vertices)[0]
        self.s.place = &self._int(hyper.h.vertices)[0]
        self.part_array, self.demand_array = np.asarray(part), np.asarray(demand)
        return 0

    def load(self, const int32_t[::1] part):
        """Begin from these parts: int32 (vertices), -1 for vertices that are nowhere."""
        cdef nc_status status
        if part.shape[0] != self.s.h.vertices:
            raise ValueError("parts of the wrong length")
        self.part_array[:part.shape[0]] = part
        with nogil:
            status = nc_partition_check(&self.s)
            if status == 0:
                nc_partition_load(&self.s)
        raise_status(status, "partition")

    @property
    def part(self):
        """int32 (vertices), a copy."""
        return self.part_array[:self.s.h.vertices].copy()

    @property
    def demand(self):
        """int64 (parts, COLUMNS), a copy."""
        return self.demand_array.reshape(self.s.parts, NC_COLUMNS).copy()

    @property
    def parts(self):
        return self.s.parts

    @property
    def volume(self):
        return self.s.volume

    @property
    def visits(self):
        """Entries looked at since loading: the measure of work."""
        return self.s.visits

    def capsule(self):
        """The nc_partition itself, for other parts of the core; valid as long as this object lives."""
        return PyCapsule_New(&self.s, "nc_partition", NULL)

    cdef int _vertex(self, int64_t vertex, int64_t to) except -1:
        if not 0 <= vertex < self.s.h.vertices or self.s.h.is_input[vertex] or not -1 <= to < self.s.parts:
            raise IndexError(f"no move of vertex {vertex} to part {to}")
        return 0

    def move(self, int64_t vertex, int64_t to):
        self._vertex(vertex, to)
        nc_partition_move(&self.s, <int32_t>vertex, <int32_t>to)

    def gain(self, int64_t vertex, int64_t to):
        """(what the move takes from the volume, whether all parts hold it)."""
        self._vertex(vertex, to)
        nc_partition_scan(&self.s, <int32_t>vertex)
        return (nc_partition_gain(&self.s, <int32_t>vertex, <int32_t>to),
                bool(nc_partition_allowed(&self.s, <int32_t>vertex, <int32_t>to, 0)))

    def fits(self):
        """Whether every part fits a core."""
        cdef int32_t part
        for part in range(self.s.parts):
            if not nc_partition_fits(&self.s, part):
                return False
        return True

    cdef int _order(self, const int32_t[::1] order) except -1:
        taken = np.asarray(order)
        if taken.size and not (0 <= taken.min() and taken.max() < self.s.h.vertices):
            raise IndexError("an order of vertices that do not exist")
        if order.shape[0] == 0:
            return 0
        if np.unique(taken).size != taken.size or (self.part_array[taken] >= 0).any():
            raise ValueError("vertices in an order are nowhere, and in it once")
        if np.asarray(<const uint8_t[:self.s.h.vertices]>self.s.h.is_input)[taken].any():
            raise ValueError("an input in an order")
        return 0

    def fill(self, const int32_t[::1] order, int32_t level):
        cdef int32_t used
        self._order(order)
        with nogil:
            used = nc_partition_fill(&self.s, &order[0] if order.shape[0] else NULL, <int32_t>order.shape[0], level)
        return used

    def lay(self, const int32_t[::1] order):
        """(int32 (vertices), parts used, volume): what ``fill`` would make of this order up to the limits, if all were
        nowhere; the parts stay as they are. See nc_partition_lay."""
        cdef int32_t used
        cdef nc_laying l
        cdef int32_t[::1] part = np.empty(max(1, self.s.h.vertices), np.int32)
        cdef uint8_t[::1] nets = np.empty(max(1, self.s.h.nets) * sizeof(nc_laid), np.uint8)
        self._order(order)
        l.part, l.net = &part[0], <nc_laid *>&nets[0]
        with nogil:
            used = nc_partition_lay(&self.s, &order[0] if order.shape[0] else NULL, <int32_t>order.shape[0], &l)
        return np.asarray(part)[:self.s.h.vertices], used, l.volume

    def grow(self, const int32_t[::1] order, int32_t level):
        cdef int32_t used
        self._order(order)
        with nogil:
            used = nc_partition_grow(&self.s, &order[0] if order.shape[0] else NULL, <int32_t>order.shape[0], level)
        return used

    def repair(self, int64_t visits):
        """Number of vertices that are nowhere and of parts that break a limit, in the end, after so much work."""
        cdef int32_t wrong
        with nogil:
            wrong = nc_partition_repair(&self.s, visits)
        return wrong

    def settle(self, int64_t work, uint64_t seed):
        """Number of parts that break a limit after a search for parts that do not, whatever the volume."""
        cdef int32_t wrong
        with nogil:
            wrong = nc_partition_settle(&self.s, work, seed)
        return wrong

    def sweep(self, double temperature, int32_t swaps, int64_t most_visits, uint64_t seed, uint64_t count):
        """(moves, random numbers used up to here); see nc_partition_sweep."""
        cdef nc_sweep sweep
        cdef nc_rng rng
        cdef int64_t moves
        sweep.temperature, sweep.swaps, sweep.most_visits = temperature, swaps, most_visits
        rng.seed, rng.count = seed, count
        with nogil:
            moves = nc_partition_sweep(&self.s, &sweep, &rng)
        return moves, rng.count

    def cluster(self, const int64_t[::1] bound, int32_t fewest, int64_t most_pins, uint64_t seed, bint within):
        """int32 (vertices): a vertex of the group that each belongs to; see nc_hyper_cluster.

        bound: the most that a group uses of each limit. within: groups lie within the present parts.
        """
        cdef nc_clustering c
        cdef nc_rng rng
        if bound.shape[0] != self.s.limits:
            raise ValueError("bounds of the wrong length")
        cdef Py_ssize_t n = max(1, self.s.h.vertices)
        cdef int64_t[:, ::1] weight = np.ascontiguousarray(self.hyper.weight).copy()
        cdef uint8_t[::1] rated = np.empty(n * sizeof(nc_rated), np.uint8)
        cdef int32_t[::1] label = np.empty(n, np.int32), found = np.empty(n, np.int32)
        cdef uint8_t[::1] joined = np.empty(n, np.uint8)
        rng.seed, rng.count = seed, 0
        c.bounds, c.bound_weight, c.bound = self.s.limits, self.s.limit_weight, &bound[0]
        c.part = self.s.part if within else NULL
        c.fewest, c.most_pins, c.rng = fewest, most_pins, &rng
        c.label, c.rated, c.found = &label[0], <nc_rated *>&rated[0], &found[0]
        c.weight = &weight[0, 0] if self.s.h.vertices else NULL
        c.joined = &joined[0]
        with nogil:
            nc_hyper_cluster(&self.s, &c)
        return np.asarray(label)[:self.s.h.vertices]

    def graph(self):
        """(pointer, neighbour, weight) of the graph of senders and listeners."""
        cdef int64_t[::1] pointer = np.empty(self.s.h.vertices + 1, np.int64)
        cdef int64_t[::1] mark = np.full(max(1, self.s.h.vertices), -1, np.int64)
        cdef int32_t[::1] neighbour
        cdef int64_t[::1] weight
        with nogil:
            nc_hyper_graph(&self.s, &pointer[0], NULL, NULL, &mark[0])
        neighbour = np.empty(max(1, pointer[self.s.h.vertices]), np.int32)
        weight = np.empty(max(1, pointer[self.s.h.vertices]), np.int64)
        mark[:] = -1
        with nogil:
            nc_hyper_graph(&self.s, &pointer[0], &neighbour[0], &weight[0], &mark[0])
        edges = pointer[self.s.h.vertices]
        return np.asarray(pointer), np.asarray(neighbour)[:edges], np.asarray(weight)[:edges]
