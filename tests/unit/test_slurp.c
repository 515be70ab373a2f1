/* Whole files, bounded: what is read, what is refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "slurp.h"

static char folder[] = "/tmp/pldns-slurp-XXXXXX";

static const struct {
    const char *name;
    size_t most;
    const char *content; /* NULL: refused */
    const char *why;
} cases[] = {
    {"file", 100, "hello", NULL},
    {"file", 5, "hello", NULL},
    {"file", 4, NULL, "too large"},
    {"empty", 100, "", NULL},
    {"link", 100, "hello", NULL},
    {"folder", 100, NULL, "is a directory"},
    {"fifo", 100, NULL, "is not a regular file"},
    {"dangling", 100, NULL, "No such file or directory"},
    {"missing", 100, NULL, "No such file or directory"},
};

static void reads(void **state)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *bytes = NULL;
        size_t size = 0;
        struct stat status;
        const char *why = NULL;
        bool ok = slurp_file(at, cases[i].name, cases[i].most, &bytes, &size, &status, &why);
        assert_int_equal(ok, cases[i].content != NULL);
        if (ok) {
            assert_string_equal(bytes, cases[i].content);
            assert_int_equal(size, strlen(cases[i].content));
            assert_int_equal(status.st_size, size);
        } else {
            assert_string_equal(why, cases[i].why);
        }
        free(bytes);
    }
    close(at);
}

/* A file of /proc has no size beforehand. */
static void a_file_that_does_not_tell_its_size(void **state)
{
    char *bytes;
    size_t size;
    const char *why;

    (void)state;
    assert_true(slurp_file(AT_FDCWD, "/proc/self/smaps", 1 << 20, &bytes, &size, NULL, &why));
    assert_true(size > 1000);
    free(bytes);
    assert_false(slurp_file(AT_FDCWD, "/proc/self/smaps", 1000, &bytes, &size, NULL, &why));
    assert_string_equal(why, "too large");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(a_file_that_does_not_tell_its_size),
    };
    char start[4096];

    if (mkdtemp(folder) == NULL || getcwd(start, sizeof start) == NULL || chdir(folder) != 0)
        return 1;
    int file = open("file", O_WRONLY | O_CREAT, 0600);
    if (write(file, "hello", 5) != 5 || close(file) != 0 ||
        close(open("empty", O_CREAT, 0600)) != 0 || mkdir("folder", 0700) != 0 ||
        mkfifo("fifo", 0600) != 0 || symlink("file", "link") != 0 ||
        symlink("nothing", "dangling") != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = {"file", "empty", "fifo", "link", "dangling"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(names[i]);
    rmdir("folder");
    if (chdir(start) == 0)
        rmdir(folder);
    return failed;
}
