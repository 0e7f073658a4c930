/* Whether a machine can be run at all. */
#include "inference.h"
#include <stddef.h>
#include <string.h>

static nc_status check_pointers(const int64_t *ptr, int64_t count) {
    if (ptr == NULL || ptr[0] != 0)
        return NC_ERR_SIZE;
    for (int64_t k = 0; k < count; k++)
        if (ptr[k + 1] < ptr[k])
            return NC_ERR_SIZE;
    return NC_OK;
}

static nc_status check_below(const int32_t *index, int64_t count, int32_t lowest, int32_t limit) {
    for (int64_t k = 0; k < count; k++)
        if (index[k] < lowest || index[k] >= limit)
            return NC_ERR_INDEX;
    return NC_OK;
}

static nc_status check_emitter(const nc_machine *m, const nc_emitter *e) {
    if (e->n < 1)
        return NC_ERR_SIZE;
    if (check_below(e->tile, e->n, 0, m->tile_count) != NC_OK ||
        check_below(e->route, e->n, -1, m->class_count) != NC_OK)
        return NC_ERR_INDEX;
    for (int32_t j = 0; j < e->n; j++)
        if (e->rank[j] < 0 || e->rank[j] >= m->tile_size[e->tile[j]] ||
            (e->word_tile != NULL && e->word_tile[j / 64] >= 0 && e->word_tile[j / 64] != e->tile[j]))
            return NC_ERR_INDEX;
    return NC_OK;
}

static nc_status check_costs(const nc_machine *m) {
    const int64_t costs[6] = {m->access_ps, m->update_ps, m->spike_ps, m->packet_out_ps, m->input_ps, m->link_ps};
    for (int k = 0; k < 6; k++)
        if (costs[k] < 0)
            return NC_ERR_SIZE;
    for (int64_t k = 0; k < m->packet_ptr[m->class_count]; k++)
        if (m->packet_flight_ps[k] < 0 || m->packet_service_ps[k] < 0)
            return NC_ERR_SIZE;
    return NC_OK;
}

static nc_status check_routes(const nc_machine *m) {
    if (check_pointers(m->packet_ptr, m->class_count) != NC_OK || check_pointers(m->link_ptr, m->class_count) != NC_OK)
        return NC_ERR_SIZE;
    const nc_status status = check_below(m->packet_core, m->packet_ptr[m->class_count], 0, m->core_count);
    return status != NC_OK ? status : check_below(m->link_id, m->link_ptr[m->class_count], 0, m->link_count);
}

/* Every tile belongs to one core, once: a tile updated twice would send more packets than were counted. */
static nc_status check_tiles(const nc_machine *m, uint8_t *seen) {
    if (m->core_tile_ptr[0] != 0 || m->core_tile_ptr[m->core_count] != m->tile_count)
        return NC_ERR_SIZE;
    for (int32_t c = 0; c < m->core_count; c++)
        if (m->core_tile_ptr[c + 1] < m->core_tile_ptr[c])
            return NC_ERR_SIZE;
    if (check_below(m->core_tile, m->tile_count, 0, m->tile_count) != NC_OK)
        return NC_ERR_INDEX;
    memset(seen, 0, (size_t)m->tile_count);
    for (int32_t t = 0; t < m->tile_count; t++) {
        if (m->tile_size[t] < 0)
            return NC_ERR_SIZE;
        if (seen[m->core_tile[t]]++)
            return NC_ERR_INDEX;
    }
    return NC_OK;
}

static int64_t largest(const int64_t *values, int64_t count) {
    int64_t most = 0;
    for (int64_t k = 0; k < count; k++)
        most = values[k] > most ? values[k] : most;
    return most;
}

static int64_t longest_row(const int64_t *ptr, int64_t count) {
    int64_t most = 0;
    for (int64_t k = 0; k < count; k++)
        most = ptr[k + 1] - ptr[k] > most ? ptr[k + 1] - ptr[k] : most;
    return most;
}

/* A step in which everything spikes, from above and in floating point: does its time fit into 64 bits? */
static nc_status check_range(const nc_machine *m) {
    const int64_t packets = m->packet_ptr[m->class_count];
    double neurons = 0, spikes = 0;
    for (int32_t t = 0; t < m->tile_count; t++)
        neurons += m->tile_size[t];
    for (int32_t e = 0; e < m->emitter_count; e++)
        spikes += m->emitters[e].n;
    const double sent = spikes * (double)longest_row(m->packet_ptr, m->class_count);
    const double out_ps = (double)(m->packet_out_ps > m->input_ps ? m->packet_out_ps : m->input_ps);
    const double generate = neurons * ((double)m->access_ps + (double)m->update_ps) + spikes * (double)m->spike_ps;
    const double arrive = (double)largest(m->packet_flight_ps, packets) + sent * out_ps;
    const double serve = sent * (double)largest(m->packet_service_ps, packets);
    const double link = spikes * (double)longest_row(m->link_ptr, m->class_count) * (double)m->link_ps;
    const double limit = m->noc.net == NULL ? 9e18 : 2e18; /* waiting in a network is checked when it happens */
    return generate + arrive + serve < limit && link < limit ? NC_OK : NC_ERR_OVERFLOW;
}

/* Every core has its way into the network, every packet its way out, every class its tree. */
static nc_status check_network(const nc_machine *m) {
    const nc_step_noc *const noc = &m->noc;
    const int32_t cores = noc->net->width * noc->net->height * noc->net->locals;
    const int64_t packets = m->packet_ptr[m->class_count];
    if (noc->cycle_ps < 1 || noc->flits < 1 || noc->tree_count < 0 || noc->tree_count > INT32_MAX)
        return NC_ERR_SIZE;
    if (check_below(noc->core_source, m->core_count, 0, cores) != NC_OK ||
        check_below(noc->packet_sink, packets, 0, cores) != NC_OK)
        return NC_ERR_INDEX;
    for (int64_t k = 0; k < packets; k++)
        if (noc->packet_cycles[k] < 0)
            return NC_ERR_SIZE;
    for (int32_t c = 0; m->replicates && c < m->class_count; c++) {
        const int32_t tree = noc->class_tree[c], least = m->packet_ptr[c + 1] - m->packet_ptr[c] > 1 ? 0 : -1;
        if (tree < least || tree >= noc->tree_count)
            return NC_ERR_INDEX;
    }
    return NC_OK;
}

nc_status nc_machine_check(const nc_machine *m, uint8_t *seen) {
    if (m->emitter_count < 0 || m->tile_count < 1 || m->core_count < 1 || m->class_count < 0 || m->link_count < 0)
        return NC_ERR_SIZE;
    nc_status status = check_routes(m);
    if (status == NC_OK)
        status = check_costs(m);
    if (status == NC_OK)
        status = check_tiles(m, seen);
    for (int32_t e = 0; status == NC_OK && e < m->emitter_count; e++)
        status = check_emitter(m, &m->emitters[e]);
    if (status == NC_OK && m->noc.net != NULL)
        status = check_network(m);
    return status == NC_OK ? check_range(m) : status;
}
