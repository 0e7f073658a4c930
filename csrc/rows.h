/* Many lists of numbers, one after the other: row i is items[ptr[i]] .. items[ptr[i + 1] - 1].
 *
 * Tables of synapses and the nets of a hypergraph have this form. ptr has rows + 1 entries, begins with 0 and
 * never falls; items lie in 0 .. columns - 1. nc_rows_check vets both once; the others rely on it.
 */
#ifndef NC_ROWS_H
#define NC_ROWS_H

#include "nc_status.h"
#include <stdint.h>

typedef struct {
    int64_t rows;
    int32_t columns;
    int64_t *ptr;
    int32_t *items;
} nc_rows;

/* size: how many items there are. */
nc_status nc_rows_check(const nc_rows *r, int64_t size);

/* Ascending order. */
void nc_rows_sort_items(int32_t *items, int64_t count);

/* Every row ascending and each item once, moved up to the row before; ptr is set anew. count: NULL, or as long as
 * items: how often each item that is left was there. */
void nc_rows_sort(nc_rows *r, int32_t *count);

/* Row c of the result holds the rows of r that contain c, ascending, as often as they contain it. r has at most
 * INT32_MAX rows; ptr: r->columns + 1, items: as many as r has. */
void nc_rows_transpose(const nc_rows *r, int64_t *ptr, int32_t *items);

/* previous[k]: the last row before that of item k which holds the same number, or -1; rows are distinct.
 * last: work area of r->columns. */
void nc_rows_previous(const nc_rows *r, int32_t *last, int32_t *previous);

#endif
