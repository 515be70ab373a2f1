#include "reply.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "octets.h"
#include "record.h"

#define FLAG_QR     0x8000u
#define FLAG_OPCODE 0x7800u
#define FLAG_AA     0x0400
#define FLAG_TC     0x0200
#define FLAG_AD     0x0020
#define RCODE_BITS  0x000f

/* SERIAL, REFRESH, RETRY, EXPIRE and MINIMUM end an SOA; the last one is the negative TTL. */
#define SOA_MINIMUM_SIZE 4
#define TTL_NONE         UINT32_MAX

/* One walk through a message. */
struct walk {
    const uint8_t *message;
    size_t size;
    const struct reply_question *question;
    struct reply *reply;
    size_t at;
    unsigned left; /* records still to be read */
    struct record_names names;
    struct dname name;                      /* of the record in hand, folded */
    struct dname trail[REPLY_HOPS_MAX + 1]; /* the question's name, then each target, folded */
    unsigned trail_length;
    bool answered; /* a record of the asked type was seen at the end of the trail */
    /* A DNAME waits for the CNAME made from it. */
    bool dname_seen, dname_waits, dname_overflows;
    struct dname dname_target;
    struct dname dname_owner;
};

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* RFC 2181 section 8: the top bit means a broken sender, and zero. */
static uint32_t sane_ttl(uint32_t ttl)
{
    return ttl >> 31 != 0 ? 0 : ttl;
}

static void shorten(struct reply *reply, uint32_t ttl)
{
    if (sane_ttl(ttl) < reply->ttl)
        reply->ttl = sane_ttl(ttl);
}

static struct dname *end_of_trail(struct walk *w)
{
    return &w->trail[w->trail_length - 1];
}

static bool same(const struct dname *a, const struct dname *b)
{
    return a->size == b->size && memcmp(a->wire, b->wire, a->size) == 0;
}

/* Reads a name in folded form. */
static size_t read_folded(struct walk *w, size_t at, struct dname *out)
{
    struct dname name;
    size_t end = record_name(w->message, w->size, at, NULL, &name);

    if (end != 0)
        out->size = (uint8_t)dname_fold(out->wire, name.wire);
    return end;
}

/* The next record, owner in w->name.  False: broken. */
static bool next_record(struct walk *w, struct record *out)
{
    if (!record_check(w->message, w->size, w->at, &w->names, out))
        return false;
    w->at = out->end;
    w->left--;
    if (out->type != RECORD_OPT && out->ttl > w->reply->longest)
        w->reply->longest = out->ttl;
    return true;
}

/* The records make no sense together; do the rest of them parse at least? */
static void skim(struct walk *w)
{
    struct record r;

    while (w->left > 0 && next_record(w, &r))
        continue;
    w->reply->sound = w->left == 0 && w->at == w->size;
}

static bool on_trail(const struct walk *w, const struct dname *name)
{
    for (unsigned i = 0; i < w->trail_length; i++) {
        if (same(&w->trail[i], name))
            return true;
    }
    return false;
}

/* A CNAME at the end of the trail: one hop on. */
static enum reply_verdict follow(struct walk *w, const struct record *r)
{
    struct dname target;

    if (w->answered || read_folded(w, r->rdata, &target) == 0)
        return REPLY_MALFORMED;
    if (w->dname_waits && !same(&target, &w->dname_target))
        return REPLY_MALFORMED;
    if (w->reply->hops_length == REPLY_HOPS_MAX || on_trail(w, &target))
        return REPLY_LOOP;
    w->reply->hops[w->reply->hops_length++] = (struct reply_hop){
        .owner = r->owner, .end = r->end, .target = r->rdata, .dname = w->dname_waits};
    w->trail[w->trail_length++] = target;
    w->dname_waits = false;
    return REPLY_GOOD;
}

/* One of somebody on the trail.  Behind a hop, that of its CNAME is part of it. */
static void take_signature(struct walk *w, const struct record *r)
{
    unsigned hops = w->reply->hops_length;

    if (hops > 0 && w->reply->hops[hops - 1].end == r->owner &&
        same(&w->name, &w->trail[hops - 1]) && get16(w->message + r->rdata) == RECORD_CNAME)
        w->reply->hops[hops - 1].end = r->end;
}

