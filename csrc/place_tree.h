/* The links that nets take, in closed form and one by one. An XY multicast tree covers the reach of its pins east and
 * west in the source's row, and in every column with a pin the reach north and south. Included by place_trees.c only.
 */
#ifndef NC_PLACE_TREE_H
#define NC_PLACE_TREE_H

#include "place_board.h"

/* How far something reaches from a place: back (not positive) and forward (not negative). */
typedef struct {
    int32_t low, high;
} nc_reach;

typedef struct {
    int32_t seen;   /* the tree that last had a pin in this column */
    nc_reach reach; /* north and south of the source's row */
} nc_column;

typedef struct {
    const nc_place_fabric *fabric;
    int32_t *along_x, *along_y; /* cost from the corner, over three rounds: places -size to 2 size are at size + k */
    nc_column *column;          /* per column */
    int32_t *hit;               /* columns with a pin */
    int32_t hits, tree;
    nc_reach row; /* west and east of the source */
    nc_spot source;
} nc_tree;

static inline uint64_t tree_take(nc_tree *t, uint64_t used, uint8_t *memory) {
    const uint64_t width = (uint64_t)t->fabric->width, height = (uint64_t)t->fabric->height;
    t->along_x = nc_take(memory, &used, 3 * width + 1, sizeof(int32_t));
    t->along_y = nc_take(memory, &used, 3 * height + 1, sizeof(int32_t));
    t->column = nc_take(memory, &used, width, sizeof(nc_column));
    t->hit = nc_take(memory, &used, width, sizeof(int32_t));
    return used;
}

static inline void tree_lay_out(int32_t *along, const int32_t *cost, int32_t size) {
    along[0] = 0;
    for (int32_t k = 0; k < 3 * size; k++)
        along[k + 1] = along[k] + cost[k % size];
}

static inline void tree_set(nc_tree *t) {
    tree_lay_out(t->along_x, t->fabric->column_cost, t->fabric->width);
    tree_lay_out(t->along_y, t->fabric->row_cost, t->fabric->height);
    memset(t->column, 0, sizeof(nc_column) * (size_t)t->fabric->width);
    t->tree = 0;
}

static inline int32_t tree_shorter(int32_t step, int32_t size) {
    const int32_t forward = step < 0 ? step + size : step;
    return 2 * forward <= size ? forward : forward - size;
}

/* Steps from a to b, signed. */
static inline nc_spot tree_steps(const nc_place_fabric *f, nc_spot a, nc_spot b) {
    const nc_spot step = {b.x - a.x, b.y - a.y};
    if (!f->torus)
        return step;
    return (nc_spot){tree_shorter(step.x, f->width), tree_shorter(step.y, f->height)};
}

/* The cost of an arc from `low` to `high` steps around a place. */
static inline int32_t tree_arc(const int32_t *along, int32_t size, int32_t at, nc_reach reach) {
    return along[size + at + reach.high] - along[size + at + reach.low];
}

static inline void tree_begin(nc_tree *t, nc_spot source) {
    if (++t->tree == INT32_MAX) {
        memset(t->column, 0, sizeof(nc_column) * (size_t)t->fabric->width);
        t->tree = 1;
    }
    t->hits = 0;
    t->row = (nc_reach){0, 0};
    t->source = source;
}

static inline void tree_add(nc_tree *t, nc_spot pin) {
    const nc_spot step = tree_steps(t->fabric, t->source, pin);
    nc_column *const c = &t->column[pin.x];
    if (c->seen != t->tree) {
        *c = (nc_column){t->tree, {step.y < 0 ? step.y : 0, step.y > 0 ? step.y : 0}};
        t->hit[t->hits++] = pin.x;
        t->row.low = step.x < t->row.low ? step.x : t->row.low;
        t->row.high = step.x > t->row.high ? step.x : t->row.high;
        return;
    }
    c->reach.low = step.y < c->reach.low ? step.y : c->reach.low;
    c->reach.high = step.y > c->reach.high ? step.y : c->reach.high;
}

static inline int64_t tree_cost(const nc_tree *t) {
    const nc_place_fabric *const f = t->fabric;
    int64_t cost = tree_arc(t->along_x, f->width, t->source.x, t->row);
    for (int32_t k = 0; k < t->hits; k++)
        cost += tree_arc(t->along_y, f->height, t->source.y, t->column[t->hit[k]].reach);
    return cost;
}

static inline int64_t tree_path_cost(const nc_tree *t, nc_spot a, nc_spot b) {
    const nc_place_fabric *const f = t->fabric;
    const nc_spot s = tree_steps(f, a, b);
    const nc_reach x = {s.x < 0 ? s.x : 0, s.x > 0 ? s.x : 0}, y = {s.y < 0 ? s.y : 0, s.y > 0 ? s.y : 0};
    return (int64_t)tree_arc(t->along_x, f->width, a.x, x) + tree_arc(t->along_y, f->height, a.y, y);
}

#endif
