/* Parts of a hypergraph: moves against a recount, permissions, filling, repair, sweeps, settling, groups, contraction,
 * refusals.
 */
#include "../partition_cluster.h"
#include "../partition_contract.h"
#include "../partition_lay.h"
#include "check.h"

enum { VERTICES = 24, NETS = 40, PINS = 6, PARTS = 5, LIMITS = 2 };

typedef struct {
    nc_hyper h;
    nc_partition s;
    int64_t *limit_weight, *capacity;
} setup;

static int chosen(uint32_t mask, int32_t v) { return (int)((mask >> v) & 1); }

static void draw_nets(nc_hyper *h) {
    int64_t *const pin_ptr = zeros(NETS + 1, sizeof *pin_ptr), *const amount = zeros(NETS, sizeof *amount);
    int64_t *const traffic = zeros(NETS, sizeof *traffic);
    int32_t *const pin = zeros((int64_t)NETS * VERTICES, sizeof *pin), *const source = zeros(NETS, sizeof *source);
    uint8_t *const memory = zeros(NETS, sizeof *memory);
    for (int32_t e = 0; e < NETS; e++) {
        uint32_t mask = 0;
        for (int32_t k = draw(0, PINS); k > 0; k--)
            mask |= 1u << draw(0, VERTICES - 1);
        pin_ptr[e + 1] = pin_ptr[e];
        for (int32_t v = 0; v < VERTICES; v++)
            if (chosen(mask, v) && !h->is_input[v])
                pin[pin_ptr[e + 1]++] = v;
        memory[e] = draw(0, 4) == 0;
        source[e] = memory[e] ? -1 : draw(0, VERTICES - 1);
        amount[e] = draw(1, 3);
        traffic[e] = memory[e] ? 0 : draw(0, 100);
    }
    h->pin_ptr = pin_ptr;
    h->pin = pin;
    h->source = source;
    h->memory = memory;
    h->amount = amount;
    h->traffic = traffic;
}

static nc_hyper draw_hyper(void) {
    nc_hyper h = {.vertices = VERTICES, .nets = NETS};
    uint8_t *const is_input = zeros(VERTICES, 1);
    int64_t *const weight = zeros((int64_t)VERTICES * NC_COLUMNS, sizeof *weight);
    for (int32_t v = 0; v < VERTICES; v++) {
        is_input[v] = draw(0, 9) == 0;
        for (int32_t c = 0; c < 4; c++)
            weight[v * NC_COLUMNS + c] = is_input[v] ? 0 : draw(0, 2);
        weight[v * NC_COLUMNS + NC_MEMBERS] = !is_input[v];
    }
    h.is_input = is_input;
    h.weight = weight;
    draw_nets(&h);
    return h;
}

static void reserve(nc_partition *s) {
    const int64_t pins = s->h->pin_ptr[s->h->nets];
    s->heard_ptr = zeros(VERTICES + 1, sizeof(int64_t));
    s->sent_ptr = zeros(VERTICES + 1, sizeof(int64_t));
    s->heard = zeros(pins, sizeof(int32_t));
    s->sent = zeros(NETS, sizeof(int32_t));
    s->net = zeros(NETS, sizeof(nc_net));
    s->entry = zeros(nc_partition_entries(s->h, PARTS), sizeof(nc_entry));
    s->part = zeros(VERTICES, sizeof(int32_t));
    s->next = zeros(VERTICES, sizeof(int32_t));
    s->previous = zeros(VERTICES, sizeof(int32_t));
    s->first = zeros(PARTS, sizeof(int32_t));
    s->demand = zeros(PARTS * NC_COLUMNS, sizeof(int64_t));
    s->share = zeros(PARTS, sizeof(nc_share));
    s->candidate = zeros(PARTS, sizeof(int32_t));
    s->score = zeros(PARTS, sizeof(double));
    s->out_change = zeros(PARTS, sizeof(int64_t));
    s->changed = zeros(PARTS, sizeof(int32_t));
    s->key = zeros(VERTICES, sizeof(int64_t));
    s->heap = zeros(VERTICES, sizeof(int32_t));
    s->place = zeros(VERTICES, sizeof(int32_t));
    s->active = zeros(VERTICES, 1);
}

