/* Half-written versions of a document: the beginning of what was accepted, cut off in the middle of
 * a line.  One that ends with a line may be meant so: its author removed the last entries. */
#ifndef PLDNS_HALFWRITTEN_H
#define PLDNS_HALFWRITTEN_H

#include "digest.h"
#include "error.h"

/* Where accepted octets are to be had. */
struct halfwritten_source {
    /* Those of 'name' with this digest if there are more than 'least', to be freed; or NULL.  Any
     * number of threads may ask at a time.  No function: there are none. */
    void *(*get)(const void *arg, const char *name, const struct digest *, size_t least,
                 size_t *size);
    const void *arg;
};

/* True: 'bytes' are half of what was accepted with this digest, and 'errors' says so. */
MUST_USE bool halfwritten_is(const struct halfwritten_source *, const char *name,
                             const struct digest *accepted, const void *bytes, size_t size,
                             struct error_list *errors);

#endif
