#include "inference_network.h"
#include <stddef.h>

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

/* The spikes among 64 elements of one tile: active neurons are counted, not visited. */
static int list_word(const nc_emitter *e, uint64_t fired, uint64_t both, int64_t at, nc_step_work *work,
                     int64_t *count) {
    const int32_t tile = e->word_tile[at / 64], before = work->tile_active[tile];
    if (*count + __builtin_popcountll(fired) > work->spike_capacity)
        return 0;
    for (uint64_t left = fired; left; left &= left - 1) {
        const int bit = __builtin_ctzll(left);
        const int32_t earlier = __builtin_popcountll(both & (((uint64_t)1 << bit) - 1));
        work->spikes[(*count)++] = (nc_spike){tile, e->rank[at + bit], e->route[at + bit], before + earlier};
    }
    work->tile_active[tile] = before + __builtin_popcountll(both);
    return 1;
}

/* Lists one population's spikes in ascending order, with how many active neurons of its tile came before.
 * Returns 0 if there are more than the work area holds. */
static int list_spikes(const nc_emitter *e, const nc_step_input *in, nc_step_work *work, int64_t *count) {
    const int64_t bytes = ((int64_t)e->n + 7) / 8;
    for (int64_t at = 0; at < bytes; at += 8) {
        const uint64_t fired = load_word(in->spikes, bytes, at);
        uint64_t both = (fired | (in->active != NULL ? load_word(in->active, bytes, at) : 0)) & within(at * 8, e->n);
        if (e->word_tile != NULL && e->word_tile[at / 8] >= 0) {
            if (!list_word(e, fired & both, both, at * 8, work, count))
                return 0;
            continue;
        }
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

/* Spikes of each class: packets and links are the same for all of them, and not looked at spike by spike. */
static void count_classes(nc_step_work *work, int64_t spikes) {
    for (int64_t u = 0; u < work->used_count; u++)
        work->class_spikes[work->used[u]] = 0;
    work->used_count = 0;
    for (int64_t s = 0; s < spikes; s++) {
        const int32_t route = work->spikes[s].route;
        if (route >= 0 && work->class_spikes[route]++ == 0)
            work->used[work->used_count++] = route;
    }
}

/* How many packets each core will receive, as offsets into the packet area; returns the total. */
static int64_t count_packets(const nc_machine *m, nc_step_work *work) {
    int64_t *const first = work->core_first;
    memset(first, 0, sizeof(int64_t) * ((size_t)m->core_count + 1));
    for (int64_t u = 0; u < work->used_count; u++) {
        const int32_t route = work->used[u];
        for (int64_t k = m->packet_ptr[route]; k < m->packet_ptr[route + 1]; k++)
            first[m->packet_core[k] + 1] += work->class_spikes[route];
    }
    for (int32_t c = 0; c < m->core_count; c++)
        first[c + 1] += first[c];
    return first[m->core_count];
}

/* Sends one spike's packets; `clock` is when its neuron is done, the return value when the last has left. */
static int64_t send(const nc_machine *m, nc_step_work *work, const nc_spike *spike, int32_t core, int64_t clock,
                    int is_input) {
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
        const int64_t place = work->core_put[m->packet_core[k]]++, flight_ps = m->packet_flight_ps[k];
        work->packets[place] = (nc_packet){clock + flight_ps, m->packet_service_ps[k], flight_ps};
        if (m->noc.net == NULL)
            continue;
        if (k == begin || !m->replicates)
            send_burst(m, &work->burst, core, spike->route, clock);
        deliver_burst(m, &work->burst, k, place);
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
            const int64_t done = send(m, work, spike, core, clock, is_input);
            sent += done - clock + (is_input ? 0 : m->spike_ps);
        }
        base += sent;
        if (!is_input)
            base += m->tile_size[tile] * m->access_ps + work->tile_active[tile] * m->update_ps;
    }
    return base;
}

/* Flits on the busiest link; leaves link_load at zero. */
static int64_t busiest_link(const nc_machine *m, nc_step_work *work) {
    int64_t most = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t u = 0; u < work->used_count; u++) {
            const int32_t route = work->used[u];
            for (int64_t k = m->link_ptr[route]; k < m->link_ptr[route + 1]; k++) {
                int64_t *const load = &work->link_load[m->link_id[k]];
                *load = pass == 0 ? *load + work->class_spikes[route] : 0;
                most = *load > most ? *load : most;
            }
        }
    }
    return most;
}

