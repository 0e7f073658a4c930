#include "nc_status.h"

const char *nc_status_text(nc_status status) {
    switch (status) {
    case NC_OK:
        return "success";
    case NC_ERR_SIZE:
        return "a size is negative or does not match its partner";
    case NC_ERR_INDEX:
        return "an index points outside its array";
    case NC_ERR_KIND:
        return "an unknown kind of operator, population or mode";
    case NC_ERR_OVERFLOW:
        return "a count or time does not fit into 64 bits";
    case NC_ERR_CAPACITY:
        return "a work area is too small";
    case NC_ERR_STUCK:
        return "packets in a network block each other for ever";
    }
    return "an unknown status";
}
