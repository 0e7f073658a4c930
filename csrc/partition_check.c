#include "partition.h"

#define MOST 4000000000000000000.0 /* sums stay below, so that no product overflows */

static nc_status check_net(const nc_hyper *h, int32_t e) {
    const int32_t source = h->source[e];
    int32_t before = -1;
    if (h->memory[e] > 1)
        return NC_ERR_KIND;
    if (h->amount[e] < 0 || h->traffic[e] < 0)
        return NC_ERR_SIZE;
    if (source < -1 || source >= h->vertices || (h->memory[e] && (source >= 0 || h->traffic[e] != 0)))
        return NC_ERR_INDEX;
    for (int64_t k = h->pin_ptr[e]; k < h->pin_ptr[e + 1]; k++) {
        if (h->pin[k] <= before || h->pin[k] >= h->vertices || h->is_input[h->pin[k]])
            return NC_ERR_INDEX;
        before = h->pin[k];
    }
    return NC_OK;
}

nc_status nc_hyper_check(const nc_hyper *h) {
    double traffic = 0, weight = 0;
    if (h->vertices < 0 || h->nets < 0 || h->pin_ptr[0] != 0)
        return NC_ERR_SIZE;
    for (int32_t e = 0; e < h->nets; e++)
        if (h->pin_ptr[e + 1] < h->pin_ptr[e])
            return NC_ERR_SIZE;
    for (int32_t e = 0; e < h->nets; e++) {
        const nc_status status = check_net(h, e);
        if (status != NC_OK)
            return status;
        const double pins = (double)(h->pin_ptr[e + 1] - h->pin_ptr[e]) + 1;
        traffic += pins * (double)h->traffic[e];
        weight += pins * (double)h->amount[e];
    }
    for (int64_t k = 0; k < (int64_t)h->vertices * NC_COLUMNS; k++) {
        if (h->weight[k] < 0)
            return NC_ERR_SIZE;
        weight += (double)h->weight[k];
    }
    return traffic < MOST && weight < MOST ? NC_OK : NC_ERR_OVERFLOW;
}

static double total_weight(const nc_hyper *h) {
    double total = 0;
    for (int64_t k = 0; k < (int64_t)h->vertices * NC_COLUMNS; k++)
        total += (double)h->weight[k];
    for (int32_t e = 0; e < h->nets; e++)
        total += (double)h->amount[e] * ((double)(h->pin_ptr[e + 1] - h->pin_ptr[e]) + 1);
    return total;
}

nc_status nc_partition_check(const nc_partition *s) {
    double heaviest = 0;
    if (s->parts < 1 || s->limits < 0 || s->least_members < 0)
        return NC_ERR_SIZE;
    for (int32_t limit = 0; limit < s->limits; limit++)
        for (int32_t c = 0; c < NC_COLUMNS; c++) {
            const int64_t weight = s->limit_weight[(int64_t)limit * NC_COLUMNS + c];
            if (weight < 0 || s->capacity[limit] < 0)
                return NC_ERR_SIZE;
            heaviest = (double)weight > heaviest ? (double)weight : heaviest;
        }
    if (heaviest * total_weight(s->h) >= MOST)
        return NC_ERR_OVERFLOW;
    for (int32_t v = 0; v < s->h->vertices; v++)
        if (s->part[v] < -1 || s->part[v] >= s->parts || (s->h->is_input[v] && s->part[v] >= 0))
            return NC_ERR_INDEX;
    return NC_OK;
}
