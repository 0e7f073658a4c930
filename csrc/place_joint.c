#include "place_joint.h"
#include "partition_state.h"
#include "place_tree.h"

enum { V_HEARS = 1, W_HEARS = 2, HEARS = 4 };
enum { FITTING = 8 }; /* members that are looked at for one that fits in exchange */

/* A net whose cost a move changes. */
typedef struct {
    int32_t net;
    int64_t before, after;
} nc_fresh;

typedef struct {
    const nc_place_joint *joint;
    const nc_place_fabric *fabric;
    nc_partition *s;
    nc_tree tree;
    nc_spot *spot;    /* per part */
    int32_t *part_at; /* per core; EMPTY */
    int64_t *cost;    /* per net: its weighted links */
    nc_fresh *fresh;  /* of the move at hand */
    int32_t *best;    /* per vertex: its part in the best state seen */
    int64_t *mark;    /* per net: HEARS * swap + who of the two that swap hears it */
    int64_t swap;     /* number of the swap that is weighed */
    int32_t freshes;
    nc_spot input;
    int64_t total, work;
    nc_rng rng;
} nc_joint;

static uint64_t take_joint(nc_joint *j, const nc_place_joint *joint, uint8_t *memory) {
    const uint64_t nets = (uint64_t)joint->parts->h->nets;
    j->joint = joint;
    j->s = joint->parts;
    j->fabric = j->tree.fabric = joint->fabric;
    uint64_t used = tree_take(&j->tree, 0, memory);
    j->spot = nc_take(memory, &used, (uint64_t)j->s->parts, sizeof(nc_spot));
    j->part_at = nc_take(memory, &used, (uint64_t)board_cores(j->fabric), sizeof(int32_t));
    j->cost = nc_take(memory, &used, nets, sizeof(int64_t));
    j->fresh = nc_take(memory, &used, 2 * nets, sizeof(nc_fresh));
    j->mark = nc_take(memory, &used, nets, sizeof(int64_t));
    j->best = nc_take(memory, &used, (uint64_t)j->s->h->vertices, sizeof(int32_t));
    return used;
}

uint64_t nc_place_joint_workspace(const nc_place_joint *joint) {
    nc_joint j;
    return take_joint(&j, joint, NULL);
}

static inline nc_spot home_of(const nc_joint *j, const nc_net *net) {
    return j->s->h->is_input[net->source] ? j->input : j->spot[j->s->part[net->source]];
}

/* The weighted links of a net with another source, without part `less` and with part `more` (-1: none). */
static int64_t measure(nc_joint *j, const nc_net *net, nc_spot source, int32_t less, int32_t more) {
    const nc_entry *const entry = j->s->entry + net->first;
    nc_tree *const t = &j->tree;
    int64_t cost = 0;
    j->work += 4 + net->spread;
    if (!j->fabric->tree) {
        for (int32_t k = 0; k < net->spread; k++)
            cost += entry[k].part == less ? 0 : tree_path_cost(t, source, j->spot[entry[k].part]);
        return cost + (more < 0 ? 0 : tree_path_cost(t, source, j->spot[more]));
    }
    tree_begin(t, source);
    for (int32_t k = 0; k < net->spread; k++)
        if (entry[k].part != less)
            tree_add(t, j->spot[entry[k].part]);
    if (more >= 0)
        tree_add(t, j->spot[more]);
    return tree_cost(t);
}

static int64_t note(nc_joint *j, int32_t e, int64_t after) {
    j->fresh[j->freshes++] = (nc_fresh){e, j->cost[e], after};
    return j->s->net[e].traffic * (after - j->cost[e]);
}

/* How much the cost grows if a vertex moves; adds the nets that change to j->fresh. */
static int64_t weigh(nc_joint *j, int32_t v, int32_t to) {
    const nc_partition *const s = j->s;
    const int32_t from = s->part[v];
    int64_t delta = 0;
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->heard[k]];
        j->work++;
        if (net->traffic == 0 || net->source == v)
            continue;
        const int32_t left = nc_pins(s, net, from) == 1, entered = nc_slot(s, net, to) < 0;
        if (left || entered)
            delta += note(j, s->heard[k], measure(j, net, home_of(j, net), left ? from : -1, entered ? to : -1));
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->sent[k]];
        if (net->traffic == 0)
            continue;
        const int32_t left = net->hears_itself && nc_pins(s, net, from) == 1;
        const int32_t entered = net->hears_itself && nc_slot(s, net, to) < 0;
        delta += note(j, s->sent[k], measure(j, net, j->spot[to], left ? from : -1, entered ? to : -1));
    }
    return delta;
}

static void settle(nc_joint *j) {
    for (int32_t k = 0; k < j->freshes; k++)
        j->cost[j->fresh[k].net] = j->fresh[k].after;
}

static int takes(nc_joint *j, double delta, double temperature) {
    return delta <= 0.0 || (temperature > 0.0 && delta <= temperature * nc_rng_exponential(&j->rng));
}

static int legal(nc_joint *j, int32_t v, int32_t to, int ignore_to) {
    nc_partition_scan(j->s, v);
    j->work += j->s->heard_ptr[v + 1] - j->s->heard_ptr[v];
    return nc_partition_allowed(j->s, v, to, ignore_to);
}

static void try_move(nc_joint *j, int32_t v, int32_t to, double temperature) {
    j->freshes = 0;
    const int64_t delta = weigh(j, v, to);
    if (!takes(j, (double)delta, temperature) || !legal(j, v, to, 0))
        return;
    nc_partition_move(j->s, v, to);
    settle(j);
    j->total += delta;
}

