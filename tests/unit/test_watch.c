/* The watch: every way a directory can change is heard, and bursts are one call. */
#include <event2/event.h>
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

#include "source_dir.h"
#include "watch.h"

static char folder[64], inner[96];
static struct event_base *base;
static int calls, arrivals;
static char arrived[64];

static char which[256]; /* the names of the last call, in order; "any" */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void on_changed(void *arg, struct fileset *set)
{
    (void)arg;
    calls++;
    strcpy(which, set->any ? "any" : "");
    if (set->length > 0)
        qsort(set->names, set->length, sizeof(char *), by_text);
    for (size_t i = 0; i < set->length; i++) {
        strcat(which, i > 0 ? " " : "");
        strcat(which, set->names[i]);
    }
}

/* Turns the loop until a call came, at most so long. */
static void turn(int ms)
{
    struct timeval most = {ms / 1000, ms % 1000 * 1000};

    event_base_loopexit(base, &most);
    do
        event_base_loop(base, EVLOOP_ONCE);
    while (calls == 0 && !event_base_got_exit(base));
}

static void heard(const char *what)
{
    turn(5000);
    if (calls != 1)
        fail_msg("%s: %d calls", what, calls);
    calls = 0;
}

static void run(const char *format)
{
    char command[512];

    snprintf(command, sizeof command, "cd %s && %s", folder, format);
    assert_int_equal(system(command), 0);
}

static int set_up(void **unused)
{
    (void)unused;
    strcpy(folder, "/tmp/pldns-watch-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(inner, sizeof inner, "%s/d", folder);
    calls = arrivals = 0;
    base = event_base_new();
    return base == NULL;
}

static int tear_down(void **unused)
{
    char command[128];

    (void)unused;
    event_base_free(base);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const struct {
    const char *command, *which;
} steps[] = {
    {"echo a > d/a.yaml", "a.yaml"},
    {"echo b >> d/a.yaml", "a.yaml"},
    {"echo c > x && mv x d/a.yaml", "a.yaml"},
    {"mv d/a.yaml d/b.yaml", "a.yaml b.yaml"},
    {"rm d/b.yaml", "b.yaml"},
    {"mkdir d/..v1 && ln -s ..v1 d/..t && mv -T d/..t d/..data", "..data ..t ..v1"},
    {"for i in 1 2 3 4 5; do echo $i > d/$i.yaml; done", "1.yaml 2.yaml 3.yaml 4.yaml 5.yaml"},
    {"touch d/1.yaml", "1.yaml"},
    {"mv d old && mkdir d", "any"}, /* another directory takes its place */
    {"echo a > d/a.yaml", "a.yaml"},
    {"for i in $(seq 300); do : > d/$i; done", "any"}, /* too many to be told apart */
};

static void every_change_is_heard_once(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(inner, 0700), 0);
    struct watch *w = watch_new(base, inner, source_dir_fingerprint(inner), on_changed, NULL);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        run(steps[i].command);
        heard(steps[i].command);
        assert_string_equal(which, steps[i].which);
    }
    watch_free(w);
}

static void a_directory_that_is_missing(void **unused)
{
    (void)unused;
    strcat(inner, "/"); /* as people write it */
    struct watch *w = watch_new(base, inner, source_dir_fingerprint(inner), on_changed, NULL);
    run("echo a > e"); /* somebody else's file beside it */
    run("mkdir d");
    heard("mkdir");
    assert_string_equal(which, "any");
    run("echo a > d/a.yaml");
    heard("a document in it");
    run("rm -r d");
    heard("rm");
    run("mkdir d && echo a > d/a.yaml");
    heard("it is there again");
    watch_free(w);
}

/* It came with its parent, which nobody told, and was read before the watch looked again. */
static void a_directory_that_somebody_else_found(void **unused)
{
    (void)unused;
    strcat(inner, "/e");
    struct watch *w = watch_new(base, inner, source_dir_fingerprint(inner), on_changed, NULL);
    run("mkdir -p d/e && echo a > d/e/a.yaml");
    watch_was_read(w, source_dir_fingerprint(inner));
    turn(WATCH_POLL_MS + 1000);
    assert_int_equal(calls, 0);
    run("echo b >> d/e/a.yaml");
    heard("a document written in place");
    watch_free(w);
}

/* The directory's own entry "." is its parent, too. */
static void a_directory_that_is_its_own_parent(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(inner, 0700), 0);
    run("echo a > d/a.yaml");
    strcat(inner, "/.");
    struct watch *w = watch_new(base, inner, source_dir_fingerprint(inner), on_changed, NULL);
    run("echo b >> d/a.yaml");
    heard("a document written in place");
    assert_string_equal(which, "a.yaml");
    run("rm d/a.yaml");
    heard("a document removed");
    assert_string_equal(which, "a.yaml");
    watch_free(w);
}

static void what_changed_before_the_watch(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(inner, 0700), 0);
    uint64_t before = source_dir_fingerprint(inner);
    run("echo a > d/a.yaml");
    struct watch *w = watch_new(base, inner, before, on_changed, NULL);
    heard("a change before the watch");
    assert_string_equal(which, "any");
    watch_free(w);
}

static void on_arrived(void *arg, const char *name)
{
    (void)arg;
    snprintf(arrived, sizeof arrived, "%s", name);
    arrivals++;
}

/* What is renamed into the directory is told before the call, but only the first in a while. */
static void arrivals_are_told_at_once(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(inner, 0700), 0);
    struct watch *w = watch_new(base, inner, source_dir_fingerprint(inner), on_changed, NULL);
    watch_tell_arrivals(w, on_arrived);
    run("echo a > d/a.yaml; mkdir x; mv x d/x; touch d/a.yaml");
    heard("all but a rename");
    assert_int_equal(arrivals, 0);
    run("echo a > d/.b && mv d/.b d/b.yaml && echo c > c && mv c d/c.yaml");
    heard("two renames");
    assert_int_equal(arrivals, 1);
    assert_string_equal(arrived, "b.yaml");
    usleep(WATCH_QUIET_MS * 1000);
    run("echo c > c && mv c d/c.yaml");
    heard("a rename after a quiet time");
    assert_int_equal(arrivals, 2);
    assert_string_equal(arrived, "c.yaml");
    watch_free(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_change_is_heard_once),           TEST(a_directory_that_is_missing),
        TEST(a_directory_that_somebody_else_found), TEST(a_directory_that_is_its_own_parent),
        TEST(what_changed_before_the_watch),        TEST(arrivals_are_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
