/* Loads of links while moves are tried: what changed since the last decision can be weighed and taken back. A link's
 * load is the traffic over it times its cost. Included by place_trees.c only. */
#ifndef NC_PLACE_LOAD_H
#define NC_PLACE_LOAD_H

#include "place_tree.h"

enum { TO_EAST, TO_WEST, TO_NORTH, TO_SOUTH };

typedef struct {
    int64_t *load;    /* per link */
    int64_t *before;  /* per link: its load at the last decision, if it has changed */
    int32_t *changed; /* links that have */
    uint8_t *is_changed;
    int32_t changes;
} nc_loads;

static inline uint64_t loads_take(nc_loads *l, const nc_place_fabric *f, uint64_t used, uint8_t *memory) {
    const uint64_t links = (uint64_t)f->width * (uint64_t)f->height * NC_PLACE_LINKS;
    l->load = nc_take(memory, &used, links, sizeof(int64_t));
    l->before = nc_take(memory, &used, links, sizeof(int64_t));
    l->changed = nc_take(memory, &used, links, sizeof(int32_t));
    l->is_changed = nc_take(memory, &used, links, 1);
    return used;
}

static inline void loads_add(nc_loads *l, int32_t link, int64_t amount) {
    if (!l->is_changed[link]) {
        l->is_changed[link] = 1;
        l->before[link] = l->load[link];
        l->changed[l->changes++] = link;
    }
    l->load[link] += amount;
}

/* How much sum(load^2) has grown since the last decision. */
static inline double loads_squares(const nc_loads *l) {
    double sum = 0.0;
    for (int32_t k = 0; k < l->changes; k++) {
        const int32_t link = l->changed[k];
        sum += (double)(l->load[link] - l->before[link]) * (double)(l->load[link] + l->before[link]);
    }
    return sum;
}

static inline void loads_decide(nc_loads *l, int keep) {
    for (int32_t k = 0; k < l->changes; k++) {
        const int32_t link = l->changed[k];
        l->load[link] = keep ? l->load[link] : l->before[link];
        l->is_changed[link] = 0;
    }
    l->changes = 0;
}

/* Adds to the links of a row from `low` to `high` steps around a place. */
static inline void loads_row(nc_loads *l, const nc_place_fabric *f, nc_spot at, int32_t low, int32_t high,
                             int64_t traffic) {
    const int32_t first = at.y * f->width;
    for (int32_t k = 0; k < high; k++) {
        const int32_t x = at.x + k < f->width ? at.x + k : at.x + k - f->width;
        loads_add(l, (first + x) * NC_PLACE_LINKS + TO_EAST, traffic * f->column_cost[x]);
    }
    for (int32_t k = 0; k > low; k--) {
        const int32_t x = at.x + k >= 0 ? at.x + k : at.x + k + f->width, to = x > 0 ? x - 1 : f->width - 1;
        loads_add(l, (first + x) * NC_PLACE_LINKS + TO_WEST, traffic * f->column_cost[to]);
    }
}

/* The same for a column. */
static inline void loads_column(nc_loads *l, const nc_place_fabric *f, nc_spot at, int32_t low, int32_t high,
                                int64_t traffic) {
    for (int32_t k = 0; k < high; k++) {
        const int32_t y = at.y + k < f->height ? at.y + k : at.y + k - f->height;
        loads_add(l, (y * f->width + at.x) * NC_PLACE_LINKS + TO_SOUTH, traffic * f->row_cost[y]);
    }
    for (int32_t k = 0; k > low; k--) {
        const int32_t y = at.y + k >= 0 ? at.y + k : at.y + k + f->height, to = y > 0 ? y - 1 : f->height - 1;
        loads_add(l, (y * f->width + at.x) * NC_PLACE_LINKS + TO_NORTH, traffic * f->row_cost[to]);
    }
}

/* Adds a tree that has all its pins. */
static inline void loads_tree(nc_loads *l, const nc_tree *t, int64_t traffic) {
    loads_row(l, t->fabric, t->source, t->west, t->east, traffic);
    for (int32_t k = 0; k < t->hits; k++) {
        const nc_column *const c = &t->column[t->hit[k]];
        loads_column(l, t->fabric, (nc_spot){t->hit[k], t->source.y}, c->low, c->high, traffic);
    }
}

static inline void loads_path(nc_loads *l, const nc_place_fabric *f, nc_spot a, nc_spot b, int64_t traffic) {
    const nc_spot s = tree_steps(f, a, b);
    loads_row(l, f, a, s.x < 0 ? s.x : 0, s.x > 0 ? s.x : 0, traffic);
    loads_column(l, f, (nc_spot){b.x, a.y}, s.y < 0 ? s.y : 0, s.y > 0 ? s.y : 0, traffic);
}

#endif
