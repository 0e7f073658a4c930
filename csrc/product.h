/* Products of two signals: out[b][m][n] = scale * sum over k of left[b][m][k] * right[b][k][n].
 *
 * The sums run over k from 0 up, starting from 0; silent elements of the left operand are skipped. Coincidences, the
 * multiplications whose operands are both not zero, are counted exactly without visiting them.
 */
#ifndef NC_PRODUCT_H
#define NC_PRODUCT_H

#include "spikes.h"

/* Elements of the operand that a factor reads. */
int64_t nc_operand_size(const nc_projection *factor);

/* The operand's elements first .. last - 1 in the order of the product. value: the source's outputs, or NULL if
 * nothing has arrived yet. */
void nc_operand_f32(const nc_projection *factor, const float *value, nc_share share, float *operand);
void nc_operand_i32(const nc_projection *factor, const int32_t *value, nc_share share, int32_t *operand);

/* Rows first .. last - 1 of the batch * rows rows of the product, to their places in x. line: columns elements. */
void nc_multiply_f32(const nc_projection *left, const float *a, const float *b, nc_share rows, float *line, float *x);
void nc_multiply_i32(const nc_projection *left, const int32_t *a, const int32_t *b, nc_share rows, int32_t *line,
                     int32_t *x);

/* How many multiplications have two operands that are not zero. tally: inner elements. */
int64_t nc_coincidences_f32(const nc_projection *left, const float *a, const float *b, int32_t *tally);
int64_t nc_coincidences_i32(const nc_projection *left, const int32_t *a, const int32_t *b, int32_t *tally);

#endif
