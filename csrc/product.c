#include "product.h"
#include "nc_dispatch.h"
#include <stddef.h>
#include <string.h>

int64_t nc_operand_size(const nc_projection *factor) {
    const int64_t matrix = (int64_t)factor->inner * (factor->kind == NC_LEFT ? factor->rows : factor->columns);
    return factor->batch * matrix;
}

static int is_elementwise(const nc_projection *p) { return p->rows == 1 && p->inner == 1 && p->columns == 1; }

#define VALUE float
#define NAME(stem) stem##_f32
#include "product_template.h"
#undef VALUE
#undef NAME

#define VALUE int32_t
#define NAME(stem) stem##_i32
#include "product_template.h"
