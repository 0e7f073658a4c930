#include "partition_contract.h"
#include <string.h>

static void sort(int32_t *value, int32_t count) { /* Shell (CACM 1959), gaps of Ciura (2001) */
    static const int32_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (int32_t k = gaps[g]; k < count; k++) {
            const int32_t moving = value[k];
            int32_t at = k;
            for (; at >= gaps[g] && value[at - gaps[g]] > moving; at -= gaps[g])
                value[at] = value[at - gaps[g]];
            value[at] = moving;
        }
}

/* The new pins of a net at the end of out->pin, ascending, each once; returns how many. */
static int32_t relabel(const nc_hyper *h, const int32_t *label, int32_t e, int32_t *pin, int32_t *mark) {
    int32_t count = 0, ascending = 1;
    for (int64_t k = h->pin_ptr[e]; k < h->pin_ptr[e + 1]; k++) {
        const int32_t v = label[h->pin[k]];
        if (mark[v] == e)
            continue;
        mark[v] = e;
        ascending &= count == 0 || pin[count - 1] < v;
        pin[count++] = v;
    }
    if (!ascending)
        sort(pin, count);
    return count;
}

static uint64_t hash_net(int32_t source, uint8_t memory, const int32_t *pin, int32_t count) {
    uint64_t hash = nc_rng_hash((uint64_t)(uint32_t)source * 2 + memory);
    for (int32_t k = 0; k < count; k++)
        hash = nc_rng_hash(hash ^ (uint32_t)pin[k]) + 0x9e3779b97f4a7c15u;
    return hash;
}

static int equals(const nc_contraction *out, int32_t net, int32_t source, uint8_t memory, int32_t count) {
    const int64_t first = out->pin_ptr[net], here = out->pin_ptr[out->nets];
    return out->source[net] == source && out->memory[net] == memory && out->pin_ptr[net + 1] - first == count &&
           memcmp(out->pin + first, out->pin + here, sizeof(int32_t) * (size_t)count) == 0;
}

/* Slot of the table with the net whose pins stand at the end of out->pin, or a free one. */
static uint64_t find(const nc_contraction *out, int32_t source, uint8_t memory, int32_t count) {
    uint64_t at = hash_net(source, memory, out->pin + out->pin_ptr[out->nets], count) & out->table_mask;
    while (out->table[at] >= 0 && !equals(out, out->table[at], source, memory, count))
        at = (at + 1) & out->table_mask;
    return at;
}

static void add_net(const nc_hyper *h, int32_t e, int32_t source, int32_t count, nc_contraction *out) {
    const uint64_t at = find(out, source, h->memory[e], count);
    if (out->table[at] < 0) {
        const int32_t net = out->nets++;
        out->table[at] = net;
        out->source[net] = source;
        out->memory[net] = h->memory[e];
        out->amount[net] = out->traffic[net] = 0;
        out->pin_ptr[net + 1] = out->pin_ptr[net] + count;
    }
    out->amount[out->table[at]] += h->amount[e];
    out->traffic[out->table[at]] += h->traffic[e];
}

void nc_hyper_contract(const nc_hyper *h, const int32_t *label, int fold, nc_contraction *out) {
    out->nets = 0;
    out->pin_ptr[0] = 0;
    memset(out->table, 0xff, sizeof(int32_t) * ((size_t)out->table_mask + 1));
    memset(out->weight, 0, sizeof(int64_t) * (size_t)out->vertices * NC_COLUMNS);
    for (int32_t v = 0; v < out->vertices; v++)
        out->mark[v] = -1;
    for (int32_t v = 0; v < h->vertices; v++)
        for (int32_t c = 0; c < NC_COLUMNS; c++)
            out->weight[(int64_t)label[v] * NC_COLUMNS + c] += h->weight[(int64_t)v * NC_COLUMNS + c];
    for (int32_t e = 0; e < h->nets; e++) {
        int32_t *const pin = out->pin + out->pin_ptr[out->nets];
        const int32_t count = relabel(h, label, e, pin, out->mark),
                      source = h->source[e] < 0 ? -1 : label[h->source[e]];
        const int inside = count == 1 && (h->memory[e] || source == pin[0]);
        if (fold && inside) { /* it goes wherever its vertex goes */
            int64_t *const weight = out->weight + (int64_t)pin[0] * NC_COLUMNS;
            weight[h->memory[e] ? NC_SYNAPSE_BITS : NC_AXONS_IN] += h->amount[e];
            weight[NC_AXONS_OUT] += h->memory[e] ? 0 : h->amount[e];
        } else if (count > 0) {
            add_net(h, e, source, count, out);
        }
    }
}
