/* Lanczos' method (Lanczos 1950, with full reorthogonalisation) on the normalised adjacency of the parts, away from
 * its known first eigenvector: the next ones lay parts that talk to each other side by side. */
#include "place.h"
#include <math.h>
#include <string.h>

static double dot(const double *a, const double *b, int32_t n) {
    double sum[4] = {0.0, 0.0, 0.0, 0.0}; /* four chains that do not wait for each other */
    int32_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int32_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void subtract(double *a, const double *b, double factor, int32_t n) {
    for (int32_t i = 0; i < n; i++)
        a[i] -= factor * b[i];
}

static double normalise(double *a, int32_t n) {
    const double norm = sqrt(dot(a, a, n));
    for (int32_t i = 0; i < n && norm > 0.0; i++)
        a[i] /= norm;
    return norm;
}

/* root: square root of each part's flow; 0 where there is none. */
static void multiply(const nc_place_flows *flows, const double *root, const double *in, double *scaled, double *out) {
    for (int32_t p = 0; p < flows->part_count; p++)
        scaled[p] = root[p] > 0.0 ? in[p] / root[p] : 0.0;
    for (int32_t p = 0; p < flows->part_count; p++) {
        double sum = 0.0;
        for (int64_t k = flows->ptr[p]; k < flows->ptr[p + 1]; k++)
            sum += (double)flows->flow[k] * scaled[flows->other[k]];
        out[p] = root[p] > 0.0 ? sum / root[p] : 0.0;
    }
}

static void set_root(const nc_place_flows *flows, double *root) {
    for (int32_t p = 0; p < flows->part_count; p++) {
        double sum = 0.0;
        for (int64_t k = flows->ptr[p]; k < flows->ptr[p + 1]; k++)
            sum += (double)flows->flow[k];
        root[p] = sqrt(sum);
    }
}

int32_t nc_place_lanczos(const nc_place_flows *flows, int32_t steps, double *basis, double *diagonal, double *beside,
                         double *root) {
    const int32_t n = flows->part_count;
    set_root(flows, root);
    double *const scaled = basis + (int64_t)(steps + 2) * n;
    double *const first = basis; /* the first eigenvector, D^(1/2) 1, and then the Krylov vectors */
    memcpy(first, root, sizeof(double) * (size_t)n);
    normalise(first, n);
    for (int32_t i = 0; i < n; i++) /* any start will do that is not orthogonal to what is sought */
        basis[n + i] = root[i] > 0.0 ? (double)((uint32_t)i * 2654435769u >> 8) / 16777216.0 - 0.5 : 0.0;
    for (int32_t step = 0; step < steps; step++) {
        double *const v = basis + (int64_t)(step + 1) * n;
        for (int32_t k = 0; k <= step; k++)
            subtract(v, basis + (int64_t)k * n, dot(v, basis + (int64_t)k * n, n), n);
        const double norm = normalise(v, n);
        if (step > 0)
            beside[step - 1] = norm;
        if (!(norm > 1e-10)) /* the space is used up */
            return step;
        double *const next = v + n;
        multiply(flows, root, v, scaled, next);
        diagonal[step] = dot(v, next, n);
    }
    return steps;
}
