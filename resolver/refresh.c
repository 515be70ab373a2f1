#include "refresh.h"

#include <stdlib.h>
#include <string.h>

#include "addressset.h"
#include "alloc.h"
#include "expiry.h"
#include "log.h"
#include "record.h"
#include "special.h"
#include "targetanswer.h"

#define CLASS_IN 1
/* Questions of all names on their way: two for each. */
#define BOTH_MAX  (2 * CONNECTION_ADDRESSES_MAX)
#define IN_FLIGHT (2 * REFRESH_AT_ONCE)
/* Room for the addresses of a name in a log line; more are cut. */
#define LISTED_MAX 640

struct target;

struct family {
    struct forward_job job; /* first: it is the family */
    struct target *target;
    uint16_t type;
    enum targetanswer outcome; /* of the round that runs, or of the last one */
    bool told;                 /* that it has addresses, or that it has none */
    uint64_t ttl_ms;
    struct addressset addresses; /* the last good ones */
};

struct target {
    struct expiry_item item; /* in 'waiting', unless it is being asked for */
    struct refresh *refresh;
    uint8_t *name;
    struct family families[2]; /* IPv4, IPv6 */
    unsigned asking;           /* families that are not answered yet */
    bool resolved;
    unsigned failures;         /* in a row */
    enum targetanswer trouble; /* TARGETANSWER_ADDRESSES: none */
    uint64_t trouble_ms, fresh_ms;
};

struct refresh {
    struct refresh_options options;
    struct forward *forward;
    struct network_timer *timer;
    struct target **targets; /* by name */
    size_t length;
    struct expiry waiting;
    unsigned asking;
    uint64_t rounds, failures, loops;
    struct log_limit log_limit;
};

/* ---- words ---- */

static const char *list_addresses(const struct target *target, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned f = 0; f < ARRAY_LENGTH(target->families); f++)
        used = addressset_list(&target->families[f].addresses, text, size, used);
    return text;
}

static void log_target(struct target *target, uint64_t now, const char *what)
{
    char name[DNAME_TEXT_MAX], quoted[DNAME_TEXT_MAX + 64], listed[LISTED_MAX];
    uint64_t suppressed;

    if (!log_allowed(&target->refresh->log_limit, now, &suppressed))
        return;
    log_quote(dname_to_text(target->name, name), quoted, sizeof quoted);
    (target->trouble == TARGETANSWER_ADDRESSES ? log_info : log_warning)(
        "target", "name=%s addresses=%s%s%s %s suppressed=%llu", quoted,
        list_addresses(target, listed, sizeof listed),
        target->trouble == TARGETANSWER_ADDRESSES ? "" : " why=",
        targetanswer_word(target->trouble), what, (unsigned long long)suppressed);
}

/* ---- rounds ---- */

static void wait_until(struct target *target, uint64_t when);
static void start_due(struct refresh *r, uint64_t now);

/* Between nine tenths and all of it: never later than promised. */
static uint64_t jitter(struct refresh *r, uint64_t ms)
{
    uint16_t dice;

    r->options.network->random(r->options.network, &dice, sizeof dice);
    return ms - (ms / 10 * dice >> 16);
}

static uint64_t clamp_ttl(const struct target *target)
{
    uint64_t ttl = REFRESH_TTL_MOST_MS;

    for (unsigned f = 0; f < ARRAY_LENGTH(target->families); f++) {
        const struct family *family = &target->families[f];
        if (family->outcome == TARGETANSWER_ADDRESSES && family->ttl_ms < ttl)
            ttl = family->ttl_ms;
    }
    return ttl > REFRESH_TTL_LEAST_MS ? ttl : REFRESH_TTL_LEAST_MS;
}

static uint64_t retry_delay(const struct target *target)
{
    uint64_t delay = REFRESH_RETRY_FIRST_MS;

    for (unsigned i = 1; i < target->failures && delay < REFRESH_RETRY_MOST_MS; i++)
        delay *= 2;
    return delay < REFRESH_RETRY_MOST_MS ? delay : REFRESH_RETRY_MOST_MS;
}

