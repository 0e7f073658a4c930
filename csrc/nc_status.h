/* Named error codes of the C core. Zero is success; every other value has a sentence in nc_status_text. */
#ifndef NC_STATUS_H
#define NC_STATUS_H

typedef enum {
    NC_OK = 0,
    NC_ERR_SIZE = 1,     /* a size or count is negative or does not match its partner */
    NC_ERR_INDEX = 2,    /* an index points outside its array */
    NC_ERR_KIND = 3,     /* an operator, population or mode code is not known */
    NC_ERR_OVERFLOW = 4, /* a count or time would not fit into 64 bits */
    NC_ERR_CAPACITY = 5, /* a work area is too small */
    NC_ERR_STUCK = 6,    /* packets in a network block each other for ever */
} nc_status;

const char *nc_status_text(nc_status status);

#ifdef NC_DEBUG
#include <assert.h>
#define NC_ASSERT(condition) assert(condition)
#else
#define NC_ASSERT(condition) ((void)0)
#endif

#endif
