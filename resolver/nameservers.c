#include "nameservers.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "alloc.h"
#include "eventtimer.h"
#include "log.h"
#include "resolvconf.h"

#define LINE_ROOM 1024

/* Of the file: what differs when it is another one, or was written to.  All zero: there is none. */
struct fingerprint {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct nameservers {
    const struct config *config;
    struct config_upstreams list;
    struct fingerprint read;       /* when it was read last */
    struct fingerprint settles;    /* it is read when it stays like this */
    struct fingerprint complained; /* of this one the log has heard that it is no use … */
    bool silent;                   /* … if this is set */
    bool again;                    /* a line was no use: perhaps its interface comes yet */
    struct event *timer;           /* NULL: not watched */
    nameservers_changed_fn *changed;
    void *arg;
};

/* ---- the configuration's ---- */

static bool is_own(const struct config *config, const union config_address *address)
{
    for (size_t i = 0; i < config->listen_length; i++) {
        if (configaddress_equal(&config->listen[i], address))
            return true;
    }
    return false;
}

static void take_configured(struct nameservers *n, struct error_list *warnings)
{
    const struct config_upstreams *from = &n->config->forward.upstreams;

    n->list.items = alloc_array(from->length, sizeof *n->list.items);
    for (size_t i = 0; i < from->length; i++) {
        if (is_own(n->config, &from->items[i].address))
            error_warn(warnings, "forward.upstreams", 0, 0,
                       "%s is one of our own listening addresses: left out", from->items[i].text);
        else
            n->list.items[n->list.length++] = from->items[i];
    }
}

/* ---- the file's ---- */

static struct fingerprint look(const char *path)
{
    struct stat s;

    if (stat(path, &s) != 0)
        return (struct fingerprint){0};
    return (struct fingerprint){s.st_dev, s.st_ino, s.st_size, s.st_ctim};
}

static bool is_equal(const struct fingerprint *a, const struct fingerprint *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool is_same_list(const struct config_upstreams *a, const struct config_upstreams *b)
{
    if (a->length != b->length)
        return false;
    for (size_t i = 0; i < a->length; i++) {
        if (!configaddress_equal(&a->items[i].address, &b->items[i].address))
            return false;
    }
    return true;
}

static void log_complaints(const struct error_list *errors)
{
    char line[LINE_ROOM], quoted[LINE_ROOM];

    for (size_t i = 0; i < errors->length; i++)
        log_warning(
            "upstreams", "what=%s",
            log_quote(error_format(&errors->items[i], line, sizeof line), quoted, sizeof quoted));
}

/* Once for each state of the file.  'why' NULL: the rest of it is of use. */
static void complain(struct nameservers *n, const struct error_list *errors, const char *why)
{
    if (n->silent && is_equal(&n->complained, &n->settles))
        return;
    n->silent = true;
    n->complained = n->settles;
    log_complaints(errors);
    if (why == NULL)
        return;
    log_warning("upstreams", "file=%s why=\"%s\" now=\"the last good upstreams stay\"",
                n->config->forward.resolv_conf, why);
}

static void log_list(const struct nameservers *n)
{
    char text[LINE_ROOM] = "";
    size_t used = 0;

    for (size_t i = 0; i < n->list.length && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : ",",
                                 n->list.items[i].text);
    log_info("upstreams changed", "file=%s upstreams=%s", n->config->forward.resolv_conf, text);
}

static void take(struct nameservers *n, struct config_upstreams *fresh)
{
    free(n->list.items);
    n->list = *fresh;
    *fresh = (struct config_upstreams){0};
    log_list(n);
    n->changed(n->arg, &n->list);
}

/* What cannot be read may be readable the next time: descriptors come back. */
static void read_again(struct nameservers *n)
{
    struct config_upstreams fresh;
    struct error_list errors = {0};

    if (!resolvconf_read(n->config->forward.resolv_conf, n->config, &fresh, &errors)) {
        complain(n, &errors, "it cannot be read");
    } else {
        n->read = n->settles;
        n->again = errors.length > 0;
        if (fresh.length == 0)
            complain(n, &errors, "it names no server but ourselves");
        else if (n->again)
            complain(n, &errors, NULL);
        if (fresh.length > 0 && !is_same_list(&fresh, &n->list))
            take(n, &fresh);
    }
    free(fresh.items);
    error_clear(&errors);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct nameservers *n = arg;
    struct fingerprint now = look(n->config->forward.resolv_conf);

    (void)fd;
    (void)what;
    if (is_equal(&now, &n->read) && !n->again) {
        eventtimer_begin(n->timer, NAMESERVERS_LOOK_MS);
    } else if (is_equal(&now, &n->settles)) {
        read_again(n);
        eventtimer_begin(n->timer, NAMESERVERS_LOOK_MS);
    } else {
        n->settles = now; /* it may be half written */
        eventtimer_begin(n->timer, NAMESERVERS_SETTLE_MS);
    }
}

/* ---- life ---- */

static void take_file(struct nameservers *n, struct error_list *warnings)
{
    struct error_list found = {0};

    n->settles = look(n->config->forward.resolv_conf);
    bool read = resolvconf_read(n->config->forward.resolv_conf, n->config, &n->list, &found);
    n->read = read ? n->settles : (struct fingerprint){0}; /* else it is read again */
    n->again = n->silent = read && found.length > 0;
    n->complained = n->settles;
    for (size_t i = 0; !read && i < found.length; i++)
        error_warn(warnings, found.items[i].file, found.items[i].line, found.items[i].column, "%s",
                   found.items[i].text);
    if (read)
        error_move(warnings, &found);
    error_clear(&found);
}

struct nameservers *nameservers_new(const struct config *config, struct error_list *warnings)
{
    struct nameservers *n = alloc_array(1, sizeof *n);

    n->config = config;
    if (config->forward.upstreams.length > 0)
        take_configured(n, warnings);
    else
        take_file(n, warnings);
    if (n->list.length == 0)
        error_warn(warnings, "forward.upstreams", 0, 0,
                   "there is no upstream: names that are not attached are answered SERVFAIL");
    return n;
}

void nameservers_free(struct nameservers *n)
{
    if (n == NULL)
        return;
    if (n->timer != NULL)
        event_free(n->timer);
    free(n->list.items);
    free(n);
}

const struct config_upstreams *nameservers_list(const struct nameservers *n)
{
    return &n->list;
}

void nameservers_watch(struct nameservers *n, struct event_base *base,
                       nameservers_changed_fn *changed, void *arg)
{
    if (n->config->forward.upstreams.length > 0)
        return;
    n->changed = changed;
    n->arg = arg;
    n->timer = evtimer_new(base, on_timer, n);
    eventtimer_begin(n->timer, NAMESERVERS_LOOK_MS);
}
