/* The canonical neuron (neurocomp/network/neuron.py), one population and one step at a time.
 *
 * Parameters are arrays of `period` entries; neuron j uses entry j % period, so that scalars and per-channel
 * values need no array as long as the population. The integer version follows the digital core described by
 * Davies et al. 2018 and lava-dl's CUBA neuron: decays are multiples of 2^-decay_bits and truncate towards
 * zero, states saturate at +-state_limit.
 */
#ifndef NC_NEURON_H
#define NC_NEURON_H

#include "nc_status.h"
#include <stdint.h>

typedef enum { NC_RESET_ZERO = 0, NC_RESET_SUBTRACT = 1, NC_RESET_NONE = 2 } nc_reset;
typedef enum {
    NC_OUT_BINARY = 0,
    NC_OUT_COUNT = 1,
    NC_OUT_MEMBRANE = 2,
    NC_OUT_TERNARY = 3,
    NC_OUT_GRADED = 4
} nc_output;
typedef enum { NC_ADAPTS_THRESHOLD = 0, NC_ADAPTS_CURRENT = 1, NC_ADAPTS_RESET = 2 } nc_adapts;

/* Parameters of parts that few neurons have. */
typedef enum {
    NC_A_DECAY = 0,
    NC_A_GAIN,
    NC_A_FROM_V,
    NC_A_INIT,
    NC_V_MIN,
    NC_V_SUBTRACT,
    NC_V_KEEP,
    NC_V_SQUARE,
    NC_V_EXP,
    NC_V_EXP_RATE,
    NC_I_FROM_V,
    NC_EXTRAS
} nc_extra;

typedef struct {
    int32_t n, period;
    int32_t reset, reset_next, strict, output, max_count, refractory, has_current;
    int32_t decay_bits;  /* integer arithmetic only */
    int64_t state_limit; /* integer arithmetic only */
    const void *v_decay, *v_gain, *i_decay, *i_gain, *leak, *threshold, *v_reset, *v_init; /* float or int32_t */
    int32_t general; /* whether any of what follows is used; it is read only then */
    int32_t adapts, current_next, reset_current, nearest, powers, is_signed;
    const void *extra[NC_EXTRAS]; /* float or int32_t; NULL where that part is absent */
} nc_neurons;

typedef struct {
    void *v, *i, *fired; /* float or int32_t, n each; i only with a current, fired only with reset_next */
    int32_t *wait;       /* n; only with a refractory time */
    void *a;             /* float or int32_t, n; only with NC_A_DECAY */
    int64_t saturations;
} nc_neuron_state;

nc_status nc_neurons_check(const nc_neurons *p);

/* Start values; all other states are zero already. */
void nc_neurons_init_f32(const nc_neurons *p, nc_neuron_state *s);
void nc_neurons_init_i32(const nc_neurons *p, nc_neuron_state *s);

/* One step. x[n] holds the input and receives the output; fires[n] and active[n] receive 0 or 1: whether the
 * output is not zero, and whether the update was not a no-op. */
void nc_neurons_step_f32(const nc_neurons *p, nc_neuron_state *s, float *x, uint8_t *fires, uint8_t *active);
void nc_neurons_step_i32(const nc_neurons *p, nc_neuron_state *s, int32_t *x, uint8_t *fires, uint8_t *active);

#endif
