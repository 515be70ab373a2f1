#include "reload.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "builder.h"
#include "clock.h"
#include "log.h"
#include "recent.h"
#include "reloadlog.h"
#include "watch.h"

/* What could not be read is tried again after this long: the reason may be gone without a trace in
 * the directory (descriptors, memory, a network file system). */
#define READ_RETRY_MS 10000
/* The state directory is tried again after this long when it could not take something. */
#define STATE_RETRY_MS 60000
/* A tombstone's end is looked at a little later, so that it has surely ended. */
#define EXPIRY_SLACK_MS 5
#define QUOTED          1200

struct asker {
    struct asker *next;
    reload_done_fn *done;
    void *arg;
    bool tells; /* somebody what changed */
};

struct reload {
    struct builder *builder;
    struct watch *watch;
    struct buildreport *report; /* of the last run: the outcome's texts live in it */
    struct reload_outcome outcome;
    char trouble[BUILDER_TROUBLE]; /* of the state directory */
    bool running, wanted;          /* a run is under way; another must follow it */
    bool thorough;                 /* that one reads every file, however untouched it looks … */
    struct fileset which;          /* … or those of which something was heard since the last */
    struct recent recent;          /* what changed in runs that nobody was told of … */
    bool learned;                  /* something that the next run builds a table of */
    struct asker *asking;          /* of the run under way */
    struct asker *waiting;         /* for the next one */
    int done;                      /* eventfd: the builder has a report */
    struct event *on_done, *timer, *begun, *quiet;
    struct timeval quiet_time;
    uint64_t tried_ms; /* when the last run ended that read the files, to keep them */
    reload_done_fn *listener;
    void *listener_arg;
};

/* ---- what is told ---- */

static void take_state(struct reload *r)
{
    char now[BUILDER_TROUBLE], quoted[QUOTED];

    if (builder_take_state(r->builder, now))
        r->learned = true;
    if (strcmp(now, r->trouble) == 0)
        return;
    memcpy(r->trouble, now, sizeof r->trouble);
    if (now[0] != '\0')
        log_warning("state", "why=%s now=\"served all the same, tried again every %d seconds\"",
                    log_quote(now, quoted, sizeof quoted), STATE_RETRY_MS / 1000);
    else
        log_info("state", "now=\"all accepted documents are kept again\"");
}

static void take_report(struct reload *r, struct buildreport *report)
{
    reloadlog_write(report, r->report, r->asking != NULL);
    if (report->wanted == NULL && r->report != NULL) { /* not taken yet, and still wanted */
        report->wanted = r->report->wanted;
        r->report->wanted = NULL;
    }
    buildreport_free(r->report);
    r->report = report;
    r->outcome = (struct reload_outcome){
        .generation = report->generation,
        .change = report->change,
        .refused_now = report->refused,
        .asked = r->asking != NULL,
        .degraded = report->degraded != NULL,
        .degraded_why = report->degraded != NULL ? report->degraded : "",
        .state_trouble = r->trouble,
        .being_written = report->being_written,
        .complaints = report->complaints,
        .took_ms = report->took_ms,
    };
    r->outcome.recent = r->outcome.change;
    r->outcome.change.changed = report->built;
    uint64_t now = clock_ms(), since = recent_join(&r->recent, now, &r->outcome.recent);
    if (report->read)
        r->tried_ms = now;
    if (report->read && r->watch != NULL)
        watch_was_read(r->watch, report->fingerprint);
    if (since != 0)
        r->outcome.recent_ms = now > since ? now - since : 1;
    r->outcome.recent.changed = r->outcome.recent.changed || report->built;
}

/* ---- runs ---- */

static void start_if_wanted(struct reload *r)
{
    if (r->running || (!r->wanted && !r->learned))
        return;
    r->running = true;
    r->learned = false;
    if (!r->wanted) {
        builder_run(r->builder, BUILDER_REBUILD, NULL);
        return;
    }
    r->wanted = false;
    assert(r->asking == NULL);
    r->asking = r->waiting;
    r->waiting = NULL;
    builder_run(r->builder, r->thorough ? BUILDER_READ : BUILDER_TRUST, &r->which);
    r->thorough = false;
}

