/* A projection whose numbers cannot be right is refused with the code that says why. */
#include "../spikes.h"
#include "check.h"

static const float SOME_WEIGHTS[64];

static nc_projection good_conv(void) {
    return (nc_projection){.kind = NC_DENSE,
                           .n_source = 18,
                           .n_target = 36,
                           .c_in = 2,
                           .h_in = 3,
                           .w_in = 3,
                           .c_out = 4,
                           .h_out = 3,
                           .w_out = 3,
                           .kh = 3,
                           .kw = 3,
                           .stride_y = 1,
                           .stride_x = 1,
                           .pad_y = 1,
                           .pad_x = 1,
                           .dilation_y = 1,
                           .dilation_x = 1,
                           .groups = 1,
                           .block = 64,
                           .weight = SOME_WEIGHTS};
}

/* A good projection with one field set to a value must be refused with this code. */
#define REFUSED(good, field, value, code)                                                                              \
    do {                                                                                                               \
        nc_projection changed = good();                                                                                \
        changed.field = value;                                                                                         \
        CHECK_EQUAL(nc_projection_check(&changed), code);                                                              \
    } while (0)

static void wrong_windows_are_refused(void) {
    const nc_projection fine = good_conv();
    CHECK_EQUAL(nc_projection_check(&fine), NC_OK);
    REFUSED(good_conv, kind, 12, NC_ERR_KIND);
    REFUSED(good_conv, kind, -1, NC_ERR_KIND);
    REFUSED(good_conv, n_source, 0, NC_ERR_SIZE);
    REFUSED(good_conv, n_source, 17, NC_ERR_SIZE);
    REFUSED(good_conv, n_target, 35, NC_ERR_SIZE);
    REFUSED(good_conv, delay, -1, NC_ERR_SIZE);
    REFUSED(good_conv, weight, NULL, NC_ERR_SIZE);
    REFUSED(good_conv, c_in, 3, NC_ERR_SIZE);
    REFUSED(good_conv, c_in, -2, NC_ERR_SIZE);
    REFUSED(good_conv, w_out, 4, NC_ERR_SIZE);
    REFUSED(good_conv, kh, 0, NC_ERR_SIZE);
    REFUSED(good_conv, kw, 0, NC_ERR_SIZE);
    REFUSED(good_conv, stride_y, 0, NC_ERR_SIZE);
    REFUSED(good_conv, stride_x, 0, NC_ERR_SIZE);
    REFUSED(good_conv, pad_y, -1, NC_ERR_SIZE);
    REFUSED(good_conv, pad_x, -1, NC_ERR_SIZE);
    REFUSED(good_conv, dilation_y, 0, NC_ERR_SIZE);
    REFUSED(good_conv, dilation_x, 0, NC_ERR_SIZE);
    REFUSED(good_conv, groups, 0, NC_ERR_SIZE);
    REFUSED(good_conv, groups, 3, NC_ERR_SIZE);
    REFUSED(good_conv, groups, 2, NC_ERR_KIND); /* that is another kind */
    REFUSED(good_conv, block, 0, NC_ERR_KIND);
    REFUSED(good_conv, block, 128, NC_ERR_KIND);
    REFUSED(good_conv, kind, NC_MAX_POOL, NC_ERR_SIZE); /* a pool keeps its channels */
}

static void sizes_whose_products_overflow_are_refused(void) {
    nc_projection p = good_conv();
    p.c_in = p.h_in = p.w_in = INT32_MAX;
    CHECK_EQUAL(nc_projection_check(&p), NC_ERR_SIZE);
    p = good_conv();
    p.c_in = p.h_in = -3; /* 18 = -3 * -3 * 2 */
    p.w_in = 2;
    CHECK_EQUAL(nc_projection_check(&p), NC_ERR_SIZE);
    REFUSED(good_conv, dilation_y, INT32_MAX, NC_ERR_SIZE);
    REFUSED(good_conv, dilation_x, INT32_MAX, NC_ERR_SIZE);
    REFUSED(good_conv, pad_y, INT32_MAX, NC_ERR_SIZE);
    REFUSED(good_conv, stride_x, INT32_MAX, NC_ERR_SIZE);
}

static nc_projection good_depthwise(void) {
    nc_projection p = good_conv();
    p.kind = NC_DEPTHWISE;
    p.c_out = 2;
    p.n_target = 18;
    return p;
}

static void a_depthwise_convolution_keeps_its_channels(void) {
    const nc_projection fine = good_depthwise();
    CHECK_EQUAL(nc_projection_check(&fine), NC_OK);
    REFUSED(good_depthwise, c_out, 4, NC_ERR_SIZE);
    REFUSED(good_depthwise, weight, NULL, NC_ERR_SIZE);
}

static nc_projection good_pool(void) {
    nc_projection p = good_conv();
    p.kind = NC_SUM_POOL;
    p.c_out = 2;
    p.n_target = 18;
    p.scale = SOME_WEIGHTS;
    p.scale_count = 1;
    return p;
}

static void missing_numbers_are_refused(void) {
    const nc_projection pool = good_pool();
    CHECK_EQUAL(nc_projection_check(&pool), NC_OK);
    REFUSED(good_pool, scale, NULL, NC_ERR_SIZE);
    REFUSED(good_pool, c_out, 4, NC_ERR_SIZE);
    REFUSED(good_pool, n_target, -5, NC_ERR_SIZE);
}

