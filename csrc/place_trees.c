/* Annealing of what nets really take: each net's links in closed form, and, where congestion counts, every link's load
 * kept up to date. A move looks only at nets that it can change. */
#include "place.h"
#include "place_load.h"

typedef struct {
    nc_board board;
    nc_tree tree;
    nc_loads loads;
    const nc_place_nets *nets;
    nc_spot *spot;     /* per part */
    int64_t *cost;     /* per net: its weighted links */
    int64_t *fresh;    /* the same for the nets that the move at hand touches */
    int32_t *affected; /* these nets */
    int32_t affected_count;
    int32_t *mark; /* per net: the move that last touched it; the place in `affected` is in `place` */
    int32_t *place;
    int32_t move;
    nc_spot input;
    int64_t total; /* traffic times cost of all nets */
    double steepness; /* of sum(load^2) */
} nc_trees;

static uint64_t take_trees(nc_trees *run, const nc_place_fabric *f, const nc_place_nets *nets, uint8_t *memory) {
    const uint64_t count = (uint64_t)nets->net_count;
    run->board.fabric = run->tree.fabric = f;
    run->board.part_count = nets->part_count;
    run->nets = nets;
    uint64_t used = board_take(&run->board, 0, memory);
    used = tree_take(&run->tree, used, memory);
    used = loads_take(&run->loads, f, used, memory);
    run->spot = nc_take(memory, &used, (uint64_t)nets->part_count, sizeof(nc_spot));
    run->cost = nc_take(memory, &used, count, sizeof(int64_t));
    run->fresh = nc_take(memory, &used, count, sizeof(int64_t));
    run->affected = nc_take(memory, &used, count, sizeof(int32_t));
    run->mark = nc_take(memory, &used, count, sizeof(int32_t));
    run->place = nc_take(memory, &used, count, sizeof(int32_t));
    return used;
}

uint64_t nc_place_trees_workspace(const nc_place_fabric *fabric, const nc_place_nets *nets) {
    nc_trees run;
    return take_trees(&run, fabric, nets, NULL);
}

static inline nc_spot source_of(const nc_trees *run, int32_t net) {
    const int32_t source = run->nets->source[net];
    return source < 0 ? run->input : run->spot[source];
}

/* The weighted links of a net; on fabrics with trees, leaves its tree in run->tree. */
static int64_t measure(nc_trees *run, int32_t net) {
    const nc_place_nets *const nets = run->nets;
    const nc_spot source = source_of(run, net);
    const int64_t end = nets->pin_ptr[net + 1];
    int64_t cost = 0;
    if (!run->board.fabric->tree) {
        for (int64_t k = nets->pin_ptr[net]; k < end; k++)
            cost += tree_path_cost(&run->tree, source, run->spot[nets->pin[k]]);
        return cost;
    }
    tree_begin(&run->tree, source);
    for (int64_t k = nets->pin_ptr[net]; k < end; k++)
        tree_add(&run->tree, run->spot[nets->pin[k]]);
    return tree_cost(&run->tree);
}

/* Adds a net's traffic (or takes it off, if negative) that `measure` has just looked at. */
static void burden(nc_trees *run, int32_t net, int64_t traffic) {
    const nc_place_nets *const nets = run->nets;
    if (run->board.fabric->tree) {
        loads_tree(&run->loads, &run->tree, traffic);
        return;
    }
    const nc_spot source = source_of(run, net);
    for (int64_t k = nets->pin_ptr[net]; k < nets->pin_ptr[net + 1]; k++)
        loads_path(&run->loads, run->board.fabric, source, run->spot[nets->pin[k]], traffic);
}

/* Gathers the nets that a move can change: those of both parts, but for nets that both listen to. */
static int64_t gather(nc_trees *run, const nc_jump *jump) {
    const nc_place_nets *const nets = run->nets;
    int32_t count = 0;
    int64_t work = 1;
    run->move++;
    for (int64_t k = nets->touch_ptr[jump->part]; k < nets->touch_ptr[jump->part + 1]; k++) {
        const int32_t net = nets->touch[k];
        run->mark[net] = run->move;
        run->place[net] = count;
        run->affected[count++] = net;
    }
    for (int64_t k = jump->other < 0 ? 0 : nets->touch_ptr[jump->other];
         jump->other >= 0 && k < nets->touch_ptr[jump->other + 1]; k++) {
        const int32_t net = nets->touch[k];
        if (run->mark[net] != run->move)
            run->affected[count++] = net;
        else if (nets->source[net] != jump->part && nets->source[net] != jump->other)
            run->affected[run->place[net]] = -1; /* the two only change places in it */
    }
    run->affected_count = 0;
    for (int32_t k = 0; k < count; k++) {
        const int32_t net = run->affected[k];
        if (net < 0)
            continue;
        run->affected[run->affected_count++] = net;
        work += nets->pin_ptr[net + 1] - nets->pin_ptr[net];
    }
    return work;
}

