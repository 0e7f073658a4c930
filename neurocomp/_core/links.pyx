"""The typed face of csrc/links.h: the links of many routes, and what they carry."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy as np

from neurocomp._core.status import raise_status


cdef extern from "links.h" nogil:
    ctypedef struct nc_links_mesh:
        int32_t width, height, torus, tree
    ctypedef struct nc_links_nets:
        int64_t nets
        const int32_t *source
        const int64_t *ptr
        const int32_t *to
    ctypedef struct nc_links_column:
        int32_t low
    ctypedef struct nc_links_work:
        nc_links_column *column
        int32_t *hit
        uint64_t *mark
    int64_t nc_links_marks(const nc_links_mesh *mesh)
    int nc_links_check(const nc_links_mesh *mesh, const nc_links_nets *nets, int64_t ends)
    void nc_links_list(const nc_links_mesh *mesh, const nc_links_nets *nets, const nc_links_work *work, int64_t *ptr,
                       int32_t *links)
    void nc_links_load(int64_t nets, const int64_t *ptr, const int32_t *links, const int64_t *traffic, int64_t *load)


cdef class _Routes:
    """Checked arguments of nc_links_list, with its work areas."""

    cdef nc_links_mesh mesh
    cdef nc_links_nets nets
    cdef nc_links_work work
    cdef int64_t[::1] pointer
    cdef int32_t[::1] hit
    cdef uint64_t[::1] mark
    cdef list keep

    def __cinit__(self, int32_t width, int32_t height, bint torus, bint tree, const int32_t[::1] source,
                  const int64_t[::1] ptr, const int32_t[::1] to):
        cdef int status
        cdef Py_ssize_t count = source.shape[0]
        self.work.column = NULL
        if ptr.shape[0] != count + 1:
            raise ValueError("tables of different lengths")
        self.keep = [source, ptr, to]
        self.mesh.width, self.mesh.height, self.mesh.torus, self.mesh.tree = width, height, torus, tree
        self.nets.nets, self.nets.ptr = count, &ptr[0]
        self.nets.source = &source[0] if count else NULL
        self.nets.to = &to[0] if to.shape[0] else NULL
        with nogil:
            status = nc_links_check(&self.mesh, &self.nets, to.shape[0])
        raise_status(status, "links")
        self.pointer = np.empty(count + 1, np.int64)
        self.hit, self.mark = np.empty(width, np.int32), np.empty(nc_links_marks(&self.mesh), np.uint64)
        self.work.hit, self.work.mark = &self.hit[0], &self.mark[0]
        self.work.column = <nc_links_column *>calloc(width, sizeof(nc_links_column))
        if self.work.column == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.work.column)

    def list(self, int32_t[::1] links=None):
        cdef int32_t *found = NULL
        if links is not None:
            found = &links[0]
        with nogil:
            nc_links_list(&self.mesh, &self.nets, &self.work, &self.pointer[0], found)
        return np.asarray(self.pointer)


def list_links(width, height, torus, tree, source, ptr, to):
    """(pointer int64 (nets + 1), links int32) of what each net takes from its source to its targets."""
    routes = _Routes(width, height, torus, tree, source, ptr, to)
    links = np.empty(max(1, routes.list()[-1]), np.int32)
    pointer = routes.list(links)
    return pointer, links[: pointer[-1]]


def count_links(width, height, torus, tree, source, ptr, to):
    """int64 (nets): how many links each net takes."""
    return np.diff(_Routes(width, height, torus, tree, source, ptr, to).list())


def link_loads(const int64_t[::1] ptr, const int32_t[::1] links, const int64_t[::1] traffic, int64_t slots):
    """int64 (slots): the traffic of all nets on each link. Raises ValueError for links that there are not."""
    cdef Py_ssize_t nets = traffic.shape[0]
    if ptr.shape[0] != nets + 1 or ptr[0] != 0 or ptr[nets] != links.shape[0] or (np.diff(ptr) < 0).any():
        raise ValueError("tables of different lengths")
    if links.shape[0] and not (0 <= np.min(links) and np.max(links) < slots):
        raise ValueError("a link that does not exist")
    cdef int64_t[::1] load = np.zeros(max(1, slots), np.int64)
    if links.shape[0]:
        with nogil:
            nc_links_load(nets, &ptr[0], &links[0], &traffic[0], &load[0])
    return np.asarray(load)[:slots]
