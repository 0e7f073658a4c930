#include "place_joint_sweep.h"
#include <math.h>

enum { FITTING = 8 }; /* members that are looked at for one that fits in exchange */

/* A look ahead with 1 / PILOT of the work finds the heat at which fewer than one in COLD of the moves weighed are
 * wanted, whether limits allow them or not: cooling ends there but for LAST levels that raise nothing. A level ends
 * after 1 / FROZEN_WORK of its work if fewer than one in FROZEN are wanted. */
enum { PILOT = 16, COLD = 100, LAST = 8, FROZEN = 50, FROZEN_WORK = 4 };
#define LEAST_LEFT 0.01 /* of the heat, where cooling ends at the latest */
#define MOST_LEFT 0.2

/* Sweeps without heat are the last when one saves so little; or after so many. */
enum { MOST_LAST = 64 };
#define FADED 1e-4

/* The part of somebody that v talks to, or -1. */
static int32_t part_of_partner(nc_joint *j, int32_t v) {
    const nc_partition *const s = j->s;
    const int32_t heard = (int32_t)(s->heard_ptr[v + 1] - s->heard_ptr[v]);
    const int32_t sent = (int32_t)(s->sent_ptr[v + 1] - s->sent_ptr[v]);
    if (heard + sent == 0)
        return -1;
    const int32_t pick = nc_rng_below(&j->rng, heard + sent);
    const nc_net *const net =
        &s->net[pick < heard ? s->heard[s->heard_ptr[v] + pick] : s->sent[s->sent_ptr[v] + pick - heard]];
    const int to_source = pick < heard && !net->memory && (nc_rng_next(&j->rng) >> 63);
    if (to_source)
        return s->h->is_input[net->source] ? -1 : s->part[net->source];
    return net->spread > 0 ? s->entry[net->first + nc_rng_below(&j->rng, net->spread)].part : -1;
}

/* A part close to a core, or -1. */
static int32_t part_close_to(nc_joint *j, int32_t core, int32_t window) {
    const nc_place_fabric *const f = j->fabric;
    const nc_spot at = board_spot(f, core);
    const int32_t x = board_near(&j->rng, at.x, window, f->width, f->torus);
    const int32_t y = board_near(&j->rng, at.y, window, f->height, f->torus);
    return j->part_at[(y * f->width + x) * f->per_router + nc_rng_below(&j->rng, f->per_router)];
}

