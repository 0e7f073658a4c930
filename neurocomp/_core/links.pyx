"""The typed face of csrc/links.h: the links of many routes, and what they carry."""

from libc.stdint cimport int32_t, int64_t
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
    int nc_links_check(const nc_links_mesh *mesh, const nc_links_nets *nets, int64_t ends)
    void nc_links_list(const nc_links_mesh *mesh, const nc_links_nets *nets, nc_links_column *column, int32_t *hit,
                       int64_t *ptr, int32_t *links)
    void nc_links_load(int64_t nets, const int64_t *ptr, const int32_t *links, const int64_t *traffic, int64_t *load)


def list_links(int32_t width, int32_t height, bint torus, bint tree, const int32_t[::1] source,
               const int64_t[::1] ptr, const int32_t[::1] to):
    """(pointer int64 (nets + 1), links int32) of what each net takes from its source to its targets."""
    cdef nc_links_mesh mesh
    cdef nc_links_nets nets
    cdef int status
    cdef Py_ssize_t count = source.shape[0]
    if ptr.shape[0] != count + 1:
        raise ValueError("tables of different lengths")
    mesh.width, mesh.height, mesh.torus, mesh.tree = width, height, torus, tree
    nets.nets, nets.ptr = count, &ptr[0]
    nets.source = &source[0] if count else NULL
    nets.to = &to[0] if to.shape[0] else NULL
    with nogil:
        status = nc_links_check(&mesh, &nets, to.shape[0])
    raise_status(status, "links")
    cdef int64_t[::1] pointer = np.empty(count + 1, np.int64)
    cdef int32_t[::1] hit = np.empty(width, np.int32)
    cdef int32_t[::1] links
    cdef nc_links_column *column = <nc_links_column *>calloc(width, sizeof(nc_links_column))
    if column == NULL:
        raise MemoryError
    try:
        with nogil:
            nc_links_list(&mesh, &nets, column, &hit[0], &pointer[0], NULL)
        links = np.empty(max(1, pointer[count]), np.int32)
        with nogil:
            nc_links_list(&mesh, &nets, column, &hit[0], &pointer[0], &links[0])
    finally:
        free(column)
    return np.asarray(pointer), np.asarray(links)[: pointer[count]]


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
