/* Reloads: who asks hears, what changed is told, and what readers see is whole. */
#include <event2/event.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "log.h"
#include "reload.h"
#include "watch.h"

static char folder[64], documents[96];
static struct event_base *base;
static struct config *config;
static const struct hash_key key = {1, 2};

static void write_document(const char *name, const char *text)
{
    char path[160], temporary[160];

    snprintf(path, sizeof path, "%s/%s", documents, name);
    snprintf(temporary, sizeof temporary, "%s/.tmp", documents);
    FILE *f = fopen(temporary, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(rename(temporary, path), 0);
}

static void write_connection(const char *name, const char *host, unsigned last)
{
    char text[512];

    snprintf(text, sizeof text,
             "privateLinkConnectionId: plc-%s\ntype: AWS_ENDPOINT_SERVICE\nstate: ACTIVE\n"
             "endpoints: [{addresses: [10.0.0.%u]}]\n"
             "attachedDomains: [{type: CUSTOM, domains: [{name: %s}]}]\n",
             name, last, host);
    write_document(name, text);
}

static void set_up_folder(void)
{
    strcpy(folder, "/tmp/pldns-reload-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(documents, sizeof documents, "%s/d", folder);
    assert_int_equal(mkdir(documents, 0700), 0);
}

static int set_up(void **unused)
{
    char state[128], directory[128];
    char *environment[] = {state, directory, NULL};
    struct error_list errors = {0};
    struct config_flags flags = {0};

    (void)unused;
    set_up_folder();
    snprintf(state, sizeof state, "PLDNS_ATTACHMENTS_STATE=%s/state", folder);
    snprintf(directory, sizeof directory, "PLDNS_ATTACHMENTS_DIRECTORY=%s", documents);
    config = config_read(&flags, environment, &errors);
    base = event_base_new();
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    publish_thread_enter();
    return config == NULL || base == NULL;
}

static int tear_down(void **unused)
{
    char command[128];

    (void)unused;
    publish_thread_leave();
    event_base_free(base);
    config_free(config);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct reload *start_with(unsigned quiet_ms)
{
    struct error_list errors = {0};
    struct reload *r = reload_new(base, config, key, quiet_ms, &errors);

    assert_non_null(r);
    assert_int_equal(errors.length, 0);
    return r;
}

static struct reload *start(void)
{
    return start_with(RELOAD_QUIET_MS);
}

struct heard {
    int times;
    struct reload_outcome outcome; /* texts are not kept */
    char complaints[512];
};

static void hear(void *arg, const struct reload_outcome *outcome)
{
    struct heard *heard = arg;

    heard->times++;
    heard->outcome = *outcome;
    snprintf(heard->complaints, sizeof heard->complaints, "%s", outcome->complaints);
}

static void ask(struct reload *r, struct heard *heard)
{
    *heard = (struct heard){0};
    reload_request(r, hear, heard);
    while (heard->times == 0)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

/* The last octet of the name's address; 0: it is not answered. */
static unsigned lookup(struct reload *r, const char *text)
{
    struct table_match match;
    struct dname name;
    const char *why;
    uint8_t record[64];

    assert_true(dname_from_text(&name, text, strlen(text), &why));
    publish_read_begin();
    table_find(tableset_table(publish_get(reload_table(r)), VIEW_NONE), name.wire, &match);
    bool answered = match.outcome == TABLE_ANSWER;
    if (answered)
        (void)answer_write(match.answer, 1, 0, record, sizeof record);
    publish_read_end();
    return answered ? record[15] : 0;
}

static void outcomes(void **unused)
{
    struct heard heard;
    size_t length;

    (void)unused;
    write_connection("a.yaml", "a.example", 1);
    struct reload *r = start();
    assert_int_equal(reload_last(r)->generation, 1);
    assert_int_equal(reload_last(r)->change.names_added, 1);
    assert_int_equal(lookup(r, "a.example"), 1);

    ask(r, &heard);
    assert_false(heard.outcome.change.changed);
    assert_int_equal(heard.outcome.generation, 1);

    write_connection("a.yaml", "a.example", 2);
    write_connection("b.yaml", "b.example", 3);
    ask(r, &heard);
    assert_true(heard.outcome.change.changed);
    assert_int_equal(heard.outcome.generation, 2);
    assert_int_equal(heard.outcome.change.names_added, 1);
    assert_int_equal(lookup(r, "a.example"), 2);
    assert_int_equal(lookup(r, "b.example"), 3);

    write_document("b.yaml", "nonsense");
    ask(r, &heard);
    assert_int_equal(heard.outcome.refused_now, 1);
    assert_int_equal(heard.outcome.generation, 2);
    assert_int_equal(strncmp(heard.complaints, "b.yaml:1:", 9), 0);
    assert_int_equal(lookup(r, "b.example"), 3);
    const struct catalog_entry *entries = reload_documents(r, &length);
    assert_int_equal(length, 2);
    assert_false(entries[0].refused);
    assert_true(entries[1].refused && entries[1].served);
    reload_free(r);
}

static void ask_what_changed(struct reload *r, struct heard *heard)
{
    *heard = (struct heard){0};
    reload_ask(r, hear, heard);
    while (heard->times == 0)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

/* What was taken up by itself, or for who does not tell, is told to the next one who asks. */
static void what_changed_a_moment_ago(void **unused)
{
    struct heard heard;

    (void)unused;
    write_connection("a.yaml", "a.example", 1);
    struct reload *r = start();
    write_connection("b.yaml", "b.example", 2);
    while (lookup(r, "b.example") != 2)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    write_connection("c.yaml", "c.example", 3);
    ask(r, &heard);
    assert_int_equal(heard.outcome.change.names_added, 1);
    assert_int_equal(heard.outcome.recent.names_added, 2);
    write_connection("d.yaml", "d.example", 4);
    ask_what_changed(r, &heard);
    assert_int_equal(heard.outcome.change.names_added, 1);
    assert_int_equal(heard.outcome.recent.names_added, 3);
    assert_true(heard.outcome.recent_ms > 0);
    ask_what_changed(r, &heard);
    assert_false(heard.outcome.recent.changed);
    assert_int_equal(heard.outcome.recent.names_added, 0);
    assert_int_equal(heard.outcome.recent_ms, 0);
    reload_free(r);
}

static size_t table_octets(struct reload *r)
{
    publish_read_begin();
    size_t octets = tableset_bytes(publish_get(reload_table(r)));
    publish_read_end();
    return octets;
}

/* A change is laid over the table, and when all is quiet the table is one piece again. */
static void becomes_whole(void **unused)
{
    struct heard heard;
    char name[16], host[24];

    (void)unused;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "%02u.yaml", i);
        snprintf(host, sizeof host, "h%02u.example", i);
        write_connection(name, host, i == 7 ? 2 : 1);
    }
    struct reload *r = start_with(1);
    size_t whole = table_octets(r);
    write_connection("07.yaml", "h07.example", 3);
    ask(r, &heard);
    assert_true(heard.outcome.change.changed);
    while (table_octets(r) > whole)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    assert_int_equal(table_generation(tableset_table(publish_get(reload_table(r)), VIEW_NONE)),
                     heard.outcome.generation);
    assert_int_equal(lookup(r, "h07.example"), 3);
    assert_int_equal(lookup(r, "h08.example"), 1);
    reload_free(r);
}

static void every_asker_hears_once(void **unused)
{
    struct heard heard[20] = {{0}};
    int told;

    (void)unused;
    struct reload *r = start();
    for (int i = 0; i < 20; i++)
        reload_request(r, hear, &heard[i]);
    reload_forget(r, &heard[7]);
    do {
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
        told = 0;
        for (int i = 0; i < 20; i++)
            told += heard[i].times;
    } while (told < 19);
    event_base_loop(base, EVLOOP_NONBLOCK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(heard[i].times, i == 7 ? 0 : 1);
    reload_free(r);
}

static struct reload *again;
static struct heard second;

static void ask_again(void *arg, const struct reload_outcome *outcome)
{
    (void)arg;
    (void)outcome;
    reload_request(again, hear, &second);
    assert_int_equal(second.times, 0); /* never from inside */
}

static void asking_from_a_callback(void **unused)
{
    (void)unused;
    second = (struct heard){0};
    again = start();
    reload_request(again, ask_again, NULL);
    while (second.times == 0)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    reload_free(again);
}

static void ends_while_running(void **unused)
{
    struct heard heard = {0};

    (void)unused;
    for (int i = 0; i < 5; i++) {
        struct reload *r = start();
        reload_request(r, hear, &heard);
        reload_request(r, hear, &heard);
        reload_free(r);
    }
    assert_int_equal(heard.times, 0);
}

static void what_keeps_from_starting(void **unused)
{
    struct error_list errors = {0};
    char line[512];

    (void)unused;
    write_document("a.yaml", "nonsense");
    assert_null(reload_new(base, config, key, RELOAD_QUIET_MS, &errors));
    assert_int_equal(strncmp(error_format(&errors.items[0], line, sizeof line), "a.yaml:1:", 9), 0);
    error_clear(&errors);
    config->attachments.on_start_error = CONFIG_START_SERVE;
    struct reload *r = start();
    assert_int_equal(reload_last(r)->refused_now, 1);
    reload_free(r);
}

/* The builder does it behind everything else, when the loop runs. */
static void wait_until_kept(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/state/accepted/%s", folder, name);
    while (access(path, F_OK) != 0) {
        assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
        usleep(1000);
    }
}

static void last_versions_survive(void **unused)
{
    char away[128];

    (void)unused;
    write_connection("a.yaml", "a.example", 1);
    struct reload *r = start();
    wait_until_kept("a.yaml");
    reload_free(r);
    write_document("a.yaml", "nonsense");
    r = start();
    assert_int_equal(lookup(r, "a.example"), 1);
    assert_int_equal(reload_last(r)->refused_now, 1);
    reload_free(r);
    snprintf(away, sizeof away, "%s/away", folder);
    assert_int_equal(rename(documents, away), 0);
    r = start();
    assert_true(reload_last(r)->degraded);
    char why[160];
    snprintf(why, sizeof why, "%s: No such file or directory", documents);
    assert_string_equal(reload_last(r)->degraded_why, why);
    assert_int_equal(lookup(r, "a.example"), 1);
    reload_free(r);
}

/* ---- readers beside it ---- */

static atomic_bool over;
static struct reload *shared;

/* Both names change together: whoever sees them differ saw two generations at once. */
static void *reader(void *arg)
{
    unsigned long *mixed = arg;
    struct dname names[2];
    const char *why;

    publish_thread_enter();
    if (!dname_from_text(&names[0], "a.example", 9, &why) ||
        !dname_from_text(&names[1], "b.example", 9, &why))
        abort();
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        unsigned octets[2] = {0};
        publish_read_begin();
        const struct table *table = tableset_table(publish_get(reload_table(shared)), VIEW_NONE);
        for (int i = 0; i < 2; i++) {
            struct table_match match;
            uint8_t record[64];
            table_find(table, names[i].wire, &match);
            if (match.outcome == TABLE_ANSWER) {
                (void)answer_write(match.answer, 1, 0, record, sizeof record);
                octets[i] = record[15];
            }
        }
        publish_read_end();
        *mixed += octets[0] != octets[1];
    }
    publish_thread_leave();
    return NULL;
}

static void readers_see_whole_tables(void **unused)
{
    pthread_t threads[2];
    unsigned long mixed[2] = {0};
    struct heard heard;
    char text[512];

    (void)unused;
    atomic_store(&over, false);
    shared = start();
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &mixed[i]), 0);
    for (unsigned n = 1; n <= 30; n++) {
        snprintf(text, sizeof text,
                 "privateLinkConnectionId: plc-1\ntype: AWS_ENDPOINT_SERVICE\nstate: ACTIVE\n"
                 "endpoints: [{addresses: [10.0.0.%u]}]\nattachedDomains:\n"
                 "- {type: CUSTOM, domains: [{name: a.example}, {name: b.example}]}\n",
                 n);
        write_document("a.yaml", text);
        ask(shared, &heard);
        assert_int_equal(lookup(shared, "b.example"), n);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(mixed[i], 0);
    }
    reload_free(shared);
}

/* ---- what is learned besides the documents ---- */

static const uint8_t target[] = "\6target\7example";

static struct targets *book_of(uint8_t last)
{
    struct connection_address address = {false, {10, 0, 0, last}};
    struct targets_entry entry = {target, &address, 1, true, 0, ""};

    return targets_make(&entry, 1);
}

static void write_target(const char *name, const char *host)
{
    char text[512];

    snprintf(text, sizeof text,
             "privateLinkConnectionId: plc-%s\ntype: AWS_ENDPOINT_SERVICE\n"
             "endpoints: [{dnsName: target.example}]\n"
             "attachedDomains: [{type: CUSTOM, domains: [{name: %s}]}]\n",
             name, host);
    write_document(name, text);
}

static void await_generation(struct reload *r, uint64_t generation)
{
    while (reload_last(r)->generation < generation)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void what_is_learned(void **unused)
{
    struct heard heard, listened = {0};

    (void)unused;
    write_target("a.yaml", "a.example");
    struct reload *r = start();
    reload_listen(r, hear, &listened);
    struct wanted *wanted = reload_take_wanted(r);
    assert_int_equal(wanted->names_length, 1);
    assert_memory_equal(wanted->names[0], target, sizeof target);
    wanted_free(wanted);
    assert_null(reload_take_wanted(r));
    assert_int_equal(lookup(r, "a.example"), 0);

    reload_learn(r, book_of(7), NULL);
    await_generation(r, 2);
    assert_int_equal(lookup(r, "a.example"), 7);
    assert_int_equal(listened.times, 1);
    assert_null(reload_take_wanted(r)); /* the documents are the same */

    /* Several at once: the last one counts, and a reader's run takes it along. */
    reload_learn(r, book_of(8), NULL);
    reload_learn(r, book_of(9), NULL);
    write_target("b.yaml", "b.example");
    ask(r, &heard);
    assert_int_equal(lookup(r, "a.example"), 9);
    assert_int_equal(lookup(r, "b.example"), 9);
    wanted = reload_take_wanted(r);
    assert_int_equal(wanted->names_length, 1); /* for both */
    wanted_free(wanted);

    /* What was learned stays, through runs of other reasons, until something else is. */
    write_connection("c.yaml", "c.example", 1);
    ask(r, &heard);
    assert_int_equal(lookup(r, "a.example"), 9);
    reload_learn(r, NULL, NULL);
    await_generation(r, heard.outcome.generation + 1);
    assert_int_equal(lookup(r, "a.example"), 0);
    assert_int_equal(lookup(r, "c.example"), 1);
    reload_learn(r, book_of(1), NULL); /* and ends in the middle of that */
    reload_free(r);
}

/* ---- what is tried again ---- */

/* The last of the base's timers, by the wall clock. */
static int keep_last(const struct event_base *b, const struct event *event, void *last)
{
    struct timeval end;

    (void)b;
    if (event_pending(event, EV_TIMEOUT, &end) != 0 &&
        evutil_timercmp(&end, (struct timeval *)last, >))
        *(struct timeval *)last = end;
    return 0;
}

static struct timeval last_timer(void)
{
    struct timeval last = {0};

    assert_int_equal(event_base_foreach_event(base, keep_last, &last), 0);
    return last;
}

/* Addresses of endpoints change all the time: that tries nothing again, and puts nothing off. */
static void what_is_learned_puts_off_no_retry(void **unused)
{
    const struct timeval pause = {2, 0}, step = {1, 0};
    char path[96];

    (void)unused;
    snprintf(path, sizeof path, "%s/state", folder);
    FILE *f = fopen(path, "w"); /* where the state directory should be */
    assert_non_null(f);
    fclose(f);
    write_target("a.yaml", "a.example");
    struct reload *r = start();
    assert_string_not_equal(reload_last(r)->state_trouble, "");
    struct timeval before = last_timer(), after;
    event_base_loopexit(base, &pause);
    assert_int_equal(event_base_dispatch(base), 0);
    reload_learn(r, book_of(7), NULL);
    await_generation(r, 2);
    after = last_timer();
    evutil_timeradd(&before, &step, &before);
    assert_true(evutil_timercmp(&after, &before, <));
    reload_free(r);
}

/* However long something is held: its end is waited for. */
static void a_day_is_not_too_long_to_hold(void **unused)
{
    const struct timeval nearly = {86400 - 60, 0};
    char path[128];
    struct timeval end;
    struct heard heard;

    (void)unused;
    /* The most there is, and as much more as a run may take. */
    config->attachments.detach_hold_ms = (86400 + 10) * 1000;
    write_connection("a.yaml", "a.example", 1);
    struct reload *r = start();
    snprintf(path, sizeof path, "%s/a.yaml", documents);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(gettimeofday(&end, NULL), 0);
    evutil_timeradd(&end, &nearly, &end);
    ask(r, &heard);
    assert_int_equal(heard.outcome.change.names_removed, 1);
    struct timeval last = last_timer();
    assert_true(evutil_timercmp(&last, &end, >));
    reload_free(r);
}

/* ---- what cannot wait for the end of a burst ---- */

/* True: the new address was answered before the reload that tells of it. */
static bool is_early(struct reload *r, const struct heard *listened, unsigned address)
{
    bool early = false;

    write_connection("a.yaml", "a.example", address);
    while (listened->times == 0) {
        early = early || lookup(r, "a.example") == address;
        assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
    }
    assert_int_equal(lookup(r, "a.example"), address);
    return early;
}

static void an_address_is_served_at_once(void **unused)
{
    enum { TRIES = 50 };
    struct heard listened = {0};
    unsigned address = 1;
    bool early = false;

    (void)unused;
    write_connection("a.yaml", "a.example", address);
    write_connection("b.yaml", "b.example", 1);
    struct reload *r = start();
    reload_listen(r, hear, &listened);
    while (!early && address < TRIES) { /* else other programs have the processor */
        usleep((WATCH_QUIET_MS + 50) * 1000);
        listened = (struct heard){0};
        early = is_early(r, &listened, ++address);
        assert_true(listened.outcome.change.changed);
        assert_int_equal(listened.outcome.change.accepted, 1);
        assert_int_equal(listened.outcome.change.names_moved, 1);
        assert_int_equal(listened.outcome.generation, address);
    }
    assert_true(early);
    reload_free(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(outcomes),
        TEST(what_changed_a_moment_ago),
        TEST(becomes_whole),
        TEST(every_asker_hears_once),
        TEST(asking_from_a_callback),
        TEST(ends_while_running),
        TEST(what_is_learned),
        TEST(what_is_learned_puts_off_no_retry),
        TEST(a_day_is_not_too_long_to_hold),
        TEST(what_keeps_from_starting),
        TEST(last_versions_survive),
        TEST(readers_see_whole_tables),
        TEST(an_address_is_served_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
