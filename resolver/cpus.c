#include "cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slurp.h"

#define PATH_ROOM    512
#define CONTROL_MOST 4096 /* control files are one short line */

unsigned cpus_of_quota(const char *text)
{
    unsigned long long quota, period;

    if (sscanf(text, "%llu %llu", &quota, &period) != 2 || quota == 0 || period == 0)
        return 0;
    unsigned long long whole = (quota + period - 1) / period;
    return whole > 1024 ? 1024 : (unsigned)whole;
}

static unsigned quota_of_file(const char *path)
{
    char *text;
    size_t size;
    const char *why;

    if (!slurp_file(AT_FDCWD, path, CONTROL_MOST, &text, &size, NULL, &why))
        return 0;
    unsigned cpus = cpus_of_quota(text);
    free(text);
    return cpus;
}

/* Inside a container the group's own folder is mounted as the root; outside /proc/self/cgroup names
 * it. */
static unsigned quota(void)
{
    char *groups, path[PATH_ROOM];
    size_t size;
    const char *why;
    unsigned cpus = quota_of_file("/sys/fs/cgroup/cpu.max");

    if (cpus > 0 ||
        !slurp_file(AT_FDCWD, "/proc/self/cgroup", CONTROL_MOST, &groups, &size, NULL, &why))
        return cpus;
    char *own = strstr(groups, "0::/");
    if (own != NULL) {
        own += strlen("0::");
        own[strcspn(own, "\n")] = '\0';
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", own);
        cpus = quota_of_file(path);
    }
    free(groups);
    return cpus;
}

unsigned cpus_allowed(void)
{
    cpu_set_t set;
    unsigned cpus = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        cpus = (unsigned)CPU_COUNT(&set);
    unsigned limit = quota();
    return limit > 0 && limit < cpus ? limit : cpus;
}
