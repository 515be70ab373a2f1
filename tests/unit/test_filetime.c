/* When a file's times prove something: rows of times, and a folder of this machine. */
#include "filetime.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"

#define S  UINT64_C(1000000) /* in microseconds */
#define MS UINT64_C(1000)

static void rows(void **state)
{
    static const struct {
        bool here;
        dev_t device;
        uint64_t changed_s, changed_ns, written_s, written_ns, now_us;
        bool settled;
    } rows[] = {
        {true, 1, 100, 5000, 100, 5000, 100 * S + 19 * MS, false},
        {true, 1, 100, 5000, 100, 5000, 100 * S + 21 * MS, true},
        {true, 1, 100, 5000, 90, 5000, 100 * S + 19 * MS, false}, /* renamed just now */
        {true, 1, 90, 5000, 100, 5000, 100 * S + 19 * MS, false},
        {true, 1, 100, 0, 100, 5000, 100 * S + 2999 * MS, false}, /* whole seconds */
        {true, 1, 100, 5000, 100, 0, 100 * S + 2999 * MS, false},
        {true, 1, 100, 0, 100, 0, 103 * S + 1, true},
        {true, 2, 100, 5000, 100, 5000, 100 * S + 2999 * MS, false}, /* a link to elsewhere */
        {true, 2, 100, 5000, 100, 5000, 103 * S + 6, true},
        {false, 1, 100, 5000, 100, 5000, 100 * S + 2999 * MS, false},
        {false, 1, 100, 5000, 100, 5000, 103 * S + 6, true},
        {true, 1, 200, 5000, 200, 5000, 100 * S, false}, /* the clock was set back */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct filetime f = {.here = rows[i].here, .device = 1};
        struct stat status = {
            .st_dev = rows[i].device,
            .st_ctim = {(time_t)rows[i].changed_s, (long)rows[i].changed_ns},
            .st_mtim = {(time_t)rows[i].written_s, (long)rows[i].written_ns},
        };

        assert_int_equal(filetime_is_settled(&f, &status, rows[i].now_us), rows[i].settled);
    }
}

static void folders(void **state)
{
    int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int memory = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    (void)state;
    assert_false(filetime_of(proc).here);
    assert_false(filetime_of(-1).here);
    if (memory >= 0) { /* a tmpfs wherever it is mounted */
        assert_true(filetime_of(memory).here);
        assert_int_equal(fstat(memory, &status), 0);
        assert_int_equal(filetime_of(memory).device, status.st_dev);
        close(memory);
    }
    close(proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
