/* The directory of documents: what counts as one, what is said of those that cannot be read, and
 * what the fingerprint sees. */
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

static char folder[64];

static void at(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *text)
{
    char path[128];

    at(path, sizeof path, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_folder(void **unused)
{
    (void)unused;
    strcpy(folder, "/tmp/pldns-source-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **unused)
{
    char command[128];

    (void)unused;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char none[] = "privateLinkConnections: []\n";

static void documents_and_others(void **unused)
{
    static const char *const names[] = {"b.yaml", "a.json", "c.yml", ".d.yaml", "e.yaml~",
                                        "f.txt",  ".yaml",  "yaml",  "g.YAML",  "h.yaml.tmp"};
    struct catalog *catalog = catalog_new(0);
    struct catalog_change change;
    struct catalog_entry entry;
    const char *why;
    char path[128];

    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        write_file(names[i],
                   strcmp(names[i], "a.json") == 0 ? "{\"privateLinkConnections\": []}" : none);
    at(path, sizeof path, "y.yaml");
    assert_int_equal(mkdir(path, 0700), 0);
    at(path, sizeof path, "z.yaml");
    assert_int_equal(symlink("missing", path), 0);
    at(path, sizeof path, "link.yaml");
    assert_int_equal(symlink("b.yaml", path), 0);
    struct source_dir *source = source_dir_new(folder);
    catalog_begin(catalog);
    assert_true(source_dir_read(source, catalog, false, 0, &why));
    assert_int_equal(source_dir_unreadable(source), 2);
    catalog_finish(catalog, 1, &change);
    source_dir_free(source);

    static const struct {
        const char *name;
        bool refused;
    } expected[] = {{"a.json", false},    {"b.yaml", false}, {"c.yml", false},
                    {"link.yaml", false}, {"y.yaml", true},  {"z.yaml", true}};
    assert_int_equal(catalog_length(catalog), ARRAY_LENGTH(expected));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        catalog_entry(catalog, i, &entry);
        assert_string_equal(entry.name, expected[i].name);
        assert_int_equal(entry.refused, expected[i].refused);
    }
    catalog_free(catalog);
}

static void a_directory_that_cannot_be_read(void **unused)
{
    struct catalog *catalog = catalog_new(0);
    const char *why = NULL;

    (void)unused;
    struct source_dir *source = source_dir_new("/nonexistent/folder");
    catalog_begin(catalog);
    assert_false(source_dir_read(source, catalog, false, 0, &why));
    assert_string_equal(why, "No such file or directory");
    source_dir_free(source);
    write_file("file", "x");
    char path[128];
    at(path, sizeof path, "file");
    source = source_dir_new(path);
    assert_false(source_dir_read(source, catalog, false, 0, &why));
    source_dir_free(source);
    assert_string_equal(why, "Not a directory");
    catalog_free(catalog);
    assert_int_equal(source_dir_fingerprint("/nonexistent/folder"), 0);
}

/* Of 'a.yaml' as the catalog has it. */
static bool reads(struct source_dir *source, struct catalog *catalog, bool trust, uint64_t now_us)
{
    struct catalog_change change;
    struct catalog_entry entry;
    const char *why;

    catalog_begin(catalog);
    assert_true(source_dir_read(source, catalog, trust, now_us, &why));
    catalog_finish(catalog, 1, &change);
    catalog_entry(catalog, 0, &entry);
    return entry.refused;
}

static void files_that_look_untouched(void **unused)
{
    char broken[sizeof none];
    struct catalog *catalog = catalog_new(0);
    struct source_dir *source = source_dir_new(folder);
    struct stat status;
    char path[128];

    (void)unused;
    memset(broken, '[', sizeof broken - 1);
    broken[sizeof broken - 1] = '\0';
    at(path, sizeof path, "a.yaml");
    write_file("a.yaml", none);
    assert_int_equal(stat(path, &status), 0);
    uint64_t written = (uint64_t)status.st_mtim.tv_sec * 1000000;
    uint64_t long_after = written + 60000000;

    /* Read so soon after the write that the times prove nothing: read again. */
    assert_false(reads(source, catalog, true, written));
    write_file("a.yaml", broken);
    assert_true(reads(source, catalog, true, written));

    /* Settled: believed, unless somebody wants to be sure. */
    write_file("a.yaml", none);
    assert_false(reads(source, catalog, true, long_after));
    assert_false(reads(source, catalog, true, long_after));
    write_file("a.yaml", broken);
    assert_true(reads(source, catalog, true, long_after));
    assert_true(reads(source, catalog, false, long_after));
    source_dir_free(source);
    catalog_free(catalog);
}

/* Enough for several threads to share: each document is read once, and each complaint is its own.
 */
static void many_large_documents(void **unused)
{
    enum { MANY = 40, COMMENTS = 600 };
    struct source_dir *source = source_dir_new(folder);
    struct catalog *catalog = catalog_new(0);
    struct catalog_change change;
    struct catalog_entry entry;
    char name[32], text[200 + COMMENTS * 66];
    const char *why;

    (void)unused;
    for (unsigned i = 0; i < MANY; i++) {
        int size = snprintf(text, sizeof text,
                            "privateLinkConnectionId: plc-%u\ntype: VPC_RESOURCE\n"
                            "endpoints: [{addresses: [10.0.0.%s]}]\n",
                            i, i % 4 == 1 ? "x" : "1");
        for (unsigned line = 0; line < COMMENTS; line++)
            size += snprintf(text + size, sizeof text - (size_t)size, "#%063u\n", line);
        snprintf(name, sizeof name, "%02u.yaml", i);
        write_file(name, text);
    }
    catalog_begin(catalog);
    assert_true(source_dir_read(source, catalog, false, 0, &why));
    catalog_finish(catalog, 0, &change);
    assert_int_equal(change.accepted, MANY - MANY / 4);
    assert_int_equal(change.refused, MANY / 4);
    for (unsigned i = 0; i < MANY; i++) {
        catalog_entry(catalog, i, &entry);
        snprintf(name, sizeof name, "%02u.yaml", i);
        assert_string_equal(entry.name, name);
        assert_int_equal(entry.refused, i % 4 == 1);
        assert_int_equal(entry.complaints->errors, i % 4 == 1);
    }
    source_dir_free(source);
    catalog_free(catalog);
}

static void the_fingerprint_sees_changes(void **unused)
{
    char from[128], to[128];
    uint64_t empty = source_dir_fingerprint(folder), one, two;

    (void)unused;
    assert_int_not_equal(empty, 0);
    write_file("ignored", "x");
    assert_int_equal(source_dir_fingerprint(folder), empty);
    write_file("a.yaml", none);
    one = source_dir_fingerprint(folder);
    assert_int_not_equal(one, empty);
    assert_int_equal(source_dir_fingerprint(folder), one);
    write_file("b.tmp", none); /* the same bytes, renamed into place: another inode */
    at(from, sizeof from, "b.tmp");
    at(to, sizeof to, "a.yaml");
    assert_int_equal(rename(from, to), 0);
    two = source_dir_fingerprint(folder);
    assert_int_not_equal(two, one);
    write_file("a.yaml", "x");
    assert_int_not_equal(source_dir_fingerprint(folder), two);
    unlink(to);
    assert_int_equal(source_dir_fingerprint(folder), empty);
}

/* ---- some files alone ---- */

/* What the catalog has after a reading: "a.yaml b.yaml(refused)". */
static const char *finish(struct catalog *catalog, char text[512])
{
    struct catalog_change change;
    struct catalog_entry entry;

    catalog_finish(catalog, 1, &change);
    text[0] = '\0';
    for (size_t i = 0; i < catalog_length(catalog); i++) {
        catalog_entry(catalog, i, &entry);
        size_t used = strlen(text);
        snprintf(text + used, 512 - used, "%s%s%s:%02x", used > 0 ? " " : "", entry.name,
                 entry.refused ? "(refused)" : "", entry.offered_digest.bytes[0]);
    }
    return text;
}

static const char *read_whole(struct source_dir *source, struct catalog *catalog, char text[512])
{
    const char *why;

    catalog_begin(catalog);
    assert_true(source_dir_read(source, catalog, true, 0, &why));
    return finish(catalog, text);
}

/* NULL: it has to be read whole. */
static const char *read_some(struct source_dir *source, struct catalog *catalog, const char *names,
                             char text[512])
{
    struct fileset which = {0};
    char copy[256], *rest = copy;

    snprintf(copy, sizeof copy, "%s", names);
    for (char *name; (name = strsep(&rest, " ")) != NULL;) {
        if (strcmp(name, "any") == 0)
            fileset_add_any(&which);
        else if (name[0] != '\0')
            fileset_add(&which, name);
    }
    catalog_begin(catalog);
    bool good = source_dir_read_some(source, catalog, &which, 0);
    fileset_clear(&which);
    return good ? finish(catalog, text) : NULL;
}

static void what_was_heard_of_is_read_alone(void **unused)
{
    struct source_dir *source = source_dir_new(folder);
    struct catalog *catalog = catalog_new(0);
    char text[512], path[128], before[512];

    (void)unused;
    assert_null(read_some(source, catalog, "a.yaml", text)); /* nothing is known yet */
    write_file("a.yaml", none);
    write_file("b.yaml", none);
    assert_non_null(read_whole(source, catalog, before));
    assert_string_equal(read_some(source, catalog, "", text), before);
    write_file("a.yaml", "[");
    write_file("b.yaml", "[");
    assert_non_null(
        strstr(read_some(source, catalog, "x .b.yaml a.yaml", text), "a.yaml(refused)"));
    assert_null(strstr(text, "b.yaml(refused)")); /* nobody heard of it */
    at(path, sizeof path, "a.yaml");
    unlink(path);
    write_file("c.yaml", none);
    assert_ptr_equal(strstr(read_some(source, catalog, "c.yaml b.yaml a.yaml", text), "b.yaml"),
                     text);
    assert_non_null(strstr(text, "b.yaml(refused)"));
    assert_non_null(strstr(text, "c.yaml:"));
    assert_int_equal(source_dir_seen(source), source_dir_fingerprint(folder));
    source_dir_free(source);
    catalog_free(catalog);
}

static void what_is_to_be_read_whole(void **unused)
{
    struct source_dir *source = source_dir_new(folder);
    struct catalog *catalog = catalog_new(0);
    char text[512], path[128], other[160];

    (void)unused;
    write_file("a.yaml", none);
    assert_non_null(read_whole(source, catalog, text));
    assert_null(read_some(source, catalog, "any", text));
    assert_non_null(read_some(source, catalog, "a.yaml", text));
    at(path, sizeof path, "l.yaml");
    assert_int_equal(symlink("a.yaml", path), 0);
    assert_null(read_some(source, catalog, "l.yaml", text));
    assert_non_null(read_whole(source, catalog, text));
    assert_null(read_some(source, catalog, "a.yaml", text)); /* what is behind it may change, too */
    unlink(path);
    assert_non_null(read_whole(source, catalog, text));
    assert_non_null(read_some(source, catalog, "a.yaml", text));
    snprintf(other, sizeof other, "%s.old", folder);
    assert_int_equal(rename(folder, other), 0);
    assert_null(read_some(source, catalog, "a.yaml", text));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_null(read_some(source, catalog, "a.yaml", text));
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(rename(other, folder), 0);
    source_dir_free(source);
    catalog_free(catalog);
}

/* One is read whole each time, of the other only what changed: they never differ. */
static void some_are_as_good_as_all(void **unused)
{
    enum { ROUNDS = 400, FILES = 12 };
    struct source_dir *whole = source_dir_new(folder), *some = source_dir_new(folder);
    struct catalog *a = catalog_new(0), *b = catalog_new(0);
    char one[512], other[512], names[256], path[128], bytes[128];
    uint32_t seed = 1;

    (void)unused;
    (void)read_whole(whole, a, one);
    (void)read_whole(some, b, other);
    for (unsigned round = 0; round < ROUNDS; round++) {
        names[0] = '\0';
        for (unsigned n = (seed >> 9) % 4; n > 0; n--) {
            char name[16];
            seed = seed * 1664525 + 1013904223;
            snprintf(name, sizeof name, "%02u.yaml", (seed >> 8) % FILES);
            strcat(strcat(names, name), " ");
            at(path, sizeof path, name);
            snprintf(bytes, sizeof bytes, "%s # %u\n", (seed >> 20) % 5 == 0 ? "[" : none, round);
            unlink(path);
            if ((seed >> 16) % 3 != 0)
                write_file(name, bytes);
            else if ((seed >> 18) % 8 == 0)
                assert_int_equal(mkdir(path, 0700), 0);
        }
        assert_non_null(read_some(some, b, names, other));
        assert_string_equal(read_whole(whole, a, one), other);
        assert_int_equal(source_dir_unreadable(whole), source_dir_unreadable(some));
        assert_int_equal(source_dir_seen(whole), source_dir_seen(some));
        assert_int_equal(source_dir_seen(whole), source_dir_fingerprint(folder));
        for (unsigned i = 0; i < FILES; i++) { /* no folder stays */
            char name[16];
            snprintf(name, sizeof name, "%02u.yaml", i);
            at(path, sizeof path, name);
            if (rmdir(path) == 0) {
                assert_non_null(read_some(some, b, name, other));
                assert_string_equal(read_whole(whole, a, one), other);
            }
        }
        seed = seed * 1664525 + 1013904223;
    }
    source_dir_free(whole);
    source_dir_free(some);
    catalog_free(a);
    catalog_free(b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(documents_and_others),
        TEST(a_directory_that_cannot_be_read),
        TEST(files_that_look_untouched),
        TEST(many_large_documents),
        TEST(what_was_heard_of_is_read_alone),
        TEST(what_is_to_be_read_whole),
        TEST(some_are_as_good_as_all),
        TEST(the_fingerprint_sees_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