/* One at a time from the list's head: what is called may forget any of them.  True: somebody knows
 * now what changed. */
static bool tell_askers(struct reload *r)
{
    bool told = false;

    while (r->asking != NULL) {
        struct asker *asker = r->asking;
        r->asking = asker->next;
        asker->done(asker->arg, &r->outcome);
        told = told || asker->tells;
        free(asker);
    }
    return told;
}

static uint64_t nearer(uint64_t delay, uint64_t end, uint64_t now)
{
    uint64_t left = end > now ? end - now : 0;

    return left < delay ? left : delay;
}

static void set_timer(struct reload *r)
{
    uint64_t now = clock_ms(), delay = UINT64_MAX;

    if (r->report->next_expiry != UINT64_MAX)
        delay = nearer(delay, r->report->next_expiry + EXPIRY_SLACK_MS, now);
    if (r->trouble[0] != '\0' && !r->wanted)
        delay = nearer(delay, r->tried_ms + STATE_RETRY_MS, now);
    if ((r->report->degraded != NULL || r->report->unreadable > 0) && !r->wanted)
        delay = nearer(delay, r->tried_ms + READ_RETRY_MS, now);
    if (r->report->look_again != UINT64_MAX)
        delay = nearer(delay, r->report->look_again, now);
    if (delay == UINT64_MAX) {
        evtimer_del(r->timer);
        return;
    }
    struct timeval wait = {(time_t)(delay / 1000), (suseconds_t)(delay % 1000 * 1000)};
    evtimer_add(r->timer, &wait);
}

static void wait_for_quiet(struct reload *r)
{
    if (r->report->patched)
        evtimer_add(r->quiet, &r->quiet_time);
    else
        evtimer_del(r->quiet);
}

static void end_run(struct reload *r, struct buildreport *report)
{
    take_report(r, report);
    if (tell_askers(r)) /* what they ask for now waits for the next run */
        recent_clear(&r->recent);
    else
        recent_add(&r->recent, &report->change, clock_ms());
    if (r->listener != NULL)
        r->listener(r->listener_arg, &r->outcome);
    r->running = false;
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
    struct reload *r = arg;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) != sizeof count)
        return; /* not yet: level triggered */
    take_state(r);
    struct buildreport *report = builder_take(r->builder);
    if (report != NULL)
        end_run(r, report);
    set_timer(r);
    wait_for_quiet(r);
    start_if_wanted(r);
}

static void on_changed(void *arg, struct fileset *which)
{
    struct reload *r = arg;

    fileset_move(&r->which, which);
    reload_request(r, NULL, NULL);
}

/* The run that follows soon reads it, too; this is what need not wait for that. */
static void on_arrived(void *arg, const char *name)
{
    struct reload *r = arg;

    if (!r->running)
        builder_early(r->builder, name);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct reload *r = arg;

    (void)fd;
    (void)what;
    /* What could not be read is tried again, else it was for the time alone. */
    if (r->report->degraded != NULL || r->report->unreadable > 0 ||
        r->report->being_written[0] != '\0')
        fileset_add_any(&r->which);
    reload_request(r, NULL, NULL);
}

/* The loop runs: the start is over. */
static void on_begun(evutil_socket_t fd, short what, void *arg)
{
    struct reload *r = arg;

    (void)fd;
    (void)what;
    builder_keep(r->builder);
}

static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
    struct reload *r = arg;

    (void)fd;
    (void)what;
    if (r->running) /* its end sets the timer anew */
        return;
    r->running = true;
    builder_run(r->builder, BUILDER_WHOLE, NULL);
}

/* ---- the contract ---- */