/* The CNAME made from a DNAME, and it was what was asked for. */
static enum reply_verdict take_made(struct walk *w, const struct record *r)
{
    struct dname target;

    if (read_folded(w, r->rdata, &target) == 0 || !same(&target, &w->dname_target))
        return REPLY_MALFORMED;
    w->dname_waits = false;
    w->answered = true;
    return REPLY_GOOD;
}

/* A DNAME above the end of the trail: works out what the CNAME behind it must say. */
static enum reply_verdict redirect(struct walk *w, const struct record *r)
{
    const struct dname *from = end_of_trail(w);
    struct dname target;
    size_t left;

    if (w->answered || w->dname_waits || !dname_under(from->wire, w->name.wire, &left) ||
        left == 0 || read_folded(w, r->rdata, &target) == 0)
        return REPLY_MALFORMED;
    w->dname_seen = w->dname_waits = true;
    w->dname_owner = w->name;
    w->dname_overflows = left + target.size > DNAME_MAX;
    if (!w->dname_overflows) {
        memcpy(w->dname_target.wire, from->wire, left);
        memcpy(w->dname_target.wire + left, target.wire, target.size);
        w->dname_target.size = (uint8_t)(left + target.size);
    } else {
        w->dname_target.size = 0; /* no CNAME is right */
    }
    return REPLY_GOOD;
}

/* One record of the answer section: explained, or malformed. */
static enum reply_verdict explain(struct walk *w, const struct record *r)
{
    uint16_t asked = w->question->type;
    bool here;

    if (r->class != w->question->class)
        return REPLY_MALFORMED;
    if (w->trail_length == 1 && record_is_questions(w->message, w->size, r->owner)) {
        w->name = w->trail[0];
        here = true;
    } else {
        if (read_folded(w, r->owner, &w->name) == 0)
            return REPLY_MALFORMED;
        here = same(&w->name, end_of_trail(w));
    }
    if (r->type == RECORD_RRSIG && asked != RECORD_RRSIG) {
        if (!on_trail(w, &w->name) && !(w->dname_seen && same(&w->name, &w->dname_owner)))
            return REPLY_MALFORMED;
        take_signature(w, r);
        return REPLY_GOOD;
    }
    if (here && r->type == RECORD_CNAME && asked != RECORD_CNAME && asked != RECORD_ANY)
        return follow(w, r);
    if (here && r->type == RECORD_CNAME && w->dname_waits)
        return take_made(w, r);
    if (!here && r->type == RECORD_DNAME)
        return redirect(w, r);
    if (!here || w->dname_waits || (r->type != asked && asked != RECORD_ANY) ||
        r->type == RECORD_OPT)
        return REPLY_MALFORMED;
    w->answered = true;
    return REPLY_GOOD;
}

static enum reply_verdict walk_answer(struct walk *w)
{
    struct reply *reply = w->reply;

    for (unsigned i = 0; i < reply->answer_count; i++) {
        struct record r;

        if (!next_record(w, &r))
            return REPLY_MALFORMED;
        enum reply_verdict verdict = explain(w, &r);
        if (verdict != REPLY_GOOD)
            return verdict;
        shorten(reply, r.ttl);
    }
    reply->answer_end = (uint16_t)w->at;
    return REPLY_GOOD;
}

static bool is_plain_authority(uint16_t type)
{
    return type == RECORD_SOA || type == RECORD_NS || type == RECORD_DS || type == RECORD_NSEC ||
           type == RECORD_NSEC3 || type == RECORD_RRSIG;
}

/* A SOA for the negative answer in hand: RFC 2308 section 5. */
static bool take_soa(struct walk *w, const struct record *r)
{
    struct reply *reply = w->reply;

    if (read_folded(w, r->owner, &w->name) == 0)
        return false;
    if (!dname_under(end_of_trail(w)->wire, w->name.wire, NULL))
        return true;
    reply->has_soa = true;
    if (reply->negative)
        shorten(reply, get32(w->message + r->end - SOA_MINIMUM_SIZE));
    return true;
}

