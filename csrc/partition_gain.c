#include "partition_state.h"

enum { NET_AHEAD = 16, ENTRY_AHEAD = 8 }; /* nets of one vertex lie anywhere in memory */

static nc_share *touch(nc_partition *s, int32_t part) {
    nc_share *const share = &s->share[part];
    if (share->seen != s->clock) {
        share->affinity = share->axons = share->bits = 0;
        share->seen = s->clock;
        s->candidate[s->candidates++] = part;
    }
    return share;
}

static void scan_heard(nc_partition *s, const nc_net *net, int32_t v, int32_t from) {
    const nc_entry *const entry = s->entry + net->first;
    const int64_t traffic = net->source == v ? 0 : net->traffic; /* its own nets count when they are sent */
    const int64_t axons = net->memory ? 0 : net->amount, bits = net->memory ? net->amount : 0;
    const int32_t home = net->source == v ? -1 : nc_source_part(s, net);
    int32_t at_home = home < 0;
    s->axons += axons;
    s->bits += bits;
    for (int32_t k = 0; k < net->spread; k++) {
        const int32_t p = entry[k].part;
        if (p == from && entry[k].count == 1) {
            s->leaving_axons += axons;
            s->leaving_bits += bits;
            continue;
        }
        nc_share *const share = touch(s, p);
        share->affinity += traffic;
        share->axons += axons;
        share->bits += bits;
        at_home |= p == home;
    }
    if (!at_home)
        touch(s, home)->affinity += traffic;
    s->visits += net->spread + 1;
}

static void scan_sent(nc_partition *s, const nc_net *net, int32_t from) {
    const nc_entry *const entry = s->entry + net->first;
    for (int32_t k = 0; k < net->spread; k++)
        if (entry[k].part != from || entry[k].count > net->hears_itself)
            touch(s, entry[k].part)->affinity += net->traffic;
    s->visits += net->spread + 1;
}

static void fetch_entries(const nc_partition *s, const nc_net *net) {
    NC_PREFETCH(s->entry + net->first);
    if (net->source >= 0)
        NC_PREFETCH(s->part + net->source);
}

void nc_partition_scan(nc_partition *s, int32_t v) {
    const int32_t from = s->part[v];
    s->candidates = 0;
    s->clock++;
    s->axons = s->bits = s->leaving_axons = s->leaving_bits = 0;
    const int64_t begin = s->heard_ptr[v], end = s->heard_ptr[v + 1];
    for (int64_t k = begin; k < end && k < begin + NET_AHEAD; k++)
        NC_PREFETCH(&s->net[s->heard[k]]);
    for (int64_t k = begin; k < end && k < begin + ENTRY_AHEAD; k++)
        fetch_entries(s, &s->net[s->heard[k]]);
    for (int64_t k = begin; k < end; k++) {
        if (k + NET_AHEAD < end)
            NC_PREFETCH(&s->net[s->heard[k + NET_AHEAD]]);
        if (k + ENTRY_AHEAD < end)
            fetch_entries(s, &s->net[s->heard[k + ENTRY_AHEAD]]);
        scan_heard(s, &s->net[s->heard[k]], v, from);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        scan_sent(s, &s->net[s->sent[k]], from);
}

static nc_share share_of(const nc_partition *s, int32_t part) {
    const nc_share nothing = {0, 0, 0, 0, 0};
    return part >= 0 && s->share[part].seen == s->clock ? s->share[part] : nothing;
}

int64_t nc_partition_gain(const nc_partition *s, int32_t v, int32_t to) {
    return share_of(s, to).affinity - share_of(s, s->part[v]).affinity;
}

static void change_out(nc_partition *s, int32_t part, int64_t amount, int32_t *changed) {
    if (part < 0 || amount == 0)
        return;
    if (s->share[part].listed != s->lists) {
        s->share[part].listed = s->lists;
        s->changed[(*changed)++] = part;
    }
    s->out_change[part] += amount;
}

/* How the fan-out axons of every part change; returns how many parts s->changed lists. */
static int32_t out_changes(nc_partition *s, int32_t v, int32_t from, int32_t to) {
    int32_t changed = 0;
    s->lists++;
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->heard[k]];
        if (net->memory || net->source == v)
            continue;
        const int32_t left = from >= 0 && nc_pins(s, net, from) == 1, entered = nc_slot(s, net, to) < 0;
        change_out(s, nc_source_part(s, net), net->amount * (entered - left), &changed);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++) {
        const nc_net *const net = &s->net[s->sent[k]];
        int32_t spread = net->spread;
        if (net->hears_itself)
            spread += (nc_slot(s, net, to) < 0) - (from >= 0 && nc_pins(s, net, from) == 1);
        change_out(s, from, -net->amount * net->spread, &changed);
        change_out(s, to, net->amount * spread, &changed);
    }
    return changed;
}

