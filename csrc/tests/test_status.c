/* Every status has a sentence of its own. */
#include "../nc_status.h"
#include "check.h"

static void every_status_has_its_own_sentence(void) {
    const char *const unknown = nc_status_text((nc_status)(NC_ERR_CAPACITY + 1));
    for (int a = NC_OK; a <= NC_ERR_CAPACITY; a++) {
        CHECK(strcmp(nc_status_text((nc_status)a), unknown) != 0);
        for (int b = NC_OK; b < a; b++)
            CHECK(strcmp(nc_status_text((nc_status)a), nc_status_text((nc_status)b)) != 0);
    }
}

int main(void) {
    RUN(every_status_has_its_own_sentence);
    return check_result();
}
