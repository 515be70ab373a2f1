/* Processors: what a quota means, and where it is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <sys/stat.h>

#include "cpus.h"

static const struct {
    const char *text;
    unsigned cpus;
} quotas[] = {
    {"max 100000\n", 0},
    {"100000 100000\n", 1},
    {"150000 100000\n", 2},
    {"50000 100000\n", 1},
    {"400000 100000", 4},
    {"0 100000", 0},
    {"5 0", 0},
    {"", 0},
    {"x", 0},
    {"-1 100000", 0},
    {"18446744073709551615 1", 1024},
};

static void quotas_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++)
        assert_int_equal(cpus_of_quota(quotas[i].text), quotas[i].cpus);
    assert_true(cpus_allowed() >= 1);
}

#define V1 "sys/fs/cgroup/cpu"

static const struct {
    const char *title;
    struct {
        const char *path, *text;
    } files[5];
    unsigned cpus;
} machines[] = {
    {"nothing", {{0}}, 0},
    {"2, in a container", {{"sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 2},
    {"2, on a host",
     {{"proc/self/cgroup", "0::/a.slice/b\n"},
      {"sys/fs/cgroup/a.slice/b/cpu.max", "150000 100000\n"}},
     2},
    {"2, no limit",
     {{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.max", "max 100000\n"}},
     0},
    {"1, in a container",
     {{"proc/self/cgroup", "4:cpu,cpuacct:/kubepods/pod1\n"},
      {V1 "/cpu.cfs_quota_us", "50000\n"},
      {V1 "/cpu.cfs_period_us", "100000\n"}},
     1},
    {"1, on a host",
     {{"proc/self/cgroup", "5:cpuset:/set\n4:cpuacct,cpu:/a/b\n1:name=systemd:/a\n0::/\n"},
      {V1 "/set/cpu.cfs_quota_us", "900000\n"},
      {V1 "/set/cpu.cfs_period_us", "100000\n"},
      {V1 "/a/b/cpu.cfs_quota_us", "300000\n"},
      {V1 "/a/b/cpu.cfs_period_us", "100000\n"}},
     3},
    {"1, no limit",
     {{"proc/self/cgroup", "4:cpu:/a\n"},
      {V1 "/a/cpu.cfs_quota_us", "-1\n"},
      {V1 "/a/cpu.cfs_period_us", "100000\n"}},
     0},
    {"1, half of it",
     {{"proc/self/cgroup", "4:cpu:/a\n"}, {V1 "/a/cpu.cfs_quota_us", "100000\n"}},
     0},
    {"lines that are none", {{"proc/self/cgroup", "\n:\n::\n4:cpu\n4:cpu:a\nx"}}, 0},
};

static void put(const char *root, const char *path, const char *text)
{
    char whole[256];

    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(whole, 0700);
        *at = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int take_away(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void quotas_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        char root[] = "/tmp/pldns-cpus.XXXXXX";
        assert_non_null(mkdtemp(root));
        for (size_t j = 0; j < 5 && machines[i].files[j].path != NULL; j++)
            put(root, machines[i].files[j].path, machines[i].files[j].text);
        unsigned cpus = cpus_quota(root);
        assert_int_equal(nftw(root, take_away, 8, FTW_DEPTH | FTW_PHYS), 0);
        if (cpus != machines[i].cpus)
            fail_msg("%s: %u processors, not %u", machines[i].title, cpus, machines[i].cpus);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_mean),
        cmocka_unit_test(quotas_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
