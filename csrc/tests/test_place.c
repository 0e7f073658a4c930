/* The placer: closed forms against paths walked link by link, searches that end no higher than they began, on random
 * nets and fabrics, with parts and cores that stay what they were. */
#include "../place.h"
#include "../rng.h"
#include "check.h"
#include <math.h>

enum { SIDE = 5, SLOTS = SIDE * SIDE * 2, PARTS = 18, NETS = 40, PINS = NETS * 5 };

static int32_t columns[SIDE], rows[SIDE], source[NETS], pin[PINS], touch[PINS + NETS], core[PARTS];
static int64_t traffic[NETS], pin_ptr[NETS + 1], touch_ptr[PARTS + 1];
static uint8_t held[PARTS], open_cores[SLOTS];

static nc_place_fabric draw_fabric(void) {
    for (int32_t i = 0; i < SIDE; i++) {
        columns[i] = draw(1, 4);
        rows[i] = draw(1, 4);
    }
    return (nc_place_fabric){.width = draw(1, SIDE),
                             .height = SIDE,
                             .per_router = 2,
                             .torus = draw(0, 1),
                             .tree = draw(0, 1),
                             .input_router = draw(0, SIDE - 1),
                             .column_cost = columns,
                             .row_cost = rows};
}

static int touches(int32_t part, int32_t net) {
    int found = source[net] == part;
    for (int64_t k = pin_ptr[net]; k < pin_ptr[net + 1]; k++)
        found |= pin[k] == part;
    return found;
}

static nc_place_nets draw_nets(int32_t parts) {
    int64_t pins = 0, touched = 0;
    for (int32_t net = 0; net < NETS; net++) {
        pin_ptr[net] = pins;
        source[net] = draw(-1, parts - 1);
        traffic[net] = draw(1, 1000);
        int32_t next = draw(0, parts - 1);
        for (int32_t k = draw(1, parts > 5 ? 5 : parts - 1); k > 0; k--, next = (next + 1) % parts)
            if (next != source[net])
                pin[pins++] = next;
        if (pins == pin_ptr[net])
            pin[pins++] = (source[net] + 1) % parts;
    }
    pin_ptr[NETS] = pins;
    for (int32_t part = 0; part < parts; part++) {
        touch_ptr[part] = touched;
        for (int32_t net = 0; net < NETS; net++)
            if (touches(part, net))
                touch[touched++] = net;
    }
    touch_ptr[parts] = touched;
    return (nc_place_nets){parts, NETS, source, traffic, pin_ptr, pin, touch_ptr, touch};
}

static nc_place_state draw_state(const nc_place_fabric *f, int32_t parts) {
    const int32_t slots = f->width * f->height * f->per_router;
    memset(open_cores, 1, sizeof open_cores);
    for (int32_t p = 0; p < parts; p++) {
        held[p] = draw(0, 5) == 0;
        for (int taken = 1; taken;) {
            core[p] = draw(0, slots - 1);
            taken = 0;
            for (int32_t q = 0; q < p; q++)
                taken |= core[q] == core[p];
        }
    }
    return (nc_place_state){core, held, open_cores};
}

static int32_t step_from(int32_t at, int32_t to, int32_t size, int32_t torus) {
    const int32_t ahead = ((to - at) % size + size) % size;
    if (!torus)
        return to > at ? 1 : -1;
    return 2 * ahead <= size ? 1 : -1;
}

/* Walks from router to router; marks and counts the links in `load`, each once for a net if `seen` is given. */
static void walk(const nc_place_fabric *f, int32_t from, int32_t to, int64_t amount, uint8_t *seen, int64_t *load) {
    int32_t x = from % f->width, y = from / f->width;
    while (x != to % f->width || y != to / f->width) {
        const int along_x = x != to % f->width;
        const int32_t step = along_x ? step_from(x, to % f->width, f->width, f->torus)
                                     : step_from(y, to / f->width, f->height, f->torus);
        const int32_t size = along_x ? f->width : f->height, at = along_x ? x : y;
        const int32_t next = (at + step + size) % size, gap = step > 0 ? at : next;
        const int32_t direction = (along_x ? 0 : 2) + (along_x ? step < 0 : step > 0);
        const int32_t link = (y * f->width + x) * NC_PLACE_LINKS + direction;
        if (seen == NULL || !seen[link])
            load[link] += amount * (along_x ? columns[gap] : rows[gap]);
        if (seen != NULL)
            seen[link] = 1;
        x = along_x ? next : x;
        y = along_x ? y : next;
    }
}

static int64_t walked(const nc_place_fabric *f, const nc_place_nets *nets, int64_t *load) {
    const int32_t links = f->width * f->height * NC_PLACE_LINKS;
    int64_t total = 0;
    memset(load, 0, sizeof(int64_t) * (size_t)links);
    for (int32_t net = 0; net < NETS; net++) {
        uint8_t seen[SIDE * SIDE * NC_PLACE_LINKS] = {0};
        const int32_t from = source[net] < 0 ? f->input_router : core[source[net]] / f->per_router;
        for (int64_t k = nets->pin_ptr[net]; k < nets->pin_ptr[net + 1]; k++)
            walk(f, from, core[pin[k]] / f->per_router, traffic[net], f->tree ? seen : NULL, load);
    }
    for (int32_t link = 0; link < links; link++)
        total += load[link];
    return total;
}

