/* Memory that is needed in a moment is asked for now. */
#ifndef PLDNS_FETCH_H
#define PLDNS_FETCH_H

#include <stddef.h>

#define FETCH_LINE 64 /* octets of a line of the processor's caches, on nearly all of them */

/* So many octets; of NULL nothing. */
static inline void fetch_memory(const void *memory, size_t size)
{
    for (size_t at = 0; memory != NULL && at < size; at += FETCH_LINE)
        __builtin_prefetch((const char *)memory + at);
}

#endif