static bool walk_authority(struct walk *w)
{
    struct reply *reply = w->reply;
    bool servers = false;

    reply->authority_plain = true;
    for (unsigned i = 0; i < reply->authority_count; i++) {
        struct record r;

        if (!next_record(w, &r) || r.class != w->question->class || r.type == RECORD_OPT)
            return false;
        if (r.type == RECORD_SOA && !take_soa(w, &r))
            return false;
        if (reply->negative || w->question->dnssec_ok)
            shorten(reply, r.ttl);
        servers = servers || r.type == RECORD_NS;
        reply->authority_plain = reply->authority_plain && is_plain_authority(r.type);
    }
    reply->authority_end = (uint16_t)w->at;
    reply->referral = servers && !w->answered && !reply->has_soa && !reply->authoritative &&
                      reply->rcode == REPLY_NOERROR && reply->hops_length == 0;
    return true;
}

/* Nothing of it is used but the rcode's upper bits; still a lie here means a liar. */
static bool walk_additional(struct walk *w, unsigned count)
{
    bool edns = false;

    for (unsigned i = 0; i < count; i++) {
        struct record r;

        if (!next_record(w, &r))
            return false;
        if (r.type != RECORD_OPT)
            continue;
        if (edns || w->message[r.owner] != 0)
            return false;
        edns = true;
        w->reply->rcode = (uint16_t)(w->reply->rcode | r.ttl >> 24 << 4);
    }
    w->reply->end = (uint16_t)w->at;
    w->reply->sound = w->at == w->size;
    return w->reply->sound;
}

/* The upper bits of the rcode stand at the very end, but decide what the sections mean. */
static enum reply_verdict walk_sections(struct walk *w, unsigned additional_count)
{
    struct reply *reply = w->reply;
    enum reply_verdict verdict;

    w->left = (unsigned)reply->answer_count + reply->authority_count + additional_count;
    if (w->left > REPLY_RECORDS_MAX)
        return REPLY_MALFORMED;
    verdict = walk_answer(w);
    /* A DNAME whose target would be too long is the one that comes without CNAME. */
    if (verdict == REPLY_GOOD &&
        ((w->dname_waits && (!w->dname_overflows || reply->rcode != REPLY_YXDOMAIN)) ||
         (w->answered && reply->rcode == REPLY_NXDOMAIN)))
        verdict = REPLY_MALFORMED;
    if (verdict != REPLY_GOOD) {
        skim(w);
        return verdict;
    }
    reply->negative = !w->answered;
    if (!walk_authority(w) || !walk_additional(w, additional_count))
        return REPLY_MALFORMED;
    if (reply->ttl == TTL_NONE || (reply->negative && !reply->has_soa))
        reply->ttl = 0;
    return REPLY_GOOD;
}

static bool is_ours(const uint8_t *message, size_t size, uint16_t id, const uint8_t *sent,
                    const struct reply_question *q)
{
    if (size < REPLY_HEADER_SIZE + q->name_size + 4u || get16(message) != id)
        return false;
    uint32_t flags = get32(message + 2); /* and the number of questions, which is 1 */
    uint32_t kind = get32(message + REPLY_HEADER_SIZE + q->name_size);
    return (flags & ((FLAG_QR | FLAG_OPCODE) << 16 | UINT16_MAX)) == (FLAG_QR << 16 | 1) &&
           kind == ((uint32_t)q->type << 16 | q->class) &&
           octets_same(message + REPLY_HEADER_SIZE, sent, q->name_size);
}

RARE uint64_t reply_hash(const struct reply_question *q, const struct questionhash *h)
{
    uint8_t folded[DNAME_MAX];

    return questionhash_fold(h, q->rest, folded, q->name, q->name_size);
}

/* What the header says; sections are still to be looked at. */
static void read_header(const uint8_t *message, const struct reply_question *q, struct reply *out)
{
    uint16_t flags = get16(message + 2), at = (uint16_t)(REPLY_HEADER_SIZE + q->name_size + 4u);

    memset(out, 0, REPLY_FRONT);
    out->rcode = flags & RCODE_BITS;
    out->authoritative = (flags & FLAG_AA) != 0;
    out->truncated = (flags & FLAG_TC) != 0;
    out->authentic_data = (flags & FLAG_AD) != 0;
    out->records_at = out->answer_end = out->authority_end = out->end = at;
    out->ttl = TTL_NONE;
}

