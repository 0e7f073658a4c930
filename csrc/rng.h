/* Counter-based random numbers: the n-th number of a seed is a hash of both (splitmix64: Steele, Lea, Flood 2014).
 * Arithmetic that gives the same bits on every machine; no library function is used. */
#ifndef NC_RNG_H
#define NC_RNG_H

#include <stdint.h>
#include <string.h>

typedef struct {
    uint64_t seed, count;
} nc_rng;

static inline uint64_t nc_rng_hash(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t nc_rng_next(nc_rng *rng) { return nc_rng_hash(rng->seed + ++rng->count * 0x9e3779b97f4a7c15u); }

/* Uniform in 0..below-1, below > 0. */
static inline int32_t nc_rng_below(nc_rng *rng, int32_t below) {
    return (int32_t)(((nc_rng_next(rng) >> 32) * (uint64_t)below) >> 32);
}

/* Exponentially distributed with mean 1: -ln(u) for u in (0, 1], to about 1e-6. */
static inline double nc_rng_exponential(nc_rng *rng) {
    const double u = (double)((nc_rng_next(rng) >> 11) + 1) * (1.0 / 9007199254740992.0);
    uint64_t bits;
    memcpy(&bits, &u, sizeof bits);
    const int32_t exponent = (int32_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    const double s = (m - 1.0) / (m + 1.0), s2 = s * s; /* ln m = 2 artanh s */
    const double log_m = 2.0 * s * (1.0 + s2 * (1.0 / 3 + s2 * (1.0 / 5 + s2 * (1.0 / 7 + s2 * (1.0 / 9 + s2 / 11)))));
    return -((double)exponent * 0.6931471805599453 + log_m);
}

#endif