/* Limits: neurons and members alone, and a memory that everything shares. */
static void open_setup(setup *t, int64_t members, int64_t bits) {
    t->h = draw_hyper();
    t->s = (nc_partition){.h = &t->h, .parts = PARTS, .limits = LIMITS, .out_limited = 1};
    t->limit_weight = zeros((int64_t)LIMITS * NC_COLUMNS, sizeof(int64_t));
    t->capacity = zeros(LIMITS, sizeof(int64_t));
    t->limit_weight[NC_MEMBERS] = 1;
    for (int32_t c = 0; c < 4; c++)
        t->limit_weight[NC_COLUMNS + c] = c + 1;
    t->capacity[0] = members;
    t->capacity[1] = bits;
    t->s.limit_weight = t->limit_weight;
    t->s.capacity = t->capacity;
    reserve(&t->s);
    nc_hyper_incidence(&t->h, t->s.heard_ptr, t->s.heard, t->s.sent_ptr, t->s.sent);
}

static void discard(setup *t) {
    void *const all[] = {t->limit_weight, t->capacity, t->s.heard_ptr, t->s.sent_ptr, t->s.heard,      t->s.sent,
                         t->s.net,        t->s.entry,  t->s.part,      t->s.next,     t->s.previous,   t->s.first,
                         t->s.demand,     t->s.share,  t->s.candidate, t->s.score,    t->s.out_change, t->s.changed,
                         t->s.key,        t->s.heap,   t->s.place,     t->s.active};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free((void *)t->h.pin_ptr);
    free((void *)t->h.pin);
    free((void *)t->h.source);
    free((void *)t->h.memory);
    free((void *)t->h.amount);
    free((void *)t->h.traffic);
    free((void *)t->h.is_input);
    free((void *)t->h.weight);
}

static void scatter(setup *t, int32_t lowest) {
    for (int32_t v = 0; v < VERTICES; v++)
        t->s.part[v] = t->h.is_input[v] ? -1 : draw(lowest, PARTS - 1);
    CHECK_EQUAL(nc_partition_check(&t->s), NC_OK);
    nc_partition_load(&t->s);
}

/* Volume and demands counted once more from the parts. */
static void check_against_recount(const setup *t) {
    const nc_hyper *const h = &t->h;
    int64_t demand[PARTS * NC_COLUMNS] = {0}, volume = 0;
    for (int32_t v = 0; v < VERTICES; v++)
        for (int32_t c = 0; c < NC_COLUMNS && t->s.part[v] >= 0; c++)
            demand[t->s.part[v] * NC_COLUMNS + c] += h->weight[v * NC_COLUMNS + c];
    for (int32_t e = 0; e < NETS; e++) {
        int there[PARTS] = {0};
        const int32_t home = h->source[e] < 0 ? -1 : t->s.part[h->source[e]];
        for (int64_t k = h->pin_ptr[e]; k < h->pin_ptr[e + 1]; k++)
            if (t->s.part[h->pin[k]] >= 0)
                there[t->s.part[h->pin[k]]] = 1;
        for (int32_t p = 0; p < PARTS; p++) {
            demand[p * NC_COLUMNS + (h->memory[e] ? NC_SYNAPSE_BITS : NC_AXONS_IN)] += there[p] * h->amount[e];
            volume += p == home ? 0 : there[p] * h->traffic[e];
            if (home >= 0)
                demand[home * NC_COLUMNS + NC_AXONS_OUT] += there[p] * h->amount[e];
        }
    }
    CHECK_EQUAL(t->s.volume, volume);
    CHECK(memcmp(t->s.demand, demand, sizeof demand) == 0);
}

static void moves_are_exact(void) {
    for (int run = 0; run < 40; run++) {
        setup t;
        open_setup(&t, 100, 100000);
        CHECK_EQUAL(nc_hyper_check(&t.h), NC_OK);
        scatter(&t, -1);
        check_against_recount(&t);
        for (int step = 0; step < 60; step++) {
            const int32_t v = draw(0, VERTICES - 1), to = draw(-1, PARTS - 1);
            if (t.h.is_input[v])
                continue;
            const int64_t before = t.s.volume;
            const int somewhere = t.s.part[v] >= 0 && to >= 0;
            nc_partition_scan(&t.s, v);
            const int64_t gain = somewhere ? nc_partition_gain(&t.s, v, to) : 0;
            nc_partition_move(&t.s, v, to);
            if (somewhere)
                CHECK_EQUAL(before - t.s.volume, gain);
            check_against_recount(&t);
        }
        discard(&t);
    }
}

static int all_fit(const setup *t) {
    for (int32_t p = 0; p < PARTS; p++)
        if (!nc_partition_fits(&t->s, p))
            return 0;
    return 1;
}

