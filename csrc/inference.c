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
        if (e->rank[j] < 0 || e->rank[j] >= m->tile_size[e->tile[j]])
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
    return generate + arrive + serve < 9e18 && link < 9e18 ? NC_OK : NC_ERR_OVERFLOW;
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
    return status == NC_OK ? check_range(m) : status;
}

static uint64_t load_word(const uint8_t *bits, int64_t bytes, int64_t at) {
    uint64_t word = 0;
    const int64_t left = bytes - at;
    memcpy(&word, bits + at, left < 8 ? (size_t)left : 8u);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The bits of a word that starts at element `at` and belong to a population of n. */
static uint64_t within(int64_t at, int32_t n) { return n - at >= 64 ? UINT64_MAX : ((uint64_t)1 << (n - at)) - 1; }

/* Lists one population's spikes in ascending order, with how many active neurons of its tile came before.
 * Returns 0 if there are more than the work area holds. */
static int list_spikes(const nc_emitter *e, const nc_step_input *in, nc_step_work *work, int64_t *count) {
    const int64_t bytes = ((int64_t)e->n + 7) / 8;
    for (int64_t at = 0; at < bytes; at += 8) {
        const uint64_t fired = load_word(in->spikes, bytes, at);
        uint64_t both = (fired | (in->active != NULL ? load_word(in->active, bytes, at) : 0)) & within(at * 8, e->n);
        while (both) {
            const int bit = __builtin_ctzll(both);
            const int64_t j = at * 8 + bit;
            both &= both - 1;
            const int32_t tile = e->tile[j];
            if (fired >> bit & 1) {
                if (*count == work->spike_capacity)
                    return 0;
                work->spikes[(*count)++] = (nc_spike){tile, e->rank[j], e->route[j], work->tile_active[tile]};
            }
            work->tile_active[tile]++;
        }
    }
    return 1;
}

/* Counting sort of the spikes by tile; within a tile the order stays. */
static void sort_by_tile(const nc_machine *m, nc_step_work *work, int64_t count) {
    int64_t *const first = work->tile_first;
    memset(first, 0, sizeof(int64_t) * ((size_t)m->tile_count + 1));
    for (int64_t s = 0; s < count; s++)
        first[work->spikes[s].tile + 1]++;
    for (int32_t t = 0; t < m->tile_count; t++)
        first[t + 1] += first[t];
    for (int64_t s = 0; s < count; s++)
        work->sorted[first[work->spikes[s].tile]++] = work->spikes[s];
    for (int32_t t = m->tile_count; t > 0; t--) /* each end has become the next one's start */
        first[t] = first[t - 1];
    first[0] = 0;
}

/* How many packets each core will receive, as offsets into the packet area; returns the total. */
static int64_t count_packets(const nc_machine *m, nc_step_work *work, int64_t spikes) {
    int64_t *const first = work->core_first;
    memset(first, 0, sizeof(int64_t) * ((size_t)m->core_count + 1));
    for (int64_t s = 0; s < spikes; s++) {
        const int32_t route = work->spikes[s].route;
        for (int64_t k = route < 0 ? 0 : m->packet_ptr[route]; route >= 0 && k < m->packet_ptr[route + 1]; k++)
            first[m->packet_core[k] + 1]++;
    }
    for (int32_t c = 0; c < m->core_count; c++)
        first[c + 1] += first[c];
    return first[m->core_count];
}

/* Sends one spike's packets; `clock` is when its neuron is done, the return value when the last has left. */
static int64_t send(const nc_machine *m, nc_step_work *work, const nc_spike *spike, int64_t clock, int is_input) {
    const int64_t out_ps = is_input ? m->input_ps : m->packet_out_ps;
    if (spike->route < 0)
        return clock;
    const int64_t begin = m->packet_ptr[spike->route], end = m->packet_ptr[spike->route + 1];
    if (m->replicates && end > begin)
        clock += out_ps;
    for (int64_t k = begin; k < end; k++) {
        if (!m->replicates)
            clock += out_ps;
        NC_ASSERT(work->core_put[m->packet_core[k]] < work->core_first[m->packet_core[k] + 1]);
        nc_packet *const packet = &work->packets[work->core_put[m->packet_core[k]]++];
        packet->arrival_ps = clock + m->packet_flight_ps[k];
        packet->service_ps = m->packet_service_ps[k];
    }
    return clock;
}

/* One core's updates and sends; returns when it is done. */
static int64_t generate(const nc_machine *m, nc_step_work *work, int32_t core) {
    int64_t base = 0;
    for (int32_t k = m->core_tile_ptr[core]; k < m->core_tile_ptr[core + 1]; k++) {
        const int32_t tile = m->core_tile[k];
        const int is_input = m->tile_is_input[tile];
        int64_t sent = 0; /* time spent on sending so far in this tile */
        for (int64_t s = work->tile_first[tile]; s < work->tile_first[tile + 1]; s++) {
            const nc_spike *const spike = &work->sorted[s];
            int64_t clock = base + sent;
            if (!is_input)
                clock += (spike->rank + 1) * m->access_ps + (spike->active_before + 1) * m->update_ps + m->spike_ps;
            const int64_t done = send(m, work, spike, clock, is_input);
            sent += done - clock + (is_input ? 0 : m->spike_ps);
        }
        base += sent;
        if (!is_input)
            base += m->tile_size[tile] * m->access_ps + work->tile_active[tile] * m->update_ps;
    }
    return base;
}

/* Merges ascending runs until one is left (natural merge sort, stable). Returns where the result lies. */
static nc_packet *sort_by_arrival(nc_packet *from, nc_packet *to, int64_t n) {
    for (;;) {
        int64_t put = 0, at = 0, runs = 0;
        while (at < n) {
            int64_t middle = at + 1;
            while (middle < n && from[middle].arrival_ps >= from[middle - 1].arrival_ps)
                middle++;
            int64_t end = middle < n ? middle + 1 : middle;
            while (end < n && from[end].arrival_ps >= from[end - 1].arrival_ps)
                end++;
            int64_t left = at, right = middle;
            while (left < middle || right < end) {
                const int take_left =
                    left < middle && (right >= end || from[left].arrival_ps <= from[right].arrival_ps);
                to[put++] = take_left ? from[left++] : from[right++];
            }
            at = end;
            runs++;
        }
        if (runs <= 1)
            return to;
        nc_packet *const swap = from;
        from = to;
        to = swap;
    }
}

/* The destination's queue; returns when it is empty for good and adds the service times to *busy. */
static int64_t process(nc_packet *packets, nc_packet *merged, int64_t n, int64_t *busy) {
    const nc_packet *const queue = n > 0 ? sort_by_arrival(packets, merged, n) : packets;
    int64_t free_at = 0;
    for (int64_t k = 0; k < n; k++) {
        free_at = (free_at > queue[k].arrival_ps ? free_at : queue[k].arrival_ps) + queue[k].service_ps;
        *busy += queue[k].service_ps;
    }
    return free_at;
}

/* Flits on the busiest link; leaves link_load at zero. */
static int64_t busiest_link(const nc_machine *m, nc_step_work *work, int64_t spikes) {
    int64_t most = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t s = 0; s < spikes; s++) {
            const int32_t route = work->spikes[s].route;
            for (int64_t k = route < 0 ? 0 : m->link_ptr[route]; route >= 0 && k < m->link_ptr[route + 1]; k++) {
                int64_t *const load = &work->link_load[m->link_id[k]];
                *load = pass == 0 ? *load + 1 : 0;
                most = *load > most ? *load : most;
            }
        }
    }
    return most;
}

