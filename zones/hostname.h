/* Names as documents may attach them: labels of letters, digits, '-' and '_'. */
#ifndef PLDNS_HOSTNAME_H
#define PLDNS_HOSTNAME_H

#include "dname.h"

/* Reads a host name or, "*." in front, a wildcard; folded.  False: 'why' says what is wrong.  More
 * than the DNS forbids is forbidden here: other characters can only be mistakes of the writer. */
MUST_USE bool hostname_read(struct dname *, const char *text, const char **why);

/* The same for a text that must be one label without '*': a zone, a region. */
MUST_USE bool hostname_read_label(struct dname *, const char *text, const char **why);

#endif
