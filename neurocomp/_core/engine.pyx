"""The spike engine's typed face: builds csrc structures from a plan, runs samples without the GIL."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy as np

from neurocomp._core.status import raise_status


cdef extern from *:
    """
    #include <stdlib.h>
    #if defined(__linux__)
    #include <sys/mman.h>
    /* Large pages where the system has them: a run's memory is touched once, page by page. */
    static void *nc_allocate(size_t bytes) {
        void *memory = NULL;
        if (bytes < ((size_t)1 << 22))
            return malloc(bytes);
        if (posix_memalign(&memory, (size_t)1 << 21, bytes) != 0)
            return NULL;
        madvise(memory, bytes, MADV_HUGEPAGE);
        return memory;
    }
    #else
    static void *nc_allocate(size_t bytes) { return malloc(bytes); }
    #endif
    """
    void *nc_allocate(size_t bytes) nogil


cdef class Engine:
    """A network ready to run. Holds references to every array that the C structures point into."""

    cdef nc_network net
    cdef nc_population *populations
    cdef nc_projection *projections
    cdef list keep, hosts, failures
    cdef readonly bint integer
    cdef readonly uint64_t workspace_bytes

    def __cinit__(self, plan, int64_t least_work=0):
        self.net.least_work = least_work
        self.keep = []
        self.failures = []
        self.hosts = [projection.host for projection in plan.projections]
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
        self.net.pool = plan.pool
        self.net.host = _ask_host
        self.net.context = <void *>self
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
        p.width = planned.width
        p.history = planned.history
        p.place = planned.place
        p.first = planned.first
        p.last = planned.last
        p.shift = planned.shift
        p.held_shift = planned.held_shift
        p.held_limit = planned.held_limit
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
        elif planned.indices is not None and planned.indices.size != self._table_size(p):
            raise ValueError(f"a table of {planned.indices.size} indices where {self._table_size(p)} are needed")
        p.indices = self._indices(planned.indices)
        if planned.scatter is not None and planned.scatter.size != p.n_target:
            raise ValueError("a table of places whose size is not the target's")
        p.scatter = self._indices(planned.scatter)
        if planned.weight is not None:
            p.weight = self._weights(planned.weight, self._weight_count(p))
        return 0

    cdef const int32_t *_indices(self, array) except? NULL:
        cdef const int32_t[::1] indices
        if array is None or array.size == 0:
            return NULL
        self.keep.append(array)
        indices = array
        return &indices[0]

    cdef Py_ssize_t _table_size(self, const nc_projection *p) noexcept:
        """How many indices the kernels will read for this projection."""
        if p.kind == NC_LEFT:
            return <Py_ssize_t>p.batch * p.rows * p.inner
        if p.kind == NC_RIGHT:
            return <Py_ssize_t>p.batch * p.inner * p.columns
        return p.n_target if p.kind == NC_ONE_TO_ONE else p.n_source

    cdef int _set_geometry(self, nc_projection *p, geometry) except -1:
        if "batch" in geometry:
            p.batch, p.rows, p.inner, p.columns = (geometry[key] for key in ("batch", "rows", "inner", "columns"))
        if "c_in" not in geometry:
            return 0
        p.c_in, p.h_in, p.w_in = geometry["c_in"], geometry["h_in"], geometry["w_in"]
        p.c_out, p.h_out, p.w_out = geometry["c_out"], geometry["h_out"], geometry["w_out"]
        p.kh, p.kw, p.groups = geometry["kh"], geometry["kw"], geometry["groups"]
        p.stride_y, p.stride_x = geometry["stride_y"], geometry["stride_x"]
        p.pad_y, p.pad_x = geometry.get("pad_y", 0), geometry.get("pad_x", 0)
        p.dilation_y, p.dilation_x = geometry["dilation_y"], geometry["dilation_x"]
        p.block = geometry.get("block", 0)
        return 0

    cdef Py_ssize_t _weight_count(self, const nc_projection *p) noexcept:
        """How many weights the kernels will read for this projection."""
        if p.kind == NC_SPARSE:
            return p.indptr[p.n_source]
        if p.kind == NC_DENSE:
            return <Py_ssize_t>p.c_in * p.kh * p.kw * ((p.c_out + 7) // 8 * 8)
        if p.kind == NC_DEPTHWISE:
            return <Py_ssize_t>p.c_in * p.kh * p.kw
        return <Py_ssize_t>p.c_in * p.kh * p.kw * (p.c_out // max(p.groups, 1))

    def run(self, inputs, Py_ssize_t first, Py_ssize_t last, int32_t steps, records, helpers=None, int32_t parts=1):
        """Run samples first..last, each by ``parts`` threads together; parts - 1 of them are taken from the executor
        ``helpers``, which must have that many to spare.

        inputs: per input population (samples, steps or 1, n) float32 or int32, contiguous; with one step in it the
        same values are fed at every step. records: per population (spikes, active, values, nonzero, products); the
        first three are arrays (samples, steps, ...) or None, nonzero is an unsigned array (n), products int64 (1) or
        None. Returns the number of saturations.
        """
        cdef Py_ssize_t k, count = self.net.population_count
        cdef int64_t saturations = 0
        cdef _Sample sample = _Sample(self, count, steps)
        if len(records) != count:
            raise ValueError("one record per population is needed")
        for k in range(first, last):
            sample.aim(inputs, records, k)
            saturations += sample.run(helpers, parts)
        return saturations


cdef class _Sample:
    """Working memory and pointers for one sample at a time."""

    cdef Engine engine
    cdef nc_record *records
    cdef nc_feed *feeds
    cdef void *workspace
    cdef int32_t steps

    def __cinit__(self, Engine engine, Py_ssize_t count, int32_t steps):
        self.engine = engine
        self.steps = steps
        self.records = <nc_record *>calloc(count, sizeof(nc_record))
        self.feeds = <nc_feed *>calloc(count, sizeof(nc_feed))
        self.workspace = nc_allocate(engine.workspace_bytes)
        if self.records == NULL or self.feeds == NULL or self.workspace == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.records)
        free(self.feeds)
        free(self.workspace)

    cdef int aim(self, inputs, records, Py_ssize_t sample) except -1:
        """Point at one sample's rows, after checking that they are as long as C reads and writes."""
        cdef Py_ssize_t k, n, fed = 0
        for k in range(self.engine.net.population_count):
            n = self.engine.populations[k].n
            if self.engine.populations[k].kind == 0:
                self._feed(&self.feeds[k], inputs[k][sample], n)
                fed += 1
            self._record(&self.records[k], records[k], sample, n)
        if fed != len(inputs):
            raise ValueError(f"{len(inputs)} inputs where {fed} are needed")
        return 0

    cdef int _feed(self, nc_feed *feed, held, Py_ssize_t n) except -1:
        cdef const float[:, ::1] floats
        cdef const int32_t[:, ::1] integers
        _check_rows(self.steps if held.shape[0] == 1 else held.shape[0], held.shape[1], self.steps, n)
        feed.stride = 0 if held.shape[0] == 1 else n
        if self.engine.integer:
            integers = held
            feed.values = &integers[0, 0]
        else:
            floats = held
            feed.values = &floats[0, 0]
        return 0

    cdef int _record(self, nc_record *record, arrays, Py_ssize_t sample, Py_ssize_t n) except -1:
        cdef float[:, ::1] floats
        cdef int32_t[:, ::1] integers
        cdef uint8_t[::1] counts
        cdef int64_t[::1] products
        spikes, active, values, nonzero, met = arrays
        record.spikes = self._bits(spikes, sample, n)
        record.active = self._bits(active, sample, n)
        record.values = NULL
        if values is not None and self.engine.integer:
            integers = values[sample]
            _check_rows(integers.shape[0], integers.shape[1], self.steps, n)
            record.values = &integers[0, 0]
        elif values is not None:
            floats = values[sample]
            _check_rows(floats.shape[0], floats.shape[1], self.steps, n)
            record.values = &floats[0, 0]
        _check_rows(1, nonzero.shape[0], 1, n)
        counts = nonzero.view("uint8")
        record.nonzero = &counts[0]
        record.nonzero_bytes = nonzero.itemsize
        record.products = NULL
        if met is not None:
            products = met
            record.products = &products[0]
        return 0

    cdef uint8_t *_bits(self, array, Py_ssize_t sample, Py_ssize_t n) except? NULL:
        cdef uint8_t[:, ::1] rows
        if array is None:
            return NULL
        rows = array[sample]
        _check_rows(rows.shape[0], rows.shape[1], self.steps, (n + 7) // 8)
        return &rows[0, 0]

    cdef int64_t run(self, helpers, int32_t parts) except -1:
        cdef nc_status status
        cdef int32_t k
        if self.engine.integer:
            status = nc_network_prepare_i32(&self.engine.net, self.workspace, parts)
        else:
            status = nc_network_prepare_f32(&self.engine.net, self.workspace, parts)
        raise_status(status, "engine")
        futures, statuses = [], []
        try:
            for k in range(1, parts):
                futures.append(helpers.submit(self.part, k))
            statuses.append(self.part(0))
        except BaseException:
            nc_network_abandon(self.workspace)  # those that have begun wait for the others
            raise
        finally:
            statuses += [future.result() for future in futures]
        if self.engine.failures:
            raise self.engine.failures.pop()
        for code in statuses:
            raise_status(code, "engine")
        return nc_network_saturations(self.workspace)

    def part(self, int32_t part):
        """One thread's share of the sample; returns its nc_status."""
        cdef nc_status status
        with nogil:
            if self.engine.integer:
                status = nc_network_run_i32(&self.engine.net, self.workspace, self.feeds, self.steps, self.records,
                                            part)
            else:
                status = nc_network_run_f32(&self.engine.net, self.workspace, self.feeds, self.steps, self.records,
                                            part)
        return status


cdef nc_status _ask_host(void *context, int32_t projection, const void *source, void *target) noexcept with gil:
    """Computes one relay with the function that the plan names; what it raises is raised again by run."""
    cdef Engine engine = <Engine>context
    cdef const nc_projection *p = &engine.projections[projection]
    try:
        if engine.integer:
            whole = <int32_t[:p.n_target]>target
            np.asarray(whole)[:] = engine.hosts[projection](np.asarray(<int32_t[:p.n_source]>source)) + 0
        else:
            real = <float[:p.n_target]>target
            np.asarray(real)[:] = engine.hosts[projection](np.asarray(<float[:p.n_source]>source)) + np.float32(0)
    except BaseException as error:
        engine.failures.append(error)
        return NC_ERR_KIND
    return NC_OK


cdef int _check_rows(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t need_rows, Py_ssize_t need_columns) except -1:
    if rows != need_rows or columns != need_columns:
        raise ValueError(f"an array of {rows} x {columns} where {need_rows} x {need_columns} is needed")
    return 0
