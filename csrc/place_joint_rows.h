/* What every vertex would change on the links if it went to a router close by, in a table: two entries of it rule out
 * most exchanges, and only the rest is weighed exactly. Included by place_joint.c only. */
#ifndef NC_PLACE_JOINT_ROWS_H
#define NC_PLACE_JOINT_ROWS_H

#include "nc_dispatch.h"
#include "place_joint_weigh.h"

#define NEVER 1e30f
enum { PINS_A_LOOK = 4 }; /* that are marked in the time of a look at an entry */

typedef struct {
    float x[WIDE], y[WIDE]; /* of the columns and rows around a vertex */
    int32_t column;         /* the first of these */
} nc_around;

static inline int32_t within(int32_t value, int32_t below) { return value < 0 ? 0 : value < below ? value : below - 1; }

static inline nc_site site_of(const nc_joint *j, nc_spot at) {
    const nc_place_fabric *const f = j->fabric;
    return (nc_site){(float)j->tree.along_x[f->width + at.x], (float)j->tree.along_y[f->height + at.y], at.x};
}

/* The columns and rows around a place; beyond the mesh its last ones. */
static nc_around around(const nc_joint *j, nc_spot at) {
    const nc_place_fabric *const f = j->fabric;
    nc_around a = {{0}, {0}, at.x - REACH};
    for (int32_t k = 0; k < SIDE; k++) {
        a.x[k] = (float)j->tree.along_x[f->width + within(at.x + k - REACH, f->width)];
        a.y[k] = (float)j->tree.along_y[f->height + within(at.y + k - REACH, f->height)];
    }
    return a;
}

static inline void widen(nc_site pin, float *west, float *east) {
    *west = pin.x < *west ? pin.x : *west;
    *east = pin.x > *east ? pin.x : *east;
}

static inline float beyond(float at, float low, float high) {
    const float under = low - at, over = at - high, most = under > over ? under : over;
    return most > 0.0f ? most : 0.0f;
}

static inline int leaves(nc_entry entry, int32_t from) { return entry.part == from && entry.count == 1; }

/* A net that a vertex listens to: the links that its tree takes in addition to reach each place. */
static void add_heard(const nc_joint *j, const nc_net *net, int32_t from, const nc_around *a, float sum[SIDE][WIDE]) {
    const nc_entry *const entry = j->s->entry + net->first;
    const nc_site home = site_of(j, home_of(j, net));
    float west = home.x, east = home.x, low[SIDE], high[SIDE];
    for (int32_t c = 0; c < SIDE; c++)
        low[c] = high[c] = home.y;
    for (int32_t k = 0; k < net->spread; k++) {
        if (leaves(entry[k], from))
            continue;
        const nc_site pin = j->rows.site[entry[k].part];
        widen(pin, &west, &east);
        const uint32_t c = (uint32_t)(pin.column - a->column);
        if (c < SIDE) {
            low[c] = pin.y < low[c] ? pin.y : low[c];
            high[c] = pin.y > high[c] ? pin.y : high[c];
        }
    }
    const float traffic = (float)net->traffic;
    for (int32_t c = 0; c < SIDE; c++) {
        const float aside = beyond(a->x[c], west, east);
        for (int32_t r = 0; r < WIDE; r++)
            sum[c][r] += traffic * (aside + beyond(a->y[r], low[c], high[c]));
    }
}

/* The same where every part is reached on a path of its own. */
static void add_path(const nc_joint *j, const nc_net *net, int32_t from, const nc_around *a, float sum[SIDE][WIDE]) {
    const nc_entry *const entry = j->s->entry + net->first;
    const nc_site home = site_of(j, home_of(j, net));
    float way[SIDE][WIDE];
    for (int32_t c = 0; c < SIDE; c++)
        for (int32_t r = 0; r < WIDE; r++)
            way[c][r] = beyond(a->x[c], home.x, home.x) + beyond(a->y[r], home.y, home.y);
    for (int32_t k = 0; k < net->spread; k++) {
        const nc_site pin = j->rows.site[entry[k].part];
        for (int32_t c = 0; c < SIDE && !leaves(entry[k], from); c++)
            for (int32_t r = 0; r < SIDE; r++)
                way[c][r] = a->x[c] == pin.x && a->y[r] == pin.y ? 0.0f : way[c][r];
    }
    for (int32_t c = 0; c < SIDE; c++)
        for (int32_t r = 0; r < WIDE; r++)
            sum[c][r] += (float)net->traffic * way[c][r];
}

/* The columns that a net goes to, but for a vertex that sends it to itself; how many. */
static int32_t set_spans(nc_joint *j, const nc_net *net, int32_t from, float *west, float *east) {
    const nc_entry *const entry = j->s->entry + net->first;
    int32_t spans = 0;
    for (int32_t k = 0; k < net->spread; k++) {
        if (net->hears_itself && leaves(entry[k], from))
            continue;
        const nc_site pin = j->rows.site[entry[k].part];
        widen(pin, west, east);
        const int32_t at = j->fabric->tree ? j->rows.span_in[pin.column] : INT32_MAX;
        if (at < spans && j->rows.span[at].column == pin.column) {
            j->rows.span[at].low = pin.y < j->rows.span[at].low ? pin.y : j->rows.span[at].low;
            j->rows.span[at].high = pin.y > j->rows.span[at].high ? pin.y : j->rows.span[at].high;
            continue;
        }
        j->rows.span_in[pin.column] = spans;
        j->rows.span[spans++] = (nc_span){pin.x, pin.y, pin.y, pin.column};
    }
    return spans;
}

