/* Places, neighbours and ways: where packets go, whichever model moves them. */
#ifndef NC_NOC_WAY_H
#define NC_NOC_WAY_H

#include "noc_links.h"
#include "noc_state.h"

/* A bump allocator over the workspace, 64-byte aligned; with memory NULL it only counts. */
typedef struct {
    uint8_t *memory;
    uint64_t used;
} arena;

static void *take(arena *a, int64_t count, size_t size) {
    void *const at = a->memory == NULL ? NULL : a->memory + a->used;
    a->used += ((uint64_t)count * size + 63) / 64 * 64;
    return at;
}

/* Places and neighbours of all routers. */
static void lay_links(noc_run *run) {
    for (int32_t router = 0; router < run->routers; router++) {
        const noc_level at = level_of(run->net, router);
        run->level[router] = (uint8_t)at.level;
        run->place[router] = (uint32_t)((router - at.first) % at.width) | (uint32_t)((router - at.first) / at.width)
                                                                              << 16;
        for (int32_t port = 0; port < run->links; port++) {
            const noc_end end = end_of(run->net, router, port);
            run->neighbour[router * run->links + port] = end.router;
            run->back[router * run->links + port] = (uint8_t)end.port;
        }
    }
}

/* Whether a packet goes towards smaller numbers along one axis, and whether it crosses the dateline. */
static void direction(const noc_run *run, int32_t here, int32_t there, int32_t size, int forward_on_tie, uint32_t *back,
                      uint32_t *high) {
    *back = there < here;
    *high = 0;
    if (!run->net->torus || here == there)
        return;
    const int32_t forward = (there - here + size) % size;
    *back = forward * 2 > size || (forward * 2 == size && !forward_on_tie);
    *high = *back ? here < there : here > there;
}

static uint32_t way_of(const noc_run *run, int64_t packet, int32_t core) {
    const nc_noc_burst *const burst = run->burst;
    const uint32_t from = run->place[burst->source[packet] / run->net->locals];
    const int32_t router = core / run->net->locals;
    const uint32_t to = run->place[router];
    const uint8_t forward = burst->forward == NULL ? 3 : burst->forward[packet];
    uint32_t west, north, high_x, high_y;
    direction(run, (int32_t)(from & 0xffff), (int32_t)(to & 0xffff), run->net->width, forward & 1, &west, &high_x);
    direction(run, (int32_t)(from >> 16), (int32_t)(to >> 16), run->net->height, forward >> 1 & 1, &north, &high_y);
    return (to & 0xffff) | to >> 16 << 10 | (uint32_t)(core - router * run->net->locals) << 20 | west << 26 |
           north << 27 | high_x << 28 | high_y << 29;
}

/* In a quad tree: down if the packet's leaf is below this router. */
static uint8_t port_in_tree(const noc_run *run, int32_t router, uint32_t way) {
    const uint32_t place = run->place[router], x = way & 1023, y = way >> 10 & 1023, level = run->level[router];
    if (x >> level != (place & 0xffff) || y >> level != place >> 16)
        return NC_NOC_UP;
    if (level == 0)
        return (uint8_t)(run->links + (int32_t)(way >> 20 & 63));
    return (uint8_t)((x >> (level - 1) & 1) + 2 * (y >> (level - 1) & 1));
}

/* The output of a packet without a tree, with its class in bit 7. */
NOC_INLINE uint8_t port_of(const noc_run *run, int32_t router, uint32_t way) {
    if (run->net->tree)
        return port_in_tree(run, router, way);
    const uint32_t place = run->place[router];
    if ((way & 1023) != (place & 0xffff))
        return (uint8_t)((way >> 26 & 1) | (way >> 28 & 1) << 7);
    if ((way >> 10 & 1023) != place >> 16)
        return (uint8_t)(2 | (way >> 27 & 1) | (way >> 29 & 1) << 7);
    return (uint8_t)(run->links + (int32_t)(way >> 20 & 63));
}

/* The row of a router in the table of a tree. */
static int64_t tree_row(const nc_noc_burst *burst, int32_t tree, int32_t router) {
    int64_t low = burst->tree_ptr[tree], high = burst->tree_ptr[tree + 1] - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (burst->tree_router[middle] < router)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The delivery of a packet to a core. */
static inline int64_t delivery_of(const nc_noc_burst *burst, int64_t packet, int32_t core) {
    if (burst->delivery_ptr == NULL)
        return packet;
    int64_t low = burst->delivery_ptr[packet], high = burst->delivery_ptr[packet + 1] - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (burst->delivery_core[middle] < core)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