static int is_movable(const nc_joint *j, int32_t v) {
    const int32_t *const movable = j->joint->movable; /* ascending */
    int32_t low = 0, high = j->joint->movable_count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (movable[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low < j->joint->movable_count && movable[low] == v;
}

/* Some member of a part: a few steps round its ring, which moves make random enough. */
static int32_t member_of(nc_joint *j, int32_t part) {
    int32_t w = j->s->first[part];
    const int64_t members = j->s->demand[(int64_t)part * NC_COLUMNS + NC_MEMBERS];
    const int32_t most = members < 64 ? (int32_t)members : 64;
    for (int32_t steps = w < 0 ? 0 : nc_rng_below(&j->rng, most); steps > 0; steps--)
        w = j->s->next[w];
    return w;
}

static void step(nc_joint *j, int32_t window, double temperature) {
    const int32_t v = j->joint->movable[nc_rng_below(&j->rng, j->joint->movable_count)];
    const int32_t from = j->s->part[v];
    const uint64_t dice = nc_rng_next(&j->rng);
    int32_t to = dice >> 62 ? part_of_partner(j, v) : part_close_to(j, j->joint->core[from], window);
    if (to >= 0 && !(dice >> 60 & 3))
        to = part_close_to(j, j->joint->core[to], 1);
    j->work += 2;
    if (to < 0 || to == from)
        return;
    if (has_room(j, v, to) && (dice & 3)) {
        try_move(j, v, to, temperature);
        return;
    }
    int32_t w = member_of(j, to), tries = FITTING;
    while (w >= 0 && tries-- > 0 && !sizes_fit(j, v, w))
        w = j->s->next[w];
    if (w >= 0 && tries >= 0 && is_movable(j, w))
        try_swap(j, v, w, temperature);
}

static int64_t link_count(const nc_joint *j) { return (int64_t)j->fabric->width * j->fabric->height * NC_PLACE_LINKS; }

/* The cost of every net, and the loads that all of them make. */
static void set_nets(nc_joint *j) {
    j->total = j->freshes = 0;
    for (int32_t e = 0; e < j->s->h->nets; e++) {
        const nc_net *const net = &j->s->net[e];
        const nc_spot home = home_of(j, net);
        j->cost[e] = net->traffic > 0 ? measure(j, net, home, -1, -1) : 0;
        j->total += net->traffic * j->cost[e];
        if (net->traffic > 0 && j->fabric->tree)
            loads_tree(&j->loads, &j->tree, net->traffic);
        else if (net->traffic > 0)
            burden_paths(j, net, home, -1, -1, net->traffic);
    }
    loads_decide(&j->loads, 1);
}

static void set_joint(nc_joint *j, uint64_t seed, double steepness) {
    const int64_t cores = board_cores(j->fabric);
    tree_set(&j->tree);
    tree_set(&j->old);
    memset(j->loads.load, 0, sizeof(int64_t) * (size_t)link_count(j));
    memset(j->loads.is_changed, 0, (size_t)link_count(j));
    j->loads.changes = 0;
    j->loads.touched = 0;
    j->steepness = steepness;
    j->luck = -1.0;
    j->hottest = INT64_MAX;
    for (int64_t c = 0; c < cores; c++)
        j->part_at[c] = EMPTY;
    for (int32_t p = 0; p < j->s->parts; p++) {
        j->spot[p] = board_spot(j->fabric, j->joint->core[p]);
        j->part_at[j->joint->core[p]] = p;
    }
    j->input = board_spot(j->fabric, j->fabric->input_router * j->fabric->per_router);
    j->rng = (nc_rng){nc_rng_hash(seed + 0xd1b54a32d192ed03u), 0};
    j->work = j->swap = j->weighed = j->wanted = 0;
    memset(j->mark, 0, sizeof(int64_t) * (size_t)j->s->h->nets);
    set_nets(j);
}

int64_t nc_place_joint_cost(const nc_place_joint *joint, void *workspace, int64_t *load) {
    nc_joint j;
    take_joint(&j, joint, workspace);
    set_joint(&j, 0, 0.0);
    memcpy(load, j.loads.load, sizeof(int64_t) * (size_t)link_count(&j));
    return j.total;
}

void nc_place_joint_rows(const nc_place_joint *joint, void *workspace, float *rows) {
    nc_joint j;
    take_joint(&j, joint, workspace);
    set_joint(&j, 0, 0.0);
    set_rows(&j);
    for (int32_t k = 0; k < joint->movable_count; k++) {
        const int64_t at = (int64_t)joint->movable[k] * AROUND;
        memcpy(rows + at, j.rows.row + at, sizeof(float) * AROUND);
    }
}

#ifdef NC_DEBUG
/* Whether costs that were kept up to date move by move are what counting anew gives, and every part fits. */
static int is_exact(nc_joint *j) {
    int64_t total = 0, load = 0;
    int exact = 1;
    for (int64_t k = 0; k < link_count(j); k++)
        load += j->loads.load[k];
    for (int32_t e = 0; e < j->s->h->nets; e++) {
        const nc_net *const net = &j->s->net[e];
        exact &= net->traffic == 0 || j->cost[e] == measure(j, net, home_of(j, net), -1, -1);
        total += net->traffic * j->cost[e];
    }
    for (int32_t p = 0; p < j->s->parts; p++)
        exact &= nc_partition_fits(j->s, p);
    return exact && total == j->total && (j->steepness <= 0.0 || load == total);
}
#endif

static double objective(const nc_joint *j) {
    double squares = 0.0;
    for (int64_t k = 0; j->steepness > 0.0 && k < link_count(j); k++)
        squares += (double)j->loads.load[k] * (double)j->loads.load[k];
    return (double)j->total + j->steepness * squares;
}

static void keep_best(nc_joint *j) { memcpy(j->best, j->s->part, sizeof(int32_t) * (size_t)j->s->h->vertices); }

/* Moves of one level: as many as its work allows, fewer if hardly any are wanted. */
static void run_level(nc_joint *j, int64_t work, int32_t window, double temperature) {
    j->work = j->weighed = j->wanted = 0;
    while (j->work < work) {
        if (temperature > 0.0 && j->work >= work / FROZEN_WORK && j->wanted < j->weighed / FROZEN)
            return;
        step(j, window, temperature);
    }
}

/* What is left of the heat where hardly any moves are wanted. */
static double heat_left(nc_joint *j, const nc_place_schedule *schedule) {
    double left = 1.0;
    for (int32_t level = 0; level < LEVELS && left > LEAST_LEFT; level++, left *= COOLING) {
        run_level(j, schedule->work / PILOT / LEVELS, board_window(schedule, level), schedule->hot * left);
        if (j->wanted < j->weighed / COLD)
            break;
    }
    return left < LEAST_LEFT ? LEAST_LEFT : left > MOST_LEFT ? MOST_LEFT : left;
}

/* Levels of random moves, ever colder. */
static void run_levels(nc_joint *j, const nc_place_schedule *schedule) {
    double best = objective(j), temperature = schedule->hot;
    const double factor = temperature > 0.0 ? pow(heat_left(j, schedule), 1.0 / (LEVELS - LAST)) : 0.0;
    for (int32_t level = 0; level < LEVELS; level++) {
        run_level(j, schedule->work / LEVELS, board_window(schedule, level), temperature);
        temperature = level + 1 >= LEVELS - LAST ? 0.0 : temperature * factor;
        const double now = objective(j);
        if (now < best || level == LEVELS - LAST) {
            best = now;
            keep_best(j);
        }
    }
}

/* Sweeps over all vertices, ever colder, and some that raise nothing until they save hardly anything. Where loads
 * count, no link gets hotter than the hottest is at the beginning. */
static void run_sweeps(nc_joint *j, const nc_place_schedule *schedule) {
    set_rows(j);
    for (int64_t k = j->hottest = 0; k < link_count(j); k++)
        j->hottest = j->loads.load[k] > j->hottest ? j->loads.load[k] : j->hottest;
    while (schedule->hot > 0.0 && j->work < schedule->work)
        sweep(j, schedule->hot * (1.0 - (double)j->work / (double)schedule->work), INT64_MAX);
    const double begun = objective(j);
    double before = begun;
    /* bounded without heat, too, so that the whole takes no more than a few times the work that was asked for */
    const int64_t most = j->work + (schedule->hot > 0.0 ? 2 : 1) * schedule->work;
    for (int32_t k = 0; k < MOST_LAST && j->work < most; k++) {
        sweep(j, 0.0, most);
        const double now = objective(j);
        if (before - now < FADED * begun)
            break;
        before = now;
    }
    keep_best(j);
}

void nc_place_joint_run(const nc_place_joint *joint, const nc_place_schedule *schedule, void *workspace) {
    nc_joint j;
    take_joint(&j, joint, workspace);
    set_joint(&j, schedule->seed, schedule->congestion);
    if (joint->movable_count == 0)
        return;
    keep_best(&j);
    if (schedule->swept && !j.fabric->torus)
        run_sweeps(&j, schedule);
    else
        run_levels(&j, schedule);
    NC_ASSERT(is_exact(&j));
    for (int32_t v = 0; v < j.s->h->vertices; v++) /* legal at the end, whatever lies on the way */
        if (!j.s->h->is_input[v])
            nc_partition_move(j.s, v, j.best[v]);
}
