/* What a run of the builder came to, as it is told in the log. */
#ifndef PLDNS_RELOADLOG_H
#define PLDNS_RELOADLOG_H

#include "buildreport.h"

/* 'before' is the report of the run before, or NULL; 'asked': somebody asked for this one. */
void reloadlog_write(const struct buildreport *, const struct buildreport *before, bool asked);

#endif
