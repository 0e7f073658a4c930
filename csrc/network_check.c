#include "network.h"
#include <stddef.h>

static nc_status check_population(const nc_network *net, int32_t k) {
    const nc_population *const p = &net->populations[k];
    if (p->n < 1 || p->n > NC_MOST_ELEMENTS || p->history < 1 || p->width < 1 || p->n % p->width)
        return NC_ERR_SIZE;
    if (p->first < 0 || p->last < p->first || p->last > net->projection_count)
        return NC_ERR_SIZE;
    if (p->kind < NC_INPUT || p->kind > NC_NEURONS)
        return NC_ERR_KIND;
    if (p->kind == NC_INPUT && k > 0 && net->populations[k - 1].kind != NC_INPUT)
        return NC_ERR_KIND;
    for (int32_t j = p->first; j < p->last; j++)
        if (net->projections[j].target != k)
            return NC_ERR_INDEX;
    if (p->held_shift < 0 || p->held_shift > 31 || p->held_limit < 0 || (p->kind == NC_INPUT && p->held_limit > 0))
        return NC_ERR_SIZE;
    if (p->shift < -16 || p->shift > 16 || (p->bias != NULL && (p->bias_period < 1 || p->bias_period > p->n)))
        return NC_ERR_SIZE;
    if (p->kind == NC_NEURONS && p->neurons.n != p->n)
        return NC_ERR_SIZE;
    return p->kind == NC_NEURONS ? nc_neurons_check(&p->neurons) : NC_OK;
}

/* Factors come in pairs, left then right; they and the host's functions are all that a plain relay receives. */
static nc_status check_relay(const nc_network *net, const nc_population *p) {
    int32_t factors = 0, hosted = 0;
    for (int32_t j = p->first; j < p->last; j++) {
        factors += net->projections[j].kind == NC_LEFT || net->projections[j].kind == NC_RIGHT;
        hosted += net->projections[j].kind == NC_HOST;
    }
    if (factors + hosted == 0)
        return NC_OK;
    if (p->kind != NC_RELAY || p->bias != NULL || p->shift != 0)
        return NC_ERR_KIND;
    if (hosted > 0)
        return factors == 0 && p->last - p->first == 1 && net->host != NULL ? NC_OK : NC_ERR_KIND;
    const nc_projection *const left = &net->projections[p->first], *const right = left + 1;
    if (p->last - p->first != 2 || left->kind != NC_LEFT || right->kind != NC_RIGHT)
        return NC_ERR_KIND;
    const int same = left->batch == right->batch && left->rows == right->rows && left->inner == right->inner &&
                     left->columns == right->columns;
    return same ? NC_OK : NC_ERR_SIZE;
}

/* The last population that reads what population j gives, or j. */
static int32_t last_reader(const nc_network *net, int32_t j) {
    int32_t last = j;
    for (int32_t k = 0; k < net->projection_count; k++)
        if (net->projections[k].source == j && net->projections[k].target > last)
            last = net->projections[k].target;
    return last;
}

/* Outputs in the pool lie within it, are kept for one step, and are not overwritten before their last reader has come.
 */
static nc_status check_place(const nc_network *net, int32_t j) {
    const nc_population *const p = &net->populations[j];
    if (p->place == -1)
        return NC_OK;
    if (p->place < 0 || p->history != 1 || p->place % 16 || p->place > net->pool - p->n)
        return NC_ERR_SIZE;
    for (int32_t k = j + 1; k <= last_reader(net, j); k++) {
        const nc_population *const q = &net->populations[k];
        if (q->place >= 0 && q->place < p->place + p->n && p->place < q->place + q->n)
            return NC_ERR_INDEX;
    }
    return NC_OK;
}

static nc_status check_ends(const nc_network *net, const nc_projection *p) {
    if (p->source < 0 || p->source >= net->population_count || p->target < 0 || p->target >= net->population_count)
        return NC_ERR_INDEX;
    const nc_population *const source = &net->populations[p->source], *const target = &net->populations[p->target];
    if (source->n != p->n_source || target->n != p->n_target || source->history <= p->delay)
        return NC_ERR_SIZE;
    if (p->kind <= NC_MAX_POOL && (source->width != p->c_in || target->width != p->c_out))
        return NC_ERR_SIZE;
    return p->delay == 0 && p->source >= p->target ? NC_ERR_INDEX : NC_OK;
}

nc_status nc_network_check(const nc_network *net) {
    if (net->population_count < 1 || net->projection_count < 0 || net->pool < 0 || net->pool > NC_MOST_POOLED)
        return NC_ERR_SIZE;
    for (int32_t k = 0; k < net->population_count; k++) {
        nc_status status = check_population(net, k);
        if (status == NC_OK)
            status = check_relay(net, &net->populations[k]);
        if (status != NC_OK)
            return status;
    }
    for (int32_t k = 0; k < net->projection_count; k++) {
        nc_status status = nc_projection_check(&net->projections[k]);
        if (status == NC_OK)
            status = check_ends(net, &net->projections[k]);
        if (status != NC_OK)
            return status;
    }
    for (int32_t k = 0; k < net->population_count; k++)
        if (check_place(net, k) != NC_OK)
            return check_place(net, k);
    return NC_OK;
}
