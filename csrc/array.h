/* A systolic array of multiply-accumulate elements that computes one matrix product, in closed form.
 *
 * The product is (m x k) by (k x n); a convolution is one with m output pixels, k weights per output and n output
 * channels. What does not fit the array is cut into folds that follow each other without overlap. The formulas are
 * those of SCALE-Sim 3.0 (Samajdar et al., ISPASS 2020), whose last cycle counts from zero:
 *     output stationary   fold = k + rows + cols - 2
 *     weight stationary   fold = m + 2 rows + cols - 2     (rows cycles to load the weights)
 *     input stationary    fold = n + 2 rows + cols - 2
 */
#ifndef NC_ARRAY_H
#define NC_ARRAY_H

#include "nc_status.h"
#include <stdint.h>

typedef enum {
    NC_OUTPUT_STATIONARY = 0,
    NC_WEIGHT_STATIONARY = 1,
    NC_INPUT_STATIONARY = 2,
} nc_dataflow;

typedef struct {
    int64_t m, n, k;
} nc_gemm;

typedef struct {
    int64_t row_folds, col_folds;
    int64_t fold_cycles;  /* one fold, from its first load to its last output */
    int64_t cycles;       /* folds x fold_cycles */
    int64_t macs;         /* m n k */
    int64_t mapped;       /* elements in use, summed over the folds */
    int64_t input_reads;  /* operands fetched from their buffers, and results written, partial sums included */
    int64_t weight_reads;
    int64_t output_writes;
} nc_systolic;

/* Fills work[count]. Fails on sizes below one and on counts beyond 63 bits. */
nc_status nc_array_systolic(int32_t dataflow, int64_t rows, int64_t cols, int64_t count, const nc_gemm *products,
                            nc_systolic *work);

#endif
