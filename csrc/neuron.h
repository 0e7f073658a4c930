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
typedef enum { NC_OUT_BINARY = 0, NC_OUT_COUNT = 1, NC_OUT_MEMBRANE = 2 } nc_output;

typedef struct {
    int32_t n, period;
    int32_t reset, reset_next, strict, output, max_count, refractory, has_current;
    int32_t decay_bits;  /* integer arithmetic only */
    int64_t state_limit; /* integer arithmetic only */
    const void *v_decay, *v_gain, *i_decay, *i_gain, *leak, *threshold, *v_reset, *v_init; /* float or int32_t */
} nc_neurons;

typedef struct {
    void *v, *i, *fired; /* float or int32_t, n each; i only with a current, fired only with reset_next */
    int32_t *wait;       /* n; only with a refractory time */
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