static void add_totals(const nc_machine *m, const nc_step_work *work, int64_t spikes, nc_step_totals *totals) {
    for (int64_t u = 0; u < work->used_count; u++)
        totals->class_spikes[work->used[u]] += work->class_spikes[work->used[u]];
    for (int64_t s = 0; s < spikes; s++)
        if (work->spikes[s].route < 0)
            totals->mute_spikes[work->spikes[s].tile]++;
    for (int32_t t = 0; t < m->tile_count; t++)
        if (!m->tile_is_input[t])
            totals->tile_active[t] += work->tile_active[t];
}

/* Every core's updates and sends, and the way of the packets through the network. */
static nc_status generate_all(const nc_machine *m, nc_step_work *work, nc_step_totals *totals, nc_step_result *result) {
    work->burst.packets = work->burst.deliveries = 0;
    for (int32_t c = 0; c < m->core_count; c++)
        work->core_generate_ps[c] = work->core_left_ps[c] = generate(m, work, c);
    const nc_status status = m->noc.net == NULL ? NC_OK : carry(m, work, totals, result);
    for (int32_t c = 0; status == NC_OK && c < m->core_count; c++) {
        const int64_t stall_ps = work->core_left_ps[c] - work->core_generate_ps[c];
        result->stall_ps += stall_ps;
        if (work->core_left_ps[c] > result->generate_ps) {
            result->generate_ps = work->core_left_ps[c];
            result->routing_ps = stall_ps;
        }
    }
    return status;
}

/* Every core's queue. What the step's end waited for last decides how much of it the network took. */
static void process_all(const nc_machine *m, nc_step_work *work, nc_step_totals *totals, nc_step_result *result) {
    for (int32_t c = 0; c < m->core_count; c++) {
        const int64_t at = work->core_first[c], n = work->core_first[c + 1] - at, sending_ps = work->core_left_ps[c];
        const nc_served served = process(work->packets + at, work->merged + at, n, totals->latencies);
        if (served.end_ps > result->process_ps) {
            result->process_ps = served.end_ps;
            result->routing_ps = served.end_ps > result->generate_ps ? served.network_ps : result->routing_ps;
        }
        result->latency_ps = served.latency_ps > result->latency_ps ? served.latency_ps : result->latency_ps;
        totals->core_packets[c] += n;
        totals->core_busy_ps[c] += served.busy_ps > sending_ps ? served.busy_ps : sending_ps;
    }
}

nc_status nc_inference_step(const nc_machine *m, const nc_step_input *input, nc_step_work *work, nc_step_totals *totals,
                            nc_step_result *result, int64_t *needed_packets) {
    int64_t spikes = 0;
    memset(work->tile_active, 0, sizeof(int32_t) * (size_t)m->tile_count);
    for (int32_t e = 0; e < m->emitter_count; e++)
        if (input[e].spikes != NULL && !list_spikes(&m->emitters[e], &input[e], work, &spikes))
            return NC_ERR_SIZE;
    count_classes(work, spikes);
    const int64_t packets = count_packets(m, work);
    *needed_packets = packets;
    if (packets > work->packet_capacity)
        return NC_ERR_CAPACITY;
    sort_by_tile(m, work, spikes);
    memcpy(work->core_put, work->core_first, sizeof(int64_t) * ((size_t)m->core_count + 1));
    memset(result, 0, sizeof *result);
    result->spikes = spikes;
    result->packets = packets;
    const nc_status status = generate_all(m, work, totals, result);
    if (status != NC_OK)
        return status;
    process_all(m, work, totals, result);
    result->link_ps = busiest_link(m, work) * m->link_ps;
    const int64_t work_ps = result->process_ps > result->generate_ps ? result->process_ps : result->generate_ps;
    result->routing_ps += result->link_ps > work_ps ? result->link_ps - work_ps : 0;
    add_totals(m, work, spikes, totals);
    return NC_OK;
}