/* Clears s->out_change; whether every part that was listed, other than the two, holds its share. */
static int others_take(nc_partition *s, int32_t changed, int32_t from, int32_t to) {
    int all = 1;
    for (int32_t k = 0; k < changed; k++) {
        const int32_t p = s->changed[k];
        int64_t change[NC_COLUMNS] = {0};
        change[NC_AXONS_OUT] = s->out_change[p];
        s->out_change[p] = 0;
        if (all && p != from && p != to && !nc_part_takes(s, p, change))
            all = 0;
    }
    return all;
}

int nc_partition_allowed(nc_partition *s, int32_t v, int32_t to, int ignore_to) {
    const int32_t from = s->part[v];
    const nc_share share = share_of(s, to);
    int64_t arriving[NC_COLUMNS], leaving[NC_COLUMNS];
    for (int32_t c = 0; c < NC_COLUMNS; c++) {
        arriving[c] = s->h->weight[(int64_t)v * NC_COLUMNS + c];
        leaving[c] = -arriving[c];
    }
    if (from >= 0 && s->demand[(int64_t)from * NC_COLUMNS + NC_MEMBERS] + leaving[NC_MEMBERS] < s->least_members)
        return 0;
    arriving[NC_AXONS_IN] += s->axons - share.axons;
    arriving[NC_SYNAPSE_BITS] += s->bits - share.bits;
    if (!s->out_limited)
        return ignore_to || nc_part_takes(s, to, arriving);
    /* axons out take longer to count, so what does not weigh them is asked first */
    if (!ignore_to && !nc_part_takes_but(s, to, arriving, NC_AXONS_OUT))
        return 0;
    leaving[NC_AXONS_IN] -= s->leaving_axons;
    leaving[NC_SYNAPSE_BITS] -= s->leaving_bits;
    const int32_t changed = out_changes(s, v, from, to);
    arriving[NC_AXONS_OUT] += s->out_change[to];
    leaving[NC_AXONS_OUT] += from >= 0 ? s->out_change[from] : 0;
    return others_take(s, changed, from, to) && (ignore_to || nc_part_takes(s, to, arriving)) &&
           (from < 0 || nc_part_takes(s, from, leaving));
}

int nc_partition_fits(const nc_partition *s, int32_t part) {
    const int64_t *const demand = s->demand + (int64_t)part * NC_COLUMNS;
    for (int32_t limit = 0; limit < s->limits; limit++) {
        const int64_t *const weight = s->limit_weight + (int64_t)limit * NC_COLUMNS;
        int64_t used = 0;
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            used += weight[c] * demand[c];
        if (used > s->capacity[limit])
            return 0;
    }
    return 1;
}

void nc_partition_score(nc_partition *s, int32_t v) {
    const int32_t from = s->part[v];
    for (int32_t k = 0; k < s->candidates; k++) {
        const int32_t p = s->candidate[k];
        s->score[k] = p == from ? NC_NEVER : (double)nc_partition_gain(s, v, p);
    }
}

int32_t nc_partition_next_best(nc_partition *s, double floor) {
    int32_t best = -1;
    for (int32_t k = 0; k < s->candidates; k++)
        if (s->score[k] > floor) {
            floor = s->score[k];
            best = k;
        }
    if (best < 0)
        return -1;
    s->score[best] = NC_NEVER;
    return s->candidate[best];
}