/* The change of one net if v and w change places; hears: V_HEARS, W_HEARS. */
static int64_t weigh_exchanged(nc_joint *j, int32_t e, int32_t v, int32_t w, int64_t hears) {
    const nc_partition *const s = j->s;
    const nc_net *const net = &s->net[e];
    j->work++;
    if (net->traffic == 0)
        return 0;
    const int32_t from = s->part[v], to = s->part[w];
    const int is_sent = net->source == v || net->source == w;
    int32_t less = -1, more = -1;
    if (hears == V_HEARS || hears == W_HEARS) {
        const int32_t here = hears == V_HEARS ? from : to, there = hears == V_HEARS ? to : from;
        less = nc_pins(s, net, here) == 1 ? here : -1;
        more = nc_slot(s, net, there) < 0 ? there : -1;
    }
    if (less < 0 && more < 0 && !is_sent)
        return 0;
    const nc_spot source = net->source == v ? j->spot[to] : net->source == w ? j->spot[from] : home_of(j, net);
    return note(j, e, measure(j, net, source, less, more));
}

/* How much the cost grows if two vertices change places; each of their nets is looked at once. */
static int64_t weigh_swap(nc_joint *j, int32_t v, int32_t w) {
    const nc_partition *const s = j->s;
    const int64_t clock = HEARS * ++j->swap;
    int64_t delta = 0;
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++)
        j->mark[s->heard[k]] = clock + V_HEARS;
    for (int64_t k = s->heard_ptr[w]; k < s->heard_ptr[w + 1]; k++) {
        int64_t *const mark = &j->mark[s->heard[k]];
        *mark = (*mark > clock ? *mark : clock) | W_HEARS;
    }
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++)
        delta += weigh_exchanged(j, s->heard[k], v, w, j->mark[s->heard[k]] - clock);
    for (int64_t k = s->heard_ptr[w]; k < s->heard_ptr[w + 1]; k++)
        if (j->mark[s->heard[k]] == clock + W_HEARS)
            delta += weigh_exchanged(j, s->heard[k], v, w, W_HEARS);
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        if (j->mark[s->sent[k]] <= clock)
            delta += weigh_exchanged(j, s->sent[k], v, w, 0);
    for (int64_t k = s->sent_ptr[w]; k < s->sent_ptr[w + 1]; k++)
        if (j->mark[s->sent[k]] <= clock)
            delta += weigh_exchanged(j, s->sent[k], v, w, 0);
    return delta;
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
    const int64_t delta = weigh_swap(j, v, w);
    if (!takes(j, (double)delta, temperature) || !exchanged(j, v, w))
        return;
    settle(j);
    j->total += delta;
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

static void set_joint(nc_joint *j, uint64_t seed) {
    const int64_t cores = board_cores(j->fabric);
    tree_set(&j->tree);
    for (int64_t c = 0; c < cores; c++)
        j->part_at[c] = EMPTY;
    for (int32_t p = 0; p < j->s->parts; p++) {
        j->spot[p] = board_spot(j->fabric, j->joint->core[p]);
        j->part_at[j->joint->core[p]] = p;
    }
    j->input = board_spot(j->fabric, j->fabric->input_router * j->fabric->per_router);
    j->rng = (nc_rng){nc_rng_hash(seed + 0xd1b54a32d192ed03u), 0};
    j->total = j->work = j->swap = 0;
    memset(j->mark, 0, sizeof(int64_t) * (size_t)j->s->h->nets);
    for (int32_t e = 0; e < j->s->h->nets; e++) {
        const nc_net *const net = &j->s->net[e];
        j->cost[e] = net->traffic > 0 ? measure(j, net, home_of(j, net), -1, -1) : 0;
        j->total += net->traffic * j->cost[e];
    }
}

int64_t nc_place_joint_cost(const nc_place_joint *joint, void *workspace) {
    nc_joint j;
    take_joint(&j, joint, workspace);
    set_joint(&j, 0);
    return j.total;
}

#ifdef NC_DEBUG
/* Whether costs that were kept up to date move by move are what counting anew gives, and every part fits. */
static int is_exact(nc_joint *j) {
    int64_t total = 0;
    int exact = 1;
    for (int32_t e = 0; e < j->s->h->nets; e++) {
        const nc_net *const net = &j->s->net[e];
        exact &= net->traffic == 0 || j->cost[e] == measure(j, net, home_of(j, net), -1, -1);
        total += net->traffic * j->cost[e];
    }
    for (int32_t p = 0; p < j->s->parts; p++)
        exact &= nc_partition_fits(j->s, p);
    return exact && total == j->total;
}
#endif

static void keep_best(nc_joint *j) { memcpy(j->best, j->s->part, sizeof(int32_t) * (size_t)j->s->h->vertices); }

int64_t nc_place_joint_run(const nc_place_joint *joint, const nc_place_schedule *schedule, void *workspace) {
    nc_joint j;
    take_joint(&j, joint, workspace);
    set_joint(&j, schedule->seed);
    int64_t best = j.total;
    double temperature = schedule->hot;
    keep_best(&j);
    for (int32_t level = 0; level < LEVELS && joint->movable_count > 0; level++) {
        j.work = 0;
        while (j.work < schedule->work / LEVELS)
            step(&j, board_window(schedule, level), temperature);
        temperature = board_cooled(temperature, level);
        if (j.total < best) {
            best = j.total;
            keep_best(&j);
        }
    }
    NC_ASSERT(is_exact(&j));
    for (int32_t v = 0; v < j.s->h->vertices; v++) /* legal at the end, whatever lies on the way */
        if (!j.s->h->is_input[v])
            nc_partition_move(j.s, v, j.best[v]);
    return best;
}
