/* Files that somebody is writing to: known from the first octet to the close, and no longer than
 * for a while. */
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

#include "writing.h"

static char folder[64], inner[96];
static struct writing *writing;

static int open_file(const char *name, int flags)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", inner, name);
    int file = open(path, flags | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    return file;
}

static void put(int file, const char *text)
{
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
}

static void run(const char *format)
{
    char command[512];

    snprintf(command, sizeof command, "cd %s && %s", inner, format);
    assert_int_equal(system(command), 0);
}

/* As a reading at this time would have it. */
static bool is_held(const char *name, uint64_t now)
{
    writing_begin(writing, now);
    return writing_holds(writing, name, NULL);
}

static int set_up(void **unused)
{
    (void)unused;
    strcpy(folder, "/tmp/pldns-writing-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(inner, sizeof inner, "%s/d", folder);
    if (mkdir(inner, 0700) != 0)
        return 1;
    writing = writing_new(inner);
    return 0;
}

static int tear_down(void **unused)
{
    char command[128];

    (void)unused;
    writing_free(writing);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void from_the_first_octet_to_the_close(void **unused)
{
    (void)unused;
    int file = open_file("a.yaml", O_WRONLY | O_CREAT);
    assert_true(is_held("a.yaml", 1)); /* made, and nothing in it */
    put(file, "one");
    assert_true(is_held("a.yaml", 2));
    assert_false(is_held("b.yaml", 2));
    close(file);
    assert_false(is_held("a.yaml", 3));

    file = open_file("a.yaml", O_WRONLY);
    assert_false(is_held("a.yaml", 4)); /* opened: nothing happened to it */
    put(file, "two");
    assert_true(is_held("a.yaml", 5));
    close(file);
    assert_false(is_held("a.yaml", 6));

    file = open_file("a.yaml", O_WRONLY | O_TRUNC);
    assert_true(is_held("a.yaml", 7));
    close(file);
    assert_false(is_held("a.yaml", 8));
}

static void what_is_whole_at_once(void **unused)
{
    (void)unused;
    run("echo a > ../x && mv ../x a.yaml && echo b > ../y && ln ../y b.yaml && rm ../y");
    run("ln -s a.yaml c.yaml && mkdir d.yaml && mv b.yaml e.yaml && touch f.yaml");
    for (const char *name = "abcdef"; *name != '\0'; name++)
        assert_false(is_held((char[]){*name, '.', 'y', 'a', 'm', 'l', '\0'}, 1));
}

/* What its writer still writes to is not what the name stands for any more. */
static void another_file_in_its_place(void **unused)
{
    (void)unused;
    int file = open_file("a.yaml", O_WRONLY | O_CREAT);
    put(file, "one");
    assert_true(is_held("a.yaml", 1));
    run("echo whole > ../x && mv ../x a.yaml");
    put(file, "two");
    assert_false(is_held("a.yaml", 2));
    close(file);

    file = open_file("b.yaml", O_WRONLY | O_CREAT);
    put(file, "one");
    assert_true(is_held("b.yaml", 3));
    run("rm b.yaml");
    assert_false(is_held("b.yaml", 4));
    close(file);
}

static void a_writer_that_never_closes(void **unused)
{
    uint64_t end = 0;

    (void)unused;
    int file = open_file("a.yaml", O_WRONLY | O_CREAT);
    put(file, "one");
    assert_true(is_held("a.yaml", 1000));
    assert_true(is_held("a.yaml", 1000 + WRITING_PAUSE_MS - 1));
    assert_true(writing_holds(writing, "a.yaml", &end));
    assert_int_equal(end, 1000 + WRITING_PAUSE_MS);
    assert_false(is_held("a.yaml", end));
    assert_false(is_held("a.yaml", end + 1));

    put(file, "two"); /* once more */
    assert_true(is_held("a.yaml", 10000));
    assert_true(is_held("a.yaml", 9999 + WRITING_PAUSE_MS));
    assert_false(is_held("a.yaml", 10000 + WRITING_PAUSE_MS));
    close(file);
}

/* A reading that has begun ends, however busy the writer. */
static void a_writer_that_never_rests(void **unused)
{
    uint64_t now = 1000;

    (void)unused;
    int file = open_file("a.yaml", O_WRONLY | O_CREAT);
    for (; now < 1000 + WRITING_MOST_MS; now += WRITING_PAUSE_MS / 3) {
        put(file, "more");
        assert_true(is_held("a.yaml", now));
    }
    assert_false(is_held("a.yaml", now));
    put(file, "more");
    writing_learn(writing, now + 1);
    assert_false(writing_holds(writing, "a.yaml", NULL));
    assert_true(is_held("a.yaml", now + 2)); /* the next one waits again */
    close(file);
    assert_false(is_held("a.yaml", now + 3));
}

/* What begins while the directory is read counts at once. */
static void in_the_middle_of_a_reading(void **unused)
{
    (void)unused;
    writing_begin(writing, 1);
    int file = open_file("a.yaml", O_WRONLY | O_CREAT);
    put(file, "one");
    writing_learn(writing, 2);
    assert_true(writing_holds(writing, "a.yaml", NULL));
    close(file);
}

static void the_directory_is_replaced(void **unused)
{
    (void)unused;
    int file = open_file("a.yaml", O_WRONLY | O_CREAT);
    put(file, "one");
    assert_true(is_held("a.yaml", 1));
    run("cd .. && mv d e && mkdir d");
    assert_false(is_held("a.yaml", 2));
    int other = open_file("a.yaml", O_WRONLY | O_CREAT);
    put(other, "one");
    assert_true(is_held("a.yaml", 3));
    close(file);
    assert_true(is_held("a.yaml", 4));
    close(other);
    assert_false(is_held("a.yaml", 5));
    run("cd .. && rm -r d");
    assert_false(is_held("a.yaml", 6));
    assert_int_equal(mkdir(inner, 0700), 0);
}

static void more_than_are_known(void **unused)
{
    int files[WRITING_FILES_MAX + 10];
    char name[32];
    size_t held = 0;

    (void)unused;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%zu.yaml", i);
        files[i] = open_file(name, O_WRONLY | O_CREAT);
    }
    writing_begin(writing, 1);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%zu.yaml", i);
        held += writing_holds(writing, name, NULL);
        close(files[i]);
    }
    assert_int_equal(held, WRITING_FILES_MAX);
    writing_begin(writing, 2);
    assert_false(writing_holds(writing, "0.yaml", NULL));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(from_the_first_octet_to_the_close), TEST(what_is_whole_at_once),
        TEST(another_file_in_its_place),         TEST(a_writer_that_never_closes),
        TEST(a_writer_that_never_rests),         TEST(in_the_middle_of_a_reading),
        TEST(the_directory_is_replaced),         TEST(more_than_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
