/* Integers of which a register keeps the upper bits only. Part of network.c; single precision keeps all. */

/* x / 2^shift, 0 <= shift < 32, rounded to the nearest whole number, halves upwards. */
static inline int64_t nearest_shifted(int64_t x, int32_t shift) {
    const int64_t step = (int64_t)1 << shift, above = x + step / 2;
    return (above - (above & (step - 1))) / step; /* the division leaves no rest */
}

static void shifted_i32(int32_t *x, int32_t n, int32_t shift) {
    for (int32_t j = 0; shift >= 0 && j < n; j++)
        x[j] *= 1 << shift;
    for (int32_t j = 0; shift < 0 && j < n; j++)
        x[j] = (int32_t)nearest_shifted(x[j], -shift);
}

static void shifted_f32(float *x, int32_t n, int32_t shift) {
    for (int32_t j = 0; j < n; j++)
        x[j] *= (float)(1 << shift);
}

/* Cuts what the share sends to what its register holds; returns how many values that changed. */
static int64_t held_i32(const nc_population *p, int32_t *x, int32_t n) {
    int64_t cut = 0;
    for (int32_t j = 0; p->held_limit > 0 && j < n; j++) {
        const int64_t value = nearest_shifted(x[j], p->held_shift);
        const int64_t low = value < -p->held_limit ? -p->held_limit : value;
        const int64_t kept = low > p->held_limit ? p->held_limit : low;
        cut += kept != value;
        x[j] = (int32_t)kept;
    }
    return cut;
}

static int64_t held_f32(const nc_population *p, const float *x, int32_t n) {
    (void)p, (void)x, (void)n;
    return 0;
}