/* What the round came to: TARGETANSWER_ADDRESSES, or what is wrong.  A family that failed while the
 * other did well is only missed if it had addresses before: many names have one family alone, and
 * not every server says so properly. */
static enum targetanswer round_outcome(const struct target *target)
{
    const struct family *v4 = &target->families[0], *v6 = &target->families[1];

    if (v4->outcome == TARGETANSWER_OWNED || v6->outcome == TARGETANSWER_OWNED)
        return TARGETANSWER_OWNED;
    if (v4->outcome == TARGETANSWER_ADDRESSES)
        return v6->outcome > TARGETANSWER_NONE && v6->addresses.length > 0 ? v6->outcome
                                                                           : TARGETANSWER_ADDRESSES;
    if (v6->outcome == TARGETANSWER_ADDRESSES)
        return v4->outcome > TARGETANSWER_NONE && v4->addresses.length > 0 ? v4->outcome
                                                                           : TARGETANSWER_ADDRESSES;
    return v4->outcome > TARGETANSWER_NONE ? v4->outcome : v6->outcome;
}

/* One family may end while the other goes on, but not both: a name without any address says nothing
 * about where its traffic goes. */
static bool drop_ended(struct target *target)
{
    static const struct addressset none;
    bool changed = false;

    for (unsigned f = 0; f < ARRAY_LENGTH(target->families); f++) {
        struct family *family = &target->families[f], *other = &target->families[1 - f];
        if (family->outcome == TARGETANSWER_NONE && other->outcome == TARGETANSWER_ADDRESSES)
            changed |= addressset_replace(&family->addresses, &none);
    }
    return changed;
}

static void note_trouble(struct target *target, enum targetanswer told, uint64_t now)
{
    struct refresh *r = target->refresh;
    bool had = target->trouble != TARGETANSWER_ADDRESSES, has = told != TARGETANSWER_ADDRESSES;
    /* That it did not get to be asked for is no news of a name in trouble. */
    enum targetanswer outcome = had && told == TARGETANSWER_OVERLOADED ? target->trouble : told;
    bool again = outcome == target->trouble;

    target->trouble = outcome;
    if (!has) {
        target->failures = 0;
        target->fresh_ms = now;
        if (had)
            log_target(target, now, "now=\"it is answered again\"");
    } else {
        target->failures++;
        r->failures++;
        r->loops += told == TARGETANSWER_OWNED || told == TARGETANSWER_KEPT;
        if (!had)
            target->trouble_ms = now;
        if (!again)
            log_target(target, now,
                       target->resolved ? "now=\"its last good addresses are kept\""
                                        : "now=\"it has no address, tried again\"");
    }
    if (!again)
        r->options.changed(r->options.arg, now);
}

static void end_round(struct target *target, uint64_t now)
{
    struct refresh *r = target->refresh;

    r->asking--;
    if (drop_ended(target)) {
        log_target(target, now, "now=\"addresses have changed\"");
        r->options.changed(r->options.arg, now);
    }
    note_trouble(target, round_outcome(target), now);
    uint64_t delay =
        target->trouble == TARGETANSWER_ADDRESSES ? clamp_ttl(target) : retry_delay(target);
    wait_until(target, now + jitter(r, delay));
    start_due(r, now);
}

static void take_answer(struct family *family, const struct forward_outcome *told)
{
    struct target *target = family->target;
    struct refresh *r = target->refresh;
    struct addressset addresses;

    family->outcome = targetanswer_judge(told, r->options.owned, r->options.arg);
    if (family->outcome == TARGETANSWER_ADDRESSES) {
        addressset_read(&addresses, told->message, told->size, told->reply, family->type);
        bool news = !family->told;
        family->told = true;
        if (addresses.length == 0) {
            family->outcome = TARGETANSWER_NONE;
            if (news)
                r->options.changed(r->options.arg, told->now);
        } else {
            family->ttl_ms = (uint64_t)told->reply->ttl * 1000;
            target->fresh_ms = target->resolved ? target->fresh_ms : told->now;
            target->resolved = true;
            if (addressset_replace(&family->addresses, &addresses)) {
                log_target(target, told->now, "now=\"addresses have changed\"");
                r->options.changed(r->options.arg, told->now);
            }
        }
    }
    if (--target->asking == 0)
        end_round(target, told->now);
}