struct reload *reload_new(struct event_base *base, const struct config *config, struct hash_key key,
                          unsigned quiet_ms, struct error_list *errors)
{
    struct builder *builder = builder_new(config, key, errors);

    if (builder == NULL)
        return NULL;
    struct reload *r = alloc_array(1, sizeof *r);
    r->builder = builder;
    take_state(r);
    take_report(r, builder_take(builder));
    r->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->done < 0 || !builder_start(builder, r->done)) {
        error_add(errors, "reload", 0, 0, "cannot start its thread: %s", strerrordesc_np(errno));
        reload_free(r);
        return NULL;
    }
    r->on_done = event_new(base, r->done, EV_READ | EV_PERSIST, on_done, r);
    event_add(r->on_done, NULL);
    r->timer = evtimer_new(base, on_timer, r);
    r->quiet = evtimer_new(base, on_quiet, r);
    r->quiet_time = (struct timeval){quiet_ms / 1000, quiet_ms % 1000 * 1000};
    set_timer(r);
    wait_for_quiet(r);
    r->begun = evtimer_new(base, on_begun, r);
    event_active(r->begun, EV_TIMEOUT, 0);
    r->watch =
        watch_new(base, config->attachments.directory, r->report->fingerprint, on_changed, r);
    watch_tell_arrivals(r->watch, on_arrived);
    return r;
}

static void free_askers(struct asker *list)
{
    while (list != NULL) {
        struct asker *asker = list;
        list = asker->next;
        free(asker);
    }
}

bool reload_end(struct reload *r)
{
    return builder_end(r->builder);
}

void reload_free(struct reload *r)
{
    if (r == NULL)
        return;
    watch_free(r->watch);
    builder_free(r->builder);
    if (r->on_done != NULL)
        event_free(r->on_done);
    if (r->timer != NULL)
        event_free(r->timer);
    if (r->begun != NULL)
        event_free(r->begun);
    if (r->quiet != NULL)
        event_free(r->quiet);
    if (r->done >= 0)
        close(r->done);
    free_askers(r->asking);
    free_askers(r->waiting);
    fileset_clear(&r->which);
    buildreport_free(r->report);
    free(r);
}

struct publish *reload_table(struct reload *r)
{
    return builder_table(r->builder);
}

static void request(struct reload *r, reload_done_fn *done, void *arg, bool tells)
{
    if (done != NULL) {
        struct asker *asker = alloc_array(1, sizeof *asker);
        *asker = (struct asker){.next = r->waiting, .done = done, .arg = arg, .tells = tells};
        r->waiting = asker;
    }
    r->thorough = r->thorough || done != NULL; /* who asks for it wants to be sure */
    r->wanted = true;
    start_if_wanted(r);
}

void reload_request(struct reload *r, reload_done_fn *done, void *arg)
{
    request(r, done, arg, false);
}

void reload_ask(struct reload *r, reload_done_fn *done, void *arg)
{
    request(r, done, arg, true);
}

void reload_learn(struct reload *r, struct targets *targets, struct health *health)
{
    builder_learn(r->builder, targets, health);
    r->learned = true;
    start_if_wanted(r);
}

struct wanted *reload_take_wanted(struct reload *r)
{
    struct wanted *wanted = r->report->wanted;

    r->report->wanted = NULL;
    return wanted;
}

static void forget(struct asker **list, const void *arg)
{
    while (*list != NULL) {
        struct asker *asker = *list;
        if (asker->arg == arg) {
            *list = asker->next;
            free(asker);
        } else {
            list = &asker->next;
        }
    }
}

void reload_forget(struct reload *r, void *arg)
{
    forget(&r->asking, arg);
    forget(&r->waiting, arg);
}

void reload_listen(struct reload *r, reload_done_fn *listener, void *arg)
{
    r->listener = listener;
    r->listener_arg = arg;
}

const struct reload_outcome *reload_last(const struct reload *r)
{
    return &r->outcome;
}

const struct catalog_entry *reload_documents(const struct reload *r, size_t *length)
{
    *length = r->report->length;
    return r->report->documents;
}
