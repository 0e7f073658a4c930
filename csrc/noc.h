/* The network on chip, flit by flit and cycle by cycle; only routers, sources and links that have something to do
 * cost time.
 *
 * A mesh or torus of input-queued virtual-channel routers with credits, XY routing and separable allocation
 * (iSLIP, one iteration), with the timing of BookSim2's IQ router (Jiang et al., ISPASS 2013). In addition links
 * may have their own latency and take a flit only every so many cycles (chip boundaries), several cores may sit
 * at a router, and a packet may follow a tree: it then stays in its input VC until each branch has sent all its
 * flits. neurocomp/fabric/noc_reference.py is the readable twin.
 *
 * Ports of a grid: 0 east, 1 west, 2 south, 3 north, then the router's cores. router = y * width + x,
 * core = router * locals + local, south is towards larger y. A link is router * links + the port by which it leaves,
 * links being 4.
 * A quad tree has width x height leaves, numbered like the routers of a grid, which alone have cores; behind them
 * come the routers above each 2 x 2 of them, and so on up to one. Ports there: 0 to 3 down to (x odd) + 2 * (y odd),
 * 4 up, then cores; links are 5. Packets go up as far as they must, then down.
 */
#ifndef NC_NOC_H
#define NC_NOC_H

#include "nc_status.h"
#include <stdint.h>

enum { NC_NOC_UP = 4, NC_NOC_DELAY_MAX = 1000, NC_NOC_CLASSES = 8 };

typedef struct {
    int32_t width, height, locals;
    int32_t torus;        /* links lead round; half the VCs (the smaller) are for packets that cross the dateline */
    int32_t tree;         /* a quad tree instead of a grid */
    int32_t halves;       /* on a grid without torus: half the VCs are for links in tree_high, half for all others */
    int32_t vcs, depth; /* (links + locals) * vcs, with vcs rounded up to a multiple of input_speedup, is at most 64 */
    int32_t routing_delay, credit_delay, speculative, input_speedup;
    const int32_t *link_latency; /* per link, at least 1 */
    const int32_t *link_interval; /* per link: cycles from one flit to the next, at least 1 */
} nc_noc;

/* Packets; delivery_ptr may be NULL: packet p has the one delivery p. Trees may be absent (tree NULL). */
typedef struct {
    int64_t packet_count, delivery_count;
    const int32_t *order; /* packets by release */
    const int64_t *release;
    const int32_t *source, *flits;
    int32_t classes; /* 1 to 8: a core has a queue for each and serves them in turn */
    const uint8_t *traffic_class; /* per packet; NULL: all 0 */
    const uint8_t *forward; /* torus: bit 0 (x), bit 1 (y): on a tie the packet goes east, south; NULL: always */
    const int64_t *delivery_ptr; /* packet_count + 1 */
    const int32_t *delivery_core;
    const int32_t *tree; /* per packet, -1: none, the packet has one delivery */
    int64_t tree_count;
    const int64_t *tree_ptr; /* tree_count + 1 */
    const int32_t *tree_router; /* ascending within a tree */
    const uint64_t *tree_ports; /* the ports by which the tree leaves that router */
    const uint8_t *tree_high; /* links of these that lie on a way round that crosses the dateline, or on a path */
} nc_noc_burst;

typedef struct {
    int64_t *arrival; /* per delivery; -1: not arrived when the run was stopped */
    int64_t *inject; /* per packet */
    int64_t *link_flits; /* per link, added to */
    int64_t *port_wait; /* per router and port: cycles beyond the pipeline that flits spent in that input, added to */
    int64_t drain; /* cycle of the last arrival, -1: none */
    int64_t delivered, flit_hops;
} nc_noc_result;

static inline int32_t nc_noc_links(const nc_noc *net) { return net->tree ? 5 : 4; }

static inline int32_t nc_noc_routers(const nc_noc *net) {
    int32_t width = net->width, height = net->height, routers = width * height;
    while (net->tree && width * height > 1) {
        width = (width + 1) / 2;
        height = (height + 1) / 2;
        routers += width * height;
    }
    return routers;
}

nc_status nc_noc_check(const nc_noc *net);
nc_status nc_noc_check_burst(const nc_noc *net, const nc_noc_burst *burst);

/* Bytes that runs of up to packet_capacity packets need; 0 if they would not fit into size_t. */
uint64_t nc_noc_workspace(const nc_noc *net, int64_t packet_capacity, int with_trees);

/* Once before the first run in a workspace; each run leaves it as it found it. */
void nc_noc_prepare(const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees);

/* Runs until everything has arrived, or before cycle `until` if that is not negative.
 * NC_ERR_STUCK: packets block each other for ever. */
nc_status nc_noc_run(const nc_noc *net, void *workspace, int64_t packet_capacity, int with_trees,
                     const nc_noc_burst *burst, int64_t until, nc_noc_result *result);

#endif
