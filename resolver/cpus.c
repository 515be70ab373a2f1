#include "cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slurp.h"

#define PATH_ROOM    1024
#define CONTROL_MOST 4096 /* control files are a few short lines */
#define QUOTA_ROOM   64

unsigned cpus_of_quota(const char *text)
{
    unsigned long long quota, period;

    if (text[0] == '-' || sscanf(text, "%llu %llu", &quota, &period) != 2 || quota == 0 ||
        period == 0)
        return 0;
    unsigned long long whole = (quota + period - 1) / period;
    return whole > 1024 ? 1024 : (unsigned)whole;
}

/* NULL: there is no such file.  The caller frees. */
static char *read_control(const char *root, const char *folder, const char *group, const char *file)
{
    char path[PATH_ROOM], *text;
    size_t size;
    const char *why;

    if (snprintf(path, sizeof path, "%s%s%s/%s", root, folder, group, file) >= (int)sizeof path ||
        !slurp_file(AT_FDCWD, path, CONTROL_MOST, &text, &size, NULL, &why))
        return NULL;
    return text;
}

/* Version 2 of control groups: "QUOTA PERIOD" in one file. */
static unsigned quota_of_group(const char *root, const char *group)
{
    char *text = read_control(root, "/sys/fs/cgroup", group, "cpu.max");
    unsigned cpus = text != NULL ? cpus_of_quota(text) : 0;

    free(text);
    return cpus;
}

/* Version 1: each in a file of its own; a quota of -1 is none. */
static unsigned quota_of_group_1(const char *root, const char *group)
{
    char *quota = read_control(root, "/sys/fs/cgroup/cpu", group, "cpu.cfs_quota_us");
    char *period = read_control(root, "/sys/fs/cgroup/cpu", group, "cpu.cfs_period_us");
    char both[QUOTA_ROOM] = "";

    if (quota != NULL && period != NULL)
        snprintf(both, sizeof both, "%s %s", quota, period);
    free(quota);
    free(period);
    return cpus_of_quota(both);
}

/* Whether "cpu" is among the comma-separated words before 'end'. */
static bool has_cpu(const char *words, const char *end)
{
    while (words < end) {
        size_t length = strcspn(words, ",:");
        if (length == strlen("cpu") && memcmp(words, "cpu", length) == 0)
            return true;
        words += length + 1;
    }
    return false;
}

/* One line of /proc/self/cgroup: "NUMBER:CONTROLLERS:/GROUP"; version 2 names no controllers. */
static unsigned quota_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

    if (group == NULL || group[1] != '/')
        return 0;
    if (group == controllers + 1)
        return quota_of_group(root, group + 1);
    return has_cpu(controllers + 1, group) ? quota_of_group_1(root, group + 1) : 0;
}

/* Inside a container the group's own folder is mounted as the root; outside /proc/self/cgroup names
 * it. */
unsigned cpus_quota(const char *root)
{
    unsigned cpus = quota_of_group(root, "");

    if (cpus == 0)
        cpus = quota_of_group_1(root, "");
    char *groups = cpus == 0 ? read_control(root, "/proc/self", "", "cgroup") : NULL;
    char *rest = groups, *line;
    while (cpus == 0 && rest != NULL && (line = strsep(&rest, "\n")) != NULL)
        cpus = quota_of_line(root, line);
    free(groups);
    return cpus;
}

unsigned cpus_allowed(void)
{
    cpu_set_t set;
    unsigned cpus = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        cpus = (unsigned)CPU_COUNT(&set);
    unsigned limit = cpus_quota("");
    return limit > 0 && limit < cpus ? limit : cpus;
}
