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
    int64_t touched; /* links looked at, the measure of work */
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
    l->touched++;
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

/* Whether some load has grown beyond `most` since then. */
static inline int loads_exceed(const nc_loads *l, int64_t most) {
    for (int32_t k = 0; k < l->changes; k++) {
        const int32_t link = l->changed[k];
        if (l->load[link] > most && l->load[link] > l->before[link])
            return 1;
    }
    return 0;
}

static inline void loads_decide(nc_loads *l, int keep) {
    for (int32_t k = 0; k < l->changes; k++) {
        const int32_t link = l->changed[k];
        l->load[link] = keep ? l->load[link] : l->before[link];
        l->is_changed[link] = 0;
    }
    l->changes = 0;
}

/* Adds to the links of a row that lie `from` to `to` steps east of a place (0 <= from <= to). */
static inline void loads_east(nc_loads *l, const nc_place_fabric *f, nc_spot at, int32_t from, int32_t to,
                              int64_t traffic) {
    const int32_t first = at.y * f->width;
    for (int32_t k = from; k < to; k++) {
        const int32_t x = at.x + k < f->width ? at.x + k : at.x + k - f->width;
        loads_add(l, (first + x) * NC_PLACE_LINKS + TO_EAST, traffic * f->column_cost[x]);
    }
}

static inline void loads_west(nc_loads *l, const nc_place_fabric *f, nc_spot at, int32_t from, int32_t to,
                              int64_t traffic) {
    const int32_t first = at.y * f->width;
    for (int32_t k = from; k < to; k++) {
        const int32_t x = at.x - k >= 0 ? at.x - k : at.x - k + f->width, next = x > 0 ? x - 1 : f->width - 1;
        loads_add(l, (first + x) * NC_PLACE_LINKS + TO_WEST, traffic * f->column_cost[next]);
    }
}

static inline void loads_north(nc_loads *l, const nc_place_fabric *f, nc_spot at, int32_t from, int32_t to,
                               int64_t traffic) {
    for (int32_t k = from; k < to; k++) {
        const int32_t y = at.y - k >= 0 ? at.y - k : at.y - k + f->height, next = y > 0 ? y - 1 : f->height - 1;
        loads_add(l, (y * f->width + at.x) * NC_PLACE_LINKS + TO_NORTH, traffic * f->row_cost[next]);
    }
}

static inline void loads_south(nc_loads *l, const nc_place_fabric *f, nc_spot at, int32_t from, int32_t to,
                               int64_t traffic) {
    for (int32_t k = from; k < to; k++) {
        const int32_t y = at.y + k < f->height ? at.y + k : at.y + k - f->height;
        loads_add(l, (y * f->width + at.x) * NC_PLACE_LINKS + TO_SOUTH, traffic * f->row_cost[y]);
    }
}

/* A row around a place that reached from `low` to `high` steps, and now reaches elsewhere. */
static inline void loads_row(nc_loads *l, const nc_place_fabric *f, nc_spot at, nc_reach old, nc_reach now,
                             int64_t traffic) {
    loads_east(l, f, at, now.high, old.high, -traffic);
    loads_east(l, f, at, old.high, now.high, traffic);
    loads_west(l, f, at, -now.low, -old.low, -traffic);
    loads_west(l, f, at, -old.low, -now.low, traffic);
}

static inline void loads_column(nc_loads *l, const nc_place_fabric *f, nc_spot at, nc_reach old, nc_reach now,
                                int64_t traffic) {
    loads_south(l, f, at, now.high, old.high, -traffic);
    loads_south(l, f, at, old.high, now.high, traffic);
    loads_north(l, f, at, -now.low, -old.low, -traffic);
    loads_north(l, f, at, -old.low, -now.low, traffic);
}

/* Adds a tree that has all its pins (or takes it off, if traffic is negative). */
static inline void loads_tree(nc_loads *l, const nc_tree *t, int64_t traffic) {
    const nc_reach nothing = {0, 0};
    loads_row(l, t->fabric, t->source, nothing, t->row, traffic);
    for (int32_t k = 0; k < t->hits; k++)
        loads_column(l, t->fabric, (nc_spot){t->hit[k], t->source.y}, nothing, t->column[t->hit[k]].reach, traffic);
}

/* Replaces one tree of a net by another; where both have the same source, only the links in which they differ. */
static inline void loads_change(nc_loads *l, const nc_tree *old, const nc_tree *now, int64_t traffic) {
    const nc_reach nothing = {0, 0};
    if (old->source.x != now->source.x || old->source.y != now->source.y) {
        loads_tree(l, old, -traffic);
        loads_tree(l, now, traffic);
        return;
    }
    loads_row(l, now->fabric, now->source, old->row, now->row, traffic);
    for (int32_t k = 0; k < old->hits; k++) {
        const int32_t x = old->hit[k];
        const nc_reach reach = now->column[x].seen == now->tree ? now->column[x].reach : nothing;
        loads_column(l, now->fabric, (nc_spot){x, now->source.y}, old->column[x].reach, reach, traffic);
    }
    for (int32_t k = 0; k < now->hits; k++) {
        const int32_t x = now->hit[k];
        if (old->column[x].seen != old->tree)
            loads_column(l, now->fabric, (nc_spot){x, now->source.y}, nothing, now->column[x].reach, traffic);
    }
}

static inline void loads_path(nc_loads *l, const nc_place_fabric *f, nc_spot a, nc_spot b, int64_t traffic) {
    const nc_spot s = tree_steps(f, a, b);
    const nc_reach nothing = {0, 0};
    loads_row(l, f, a, nothing, (nc_reach){s.x < 0 ? s.x : 0, s.x > 0 ? s.x : 0}, traffic);
    loads_column(l, f, (nc_spot){b.x, a.y}, nothing, (nc_reach){s.y < 0 ? s.y : 0, s.y > 0 ? s.y : 0}, traffic);
}

#endif