static const int64_t ROWS[4] = {0, 1, 1, 3}, ROWS_FROM_1[4] = {1, 1, 1, 3}, ROWS_BACK[4] = {0, 2, 1, 3};
static const int32_t COLUMNS[3] = {0, 4, 2}, COLUMN_5[3] = {0, 5, 2}, COLUMN_BEFORE_0[3] = {0, 1, -1};
static const int32_t BEFORE_SILENCE[3] = {0, -2, 1};

static nc_projection good_sparse(void) {
    return (nc_projection){
        .kind = NC_SPARSE, .n_source = 3, .n_target = 5, .weight = SOME_WEIGHTS, .indptr = ROWS, .indices = COLUMNS};
}

static nc_projection good_pairs(void) {
    return (nc_projection){
        .kind = NC_ONE_TO_ONE, .n_source = 3, .n_target = 3, .scale = SOME_WEIGHTS, .scale_count = 3};
}

static void wrong_tables_are_refused(void) {
    const nc_projection sparse = good_sparse(), pairs = good_pairs();
    CHECK_EQUAL(nc_projection_check(&sparse), NC_OK);
    CHECK_EQUAL(nc_projection_check(&pairs), NC_OK);
    REFUSED(good_sparse, indptr, NULL, NC_ERR_SIZE);
    REFUSED(good_sparse, indptr, ROWS_FROM_1, NC_ERR_SIZE);
    REFUSED(good_sparse, indptr, ROWS_BACK, NC_ERR_SIZE);
    REFUSED(good_sparse, indices, NULL, NC_ERR_SIZE);
    REFUSED(good_sparse, weight, NULL, NC_ERR_SIZE);
    REFUSED(good_sparse, indices, COLUMN_5, NC_ERR_INDEX);
    REFUSED(good_sparse, indices, COLUMN_BEFORE_0, NC_ERR_INDEX);
    REFUSED(good_pairs, n_target, 4, NC_ERR_SIZE);
    REFUSED(good_pairs, scale_count, 2, NC_ERR_SIZE);
    REFUSED(good_pairs, scale, NULL, NC_ERR_SIZE);
    REFUSED(good_pairs, indices, COLUMN_5, NC_ERR_INDEX);
    REFUSED(good_pairs, indices, BEFORE_SILENCE, NC_ERR_INDEX);
    nc_projection wired = good_pairs();
    wired.indices = COLUMN_BEFORE_0; /* -1: nothing arrives */
    CHECK_EQUAL(nc_projection_check(&wired), NC_OK);
}

static nc_projection good_collection(void) {
    return (nc_projection){
        .kind = NC_COLLECT, .n_source = 3, .n_target = 5, .indices = COLUMNS, .scale = SOME_WEIGHTS, .scale_count = 1};
}

static void wrong_collections_are_refused(void) {
    const nc_projection fine = good_collection();
    CHECK_EQUAL(nc_projection_check(&fine), NC_OK);
    REFUSED(good_collection, indices, NULL, NC_ERR_SIZE);
    REFUSED(good_collection, scale, NULL, NC_ERR_SIZE);
    REFUSED(good_collection, indices, COLUMN_5, NC_ERR_INDEX);
    REFUSED(good_collection, indices, COLUMN_BEFORE_0, NC_ERR_INDEX);
}

/* 1 x (1 x 3) by (3 x 2): three elements of the left operand, two of the product. */
static nc_projection good_factor(void) {
    return (nc_projection){.kind = NC_LEFT,
                           .n_source = 3,
                           .n_target = 2,
                           .batch = 1,
                           .rows = 1,
                           .inner = 3,
                           .columns = 2,
                           .scale = SOME_WEIGHTS,
                           .scale_count = 1};
}

static void wrong_factors_are_refused(void) {
    const nc_projection fine = good_factor();
    CHECK_EQUAL(nc_projection_check(&fine), NC_OK);
    REFUSED(good_factor, batch, 0, NC_ERR_SIZE);
    REFUSED(good_factor, inner, INT32_MAX, NC_ERR_SIZE);
    REFUSED(good_factor, kind, NC_RIGHT, NC_ERR_SIZE); /* which has six elements */
    REFUSED(good_factor, n_target, 3, NC_ERR_SIZE);
    REFUSED(good_factor, n_source, 2, NC_ERR_SIZE);
    REFUSED(good_factor, scale, NULL, NC_ERR_SIZE);
    REFUSED(good_factor, indices, COLUMN_5, NC_ERR_INDEX);
    REFUSED(good_factor, indices, COLUMN_BEFORE_0, NC_ERR_INDEX);
    REFUSED(good_factor, scatter, COLUMN_5, NC_ERR_INDEX);
}

static nc_projection good_host(void) { return (nc_projection){.kind = NC_HOST, .n_source = 3, .n_target = 3}; }

static void the_host_keeps_the_number_of_elements(void) {
    const nc_projection fine = good_host();
    CHECK_EQUAL(nc_projection_check(&fine), NC_OK);
    REFUSED(good_host, n_target, 4, NC_ERR_SIZE);
}

int main(void) {
    RUN(wrong_windows_are_refused);
    RUN(sizes_whose_products_overflow_are_refused);
    RUN(a_depthwise_convolution_keeps_its_channels);
    RUN(missing_numbers_are_refused);
    RUN(wrong_tables_are_refused);
    RUN(wrong_collections_are_refused);
    RUN(wrong_factors_are_refused);
    RUN(the_host_keeps_the_number_of_elements);
    return check_result();
}
