/* The board on which parts are moved: who sits where, which move is tried next, and how cold it is. Included by the
 * searches of place_*.c only. */
#ifndef NC_PLACE_BOARD_H
#define NC_PLACE_BOARD_H

#include "place.h"
#include "rng.h"

enum { EMPTY = -1, CLOSED = -2, LEVELS = 128, GREEDY_LEVELS = 16 };
#define COOLING 0.96 /* a hundredth of the heat is left when it is turned off */

typedef struct {
    int32_t x, y;
} nc_spot;

typedef struct {
    const nc_place_fabric *fabric;
    const nc_place_state *state;
    int32_t *occupant; /* per core: part, EMPTY or CLOSED (not usable, or its part is held) */
    int32_t *movable;  /* parts that are not held */
    int32_t *best;     /* per part: its core in the best state seen */
    int32_t part_count, movable_count;
    nc_rng rng;
} nc_board;

/* A part and the core that it would go to; other: the part there, or EMPTY. */
typedef struct {
    int32_t part, from, to, other;
} nc_jump;

static inline void *nc_take(uint8_t *memory, uint64_t *used, uint64_t count, uint64_t size) {
    void *const here = memory == NULL ? NULL : memory + *used;
    *used += (count * size + 63) / 64 * 64;
    return here;
}

static inline int64_t board_cores(const nc_place_fabric *f) { return (int64_t)f->width * f->height * f->per_router; }

static inline nc_spot board_spot(const nc_place_fabric *f, int32_t core) {
    const int32_t router = core / f->per_router;
    return (nc_spot){router % f->width, router / f->width};
}

/* Returns the bytes used beyond `used`; with memory NULL nothing is written. */
static inline uint64_t board_take(nc_board *b, uint64_t used, uint8_t *memory) {
    b->occupant = nc_take(memory, &used, (uint64_t)board_cores(b->fabric), sizeof(int32_t));
    b->movable = nc_take(memory, &used, (uint64_t)b->part_count, sizeof(int32_t));
    b->best = nc_take(memory, &used, (uint64_t)b->part_count, sizeof(int32_t));
    return used;
}

static inline void board_set(nc_board *b, uint64_t seed) {
    const nc_place_state *const s = b->state;
    const int64_t cores = board_cores(b->fabric);
    for (int64_t c = 0; c < cores; c++)
        b->occupant[c] = s->open[c] ? EMPTY : CLOSED;
    b->movable_count = 0;
    for (int32_t p = 0; p < b->part_count; p++) {
        b->occupant[s->core[p]] = s->held[p] ? CLOSED : p;
        if (!s->held[p])
            b->movable[b->movable_count++] = p;
        b->best[p] = s->core[p];
    }
    b->rng = (nc_rng){nc_rng_hash(seed + 0x632be59bd9b4e019u), 0};
}

static inline int32_t board_near(nc_rng *rng, int32_t at, int32_t window, int32_t size, int32_t torus) {
    const int32_t to = at - window + nc_rng_below(rng, 2 * window + 1);
    if (torus)
        return (to % size + size) % size;
    return to < 0 ? -to < size ? -to : 0 : to >= size ? 2 * size - 2 - to > 0 ? 2 * size - 2 - to : 0 : to;
}

/* A core within `window` of a spot that part may go to; 0 if the one drawn is not. */
static inline int board_aim(nc_board *b, int32_t part, nc_spot centre, int32_t window, nc_jump *jump) {
    const nc_place_fabric *const f = b->fabric;
    const int32_t x = board_near(&b->rng, centre.x, window, f->width, f->torus);
    const int32_t y = board_near(&b->rng, centre.y, window, f->height, f->torus);
    int32_t to = (y * f->width + x) * f->per_router;
    to += f->per_router > 1 ? nc_rng_below(&b->rng, f->per_router) : 0;
    *jump = (nc_jump){part, b->state->core[part], to, b->occupant[to]};
    return jump->other != CLOSED && jump->from / f->per_router != to / f->per_router;
}

static inline void board_make(nc_board *b, const nc_jump *jump) {
    b->occupant[jump->from] = jump->other;
    b->occupant[jump->to] = jump->part;
    b->state->core[jump->part] = jump->to;
    if (jump->other >= 0)
        b->state->core[jump->other] = jump->from;
}

static inline void board_keep(nc_board *b) { memcpy(b->best, b->state->core, sizeof(int32_t) * (size_t)b->part_count); }

static inline void board_restore(nc_board *b) {
    memcpy(b->state->core, b->best, sizeof(int32_t) * (size_t)b->part_count);
}

/* How cold it is at a level: geometric cooling, and nothing but improvements in the last levels. */
static inline double board_cooled(double temperature, int32_t level) {
    return level + 1 >= LEVELS - GREEDY_LEVELS ? 0.0 : temperature * COOLING;
}

static inline int32_t board_window(const nc_place_schedule *s, int32_t level) {
    const int32_t window = (int32_t)((int64_t)s->window * (LEVELS - level) / LEVELS);
    return window < 1 ? 1 : window;
}

#endif