static void put(nc_trees *run, const nc_jump *jump, int32_t part_core, int32_t other_core) {
    run->spot[jump->part] = board_spot(run->board.fabric, part_core);
    if (jump->other >= 0)
        run->spot[jump->other] = board_spot(run->board.fabric, other_core);
}

static void unburden_affected(nc_trees *run) {
    for (int32_t k = 0; k < run->affected_count; k++) {
        const int32_t net = run->affected[k];
        if (run->board.fabric->tree)
            measure(run, net);
        burden(run, net, -run->nets->traffic[net]);
    }
}

/* How much the objective grows by the move at hand, which has been put into effect. */
static int64_t measure_affected(nc_trees *run) {
    int64_t delta = 0;
    for (int32_t k = 0; k < run->affected_count; k++) {
        const int32_t net = run->affected[k];
        run->fresh[k] = measure(run, net);
        delta += run->nets->traffic[net] * (run->fresh[k] - run->cost[net]);
        if (run->steepness > 0.0)
            burden(run, net, run->nets->traffic[net]);
    }
    return delta;
}

static int64_t try_jump(nc_trees *run, const nc_jump *jump, double temperature) {
    const int loaded = run->steepness > 0.0;
    const int64_t work = gather(run, jump);
    if (loaded)
        unburden_affected(run);
    put(run, jump, jump->to, jump->from);
    const int64_t hops = measure_affected(run);
    const double delta = (double)hops + (loaded ? run->steepness * loads_squares(&run->loads) : 0.0);
    const int keep = delta <= 0.0 || (temperature > 0.0 && delta <= temperature * nc_rng_exponential(&run->board.rng));
    if (loaded)
        loads_decide(&run->loads, keep);
    if (!keep) {
        put(run, jump, jump->from, jump->to);
        return loaded ? 3 * work : work;
    }
    for (int32_t k = 0; k < run->affected_count; k++)
        run->cost[run->affected[k]] = run->fresh[k];
    board_make(&run->board, jump);
    run->total += hops;
    return loaded ? 3 * work : work;
}

static int propose(nc_trees *run, int32_t window, nc_jump *jump) {
    nc_board *const b = &run->board;
    const nc_place_nets *const nets = run->nets;
    const int32_t part = b->movable[nc_rng_below(&b->rng, b->movable_count)];
    const int32_t degree = (int32_t)(nets->touch_ptr[part + 1] - nets->touch_ptr[part]);
    nc_spot centre = run->spot[part];
    if (degree > 0 && (nc_rng_next(&b->rng) >> 63)) { /* close to somebody that it talks to */
        const int32_t net = nets->touch[nets->touch_ptr[part] + nc_rng_below(&b->rng, degree)];
        const int32_t pins = (int32_t)(nets->pin_ptr[net + 1] - nets->pin_ptr[net]);
        const int32_t pick = nets->source[net] == part ? nc_rng_below(&b->rng, pins) : -1;
        centre = pick < 0 ? source_of(run, net) : run->spot[nets->pin[nets->pin_ptr[net] + pick]];
        window = 1;
    }
    return board_aim(b, part, centre, window, jump);
}

static void set_trees(nc_trees *run, const nc_place_state *state, uint64_t seed, double steepness) {
    const nc_place_fabric *const f = run->board.fabric;
    const int64_t links = (int64_t)f->width * f->height * NC_PLACE_LINKS;
    run->board.state = state;
    board_set(&run->board, seed);
    tree_set(&run->tree);
    run->input = board_spot(f, f->input_router * f->per_router);
    for (int32_t p = 0; p < run->nets->part_count; p++)
        run->spot[p] = board_spot(f, state->core[p]);
    memset(run->loads.load, 0, sizeof(int64_t) * (size_t)links);
    memset(run->loads.is_changed, 0, (size_t)links);
    run->loads.changes = 0;
    memset(run->mark, 0, sizeof(int32_t) * (size_t)run->nets->net_count);
    run->move = 0;
    run->total = 0;
    run->steepness = steepness;
    for (int32_t net = 0; net < run->nets->net_count; net++) {
        run->cost[net] = measure(run, net);
        run->total += run->nets->traffic[net] * run->cost[net];
        burden(run, net, run->nets->traffic[net]);
    }
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
    for (int32_t level = 0; level < LEVELS; level++) {
        const int32_t window = board_window(schedule, level);
        for (int64_t left = schedule->work / LEVELS; left > 0;) {
            nc_jump jump;
            if (run.move == INT32_MAX - 1) {
                memset(run.mark, 0, sizeof(int32_t) * (size_t)nets->net_count);
                run.move = 0;
            }
            left -= propose(&run, window, &jump) ? try_jump(&run, &jump, temperature) : 1;
        }
        temperature = board_cooled(temperature, level);
        const double now = objective(&run);
        if (now < best) {
            best = now;
            board_keep(&run.board);
        }
    }
    board_restore(&run.board);
}