static void permitted_moves_leave_parts_that_fit(void) {
    int permitted = 0;
    for (int run = 0; run < 60; run++) {
        setup t;
        open_setup(&t, 8, 220);
        scatter(&t, 0);
        for (int step = 0; step < 60 && all_fit(&t); step++) {
            const int32_t v = draw(0, VERTICES - 1), to = draw(0, PARTS - 1);
            if (t.h.is_input[v] || to == t.s.part[v])
                continue;
            nc_partition_scan(&t.s, v);
            const int32_t from = t.s.part[v];
            const int allowed = nc_partition_allowed(&t.s, v, to, 0);
            nc_partition_move(&t.s, v, to);
            CHECK_EQUAL(all_fit(&t), allowed);
            permitted += allowed;
            if (!allowed)
                nc_partition_move(&t.s, v, from);
        }
        discard(&t);
    }
    CHECK(permitted > 50);
}

static void filling_repair_and_sweeps_are_legal(void) {
    int repaired = 0;
    for (int run = 0; run < 60; run++) {
        setup t;
        open_setup(&t, 7, 260);
        int32_t order[VERTICES], count = 0;
        for (int32_t v = 0; v < VERTICES; v++) {
            t.s.part[v] = -1;
            if (!t.h.is_input[v])
                order[count++] = v;
        }
        nc_partition_load(&t.s);
        if (run % 3 == 0)
            nc_partition_fill(&t.s, order, count, 1024);
        else if (run % 3 == 1)
            nc_partition_grow(&t.s, order, count, 1024);
        check_against_recount(&t);
        if (nc_partition_repair(&t.s, 100000000) == 0) {
            repaired++;
            nc_rng rng = {(uint64_t)run, 0};
            for (int k = 0; k < 6; k++) {
                const nc_sweep sweep = {k < 4 ? 100.0 / (k + 1) : 0.0, k % 3, 1 << 20};
                const int64_t before = t.s.volume;
                nc_partition_sweep(&t.s, &sweep, &rng);
                CHECK(all_fit(&t));
                CHECK(k < 4 || t.s.volume <= before);
                check_against_recount(&t);
            }
        }
        discard(&t);
    }
    CHECK(repaired > 30);
}

/* Vertices in parts drawn at random, or nowhere, under limits that some draws allow and others do not. */
static int32_t settle(setup *t, uint64_t seed) {
    open_setup(t, 6, 200);
    scatter(t, seed % 2 ? -1 : 0);
    return nc_partition_settle(&t->s, 1 << 20, seed);
}

static void settling_tells_what_does_not_fit(void) {
    int settled = 0;
    for (uint64_t run = 0; run < 40; run++) {
        setup t, again;
        const uint64_t begin = check_seed;
        const int32_t wrong = settle(&t, run);
        check_seed = begin;
        CHECK_EQUAL(settle(&again, run), wrong);
        CHECK(memcmp(t.s.part, again.s.part, sizeof(int32_t) * VERTICES) == 0);
        int32_t counted = 0;
        for (int32_t p = 0; p < PARTS; p++)
            counted += !nc_partition_fits(&t.s, p);
        CHECK_EQUAL(wrong, counted);
        for (int32_t v = 0; v < VERTICES; v++)
            CHECK((t.s.part[v] < 0) == t.h.is_input[v]);
        check_against_recount(&t);
        settled += wrong == 0;
        discard(&t);
        discard(&again);
    }
    CHECK(settled > 5);
}

static void laying_finds_the_parts_of_filling(void) {
    int sufficed = 0;
    for (int run = 0; run < 60; run++) {
        setup t;
        open_setup(&t, 6 + run % 3, run % 2 ? 260 : 200);
        int32_t order[VERTICES], part[VERTICES], count = 0;
        nc_laid net[NETS];
        for (int32_t k = 0; k < VERTICES; k++) {
            const int32_t v = (7 * k + run) % VERTICES;
            t.s.part[v] = -1;
            if (!t.h.is_input[v])
                order[count++] = v;
        }
        nc_partition_load(&t.s);
        nc_laying l = {part, net, 0};
        const int32_t used = nc_partition_lay(&t.s, order, count, &l);
        CHECK_EQUAL(nc_partition_fill(&t.s, order, count, 1024), used);
        CHECK(memcmp(t.s.part, part, sizeof part) == 0);
        CHECK_EQUAL(t.s.volume, l.volume);
        sufficed += used <= PARTS;
        discard(&t);
    }
    CHECK(sufficed > 5 && sufficed < 55);
}

static void repair_ends_at_what_no_part_takes(void) {
    setup t;
    open_setup(&t, 2, 100000); /* two members a part: too few for all */
    for (int32_t v = 0; v < VERTICES; v++)
        t.s.part[v] = -1;
    nc_partition_load(&t.s);
    CHECK(nc_partition_repair(&t.s, 100000000) > 0);
    check_against_recount(&t);
    discard(&t);
}

