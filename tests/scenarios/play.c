#include "play.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dname.h"
#include "packet.h"

#define DAY_MS     UINT64_C(86400000)
#define REPEAT_MAX 5000

/* ---- what went wrong ---- */

bool play_fail(struct play *p, const struct scenario_step *step, size_t word, const char *format,
               ...)
{
    unsigned column = word < step->length ? step->words[word].column : step->column;
    va_list arguments;

    if (p->trying)
        return false;
    fprintf(p->out, "%s:%u:%u: ", p->file->path, step->line, column);
    va_start(arguments, format);
    vfprintf(p->out, format, arguments);
    va_end(arguments);
    fprintf(p->out, "\n    %s\n", step->text);
    return false;
}

void play_add(struct play *p, const char *format, ...)
{
    va_list arguments;

    if (p->trying)
        return;
    va_start(arguments, format);
    vfprintf(p->out, format, arguments);
    va_end(arguments);
    fputc('\n', p->out);
}

bool play_read_number(struct play *p, const struct scenario_step *step, size_t word, unsigned most,
                      unsigned *out)
{
    char rest[2];

    if (word < step->length && sscanf(step->words[word].text, "%u%1s", out, rest) == 1 &&
        *out <= most)
        return true;
    return play_fail(p, step, word, "wants a number up to %u here", most);
}

/* "300ms", "2s", "5m", "1h", "1d" */
static bool read_time(struct play *p, const struct scenario_step *step, size_t word, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
    const char *text = step->words[word].text;
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    for (size_t i = 0; end != text && i < ARRAY_LENGTH(units); i++) {
        if (strcmp(end, units[i].unit) == 0 && value <= 7 * DAY_MS / units[i].ms) {
            *out = value * units[i].ms;
            return true;
        }
    }
    return play_fail(p, step, word, "'%s' is no time: wants 300ms, 2s, 5m, 1h or 1d", text);
}

/* ---- opening ---- */

bool play_settle(struct play *p, const struct scenario_step *step)
{
    struct error_list errors = {0};
    char line[1024];
    bool good = stage_settle(p->stage, &errors) && errors.length == 0;

    if (!good)
        play_fail(p, step, 0, "configuration or documents are refused:");
    for (size_t i = 0; i < errors.length; i++)
        play_add(p, "    %s", error_format(&errors.items[i], line, sizeof line));
    error_clear(&errors);
    p->open = p->open || good;
    return good;
}

/* ---- time ---- */

static bool play_after(struct play *p, const struct scenario_step *step)
{
    uint64_t ms = 0;

    if (!read_time(p, step, step->length - 1, &ms))
        return false;
    stage_pass(p->stage, ms);
    return true;
}

static play_fn run;

/* within TIME STEP: the step holds at some moment of that time, and no other is waited for. */
static bool play_within(struct play *p, const struct scenario_step *step)
{
    struct scenario_step inner = *step;
    uint64_t ms = 0;

    if (!read_time(p, step, 1, &ms))
        return false;
    inner.words += 2;
    inner.length -= 2;
    p->trying = true;
    for (uint64_t i = 0; i < ms; i++) {
        if (run(p, &inner)) {
            p->trying = false;
            return true;
        }
        stage_pass(p->stage, 1);
    }
    p->trying = false;
    return run(p, &inner);
}

static bool play_steps(struct play *, const struct scenario_steps *);

static bool play_repeat(struct play *p, const struct scenario_step *step)
{
    struct error_list errors = {0};
    struct scenario_steps steps;
    unsigned times;

    if (!play_read_number(p, step, 1, REPEAT_MAX, &times))
        return false;
    for (unsigned n = 1; n <= times; n++) {
        bool good = scenario_parse(p->file, step->block, step->block_length, n, &steps, &errors) &&
                    play_check(p->file, &steps, &errors);
        error_clear(&errors);
        if (!good)
            return play_fail(p, step, 0, "the lines below are not right");
        if (!play_steps(p, &steps)) {
            play_add(p, "    (in round %u)", n);
            return false;
        }
    }
    return true;
}

/* ---- the rest of the world ---- */

