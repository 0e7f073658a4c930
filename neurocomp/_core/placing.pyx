"""The typed face of csrc/place.h: a fabric with the nets or the flows between parts, searched without the GIL."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from neurocomp._core.partition cimport nc_partition

from neurocomp._core.status import raise_status


cdef extern from "place.h" nogil:
    ctypedef struct nc_place_fabric:
        int32_t width, height, per_router, torus, tree, input_router
        const int32_t *column_cost
        const int32_t *row_cost
    ctypedef struct nc_place_nets:
        int32_t part_count, net_count
        const int32_t *source
        const int64_t *traffic
        const int64_t *pin_ptr
        const int32_t *pin
        const int64_t *touch_ptr
        const int32_t *touch
    ctypedef struct nc_place_flows:
        int32_t part_count
        const int64_t *ptr
        const int32_t *other
        const int64_t *flow
        const int64_t *input
    ctypedef struct nc_place_state:
        int32_t *core
        const uint8_t *held
        const uint8_t *open
    ctypedef struct nc_place_schedule:
        uint64_t seed
        int64_t work
        double hot
        int32_t window
        double congestion
        int32_t swept
    ctypedef int nc_status
    nc_status nc_place_check_fabric(const nc_place_fabric *fabric)
    nc_status nc_place_check_nets(const nc_place_nets *nets)
    nc_status nc_place_check_flows(const nc_place_flows *flows)
    nc_status nc_place_check_state(const nc_place_fabric *fabric, int32_t part_count, const nc_place_state *state)
    uint64_t nc_place_trees_workspace(const nc_place_fabric *fabric, const nc_place_nets *nets)
    uint64_t nc_place_pairs_workspace(const nc_place_fabric *fabric, const nc_place_flows *flows)
    int64_t nc_place_cost(const nc_place_fabric *fabric, const nc_place_nets *nets, const nc_place_state *state,
                          void *workspace, int64_t *load)
    void nc_place_pairs(const nc_place_fabric *fabric, const nc_place_flows *flows, const nc_place_state *state,
                        const nc_place_schedule *schedule, void *workspace)
    void nc_place_trees(const nc_place_fabric *fabric, const nc_place_nets *nets, const nc_place_state *state,
                        const nc_place_schedule *schedule, void *workspace)
    int32_t nc_place_lanczos(const nc_place_flows *flows, int32_t steps, double *basis, double *diagonal,
                             double *beside, double *root)


cdef extern from "place_joint.h" nogil:
    ctypedef struct nc_place_joint:
        const nc_place_fabric *fabric
        nc_partition *parts
        const int32_t *core
        const int32_t *movable
        int32_t movable_count
    uint64_t nc_place_joint_workspace(const nc_place_joint *joint)
    const int NC_PLACE_REACH
    const int NC_PLACE_AROUND
    void nc_place_joint_rows(const nc_place_joint *joint, void *workspace, float *rows)
    int64_t nc_place_joint_cost(const nc_place_joint *joint, void *workspace, int64_t *load)
    void nc_place_joint_run(const nc_place_joint *joint, const nc_place_schedule *schedule, void *workspace)


cdef int _pointer_ends(const int64_t[::1] pointer, Py_ssize_t rows, Py_ssize_t entries) except -1:
    if pointer.shape[0] != rows + 1 or pointer[rows] != entries:
        raise ValueError("tables of different lengths")
    return 0


cdef list _set_fabric(nc_place_fabric *f, fabric):
    """Point at the arrays of a Fabric; returns what has to be kept."""
    mesh = fabric.mesh
    cdef const int32_t[::1] columns = np.ascontiguousarray(fabric.column_cost, np.int32)
    cdef const int32_t[::1] rows = np.ascontiguousarray(fabric.row_cost, np.int32)
    f.width, f.height, f.per_router, f.torus = mesh.width, mesh.height, mesh.cores_per_router, mesh.torus
    f.tree, f.input_router = fabric.tree, fabric.input_router
    if columns.shape[0] != f.width or rows.shape[0] != f.height:
        raise ValueError("link tables of the wrong length")
    f.column_cost, f.row_cost = &columns[0], &rows[0]
    raise_status(nc_place_check_fabric(f), "placing")
    return [columns, rows]


cdef class Joint:
    """Parts (a PartitionCore, in which every part fits) on cores; vertices move between them.

    core: int (parts), all different. movable: int (vertices that may move), ascending.
    """

    cdef nc_place_fabric fabric
    cdef nc_place_joint joint
    cdef list keep
    cdef void *workspace

    def __cinit__(self, fabric, parts, core, movable):
        self.keep = [*_set_fabric(&self.fabric, fabric), parts]
        cdef nc_partition *s = <nc_partition *>PyCapsule_GetPointer(parts.capsule(), "nc_partition")
        cdef const int32_t[::1] cores = np.ascontiguousarray(core, np.int32)
        cdef const int32_t[::1] moved = np.ascontiguousarray(movable, np.int32)
        slots = fabric.mesh.core_slots
        if cores.shape[0] != s.parts or not np.isin(core, np.arange(slots)).all() or np.unique(core).size != s.parts:
            raise ValueError("parts need cores of their own")
        if moved.shape[0] and (np.diff(movable) <= 0).any():
            raise ValueError("vertices out of order")
        if (parts.part[np.asarray(movable)] < 0).any():
            raise ValueError("vertices that are nowhere cannot move")
        self.keep += [cores, moved]
        self.joint.fabric, self.joint.parts, self.joint.core = &self.fabric, s, &cores[0]
        self.joint.movable = &moved[0] if moved.shape[0] else NULL
        self.joint.movable_count = <int32_t>moved.shape[0]
        self.workspace = malloc(nc_place_joint_workspace(&self.joint))
        if self.workspace == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.workspace)

    def cost(self):
        """(traffic times cost of all links, the same per link as int64 (link slots))."""
        cdef int64_t[::1] load = np.empty(4 * self.fabric.width * self.fabric.height, np.int64)
        cdef int64_t total
        with nogil:
            total = nc_place_joint_cost(&self.joint, self.workspace, &load[0])
        return total, np.asarray(load)

    def rows(self):
        """float32 (vertices, columns, rows): how much the cost grows if each vertex that may move goes so many routers
        east and south; 0 for others. In the middle it stays. Not on a torus."""
        cdef Py_ssize_t side = 2 * NC_PLACE_REACH + 1, vertices = len(self.keep[2].part)
        cdef float[:, ::1] rows = np.zeros((vertices, NC_PLACE_AROUND), np.float32)
        if self.fabric.torus:
            raise ValueError("no rows on a torus")
        with nogil:
            nc_place_joint_rows(&self.joint, self.workspace, &rows[0, 0])
        return np.asarray(rows).reshape(vertices, side, side)

    def run(self, uint64_t seed, int64_t work, double hot, int32_t window, double congestion=0.0, bint swept=False):
        """Improve the parts in place. The arguments are nc_place_schedule."""
        cdef nc_place_schedule schedule
        schedule.seed, schedule.work, schedule.hot, schedule.window = seed, work, hot, window
        schedule.congestion, schedule.swept = congestion, swept
        with nogil:
            nc_place_joint_run(&self.joint, &schedule, self.workspace)


cdef class Board:
    """Parts and cores, once checked; a search starts from given cores and returns others.

    fabric: a Fabric. nets: PlacedNets (neurocomp.mapping.placing.nets). held: bool (parts), stays on its core.
    """

    cdef nc_place_fabric fabric
    cdef nc_place_nets nets
    cdef nc_place_flows flows
    cdef list keep
    cdef object held
    cdef object open

    def __cinit__(self, fabric, nets, held):
        self.keep = _set_fabric(&self.fabric, fabric)
        self.held = np.ascontiguousarray(held, np.uint8)
        self.open = np.zeros(fabric.mesh.core_slots, np.uint8)
        self.open[fabric.usable] = 1
        self._set_nets(nets)
        self._set_flows(nets)

    cdef int _set_nets(self, tables) except -1:
        cdef nc_place_nets *n = &self.nets
        cdef const int32_t[::1] source = tables.source, pin = tables.pin, touch = tables.touch
        cdef const int64_t[::1] traffic = tables.traffic, pin_ptr = tables.pin_ptr, touch_ptr = tables.touch_ptr
        n.part_count, n.net_count = tables.parts, source.shape[0]
        if traffic.shape[0] != n.net_count or len(self.held) != n.part_count:
            raise ValueError("tables of different lengths")
        _pointer_ends(pin_ptr, n.net_count, pin.shape[0])
        _pointer_ends(touch_ptr, n.part_count, touch.shape[0])
        if n.net_count:
            n.source, n.traffic = &source[0], &traffic[0]
        if pin.shape[0]:
            n.pin = &pin[0]
        if touch.shape[0]:
            n.touch = &touch[0]
        n.pin_ptr, n.touch_ptr = &pin_ptr[0], &touch_ptr[0]
        raise_status(nc_place_check_nets(n), "placing")
        self.keep += [source, pin, touch, traffic, pin_ptr, touch_ptr]
        return 0

    cdef int _set_flows(self, tables) except -1:
        cdef nc_place_flows *w = &self.flows
        cdef const int64_t[::1] ptr = tables.flow_ptr, flow = tables.flow, entering = tables.flow_input
        cdef const int32_t[::1] other = tables.flow_other
        w.part_count = tables.parts
        if other.shape[0] != flow.shape[0] or entering.shape[0] != w.part_count:
            raise ValueError("tables of different lengths")
        _pointer_ends(ptr, w.part_count, other.shape[0])
        w.ptr = &ptr[0]
        if other.shape[0]:
            w.other, w.flow = &other[0], &flow[0]
        if w.part_count:
            w.input = &entering[0]
        raise_status(nc_place_check_flows(w), "placing")
        self.keep += [ptr, flow, entering, other]
        return 0

    cdef object _state(self, core, nc_place_state *state):
        """A copy of ``core`` that the state points to; held and open are the board's."""
        cdef int32_t[::1] copy = np.array(core, np.int32)
        cdef const uint8_t[::1] held = self.held, usable = self.open
        if copy.shape[0] != self.nets.part_count:
            raise ValueError("one core per part is needed")
        if np.unique(copy).size != copy.shape[0]:
            raise ValueError("two parts on one core")
        state.core = &copy[0] if copy.shape[0] else NULL
        state.held = &held[0] if held.shape[0] else NULL
        state.open = &usable[0]
        raise_status(nc_place_check_state(&self.fabric, self.nets.part_count, state), "placing")
        return np.asarray(copy)

    def cost(self, core):
        """(traffic times cost of all links, the same per link as int64 (link slots))."""
        cdef nc_place_state state
        cdef int64_t[::1] load = np.empty(4 * self.fabric.width * self.fabric.height, np.int64)
        cdef int64_t total
        kept = self._state(core, &state)
        cdef void *workspace = malloc(nc_place_trees_workspace(&self.fabric, &self.nets))
        if workspace == NULL:
            raise MemoryError
        with nogil:
            total = nc_place_cost(&self.fabric, &self.nets, &state, workspace, &load[0])
        free(workspace)
        del kept
        return total, np.asarray(load)

    def anneal(self, core, bint pairs, uint64_t seed, int64_t work, double hot, int32_t window, double congestion=0.0):
        """Better cores, int32 (parts): by pairs, or by what nets really take. The rest is nc_place_schedule."""
        cdef nc_place_state state
        cdef nc_place_schedule schedule
        cdef uint64_t size
        result = self._state(core, &state)
        schedule.seed, schedule.work, schedule.hot, schedule.window = seed, work, hot, window
        schedule.congestion, schedule.swept = congestion, 0
        if pairs:
            size = nc_place_pairs_workspace(&self.fabric, &self.flows)
        else:
            size = nc_place_trees_workspace(&self.fabric, &self.nets)
        cdef void *workspace = malloc(size)
        if workspace == NULL:
            raise MemoryError
        with nogil:
            if pairs:
                nc_place_pairs(&self.fabric, &self.flows, &state, &schedule, workspace)
            else:
                nc_place_trees(&self.fabric, &self.nets, &state, &schedule, workspace)
        free(workspace)
        return result

    def lanczos(self, int32_t steps):
        """(basis (steps made, parts), diagonal, beside, root) of the parts' normalised adjacency (csrc/place.h)."""
        cdef Py_ssize_t parts = self.flows.part_count
        cdef int32_t made
        if parts < 1 or steps < 1:
            raise ValueError("nothing to lay out")
        cdef double[:, ::1] basis = np.zeros((steps + 3, parts))
        cdef double[::1] diagonal = np.zeros(steps), beside = np.zeros(steps), root = np.zeros(parts)
        with nogil:
            made = nc_place_lanczos(&self.flows, steps, &basis[0, 0], &diagonal[0], &beside[0], &root[0])
        return (np.asarray(basis)[1:made + 1], np.asarray(diagonal)[:made], np.asarray(beside)[:max(0, made - 1)],
                np.asarray(root))
