/* Log lines: both shapes, escapes, levels, limits. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "log.h"

static char text[8192];
static int saved, pipes[2];

/* What is logged between start and stop stands in 'text'. */
static void start(void)
{
    assert_int_equal(pipe(pipes), 0);
    saved = dup(STDERR_FILENO);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    close(pipes[1]);
}

static void stop(void)
{
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    close(pipes[0]);
}

static const struct {
    const char *said;   /* the formatted text */
    const char *logfmt; /* behind time, level and event */
    const char *key, *value;
} shapes[] = {
    {"generation=12 file=a.yaml", " generation=12 file=a.yaml\n", "file", "a.yaml"},
    {"why=\"two words\" n=1", " why=\"two words\" n=1\n", "why", "two words"},
    {"why=\"a \\\"b\\\" c\\\\\"", " why=\"a \\\"b\\\" c\\\\\"\n", "why", "a \"b\" c\\"},
    {"plain words", " message=\"plain words\"\n", "message", "plain words"},
    {"a line\nlevel=error", " message=\"a line?level=error\"\n", "message", "a line?level=error"},
    {"name=\x1b[31m", " name=?[31m\n", "name", "?[31m"},
    {"name=\xff", " name=?\n", "name", "?"},
    {"name=\xc3\xa4", " name=\xc3\xa4\n", "name", "\xc3\xa4"},
};

static void lines_in_both_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
        start();
        log_info("reload", "%s", shapes[i].said);
        stop();
        assert_int_equal(strncmp(text, "time=20", 7), 0);
        const char *rest = strstr(text, " level=info event=reload");
        assert_non_null(rest);
        assert_string_equal(rest + strlen(" level=info event=reload"), shapes[i].logfmt);

        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        start();
        log_warning("reload", "%s", shapes[i].said);
        stop();
        json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (object == NULL)
            fail_msg("%s", text);
        assert_string_equal(json_string_value(json_object_get(object, "level")), "warning");
        assert_string_equal(json_string_value(json_object_get(object, "event")), "reload");
        assert_string_equal(json_string_value(json_object_get(object, shapes[i].key)),
                            shapes[i].value);
        json_decref(object);
    }
}

static void numbers_are_numbers(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    start();
    log_info("x", "a=12 b=012 c=9999999999999999999 d=");
    stop();
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "a")), 12);
    assert_true(json_is_string(json_object_get(object, "b")));
    assert_true(json_is_string(json_object_get(object, "c")));
    assert_true(json_is_string(json_object_get(object, "d")));
    json_decref(object);
}

static void long_lines_are_cut_but_whole(void **state)
{
    char longest[4096];

    (void)state;
    for (int filler = 0; filler < 3; filler++) {
        memset(longest, filler == 0 ? 'x' : '"', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
        start();
        if (filler == 2)
            log_info("long", "a=1 b=%s", longest);
        else
            log_info("long", "%s", longest);
        stop();
        assert_true(strlen(text) < LOG_LINE_MAX);
        json_t *object = json_loads(text, 0, NULL);
        if (object == NULL)
            fail_msg("%s", text);
        json_decref(object);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
        start();
        log_info("long", "%s", longest);
        stop();
        assert_true(strlen(text) < LOG_LINE_MAX);
        assert_int_equal(text[strlen(text) - 1], '\n');
    }
}

static void levels(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_WARNING, LOG_FORMAT_LOGFMT);
    start();
    log_info("quiet", "a=1");
    log_debug("quiet", "a=1");
    log_error("loud", "a=1");
    stop();
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, "level=error event=loud a=1\n"));
    assert_true(log_wants(LOG_LEVEL_WARNING));
    assert_false(log_wants(LOG_LEVEL_INFO));

    start();
    log_asked("status", "a=1");
    stop();
    assert_non_null(strstr(text, "level=info event=status a=1\n"));
}

#define PIPE_ROOM 16384
#define LINES     1000

static void drain(void)
{
    static char room[PIPE_ROOM];
    ssize_t n = read(pipes[0], room, sizeof room);

    assert_true(n > 0);
}

/* Nobody reads: lines are lost, and nobody waits. */
static void a_reader_that_stands_still(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    start();
    assert_int_equal(fcntl(pipes[0], F_SETPIPE_SZ, PIPE_ROOM), PIPE_ROOM);
    for (int i = 0; i < LINES; i++)
        log_info("reload", "generation=%d", i);
    drain();
    log_info("reload", "generation=last");
    stop();
    const char *told = strstr(text, "level=warning event=\"log lost\" lines=");
    assert_non_null(told);
    int written = LINES - atoi(told + strlen("level=warning event=\"log lost\" lines="));
    assert_in_range(written, PIPE_ROOM / 2 / 100, PIPE_ROOM / 40);
    const char *next = strstr(told, "generation=last");
    assert_non_null(next);
    assert_string_equal(next, "generation=last\n");
    assert_true(text[0] == 't' && strstr(text, "event=\"log lost\"") < strchr(text, '\n'));
}

static const struct {
    const char *text, *quoted;
    size_t size;
} quotes[] = {
    {"plain", "\"plain\"", 64},
    {"", "\"\"", 64},
    {"a\"b\\c", "\"a\\\"b\\\\c\"", 64},
    {"line\nbreak", "\"line\\nbreak\"", 64},
    {"\x1b\x7f", "\"\\x1b\\x7f\"", 64},
    {"\xc3\xa4", "\"\xc3\xa4\"", 64},
    {"\xc2\x9b", "\"\\xc2\\x9b\"", 64},          /* a C1 control character */
    {"\xc0\x80", "\"\\xc0\\x80\"", 64},          /* overlong */
    {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", 64}, /* surrogate */
    {"\xe2\x82", "\"\\xe2\\x82\"", 64},          /* cut off */
    {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\"", 64},
    {"abcdefghij", "\"abcde\"", 8},
    {"abcd\x1b", "\"abcd\"", 8},
};

static void quoting(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(quotes); i++) {
        char buffer[64];
        assert_string_equal(log_quote(quotes[i].text, buffer, quotes[i].size), quotes[i].quoted);
    }
}

static void what_a_peer_provokes_is_limited(void **state)
{
    struct log_limit limit = {0};
    uint64_t suppressed;
    int written = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        written += log_allowed(&limit, 5000, &suppressed);
    assert_int_equal(written, LOG_LIMIT_BURST);
    assert_true(log_allowed(&limit, 6000, &suppressed));
    assert_int_equal(suppressed, 100 - LOG_LIMIT_BURST);
    assert_true(log_allowed(&limit, 6001, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_in_both_shapes),
        cmocka_unit_test(numbers_are_numbers),
        cmocka_unit_test(long_lines_are_cut_but_whole),
        cmocka_unit_test(levels),
        cmocka_unit_test(a_reader_that_stands_still),
        cmocka_unit_test(quoting),
        cmocka_unit_test(what_a_peer_provokes_is_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
