#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* What an event's own text may take: the rest of the line is time, level and event. */
#define TEXT_MAX      (LOG_LINE_MAX - 160)
#define MS_PER_SECOND 1000
/* A JSON line that is this long is ended: one character with its escapes, the closing quote and
 * brace, the newline and the terminator still fit. */
#define JSON_CUT (LOG_LINE_MAX - 16)

static enum log_level least = LOG_LEVEL_INFO;
static enum log_format shape = LOG_FORMAT_LOGFMT;

/* One line at a time, so that what there is room for is not taken by another. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lost; /* lines since the last that was written */
static bool torn;     /* the last one that was begun has no end */
/* A terminal that takes anything may take one octet.  So one on standard error is opened once more,
 * not to wait for the rest: others have the open file that we were given. */
static int terminal = -1;
/* A pipe that takes anything takes so much, and that in one piece (POSIX). */
_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line is written whole or not at all");

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* A line being put together; what does not fit is cut, the terminator always fits. */
struct line {
    char text[LOG_LINE_MAX];
    size_t length;
};

void log_setup(enum log_level level, enum log_format format)
{
    least = level;
    shape = format;
    if (terminal < 0 && isatty(STDERR_FILENO) == 1)
        terminal = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

bool log_wants(enum log_level level)
{
    return level <= least;
}

/* Octets of the well-formed UTF-8 sequence at 'at' that is safe to show, 0 if there is none:
 * control characters (C0, DEL, C1) steer terminals. */
static size_t shown(const unsigned char *at)
{
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f ? 1 : 0;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    size_t size = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool c1 = at[0] == 0xc2 && at[1] < 0xa0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] >= 0xa0;
    bool beyond = at[0] == 0xf4 && at[1] >= 0x90;
    return c1 || overlong || surrogate || beyond ? 0 : size;
}

/* One character as it stands between quotes: at most four octets. */
static size_t quote_one(const unsigned char *at, size_t whole, char piece[4])
{
    static const char hex[] = "0123456789abcdef";

    if (*at == '"' || *at == '\\' || *at == '\n') {
        piece[0] = '\\';
        piece[1] = *at == '\n' ? 'n' : (char)*at;
        return 2;
    }
    if (whole > 0) {
        memcpy(piece, at, whole);
        return whole;
    }
    piece[0] = '\\';
    piece[1] = 'x';
    piece[2] = hex[*at >> 4];
    piece[3] = hex[*at & 15];
    return 4;
}

char *log_quote(const char *text, char *buffer, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t used = 0;

    assert(size >= 8); /* quotes, one escape, terminator */
    buffer[used++] = '"';
    while (*at != '\0') {
        char piece[4];
        size_t whole = shown(at), length = quote_one(at, whole, piece);
        if (used + length + 2 > size)
            break;
        memcpy(buffer + used, piece, length);
        used += length;
        at += whole > 0 ? whole : 1;
    }
    buffer[used++] = '"';
    buffer[used] = '\0';
    return buffer;
}

static void put_octets(struct line *line, const char *text, size_t size)
{
    size_t room = sizeof line->text - 1 - line->length;

    if (size > room)
        size = room;
    memcpy(line->text + line->length, text, size);
    line->length += size;
    line->text[line->length] = '\0';
}

static void put(struct line *line, const char *text)
{
    put_octets(line, text, strlen(text));
}

/* Whatever slipped past log_quote() still cannot start a new line or steer a terminal. */
static void make_printable(char *text)
{
    unsigned char *at = (unsigned char *)text;

    while (*at != '\0') {
        size_t whole = shown(at);
        if (whole == 0)
            *at = '?';
        at += whole > 0 ? whole : 1;
    }
}

static void put_time(struct line *line)
{
    uint64_t us = clock_wall_us();
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char text[40];

    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, sizeof text - length, ".%03uZ", (unsigned)(us / 1000 % 1000));
    put(line, text);
}

/* One character of a JSON string; 'at' is printable (see make_printable). */
static void put_json_character(struct line *line, const char *at)
{
    if (*at == '"' || *at == '\\')
        put(line, "\\");
    put_octets(line, at, 1);
}

