/* Parts that fit where filling, growing and repair found none: simulated annealing (Kirkpatrick et al., Science 1983)
 * of what the parts take beyond their limits, whatever that does to the volume. */
#include "partition_state.h"

enum { CYCLES = 8, LEVELS = 64, STEPS_AWAY = 16 };
#define HOT 0.3 /* in shares of a limit */
#define COOLING 0.93

typedef struct {
    nc_partition *s;
    const int32_t *vertex; /* those that are no inputs */
    int32_t vertices, wrong;
    double change; /* of all excess, by the moves since it was set to 0 */
    int64_t work;
    nc_rng rng;
} nc_settling;

/* What a part takes beyond its limits, and lacks of the members that it must have, in shares of these. */
static double excess_of(const nc_partition *s, int32_t part) {
    const int64_t *const demand = s->demand + (int64_t)part * NC_COLUMNS;
    const int64_t missing = s->least_members - demand[NC_MEMBERS];
    double sum = missing > 0 ? (double)missing / (double)s->least_members : 0.0;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        int64_t over = -s->capacity[limit];
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            over += s->limit_weight[(int64_t)limit * NC_COLUMNS + c] * demand[c];
        sum += over > 0 ? (double)over / ((double)s->capacity[limit] + 1) : 0.0;
    }
    return sum;
}

/* s->score holds each part's excess. */
static void recount(nc_settling *a, int32_t part) {
    if (part < 0)
        return;
    const double now = excess_of(a->s, part), before = a->s->score[part];
    a->s->score[part] = now;
    a->wrong += (now > 0.0) - (before > 0.0);
    a->change += now - before;
    a->work += a->s->limits;
}

static void move(nc_settling *a, int32_t v, int32_t to) {
    nc_partition *const s = a->s;
    const int32_t from = s->part[v];
    nc_partition_move(s, v, to);
    recount(a, from);
    recount(a, to);
    a->work += s->heard_ptr[v + 1] - s->heard_ptr[v] + s->sent_ptr[v + 1] - s->sent_ptr[v];
    for (int64_t k = s->heard_ptr[v]; s->out_limited && k < s->heard_ptr[v + 1]; k++)
        recount(a, nc_source_part(s, &s->net[s->heard[k]]));
}

/* A member of some part that is too full, or any vertex. */
static int32_t pick(nc_settling *a) {
    nc_partition *const s = a->s;
    const int32_t start = nc_rng_below(&a->rng, 2 * s->parts);
    for (int32_t k = 0; start < s->parts && k < s->parts; k++) {
        const int32_t part = (start + k) % s->parts;
        if (s->score[part] <= 0.0 || s->first[part] < 0)
            continue;
        int32_t v = s->first[part];
        for (int32_t steps = nc_rng_below(&a->rng, STEPS_AWAY); steps > 0; steps--)
            v = s->next[v];
        s->first[part] = v; /* the ring begins elsewhere next time */
        return v;
    }
    return a->vertex[nc_rng_below(&a->rng, a->vertices)];
}

static void step(nc_settling *a, double temperature) {
    nc_partition *const s = a->s;
    const int32_t v = pick(a), w = a->vertex[nc_rng_below(&a->rng, a->vertices)];
    const int swaps = (int)(nc_rng_next(&a->rng) >> 63);
    const int32_t from = s->part[v], to = swaps ? s->part[w] : nc_rng_below(&a->rng, s->parts);
    a->work++;
    if (from == to)
        return;
    a->change = 0.0;
    move(a, v, to);
    if (swaps)
        move(a, w, from);
    if (a->change <= 0.0 || a->change <= temperature * nc_rng_exponential(&a->rng))
        return;
    if (swaps)
        move(a, w, to);
    move(a, v, from);
}

static void place_all(nc_settling *a) {
    nc_partition *const s = a->s;
    for (int32_t v = 0; v < s->h->vertices; v++) {
        if (s->h->is_input[v])
            continue;
        s->heap[a->vertices++] = v;
        if (s->part[v] < 0)
            nc_partition_move(s, v, nc_rng_below(&a->rng, s->parts));
    }
    a->vertex = s->heap;
    for (int32_t p = 0; p < s->parts; p++) {
        s->score[p] = 0.0;
        recount(a, p);
    }
}

int32_t nc_partition_settle(nc_partition *s, int64_t work, uint64_t seed) {
    nc_settling a = {.s = s, .rng = {nc_rng_hash(seed + 0x8cb92ba72f3d8dd7u), 0}};
    place_all(&a);
    for (int32_t cycle = 0; cycle < CYCLES && a.vertices > 0 && s->parts > 1; cycle++) {
        double temperature = HOT;
        for (int32_t level = 0; level < LEVELS; level++, temperature *= COOLING) {
            a.work = 0;
            while (a.wrong > 0 && a.work < work / (CYCLES * LEVELS))
                step(&a, temperature);
        }
    }
    return a.wrong;
}
