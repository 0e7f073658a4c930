/* Links of routes against a walk, one hop at a time. */
#include "../links.h"
#include "check.h"

enum { NETS = 6, TARGETS = 9, MOST = NETS * TARGETS * 100, DIRECTIONS = 4 };

typedef struct {
    int32_t source[NETS], to[NETS * TARGETS];
    int64_t ptr[NETS + 1];
} sample;

static sample draw_nets(int32_t routers) {
    sample s = {.ptr = {0}};
    for (int e = 0; e < NETS; e++) {
        s.source[e] = draw(0, routers - 1);
        s.ptr[e + 1] = s.ptr[e] + draw(0, TARGETS);
        for (int64_t k = s.ptr[e]; k < s.ptr[e + 1]; k++)
            s.to[k] = draw(0, routers - 1);
    }
    return s;
}

static int32_t towards(int32_t a, int32_t b, int32_t size, int torus) {
    const int32_t forward = ((b - a) % size + size) % size;
    return torus ? (2 * forward <= size ? 1 : -1) : b > a ? 1 : -1;
}

/* Counts the links of one path; returns how many there are. */
static int64_t walk(const nc_links_mesh *m, int32_t source, int32_t goal, int32_t *count) {
    int32_t x = source % m->width, y = source / m->width;
    const int32_t to_x = goal % m->width, to_y = goal / m->width;
    int64_t links = 0;
    for (; x != to_x || y != to_y; links++) {
        const int along_x = x != to_x;
        const int32_t step = along_x ? towards(x, to_x, m->width, m->torus) : towards(y, to_y, m->height, m->torus);
        count[(y * m->width + x) * DIRECTIONS + (along_x ? step < 0 : step < 0 ? 2 : 3)]++;
        x = (x + (along_x ? step : 0) + m->width) % m->width;
        y = (y + (along_x ? 0 : step) + m->height) % m->height;
    }
    return links;
}

static void check_net(const nc_links_mesh *m, const sample *s, int e, const int32_t *links, int64_t length) {
    int32_t *const count = zeros((int64_t)m->width * m->height * DIRECTIONS, sizeof(int32_t));
    int64_t walked = 0;
    for (int64_t k = s->ptr[e]; k < s->ptr[e + 1]; k++)
        walked += walk(m, s->source[e], s->to[k], count);
    for (int64_t k = 0; k < length; k++) {
        CHECK(count[links[k]] > 0);
        count[links[k]] = m->tree ? 0 : count[links[k]] - 1;
        CHECK(!m->tree || k == 0 || links[k - 1] < links[k]);
    }
    for (int32_t link = 0; link < m->width * m->height * DIRECTIONS; link++)
        CHECK_EQUAL(count[link], 0);
    CHECK(m->tree || walked == length);
    free(count);
}

static void links_are_those_of_a_walk(void) {
    for (int trial = 0; trial < 200; trial++) {
        const int32_t side = trial % 5 ? 8 : 50; /* few links of many, and many of few */
        const nc_links_mesh mesh = {draw(1, side), draw(1, side), trial & 1, trial >> 1 & 1};
        const sample s = draw_nets(mesh.width * mesh.height);
        const nc_links_nets nets = {NETS, s.source, s.ptr, s.to};
        int32_t *const links = zeros(MOST, sizeof(int32_t));
        const nc_links_work work = {zeros(mesh.width, sizeof(nc_links_column)), zeros(mesh.width, sizeof(int32_t)),
                                    zeros(nc_links_marks(&mesh), sizeof(uint64_t))};
        int64_t counted[NETS + 1], ptr[NETS + 1];
        CHECK_EQUAL(nc_links_check(&mesh, &nets, s.ptr[NETS]), NC_OK);
        nc_links_list(&mesh, &nets, &work, counted, NULL);
        nc_links_list(&mesh, &nets, &work, ptr, links);
        CHECK(memcmp(counted, ptr, sizeof ptr) == 0);
        for (int e = 0; e < NETS; e++)
            check_net(&mesh, &s, e, links + ptr[e], ptr[e + 1] - ptr[e]);
        free(work.column);
        free(work.hit);
        free(work.mark);
        free(links);
    }
}

static void routers_that_do_not_exist_are_refused(void) {
    const nc_links_mesh mesh = {2, 2, 0, 1}, none = {0, 2, 0, 1};
    const int32_t good[2] = {0, 3}, bad[2] = {0, 4};
    const int64_t ptr[3] = {0, 1, 2}, falling[3] = {0, 2, 1};
    CHECK_EQUAL(nc_links_check(&mesh, &(nc_links_nets){2, good, ptr, good}, 2), NC_OK);
    CHECK_EQUAL(nc_links_check(&none, &(nc_links_nets){2, good, ptr, good}, 2), NC_ERR_SIZE);
    CHECK_EQUAL(nc_links_check(&mesh, &(nc_links_nets){2, bad, ptr, good}, 2), NC_ERR_INDEX);
    CHECK_EQUAL(nc_links_check(&mesh, &(nc_links_nets){2, good, ptr, bad}, 2), NC_ERR_INDEX);
    CHECK_EQUAL(nc_links_check(&mesh, &(nc_links_nets){2, good, falling, good}, 1), NC_ERR_SIZE);
    CHECK_EQUAL(nc_links_check(&mesh, &(nc_links_nets){2, good, ptr, good}, 3), NC_ERR_SIZE);
}

int main(void) {
    RUN(links_are_those_of_a_walk);
    RUN(routers_that_do_not_exist_are_refused);
    return check_result();
}
