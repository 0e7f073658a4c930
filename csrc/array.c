#include "array.h"

/* a x b, or -1 if it does not fit or one of them does not. */
static int64_t times(int64_t a, int64_t b) {
    if (a < 0 || b < 0 || (b > 0 && a > INT64_MAX / b))
        return -1;
    return a * b;
}

static int64_t folds(int64_t size, int64_t side) { return (size - 1) / side + 1; }

/* The loop bounds that lie along rows and columns of the array and the one that runs in time. */
typedef struct {
    int64_t along_rows, along_cols, in_time;
} nest;

static nest unrolled(int32_t dataflow, const nc_gemm *p) {
    switch (dataflow) {
    case NC_OUTPUT_STATIONARY:
        return (nest){p->m, p->n, p->k};
    case NC_WEIGHT_STATIONARY:
        return (nest){p->k, p->n, p->m};
    default:
        return (nest){p->k, p->m, p->n};
    }
}

static void count_accesses(int32_t dataflow, const nc_gemm *p, nc_systolic *w) {
    const int64_t inputs = times(p->m, p->k), weights = times(p->k, p->n), outputs = times(p->m, p->n);
    const int output_stationary = dataflow == NC_OUTPUT_STATIONARY;
    w->input_reads = dataflow == NC_INPUT_STATIONARY ? inputs : times(inputs, w->col_folds);
    w->weight_reads =
        dataflow == NC_WEIGHT_STATIONARY ? weights : times(weights, output_stationary ? w->row_folds : w->col_folds);
    w->output_writes = output_stationary ? outputs : times(outputs, w->row_folds);
}

static nc_status one(int32_t dataflow, int64_t rows, int64_t cols, const nc_gemm *p, nc_systolic *w) {
    const int64_t most = INT64_MAX / 8; /* so that the sum of a fold's parts fits */
    if (p->m < 1 || p->n < 1 || p->k < 1)
        return NC_ERR_SIZE;
    const nest size = unrolled(dataflow, p);
    if (size.in_time > most)
        return NC_ERR_OVERFLOW;
    w->row_folds = folds(size.along_rows, rows);
    w->col_folds = folds(size.along_cols, cols);
    const int64_t load = dataflow == NC_OUTPUT_STATIONARY ? 0 : rows;
    w->fold_cycles = size.in_time + load + rows + cols - 2;
    w->cycles = times(times(w->row_folds, w->col_folds), w->fold_cycles);
    w->macs = times(times(p->m, p->n), p->k);
    w->mapped = times(size.along_rows, size.along_cols);
    count_accesses(dataflow, p, w);
    const int fits = w->cycles >= 0 && w->macs >= 0 && w->mapped >= 0 && w->input_reads >= 0 && w->weight_reads >= 0 &&
                     w->output_writes >= 0;
    return fits ? NC_OK : NC_ERR_OVERFLOW;
}

nc_status nc_array_systolic(int32_t dataflow, int64_t rows, int64_t cols, int64_t count, const nc_gemm *products,
                            nc_systolic *work) {
    if (dataflow < NC_OUTPUT_STATIONARY || dataflow > NC_INPUT_STATIONARY)
        return NC_ERR_KIND;
    if (rows < 1 || cols < 1 || rows > INT32_MAX || cols > INT32_MAX || count < 0)
        return NC_ERR_SIZE;
    for (int64_t i = 0; i < count; i++) {
        const nc_status status = one(dataflow, rows, cols, &products[i], &work[i]);
        if (status != NC_OK)
            return status;
    }
    return NC_OK;
}
