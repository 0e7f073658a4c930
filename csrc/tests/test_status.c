/* Every status has a sentence of its own, and every failure another one than an unknown status. */
#include "../nc_status.h"
#include "check.h"

static void every_status_has_its_own_sentence(void) {
    const char *const unknown = nc_status_text((nc_status)1000);
    int a = NC_OK;
    for (; strcmp(nc_status_text((nc_status)a), unknown) != 0; a++)
        for (int b = NC_OK; b < a; b++)
            CHECK(strcmp(nc_status_text((nc_status)a), nc_status_text((nc_status)b)) != 0);
    CHECK(a > NC_ERR_CAPACITY);
}

int main(void) {
    RUN(every_status_has_its_own_sentence);
    return check_result();
}
