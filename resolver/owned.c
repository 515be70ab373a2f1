#include "owned.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

APART bool owned_includes(const struct table *table, const uint8_t *name)
{
    struct table_match match;

    table_find(table, name, &match);
    return match.outcome != TABLE_NOT_OWNED;
}

enum wire_rcode owned_rcode(const struct table_match *match)
{
    switch (match->outcome) {
    case TABLE_ANSWER:
    case TABLE_EMPTY:
        return WIRE_NOERROR;
    case TABLE_NOT_READY:
        return WIRE_SERVFAIL;
    case TABLE_NXDOMAIN:
    case TABLE_GONE:
    case TABLE_NO_ZONE:
    case TABLE_DETACHED:
    case TABLE_FENCED:
    case TABLE_SEARCH:
        return WIRE_NXDOMAIN;
    case TABLE_NOT_OWNED:
        break;
    }
    assert(false && "only owned names have an answer of ours");
    return WIRE_SERVFAIL;
}

RARE static void count_outcome(struct stats *stats, const struct table_match *match)
{
    static const enum stats_counter counters[] = {
        [TABLE_NXDOMAIN] = STATS_OWNED_NXDOMAIN, [TABLE_NOT_READY] = STATS_OWNED_NOT_READY,
        [TABLE_GONE] = STATS_OWNED_NXDOMAIN,     [TABLE_NO_ZONE] = STATS_OWNED_NXDOMAIN,
        [TABLE_DETACHED] = STATS_DETACHED,       [TABLE_FENCED] = STATS_FENCED,
        [TABLE_SEARCH] = STATS_SEARCH_ABSORBED,
    };

    if (match->outcome < ARRAY_LENGTH(counters) && counters[match->outcome] != 0)
        stats_count(stats, counters[match->outcome]);
}

void owned_count(struct stats *stats, const struct table_match *match)
{
    stats_count(stats, STATS_OWNED);
    if (match->outcome != TABLE_ANSWER)
        count_outcome(stats, match);
    if (match->regional_fallback)
        stats_count(stats, STATS_OWNED_REGIONAL);
}

/* "connection plc-1 is CREATING: waiting for approval" */
static void explain_state(struct wire_reply *r, enum wire_ede code, const struct table *table,
                          const struct table_match *match)
{
    struct table_why why;
    char text[2 * WIRE_EDE_TEXT_MAX];

    if (match->rule == NULL) {
        wire_reply_explain(r, code, "");
        return;
    }
    table_describe(table, match->rule, &why);
    snprintf(text, sizeof text, "connection %s is %s%s%s", why.connection,
             why.state[0] != 0 ? why.state : "without an address", why.message[0] != 0 ? ": " : "",
             why.message);
    wire_reply_explain(r, code, text);
}

/* "no endpoint in zone use1-az9": the zone is the label left of the root. */
static void explain_zone(struct wire_reply *r, const struct table_match *match, const uint8_t *name)
{
    const uint8_t *label = name;
    char text[128];

    while (*label != 0 && label + *label + 1 < name + match->root_offset)
        label += *label + 1;
    int head = snprintf(text, sizeof text, "no endpoint in zone ");
    size_t at = (size_t)head;
    for (unsigned i = 1; i <= *label && at + 1 < sizeof text; i++) {
        uint8_t c = label[i];
        text[at++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c < ' ' || c > '~' ? '?' : c);
    }
    text[at] = 0;
    wire_reply_explain(r, WIRE_EDE_BLOCKED, text);
}

/* The extended error of the outcome, if it has one; before any record is written. */
RARE static void explain(struct wire_reply *r, const struct table *table,
                         const struct table_match *match, const uint8_t *name)
{
    switch (match->outcome) {
    case TABLE_NOT_READY:
        explain_state(r, WIRE_EDE_NOT_READY, table, match);
        break;
    case TABLE_GONE:
        explain_state(r, WIRE_EDE_BLOCKED, table, match);
        break;
    case TABLE_NO_ZONE:
        explain_zone(r, match, name);
        break;
    case TABLE_DETACHED:
        wire_reply_explain(r, WIRE_EDE_BLOCKED, "detached");
        break;
    case TABLE_FENCED:
        wire_reply_explain(r, WIRE_EDE_BLOCKED, "fenced and not attached");
        break;
    default:
        break;
    }
}

