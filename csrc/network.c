#include "network.h"
#include "nc_dispatch.h"
#include <stddef.h>
#include <string.h>

/* Every array in the workspace starts at a multiple of this, so that vector loads do not straddle lines. */
#define ALIGNMENT 64u

/* Where arrays are taken from; with at NULL they are only counted. used sticks at TOO_MUCH. */
typedef struct {
    uint8_t *at;
    uint64_t used;
} arena;

#define TOO_MUCH UINT64_MAX

static uint64_t aligned(uint64_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* `count` arrays of `bytes` each, aligned(bytes) apart. */
static void *take(arena *a, uint64_t count, uint64_t bytes) {
    void *const here = a->at == NULL ? NULL : a->at + a->used;
    const int fits = count <= (TOO_MUCH - a->used) / aligned(bytes);
    a->used = fits ? a->used + count * aligned(bytes) : TOO_MUCH;
    return here;
}

/* Working state of one population during a run. */
typedef struct {
    nc_neuron_state state;
    nc_events *events; /* history slots */
} population_state;

typedef struct {
    population_state *population;
    void *x, *scratch;
    uint8_t *fires, *active;
} run_state;

static int32_t largest(const nc_network *net) {
    int32_t n = 1;
    for (int32_t p = 0; p < net->population_count; p++)
        n = net->populations[p].n > n ? net->populations[p].n : n;
    return n;
}

static void place_population(const nc_population *p, arena *a, population_state *state) {
    const uint64_t bytes = 4 * (uint64_t)p->n;
    const int neurons = p->kind == NC_NEURONS;
    population_state here = {{NULL, NULL, NULL, NULL, NULL, 0}, NULL};
    here.state.v = neurons ? take(a, 1, bytes) : NULL;
    here.state.i = neurons && p->neurons.has_current ? take(a, 1, bytes) : NULL;
    here.state.fired = neurons && p->neurons.reset_next ? take(a, 1, bytes) : NULL;
    here.state.wait = neurons && p->neurons.refractory > 0 ? take(a, 1, bytes) : NULL;
    here.state.a = neurons && p->neurons.general && p->neurons.extra[NC_A_DECAY] != NULL ? take(a, 1, bytes) : NULL;
    here.events = take(a, 1, sizeof(nc_events) * (uint64_t)p->history);
    uint8_t *slot = take(a, 2 * (uint64_t)p->history, bytes);
    for (int32_t h = 0; a->at != NULL && h < p->history; h++, slot += 2 * aligned(bytes))
        here.events[h] = (nc_events){0, (int32_t *)(void *)slot, slot + aligned(bytes)};
    if (a->at != NULL)
        *state = here;
}

/* Lays a run's arrays out in the arena. All elements are 4 bytes. */
static void place(const nc_network *net, arena *a, run_state *run) {
    const uint64_t widest = (uint64_t)largest(net);
    run->population = take(a, 1, sizeof(population_state) * (uint64_t)net->population_count);
    run->x = take(a, 1, 4 * widest);
    run->scratch = take(a, 1, 4 * widest);
    run->fires = take(a, 1, widest + 8);
    run->active = take(a, 1, widest + 8);
    for (int32_t k = 0; k < net->population_count; k++)
        place_population(&net->populations[k], a, a->at == NULL ? NULL : &run->population[k]);
}

uint64_t nc_network_workspace(const nc_network *net) {
    arena a = {NULL, 0};
    run_state run;
    place(net, &a, &run);
    return a.used <= SIZE_MAX / 2 ? a.used : 0;
}

static nc_status check_population(const nc_network *net, int32_t k) {
    const nc_population *const p = &net->populations[k];
    if (p->n < 1 || p->n > NC_MOST_ELEMENTS || p->history < 1)
        return NC_ERR_SIZE;
    if (p->first < 0 || p->last < p->first || p->last > net->projection_count)
        return NC_ERR_SIZE;
    if (p->kind < NC_INPUT || p->kind > NC_NEURONS || (p->kind == NC_INPUT && k > 0))
        return NC_ERR_KIND;
    for (int32_t j = p->first; j < p->last; j++)
        if (net->projections[j].target != k)
            return NC_ERR_INDEX;
    if (p->shift < 0 || p->shift > 16 || (p->bias != NULL && (p->bias_period < 1 || p->bias_period > p->n)))
        return NC_ERR_SIZE;
    if (p->kind == NC_NEURONS && p->neurons.n != p->n)
        return NC_ERR_SIZE;
    return p->kind == NC_NEURONS ? nc_neurons_check(&p->neurons) : NC_OK;
}

static nc_status check_ends(const nc_network *net, const nc_projection *p) {
    if (p->source < 0 || p->source >= net->population_count || p->target < 0 || p->target >= net->population_count)
        return NC_ERR_INDEX;
    const nc_population *const source = &net->populations[p->source];
    if (source->n != p->n_source || net->populations[p->target].n != p->n_target || source->history <= p->delay)
        return NC_ERR_SIZE;
    return p->delay == 0 && p->source >= p->target ? NC_ERR_INDEX : NC_OK;
}

nc_status nc_network_check(const nc_network *net) {
    if (net->population_count < 1 || net->projection_count < 0)
        return NC_ERR_SIZE;
    for (int32_t k = 0; k < net->population_count; k++) {
        const nc_status status = check_population(net, k);
        if (status != NC_OK)
            return status;
    }
    for (int32_t k = 0; k < net->projection_count; k++) {
        nc_status status = nc_projection_check(&net->projections[k]);
        if (status == NC_OK)
            status = check_ends(net, &net->projections[k]);
        if (status != NC_OK)
            return status;
    }
    return NC_OK;
}

/* Eight flags of 0 or 1 to the eight bits of a byte, the first flag to the lowest bit. */
static inline uint8_t pack8(const uint8_t *flags) {
    uint64_t eight;
    memcpy(&eight, flags, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    return (uint8_t)((eight * 0x0102040810204080ull) >> 56);
}

/* flags has n entries and at least 8 writable bytes behind them. */
static void pack_bits(uint8_t *flags, int32_t n, uint8_t *bits) {
    memset(flags + n, 0, 8);
    for (int32_t byte = 0; byte < (n + 7) / 8; byte++)
        bits[byte] = pack8(flags + 8 * (int64_t)byte);
}

#define VALUE float
#define NAME(stem) stem##_f32
#include "network_template.h"
#undef VALUE
#undef NAME

#define VALUE int32_t
#define NAME(stem) stem##_i32
#include "network_template.h"
