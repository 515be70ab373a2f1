#include "verdict.h"

#include <string.h>
#include <strings.h>

/* Something with a state, in the order in which they are asked. */
struct stated {
    enum state state;
    const char *word, *message;
};

bool verdict_is_zoned(const struct connection *connection)
{
    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        if (connection->endpoints[i].zone[0] != '\0') {
            return true;
        }
    }
    return false;
}

static bool by_state(struct verdict *out, const struct stated *stated, size_t length,
                     enum state state, enum verdict_kind kind)
{
    for (size_t i = 0; i < length; i++) {
        if (stated[i].state == state) {
            out->kind = kind;
            out->state = stated[i].word;
            out->message = stated[i].message;
            return true;
        }
    }
    return false;
}

static bool holds(const struct verdict *verdict, const struct connection_address *address)
{
    size_t octets = address->v6 ? 16 : 4;

    for (unsigned i = 0; i < verdict->length; i++) {
        if (verdict->addresses[i].v6 == address->v6 &&
            memcmp(verdict->addresses[i].bytes, address->bytes, octets) == 0) {
            return true;
        }
    }
    return false;
}

static void add_all(struct verdict *out, const struct connection_address *addresses,
                    unsigned length)
{
    for (unsigned i = 0; i < length && out->length < ANSWER_RECORDS_MAX; i++) {
        if (!holds(out, &addresses[i])) {
            out->addresses[out->length++] = addresses[i];
        }
    }
}