static void on_outcome(void *arg, const struct forward_outcome *told)
{
    struct forward_job *job;

    (void)arg;
    while ((job = forward_next(told)) != NULL)
        take_answer((struct family *)job, told);
}

static void begin_round(struct target *target, uint64_t now)
{
    struct refresh *r = target->refresh;

    r->asking++;
    r->rounds++;
    target->asking = ARRAY_LENGTH(target->families);
    for (unsigned f = 0; f < ARRAY_LENGTH(target->families); f++) {
        struct family *family = &target->families[f];
        const struct reply_question question = {.name = target->name,
                                                .name_size = (uint8_t)dname_size(target->name),
                                                .type = family->type,
                                                .class = CLASS_IN};
        family->outcome = TARGETANSWER_WAITING;
        forward_ask(r->forward, &question, now, &family->job);
    }
}

/* ---- when ---- */

static void wait_until(struct target *target, uint64_t when)
{
    expiry_add(&target->refresh->waiting, &target->item, when);
}

static struct target *target_of(struct expiry_item *item)
{
    return (struct target *)((char *)item - offsetof(struct target, item));
}

static void start_due(struct refresh *r, uint64_t now)
{
    struct expiry_item *first;
    uint64_t when;

    while (r->asking < REFRESH_AT_ONCE) {
        first = expiry_first(&r->waiting, &when);
        if (first == NULL)
            break;
        if (when > now) {
            r->options.network->timer_set(r->timer, now, when - now);
            return;
        }
        expiry_remove(&r->waiting, first);
        begin_round(target_of(first), now);
    }
    r->options.network->timer_clear(r->timer); /* the end of a round comes here again */
}

static void on_timer(void *arg, uint64_t now)
{
    start_due(arg, now);
}

/* ---- life ---- */

/* As forward_options.guard. */
static bool is_kept(void *arg, const uint8_t *name, unsigned view)
{
    const struct refresh *r = arg;
    size_t root_offset;

    return special_find(name, &root_offset) != SPECIAL_NONE ||
           r->options.owned(r->options.arg, name, view);
}

struct refresh *refresh_new(const struct refresh_options *options)
{
    struct refresh *r = alloc_array(1, sizeof *r);

    r->options = *options;
    r->forward = forward_new(&(struct forward_options){
        .config = options->config,
        .upstreams = options->upstreams,
        .network = options->network,
        .stats = options->stats,
        .in_flight = IN_FLIGHT,
        .tell = on_outcome,
        .guard = is_kept,
        .guard_arg = r,
    });
    r->timer = options->network->timer(options->network, on_timer, r);
    return r;
}

void refresh_set_upstreams(struct refresh *r, const struct config_upstreams *list, uint64_t now)
{
    forward_set_upstreams(r->forward, list, now);
}

static struct target *target_new(struct refresh *r, const uint8_t *name)
{
    struct target *target = alloc_array(1, sizeof *target);

    target->refresh = r;
    target->name = alloc_copy(name, dname_size(name));
    target->trouble = TARGETANSWER_ADDRESSES;
    target->families[0].type = RECORD_A;
    target->families[1].type = RECORD_AAAA;
    for (unsigned f = 0; f < ARRAY_LENGTH(target->families); f++)
        target->families[f].target = target;
    return target;
}