static void add_totals(const nc_machine *m, const nc_step_work *work, int64_t spikes, nc_step_totals *totals) {
    for (int64_t s = 0; s < spikes; s++) {
        if (work->spikes[s].route >= 0)
            totals->class_spikes[work->spikes[s].route]++;
        else
            totals->mute_spikes[work->spikes[s].tile]++;
    }
    for (int32_t t = 0; t < m->tile_count; t++)
        if (!m->tile_is_input[t])
            totals->tile_active[t] += work->tile_active[t];
}

nc_status nc_inference_step(const nc_machine *m, const nc_step_input *input, nc_step_work *work, nc_step_totals *totals,
                            nc_step_result *result, int64_t *needed_packets) {
    int64_t spikes = 0;
    memset(work->tile_active, 0, sizeof(int32_t) * (size_t)m->tile_count);
    for (int32_t e = 0; e < m->emitter_count; e++)
        if (input[e].spikes != NULL && !list_spikes(&m->emitters[e], &input[e], work, &spikes))
            return NC_ERR_SIZE;
    const int64_t packets = count_packets(m, work, spikes);
    *needed_packets = packets;
    if (packets > work->packet_capacity)
        return NC_ERR_CAPACITY;
    sort_by_tile(m, work, spikes);
    memcpy(work->core_put, work->core_first, sizeof(int64_t) * ((size_t)m->core_count + 1));
    *result = (nc_step_result){0, 0, 0, spikes, packets};
    for (int32_t c = 0; c < m->core_count; c++) {
        work->core_generate_ps[c] = generate(m, work, c);
        if (work->core_generate_ps[c] > result->generate_ps)
            result->generate_ps = work->core_generate_ps[c];
    }
    for (int32_t c = 0; c < m->core_count; c++) {
        const int64_t at = work->core_first[c], n = work->core_first[c + 1] - at;
        int64_t busy = 0;
        const int64_t end = process(work->packets + at, work->merged + at, n, &busy);
        if (end > result->process_ps)
            result->process_ps = end;
        totals->core_packets[c] += n;
        totals->core_busy_ps[c] += busy > work->core_generate_ps[c] ? busy : work->core_generate_ps[c];
    }
    result->link_ps = busiest_link(m, work, spikes) * m->link_ps;
    add_totals(m, work, spikes, totals);
    return NC_OK;
}
