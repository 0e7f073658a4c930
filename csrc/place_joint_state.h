/* What joint moves work on. Included by place_joint_weigh.h only. */
#ifndef NC_PLACE_JOINT_STATE_H
#define NC_PLACE_JOINT_STATE_H

#include "partition_state.h"
#include "place_joint.h"
#include "place_load.h"

enum { V_HEARS = 1, W_HEARS = 2, HEARS = 4 };

/* A net whose cost a move changes: then it comes from `source`, no longer goes to part `less` and goes to `more`. */
typedef struct {
    int32_t net, less, more; /* -1: no part */
    nc_spot source;
    int64_t before, after;
} nc_fresh;

/* Places up to REACH routers away, column by column. */
enum { REACH = NC_PLACE_REACH, SIDE = 2 * REACH + 1, AROUND = NC_PLACE_AROUND, WIDE = 8 };

/* A place in cost from the corner, so that a difference is what lies between two. */
typedef struct {
    float x, y;
    int32_t column;
} nc_site;

/* How far a net reaches in one column. */
typedef struct {
    float x, low, high;
    int32_t column;
} nc_span;

/* Of place_joint_rows.h. */
typedef struct {
    float *row;            /* vertices x AROUND: how much the cost grows if the vertex goes there alone */
    float *least;          /* parts x AROUND: of its members, or less where is_mixed */
    int32_t *who;          /* parts x AROUND: which member that is; -1: none */
    uint8_t *is_stale;     /* vertices: some net has changed since */
    uint8_t *is_mixed;     /* parts: a member has left since */
    uint8_t *may_move;     /* vertices */
    int64_t *seen;         /* vertices: the time when no exchange of it served */
    int64_t *changed;      /* parts: the time when rows of members changed */
    int64_t clock;
    nc_site *site;         /* parts */
    nc_span *span;         /* of the net at hand */
    int32_t *span_in;      /* columns: where its span may lie */
} nc_rows;

typedef struct {
    const nc_place_joint *joint;
    const nc_place_fabric *fabric;
    nc_partition *s;
    nc_tree tree, old;
    nc_loads loads;    /* kept where steepness is above 0 */
    int64_t hottest;   /* load that sweeps let no link exceed */
    double steepness;  /* weight of sum(load^2) beside sum(load) */
    nc_spot *spot;    /* per part */
    int32_t *part_at; /* per core; EMPTY */
    int64_t *cost;    /* per net: its weighted links */
    nc_fresh *fresh;  /* of the move at hand */
    int32_t *best;    /* per vertex: its part in the best state seen */
    int swept;        /* vertices are visited in turn */
    nc_rows rows;
    double luck;      /* how much heat the visit at hand may take; negative: drawn for every move */
    int64_t *mark;    /* per net: HEARS * swap + who of the two that swap hears it */
    int64_t swap;     /* number of the swap that is weighed */
    int32_t freshes;
    nc_spot input;
    int64_t total, work;
    int64_t weighed, wanted; /* moves, at one level */
    nc_rng rng;
} nc_joint;

static uint64_t rows_take(nc_rows *r, const nc_joint *j, uint64_t used, uint8_t *memory) {
    const uint64_t vertices = (uint64_t)j->s->h->vertices, parts = (uint64_t)j->s->parts;
    r->row = nc_take(memory, &used, vertices * AROUND, sizeof(float));
    r->least = nc_take(memory, &used, parts * AROUND, sizeof(float));
    r->who = nc_take(memory, &used, parts * AROUND, sizeof(int32_t));
    r->is_stale = nc_take(memory, &used, vertices, 1);
    r->may_move = nc_take(memory, &used, vertices, 1);
    r->is_mixed = nc_take(memory, &used, parts, 1);
    r->seen = nc_take(memory, &used, vertices, sizeof(int64_t));
    r->changed = nc_take(memory, &used, parts, sizeof(int64_t));
    r->site = nc_take(memory, &used, parts, sizeof(nc_site));
    r->span = nc_take(memory, &used, parts, sizeof(nc_span));
    r->span_in = nc_take(memory, &used, (uint64_t)j->fabric->width, sizeof(int32_t));
    return used;
}

static uint64_t take_joint(nc_joint *j, const nc_place_joint *joint, uint8_t *memory) {
    const uint64_t nets = (uint64_t)joint->parts->h->nets;
    j->joint = joint;
    j->s = joint->parts;
    j->fabric = j->tree.fabric = j->old.fabric = joint->fabric;
    uint64_t used = tree_take(&j->old, tree_take(&j->tree, 0, memory), memory);
    used = loads_take(&j->loads, j->fabric, used, memory);
    j->spot = nc_take(memory, &used, (uint64_t)j->s->parts, sizeof(nc_spot));
    j->part_at = nc_take(memory, &used, (uint64_t)board_cores(j->fabric), sizeof(int32_t));
    j->cost = nc_take(memory, &used, nets, sizeof(int64_t));
    j->fresh = nc_take(memory, &used, 2 * nets, sizeof(nc_fresh));
    j->mark = nc_take(memory, &used, nets, sizeof(int64_t));
    j->best = nc_take(memory, &used, (uint64_t)j->s->h->vertices, sizeof(int32_t));
    return rows_take(&j->rows, j, used, memory);
}

uint64_t nc_place_joint_workspace(const nc_place_joint *joint) {
    nc_joint j;
    return take_joint(&j, joint, NULL);
}

static inline nc_spot home_of(const nc_joint *j, const nc_net *net) {
    return j->s->h->is_input[net->source] ? j->input : j->spot[j->s->part[net->source]];
}

#endif