static unsigned take_turn(struct owned_turns *turns, uint16_t type)
{
    return type == WIRE_AAAA ? turns->aaaa++ : turns->a++;
}

/* Records owned by a name that is not the question's: the end of a chain. */
static void put_chained(struct wire_reply *r, const struct answer *answer,
                        const struct wire_owner *name, uint16_t type, unsigned turn)
{
    enum { TYPE = 2, TTL = 6, RDLENGTH = 10, RDATA = 12 };
    uint8_t records[ANSWER_RECORDS_MAX * ANSWER_AAAA_SIZE];
    unsigned count = answer_write(answer, type, turn, records, sizeof records);
    size_t size = answer_record_size(type);

    for (const uint8_t *at = records; at < records + count * size; at += size) {
        if (!wire_reply_record(r, WIRE_ANSWER, name, 0, wire_get16(at + TYPE), WIRE_IN,
                               wire_get32(at + TTL), at + RDATA, wire_get16(at + RDLENGTH)))
            return;
    }
}

/* 'all' of that type there are. */
static void put_addresses(struct wire_reply *r, const struct answer *answer, uint16_t type,
                          unsigned all, unsigned turn)
{
    unsigned count = answer_write(answer, type, turn, r->out + r->size, r->limit - r->size);

    r->size += count * answer_record_size(type);
    r->counts[WIRE_ANSWER] = (uint16_t)(r->counts[WIRE_ANSWER] + count);
    if (count < all)
        r->flags |= WIRE_FLAG_TC;
}

static bool has_addresses(const struct table_match *match, uint16_t type)
{
    return match->outcome == TABLE_ANSWER && answer_count(match->answer, type) > 0;
}

/* All but addresses. */
static void put_nothing(struct wire_reply *r, const struct table *table,
                        const struct table_match *match, const struct wire_owner *name,
                        uint16_t type)
{
    r->rcode = (uint16_t)owned_rcode(match);
    if (match->outcome == TABLE_NOT_READY)
        return;
    bool at_root = r->rcode == WIRE_NOERROR && type == WIRE_SOA && match->root_offset == 0;
    wire_reply_soa(r, at_root ? WIRE_ANSWER : WIRE_AUTHORITY, name, match->root_offset,
                   (uint32_t)table_generation(table), TABLE_NEGATIVE_TTL);
}

/* Out of the way of addresses. */
APART static void answer_nothing(struct wire_reply *r, const struct table *table,
                                 const struct table_match *match)
{
    struct wire_owner name = {.name = wire_name(r->query), .at = WIRE_HEADER_SIZE};
    struct table_match narrow = *match;

    table_narrow(&narrow, r->query->type);
    if (r->opt_size > 0)
        explain(r, table, &narrow, name.name);
    put_nothing(r, table, &narrow, &name, r->query->type);
}

void owned_answer(struct wire_reply *r, const struct table *table, const struct table_match *match,
                  struct owned_turns *turns)
{
    uint16_t type = r->query->type;
    unsigned all = match->outcome == TABLE_ANSWER ? answer_count(match->answer, type) : 0;

    if (all > 0) {
        r->rcode = WIRE_NOERROR;
        put_addresses(r, match->answer, type, all, take_turn(turns, type));
    } else {
        answer_nothing(r, table, match);
    }
}

void owned_explain_target(struct wire_reply *r, const struct table *table,
                          const struct table_match *match, const struct wire_owner *name)
{
    if (r->opt_size > 0)
        explain(r, table, match, name->name);
}

void owned_write_target(struct wire_reply *r, const struct table *table,
                        const struct table_match *match, const struct wire_owner *name,
                        uint16_t type, struct owned_turns *turns)
{
    if (has_addresses(match, type)) {
        r->rcode = WIRE_NOERROR;
        put_chained(r, match->answer, name, type, take_turn(turns, type));
    } else {
        put_nothing(r, table, match, name, type);
    }
}
