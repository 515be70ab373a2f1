#include "visit.h"

#include <stddef.h>
#include <string.h>

#include "clock.h"
#include "cookie.h"
#include "dname.h"
#include "loop.h"
#include "querylog.h"
#include "rarerecord.h"
#include "specialreply.h"
#include "tableset.h"

#define HINFO_TTL 3600 /* seconds */

enum visit_step visit_fail(struct visit *v, enum wire_ede code, const char *why)
{
    wire_reply_explain(&v->reply, code, why);
    v->reply.rcode = WIRE_SERVFAIL;
    return VISIT_DONE;
}

enum visit_step visit_refuse(struct visit *v, enum wire_rcode rcode, const char *how)
{
    v->how = how;
    v->reply.rcode = (uint16_t)rcode;
    return VISIT_DONE;
}

void visit_see(struct visit *v)
{
    const struct tableset *set = v->moment->set;

    v->view = tableset_view(set, &v->from->any);
    v->table = tableset_table(set, v->view);
}

/* The options that were asked for.  Few clients send any. */
APART static void add_options(struct visit *v)
{
    const struct config *config = v->config;
    struct wire_reply *r = &v->reply;

    if (v->wire.cookie) {
        uint8_t cookie[COOKIE_CLIENT_SIZE + COOKIE_SERVER_SIZE];
        memcpy(cookie, v->wire.client_cookie, COOKIE_CLIENT_SIZE);
        cookie_make(v->cookie_secret, cookie, (uint32_t)(clock_wall_us() / 1000000), &v->from->any,
                    cookie + COOKIE_CLIENT_SIZE);
        wire_reply_option(r, WIRE_OPTION_COOKIE, cookie, sizeof cookie);
    }
    if (v->wire.keepalive && v->tcp) {
        uint64_t units = config->limits.tcp_idle_ms / 100; /* RFC 7828 */
        uint8_t timeout[2];
        wire_put16(timeout, (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX));
        wire_reply_option(r, WIRE_OPTION_KEEPALIVE, timeout, sizeof timeout);
    }
    if (v->wire.nsid && !config->identity_hidden) {
        size_t size = strlen(config->instance);
        wire_reply_option(r, WIRE_OPTION_NSID, config->instance,
                          size < WIRE_NSID_MAX ? size : WIRE_NSID_MAX);
    }
}

/* visit_start() with EDNS. */
APART static void start_edns(struct visit *v, uint8_t *out, size_t space)
{
    uint16_t ours = v->config->udp_size;
    size_t limit = wire_limit(&v->wire, v->tcp, ours);

    wire_reply_begin(&v->reply, &v->wire, out, limit < space ? limit : space, ours);
    if (v->wire.nsid || v->wire.keepalive || v->wire.cookie)
        add_options(v);
}

void visit_start(struct visit *v, uint8_t *out, size_t space)
{
    if (v->wire.edns) {
        start_edns(v, out, space);
        return;
    }
    wire_reply_begin(&v->reply, &v->wire, out, v->tcp ? space : WIRE_UDP_MIN, 0);
}

void visit_question(struct visit *v)
{
    v->question = (struct reply_question){
        .name = v->folded,
        .name_size = v->wire.name_size,
        .type = v->wire.type,
        .class = v->wire.class,
        .view = (uint16_t)v->view,
        .dnssec_ok = v->wire.dnssec_ok,
        .checking_disabled = (v->wire.flags & WIRE_FLAG_CD) != 0,
        .authentic_data = (v->wire.flags & WIRE_FLAG_AD) != 0,
    };
    v->question.hash = questionhash_fold(v->hash, v->question.rest, v->folded, wire_name(&v->wire),
                                         v->wire.name_size);
}

/* ---- the stages ---- */

