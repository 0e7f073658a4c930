/* Where links lead. Included by the parts of the network model. */
#ifndef NC_NOC_LINKS_H
#define NC_NOC_LINKS_H

#include "noc.h"

/* Routers of one level of a tree: a grid, numbered from `first` on. */
typedef struct {
    int32_t level, first, width, height;
} noc_level;

static inline noc_level level_of(const nc_noc *net, int32_t router) {
    noc_level at = {0, 0, net->width, net->height};
    while (router >= at.first + at.width * at.height) {
        at.first += at.width * at.height;
        at.width = (at.width + 1) / 2;
        at.height = (at.height + 1) / 2;
        at.level++;
    }
    return at;
}

/* The router that a link leads to (-1: none) and the input there, which is also the output that leads back. */
typedef struct {
    int32_t router, port;
} noc_end;

static inline noc_end end_in_tree(const nc_noc *net, int32_t router, int32_t port) {
    const noc_level at = level_of(net, router);
    const int32_t x = (router - at.first) % at.width, y = (router - at.first) / at.width;
    if (port == NC_NOC_UP) {
        const int is_root = at.width * at.height == 1;
        const int32_t above = at.first + at.width * at.height + y / 2 * ((at.width + 1) / 2) + x / 2;
        return (noc_end){is_root ? -1 : above, (x & 1) + 2 * (y & 1)};
    }
    if (at.level == 0)
        return (noc_end){-1, NC_NOC_UP};
    const noc_level below = level_of(net, at.first - 1);
    const int32_t child_x = 2 * x + (port & 1), child_y = 2 * y + (port >> 1);
    const int exists = child_x < below.width && child_y < below.height;
    return (noc_end){exists ? below.first + child_y * below.width + child_x : -1, NC_NOC_UP};
}

static inline noc_end end_of(const nc_noc *net, int32_t router, int32_t port) {
    static const int32_t dx[4] = {1, -1, 0, 0}, dy[4] = {0, 0, 1, -1};
    if (net->tree)
        return end_in_tree(net, router, port);
    const int32_t x = router % net->width + dx[port], y = router / net->width + dy[port];
    const int inside = x >= 0 && x < net->width && y >= 0 && y < net->height;
    const int32_t round_x = (x + net->width) % net->width, round_y = (y + net->height) % net->height;
    return (noc_end){inside || net->torus ? round_y * net->width + round_x : -1, port ^ 1};
}

#endif