static bool play_counter(struct play *p, const struct scenario_step *step)
{
    uint64_t value;
    unsigned wanted;
    size_t last = step->length - 1;
    const char *how = step->words[3].text;

    if (!play_read_number(p, step, last, UINT32_MAX, &wanted))
        return false;
    if (!stage_counter(p->stage, step->words[1].text, &value))
        return play_fail(p, step, 1, "there is no such counter");
    bool good = last == 3                   ? value == wanted
                : strcmp(how, "least") == 0 ? value >= wanted
                                            : value <= wanted;
    return good || play_fail(p, step, last, "is %llu", (unsigned long long)value);
}

static bool play_flush(struct play *p, const struct scenario_step *step)
{
    struct dname name;
    const char *why, *text = step->words[1].text;
    bool below = step->length > 2;

    if (!dname_from_text(&name, text, strlen(text), &why))
        return play_fail(p, step, 1, "%s", why);
    stage_flush(p->stage, name.wire, below);
    return true;
}

static bool play_connections(struct play *p, const struct scenario_step *step)
{
    const char *how = step->words[step->length - 1].text;
    char to[128];
    static const char *const words[] = {
        [FAKE_CONNECT_ACCEPTED] = "accepted",
        [FAKE_CONNECT_REFUSED] = "refused",
        [FAKE_CONNECT_SILENT] = "ignored",
        [FAKE_CONNECT_SLOW] = "slow",
    };

    for (unsigned i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(how, words[i]) != 0)
            continue;
        if (step->length == 3)
            fake_network_connect(stage_network(p->stage), i);
        else
            fake_network_connect_to(stage_network(p->stage), play_address(step->words[2].text, to),
                                    i);
        return true;
    }
    return play_fail(p, step, step->length - 1, "wants accepted, refused, ignored or slow");
}

/* sockets|sends fail N times with ERROR */
static bool play_failures(struct play *p, const struct scenario_step *step)
{
    static const struct {
        const char *word;
        int error;
    } errors[] = {{"EMFILE", EMFILE},           {"ENFILE", ENFILE}, {"ENOBUFS", ENOBUFS},
                  {"ENETUNREACH", ENETUNREACH}, {"EPERM", EPERM},   {"EAGAIN", EAGAIN}};
    unsigned times;

    if (!play_read_number(p, step, 2, 1000000, &times))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(errors); i++) {
        if (strcmp(step->words[5].text, errors[i].word) != 0)
            continue;
        if (strcmp(step->words[0].text, "sockets") == 0)
            fake_network_fail_sockets(stage_network(p->stage), times, errors[i].error);
        else
            fake_network_fail_sends(stage_network(p->stage), times, errors[i].error);
        return true;
    }
    return play_fail(p, step, 5, "wants EMFILE, ENFILE, ENOBUFS, ENETUNREACH, EPERM or EAGAIN");
}

static bool play_stop(struct play *p, const struct scenario_step *step)
{
    (void)step;
    stage_stop(p->stage);
    return true;
}

/* ---- the language ---- */

/* "*": any word, "...": any number of them.  The first that fits. */
static const struct {
    const char *pattern;
    play_fn *run;
    bool setting; /* may stand before the stage opens */
} verbs[] = {
    {"promise * ...", play_promise, true},
    {"upstreams are asked * times", play_upstreams_are_asked, false},
    {"upstreams become * ...", play_upstreams_become, false},
    {"upstreams * ...", play_upstreams, true},
    {"config * *", play_config, true},
    {"config", play_config_text, true},
    {"document *", play_document, true},
    {"remove document *", play_remove, true},
    {"attach * * ...", play_attach, true},
    {"detach * ...", play_detach, true},
    {"client * asks * * ...", play_client_asks, false},
    {"client * sends ...", play_client_sends, false},
    {"client * gets * ...", play_client_gets, false},
    {"client * waits", play_client_waits, false},
    {"upstream * is asked * * ...", play_upstream_is_asked, false},
    {"upstream * is probed", play_upstream_is_probed, false},
    {"upstream * says * ...", play_upstream_says, false},
    {"upstream * closes", play_upstream_closes, false},
    {"upstream * closes *", play_upstream_closes, false},
    {"upstream * is unreachable", play_upstream_closes, false},
    {"upstream * has * connections", play_upstream_has, false},
    {"nobody is asked", play_nobody_is_asked, false},
    {"nobody is probed", play_nobody_is_probed, false},
    {"ignore questions", play_ignore, false},
    {"after *", play_after, false},
    {"time passes *", play_after, false},
    {"within * * * ...", play_within, false},
    {"repeat *", play_repeat, false},
    {"counter * is *", play_counter, false},
    {"counter * at least *", play_counter, false},
    {"counter * at most *", play_counter, false},
    {"flush *", play_flush, false},
    {"flush * --subtree", play_flush, false},
    {"connections are *", play_connections, false},
    {"connections to * are *", play_connections, false},
    {"sockets fail * times with *", play_failures, false},
    {"sends fail * times with *", play_failures, false},
    {"the server stops", play_stop, false},
};

