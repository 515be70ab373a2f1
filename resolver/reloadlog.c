#include "reloadlog.h"

#include <string.h>

#include "log.h"
#include "tombstone.h"

#define QUOTED 1200
/* Complaints about one document that are logged: a program that writes documents makes one mistake
 * many times. */
#define LOGGED_MAX 20

static bool is_same_text(const struct error_list *a, const struct error_list *b)
{
    if (a->length != b->length)
        return false;
    for (size_t i = 0; i < a->length; i++) {
        if (a->items[i].line != b->items[i].line || strcmp(a->items[i].text, b->items[i].text) != 0)
            return false;
    }
    return true;
}

static bool is_news(const struct catalog_entry *entry, const struct catalog_entry *before)
{
    return before == NULL || entry->refused != before->refused || entry->served != before->served ||
           entry->restored != before->restored ||
           memcmp(&entry->offered_digest, &before->offered_digest, sizeof(struct digest)) != 0 ||
           !is_same_text(entry->complaints, before->complaints);
}

static void log_entry(const struct catalog_entry *entry)
{
    size_t length = entry->complaints->length, most = length < LOGGED_MAX ? length : LOGGED_MAX;
    char line[QUOTED], quoted[QUOTED];

    for (size_t i = 0; i < most; i++) {
        const struct error *e = &entry->complaints->items[i];
        log_quote(error_format(e, line, sizeof line), quoted, sizeof quoted);
        if (e->warning)
            log_warning("document", "name=%s what=%s", entry->name, quoted);
        else
            log_error("document refused", "name=%s what=%s now=\"%s\"", entry->name, quoted,
                      entry->served ? "its last accepted version is served" : "it is not served");
    }
    if (most < length)
        log_warning("document",
                    "name=%s what=\"and %zu complaints more\" now=\"pldnsctl check shows all\"",
                    entry->name, length - most);
}

/* Complaints are logged when they are new, not at every run again. */
static void log_documents(const struct buildreport *report, const struct buildreport *before)
{
    size_t at = 0, length = before != NULL ? before->length : 0;

    for (size_t i = 0; i < report->length; i++) {
        const struct catalog_entry *entry = &report->documents[i], *old = NULL;
        while (at < length && strcmp(before->documents[at].name, entry->name) < 0)
            at++;
        if (at < length && strcmp(before->documents[at].name, entry->name) == 0)
            old = &before->documents[at];
        if (is_news(entry, old))
            log_entry(entry);
    }
}

static bool serves_any(const struct buildreport *report)
{
    for (size_t i = 0; i < report->length; i++) {
        if (report->documents[i].served)
            return true;
    }
    return false;
}

static void log_degraded(const struct buildreport *report, const struct buildreport *before)
{
    const char *was = before != NULL && before->degraded != NULL ? before->degraded : "";
    char quoted[QUOTED];

    if (report->degraded != NULL && strcmp(report->degraded, was) != 0)
        log_error("degraded", "why=%s now=\"%s\"",
                  log_quote(report->degraded, quoted, sizeof quoted),
                  serves_any(report) ? "all that was accepted last is served"
                                     : "nothing was accepted before, so no name is attached");
    else if (report->degraded == NULL && was[0] != '\0')
        log_info("degraded", "now=\"the directory can be read again\"");
}

static void log_outcome(const struct buildreport *report, bool news)
{
    const struct catalog_change *c = &report->change;

    (news ? log_info : log_debug)(
        "reload",
        "generation=%llu changed=%s names_added=%zu names_moved=%zu names_removed=%zu "
        "documents=%zu accepted=%zu refused=%zu removed=%zu ms=%llu",
        (unsigned long long)report->generation, report->built ? "yes" : "no", c->names_added,
        c->names_moved, c->names_removed, report->length, c->accepted, report->refused, c->removed,
        (unsigned long long)report->took_ms);
}

static void log_not_held(const struct catalog_change *c)
{
    if (c->names_not_held > 0)
        log_warning("detached",
                    "names=%zu why=\"more than %u are detached at once\" now=\"these are forwarded "
                    "before detachHold is over\"",
                    c->names_not_held, TOMBSTONE_MAX);
}

void reloadlog_write(const struct buildreport *report, const struct buildreport *before, bool asked)
{
    log_documents(report, before);
    log_degraded(report, before);
    log_not_held(&report->change);
    /* A retry that found what the last run found is no news, unless somebody asked. */
    log_outcome(report, (report->built && report->read) || asked || before == NULL ||
                            report->refused != before->refused);
}