static bool holds_target(const struct verdict *verdict, const uint8_t *name)
{
    for (unsigned i = 0; i < verdict->targets_length; i++) {
        if (targets_compare(verdict->targets[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_endpoint(struct verdict *out, const struct connection_endpoint *endpoint,
                         const struct targets *book)
{
    if (endpoint->state != STATE_USABLE) {
        return;
    }
    add_all(out, endpoint->addresses, endpoint->length);
    if (endpoint->target == NULL || holds_target(out, endpoint->target)) {
        return;
    }
    const struct targets_entry *entry = targets_find(book, endpoint->target);
    out->targets[out->targets_length++] = (struct verdict_target){endpoint->target, entry};
    out->a_waits |= entry == NULL || !entry->v4_told;
    if (entry != NULL) {
        add_all(out, entry->addresses, entry->length);
    }
}

static bool has_v4(const struct verdict *verdict)
{
    bool found = false;

    for (unsigned i = 0; i < verdict->length; i++) {
        found |= !verdict->addresses[i].v6;
    }
    return found;
}

/* ---- health ---- */

struct judged {
    const struct health_entry *sick[ANSWER_RECORDS_MAX]; /* by address; NULL: it answers */
    unsigned total[2], sick_total[2];                    /* by family: IPv4, IPv6 */
};

static void judge(struct judged *out, const struct verdict *verdict,
                  const struct verdict_facts *facts, const struct connection_health *check)
{
    struct health_key key = {.check = *check};

    *out = (struct judged){0};
    for (unsigned i = 0; i < verdict->length; i++) {
        key.address = verdict->addresses[i];
        out->sick[i] = health_find(facts->health, &key);
        out->total[key.address.v6]++;
        out->sick_total[key.address.v6] += out->sick[i] != NULL;
    }
}

/* Leaves out who does not answer, if enough are left. */
static void withdraw(struct verdict *out, const struct verdict_facts *facts,
                     const struct connection_health *check)
{
    struct judged judged;
    unsigned length = 0, preferred = 0;
    bool open[2]; /* by family: too few are left, so all are given */

    if (!check->on || facts->health == NULL) {
        return;
    }
    judge(&judged, out, facts, check);
    for (unsigned v6 = 0; v6 < ARRAY_LENGTH(open); v6++) {
        open[v6] = judged.total[v6] - judged.sick_total[v6] < health_least(check, judged.total[v6]);
    }
    for (unsigned i = 0; i < out->length; i++) {
        if (judged.sick[i] != NULL && !open[out->addresses[i].v6]) {
            out->sick[out->withdrawn_length++] = judged.sick[i];
        }
    }
    out->sick_length = out->withdrawn_length;
    for (unsigned i = 0; i < out->length; i++) {
        bool v6 = out->addresses[i].v6;
        if (judged.sick[i] != NULL && !open[v6]) {
            continue;
        }
        if (judged.sick[i] != NULL) {
            out->sick[out->sick_length++] = judged.sick[i];
        }
        preferred += i < out->preferred;
        out->addresses[length++] = out->addresses[i];
    }
    out->length = length;
    out->preferred = preferred;
}

/* No address: the endpoint that best tells why. */
static void explain_none(struct verdict *out, const struct connection *connection, const char *zone)
{
    const struct connection_endpoint *waiting = NULL, *gone = NULL;
    unsigned length = 0, gone_length = 0;

    for (unsigned i = 0; i < connection->endpoints_length; i++) {
        const struct connection_endpoint *endpoint = &connection->endpoints[i];
        if (zone[0] != '\0' && strcasecmp(endpoint->zone, zone) != 0) {
            continue;
        }
        length++;
        if (endpoint->state == STATE_GONE) {
            gone_length++;
            gone = endpoint;
        } else if (endpoint->state == STATE_NOT_READY && waiting == NULL) {
            waiting = endpoint;
        }
    }
    if (length > 0 && gone_length == length) {
        out->kind = VERDICT_GONE;
        out->state = gone->state_word;
        out->message = gone->message;
        return;
    }
    out->kind = VERDICT_NOT_READY;
    if (waiting != NULL) {
        out->state = waiting->state_word;
        out->message = waiting->message;
    } else {
        out->message = length == 0               ? "the connection has no endpoint"
                       : out->targets_length > 0 ? "the name of its endpoint is not resolved yet"
                                                 : "no endpoint has an address";
    }
}

void verdict_of(struct verdict *out, const struct domain_rule *rule,
                const struct verdict_facts *facts)
{
    const struct connection *connection = rule->connection;
    const struct connection_domain *domain = rule->domain;
    const struct stated stated[] = {
        {connection->state, connection->state_word, connection->message},
        {domain->state, domain->state_word, domain->message},
        {rule->name == NULL ? STATE_USABLE : rule->name->state,
         rule->name == NULL ? "" : rule->name->state_word,
         rule->name == NULL ? "" : rule->name->message},
    };
    const char *zone = rule->zone;

    out->kind = VERDICT_ANSWER;
    out->regional_fallback = out->a_waits = false;
    out->state = connection->state_word;
    out->message = "";
    out->length = out->preferred = out->targets_length = 0;
    out->withdrawn_length = out->sick_length = 0;
    if (by_state(out, stated, ARRAY_LENGTH(stated), STATE_GONE, VERDICT_GONE) ||
        by_state(out, stated, ARRAY_LENGTH(stated), STATE_NOT_READY, VERDICT_NOT_READY)) {
        return;
    }
    /* Under a strict fallback there is no such rule, see domain.h. */
    out->regional_fallback = rule->name != NULL && domain->root != NULL &&
                             domain_missed_zone(connection, domain, rule->name->wire) != NULL;
    /* Two rounds: the zone wanted first, then, if all are wanted, the others. */
    const char *first = zone[0] != '\0' ? zone : facts->own_zone;
    for (unsigned i = 0; i < connection->endpoints_length && first[0] != '\0'; i++) {
        if (strcasecmp(connection->endpoints[i].zone, first) == 0) {
            add_endpoint(out, &connection->endpoints[i], facts->targets);
        }
    }
    if (zone[0] == '\0') {
        out->preferred = out->length;
        for (unsigned i = 0; i < connection->endpoints_length; i++) {
            add_endpoint(out, &connection->endpoints[i], facts->targets);
        }
    }
    out->a_waits = out->a_waits && !has_v4(out);
    if (out->a_waits) {
        out->message = "nobody could tell yet whether the name of its endpoint has IPv4";
    }
    if (out->length == 0) {
        out->regional_fallback = false;
        explain_none(out, connection, zone);
    }
    withdraw(out, facts, &connection->health);
}
