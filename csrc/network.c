#include "network.h"
#include "crew.h"
#include "nc_dispatch.h"
#include "product.h"
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
static void *take_several(arena *a, uint64_t count, uint64_t bytes) {
    void *const here = a->at == NULL ? NULL : a->at + a->used;
    const int fits = bytes == 0 || count <= (TOO_MUCH - a->used) / aligned(bytes);
    a->used = fits ? a->used + count * aligned(bytes) : TOO_MUCH;
    return here;
}

static void *take(arena *a, uint64_t bytes) { return take_several(a, 1, bytes); }

static void *take_zeros(arena *a, uint64_t bytes) {
    void *const here = take(a, bytes);
    if (here != NULL)
        memset(here, 0, (size_t)bytes);
    return here;
}

/* Working state of one population during a run. */
typedef struct {
    nc_neuron_state state; /* its saturations stay 0: parts count their own */
    nc_outputs *outputs;   /* history slots */
    int32_t granule;       /* shares begin at multiples of this; n or more if one part does it all */
    int32_t scattered;     /* whether some projection reaches its targets in no order */
} population_state;

typedef struct {
    nc_crew crew;
    population_state *population;
    void *left, *right, *line; /* a product's operands in order, and one row of it per part */
    int32_t *tally;
    uint64_t line_bytes;
    uint8_t *fires, *active;
    int64_t saturations[NC_MOST_PARTS];
} run_state;

/* The largest sizes of anything that is kept once for all populations. */
typedef struct {
    uint64_t elements, operand, columns, inner;
} extremes;

static uint64_t more(uint64_t a, uint64_t b) { return a > b ? a : b; }

static extremes largest(const nc_network *net) {
    extremes most = {1, 0, 0, 0};
    for (int32_t p = 0; p < net->population_count; p++)
        most.elements = more(most.elements, (uint64_t)net->populations[p].n);
    for (int32_t k = 0; k < net->projection_count; k++) {
        const nc_projection *const p = &net->projections[k];
        if (p->kind != NC_LEFT && p->kind != NC_RIGHT)
            continue;
        most.operand = more(most.operand, (uint64_t)nc_operand_size(p));
        most.columns = more(most.columns, (uint64_t)p->columns);
        most.inner = more(most.inner, (uint64_t)p->inner);
    }
    return most;
}

static int is_listed(const nc_network *net, int32_t population) {
    for (int32_t k = 0; k < net->projection_count; k++)
        if (net->projections[k].source == population && nc_reads_lists(&net->projections[k]))
            return 1;
    return 0;
}

static void place_neurons(const nc_population *p, arena *a, nc_neuron_state *state) {
    const uint64_t bytes = 4 * (uint64_t)p->n;
    nc_neuron_state here = {NULL, NULL, NULL, NULL, NULL, 0};
    here.v = take(a, bytes);
    here.i = p->neurons.has_current ? take_zeros(a, bytes) : NULL;
    here.fired = p->neurons.reset_next ? take_zeros(a, bytes) : NULL;
    here.wait = p->neurons.refractory > 0 ? take_zeros(a, bytes) : NULL;
    here.a = p->neurons.general && p->neurons.extra[NC_A_DECAY] != NULL ? take_zeros(a, bytes) : NULL;
    if (state != NULL)
        *state = here;
}

/* Memory for the outputs that are not needed at the same time. */
typedef struct {
    uint8_t *value, *index;
} pool;

static void place_outputs(const nc_population *p, int listed, pool shared, arena *a, population_state *state) {
    const uint64_t bytes = 4 * (uint64_t)p->n, history = (uint64_t)p->history, own = p->place < 0 ? history : 0;
    const int32_t rows = p->n / p->width;
    nc_outputs *const slots = take_zeros(a, sizeof(nc_outputs) * history);
    uint8_t *value = take_several(a, own, bytes);
    uint8_t *index = take_several(a, listed ? own : 0, bytes);
    uint8_t *const count = take_several(a, listed ? history : 0, 4 * (uint64_t)rows);
    if (slots != NULL && p->place >= 0) {
        value = shared.value + 4 * p->place;
        index = shared.index + 4 * p->place;
    }
    for (uint64_t h = 0; slots != NULL && h < history; h++) {
        slots[h] = (nc_outputs){rows, p->width, value + h * aligned(bytes), NULL, NULL, {0}, {0}};
        slots[h].index = listed ? (int32_t *)(void *)(index + h * aligned(bytes)) : NULL;
        slots[h].count = listed ? (int32_t *)(void *)(count + h * aligned(4 * (uint64_t)rows)) : NULL;
    }
    if (state != NULL)
        state->outputs = slots;
}

