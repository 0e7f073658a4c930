/* Cores for the parts of a network: simulated annealing (Kirkpatrick et al., Science 1983) of what the parts' spikes
 * take of a mesh, on pairs of parts first and then on the exact multicast trees and the loads of the links.
 *
 * router = y * width + x, core = router * per_router + k, link = router * 4 + direction (0 east, 1 west, 2 north,
 * 3 south; north is towards smaller y). Routes go along x first; on a torus the shorter way round, forward on a tie.
 * neurocomp/mapping/placing/cost.py is the readable twin of the cost. */
#ifndef NC_PLACE_H
#define NC_PLACE_H

#include "nc_status.h"
#include <stdint.h>

enum { NC_PLACE_LINKS = 4, NC_PLACE_SIDE_MAX = 16384, NC_PLACE_COST_MAX = 1000000 };

typedef struct {
    int32_t width, height, per_router;
    int32_t torus;
    int32_t tree;         /* a net takes each link of its paths once, not once per part */
    int32_t input_router; /* where nets without a source enter */
    const int32_t *column_cost; /* width: the links between a column and the next (the last and the first) */
    const int32_t *row_cost;    /* height */
} nc_place_fabric;

/* Nets between parts; touch lists the nets of each part, ascending, each once, as source or as pin. The nets' total
 * traffic times the cost of the whole mesh stays below 2^62. */
typedef struct {
    int32_t part_count;
    int32_t net_count;
    const int32_t *source;  /* -1: enters at the input router */
    const int64_t *traffic; /* at least 1 */
    const int64_t *pin_ptr; /* net_count + 1 */
    const int32_t *pin;     /* parts other than the source, each once */
    const int64_t *touch_ptr; /* part_count + 1 */
    const int32_t *touch;
} nc_place_nets;

/* The same as pairs: what flows between each part and each of its partners, both ways together. */
typedef struct {
    int32_t part_count;
    const int64_t *ptr;    /* part_count + 1 */
    const int32_t *other;  /* ascending within a part, never the part itself */
    const int64_t *flow;
    const int64_t *input;  /* per part: what comes from the input router */
} nc_place_flows;

typedef struct {
    int32_t *core;       /* per part; all different */
    const uint8_t *held; /* per part: stays where it is */
    const uint8_t *open; /* per core: may be used */
} nc_place_state;

typedef struct {
    uint64_t seed;
    int64_t work;      /* pins that may be looked at */
    double hot;        /* temperature at the beginning, in units of cost */
    int32_t window;    /* how far a part may jump, in routers */
    double congestion; /* weight of sum(load^2) beside sum(load); pairs know no loads */
    int32_t swept; /* joint moves alone: vertices are visited in turn, the best of all exchanges close by is tried */
} nc_place_schedule;

nc_status nc_place_check_fabric(const nc_place_fabric *fabric);
nc_status nc_place_check_nets(const nc_place_nets *nets);
nc_status nc_place_check_flows(const nc_place_flows *flows);
nc_status nc_place_check_state(const nc_place_fabric *fabric, int32_t part_count, const nc_place_state *state);

/* Bytes of work area for nc_place_cost and nc_place_trees, and for nc_place_pairs. */
uint64_t nc_place_trees_workspace(const nc_place_fabric *fabric, const nc_place_nets *nets);
uint64_t nc_place_pairs_workspace(const nc_place_fabric *fabric, const nc_place_flows *flows);

/* Traffic times cost of the links of all nets. load: per link, receives traffic times cost. */
int64_t nc_place_cost(const nc_place_fabric *fabric, const nc_place_nets *nets, const nc_place_state *state,
                      void *workspace, int64_t *load);

/* Better cores by swapping parts with each other and with empty cores; the cost of a pair is its distance times its
 * traffic. state->core ends as the best found. */
void nc_place_pairs(const nc_place_fabric *fabric, const nc_place_flows *flows, const nc_place_state *state,
                    const nc_place_schedule *schedule, void *workspace);

/* The same on what the nets really take of the links. */
void nc_place_trees(const nc_place_fabric *fabric, const nc_place_nets *nets, const nc_place_state *state,
                    const nc_place_schedule *schedule, void *workspace);

/* An orthonormal basis in which the normalised adjacency of the parts is tridiagonal (diagonal, beside it). basis:
 * steps + 3 rows of part_count, of which row 0 is the known eigenvector and rows 1 to the result are the basis; root:
 * square root of what flows at each part. Returns the number of steps made. */
int32_t nc_place_lanczos(const nc_place_flows *flows, int32_t steps, double *basis, double *diagonal, double *beside,
                         double *root);

#endif
