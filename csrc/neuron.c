#include "neuron.h"
#include "exponential.h"
#include "nc_dispatch.h"
#include <math.h>
#include <stddef.h>

static nc_status check_general(const nc_neurons *p) {
    if (p->adapts < NC_ADAPTS_THRESHOLD || p->adapts > NC_ADAPTS_RESET)
        return NC_ERR_KIND;
    if (p->extra[NC_A_DECAY] == NULL && (p->extra[NC_A_GAIN] || p->extra[NC_A_FROM_V] || p->extra[NC_A_INIT]))
        return NC_ERR_SIZE;
    if ((p->extra[NC_V_EXP] == NULL) != (p->extra[NC_V_EXP_RATE] == NULL))
        return NC_ERR_SIZE;
    return (p->extra[NC_I_FROM_V] != NULL || p->reset_current) && !p->has_current ? NC_ERR_SIZE : NC_OK;
}

nc_status nc_neurons_check(const nc_neurons *p) {
    if (p->n < 1 || p->period < 1 || p->period > p->n || p->refractory < 0)
        return NC_ERR_SIZE;
    if (p->reset < NC_RESET_ZERO || p->reset > NC_RESET_NONE || p->output < NC_OUT_BINARY ||
        p->output > (p->general ? NC_OUT_GRADED : NC_OUT_MEMBRANE))
        return NC_ERR_KIND;
    if (p->v_decay == NULL || p->v_gain == NULL || p->leak == NULL || p->threshold == NULL || p->v_reset == NULL ||
        p->v_init == NULL || (p->has_current && (p->i_decay == NULL || p->i_gain == NULL)))
        return NC_ERR_SIZE;
    if (p->decay_bits < 0 || p->decay_bits > 20 || p->state_limit < 1 || p->state_limit > (int64_t)1 << 31)
        return NC_ERR_SIZE;
    return p->general ? check_general(p) : NC_OK;
}

static inline float keep_f32(float state, float limit, int64_t *saturations) {
    (void)limit;
    (void)saturations;
    return state;
}

/* States are at most 31 bits and decays at most 20, so every product is exact in a double, and converting to
 * int32_t truncates towards zero as the hardware does. */
static inline double decayed_i32(int32_t state, int32_t decay, double unit) {
    return (double)(int32_t)((double)state * (double)decay * unit);
}

static inline int32_t keep_i32(double state, double limit, int64_t *saturations) {
    const double kept = state > limit - 1.0 ? limit - 1.0 : (state < -limit ? -limit : state);
    *saturations += kept != state;
    return (int32_t)kept;
}

static inline float decayed_f32(float state, float decay, float unit) {
    (void)unit;
    return decay * state;
}

static inline float count_f32(float v, float threshold) { return floorf(v / threshold); }

/* A count below 0 becomes 0 later, so truncation does as well as a floor. */
static inline int32_t count_i32(int32_t v, int32_t threshold) { return threshold > 0 ? v / threshold : 0; }

/* Whole thresholds in v, or the whole number nearest to v / theta (half to even); v is not negative, theta above 0. */
static inline float fit_f32(float v, float theta, int nearest) {
    return nearest ? rintf(v / theta) : floorf(v / theta);
}

static inline double fit_i32(double v, double theta, int nearest) {
    const int64_t whole = (int64_t)v / (int64_t)theta, rest = (int64_t)v % (int64_t)theta;
    const int64_t over = 2 * rest - (int64_t)theta;
    return (double)(whole + (nearest && (over > 0 || (over == 0 && whole % 2 != 0))));
}

#define VALUE float
#define SUM float
#define NAME(stem) stem##_f32
#include "neuron_template.h"
#undef VALUE
#undef SUM
#undef NAME

#define VALUE int32_t
#define SUM double
#define NAME(stem) stem##_i32
#include "neuron_template.h"