static void groups_weigh_what_their_vertices_do(void) {
    for (int run = 0; run < 30; run++) {
        setup t;
        open_setup(&t, 8, 100000);
        scatter(&t, 0);
        int32_t label[VERTICES], found[VERTICES];
        nc_rated rated[VERTICES];
        int64_t weight[VERTICES * NC_COLUMNS], bound[LIMITS] = {3, 100000};
        uint8_t joined[VERTICES];
        nc_rng rng = {(uint64_t)run, 0};
        memcpy(weight, t.h.weight, sizeof weight);
        nc_clustering c = {.bounds = LIMITS,
                           .bound_weight = t.limit_weight,
                           .bound = bound,
                           .part = t.s.part,
                           .fewest = 4,
                           .most_pins = 100,
                           .rng = &rng,
                           .label = label,
                           .weight = weight,
                           .rated = rated,
                           .found = found,
                           .joined = joined};
        const int32_t groups = nc_hyper_cluster(&t.s, &c);
        int32_t leaders = 0, size[VERTICES] = {0};
        for (int32_t v = 0; v < VERTICES; v++) {
            leaders += label[v] == v;
            CHECK_EQUAL(label[label[v]], label[v]);
            CHECK_EQUAL(t.s.part[label[v]], t.s.part[v]);
            CHECK(!t.h.is_input[v] || label[v] == v);
            CHECK(++size[label[v]] <= 3);
        }
        CHECK_EQUAL(groups, leaders);
        discard(&t);
    }
}

static void contraction_merges_equal_nets(void) {
    setup t;
    open_setup(&t, 8, 1000);
    int32_t label[VERTICES], pin[NETS * VERTICES], source[NETS], mark[2], table[128];
    int64_t pin_ptr[NETS + 1], amount[NETS], traffic[NETS], weight[2 * NC_COLUMNS];
    uint8_t memory[NETS];
    for (int32_t v = 0; v < VERTICES; v++)
        label[v] = v % 2;
    nc_contraction out = {2, 0, pin_ptr, pin, source, memory, amount, traffic, weight, mark, table, 127};
    nc_hyper_contract(&t.h, label, 1, &out);
    CHECK(out.nets <= 2 * 3 + 3); /* two senders, three sets of listeners; memory nets have no sender */
    int64_t before = 0, after = 0;
    for (int32_t e = 0; e < NETS; e++)
        before += t.h.traffic[e];
    for (int32_t e = 0; e < out.nets; e++)
        after += traffic[e];
    CHECK(after <= before && after > 0);
    discard(&t);
}

static void bad_hypergraphs_are_refused(void) {
    setup t;
    open_setup(&t, 8, 1000);
    int32_t *const source = (int32_t *)t.h.source;
    int64_t *const traffic = (int64_t *)t.h.traffic, *const weight = (int64_t *)t.h.weight;
    uint8_t *const memory = (uint8_t *)t.h.memory;
    const int32_t kept = source[0];
    source[0] = VERTICES;
    CHECK_EQUAL(nc_hyper_check(&t.h), NC_ERR_INDEX);
    source[0] = kept;
    memory[1] = 2;
    CHECK_EQUAL(nc_hyper_check(&t.h), NC_ERR_KIND);
    memory[1] = 0;
    traffic[1] = INT64_MAX;
    CHECK_EQUAL(nc_hyper_check(&t.h), NC_ERR_OVERFLOW);
    traffic[1] = -1;
    CHECK_EQUAL(nc_hyper_check(&t.h), NC_ERR_SIZE);
    traffic[1] = 0;
    weight[0] = -1;
    CHECK_EQUAL(nc_hyper_check(&t.h), NC_ERR_SIZE);
    weight[0] = 0;
    t.s.part[0] = PARTS;
    CHECK_EQUAL(nc_partition_check(&t.s), NC_ERR_INDEX);
    discard(&t);
}

int main(void) {
    RUN(moves_are_exact);
    RUN(permitted_moves_leave_parts_that_fit);
    RUN(filling_repair_and_sweeps_are_legal);
    RUN(laying_finds_the_parts_of_filling);
    RUN(settling_tells_what_does_not_fit);
    RUN(repair_ends_at_what_no_part_takes);
    RUN(groups_weigh_what_their_vertices_do);
    RUN(contraction_merges_equal_nets);
    RUN(bad_hypergraphs_are_refused);
    return check_result();
}