static bool fits(const char *pattern, const struct scenario_step *step)
{
    for (size_t i = 0;; i++) {
        size_t size = strcspn(pattern, " ");

        if (strncmp(pattern, "...", size) == 0 && size == 3)
            return true;
        if (i == step->length)
            return false;
        if (strncmp(pattern, "*", size) != 0 && (strlen(step->words[i].text) != size ||
                                                 strncmp(step->words[i].text, pattern, size) != 0))
            return false;
        pattern += size;
        if (*pattern == '\0')
            return i + 1 == step->length;
        pattern++;
    }
}

static size_t find_verb(const struct scenario_step *step)
{
    size_t i = 0;

    while (i < ARRAY_LENGTH(verbs) && !fits(verbs[i].pattern, step))
        i++;
    return i;
}

static bool check_step(const struct scenario_file *f, const struct scenario_step *step,
                       struct error_list *errors)
{
    struct scenario_step inner = *step;

    if (find_verb(step) == ARRAY_LENGTH(verbs)) {
        error_add(errors, f->path, step->line, step->column, "nobody knows how to: %s", step->text);
        for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
            if (step->length > 0 && fits("* ...", step) &&
                strncmp(verbs[i].pattern, step->words[0].text, strlen(step->words[0].text)) == 0)
                error_add(errors, f->path, step->line, step->column, "there is: %s",
                          verbs[i].pattern);
        }
        return false;
    }
    if (strcmp(step->words[0].text, "within") != 0)
        return true;
    inner.words += 2;
    inner.length -= 2;
    return check_step(f, &inner, errors);
}

bool play_check(const struct scenario_file *f, const struct scenario_steps *steps,
                struct error_list *errors)
{
    bool good = true;

    for (size_t i = 0; i < steps->length; i++)
        good = check_step(f, &steps->items[i], errors) && good;
    return good;
}

static bool run(struct play *p, const struct scenario_step *step)
{
    return verbs[find_verb(step)].run(p, step);
}

static bool play_steps(struct play *p, const struct scenario_steps *steps)
{
    for (size_t i = 0; i < steps->length; i++) {
        const struct scenario_step *step = &steps->items[i];

        if (!verbs[find_verb(step)].setting && !p->open && !play_settle(p, step))
            return false;
        if (p->trace != NULL)
            fprintf(p->trace, "%10.3f  %4u  %s\n", p->open ? (double)stage_now(p->stage) / 1000 : 0,
                    step->line, step->text);
        if (!run(p, step))
            return false;
    }
    return true;
}

bool play_scenario(struct scenario_file *f, const struct scenario *s, FILE *trace, char **story)
{
    struct play p = {.file = f, .stage = stage_new(trace), .trace = trace};
    bool good;

    p.out = open_memstream(&p.story, &p.story_size);
    if (p.out == NULL)
        abort();
    good = play_steps(&p, &f->before) && play_steps(&p, &s->steps) &&
           (!p.open || (play_clients_are_done(&p) && play_upstreams_are_done(&p)));
    fclose(p.out);
    stage_free(p.stage);
    *story = p.story;
    return good;
}
