#include "skipping.h"

static int ones(uint64_t x) { /* population count without compiler extensions */
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (int)(x * 0x0101010101010101u >> 56);
}

/* The mask of the row whose result row i reuses, 0 if there is none. */
static uint64_t partner(const uint64_t *mask, int64_t rows, int64_t i) {
    const uint64_t outside = ~mask[i];
    uint64_t best = 0;
    int most = 0;
    for (int64_t j = 0; j < rows; j++) {
        if ((mask[j] & outside) != 0 || (j >= i && mask[j] == mask[i]))
            continue;
        const int size = ones(mask[j]);
        if (size > most) {
            most = size;
            best = mask[j];
        }
    }
    return best;
}

static void product_tile(const uint64_t *mask, int64_t rows, nc_product *total, uint64_t *residual) {
    for (int64_t i = 0; i < rows; i++) {
        const int size = ones(mask[i]);
        uint64_t left = mask[i];
        if (size > 1) {
            total->searched++;
            left ^= partner(mask, rows, i);
        }
        total->spikes += size;
        total->residual += ones(left);
        total->repeated += size > 0 && left == 0;
        if (residual)
            residual[i] = left;
    }
}

nc_status nc_skip_product(const uint64_t *mask, int64_t rows, int64_t tile_rows, nc_product *total,
                          uint64_t *residual) {
    if (rows < 0 || tile_rows < 1)
        return NC_ERR_SIZE;
    for (int64_t first = 0; first < rows; first += tile_rows) {
        const int64_t count = rows - first < tile_rows ? rows - first : tile_rows;
        product_tile(mask + first, count, total, residual ? residual + first : residual);
        if (rows - first <= tile_rows)
            break; /* first + tile_rows might not fit */
    }
    return NC_OK;
}

/* Rows that are left of one group. */
static int64_t pack(const uint64_t *mask, int64_t rows, uint64_t full, uint8_t *taken) {
    int64_t left = 0;
    for (int64_t i = 0; i < rows; i++)
        taken[i] = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (mask[i] == 0 || taken[i])
            continue;
        left++;
        if (mask[i] == full)
            continue;
        for (int64_t j = i + 1; j < rows; j++)
            if (mask[j] != 0 && !taken[j] && (mask[i] & mask[j]) == 0) {
                taken[j] = 1;
                break;
            }
    }
    return left;
}

nc_status nc_skip_pairs(const uint64_t *mask, int64_t rows, int64_t group_rows, int32_t width, uint8_t *taken,
                        int64_t *packed) {
    if (rows < 0 || group_rows < 1 || rows % group_rows != 0 || width < 1 || width > 64)
        return NC_ERR_SIZE;
    const uint64_t full = UINT64_MAX >> (64 - width);
    *packed = 0;
    for (int64_t i = 0; i < rows; i++)
        if (mask[i] > full)
            return NC_ERR_INDEX;
    for (int64_t first = 0; first < rows; first += group_rows)
        *packed += pack(mask + first, group_rows, full, taken);
    return NC_OK;
}

nc_status nc_skip_balance(const int64_t *work, int64_t rows, int64_t elements, int64_t *load) {
    if (rows < 0 || elements < 1)
        return NC_ERR_SIZE;
    for (int64_t i = 0; i < rows; i++) {
        int64_t least = 0;
        if (work[i] < 0)
            return NC_ERR_SIZE;
        for (int64_t e = 1; e < elements; e++)
            if (load[e] < load[least])
                least = e;
        if (work[i] > INT64_MAX - load[least])
            return NC_ERR_OVERFLOW;
        load[least] += work[i];
    }
    return NC_OK;
}
