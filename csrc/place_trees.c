/* Annealing of what nets really take: each net's links in closed form, and, where congestion counts, every link's load
 * kept up to date. A move looks only at nets that it can change. */
#include "place.h"
#include "place_load.h"

enum { OVERRUN = 2 }; /* times the work, where single moves take more than that of their level */

/* What a move reads of a net, in one place. */
typedef struct {
    int64_t traffic, cost; /* cost: its weighted links */
    const int32_t *pin;
    int32_t pins, source;
} nc_wire;

typedef struct {
    nc_board board;
    nc_tree tree, old; /* of the net looked at: as it becomes, as it was */
    nc_loads loads;
    const nc_place_nets *nets;
    nc_wire *wire;     /* per net */
    nc_spot *spot;     /* per part */
    int64_t *fresh;    /* cost of the nets that the move at hand touches, after it */
    int32_t *affected; /* these nets */
    int32_t affected_count;
    nc_spot input;
    int64_t total;    /* traffic times cost of all nets */
    int64_t work;     /* pins and links looked at */
    double steepness; /* of sum(load^2) */
} nc_trees;

static uint64_t take_trees(nc_trees *run, const nc_place_fabric *f, const nc_place_nets *nets, uint8_t *memory) {
    const uint64_t count = (uint64_t)nets->net_count;
    run->board.fabric = run->tree.fabric = run->old.fabric = f;
    run->board.part_count = nets->part_count;
    run->nets = nets;
    uint64_t used = board_take(&run->board, 0, memory);
    used = tree_take(&run->tree, used, memory);
    used = tree_take(&run->old, used, memory);
    used = loads_take(&run->loads, f, used, memory);
    run->wire = nc_take(memory, &used, count, sizeof(nc_wire));
    run->spot = nc_take(memory, &used, (uint64_t)nets->part_count, sizeof(nc_spot));
    run->fresh = nc_take(memory, &used, count, sizeof(int64_t));
    run->affected = nc_take(memory, &used, count, sizeof(int32_t));
    return used;
}

uint64_t nc_place_trees_workspace(const nc_place_fabric *fabric, const nc_place_nets *nets) {
    nc_trees run;
    return take_trees(&run, fabric, nets, NULL);
}

static inline nc_spot source_of(const nc_trees *run, const nc_wire *wire) {
    return wire->source < 0 ? run->input : run->spot[wire->source];
}

/* The weighted links of a net; on fabrics with trees, leaves its tree in `tree`. */
static int64_t measure(nc_trees *run, const nc_wire *wire, nc_tree *tree) {
    const nc_spot source = source_of(run, wire);
    int64_t cost = 0;
    run->work += 4 + wire->pins;
    if (!run->board.fabric->tree) {
        for (int32_t k = 0; k < wire->pins; k++)
            cost += tree_path_cost(tree, source, run->spot[wire->pin[k]]);
        return cost;
    }
    tree_begin(tree, source);
    for (int32_t k = 0; k < wire->pins; k++)
        tree_add(tree, run->spot[wire->pin[k]]);
    return tree_cost(tree);
}

/* Adds the paths of a net on a fabric without trees (or takes them off, if traffic is negative). */
static void burden_paths(nc_trees *run, const nc_wire *wire, int64_t traffic) {
    const nc_spot source = source_of(run, wire);
    for (int32_t k = 0; k < wire->pins; k++)
        loads_path(&run->loads, run->board.fabric, source, run->spot[wire->pin[k]], traffic);
}

/* Gathers the nets that a move can change: those of both parts, but for nets that both listen to, in which the two
 * only change places. */
static void gather(nc_trees *run, const nc_jump *jump) {
    const nc_place_nets *const nets = run->nets;
    const int32_t *a = nets->touch + nets->touch_ptr[jump->part];
    const int32_t *const a_end = nets->touch + nets->touch_ptr[jump->part + 1];
    const int32_t *b = nets->touch, *b_end = b;
    if (jump->other >= 0) {
        b = nets->touch + nets->touch_ptr[jump->other];
        b_end = nets->touch + nets->touch_ptr[jump->other + 1];
    }
    int32_t count = 0;
    while (a < a_end && b < b_end) {
        const int32_t net = *a < *b ? *a : *b;
        const int both = *a == *b;
        run->affected[count] = net;
        count += !both || run->wire[net].source == jump->part || run->wire[net].source == jump->other;
        a += both || net == *a;
        b += both || net == *b;
    }
    while (a < a_end)
        run->affected[count++] = *a++;
    while (b < b_end)
        run->affected[count++] = *b++;
    run->affected_count = count;
}

