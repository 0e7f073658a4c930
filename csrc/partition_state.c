#include "partition_state.h"
#include <string.h>

int64_t nc_partition_entries(const nc_hyper *h, int32_t parts) {
    int64_t total = 0;
    for (int32_t e = 0; e < h->nets; e++) {
        const int64_t pins = h->pin_ptr[e + 1] - h->pin_ptr[e];
        total += pins < parts ? pins : parts;
    }
    return total;
}

/* Turns counts, kept one place too far, into the beginning of each list. */
static void accumulate(int64_t *pointer, int32_t count) {
    for (int32_t k = 0; k < count; k++)
        pointer[k + 1] += pointer[k];
}

/* After filling, each pointer stands where the next list begins. */
static void step_back(int64_t *pointer, int32_t count) {
    memmove(pointer + 1, pointer, sizeof(int64_t) * (size_t)count);
    pointer[0] = 0;
}

void nc_hyper_incidence(const nc_hyper *h, int64_t *heard_ptr, int32_t *heard, int64_t *sent_ptr, int32_t *sent) {
    memset(heard_ptr, 0, sizeof(int64_t) * ((size_t)h->vertices + 1));
    memset(sent_ptr, 0, sizeof(int64_t) * ((size_t)h->vertices + 1));
    for (int64_t k = 0; k < h->pin_ptr[h->nets]; k++)
        heard_ptr[h->pin[k] + 1]++;
    for (int32_t e = 0; e < h->nets; e++)
        if (h->source[e] >= 0)
            sent_ptr[h->source[e] + 1]++;
    accumulate(heard_ptr, h->vertices);
    accumulate(sent_ptr, h->vertices);
    for (int32_t e = 0; e < h->nets; e++) {
        for (int64_t k = h->pin_ptr[e]; k < h->pin_ptr[e + 1]; k++)
            heard[heard_ptr[h->pin[k]]++] = e;
        if (h->source[e] >= 0)
            sent[sent_ptr[h->source[e]]++] = e;
    }
    step_back(heard_ptr, h->vertices);
    step_back(sent_ptr, h->vertices);
}

void nc_hyper_alone(const nc_hyper *h, int64_t *demand) {
    for (int32_t e = 0; e < h->nets; e++) {
        for (int64_t k = h->pin_ptr[e]; k < h->pin_ptr[e + 1]; k++)
            demand[(int64_t)h->pin[k] * NC_COLUMNS + (h->memory[e] ? NC_SYNAPSE_BITS : NC_AXONS_IN)] += h->amount[e];
        if (h->source[e] >= 0 && !h->is_input[h->source[e]] && h->pin_ptr[e] < h->pin_ptr[e + 1])
            demand[(int64_t)h->source[e] * NC_COLUMNS + NC_AXONS_OUT] += h->amount[e];
    }
}

static void enter_ring(nc_partition *s, int32_t v, int32_t part) {
    const int32_t first = s->first[part];
    if (first < 0) {
        s->first[part] = s->next[v] = s->previous[v] = v;
        return;
    }
    const int32_t last = s->previous[first];
    s->next[v] = first;
    s->previous[v] = last;
    s->next[last] = s->previous[first] = v;
}

static void leave_ring(nc_partition *s, int32_t v, int32_t part) {
    s->next[s->previous[v]] = s->next[v];
    s->previous[s->next[v]] = s->previous[v];
    if (s->first[part] == v)
        s->first[part] = s->next[v] == v ? -1 : s->next[v];
}

static void add_weight(nc_partition *s, int32_t v, int32_t part, int64_t sign) {
    int64_t *const demand = s->demand + (int64_t)part * NC_COLUMNS;
    for (int32_t c = 0; c < NC_COLUMNS; c++)
        demand[c] += sign * s->h->weight[(int64_t)v * NC_COLUMNS + c];
}

/* Counts the pins of one net in each part. s->share[part].seen holds the entry, valid if it lies in this net. */
static void load_net(nc_partition *s, int32_t e) {
    nc_net *const net = &s->net[e];
    nc_entry *const entry = s->entry + net->first;
    net->spread = 0;
    net->hears_itself = 0;
    for (int64_t k = s->h->pin_ptr[e]; k < s->h->pin_ptr[e + 1]; k++) {
        const int32_t v = s->h->pin[k], p = s->part[v];
        net->hears_itself |= v == net->source;
        if (p < 0)
            continue;
        const int32_t slot = s->share[p].seen;
        if (slot < net->spread && entry[slot].part == p) {
            entry[slot].count++;
            continue;
        }
        s->share[p].seen = net->spread;
        entry[net->spread++] = (nc_entry){p, 1};
    }
}

