#include "rows.h"
#include <stddef.h>

nc_status nc_rows_check(const nc_rows *r, int64_t size) {
    if (r->rows < 0 || r->rows > INT32_MAX || r->columns < 0 || size < 0 || r->ptr[0] != 0)
        return NC_ERR_SIZE;
    for (int64_t row = 0; row < r->rows; row++)
        if (r->ptr[row + 1] < r->ptr[row])
            return NC_ERR_SIZE;
    if (r->ptr[r->rows] != size)
        return NC_ERR_SIZE;
    for (int64_t k = 0; k < size; k++)
        if (r->items[k] < 0 || r->items[k] >= r->columns)
            return NC_ERR_INDEX;
    return NC_OK;
}

/* Gaps of Ciura, "Best increments for the average case of Shellsort" (FCT 2001), then by 2.25 each. */
static const int64_t GAPS[] = {1,    4,     10,    23,    57,     132,    301,     701,     1577,    3548,
                               7983, 17961, 40412, 90927, 204585, 460316, 1035711, 2330349, 5243285, 11797391};

void nc_rows_sort_items(int32_t *items, int64_t count) {
    int64_t sorted = 1;
    while (sorted < count && items[sorted - 1] <= items[sorted])
        sorted++;
    if (sorted >= count)
        return;
    int step = (int)(sizeof GAPS / sizeof *GAPS) - 1;
    while (step > 0 && GAPS[step] >= count)
        step--;
    for (; step >= 0; step--)
        for (int64_t k = GAPS[step]; k < count; k++) {
            const int32_t item = items[k];
            int64_t at = k;
            for (; at >= GAPS[step] && items[at - GAPS[step]] > item; at -= GAPS[step])
                items[at] = items[at - GAPS[step]];
            items[at] = item;
        }
}

void nc_rows_sort(nc_rows *r, int32_t *count) {
    int64_t filled = 0, start = 0;
    for (int64_t row = 0; row < r->rows; row++) {
        const int64_t stop = r->ptr[row + 1];
        nc_rows_sort_items(r->items + start, stop - start);
        r->ptr[row] = filled;
        for (int64_t k = start; k < stop; k++) {
            const int again = k > start && r->items[k] == r->items[filled - 1];
            NC_ASSERT(filled <= k);
            if (!again)
                r->items[filled++] = r->items[k];
            if (count != NULL)
                count[filled - 1] = again ? count[filled - 1] + 1 : 1;
        }
        start = stop;
    }
    r->ptr[r->rows] = filled;
}

void nc_rows_transpose(const nc_rows *r, int64_t *ptr, int32_t *items) {
    const int64_t size = r->ptr[r->rows];
    for (int64_t c = 0; c <= r->columns; c++)
        ptr[c] = 0;
    for (int64_t k = 0; k < size; k++)
        ptr[r->items[k]]++; /* ptr[c]: how many; then where row c ends; filling from behind leaves where it begins */
    for (int64_t c = 1; c < r->columns; c++)
        ptr[c] += ptr[c - 1];
    ptr[r->columns] = size;
    for (int64_t row = r->rows - 1; row >= 0; row--)
        for (int64_t k = r->ptr[row + 1] - 1; k >= r->ptr[row]; k--)
            items[--ptr[r->items[k]]] = (int32_t)row;
}

void nc_rows_previous(const nc_rows *r, int32_t *last, int32_t *previous) {
    for (int64_t c = 0; c < r->columns; c++)
        last[c] = -1;
    for (int64_t row = 0; row < r->rows; row++)
        for (int64_t k = r->ptr[row]; k < r->ptr[row + 1]; k++) {
            previous[k] = last[r->items[k]];
            last[r->items[k]] = (int32_t)row;
        }
}