/* A check that has seen the header. */
static enum reply_verdict check_whole(const uint8_t *message, size_t size,
                                      const struct reply_question *q, struct reply *out)
{
    struct walk w; /* large: only what is read before it is written is cleared */

    if (size > REPLY_SIZE_MAX)
        return REPLY_MALFORMED;
    if (out->truncated) {
        out->ttl = 0;
        return REPLY_GOOD;
    }
    w.message = message;
    w.size = size;
    w.question = q;
    w.reply = out;
    w.at = out->records_at;
    w.answered = w.dname_seen = w.dname_waits = w.dname_overflows = false;
    record_names_clear(&w.names, size);
    out->answer_count = get16(message + 6);
    out->authority_count = get16(message + 8);
    memcpy(w.trail[0].wire, q->name, q->name_size);
    w.trail[0].size = q->name_size;
    w.trail_length = 1;
    /* Cannot fail: it was compared. */
    if (record_name(message, size, REPLY_HEADER_SIZE, &w.names, NULL) == 0)
        return REPLY_MALFORMED;
    return walk_sections(&w, get16(message + 10));
}

/* ---- the reply that most questions get ---- */

enum {
    POINTED = 2 + RECORD_FIXED_SIZE,
    OPT_SIZE = 1 + RECORD_FIXED_SIZE,
    ADDRESS4 = 4,
    ADDRESS6 = 16,
    ADDRESSES_MOST = 1024, /* so that a message is not too long */
};

/* A message's first eight octets: id, flags, one question, and how many answers. */
#define FRONT_MASK                                                                                 \
    (OCTETS_TWO(0, 0xffff) | OCTETS_TWO(2, FLAG_QR | FLAG_OPCODE | FLAG_TC | RCODE_BITS) |         \
     OCTETS_TWO(4, 0xffff))

static inline bool is_front(uint64_t front, uint16_t id)
{
    uint64_t wanted = OCTETS_TWO(2, FLAG_QR) | OCTETS_TWO(4, 1) | le16toh(htobe16(id));

    return ((front ^ wanted) & FRONT_MASK) == 0;
}

/* Owner, type, upper bits of the rcode, size. */
static inline bool is_bare_opt(const uint8_t *at)
{
    uint64_t mask = OCTETS_ONE(0, 0xff) | OCTETS_TWO(1, 0xffff) | OCTETS_ONE(5, 0xff);

    return (octets_word(at) & mask) == OCTETS_TWO(1, RECORD_OPT) && get16(at + 9) == 0;
}

/* Such a reply's header.  False: it is another. */
static inline bool take_front(const uint8_t *message, uint16_t id, struct reply *out)
{
    uint64_t front = octets_word(message);

    out->authoritative = (front & OCTETS_TWO(2, FLAG_AA)) != 0;
    out->authentic_data = (front & OCTETS_TWO(2, FLAG_AD)) != 0;
    out->rcode = REPLY_NOERROR;
    out->authority_count = 0;
    out->negative = out->has_soa = out->truncated = out->referral = false;
    out->authority_plain = out->sound = true;
    out->hops_length = 0;
    return is_front(front, id);
}

/* Its records, which end there; each begins with these six octets.  Returns what is behind them,
 * or NULL: they are others. */
static inline const uint8_t *take_records(const uint8_t *at, const uint8_t *end, uint64_t head,
                                          size_t stride, struct reply *out)
{
    uint16_t rdata_size = htobe16((uint16_t)(stride - POINTED));
    uint32_t least = TTL_NONE, longest = 0;

    do {
        uint32_t ttl = get32(at + REPLY_TTL_AT);

        if (octets_word(at) << 16 != head << 16 ||
            memcmp(at + 10, &rdata_size, sizeof rdata_size) != 0)
            return NULL;
        least = ttl < least ? ttl : least;
        longest = ttl > longest ? ttl : longest;
        at += stride;
    } while (at < end);
    out->stride = (uint8_t)stride;
    out->ttl = least;
    out->longest = longest;
    return longest >> 31 == 0 ? at : NULL;
}

/* Nothing but addresses, each under a pointer to the question's name, and perhaps an OPT without
 * options.  False: it is another, which says nothing against it. */
static inline bool take_addresses(const uint8_t *message, size_t size, uint16_t id,
                                  const uint8_t *sent, const struct reply_question *q,
                                  struct reply *out)
{
    size_t records_at = REPLY_HEADER_SIZE + q->name_size + 4u, stride;