/* The value at 'at' (quoted by log_quote() or bare) as a JSON string; returns where it ends. */
static const char *put_json_value(struct line *line, const char *at)
{
    bool quoted = *at == '"';

    if (quoted)
        at++;
    put(line, "\"");
    while (*at != '\0' && *at != (quoted ? '"' : ' ')) {
        /* The quote's own escapes: \" and \\ stand for themselves, \n and \xNN stay spelled out. */
        if (quoted && at[0] == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        put_json_character(line, at++);
    }
    put(line, "\"");
    return quoted && *at == '"' ? at + 1 : at;
}

static size_t key_length(const char *at)
{
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return n > 0 && at[n] == '=' ? n : 0;
}

static bool is_number(const char *value)
{
    size_t digits = strspn(value, "0123456789");

    /* Up to 15 digits a reader's floating point keeps them all; a leading zero is not JSON. */
    return digits > 0 && digits <= 15 && (value[digits] == ' ' || value[digits] == '\0') &&
           (value[0] != '0' || digits == 1);
}

static bool is_pairs(const char *text)
{
    return key_length(text) > 0;
}

/* Text that is no list of pairs: one member, cut between characters if it is too long. */
static void put_json_message(struct line *line, const char *text)
{
    put(line, ",\"message\":\"");
    while (*text != '\0' && line->length < JSON_CUT) {
        size_t whole = shown((const unsigned char *)text);
        if (whole == 1)
            put_json_character(line, text);
        else
            put_octets(line, text, whole);
        text += whole;
    }
    put(line, "\"");
}

/* key=value pairs as members; a member that does not fit ends the line before it. */
static void put_json_pairs(struct line *line, const char *text)
{
    while (*text != '\0') {
        size_t key = key_length(text);
        size_t before = line->length;
        if (key == 0) { /* a stray word between pairs */
            text += strcspn(text, " ");
            text += strspn(text, " ");
            continue;
        }
        put(line, ",\"");
        put_octets(line, text, key);
        put(line, "\":");
        text += key + 1;
        if (is_number(text)) {
            size_t digits = strspn(text, "0123456789");
            put_octets(line, text, digits);
            text += digits;
        } else {
            text = put_json_value(line, text);
        }
        if (line->length >= JSON_CUT) {
            line->length = before;
            return;
        }
        text += strspn(text, " ");
    }
}

static void put_logfmt(struct line *line, enum log_level level, const char *event, const char *text)
{
    char quoted[64];

    put(line, "time=");
    put_time(line);
    put(line, " level=");
    put(line, level_names[level]);
    put(line, " event=");
    put(line, strchr(event, ' ') != NULL ? log_quote(event, quoted, sizeof quoted) : event);
    if (text[0] == '\0')
        return;
    put(line, " ");
    if (is_pairs(text)) {
        put(line, text);
    } else {
        char message[TEXT_MAX];
        put(line, "message=");
        put(line, log_quote(text, message, sizeof message));
    }
}

static void put_json(struct line *line, enum log_level level, const char *event, const char *text)
{
    put(line, "{\"time\":\"");
    put_time(line);
    put(line, "\",\"level\":\"");
    put(line, level_names[level]);
    put(line, "\",\"event\":\"");
    put(line, event);
    put(line, "\"");
    if (is_pairs(text))
        put_json_pairs(line, text);
    else if (text[0] != '\0')
        put_json_message(line, text);
    put(line, "}");
}

/* Tests put something else in the terminal's place. */
static int where_to(void)
{
    return terminal >= 0 && isatty(STDERR_FILENO) == 1 ? terminal : STDERR_FILENO;
}

static bool takes_a_line(void)
{
    struct pollfd descriptor = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&descriptor, 1, 0) != 0;
}

/* False: it was not taken, or not all that it says. */
static bool write_line(enum log_level level, const char *event, const char *text)
{
    struct line line = {.length = 0};

    if (torn)
        put(&line, "\n");
    if (shape == LOG_FORMAT_JSON)
        put_json(&line, level, event, text);
    else
        put_logfmt(&line, level, event, text);
    if (line.length > sizeof line.text - 2)
        line.length = sizeof line.text - 2;
    put(&line, "\n");
    ssize_t written = write(where_to(), line.text, line.length);
    if (written < 0)
        return errno != EAGAIN; /* of all else nobody is left to be told */
    torn = (size_t)written < line.length;
    return (size_t)written + 1 >= line.length; /* its end may come with the next */
}

static void tell_lost(void)
{
    char text[96];

    snprintf(text, sizeof text, "lines=%llu why=\"whoever reads the log did not keep up\"",
             (unsigned long long)lost);
    if (write_line(LOG_LEVEL_WARNING, "log lost", text))
        lost = 0;
}

/* A server that waits for the reader of its log answers nobody. */
static void offer_line(enum log_level level, const char *event, const char *text)
{
    pthread_mutex_lock(&turn);
    if (lost > 0 && takes_a_line())
        tell_lost();
    if (lost > 0 || !takes_a_line() || !write_line(level, event, text))
        lost++;
    pthread_mutex_unlock(&turn);
}

__attribute__((format(printf, 3, 0))) static void say(enum log_level level, const char *event,
                                                      const char *format, va_list arguments)
{
    char text[TEXT_MAX];

    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    make_printable(text);
    offer_line(level, event, text);
}

#define LOG_FUNCTION(name, level, wanted)                                                          \
    void name(const char *event, const char *format, ...)                                          \
    {                                                                                              \
        va_list arguments;                                                                         \
                                                                                                   \
        if (!(wanted))                                                                             \
            return;                                                                                \
        va_start(arguments, format);                                                               \
        say(level, event, format, arguments);                                                      \
        va_end(arguments);                                                                         \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR, log_wants(LOG_LEVEL_ERROR))
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING, log_wants(LOG_LEVEL_WARNING))
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, log_wants(LOG_LEVEL_INFO))
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, log_wants(LOG_LEVEL_DEBUG))
LOG_FUNCTION(log_asked, LOG_LEVEL_INFO, true)

bool log_allowed(struct log_limit *limit, uint64_t now_ms, uint64_t *suppressed)
{
    uint64_t second = now_ms / MS_PER_SECOND;

    *suppressed = 0;
    if (second != limit->second) {
        limit->second = second;
        limit->count = 0;
    }
    if (limit->count >= LOG_LIMIT_BURST) {
        limit->suppressed++;
        return false;
    }
    limit->count++;
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