static void target_free(struct target *target)
{
    struct refresh *r = target->refresh;

    if (target->asking > 0) {
        r->asking--;
        forward_cancel(&target->families[0].job);
        forward_cancel(&target->families[1].job);
    } else {
        expiry_remove(&r->waiting, &target->item);
    }
    free(target->name);
    free(target);
}

void refresh_free(struct refresh *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->length; i++)
        target_free(r->targets[i]);
    free(r->targets);
    expiry_clear(&r->waiting);
    forward_free(r->forward);
    r->options.network->timer_free(r->timer);
    free(r);
}

bool refresh_want(struct refresh *r, uint8_t *const *names, size_t length, uint64_t now)
{
    struct target **targets = alloc_array(length, sizeof(struct target *));
    size_t old = 0, before = r->length, kept = 0;

    for (size_t i = 0; i < length; i++) {
        int order = 1;
        while (old < r->length && (order = targets_compare(r->targets[old]->name, names[i])) < 0)
            target_free(r->targets[old++]);
        if (old < r->length && order == 0) {
            targets[i] = r->targets[old++];
            kept++;
        } else {
            targets[i] = target_new(r, names[i]);
            wait_until(targets[i], now);
        }
    }
    while (old < r->length)
        target_free(r->targets[old++]);
    free(r->targets);
    r->targets = targets;
    r->length = length;
    start_due(r, now);
    return kept < before;
}

/* ---- what is known ---- */

static struct refresh_status status_of(const struct target *target,
                                       struct connection_address *addresses)
{
    struct refresh_status status = {
        .name = target->name,
        .addresses = addresses,
        .trouble = targetanswer_word(target->trouble),
        .trouble_ms = target->trouble_ms,
        .resolved = target->resolved,
        .fresh_ms = target->fresh_ms,
    };

    for (unsigned f = 0; f < ARRAY_LENGTH(target->families); f++) {
        for (unsigned i = 0; i < target->families[f].addresses.length; i++)
            addresses[status.length++] = target->families[f].addresses.items[i];
    }
    return status;
}

void refresh_each(const struct refresh *r, refresh_each_fn *each, void *arg)
{
    struct connection_address addresses[BOTH_MAX];

    for (size_t i = 0; r != NULL && i < r->length; i++) {
        struct refresh_status status = status_of(r->targets[i], addresses);
        each(arg, &status);
    }
}

struct refresh_totals refresh_totals(const struct refresh *r)
{
    struct refresh_totals totals = {0};

    if (r == NULL)
        return totals;
    totals = (struct refresh_totals){
        .names = r->length, .rounds = r->rounds, .failures = r->failures, .loops = r->loops};
    for (size_t i = 0; i < r->length; i++) {
        const struct target *target = r->targets[i];
        totals.unresolved += !target->resolved;
        totals.stale += target->resolved && target->trouble != TARGETANSWER_ADDRESSES;
    }
    return totals;
}

static size_t count_addresses(const struct refresh *r)
{
    size_t count = 0;

    for (size_t i = 0; i < r->length; i++)
        count += r->targets[i]->families[0].addresses.length +
                 r->targets[i]->families[1].addresses.length;
    return count;
}

struct targets *refresh_book(const struct refresh *r, uint64_t now, uint64_t wall)
{
    if (r == NULL || r->length == 0)
        return NULL;
    struct targets_entry *entries = alloc_array(r->length, sizeof *entries);
    struct connection_address *all = alloc_array(count_addresses(r), sizeof *all);
    size_t used = 0;
    for (size_t i = 0; i < r->length; i++) {
        struct refresh_status status = status_of(r->targets[i], all + used);
        used += status.length;
        entries[i] = (struct targets_entry){
            .name = status.name,
            .addresses = status.addresses,
            .length = status.length,
            .v4_told = r->targets[i]->families[0].told,
            .trouble = status.trouble,
            .trouble_since =
                status.trouble[0] == '\0' ? 0 : wall - (now - status.trouble_ms) / 1000,
        };
    }
    struct targets *book = targets_make(entries, r->length);
    free(entries);
    free(all);
    return book;
}
