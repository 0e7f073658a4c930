"""The spike engine's typed face: builds csrc structures from a plan, runs samples without the GIL."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from neurocomp._core.status import raise_status


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
        int32_t kind, n, history, first, last, shift
        const void *bias
        int32_t bias_period
        nc_neurons neurons
    ctypedef struct nc_projection:
        int32_t kind, source, target, delay, n_source, n_target
        int32_t c_in, h_in, w_in, c_out, h_out, w_out
        int32_t kh, kw, stride_y, stride_x, pad_y, pad_x, dilation_y, dilation_x, groups
        const void *weight
        const void *scale
        int32_t scale_count
        const int64_t *indptr
        const int32_t *indices
    ctypedef struct nc_network:
        int32_t population_count, projection_count
        const nc_population *populations
        const nc_projection *projections
    ctypedef struct nc_record:
        uint8_t *spikes
        uint8_t *active
        void *values
        int64_t *nonzero
    ctypedef enum nc_status:
        NC_OK
    ctypedef enum nc_extra:
        NC_EXTRAS
    nc_status nc_network_check(const nc_network *net)
    uint64_t nc_network_workspace(const nc_network *net)
    nc_status nc_network_run_f32(const nc_network *net, void *workspace, const float *input, int64_t stride,
                                 int32_t steps, const nc_record *records, int64_t *saturations)
    nc_status nc_network_run_i32(const nc_network *net, void *workspace, const int32_t *input, int64_t stride,
                                 int32_t steps, const nc_record *records, int64_t *saturations)


cdef class Engine:
    """A network ready to run. Holds references to every array that the C structures point into."""

    cdef nc_network net
    cdef nc_population *populations
    cdef nc_projection *projections
    cdef list keep
    cdef readonly bint integer
    cdef readonly uint64_t workspace_bytes

    def __cinit__(self, plan):
        self.keep = []
        self.integer = plan.integer
        self.populations = <nc_population *>calloc(max(len(plan.populations), 1), sizeof(nc_population))
        self.projections = <nc_projection *>calloc(max(len(plan.projections), 1), sizeof(nc_projection))
        if self.populations == NULL or self.projections == NULL:
            raise MemoryError
        for k, population in enumerate(plan.populations):
            self._set_population(&self.populations[k], population)
        for k, projection in enumerate(plan.projections):
            self._set_projection(&self.projections[k], projection)
        self.net.population_count = len(plan.populations)
        self.net.projection_count = len(plan.projections)
        self.net.populations = self.populations
        self.net.projections = self.projections
        raise_status(nc_network_check(&self.net), "engine")
        self.workspace_bytes = nc_network_workspace(&self.net)
        if self.workspace_bytes == 0:
            raise MemoryError

    def __dealloc__(self):
        free(self.populations)
        free(self.projections)

    cdef const void *_values(self, array, Py_ssize_t size) except? NULL:
        """Pointer to an array of states (float32 or int32) of the expected size, which is kept alive."""
        cdef const float[::1] floats
        cdef const int32_t[::1] integers
        if array.size != size or size < 1:
            raise ValueError(f"an array of {array.size} values where {size} are needed")
        self.keep.append(array)
        if self.integer:
            integers = array.reshape(-1)
            return &integers[0]
        floats = array.reshape(-1)
        return &floats[0]

    cdef const void *_weights(self, array, Py_ssize_t size) except? NULL:
        cdef const float[::1] floats
        cdef const int16_t[::1] integers
        if array.size != size:
            raise ValueError(f"{array.size} weights where {size} are needed")
        if size == 0:
            return NULL
        self.keep.append(array)
        if self.integer:
            integers = array.reshape(-1)
            return &integers[0]
        floats = array.reshape(-1)
        return &floats[0]

    cdef int _set_population(self, nc_population *p, planned) except -1:
        p.kind = planned.kind
        p.n = planned.n
        p.history = planned.history
        p.first = planned.first
        p.last = planned.last
        p.shift = planned.shift
        if planned.bias is not None:
            p.bias_period = planned.bias.size
            p.bias = self._values(planned.bias, p.bias_period)
        if planned.neurons is not None:
            self._set_neurons(&p.neurons, planned.n, planned.neurons)
        return 0

    cdef int _set_neurons(self, nc_neurons *p, int32_t n, planned) except -1:
        settings, parameters = planned.settings, planned.parameters
        p.n = n
        p.period = planned.period
        p.reset = settings["reset"]
        p.reset_next = settings["reset_next"]
        p.strict = settings["strict"]
        p.output = settings["output"]
        p.max_count = settings["max_count"]
        p.refractory = settings["refractory"]
        p.has_current = settings["has_current"]
        p.decay_bits = settings["decay_bits"]
        p.state_limit = settings["state_limit"]
        p.v_decay = self._values(parameters["v_decay"], p.period)
        p.v_gain = self._values(parameters["v_gain"], p.period)
        p.leak = self._values(parameters["leak"], p.period)
        p.threshold = self._values(parameters["threshold"], p.period)
        p.v_reset = self._values(parameters["v_reset"], p.period)
        p.v_init = self._values(parameters["v_init"], p.period)
        if p.has_current:
            p.i_decay = self._values(parameters["i_decay"], p.period)
            p.i_gain = self._values(parameters["i_gain"], p.period)
        self._set_rarer_parts(p, planned)
        return 0

    cdef int _set_rarer_parts(self, nc_neurons *p, planned) except -1:
        settings = planned.settings
        p.general = settings["general"]
        p.adapts = settings["adapts"]
        p.current_next = settings["current_next"]
        p.reset_current = settings["reset_current"]
        p.nearest = settings["nearest"]
        p.powers = settings["powers"]
        p.is_signed = settings["signed"]
        if len(planned.extra) != NC_EXTRAS:
            raise ValueError("the neuron's parameters and csrc/neuron.h do not match")
        for k, array in enumerate(planned.extra):
            if array is not None:
                p.extra[k] = self._values(array, p.period)
        return 0

    cdef int _set_projection(self, nc_projection *p, planned) except -1:
        cdef const int64_t[::1] indptr
        cdef const int32_t[::1] indices
        p.kind = planned.kind
        p.source = planned.source
        p.target = planned.target
        p.delay = planned.delay
        p.n_source = planned.n_source
        p.n_target = planned.n_target
        self._set_geometry(p, planned.geometry)
        if planned.scale is not None:
            p.scale_count = planned.scale.size
            p.scale = self._values(planned.scale, p.scale_count)
        if planned.indptr is not None:
            if planned.indptr.size != p.n_source + 1 or planned.indices.size != planned.indptr[p.n_source]:
                raise ValueError("a synapse table whose parts do not match")
            self.keep.append(planned.indptr)
            indptr = planned.indptr
            p.indptr = &indptr[0]
        elif planned.indices is not None and planned.indices.size != p.n_source:
            raise ValueError("a one-to-one table whose size is not the source's")
        if planned.indices is not None and planned.indices.size:
            self.keep.append(planned.indices)
            indices = planned.indices
            p.indices = &indices[0]
        if planned.weight is not None:
            p.weight = self._weights(planned.weight, self._weight_count(p))
        return 0

    cdef int _set_geometry(self, nc_projection *p, geometry) except -1:
        if not geometry:
            return 0
        p.c_in, p.h_in, p.w_in = geometry["c_in"], geometry["h_in"], geometry["w_in"]
        p.c_out, p.h_out, p.w_out = geometry["c_out"], geometry["h_out"], geometry["w_out"]
        p.kh, p.kw, p.groups = geometry["kh"], geometry["kw"], geometry["groups"]
        p.stride_y, p.stride_x = geometry["stride_y"], geometry["stride_x"]
        p.pad_y, p.pad_x = geometry["pad_y"], geometry["pad_x"]
        p.dilation_y, p.dilation_x = geometry["dilation_y"], geometry["dilation_x"]
        return 0

    cdef Py_ssize_t _weight_count(self, const nc_projection *p) noexcept:
        """How many weights the kernels will read for this projection."""
        if p.kind == 0:
            return <Py_ssize_t>p.n_source * p.n_target
        if p.kind == 6:
            return p.indptr[p.n_source]
        return <Py_ssize_t>p.c_in * p.kh * p.kw * (p.c_out // max(p.groups, 1))

    def run(self, inputs, Py_ssize_t first, Py_ssize_t last, int32_t steps, records):
        """Run samples first..last.

        inputs: (samples, steps or 1, n) float32 or int32, contiguous, or None; with one step in it the same
        values are fed at every step. records: per population (spikes, active, values, nonzero); the first three
        are arrays (samples, steps, ...) or None, nonzero is int64 (n). Returns the number of saturations.
        """
        cdef Py_ssize_t k, count = self.net.population_count
        cdef int64_t saturations = 0
        cdef nc_record *record = <nc_record *>calloc(count, sizeof(nc_record))
        cdef void *workspace = malloc(self.workspace_bytes)
        try:
            if record == NULL or workspace == NULL:
                raise MemoryError
            if len(records) != count:
                raise ValueError("one record per population is needed")
            for k in range(first, last):
                self._point(record, records, k, steps)
                self._run_one(inputs, k, steps, workspace, record, &saturations)
        finally:
            free(record)
            free(workspace)
        return saturations

    cdef int _point(self, nc_record *record, records, Py_ssize_t sample, int32_t steps) except -1:
        """Aim the record pointers at one sample's rows, after checking that the rows are as long as C writes."""
        cdef uint8_t[:, ::1] rows
        cdef int64_t[::1] counts
        cdef float[:, ::1] floats
        cdef int32_t[:, ::1] integers
        cdef Py_ssize_t k, n
        for k in range(self.net.population_count):
            spikes, active, values, nonzero = records[k]
            n = self.populations[k].n
            record[k].spikes = record[k].active = NULL
            record[k].values = NULL
            if spikes is not None:
                rows = spikes[sample]
                _check_rows(rows.shape[0], rows.shape[1], steps, (n + 7) // 8)
                record[k].spikes = &rows[0, 0]
            if active is not None:
                rows = active[sample]
                _check_rows(rows.shape[0], rows.shape[1], steps, (n + 7) // 8)
                record[k].active = &rows[0, 0]
            if values is not None and self.integer:
                integers = values[sample]
                _check_rows(integers.shape[0], integers.shape[1], steps, n)
                record[k].values = &integers[0, 0]
            elif values is not None:
                floats = values[sample]
                _check_rows(floats.shape[0], floats.shape[1], steps, n)
                record[k].values = &floats[0, 0]
            counts = nonzero
            _check_rows(1, counts.shape[0], 1, n)
            record[k].nonzero = &counts[0]
        return 0

    cdef int _run_one(self, inputs, Py_ssize_t sample, int32_t steps, void *workspace, nc_record *record,
                      int64_t *saturations) except -1:
        cdef const float[:, ::1] floats
        cdef const int32_t[:, ::1] integers
        cdef const float *real = NULL
        cdef const int32_t *whole = NULL
        cdef int64_t stride = 0
        cdef nc_status status
        if inputs is not None:
            held = inputs[sample]
            _check_rows(steps if held.shape[0] == 1 else held.shape[0], held.shape[1], steps, self.populations[0].n)
            stride = 0 if held.shape[0] == 1 else held.shape[1]
            if self.integer:
                integers = held
                whole = &integers[0, 0]
            else:
                floats = held
                real = &floats[0, 0]
        elif self.populations[0].kind == 0:
            raise ValueError("the network needs inputs")
        with nogil:
            if self.integer:
                status = nc_network_run_i32(&self.net, workspace, whole, stride, steps, record, saturations)
            else:
                status = nc_network_run_f32(&self.net, workspace, real, stride, steps, record, saturations)
        raise_status(status, "engine")
        return 0


cdef int _check_rows(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t need_rows, Py_ssize_t need_columns) except -1:
    if rows != need_rows or columns != need_columns:
        raise ValueError(f"an array of {rows} x {columns} where {need_rows} x {need_columns} is needed")
    return 0
