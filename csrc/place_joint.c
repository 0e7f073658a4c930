#include "place_joint_wish.h"

enum { FITTING = 8 }; /* members that are looked at for one that fits in exchange */

/* A look ahead with 1 / PILOT of the work finds the heat at which fewer than one in COLD of the moves weighed are
 * wanted, whether limits allow them or not: cooling ends there but for LAST levels that raise nothing. A level ends
 * after 1 / FROZEN_WORK of its work if fewer than one in FROZEN are wanted. */
enum { PILOT = 16, COLD = 100, LAST = 8, FROZEN = 50, FROZEN_WORK = 4 };
#define LEAST_LEFT 0.01 /* of the heat, where cooling ends at the latest */
#define MOST_LEFT 0.2

/* After the move at hand was made, or was not. */
static void settle(nc_joint *j, int made, int64_t hops) {
    loads_decide(&j->loads, made);
    if (!made)
        return;
    for (int32_t k = 0; k < j->freshes; k++)
        j->cost[j->fresh[k].net] = j->fresh[k].after;
    j->total += hops;
}

static int takes(nc_joint *j, int64_t hops, double temperature) {
    const double delta = (double)hops + (j->steepness > 0.0 ? weigh_loads(j) : 0.0);
    const int wanted = delta <= 0.0 || (temperature > 0.0 && delta <= temperature * nc_rng_exponential(&j->rng));
    j->weighed++;
    j->wanted += wanted;
    return wanted;
}

static int legal(nc_joint *j, int32_t v, int32_t to, int ignore_to) {
    nc_partition_scan(j->s, v);
    j->work += j->s->heard_ptr[v + 1] - j->s->heard_ptr[v];
    return nc_partition_allowed(j->s, v, to, ignore_to);
}

static void try_move(nc_joint *j, int32_t v, int32_t to, double temperature) {
    j->freshes = 0;
    const int64_t hops = weigh(j, v, to);
    const int made = takes(j, hops, temperature) && legal(j, v, to, 0);
    if (made)
        nc_partition_move(j->s, v, to);
    settle(j, made, hops);
}

/* Moves v to the part of w, and w to that of v, if both then fit. */
static int exchanged(nc_joint *j, int32_t v, int32_t w) {
    nc_partition *const s = j->s;
    const int32_t from = s->part[v], to = s->part[w];
    const int64_t least = s->least_members;
    s->least_members = 0; /* the other one is on its way */
    int keep = legal(j, v, to, 1);
    s->least_members = least;
    if (!keep)
        return 0;
    nc_partition_move(s, v, to);
    keep = legal(j, w, from, 0);
    if (keep) {
        nc_partition_move(s, w, from);
        if (nc_partition_fits(s, from) && nc_partition_fits(s, to))
            return 1;
        nc_partition_move(s, w, to);
    }
    nc_partition_move(s, v, from);
    return 0;
}

static void try_swap(nc_joint *j, int32_t v, int32_t w, double temperature) {
    j->freshes = 0;
    const int64_t hops = weigh_swap(j, v, w);
    const int made = takes(j, hops, temperature) && exchanged(j, v, w);
    settle(j, made, hops);
}

/* Whether two parts stay within what does not depend on nets if v and w change places. */
static int sizes_fit(const nc_joint *j, int32_t v, int32_t w) {
    const nc_partition *const s = j->s;
    const int64_t *const own = s->h->weight + (int64_t)v * NC_COLUMNS;
    const int64_t *const other = s->h->weight + (int64_t)w * NC_COLUMNS;
    if (memcmp(own, other, sizeof(int64_t) * NC_COLUMNS) == 0)
        return 1;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        const int64_t *const weight = s->limit_weight + (int64_t)limit * NC_COLUMNS;
        if (weight[NC_AXONS_IN] || weight[NC_AXONS_OUT] || weight[NC_SYNAPSE_BITS])
            continue;
        int64_t added = 0, used = 0;
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            added += weight[c] * (own[c] - other[c]);
        const int32_t part = added > 0 ? s->part[w] : s->part[v];
        for (int32_t c = 0; c < NC_COLUMNS && added != 0; c++)
            used += weight[c] * s->demand[(int64_t)part * NC_COLUMNS + c];
        if (added != 0 && used + (added > 0 ? added : -added) > s->capacity[limit])
            return 0;
    }
    return 1;
}

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