static void put(nc_trees *run, const nc_jump *jump, int32_t part_core, int32_t other_core) {
    run->spot[jump->part] = board_spot(run->board.fabric, part_core);
    if (jump->other >= 0)
        run->spot[jump->other] = board_spot(run->board.fabric, other_core);
}

/* How much the objective grows by a move, which is put into effect; links' loads left alone. */
static int64_t measure_affected(nc_trees *run, const nc_jump *jump) {
    int64_t delta = 0;
    put(run, jump, jump->to, jump->from);
    for (int32_t k = 0; k < run->affected_count; k++) {
        const nc_wire *const wire = &run->wire[run->affected[k]];
        run->fresh[k] = measure(run, wire, &run->tree);
        delta += wire->traffic * (run->fresh[k] - wire->cost);
    }
    return delta;
}

/* Brings the loads of links up to date with a move that has been put into effect. */
static double load_affected(nc_trees *run, const nc_jump *jump) {
    const int trees = run->board.fabric->tree;
    for (int32_t k = 0; k < run->affected_count; k++) {
        const nc_wire *const wire = &run->wire[run->affected[k]];
        put(run, jump, jump->from, jump->to);
        if (trees)
            measure(run, wire, &run->old);
        else
            burden_paths(run, wire, -wire->traffic);
        put(run, jump, jump->to, jump->from);
        if (trees) {
            measure(run, wire, &run->tree);
            loads_change(&run->loads, &run->old, &run->tree, wire->traffic);
        } else {
            burden_paths(run, wire, wire->traffic);
        }
    }
    run->work += run->loads.touched;
    run->loads.touched = 0;
    return run->steepness * loads_squares(&run->loads);
}

static void try_jump(nc_trees *run, const nc_jump *jump, double temperature) {
    const int loaded = run->steepness > 0.0;
    gather(run, jump);
    const int64_t hops = measure_affected(run, jump);
    const double delta = (double)hops + (loaded ? load_affected(run, jump) : 0.0);
    const int keep = delta <= 0.0 || (temperature > 0.0 && delta <= temperature * nc_rng_exponential(&run->board.rng));
    if (loaded)
        loads_decide(&run->loads, keep);
    if (!keep) {
        put(run, jump, jump->from, jump->to);
        return;
    }
    for (int32_t k = 0; k < run->affected_count; k++)
        run->wire[run->affected[k]].cost = run->fresh[k];
    board_make(&run->board, jump);
    run->total += hops;
}

static int propose(nc_trees *run, int32_t window, nc_jump *jump) {
    nc_board *const b = &run->board;
    const nc_place_nets *const nets = run->nets;
    const int32_t part = b->movable[nc_rng_below(&b->rng, b->movable_count)];
    const int32_t degree = (int32_t)(nets->touch_ptr[part + 1] - nets->touch_ptr[part]);
    nc_spot centre = run->spot[part];
    if (degree > 0 && (nc_rng_next(&b->rng) >> 63)) { /* close to somebody that it talks to */
        const nc_wire *const wire = &run->wire[nets->touch[nets->touch_ptr[part] + nc_rng_below(&b->rng, degree)]];
        const int sends = wire->source == part;
        centre = sends ? run->spot[wire->pin[nc_rng_below(&b->rng, wire->pins)]] : source_of(run, wire);
        window = 1;
    }
    return board_aim(b, part, centre, window, jump);
}