static void test_costs_are_those_of_a_walk(void) {
    for (int32_t turn = 0; turn < 300; turn++) {
        const nc_place_fabric f = draw_fabric();
        const int32_t parts = draw(2, f.width * SIDE * 2 < PARTS ? f.width * SIDE * 2 : PARTS);
        const nc_place_nets nets = draw_nets(parts);
        const nc_place_state state = draw_state(&f, parts);
        CHECK_EQUAL(nc_place_check_fabric(&f), NC_OK);
        CHECK_EQUAL(nc_place_check_nets(&nets), NC_OK);
        CHECK_EQUAL(nc_place_check_state(&f, parts, &state), NC_OK);
        const int32_t links = f.width * f.height * NC_PLACE_LINKS;
        int64_t *const load = zeros(links, sizeof(int64_t)), *const expected = zeros(links, sizeof(int64_t));
        void *const workspace = zeros((int64_t)nc_place_trees_workspace(&f, &nets), 1);
        const int64_t total = nc_place_cost(&f, &nets, &state, workspace, load);
        CHECK_EQUAL(total, walked(&f, &nets, expected));
        CHECK(memcmp(load, expected, sizeof(int64_t) * (size_t)links) == 0);
        free(workspace);
        free(load);
        free(expected);
    }
}

/* In debug builds the search itself recounts what it has kept up to date. */
static void test_searches_end_no_higher_and_move_nothing_that_is_held(void) {
    for (int32_t turn = 0; turn < 100; turn++) {
        const nc_place_fabric f = draw_fabric();
        const int32_t parts = draw(2, f.width * SIDE * 2 < PARTS ? f.width * SIDE * 2 : PARTS);
        const nc_place_nets nets = draw_nets(parts);
        const nc_place_state state = draw_state(&f, parts);
        int32_t before[PARTS];
        memcpy(before, core, sizeof before);
        int64_t *const load = zeros(f.width * f.height * NC_PLACE_LINKS, sizeof(int64_t));
        const int64_t cost = walked(&f, &nets, load);
        void *const workspace = zeros((int64_t)nc_place_trees_workspace(&f, &nets), 1);
        const nc_place_schedule schedule = {(uint64_t)turn, 30000, (double)cost / parts, 3, 0.0, 0};
        nc_place_trees(&f, &nets, &state, &schedule, workspace);
        CHECK(walked(&f, &nets, load) <= cost);
        CHECK_EQUAL(nc_place_check_state(&f, parts, &state), NC_OK);
        const nc_place_schedule loaded = {(uint64_t)turn, 30000, (double)cost / parts, 3, 1e-4, 0};
        nc_place_trees(&f, &nets, &state, &loaded, workspace);
        for (int32_t p = 0; p < parts; p++)
            CHECK(!held[p] || core[p] == before[p]);
        free(workspace);
        free(load);
    }
}

static void test_what_is_wrong_is_refused(void) {
    nc_place_fabric f = draw_fabric();
    f.width = 3;
    const nc_place_nets nets = draw_nets(6);
    const nc_place_state state = draw_state(&f, 6);
    columns[0] = 0;
    CHECK_EQUAL(nc_place_check_fabric(&f), NC_ERR_SIZE);
    columns[0] = 1;
    f.input_router = 3 * SIDE;
    CHECK_EQUAL(nc_place_check_fabric(&f), NC_ERR_INDEX);
    source[0] = 6;
    CHECK_EQUAL(nc_place_check_nets(&nets), NC_ERR_INDEX);
    source[0] = pin[0];
    CHECK_EQUAL(nc_place_check_nets(&nets), NC_ERR_INDEX);
    source[0] = -1;
    traffic[0] = 0;
    CHECK_EQUAL(nc_place_check_nets(&nets), NC_ERR_SIZE);
    core[0] = 3 * SIDE * 2;
    CHECK_EQUAL(nc_place_check_state(&f, 6, &state), NC_ERR_INDEX);
}

static void test_random_numbers(void) {
    nc_rng a = {7, 0}, b = {7, 41};
    for (int k = 0; k < 41; k++)
        (void)nc_rng_next(&a);
    CHECK(nc_rng_next(&a) == nc_rng_next(&b)); /* the 42nd number does not depend on how one comes to it */
    double sum = 0.0, squares = 0.0;
    for (int k = 0; k < 100000; k++) {
        nc_rng twin = a;
        const double x = nc_rng_exponential(&a);
        const double u = (double)((nc_rng_next(&twin) >> 11) + 1) / 9007199254740992.0;
        CHECK(fabs(x + log(u)) < 2e-6);
        sum += x;
        squares += x * x;
    }
    CHECK(fabs(sum / 1e5 - 1.0) < 0.02);
    CHECK(fabs(squares / 1e5 - 2.0) < 0.08);
}

int main(void) {
    RUN(test_costs_are_those_of_a_walk);
    RUN(test_searches_end_no_higher_and_move_nothing_that_is_held);
    RUN(test_what_is_wrong_is_refused);
    RUN(test_random_numbers);
    return check_result();
}