static bool is_loopback(const union config_ip *a)
{
    return a->any.sa_family == AF_INET ? (ntohl(a->v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET
                                       : IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "ports can be compared whatever the family");

/* True if 'from' is 'listen', an address of ours; of a wildcard only loopback is surely our own. */
static bool is_same(const union config_ip *from, const union config_address *listen)
{
    if (from->any.sa_family != listen->any.sa_family)
        return false;
    if (from->any.sa_family == AF_INET)
        return from->v4.sin_port == listen->v4.sin_port &&
               (from->v4.sin_addr.s_addr == listen->v4.sin_addr.s_addr ||
                (listen->v4.sin_addr.s_addr == INADDR_ANY && is_loopback(from)));
    return from->v6.sin6_port == listen->v6.sin6_port &&
           (IN6_ARE_ADDR_EQUAL(&from->v6.sin6_addr, &listen->v6.sin6_addr) ||
            (IN6_IS_ADDR_UNSPECIFIED(&listen->v6.sin6_addr) && is_loopback(from)));
}

uint64_t visit_port_marks(const struct config *config)
{
    uint64_t marks = UINT64_C(1) << visit_port_place(0);

    for (size_t i = 0; i < config->listen_length; i++)
        marks |= UINT64_C(1) << visit_port_place(config->listen[i].v4.sin_port);
    return marks;
}

/* The port has the mark of 0 or of one of ours. */
RARE static enum visit_step shun_if_ours(struct visit *v)
{
    const struct config *config = v->config;
    uint16_t port = v->from->v4.sin_port;
    bool ours = port == 0;

    for (size_t i = 0; i < config->listen_length && !ours; i++)
        ours = config->listen[i].v4.sin_port == port && is_same(v->from, &config->listen[i]);
    if (!ours)
        return VISIT_NEXT;
    stats_count(v->stats, STATS_DROPPED_SELF);
    return VISIT_SILENT;
}

static bool is_allowed(const struct visit *v)
{
    return netblock_contains(&v->config->allow, &v->from->any);
}

/* A reply to ourselves, or to a port that nobody can have, would go round for ever or nowhere; who
 * is to get nothing gets no FORMERR either. */
enum visit_step visit_shun(struct visit *v)
{
    if (v->config->otherwise == CONFIG_DROP && !is_allowed(v)) {
        stats_count(v->stats, STATS_DROPPED_CLIENT);
        return VISIT_SILENT;
    }
    return visit_may_be_ours(v, v->from) ? shun_if_ours(v) : VISIT_NEXT;
}

/* What is no question that can be answered. */
RARE static enum visit_step reject(struct visit *v, enum wire_verdict verdict, uint8_t *out,
                                   size_t space)
{
    struct stats *stats = v->stats;

    if (verdict == WIRE_RUNT || verdict == WIRE_RESPONSE) {
        stats_count(stats, verdict == WIRE_RUNT ? STATS_DROPPED_RUNT : STATS_DROPPED_RESPONSE);
        return VISIT_SILENT;
    }
    visit_start(v, out, space);
    switch (verdict) {
    case WIRE_OPCODE:
        stats_count(stats, STATS_NOTIMP);
        wire_reply_explain(&v->reply, WIRE_EDE_NOT_SUPPORTED, "");
        return visit_refuse(v, WIRE_NOTIMP, "malformed");
    case WIRE_MALFORMED:
        stats_count(stats, STATS_FORMERR);
        return visit_refuse(v, WIRE_FORMERR, "malformed");
    default:
        stats_count(stats, STATS_BADVERS);
        return visit_refuse(v, WIRE_BADVERS, "malformed");
    }
}

enum visit_step visit_decode(struct visit *v, const uint8_t *packet, size_t size, uint8_t *out,
                             size_t space)
{
    enum wire_verdict verdict = wire_decode(&v->wire, &v->cut, packet, size);

    if (verdict != WIRE_GOOD)
        return reject(v, verdict, out, space);
    visit_start(v, out, space);
    return VISIT_NEXT;
}

RARE static enum visit_step keep_out(struct visit *v)
{
    stats_count(v->stats, STATS_REFUSED_CLIENT);
    wire_reply_explain(&v->reply, WIRE_EDE_PROHIBITED, "not in clients.allow");
    return visit_refuse(v, WIRE_REFUSED, "client");
}

enum visit_step visit_admit(struct visit *v)
{
    return is_allowed(v) ? VISIT_NEXT : keep_out(v);
}

enum visit_step visit_refuse_class(struct visit *v)
{
    return v->wire.class == WIRE_IN ? VISIT_NEXT : visit_refuse(v, WIRE_REFUSED, "class");
}

enum visit_step visit_refuse_type(struct visit *v)
{
    switch (v->wire.type) {
    case WIRE_AXFR:
    case WIRE_IXFR:
        return visit_refuse(v, WIRE_REFUSED, "type");
    case WIRE_MAILA:
    case WIRE_MAILB:
    case WIRE_OPT:
    case WIRE_TSIG:
    case WIRE_TKEY:
        stats_count(v->stats, STATS_NOTIMP);
        wire_reply_explain(&v->reply, WIRE_EDE_NOT_SUPPORTED, "");
        return visit_refuse(v, WIRE_NOTIMP, "type");
    default:
        return VISIT_NEXT;
    }
}

/* RFC 8482, for every name alike. */
enum visit_step visit_answer_any(struct visit *v)
{
    if (v->wire.type != WIRE_ANY)
        return VISIT_NEXT;
    v->how = "any";
    struct ldns_struct_rr *record = rarerecord_new(&v->wire, WIRE_HINFO, HINFO_TTL);
    rarerecord_add(record, "RFC8482");
    rarerecord_add(record, "");
    rarerecord_put(&v->reply, record);
    return VISIT_DONE;
}

APART static enum visit_step answer_if_special(struct visit *v)
{
    size_t root_offset;
    enum special special = special_find(wire_name(&v->wire), &root_offset);

    if (special == SPECIAL_NONE)
        return VISIT_NEXT;
    v->how = "special";
    stats_count(v->stats, STATS_SPECIAL);
    v->reply.flags |= WIRE_FLAG_AA;
    specialreply_write(&v->reply, special, root_offset);
    return VISIT_DONE;
}

enum visit_step visit_answer_special(struct visit *v)
{
    const struct dname_cut *cut = &v->cut;

    if (cut->labels == 0 || !special_may_end(wire_name(&v->wire)[cut->at[cut->labels - 1]]))
        return VISIT_NEXT;
    return answer_if_special(v);
}

enum visit_step visit_want_recursion(struct visit *v)
{
    return v->wire.flags & WIRE_FLAG_RD ? VISIT_NEXT
                                        : visit_refuse(v, WIRE_REFUSED, "no recursion");
}

/* A question of our own that came round: whoever sends it here must not be asked. */
RARE static enum visit_step refuse_loop(struct visit *v)
{
    wire_reply_explain(&v->reply, WIRE_EDE_PROHIBITED, "this question goes in a circle");
    return visit_refuse(v, WIRE_REFUSED, "loop");
}

enum visit_step visit_break_loop(struct visit *v)
{
    struct loop *loop = v->config->forward.loop;

    return loop != NULL && loop_take(loop, v->folded, v->moment->now) ? refuse_loop(v) : VISIT_NEXT;
}

/* ---- the way out ---- */

APART static void log_query(const struct visit *v)
{
    querylog_write(v->config, &v->from->any, v->view, v->tcp, &v->reply, v->how);
}

size_t visit_finish(struct visit *v)
{
    static const enum stats_counter counters[] = {
        [WIRE_NOERROR] = STATS_RCODE_NOERROR,   [WIRE_FORMERR] = STATS_RCODE_OTHER,
        [WIRE_SERVFAIL] = STATS_RCODE_SERVFAIL, [WIRE_NXDOMAIN] = STATS_RCODE_NXDOMAIN,
        [WIRE_NOTIMP] = STATS_RCODE_OTHER,      [WIRE_REFUSED] = STATS_RCODE_REFUSED,
    };
    uint16_t rcode = v->reply.rcode;

    if (rcode == WIRE_NOERROR)
        stats_count(v->stats, STATS_RCODE_NOERROR);
    else
        stats_count(v->stats, rcode < ARRAY_LENGTH(counters) ? counters[rcode] : STATS_RCODE_OTHER);
    if (v->reply.flags & WIRE_FLAG_TC)
        stats_count(v->stats, STATS_TRUNCATED);
    if (v->config->log.queries != CONFIG_QUERIES_OFF)
        log_query(v);
    return wire_reply_finish(&v->reply);
}
