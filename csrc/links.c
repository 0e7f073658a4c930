#include "links.h"
#include "rows.h"
#include <string.h>

enum { EAST, WEST, NORTH, SOUTH, DIRECTIONS };
enum { FEW = 8 }; /* words of marks that are read in the time that sorting takes for one link */

nc_status nc_links_check(const nc_links_mesh *mesh, const nc_links_nets *nets, int64_t ends) {
    if (mesh->width < 1 || mesh->height < 1 || mesh->width > NC_LINKS_SIDE_MAX || mesh->height > NC_LINKS_SIDE_MAX)
        return NC_ERR_SIZE;
    const int32_t routers = mesh->width * mesh->height;
    if (nets->nets < 0 || nets->ptr[0] != 0)
        return NC_ERR_SIZE;
    for (int64_t e = 0; e < nets->nets; e++) {
        if (nets->ptr[e + 1] < nets->ptr[e])
            return NC_ERR_SIZE;
        if (nets->source[e] < 0 || nets->source[e] >= routers)
            return NC_ERR_INDEX;
    }
    if (nets->ptr[nets->nets] != ends)
        return NC_ERR_SIZE;
    for (int64_t k = 0; k < ends; k++)
        if (nets->to[k] < 0 || nets->to[k] >= routers)
            return NC_ERR_INDEX;
    return NC_OK;
}

/* Signed steps from a to b along an axis. */
static int32_t steps(const nc_links_mesh *mesh, int32_t a, int32_t b, int32_t size) {
    if (!mesh->torus)
        return b - a;
    const int32_t forward = b < a ? b - a + size : b - a;
    return 2 * forward <= size ? forward : forward - size;
}

/* The links of `count` steps along a row (across) or a column, where they are wanted; returns where the next go. */
static int64_t walk(const nc_links_mesh *mesh, int32_t x, int32_t y, int32_t count, int across, int32_t *links,
                    int64_t at) {
    const int32_t step = count < 0 ? -1 : 1, direction = across ? (count < 0 ? WEST : EAST) : count < 0 ? NORTH : SOUTH;
    const int32_t length = count < 0 ? -count : count;
    for (int32_t k = 0; k < length && links != NULL; k++) {
        links[at + k] = (y * mesh->width + x) * DIRECTIONS + direction;
        if (across)
            x = (x + step + mesh->width) % mesh->width;
        else
            y = (y + step + mesh->height) % mesh->height;
    }
    return at + length;
}

static int64_t list_paths(const nc_links_mesh *mesh, const nc_links_nets *nets, int64_t e, int32_t *links, int64_t at) {
    const int32_t x = nets->source[e] % mesh->width, y = nets->source[e] / mesh->width;
    for (int64_t k = nets->ptr[e]; k < nets->ptr[e + 1]; k++) {
        const int32_t to_x = nets->to[k] % mesh->width, to_y = nets->to[k] / mesh->width;
        at = walk(mesh, x, y, steps(mesh, x, to_x, mesh->width), 1, links, at);
        at = walk(mesh, to_x, y, steps(mesh, y, to_y, mesh->height), 0, links, at);
    }
    return at;
}

/* The reach of the targets along the source's row, and in every column with a target along that. */
static int64_t list_tree(const nc_links_mesh *mesh, const nc_links_nets *nets, int64_t e, const nc_links_work *work,
                         int32_t *links, int64_t at) {
    nc_links_column *const column = work->column;
    int32_t *const hit = work->hit;
    const int32_t x = nets->source[e] % mesh->width, y = nets->source[e] / mesh->width;
    int32_t west = 0, east = 0, hits = 0;
    for (int64_t k = nets->ptr[e]; k < nets->ptr[e + 1]; k++) {
        const int32_t to_x = nets->to[k] % mesh->width;
        const int32_t dx = steps(mesh, x, to_x, mesh->width);
        const int32_t dy = steps(mesh, y, nets->to[k] / mesh->width, mesh->height);
        nc_links_column *const c = &column[to_x];
        if (c->seen != e + 1) {
            *c = (nc_links_column){e + 1, 0, 0};
            hit[hits++] = to_x;
            west = dx < west ? dx : west;
            east = dx > east ? dx : east;
        }
        c->low = dy < c->low ? dy : c->low;
        c->high = dy > c->high ? dy : c->high;
    }
    at = walk(mesh, x, y, west, 1, links, at);
    at = walk(mesh, x, y, east, 1, links, at);
    for (int32_t k = 0; k < hits; k++) {
        at = walk(mesh, hit[k], y, column[hit[k]].low, 0, links, at);
        at = walk(mesh, hit[k], y, column[hit[k]].high, 0, links, at);
    }
    return at;
}

int64_t nc_links_marks(const nc_links_mesh *mesh) {
    return ((int64_t)mesh->width * mesh->height * DIRECTIONS + 63) / 64;
}

/* Distinct links in ascending order: marked and read again, where there are not too few of them for that. */
static void sort_links(int32_t *links, int64_t count, uint64_t *mark, int64_t words) {
    if (count * FEW < words) {
        nc_rows_sort_items(links, count);
        return;
    }
    for (int64_t k = 0; k < count; k++)
        mark[links[k] >> 6] |= (uint64_t)1 << (links[k] & 63);
    int64_t at = 0;
    for (int64_t w = 0; w < words; w++)
        for (; mark[w] != 0; mark[w] &= mark[w] - 1)
            links[at++] = (int32_t)(w * 64) + __builtin_ctzll(mark[w]);
    NC_ASSERT(at == count);
}

void nc_links_list(const nc_links_mesh *mesh, const nc_links_nets *nets, const nc_links_work *work, int64_t *ptr,
                   int32_t *links) {
    const int64_t words = nc_links_marks(mesh);
    memset(work->column, 0, sizeof *work->column * (size_t)mesh->width);
    memset(work->mark, 0, sizeof *work->mark * (size_t)words);
    ptr[0] = 0;
    for (int64_t e = 0; e < nets->nets; e++) {
        if (!mesh->tree) {
            ptr[e + 1] = list_paths(mesh, nets, e, links, ptr[e]);
            continue;
        }
        ptr[e + 1] = list_tree(mesh, nets, e, work, links, ptr[e]);
        if (links != NULL)
            sort_links(links + ptr[e], ptr[e + 1] - ptr[e], work->mark, words);
    }
}

void nc_links_load(int64_t nets, const int64_t *ptr, const int32_t *links, const int64_t *traffic, int64_t *load) {
    for (int64_t e = 0; e < nets; e++)
        for (int64_t k = ptr[e]; k < ptr[e + 1]; k++)
            load[links[k]] += traffic[e];
}
