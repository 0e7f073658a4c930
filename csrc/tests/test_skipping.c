/* Reuse, packing and balance of spike rows: small cases by hand, random ones against their definitions. */
#include "../skipping.h"
#include "check.h"

enum { MOST = 80 };

static int count(uint64_t x) {
    int sum = 0;
    for (; x; x >>= 1)
        sum += (int)(x & 1);
    return sum;
}

static void the_largest_subset_is_reused(void) {
    const uint64_t mask[] = {0x3, 0x7, 0xf, 0x7, 0x8, 0x0, 0x18};
    uint64_t left[7];
    nc_product total = {0};
    CHECK_EQUAL(nc_skip_product(mask, 7, 7, &total, left), NC_OK);
    const uint64_t expected[] = {0x3, 0x4, 0x8, 0x0, 0x8, 0x0, 0x10};
    for (int i = 0; i < 7; i++)
        CHECK_EQUAL(left[i], expected[i]);
    CHECK_EQUAL(total.spikes, 15);
    CHECK_EQUAL(total.residual, 6);
    CHECK_EQUAL(total.repeated, 1);
    CHECK_EQUAL(total.searched, 5);
}

/* The best partner by sorting all candidates, the other way round than the library looks for it. */
static uint64_t left_of(const uint64_t *mask, int64_t rows, int64_t i) {
    int64_t best = -1;
    if (count(mask[i]) < 2)
        return mask[i];
    for (int64_t j = rows - 1; j >= 0; j--) {
        const int subset = (mask[j] | mask[i]) == mask[i] && mask[j] != 0;
        const int earlier = mask[j] != mask[i] || j < i;
        if (subset && earlier && (best < 0 || count(mask[j]) >= count(mask[best])))
            best = j;
    }
    return best < 0 ? mask[i] : mask[i] & ~mask[best];
}

static void reuse_stays_within_tiles_and_follows_its_definition(void) {
    uint64_t mask[MOST], left[MOST];
    for (int run = 0; run < 300; run++) {
        const int64_t rows = draw(0, MOST), tile = draw(1, 40);
        nc_product total = {0};
        for (int64_t i = 0; i < rows; i++)
            mask[i] = (uint64_t)draw(0, 255) & (uint64_t)draw(0, 255);
        CHECK_EQUAL(nc_skip_product(mask, rows, tile, &total, left), NC_OK);
        int64_t residual = 0;
        for (int64_t i = 0; i < rows; i++) {
            const int64_t first = i / tile * tile, last = first + tile < rows ? first + tile : rows;
            CHECK_EQUAL(left[i], left_of(mask + first, last - first, i - first));
            residual += count(left[i]);
        }
        CHECK_EQUAL(total.residual, residual);
        CHECK(total.residual <= total.spikes);
    }
}

static void rows_without_common_windows_share_a_slot(void) {
    uint8_t taken[6];
    int64_t packed;
    const uint64_t mask[] = {0x1, 0x0, 0x3, 0x2, 0xf, 0xc};
    CHECK_EQUAL(nc_skip_pairs(mask, 6, 6, 4, taken, &packed), NC_OK);
    CHECK_EQUAL(packed, 3); /* 1 with 2, 3 with c, f alone; the empty row is dropped */
    CHECK_EQUAL(nc_skip_pairs(mask, 6, 3, 4, taken, &packed), NC_OK);
    CHECK_EQUAL(packed, 4); /* first group: 1, 3; second: 2 with c, f alone */
}

static void packing_never_loses_more_than_half(void) {
    uint64_t mask[MOST];
    uint8_t taken[MOST];
    for (int run = 0; run < 200; run++) {
        const int64_t rows = draw(1, MOST);
        int64_t packed, busy = 0;
        for (int64_t i = 0; i < rows; i++) {
            mask[i] = (uint64_t)draw(0, 255) & (uint64_t)draw(0, 255);
            busy += mask[i] != 0;
        }
        CHECK_EQUAL(nc_skip_pairs(mask, rows, rows, 8, taken, &packed), NC_OK);
        CHECK(packed <= busy && 2 * packed >= busy);
        CHECK_EQUAL(nc_skip_pairs(mask, rows, 1, 8, taken, &packed), NC_OK);
        CHECK_EQUAL(packed, busy);
    }
}

static void work_goes_to_the_least_loaded(void) {
    const int64_t work[] = {5, 3, 3, 1, 4};
    int64_t load[3] = {0};
    CHECK_EQUAL(nc_skip_balance(work, 5, 3, load), NC_OK);
    CHECK_EQUAL(load[0], 5);
    CHECK_EQUAL(load[1], 4);
    CHECK_EQUAL(load[2], 7);
}

static void impossible_sizes_are_refused(void) {
    const uint64_t mask[] = {0x1ff};
    const int64_t work[] = {-1, INT64_MAX, 1};
    int64_t packed, load[1] = {0};
    uint8_t taken[1];
    nc_product total = {0};
    CHECK_EQUAL(nc_skip_product(mask, -1, 4, &total, NULL), NC_ERR_SIZE);
    CHECK_EQUAL(nc_skip_product(mask, 1, 0, &total, NULL), NC_ERR_SIZE);
    CHECK_EQUAL(nc_skip_product(mask, 1, INT64_MAX, &total, NULL), NC_OK);
    CHECK_EQUAL(nc_skip_pairs(mask, 1, 1, 8, taken, &packed), NC_ERR_INDEX);
    CHECK_EQUAL(nc_skip_pairs(mask, 1, 2, 8, taken, &packed), NC_ERR_SIZE);
    CHECK_EQUAL(nc_skip_pairs(mask, 1, 1, 65, taken, &packed), NC_ERR_SIZE);
    CHECK_EQUAL(nc_skip_balance(work, 1, 1, load), NC_ERR_SIZE);
    CHECK_EQUAL(nc_skip_balance(work + 1, 2, 1, load), NC_ERR_OVERFLOW);
    CHECK_EQUAL(nc_skip_balance(work, 1, 0, load), NC_ERR_SIZE);
}

int main(void) {
    RUN(the_largest_subset_is_reused);
    RUN(reuse_stays_within_tiles_and_follows_its_definition);
    RUN(rows_without_common_windows_share_a_slot);
    RUN(packing_never_loses_more_than_half);
    RUN(work_goes_to_the_least_loaded);
    RUN(impossible_sizes_are_refused);
    return check_result();
}
