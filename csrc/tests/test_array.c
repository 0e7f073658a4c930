/* The closed form of the systolic array against a walk over its folds, and against figures of SCALE-Sim 3.0. */
#include "../array.h"
#include "check.h"

static nc_systolic run(int32_t dataflow, int64_t rows, int64_t cols, nc_gemm product) {
    nc_systolic work = {0};
    CHECK_EQUAL(nc_array_systolic(dataflow, rows, cols, 1, &product, &work), NC_OK);
    return work;
}

static void scale_sim_gives_these_cycles(void) {
    const nc_gemm conv = {256, 32, 144}, odd = {100, 50, 70};
    CHECK_EQUAL(run(NC_OUTPUT_STATIONARY, 8, 8, conv).cycles - 1, 20223);
    CHECK_EQUAL(run(NC_WEIGHT_STATIONARY, 16, 16, conv).cycles - 1, 5435);
    CHECK_EQUAL(run(NC_INPUT_STATIONARY, 32, 32, conv).cycles - 1, 5039);
    CHECK_EQUAL(run(NC_OUTPUT_STATIONARY, 16, 16, odd).cycles - 1, 2799);
    CHECK_EQUAL(run(NC_WEIGHT_STATIONARY, 8, 8, odd).cycles - 1, 7685);
    CHECK_EQUAL(run(NC_INPUT_STATIONARY, 8, 8, odd).cycles - 1, 8423);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Sums of what each fold uses and moves. a, b: bounds along rows and columns; t: in time. */
static void walk(int32_t dataflow, int64_t rows, int64_t cols, int64_t a, int64_t b, int64_t t, const nc_systolic *w) {
    int64_t mapped = 0, along_rows = 0, stationary = 0, outputs = 0, cycles = 0;
    for (int64_t j = 0; j < b; j += cols)
        for (int64_t i = 0; i < a; i += rows) {
            const int64_t used_rows = least(rows, a - i), used_cols = least(cols, b - j);
            mapped += used_rows * used_cols;
            along_rows += used_rows * t;
            stationary += used_rows * used_cols;
            outputs += dataflow == NC_OUTPUT_STATIONARY ? used_rows * used_cols : used_cols * t;
            cycles += t + rows + cols - 2 + (dataflow == NC_OUTPUT_STATIONARY ? 0 : rows);
        }
    CHECK_EQUAL(w->cycles, cycles);
    CHECK_EQUAL(w->mapped, mapped);
    CHECK_EQUAL(w->output_writes, outputs);
    CHECK_EQUAL(dataflow == NC_INPUT_STATIONARY ? w->weight_reads : w->input_reads, along_rows);
    if (dataflow != NC_OUTPUT_STATIONARY)
        CHECK_EQUAL(dataflow == NC_INPUT_STATIONARY ? w->input_reads : w->weight_reads, stationary);
}

static void the_closed_form_is_the_sum_over_folds(void) {
    for (int i = 0; i < 2000; i++) {
        const nc_gemm p = {draw(1, 70), draw(1, 70), draw(1, 70)};
        const int64_t rows = draw(1, 20), cols = draw(1, 20);
        for (int32_t dataflow = 0; dataflow < 3; dataflow++) {
            const nc_systolic w = run(dataflow, rows, cols, p);
            if (dataflow == NC_OUTPUT_STATIONARY)
                walk(dataflow, rows, cols, p.m, p.n, p.k, &w);
            else if (dataflow == NC_WEIGHT_STATIONARY)
                walk(dataflow, rows, cols, p.k, p.n, p.m, &w);
            else
                walk(dataflow, rows, cols, p.k, p.m, p.n, &w);
            CHECK_EQUAL(w.macs, p.m * p.n * p.k);
            CHECK(w.macs <= w.cycles * rows * cols);
        }
    }
}

static void impossible_sizes_are_refused(void) {
    nc_systolic work;
    const nc_gemm empty = {1, 0, 1}, huge = {INT64_MAX, 1, 1}, wide = {INT64_C(1) << 40, INT64_C(1) << 40, 1};
    CHECK_EQUAL(nc_array_systolic(0, 8, 8, 1, &empty, &work), NC_ERR_SIZE);
    CHECK_EQUAL(nc_array_systolic(1, 8, 8, 1, &huge, &work), NC_ERR_OVERFLOW);
    CHECK_EQUAL(nc_array_systolic(0, 8, 8, 1, &wide, &work), NC_ERR_OVERFLOW);
    CHECK_EQUAL(nc_array_systolic(3, 8, 8, 1, &empty, &work), NC_ERR_KIND);
    CHECK_EQUAL(nc_array_systolic(0, 0, 8, 1, &empty, &work), NC_ERR_SIZE);
    CHECK_EQUAL(nc_array_systolic(0, 8, 8, -1, &empty, &work), NC_ERR_SIZE);
    CHECK_EQUAL(nc_array_systolic(0, 8, 8, 0, NULL, NULL), NC_OK);
}

int main(void) {
    RUN(scale_sim_gives_these_cycles);
    RUN(the_closed_form_is_the_sum_over_folds);
    RUN(impossible_sizes_are_refused);
    return check_result();
}
