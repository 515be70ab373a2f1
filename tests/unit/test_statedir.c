/* The state directory: what is kept, found again, removed; and that trouble costs nothing but
 * itself. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "statedir.h"

static char folder[64], state[96], accepted[128];

/* More octets than that find no room on the disk. */
static size_t room = SIZE_MAX;
static unsigned writes;

ssize_t pwrite(int fd, const void *octets, size_t size, off_t at)
{
    writes++;
    if (size <= room)
        return syscall(SYS_pwrite64, fd, octets, size, at);
    errno = ENOSPC;
    return -1;
}

static int make_folder(void **unused)
{
    (void)unused;
    strcpy(folder, "/tmp/pldns-statedir-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(state, sizeof state, "%s/deep/state", folder);
    snprintf(accepted, sizeof accepted, "%s/accepted", state);
    return 0;
}

static int remove_folder(void **unused)
{
    char command[128];

    (void)unused;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static bool join(void *arg, const char *name, const struct digest *digest, const void *bytes,
                 size_t size)
{
    char *out = arg;

    (void)digest;
    sprintf(out + strlen(out), "%s=%.*s;", name, (int)size, (const char *)bytes);
    return true;
}

/* Opens, lists, closes. */
static char *kept(void)
{
    static char text[4096];
    struct statedir *s = statedir_open(state);

    text[0] = '\0';
    statedir_each(s, NULL, 0, join, text);
    statedir_close(s);
    return text;
}

static void put(struct statedir *s, const char *name, const char *text)
{
    statedir_put(s, name, text, strlen(text));
}

static void what_is_put_is_found_again(void **unused)
{
    struct statedir *s = statedir_open(state);

    (void)unused;
    assert_null(statedir_trouble(s));
    put(s, "b.yaml", "two");
    put(s, "a.yaml", "one");
    assert_string_equal(kept(), ""); /* and locked: a second one keeps nothing */
    assert_true(statedir_commit(s));
    put(s, "a.yaml", "three");
    statedir_close(s); /* not committed */
    assert_string_equal(kept(), "a.yaml=one;b.yaml=two;");
}

static void names_of_any_kind(void **unused)
{
    static const char *const names[] = {"../../etc/passwd", ".hidden",       "%41", "a b\n",
                                        "\xff\x01",         "plain-1_2.yaml"};
    static const char *const only[] = {"../../etc/passwd", "\xff\x01"};
    struct statedir *s = statedir_open(state);
    char *longest = calloc(1, 300);

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        put(s, names[i], "x");
    assert_true(statedir_commit(s) && statedir_rest_is_kept(s));
    statedir_close(s);
    assert_string_equal(kept(),
                        "%41=x;../../etc/passwd=x;.hidden=x;a b\n=x;plain-1_2.yaml=x;\xff\x01=x;");

    s = statedir_open(state);
    char text[4096] = "";
    statedir_each(s, NULL, 0, join, text);
    statedir_keep_only(s, only, ARRAY_LENGTH(only));
    memset(longest, 'x', 256);
    put(s, longest, "x");
    assert_false(statedir_commit(s));
    assert_non_null(strstr(statedir_trouble(s), "its name is too long"));
    assert_true(statedir_rest_is_kept(s));
    snprintf(text, sizeof text, "%s/b", accepted);
    assert_int_equal(mkdir(text, 0700), 0);
    statedir_begin(s);
    put(s, "b", "x"); /* a directory is in its place */
    put(s, longest, "x");
    assert_false(statedir_commit(s));
    assert_false(statedir_rest_is_kept(s));
    assert_int_equal(rmdir(text), 0);
    statedir_close(s);
    assert_string_equal(kept(), "../../etc/passwd=x;\xff\x01=x;");
    free(longest);
}

static void equal_bytes_are_not_written_again(void **unused)
{
    struct stat before, after;
    char path[160];
    struct digest digest;
    struct statedir *s = statedir_open(state);

    (void)unused;
    digest_of(&digest, "one", 3);
    assert_false(statedir_holds(s, "a", &digest));
    put(s, "a", "one");
    assert_true(statedir_commit(s));
    assert_true(statedir_holds(s, "a", &digest));
    snprintf(path, sizeof path, "%s/a", accepted);
    assert_int_equal(stat(path, &before), 0);
    put(s, "a", "one");
    assert_true(statedir_commit(s));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    put(s, "a", "two");
    assert_true(statedir_commit(s));
    statedir_close(s);
    assert_string_equal(kept(), "a=two;");
}

static void many_at_once(void **unused)
{
    struct statedir *s = statedir_open(state);
    char name[16];
    int count = 0;

    (void)unused;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d.yaml", i);
        put(s, name, "x");
    }
    assert_true(statedir_commit(s));
    statedir_close(s);
    for (const char *at = kept(); (at = strchr(at, ';')) != NULL; at++)
        count++;
    assert_int_equal(count, 100);
}

static void left_overs_are_removed_and_foreign_files_ignored(void **unused)
{
    char path[160];
    struct statedir *s = statedir_open(state);
    static const char *const files[] = {".new-3", "%zz", "%4", "%00", "a%41"};

    (void)unused;
    put(s, "a", "one");
    assert_true(statedir_commit(s));
    statedir_close(s);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        snprintf(path, sizeof path, "%s/%s", accepted, files[i]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    }
    assert_string_equal(kept(), "a=one;");
    snprintf(path, sizeof path, "%s/.new-3", accepted);
    assert_int_equal(access(path, F_OK), -1);
}

static void nothing_is_kept_without_a_path(void **unused)
{
    struct statedir *s = statedir_open("");
    struct digest digest = {{0}};

    (void)unused;
    statedir_begin(s);
    put(s, "a", "one");
    statedir_keep_only(s, NULL, 0);
    assert_true(statedir_commit(s));
    assert_true(statedir_holds(s, "a", &digest));
    assert_null(statedir_trouble(s));
    statedir_close(s);
}

static void trouble_that_ends(void **unused)
{
    char path[160];
    FILE *f;

    (void)unused;
    snprintf(path, sizeof path, "%s/deep", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    struct statedir *s = statedir_open(state);
    assert_non_null(strstr(statedir_trouble(s), "Not a directory"));
    put(s, "a", "one");
    assert_false(statedir_commit(s));
    unlink(path);
    statedir_begin(s);
    put(s, "a", "one");
    assert_true(statedir_commit(s));
    assert_null(statedir_trouble(s));
    statedir_close(s);
    assert_string_equal(kept(), "a=one;");
}

/* Thousands that are not kept must not be tried again with each change; what needs less room than
 * those that found none may find some. */
static void what_finds_no_room_is_tried_once(void **unused)
{
    char name[16];

    (void)unused;
    struct statedir *s = statedir_open(state);
    for (unsigned batch = 0; batch < 2; batch++) {
        (void)statedir_begin(s);
        room = batch == 0 ? 3 : SIZE_MAX;
        writes = 0;
        for (unsigned i = 0; i < 50; i++) {
            snprintf(name, sizeof name, "d%02u", i);
            put(s, name, i % 10 == 9 ? "all" : i % 2 == 0 ? "seven" : "twelve");
        }
        assert_int_equal(writes, batch == 0 ? 1 + 5 : 45);
        assert_int_equal(statedir_commit(s), batch == 1);
        assert_int_equal(statedir_is_full(s), batch == 0);
        assert_int_equal(statedir_rest_is_kept(s), batch == 1);
        assert_int_equal(statedir_trouble(s) != NULL, batch == 0);
    }
    assert_false(statedir_has_no_room(s, 5));
    statedir_close(s);
    char *all = kept();
    unsigned found = 0;
    for (char *at = all; (at = strchr(at, ';')) != NULL; at++)
        found++;
    assert_int_equal(found, 50);
}

static void one_daemon_at_a_time(void **unused)
{
    struct statedir *first = statedir_open(state), *second = statedir_open(state);

    (void)unused;
    assert_null(statedir_trouble(first));
    assert_non_null(strstr(statedir_trouble(second), "another pldnsd uses it"));
    put(second, "a", "one");
    assert_false(statedir_commit(second));
    statedir_close(first);
    statedir_begin(second);
    put(second, "a", "two");
    assert_true(statedir_commit(second));
    statedir_close(second);
    assert_string_equal(kept(), "a=two;");
}

static void what_was_detached_is_kept_at_once(void **unused)
{
    struct statedir *s = statedir_open(state);
    char path[160], *text;
    const char *why;
    size_t size;

    (void)unused;
    assert_null(statedir_detached(s, &size, &why));
    assert_null(why);
    statedir_put_detached(s, "", 0); /* nothing to remove is no trouble */
    statedir_put_detached(s, "one\n", 4);
    statedir_close(s); /* not committed */
    s = statedir_open(state);
    text = statedir_detached(s, &size, &why);
    assert_string_equal(text, "one\n");
    assert_int_equal(size, 4);
    free(text);
    snprintf(path, sizeof path, "%s/detached.new", state); /* in the way */
    assert_int_equal(mkdir(path, 0700), 0);
    statedir_put_detached(s, "two\n", 4);
    assert_int_equal(rmdir(path), 0);
    assert_true(statedir_commit(s)); /* tried again */
    text = statedir_detached(s, &size, &why);
    assert_string_equal(text, "two\n");
    free(text);
    assert_int_equal(mkdir(path, 0700), 0);
    statedir_put_detached(s, "three\n", 6);
    assert_false(statedir_commit(s));
    assert_non_null(strstr(statedir_trouble(s), "detached: Is a directory"));
    statedir_put_detached(s, "", 0);
    assert_true(statedir_commit(s));
    assert_null(statedir_detached(s, &size, &why));
    statedir_close(s);
    assert_string_equal(kept(), "");
}

static void bytes_are_had_by_their_digest(void **unused)
{
    static const char text[] = "some octets";
    struct statedir *s = statedir_open(state);
    struct digest digest, other;
    size_t size = 0;

    (void)unused;
    digest_of(&digest, text, strlen(text));
    digest_of(&other, text, 1);
    assert_null(statedir_get(s, "a/b.yaml", &digest, 0, &size));
    statedir_begin(s);
    statedir_put(s, "a/b.yaml", text, strlen(text));
    assert_true(statedir_commit(s));
    char *bytes = statedir_get(s, "a/b.yaml", &digest, strlen(text) - 1, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
    assert_null(statedir_get(s, "a/b.yaml", &digest, strlen(text), &size));
    assert_null(statedir_get(s, "a/b.yaml", &other, 0, &size));
    assert_null(statedir_get(s, "b.yaml", &digest, 0, &size));
    statedir_close(s);
    s = statedir_open("");
    assert_null(statedir_get(s, "a/b.yaml", &digest, 0, &size));
    statedir_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_found_again),
        TEST(names_of_any_kind),
        TEST(bytes_are_had_by_their_digest),
        TEST(equal_bytes_are_not_written_again),
        TEST(many_at_once),
        TEST(left_overs_are_removed_and_foreign_files_ignored),
        TEST(nothing_is_kept_without_a_path),
        TEST(trouble_that_ends),
        TEST(what_finds_no_room_is_tried_once),
        TEST(one_daemon_at_a_time),
        TEST(what_was_detached_is_kept_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
