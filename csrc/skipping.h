/* Work that accelerators skip because spikes are rare: counts over the rows of a spike matrix.
 *
 * A row holds the spikes of one output position at one time step over a slice of at most 64 inputs; bit b of its mask
 * is input b. All functions are pure: the caller brings the memory.
 */
#ifndef NC_SKIPPING_H
#define NC_SKIPPING_H

#include "nc_status.h"
#include <stdint.h>

typedef struct {
    int64_t spikes;   /* ones */
    int64_t residual; /* ones that are left after reuse */
    int64_t repeated; /* rows with ones of which nothing is left: their result is copied */
    int64_t searched; /* rows with two ones or more, for which a partner is looked for */
} nc_product;

/* Product sparsity (Wei et al., HPCA 2025): within each run of tile_rows rows, a row with at least two ones takes over
 * the result of the row with most ones that is a subset of it; among equal rows only an earlier one counts, ties go to
 * the lowest index. What is left of the row is computed. Adds to *total. residual: NULL, or rows masks of what is left.
 */
nc_status nc_skip_product(const uint64_t *mask, int64_t rows, int64_t tile_rows, nc_product *total, uint64_t *residual);

/* Spatio-temporal packing of parallel time batching (Lee et al., HPCA 2022): bit b of a row says whether the input
 * spikes in window b of ``width``. In each run of group_rows rows, rows with nothing are dropped; a row that is neither
 * empty nor full is paired with the next one that shares no window with it. *packed: rows that are left. taken:
 * group_rows bytes of work space. */
nc_status nc_skip_pairs(const uint64_t *mask, int64_t rows, int64_t group_rows, int32_t width, uint8_t *taken,
                        int64_t *packed);

/* Rows are dealt out in order, each to the element with least work so far (the first one of these). load: elements
 * sums of work, zero at first. */
nc_status nc_skip_balance(const int64_t *work, int64_t rows, int64_t elements, int64_t *load);

#endif
