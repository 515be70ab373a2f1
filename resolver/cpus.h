/* How many processors we may use: the scheduler's affinity and the control group's quota, of
 * version 2 or 1. */
#ifndef PLDNS_CPUS_H
#define PLDNS_CPUS_H

/* At least 1. */
unsigned cpus_allowed(void);

/* What a quota means: "max 100000", "150000 100000" (a cgroup's cpu.max); 0 = no limit.  Parts of a
 * processor count as a whole one. */
unsigned cpus_of_quota(const char *text);

/* The quota of our control group; 0 = none.  'root' stands before /proc and /sys: "" but in tests.
 */
unsigned cpus_quota(const char *root);

#endif
