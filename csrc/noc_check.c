/* Whether a network and a burst can be run at all. */
#include "noc_links.h"
#include <stddef.h>

enum { SIDE_MAX = 1024, DEPTH_MAX = 1024, SPEED_DELAY_MAX = 64 };

static int outside(int32_t value, int32_t low, int32_t high) { return value < low || value > high; }

nc_status nc_noc_check(const nc_noc *net) {
    if (outside(net->width, 1, SIDE_MAX) || outside(net->height, 1, SIDE_MAX) || outside(net->locals, 1, 60))
        return NC_ERR_SIZE;
    if (net->torus + net->tree + net->halves > 1 || net->torus < 0 || net->tree < 0 || net->halves < 0)
        return NC_ERR_SIZE;
    if (outside(net->vcs, 1, 32) || outside(net->depth, 1, DEPTH_MAX) || outside(net->input_speedup, 1, net->vcs))
        return NC_ERR_SIZE;
    if (outside(net->routing_delay, 0, SPEED_DELAY_MAX) || outside(net->credit_delay, 0, SPEED_DELAY_MAX))
        return NC_ERR_SIZE;
    const int32_t shared = (net->vcs + net->input_speedup - 1) / net->input_speedup * net->input_speedup;
    if ((nc_noc_links(net) + net->locals) * shared > 64)
        return NC_ERR_SIZE;
    if ((net->torus || net->halves) && net->vcs < 2 && (net->width > 1 || net->height > 1))
        return NC_ERR_SIZE; /* a ring with one VC blocks itself, and one VC has no halves */
    for (int64_t link = 0; link < (int64_t)nc_noc_routers(net) * nc_noc_links(net); link++)
        if (outside(net->link_latency[link], 1, NC_NOC_DELAY_MAX) ||
            outside(net->link_interval[link], 1, NC_NOC_DELAY_MAX))
            return NC_ERR_SIZE;
    return NC_OK;
}

static int has_row(const nc_noc_burst *burst, int64_t tree, int32_t router) {
    int64_t low = burst->tree_ptr[tree], high = burst->tree_ptr[tree + 1];
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (burst->tree_router[middle] == router)
            return 1;
        if (burst->tree_router[middle] < router)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Each link of a tree leads to a router of the tree, and there is one less of them than of routers. */
static nc_status check_tree(const nc_noc *net, const nc_noc_burst *burst, int64_t tree) {
    const int64_t first = burst->tree_ptr[tree], last = burst->tree_ptr[tree + 1];
    const int32_t leaves = net->width * net->height, net_links = nc_noc_links(net);
    int64_t links = 0;
    if (last <= first)
        return NC_ERR_SIZE;
    for (int64_t row = first; row < last; row++) {
        if (outside(burst->tree_router[row], 0, nc_noc_routers(net) - 1) ||
            (row > first && burst->tree_router[row] <= burst->tree_router[row - 1]))
            return NC_ERR_INDEX;
        const int32_t ports = net_links + (burst->tree_router[row] < leaves ? net->locals : 0);
        if (burst->tree_ports[row] == 0 || burst->tree_ports[row] >> ports != 0)
            return NC_ERR_INDEX;
    }
    for (int64_t row = first; row < last; row++)
        for (int32_t port = 0; port < net_links; port++)
            if (burst->tree_ports[row] >> port & 1) {
                const int32_t there = end_of(net, burst->tree_router[row], port).router;
                if (there < 0 || !has_row(burst, tree, there))
                    return NC_ERR_INDEX;
                links++;
            }
    return links == last - first - 1 ? NC_OK : NC_ERR_SIZE;
}

static nc_status check_trees(const nc_noc *net, const nc_noc_burst *burst) {
    for (int64_t tree = 0; tree < burst->tree_count; tree++) {
        const nc_status status = check_tree(net, burst, tree);
        if (status != NC_OK)
            return status;
    }
    for (int64_t p = 0; p < burst->packet_count; p++) {
        if (outside(burst->tree[p], -1, (int32_t)burst->tree_count - 1))
            return NC_ERR_INDEX;
        if (burst->tree[p] < 0)
            continue;
        if (!has_row(burst, burst->tree[p], burst->source[p] / net->locals))
            return NC_ERR_INDEX;
        if (burst->flits[p] > net->depth)
            return NC_ERR_SIZE; /* copies of a packet that does not fit into a buffer can block each other */
    }
    return NC_OK;
}

static nc_status check_deliveries(const nc_noc *net, const nc_noc_burst *burst) {
    const int32_t cores = net->width * net->height * net->locals;
    for (int64_t d = 0; d < burst->delivery_count; d++)
        if (outside(burst->delivery_core[d], 0, cores - 1))
            return NC_ERR_INDEX;
    if (burst->delivery_ptr == NULL)
        return burst->delivery_count == burst->packet_count && burst->tree == NULL ? NC_OK : NC_ERR_SIZE;
    if (burst->delivery_ptr[0] != 0 || burst->delivery_ptr[burst->packet_count] != burst->delivery_count)
        return NC_ERR_SIZE;
    for (int64_t p = 0; p < burst->packet_count; p++) {
        const int64_t first = burst->delivery_ptr[p], last = burst->delivery_ptr[p + 1];
        if (last <= first || (last - first > 1 && (burst->tree == NULL || burst->tree[p] < 0)))
            return NC_ERR_SIZE;
        for (int64_t d = first + 1; d < last; d++)
            if (burst->delivery_core[d] <= burst->delivery_core[d - 1])
                return NC_ERR_INDEX;
    }
    return NC_OK;
}

nc_status nc_noc_check_burst(const nc_noc *net, const nc_noc_burst *burst) {
    const int64_t packets = burst->packet_count;
    const int32_t cores = net->width * net->height * net->locals;
    if (packets < 0 || packets > INT32_MAX || burst->delivery_count < 0 || burst->tree_count > INT32_MAX)
        return NC_ERR_SIZE;
    if (outside(burst->classes, 1, NC_NOC_CLASSES))
        return NC_ERR_SIZE;
    for (int64_t k = 0; k < packets; k++) {
        const int32_t p = burst->order[k];
        if (p < 0 || p >= packets || outside(burst->source[k], 0, cores - 1))
            return NC_ERR_INDEX;
        if (burst->traffic_class != NULL && burst->traffic_class[k] >= burst->classes)
            return NC_ERR_INDEX;
        if (burst->flits[k] < 1 || burst->release[k] < 0 || burst->release[k] >= (int64_t)1 << 62)
            return NC_ERR_SIZE;
        if (k > 0 && (burst->release[burst->order[k - 1]] > burst->release[p] ||
                      (burst->release[burst->order[k - 1]] == burst->release[p] && burst->order[k - 1] >= p)))
            return NC_ERR_SIZE;
    }
    const nc_status status = check_deliveries(net, burst);
    return status == NC_OK && burst->tree != NULL ? check_trees(net, burst) : status;
}
