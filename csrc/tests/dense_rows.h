/* A linear map of every row of a source, as of every token: one weight matrix, rows side by side. */
#ifndef NC_TESTS_DENSE_ROWS_H
#define NC_TESTS_DENSE_ROWS_H

#include "../spikes.h"

static inline nc_projection dense_rows(int32_t rows, int32_t inputs, int32_t outputs, int32_t block,
                                       const void *weight) {
    return (nc_projection){.kind = NC_DENSE,
                           .n_source = rows * inputs,
                           .n_target = rows * outputs,
                           .c_in = inputs,
                           .h_in = 1,
                           .w_in = rows,
                           .c_out = outputs,
                           .h_out = 1,
                           .w_out = rows,
                           .kh = 1,
                           .kw = 1,
                           .stride_y = 1,
                           .stride_x = 1,
                           .dilation_y = 1,
                           .dilation_x = 1,
                           .groups = 1,
                           .block = block,
                           .weight = weight};
}

#endif