static void count_net(nc_partition *s, const nc_net *net) {
    const int32_t home = nc_source_part(s, net);
    const nc_entry *const entry = s->entry + net->first;
    for (int32_t k = 0; k < net->spread; k++) {
        s->demand[(int64_t)entry[k].part * NC_COLUMNS + (net->memory ? NC_SYNAPSE_BITS : NC_AXONS_IN)] += net->amount;
        s->volume += entry[k].part == home ? 0 : net->traffic;
    }
    if (home >= 0 && !net->memory)
        s->demand[(int64_t)home * NC_COLUMNS + NC_AXONS_OUT] += net->amount * net->spread;
}

static void clear_parts(nc_partition *s) {
    memset(s->demand, 0, sizeof(int64_t) * (size_t)s->parts * NC_COLUMNS);
    memset(s->out_change, 0, sizeof(int64_t) * (size_t)s->parts);
    memset(s->share, 0, sizeof(nc_share) * (size_t)s->parts);
    for (int32_t p = 0; p < s->parts; p++)
        s->first[p] = -1;
    s->volume = s->visits = 0;
    s->candidates = 0;
    s->clock = s->lists = 0;
}

void nc_partition_load(nc_partition *s) {
    clear_parts(s);
    int64_t first = 0;
    for (int32_t e = 0; e < s->h->nets; e++) {
        const int64_t pins = s->h->pin_ptr[e + 1] - s->h->pin_ptr[e];
        s->net[e] = (nc_net){first, s->h->traffic[e], s->h->amount[e], s->h->source[e], 0, s->h->memory[e], 0};
        first += pins < s->parts ? pins : s->parts;
        load_net(s, e);
        count_net(s, &s->net[e]);
    }
    for (int32_t p = 0; p < s->parts; p++)
        s->share[p].seen = 0;
    for (int32_t v = 0; v < s->h->vertices; v++) {
        s->active[v] = !s->h->is_input[v];
        if (s->part[v] < 0)
            continue;
        enter_ring(s, v, s->part[v]);
        add_weight(s, v, s->part[v], 1);
    }
}

/* The nets that a vertex sends, as they count for the part that it is in; sign 1 adds, -1 takes away. */
static void count_sent(nc_partition *s, int32_t v, int32_t part, int64_t sign) {
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->sent[k]];
        const int32_t at_home = part >= 0 && nc_slot(s, net, part) >= 0;
        s->volume += sign * net->traffic * (net->spread - at_home);
        if (part >= 0)
            s->demand[(int64_t)part * NC_COLUMNS + NC_AXONS_OUT] += sign * net->amount * net->spread;
    }
}

/* One pin of a net less in a part; 1 if it was the last. */
static int32_t take_pin(nc_partition *s, nc_net *net, int32_t part) {
    nc_entry *const entry = s->entry + net->first;
    const int32_t slot = nc_slot(s, net, part);
    NC_ASSERT(slot >= 0);
    if (--entry[slot].count > 0)
        return 0;
    entry[slot] = entry[--net->spread];
    s->demand[(int64_t)part * NC_COLUMNS + (net->memory ? NC_SYNAPSE_BITS : NC_AXONS_IN)] -= net->amount;
    return 1;
}

/* One pin more; 1 if it is the first. */
static int32_t put_pin(nc_partition *s, nc_net *net, int32_t part) {
    nc_entry *const entry = s->entry + net->first;
    const int32_t slot = nc_slot(s, net, part);
    if (slot >= 0) {
        entry[slot].count++;
        return 0;
    }
    entry[net->spread++] = (nc_entry){part, 1};
    s->demand[(int64_t)part * NC_COLUMNS + (net->memory ? NC_SYNAPSE_BITS : NC_AXONS_IN)] += net->amount;
    return 1;
}

static void move_pin(nc_partition *s, nc_net *net, int32_t v, int32_t from, int32_t to) {
    const int32_t left = from >= 0 && take_pin(s, net, from);
    const int32_t entered = to >= 0 && put_pin(s, net, to);
    if (left == entered && (left == 0 || net->source == v))
        return;
    const int32_t home = nc_source_part(s, net);
    if (net->source != v)
        s->volume += net->traffic * ((entered && to != home) - (left && from != home));
    if (net->source != v && home >= 0)
        s->demand[(int64_t)home * NC_COLUMNS + NC_AXONS_OUT] += net->amount * (entered - left);
}

void nc_partition_move(nc_partition *s, int32_t v, int32_t to) {
    const int32_t from = s->part[v];
    if (from == to)
        return;
    s->visits += 4 * (s->heard_ptr[v + 1] - s->heard_ptr[v] + s->sent_ptr[v + 1] - s->sent_ptr[v]);
    count_sent(s, v, from, -1);
    s->part[v] = to;
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++)
        move_pin(s, &s->net[s->heard[k]], v, from, to);
    count_sent(s, v, to, 1);
    if (from >= 0) {
        leave_ring(s, v, from);
        add_weight(s, v, from, -1);
    }
    if (to >= 0) {
        enter_ring(s, v, to);
        add_weight(s, v, to, 1);
    }
}
