/* Better parts on given cores: vertices move and change places between parts by the exact change of what their nets
 * take of the links, under the limits that csrc/partition.h keeps. */
#ifndef NC_PLACE_JOINT_H
#define NC_PLACE_JOINT_H

#include "partition.h"
#include "place.h"

/* parts: loaded, every part within its limits; they stay within them. core: of each part, all different. movable:
 * vertices that may move. */
typedef struct {
    const nc_place_fabric *fabric;
    nc_partition *parts;
    const int32_t *core;
    const int32_t *movable;
    int32_t movable_count;
} nc_place_joint;

uint64_t nc_place_joint_workspace(const nc_place_joint *joint);

/* Traffic times cost of the links of all nets. load: per link, receives traffic times cost. */
int64_t nc_place_joint_cost(const nc_place_joint *joint, void *workspace, int64_t *load);

/* rows: vertices x NC_PLACE_AROUND, receives how much that cost grows if each movable vertex goes to a core so many
 * routers away: column by column from the west, each from the north. Not on a torus. */
enum { NC_PLACE_REACH = 3, NC_PLACE_AROUND = (2 * NC_PLACE_REACH + 1) * (2 * NC_PLACE_REACH + 1) };
void nc_place_joint_rows(const nc_place_joint *joint, void *workspace, float *rows);

/* Simulated annealing, which may end above where it began, or with schedule->hot at 0 only moves that raise nothing. */
void nc_place_joint_run(const nc_place_joint *joint, const nc_place_schedule *schedule, void *workspace);

#endif