/* Lays a run's arrays out in the arena, the run itself first. All elements are 4 bytes. */
static void place(const nc_network *net, arena *a) {
    const extremes most = largest(net);
    run_state *const run = take_zeros(a, sizeof(run_state));
    run_state here;
    memset(&here, 0, sizeof here);
    here.population = take_zeros(a, sizeof(population_state) * (uint64_t)net->population_count);
    here.left = take(a, 4 * most.operand);
    here.right = take(a, 4 * most.operand);
    here.line_bytes = aligned(4 * most.columns);
    here.line = take(a, NC_MOST_PARTS * here.line_bytes);
    here.tally = take(a, 4 * most.inner);
    here.fires = take(a, most.elements + 8);
    here.active = take(a, most.elements + 8);
    pool shared = {NULL, NULL};
    shared.value = take(a, 4 * (uint64_t)net->pool);
    shared.index = take(a, 4 * (uint64_t)net->pool);
    for (int32_t k = 0; k < net->population_count; k++) {
        population_state *const state = run == NULL ? NULL : &here.population[k];
        if (net->populations[k].kind == NC_NEURONS)
            place_neurons(&net->populations[k], a, state == NULL ? NULL : &state->state);
        place_outputs(&net->populations[k], is_listed(net, k), shared, a, state);
    }
    if (run != NULL)
        *run = here;
}

uint64_t nc_network_workspace(const nc_network *net) {
    arena a = {NULL, 0};
    place(net, &a);
    return a.used <= SIZE_MAX / 2 ? a.used : 0;
}

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y != 0) {
        const int64_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

/* Elements that must stay together: whole rows, bytes of packed spikes, periods of the neurons' parameters. */
static int32_t granule_of(const nc_network *net, const nc_population *p) {
    int64_t granule = p->n == p->width ? 64 : common_multiple(p->width, 8), work = p->n;
    for (int32_t k = p->first; k < p->last; k++) {
        const nc_projection *const q = &net->projections[k];
        if (q->kind == NC_GROUPED && p->n == p->width)
            return p->n;
        if (q->kind == NC_DENSE)
            work += (int64_t)q->kh * q->kw * q->c_in * (q->n_target / 8 + 1);
    }
    if (p->kind == NC_NEURONS && p->neurons.period < p->n)
        granule = common_multiple(granule, p->neurons.period);
    return work < net->least_work || granule > p->n ? p->n : (int32_t)granule;
}

static nc_share share_of(const nc_population *p, int32_t granule, int32_t part, int32_t parts) {
    const int64_t granules = (p->n + granule - 1) / granule;
    const int64_t first = granules * part / parts * granule, last = granules * (part + 1) / parts * granule;
    return (nc_share){(int32_t)(first < p->n ? first : p->n), (int32_t)(last < p->n ? last : p->n)};
}

static void set_shares(const nc_network *net, run_state *run) {
    for (int32_t k = 0; k < net->population_count; k++) {
        const nc_population *const p = &net->populations[k];
        run->population[k].granule = granule_of(net, p);
        for (int32_t j = p->first; j < p->last; j++)
            run->population[k].scattered |= nc_is_scattered(&net->projections[j]);
    }
}

void nc_network_abandon(void *workspace) { atomic_store(&((run_state *)workspace)->crew.failed, 1); }

int64_t nc_network_saturations(const void *workspace) {
    const run_state *const run = (const run_state *)workspace;
    int64_t sum = 0;
    for (int32_t part = 0; part < NC_MOST_PARTS; part++)
        sum += run->saturations[part];
    return sum;
}

static const void *from(const void *array, int32_t first) {
    return array == NULL ? NULL : (const uint8_t *)array + 4 * (int64_t)first;
}

/* The neurons of a share, as a population of their own: parameters that differ from neuron to neuron move along. */
static nc_neurons neurons_of(const nc_neurons *p, nc_share share) {
    nc_neurons q = *p;
    q.n = share.last - share.first;
    if (p->period < p->n)
        return q;
    const void **const arrays[] = {&q.v_decay, &q.v_gain,    &q.i_decay, &q.i_gain,
                                   &q.leak,    &q.threshold, &q.v_reset, &q.v_init};
    q.period = q.n;
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
        *arrays[k] = from(*arrays[k], share.first);
    for (int32_t k = 0; k < NC_EXTRAS && p->general; k++)
        q.extra[k] = from(q.extra[k], share.first);
    return q;
}

static nc_neuron_state state_of(const nc_neuron_state *s, nc_share share) {
    nc_neuron_state part = *s;
    void **const arrays[] = {&part.v, &part.i, &part.fired, &part.a};
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
        *arrays[k] = *arrays[k] == NULL ? NULL : (uint8_t *)*arrays[k] + 4 * (int64_t)share.first;
    part.wait = s->wait == NULL ? NULL : s->wait + share.first;
    part.saturations = 0;
    return part;
}

#include "network_held.h"
#include "network_record.h"

#define VALUE float
#define NAME(stem) stem##_f32
#include "network_template.h"
#undef VALUE
#undef NAME

#define VALUE int32_t
#define NAME(stem) stem##_i32
#include "network_template.h"
