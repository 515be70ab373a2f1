/* How many processors we may use: the scheduler's affinity and the control group's quota. */
#ifndef PLDNS_CPUS_H
#define PLDNS_CPUS_H

/* At least 1. */
unsigned cpus_allowed(void);

/* What a quota means: "max 100000", "150000 100000" (a cgroup's cpu.max); 0 = no limit.  Parts of a
 * processor count as a whole one. */
unsigned cpus_of_quota(const char *text);

#endif
