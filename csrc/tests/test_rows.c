/* Lists of numbers against counting: every list sorted and distinct, turned round, and who had a number before. */
#include "../rows.h"
#include "check.h"

enum { ROWS = 12, COLUMNS = 60, MOST = 400 };

typedef struct {
    nc_rows r;
    int64_t size;
    int32_t *counted; /* [row][column]: how often */
} sample;

static sample draw_rows(int32_t longest) {
    sample s = {{ROWS, COLUMNS, zeros(ROWS + 1, sizeof(int64_t)), NULL}, 0, zeros(ROWS * COLUMNS, sizeof(int32_t))};
    for (int row = 0; row < ROWS; row++)
        s.r.ptr[row + 1] = s.r.ptr[row] + (draw(0, 3) ? draw(0, longest) : 0);
    s.size = s.r.ptr[ROWS];
    s.r.items = zeros(s.size, sizeof(int32_t));
    for (int row = 0; row < ROWS; row++)
        for (int64_t k = s.r.ptr[row]; k < s.r.ptr[row + 1]; k++) {
            s.r.items[k] = draw(0, COLUMNS - 1);
            s.counted[row * COLUMNS + s.r.items[k]]++;
        }
    return s;
}

static void release(sample *s) {
    free(s->r.ptr);
    free(s->r.items);
    free(s->counted);
}

static void rows_are_sorted_and_repeats_are_counted(void) {
    for (int trial = 0; trial < 60; trial++) {
        sample s = draw_rows(trial % 2 ? 8 : MOST);
        int32_t *const count = zeros(s.size, sizeof(int32_t));
        CHECK_EQUAL(nc_rows_check(&s.r, s.size), NC_OK);
        nc_rows_sort(&s.r, count);
        for (int row = 0; row < ROWS; row++) {
            int64_t k = s.r.ptr[row];
            for (int32_t c = 0; c < COLUMNS; c++)
                if (s.counted[row * COLUMNS + c] > 0) {
                    CHECK_EQUAL(s.r.items[k], c);
                    CHECK_EQUAL(count[k++], s.counted[row * COLUMNS + c]);
                }
            CHECK_EQUAL(k, s.r.ptr[row + 1]);
        }
        free(count);
        release(&s);
    }
}

static void a_transpose_holds_the_same_pairs(void) {
    for (int trial = 0; trial < 60; trial++) {
        sample s = draw_rows(trial % 2 ? 3 : MOST);
        int64_t *const ptr = zeros(COLUMNS + 1, sizeof(int64_t));
        int32_t *const items = zeros(s.size, sizeof(int32_t));
        nc_rows_transpose(&s.r, ptr, items);
        CHECK_EQUAL(ptr[COLUMNS], s.size);
        int64_t k = 0;
        for (int32_t c = 0; c < COLUMNS; c++) {
            CHECK_EQUAL(ptr[c], k);
            for (int row = 0; row < ROWS; row++)
                for (int32_t n = 0; n < s.counted[row * COLUMNS + c]; n++)
                    CHECK_EQUAL(items[k++], row);
        }
        free(ptr);
        free(items);
        release(&s);
    }
}

static void the_row_before_is_the_last_with_the_same_number(void) {
    sample s = draw_rows(MOST);
    nc_rows_sort(&s.r, NULL);
    int32_t *const last = zeros(COLUMNS, sizeof(int32_t)), *const previous = zeros(s.size, sizeof(int32_t));
    nc_rows_previous(&s.r, last, previous);
    for (int row = 0; row < ROWS; row++)
        for (int64_t k = s.r.ptr[row]; k < s.r.ptr[row + 1]; k++) {
            int before = row - 1;
            while (before >= 0 && s.counted[before * COLUMNS + s.r.items[k]] == 0)
                before--;
            CHECK_EQUAL(previous[k], before);
        }
    free(last);
    free(previous);
    release(&s);
}

static void wrong_tables_are_refused(void) {
    int64_t ptr[3] = {0, 1, 2};
    int32_t items[2] = {0, 4};
    nc_rows r = {2, 5, ptr, items};
    CHECK_EQUAL(nc_rows_check(&r, 2), NC_OK);
    CHECK_EQUAL(nc_rows_check(&r, 3), NC_ERR_SIZE);
    r.columns = 4;
    CHECK_EQUAL(nc_rows_check(&r, 2), NC_ERR_INDEX);
    r.columns = 5;
    ptr[1] = 3;
    CHECK_EQUAL(nc_rows_check(&r, 2), NC_ERR_SIZE);
}

int main(void) {
    RUN(rows_are_sorted_and_repeats_are_counted);
    RUN(a_transpose_holds_the_same_pairs);
    RUN(the_row_before_is_the_last_with_the_same_number);
    RUN(wrong_tables_are_refused);
    return check_result();
}