/* A net that a vertex sends: all links of it, from each place around. */
static void add_sent(nc_joint *j, const nc_net *net, int32_t from, const nc_around *a, float sum[SIDE][WIDE]) {
    float west = 3e9f, east = -1.0f, across[SIDE] = {0}, along[WIDE] = {0};
    const int32_t spans = set_spans(j, net, from, &west, &east);
    for (int32_t c = 0; c < SIDE && spans > 0; c++) {
        if (j->fabric->tree)
            across[c] = (a->x[c] > east ? a->x[c] : east) - (a->x[c] < west ? a->x[c] : west);
        for (int32_t k = 0; k < spans && !j->fabric->tree; k++)
            across[c] += beyond(a->x[c], j->rows.span[k].x, j->rows.span[k].x);
    }
    for (int32_t k = 0; k < spans; k++) {
        const nc_span s = j->rows.span[k];
        for (int32_t r = 0; r < WIDE; r++)
            along[r] += (a->y[r] > s.high ? a->y[r] : s.high) - (a->y[r] < s.low ? a->y[r] : s.low);
    }
    const float traffic = (float)net->traffic;
    for (int32_t c = 0; c < SIDE; c++)
        for (int32_t r = 0; r < WIDE; r++)
            sum[c][r] += traffic * (across[c] + along[r]);
}

/* Takes a row into what the members of a part would change at least. */
static void fold_row(nc_rows *r, int32_t v, int32_t part) {
    const float *const row = r->row + (int64_t)v * AROUND;
    float *const least = r->least + (int64_t)part * AROUND;
    int32_t *const who = r->who + (int64_t)part * AROUND;
    for (int32_t k = 0; k < AROUND; k++) {
        who[k] = row[k] < least[k] ? v : who[k];
        least[k] = row[k] < least[k] ? row[k] : least[k];
    }
}

static NC_HOT void set_row(nc_joint *j, int32_t v) {
    const nc_partition *const s = j->s;
    const int32_t from = s->part[v];
    const nc_around a = around(j, j->spot[from]);
    float sum[SIDE][WIDE] = {{0}};
    fetch_nets(j, s->heard, s->heard_ptr + v);
    fetch_nets(j, s->sent, s->sent_ptr + v);
    fetch_entries(j, s->heard, s->heard_ptr + v);
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->heard[k]];
        j->work += 1 + net->spread;
        if (net->traffic == 0 || net->source == v)
            continue;
        if (j->fabric->tree)
            add_heard(j, net, from, &a, sum);
        else
            add_path(j, net, from, &a, sum);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->sent[k]];
        j->work += 1 + net->spread;
        if (net->traffic > 0)
            add_sent(j, net, from, &a, sum);
    }
    float *const row = j->rows.row + (int64_t)v * AROUND;
    for (int32_t k = 0; k < AROUND; k++)
        row[k] = sum[k / SIDE][k % SIDE] - sum[REACH][REACH];
    j->rows.is_stale[v] = 0;
    j->rows.seen[v] = 0;
    j->rows.changed[from] = ++j->rows.clock;
    fold_row(&j->rows, v, from);
}

static void set_least(nc_joint *j, int32_t part) {
    nc_rows *const r = &j->rows;
    const int32_t first = j->s->first[part];
    for (int32_t k = 0; k < AROUND; k++) {
        r->least[(int64_t)part * AROUND + k] = NEVER;
        r->who[(int64_t)part * AROUND + k] = -1;
    }
    int32_t w = first;
    while (w >= 0) {
        if (r->may_move[w])
            fold_row(r, w, part);
        j->work++;
        w = j->s->next[w] == first ? -1 : j->s->next[w];
    }
    r->is_mixed[part] = 0;
}

static void set_rows(nc_joint *j) {
    nc_rows *const r = &j->rows;
    memset(r->may_move, 0, (size_t)j->s->h->vertices);
    memset(r->is_stale, 0, (size_t)j->s->h->vertices);
    memset(r->span_in, 0, sizeof(int32_t) * (size_t)j->fabric->width);
    r->clock = 1;
    for (int32_t p = 0; p < j->s->parts; p++) {
        r->site[p] = site_of(j, j->spot[p]);
        r->changed[p] = 1;
        set_least(j, p);
    }
    for (int32_t k = 0; k < j->joint->movable_count; k++) {
        r->may_move[j->joint->movable[k]] = 1;
        set_row(j, j->joint->movable[k]);
    }
}

static void pins_stale(nc_joint *j, int32_t e) {
    j->work += 1 + (j->s->h->pin_ptr[e + 1] - j->s->h->pin_ptr[e]) / PINS_A_LOOK;
    for (int64_t k = j->s->h->pin_ptr[e]; k < j->s->h->pin_ptr[e + 1]; k++)
        j->rows.is_stale[j->s->h->pin[k]] = 1;
}

/* A vertex has come from another part: its row and those of all that share a net with it are out of date. Until it is
 * visited it rests: nobody changes places with it, or two would go to and fro. */
static void moved_row(nc_joint *j, int32_t v, int32_t from) {
    const nc_partition *const s = j->s;
    j->rows.is_mixed[from] = 1;
    j->rows.changed[from] = ++j->rows.clock;
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const int32_t e = s->heard[k];
        if (s->net[e].traffic == 0)
            continue;
        j->rows.is_stale[s->net[e].source] = 1;
        pins_stale(j, e);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        pins_stale(j, s->sent[k]);
    j->rows.is_stale[v] = j->rows.is_mixed[s->part[v]] = 1;
    for (int32_t k = 0; k < AROUND; k++)
        j->rows.row[(int64_t)v * AROUND + k] = NEVER;
}

#endif
