#include "partition_state.h"
#include <string.h>

enum { NOISES = 1024, TRIES = 4, WIDE = 128 };

/* ln x for x > 0; the same bits everywhere, good to about 1e-6. */
static double natural_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t exponent = (int32_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    const double q = (m - 1.0) / (m + 1.0), q2 = q * q; /* ln m = 2 artanh q */
    const double log_m = 2.0 * q * (1.0 + q2 * (1.0 / 3 + q2 * (1.0 / 5 + q2 * (1.0 / 7 + q2 * (1.0 / 9 + q2 / 11)))));
    return exponent * 0.6931471805599453 + log_m;
}

/* Quantiles of the Gumbel distribution: the greatest of scores with such noise is a draw from exp(score). */
static void fill_noise(double *noise, double temperature) {
    for (int32_t k = 0; k < NOISES; k++)
        noise[k] = -temperature * natural_log(-natural_log((k + 0.5) / NOISES));
}

typedef struct {
    nc_partition *s;
    const nc_sweep *sweep;
    nc_rng *rng;
    double noise[NOISES];
} nc_search;

static double draw_noise(nc_search *q) { return q->noise[nc_rng_next(q->rng) % NOISES]; }

/* Scores candidates; returns the score of staying. */
static double score(nc_search *q, int32_t v) {
    nc_partition *const s = q->s;
    nc_partition_score(s, v);
    if (q->sweep->temperature <= 0)
        return 0;
    for (int32_t k = 0; k < s->candidates; k++)
        s->score[k] += draw_noise(q);
    return draw_noise(q);
}

static void wake_pins(nc_partition *s, int32_t e) {
    for (int64_t pin = s->h->pin_ptr[e]; pin < s->h->pin_ptr[e + 1]; pin++)
        s->active[s->h->pin[pin]] = 1;
    s->visits += s->h->pin_ptr[e + 1] - s->h->pin_ptr[e];
}

/* The vertices whose best part may be another now. */
static void wake(nc_search *q, int32_t v) {
    nc_partition *const s = q->s;
    if (q->sweep->temperature > 0)
        return; /* all are */
    for (int64_t k = s->heard_ptr[v]; k < s->heard_ptr[v + 1]; k++) {
        const int32_t e = s->heard[k];
        if (s->net[e].source >= 0)
            s->active[s->net[e].source] = 1;
        if (s->h->pin_ptr[e + 1] - s->h->pin_ptr[e] > WIDE)
            continue;
        wake_pins(s, e);
    }
    for (int64_t k = s->sent_ptr[v]; k < s->sent_ptr[v + 1]; k++)
        wake_pins(s, s->sent[k]);
}

/* Moves a member of the full part `full` so that it fits again and nothing is lost on the whole: `gain` so far. */
static int evict(nc_search *q, int32_t newcomer, int32_t full, double gain) {
    nc_partition *const s = q->s;
    for (int32_t k = 0; k < q->sweep->swaps; k++) {
        const int32_t u = s->first[full];
        s->first[full] = s->next[u]; /* the next one's turn */
        if (u == newcomer)
            continue;
        nc_partition_scan(s, u);
        score(q, u);
        const double floor = q->sweep->temperature > 0 ? -gain + draw_noise(q) : -gain;
        for (int32_t tries = 0; tries < TRIES; tries++) {
            const int32_t to = nc_partition_next_best(s, floor);
            if (to < 0)
                break;
            if (!nc_partition_allowed(s, u, to, 0))
                continue;
            nc_partition_move(s, u, to);
            if (nc_partition_fits(s, full)) {
                wake(q, u);
                return 1;
            }
            nc_partition_move(s, u, full);
            break;
        }
    }
    return 0;
}

static int trade(nc_search *q, int32_t v, int32_t to) {
    nc_partition *const s = q->s;
    const int32_t from = s->part[v];
    const double gain = (double)nc_partition_gain(s, v, to);
    if (!nc_partition_allowed(s, v, to, 1))
        return 0;
    nc_partition_move(s, v, to);
    if (evict(q, v, to, gain))
        return 1;
    nc_partition_move(s, v, from);
    return 0;
}

static int visit(nc_search *q, int32_t v) {
    nc_partition *const s = q->s;
    int32_t full = -1;
    nc_partition_scan(s, v);
    const double stay = score(q, v);
    for (int32_t tries = 0; tries < TRIES; tries++) {
        const int32_t to = nc_partition_next_best(s, stay);
        if (to < 0)
            break;
        if (nc_partition_allowed(s, v, to, 0)) {
            nc_partition_move(s, v, to);
            return 1;
        }
        full = full < 0 ? to : full;
    }
    return full >= 0 && q->sweep->swaps > 0 && trade(q, v, full);
}

int64_t nc_partition_sweep(nc_partition *s, const nc_sweep *sweep, nc_rng *rng) {
    nc_search q = {.s = s, .sweep = sweep, .rng = rng};
    const int32_t count = s->h->vertices;
    int64_t moves = 0;
    if (sweep->temperature > 0)
        fill_noise(q.noise, sweep->temperature);
    nc_shuffle(s->heap, count, rng);
    for (int32_t k = 0; k < count && s->visits < sweep->most_visits; k++) {
        const int32_t v = s->heap[k];
        if (s->part[v] < 0 || (sweep->temperature <= 0 && !s->active[v]))
            continue;
        s->active[v] = sweep->temperature > 0;
        if (visit(&q, v)) {
            moves++;
            wake(&q, v);
        }
    }
    return moves;
}
