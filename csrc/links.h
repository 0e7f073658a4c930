/* The links that spikes take from router to router of a mesh or torus, along x first.
 *
 * router = y * width + x, link = router * 4 + direction (0 east, 1 west, 2 north, 3 south; north is towards smaller y);
 * on a torus the shorter way round, east or south on a tie. neurocomp/fabric/topology.py is the readable twin. */
#ifndef NC_LINKS_H
#define NC_LINKS_H

#include "nc_status.h"
#include <stdint.h>

enum { NC_LINKS_SIDE_MAX = 16384 };

typedef struct {
    int32_t width, height;
    int32_t torus;
    int32_t tree; /* a net takes each link of its paths once, in ascending order; otherwise path after path */
} nc_links_mesh;

typedef struct {
    int64_t nets;
    const int32_t *source; /* per net: the router that it leaves */
    const int64_t *ptr;    /* nets + 1 */
    const int32_t *to;     /* routers that it reaches */
} nc_links_nets;

/* What trees need to remember of each column; all zero at first. */
typedef struct {
    int64_t seen;      /* number of the last net that had a target in it, counted from 1 */
    int32_t low, high; /* steps north (not positive) and south of the source's row */
} nc_links_column;

/* ends: how many targets there are. */
nc_status nc_links_check(const nc_links_mesh *mesh, const nc_links_nets *nets, int64_t ends);

typedef struct {
    nc_links_column *column; /* width */
    int32_t *hit;            /* width */
    uint64_t *mark;          /* nc_links_marks */
} nc_links_work;

int64_t nc_links_marks(const nc_links_mesh *mesh);

/* Sets ptr (nets + 1) to where the links of each net begin, and, unless it is NULL, links to them. */
void nc_links_list(const nc_links_mesh *mesh, const nc_links_nets *nets, const nc_links_work *work, int64_t *ptr,
                   int32_t *links);

/* Adds the traffic of each net to its links. */
void nc_links_load(int64_t nets, const int64_t *ptr, const int32_t *links, const int64_t *traffic, int64_t *load);

#endif
