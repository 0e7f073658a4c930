/* Annealing of pairs: flow times distance, a quadratic assignment. Cheap, and a good start for the exact search. */
#include "place.h"
#include "place_board.h"

typedef struct {
    nc_board board;
    const nc_place_flows *flows;
    nc_spot *spot;              /* per part, in units of cost from the corner */
    int32_t *column, *row;      /* places of the columns and rows in these units */
    int32_t round_x, round_y;   /* the way round a torus; without one, longer than any distance */
    nc_spot input;
    int64_t cost;
} nc_pairs;

static uint64_t take_pairs(nc_pairs *run, const nc_place_fabric *f, const nc_place_flows *flows, uint8_t *memory) {
    run->board.fabric = f;
    run->board.part_count = flows->part_count;
    run->flows = flows;
    uint64_t used = board_take(&run->board, 0, memory);
    run->spot = nc_take(memory, &used, (uint64_t)flows->part_count, sizeof(nc_spot));
    run->column = nc_take(memory, &used, (uint64_t)f->width, sizeof(int32_t));
    run->row = nc_take(memory, &used, (uint64_t)f->height, sizeof(int32_t));
    return used;
}

uint64_t nc_place_pairs_workspace(const nc_place_fabric *fabric, const nc_place_flows *flows) {
    nc_pairs run;
    return take_pairs(&run, fabric, flows, NULL);
}

static int32_t lay_out(int32_t *place, const int32_t *cost, int32_t size) {
    int32_t sum = 0;
    for (int32_t i = 0; i < size; i++) {
        place[i] = sum;
        sum += cost[i];
    }
    return sum;
}

static inline nc_spot spot_of(const nc_pairs *run, int32_t core) {
    const nc_spot at = board_spot(run->board.fabric, core);
    return (nc_spot){run->column[at.x], run->row[at.y]};
}

static inline int64_t distance(const nc_pairs *run, nc_spot a, nc_spot b) {
    const int32_t dx = a.x < b.x ? b.x - a.x : a.x - b.x, dy = a.y < b.y ? b.y - a.y : a.y - b.y;
    const int32_t rx = run->round_x - dx, ry = run->round_y - dy;
    return (int64_t)(dx < rx ? dx : rx) + (dy < ry ? dy : ry);
}

/* What it costs more to have a part at `to` instead of at `from`; what flows between it and `except` is left out. */
static int64_t moved(const nc_pairs *run, int32_t part, int32_t except, nc_spot from, nc_spot to) {
    const nc_place_flows *const flows = run->flows;
    int64_t delta = flows->input[part] * (distance(run, to, run->input) - distance(run, from, run->input));
    for (int64_t k = flows->ptr[part]; k < flows->ptr[part + 1]; k++) {
        const nc_spot other = run->spot[flows->other[k]];
        const int64_t flow = flows->other[k] == except ? 0 : flows->flow[k];
        delta += flow * (distance(run, to, other) - distance(run, from, other));
    }
    return delta;
}

static int64_t total(const nc_pairs *run) {
    const nc_place_flows *const flows = run->flows;
    int64_t pairs = 0, inputs = 0;
    for (int32_t p = 0; p < flows->part_count; p++) {
        inputs += flows->input[p] * distance(run, run->spot[p], run->input);
        for (int64_t k = flows->ptr[p]; k < flows->ptr[p + 1]; k++)
            pairs += flows->flow[k] * distance(run, run->spot[p], run->spot[flows->other[k]]);
    }
    return pairs / 2 + inputs;
}

static int propose(nc_pairs *run, int32_t window, nc_jump *jump) {
    nc_board *const b = &run->board;
    const nc_place_flows *const flows = run->flows;
    const int32_t part = b->movable[nc_rng_below(&b->rng, b->movable_count)];
    const int32_t degree = (int32_t)(flows->ptr[part + 1] - flows->ptr[part]);
    int32_t centre = part;
    if (degree > 0 && (nc_rng_next(&b->rng) >> 63)) {
        centre = flows->other[flows->ptr[part] + nc_rng_below(&b->rng, degree)];
        window = 1;
    }
    return board_aim(b, part, board_spot(b->fabric, b->state->core[centre]), window, jump);
}

/* Tries one move; returns the work that it took. */
static int64_t try_jump(nc_pairs *run, const nc_jump *jump, double temperature) {
    const nc_place_flows *const flows = run->flows;
    const nc_spot from = run->spot[jump->part], to = spot_of(run, jump->to);
    int64_t work = flows->ptr[jump->part + 1] - flows->ptr[jump->part];
    int64_t delta = moved(run, jump->part, jump->other, from, to);
    if (jump->other >= 0) {
        delta += moved(run, jump->other, jump->part, to, from);
        work += flows->ptr[jump->other + 1] - flows->ptr[jump->other];
    }
    if (delta > 0 && (temperature <= 0.0 || (double)delta > temperature * nc_rng_exponential(&run->board.rng)))
        return work + 1;
    board_make(&run->board, jump);
    run->spot[jump->part] = to;
    if (jump->other >= 0)
        run->spot[jump->other] = from;
    run->cost += delta;
    return work + 1;
}

static void set_pairs(nc_pairs *run, const nc_place_state *state, uint64_t seed) {
    const nc_place_fabric *const f = run->board.fabric;
    const int32_t wide = lay_out(run->column, f->column_cost, f->width);
    const int32_t high = lay_out(run->row, f->row_cost, f->height);
    run->round_x = f->torus ? wide : 2 * wide;
    run->round_y = f->torus ? high : 2 * high;
    run->board.state = state;
    board_set(&run->board, seed);
    for (int32_t p = 0; p < run->flows->part_count; p++)
        run->spot[p] = spot_of(run, state->core[p]);
    run->input = spot_of(run, f->input_router * f->per_router);
    run->cost = total(run);
}

void nc_place_pairs(const nc_place_fabric *fabric, const nc_place_flows *flows, const nc_place_state *state,
                    const nc_place_schedule *schedule, void *workspace) {
    nc_pairs run;
    take_pairs(&run, fabric, flows, workspace);
    set_pairs(&run, state, schedule->seed);
    if (run.board.movable_count == 0)
        return;
    int64_t best = run.cost;
    double temperature = schedule->hot;
    for (int32_t level = 0; level < LEVELS; level++) {
        const int32_t window = board_window(schedule, level);
        for (int64_t left = schedule->work / LEVELS; left > 0;) {
            nc_jump jump;
            left -= propose(&run, window, &jump) ? try_jump(&run, &jump, temperature) : 1;
        }
        temperature = board_cooled(temperature, level);
        if (run.cost < best) {
            best = run.cost;
            board_keep(&run.board);
        }
    }
    NC_ASSERT(run.cost == total(&run));
    board_restore(&run.board);
}