static void set_wire(nc_trees *run, int32_t net) {
    const nc_place_nets *const nets = run->nets;
    const int64_t first = nets->pin_ptr[net];
    nc_wire *const wire = &run->wire[net];
    *wire = (nc_wire){.traffic = nets->traffic[net],
                      .pin = nets->pin + first,
                      .pins = (int32_t)(nets->pin_ptr[net + 1] - first),
                      .source = nets->source[net]};
    wire->cost = measure(run, wire, &run->tree);
    run->total += wire->traffic * wire->cost;
    if (run->board.fabric->tree)
        loads_tree(&run->loads, &run->tree, wire->traffic);
    else
        burden_paths(run, wire, wire->traffic);
}

static void set_trees(nc_trees *run, const nc_place_state *state, uint64_t seed, double steepness) {
    const nc_place_fabric *const f = run->board.fabric;
    const int64_t links = (int64_t)f->width * f->height * NC_PLACE_LINKS;
    run->board.state = state;
    board_set(&run->board, seed);
    tree_set(&run->tree);
    tree_set(&run->old);
    run->input = board_spot(f, f->input_router * f->per_router);
    for (int32_t p = 0; p < run->nets->part_count; p++)
        run->spot[p] = board_spot(f, state->core[p]);
    memset(run->loads.load, 0, sizeof(int64_t) * (size_t)links);
    memset(run->loads.is_changed, 0, (size_t)links);
    run->loads.changes = 0;
    run->loads.touched = 0;
    run->total = run->work = 0;
    run->steepness = steepness;
    for (int32_t net = 0; net < run->nets->net_count; net++)
        set_wire(run, net);
    loads_decide(&run->loads, 1);
}

int64_t nc_place_cost(const nc_place_fabric *fabric, const nc_place_nets *nets, const nc_place_state *state,
                      void *workspace, int64_t *load) {
    nc_trees run;
    take_trees(&run, fabric, nets, workspace);
    set_trees(&run, state, 0, 0.0);
    memcpy(load, run.loads.load, sizeof(int64_t) * (size_t)fabric->width * (size_t)fabric->height * NC_PLACE_LINKS);
    return run.total;
}

#ifdef NC_DEBUG
/* Whether costs and loads that were kept up to date move by move are what counting anew gives. */
static int is_exact(nc_trees *run) {
    const nc_place_fabric *const f = run->board.fabric;
    const int64_t links = (int64_t)f->width * f->height * NC_PLACE_LINKS;
    int64_t total = 0, load = 0;
    int exact = 1;
    for (int32_t net = 0; net < run->nets->net_count; net++) {
        const nc_wire *const wire = &run->wire[net];
        exact &= wire->cost == measure(run, wire, &run->tree);
        total += wire->traffic * wire->cost;
    }
    for (int64_t k = 0; k < links; k++)
        load += run->loads.load[k];
    return exact && total == run->total && (run->steepness <= 0.0 || load == total);
}
#endif

static double objective(const nc_trees *run) {
    const nc_place_fabric *const f = run->board.fabric;
    const int64_t links = (int64_t)f->width * f->height * NC_PLACE_LINKS;
    double squares = 0.0;
    for (int64_t k = 0; run->steepness > 0.0 && k < links; k++)
        squares += (double)run->loads.load[k] * (double)run->loads.load[k];
    return (double)run->total + run->steepness * squares;
}

void nc_place_trees(const nc_place_fabric *fabric, const nc_place_nets *nets, const nc_place_state *state,
                    const nc_place_schedule *schedule, void *workspace) {
    nc_trees run;
    take_trees(&run, fabric, nets, workspace);
    set_trees(&run, state, schedule->seed, schedule->congestion);
    if (run.board.movable_count == 0)
        return;
    double best = objective(&run), temperature = schedule->hot;
    int64_t left = OVERRUN * schedule->work;
    for (int32_t level = 0; level < LEVELS && left > 0; level++, left -= run.work) {
        const int32_t window = board_window(schedule, level);
        run.work = 0;
        while (run.work < schedule->work / LEVELS) {
            nc_jump jump;
            run.work++;
            if (propose(&run, window, &jump))
                try_jump(&run, &jump, temperature);
        }
        temperature = board_cooled(temperature, level);
        const double now = objective(&run);
        if (now < best) {
            best = now;
            board_keep(&run.board);
        }
    }
    NC_ASSERT(is_exact(&run));
    board_restore(&run.board);
}