    if (q->type == RECORD_A)
        stride = POINTED + ADDRESS4;
    else if (q->type == RECORD_AAAA)
        stride = POINTED + ADDRESS6;
    else
        return false;
    out->records_at = (uint16_t)records_at;
    out->end = (uint16_t)size;
    if (size < records_at + POINTED + ADDRESS4 ||
        !octets_same(message + REPLY_HEADER_SIZE, sent, q->name_size) ||
        !take_front(message, id, out))
        return false;
    unsigned count = get16(message + 6), counts = get32(message + 8);
    size_t end = records_at + count * stride, left = size - end;
    uint64_t kind = octets_word(message + records_at - 4);
    if (left > OPT_SIZE || count - 1 >= ADDRESSES_MOST ||
        be32toh((uint32_t)htole64(kind)) != ((uint32_t)q->type << 16 | q->class))
        return false;
    out->answer_count = (uint16_t)count;
    out->answer_end = out->authority_end = (uint16_t)end;
    const uint8_t *opt = take_records(message + records_at, message + end,
                                      OCTETS_TWO(0, RECORD_TO_QUESTION) | kind << 16, stride, out);
    if (left == 0)
        return opt != NULL && counts == 0;
    return opt != NULL && left == OPT_SIZE && counts == 1 && is_bare_opt(opt);
}

APART static enum reply_verdict check_other(const uint8_t *message, size_t size, uint16_t id,
                                            const uint8_t *sent, const struct reply_question *q,
                                            struct reply *out)
{
    if (!is_ours(message, size, id, sent, q))
        return REPLY_NOT_OURS;
    read_header(message, q, out);
    return check_whole(message, size, q, out);
}

enum reply_verdict reply_check(const uint8_t *message, size_t size, uint16_t id,
                               const uint8_t *sent, const struct reply_question *q,
                               struct reply *out)
{
    if (take_addresses(message, size, id, sent, q, out))
        return REPLY_GOOD;
    return check_other(message, size, id, sent, q, out);
}

enum reply_verdict reply_check_whole(const uint8_t *message, size_t size, uint16_t id,
                                     const uint8_t *sent, const struct reply_question *q,
                                     struct reply *out)
{
    return check_other(message, size, id, sent, q, out);
}

void reply_shorten(const uint8_t *message, struct reply *reply, unsigned hops)
{
    size_t end = reply->hops[hops - 1].end;
    uint16_t count = 0;
    struct record r;

    for (size_t at = reply->records_at; at < end && record_read(message, end, at, &r); at = r.end)
        count++;
    reply->rcode = REPLY_NOERROR;
    reply->answer_count = count;
    reply->authority_count = 0;
    reply->answer_end = reply->authority_end = reply->end = (uint16_t)end;
    reply->negative = true;
    reply->has_soa = reply->referral = false;
    reply->authority_plain = true;
    reply->ttl = 0;
    reply->stride = 0;
    reply->hops_length = (uint8_t)hops;
}

size_t reply_ttl_offsets(const uint8_t *message, const struct reply *reply, unsigned records,
                         uint16_t *out)
{
    size_t at = reply->records_at, length = 0;

    for (unsigned i = 0; i < records && at < reply->end; i++) {
        struct record r;

        if (!record_read(message, reply->end, at, &r))
            break;
        if (r.type != RECORD_OPT)
            out[length++] = r.ttl_at;
        at = r.end;
    }
    return length;
}

void reply_normalise(uint8_t *message, const struct reply_question *q, const struct reply *reply)
{
    size_t at = reply->records_at;

    message[0] = message[1] = 0;
    octets_copy(message + REPLY_HEADER_SIZE, q->name, q->name_size);
    while (reply->longest >> 31 != 0 && at < reply->end) {
        struct record r;

        if (!record_read(message, reply->end, at, &r))
            break;
        if (r.type != RECORD_OPT && r.ttl >> 31 != 0)
            memset(message + r.ttl_at, 0, 4);
        at = r.end;
    }
}

bool reply_name(const uint8_t *message, size_t size, size_t offset, struct dname *out)
{
    return record_name(message, size, offset, NULL, out) != 0;
}
