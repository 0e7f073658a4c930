/* e^x by the same operations everywhere, so that the readable twin (neurocomp/activity/exponential.py) gives the same
 * bits; the C library's may differ from machine to machine. Relative error below 1e-15 between -700 and 700; beyond,
 * the value at that limit, which is 0 or infinity as a float. */
#ifndef NC_EXPONENTIAL_H
#define NC_EXPONENTIAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define NC_EXP_TERMS 14

static inline double nc_exp(double x) {
    static const double term[NC_EXP_TERMS] = {1.0 / 6227020800.0,
                                              1.0 / 479001600.0,
                                              1.0 / 39916800.0,
                                              1.0 / 3628800.0,
                                              1.0 / 362880.0,
                                              1.0 / 40320.0,
                                              1.0 / 5040.0,
                                              1.0 / 720.0,
                                              1.0 / 120.0,
                                              1.0 / 24.0,
                                              1.0 / 6.0,
                                              0.5,
                                              1.0,
                                              1.0};
    x = x > -700.0 ? x : -700.0;
    x = x < 700.0 ? x : 700.0;
    const double k = rint(x * 1.4426950408889634);
    const double r = (x - k * 0.693145751953125) - k * 1.4286068203094172e-6; /* ln 2 in two parts */
    double sum = term[0];
    for (int t = 1; t < NC_EXP_TERMS; t++)
        sum = sum * r + term[t];
    const uint64_t bits = (uint64_t)((int64_t)k + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

static inline double nc_sigmoid(double x) { return 1.0 / (1.0 + nc_exp(-x)); }

#endif