static int has_room(const nc_joint *j, int32_t v, int32_t to) {
    return nc_part_takes(j->s, to, j->s->h->weight + (int64_t)v * NC_COLUMNS);
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

/* The member of a part that would serve the exchange with v best, of a few; -1 if all of them together lose by it. */
static int32_t member_for(nc_joint *j, int32_t v, int32_t to) {
    const int32_t from = j->s->part[v], first = member_of(j, to);
    int32_t best = -1, w = first;
    double most = -hoped(j, v, to);
    for (int32_t k = 0; w >= 0 && k < LOOKED_AT; k++) {
        const double gain = hoped(j, w, from);
        if (gain >= most && sizes_fit(j, v, w) && is_movable(j, w)) {
            best = w;
            most = gain;
        }
        w = j->s->next[w] == first ? -1 : j->s->next[w];
    }
    j->work += LOOKED_AT;
    return best;
}

/* The same as a step, by what vertices wish. */
static void wished_step(nc_joint *j, double temperature) {
    const int32_t v = j->joint->movable[nc_rng_below(&j->rng, j->joint->movable_count)];
    const uint64_t dice = nc_rng_next(&j->rng);
    const int32_t to = dice >> 63 ? part_of_partner(j, v) : part_close_to(j, core_wished(j, v), 1);
    j->work += 2;
    if (to < 0 || to == j->s->part[v])
        return;
    if (has_room(j, v, to) && (dice & 3)) {
        try_move(j, v, to, temperature);
        return;
    }
    const int32_t w = member_for(j, v, to);
    if (w >= 0)
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
    for (int64_t c = 0; c < cores; c++)
        j->part_at[c] = EMPTY;
    for (int32_t p = 0; p < j->s->parts; p++) {
        j->spot[p] = board_spot(j->fabric, j->joint->core[p]);
        j->part_at[j->joint->core[p]] = p;
    }
    j->input = board_spot(j->fabric, j->fabric->input_router * j->fabric->per_router);
    j->rng = (nc_rng){nc_rng_hash(seed + 0xd1b54a32d192ed03u), 0};
    j->work = j->swap = 0;
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
        if (j->wished)
            wished_step(j, temperature);
        else
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

void nc_place_joint_run(const nc_place_joint *joint, const nc_place_schedule *schedule, void *workspace) {
    nc_joint j;
    take_joint(&j, joint, workspace);
    set_joint(&j, schedule->seed, schedule->congestion);
    if (joint->movable_count == 0)
        return;
    j.wished = schedule->wished && !j.fabric->torus;
    set_wishes(&j);
    double best = objective(&j), temperature = schedule->hot;
    keep_best(&j);
    const double factor = temperature > 0.0 ? pow(heat_left(&j, schedule), 1.0 / (LEVELS - LAST)) : 0.0;
    for (int32_t level = 0; level < LEVELS; level++) {
        if (level > 0 && level % WISH_LEVELS == 0)
            set_wishes(&j);
        run_level(&j, schedule->work / LEVELS, board_window(schedule, level), temperature);
        temperature = level + 1 >= LEVELS - LAST ? 0.0 : temperature * factor;
        const double now = objective(&j);
        if (now < best || level == LEVELS - LAST) {
            best = now;
            keep_best(&j);
        }
    }
    NC_ASSERT(is_exact(&j));
    for (int32_t v = 0; v < j.s->h->vertices; v++) /* legal at the end, whatever lies on the way */
        if (!j.s->h->is_input[v])
            nc_partition_move(j.s, v, j.best[v]);
}
