/* What clients get, in the words of scenarios. */
#include "packet.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 12

#define WHY(why, ...) (snprintf(why, PACKET_WHY, __VA_ARGS__), false)

static const char *const sections[] = {
    [FAKE_ANSWER] = "", [FAKE_AUTHORITY] = "authority: ", [FAKE_ADDITIONAL] = "additional: "};

static unsigned get16(const uint8_t *at)
{
    return (unsigned)(at[0] << 8 | at[1]);
}

static const char *const rcodes[] = {
    [0] = "NOERROR",  [1] = "FORMERR",  [2] = "SERVFAIL",  [3] = "NXDOMAIN", [4] = "NOTIMP",
    [5] = "REFUSED",  [6] = "YXDOMAIN", [7] = "YXRRSET",   [8] = "NXRRSET",  [9] = "NOTAUTH",
    [10] = "NOTZONE", [16] = "BADVERS", [23] = "BADCOOKIE"};

bool packet_read_rcode(const char *word, unsigned *out)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(rcodes); i++) {
        if (rcodes[i] != NULL && strcmp(rcodes[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return sscanf(word, "RCODE%u", out) == 1;
}

PRINTF_LIKE(2, 3) static void add_word(struct packet_reply *r, const char *format, ...)
{
    va_list arguments;

    assert(r->words_length < ARRAY_LENGTH(r->words));
    va_start(arguments, format);
    if (vasprintf(&r->words[r->words_length], format, arguments) < 0)
        abort();
    va_end(arguments);
    r->words_length++;
}

static bool read_options(struct packet_reply *r, char why[PACKET_WHY])
{
    const ldns_rdf *data = ldns_pkt_edns_data(r->packet);
    size_t size = data != NULL ? ldns_rdf_size(data) : 0;
    const uint8_t *at = data != NULL ? ldns_rdf_data(data) : NULL;

    while (size > 0) {
        if (size < 4 || size - 4 < get16(at + 2))
            return WHY(why, "the options of OPT are broken");
        unsigned code = get16(at), length = get16(at + 2);
        const char *text = (const char *)at + 4;
        if (code == 15 && length >= 2) {
            add_word(r, "ede %u", get16(at + 4));
            free(r->ede_text);
            if (asprintf(&r->ede_text, "%.*s", (int)length - 2, text + 2) < 0)
                abort();
        } else if (code == 3) {
            add_word(r, "nsid %.*s", (int)length, text);
        } else if (code == 11 && length == 2) {
            add_word(r, "keepalive %u", get16(at + 4));
        } else if (code == 10 && length == 24) {
            add_word(r, "cookie");
        } else {
            add_word(r, "option %u", code);
        }
        at += 4 + length;
        size -= 4 + length;
    }
    return true;
}

static void add_records(struct packet_reply *r, enum fake_section section, ldns_rr_list *list)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        assert(r->lines_length < PACKET_LINES);
        r->sections[r->lines_length] = section;
        r->records[r->lines_length++] = ldns_rr_list_rr(list, i);
    }
}

/* What holds for every reply, so that no scenario has to say it. */
static bool check_manners(const struct packet_reply *r, const uint8_t *message, size_t size,
                          const ldns_pkt *asked, const uint8_t *query, bool tcp,
                          char why[PACKET_WHY])
{
    const ldns_pkt *p = r->packet;
    size_t name = HEADER, limit = 512;

    if (memcmp(message, query, 2) != 0 || !ldns_pkt_qr(p) || !ldns_pkt_ra(p))
        return WHY(why, "the reply has another id, or lacks QR or RA");
    if (((message[2] ^ query[2]) & 0x79) != 0 || ((message[3] ^ query[3]) & 0x10) != 0)
        return WHY(why, "opcode, RD or CD are not as they were asked");
    if ((message[3] & 0x40) != 0)
        return WHY(why, "the bit that must be zero is set");
    if (asked == NULL || ldns_pkt_qdcount(asked) == 0)
        return true;
    while (query[name] != 0)
        name += 1u + query[name];
    if (size < name + 5 || memcmp(message + HEADER, query + HEADER, name + 5 - HEADER) != 0)
        return WHY(why, "the question does not come back as it was, octet by octet");
    if (ldns_pkt_edns(asked) != ldns_pkt_edns(p))
        return WHY(why, "OPT is to come exactly when one was sent");
    if (ldns_pkt_arcount(p) > ldns_pkt_edns(p))
        return WHY(why, "there are additional records");
    if (ldns_pkt_edns(p) &&
        (ldns_pkt_edns_do(asked) != ldns_pkt_edns_do(p) || ldns_pkt_edns_version(p) != 0))
        return WHY(why, "DO is not as it was asked, or the version is not 0");
    if (ldns_pkt_edns(asked) && ldns_pkt_edns_udp_size(asked) > limit)
        limit = ldns_pkt_edns_udp_size(asked);
    if (ldns_pkt_edns(p) && ldns_pkt_edns_udp_size(p) < limit)
        limit = ldns_pkt_edns_udp_size(p);
    if (!tcp && size > limit)
        return WHY(why, "%zu octets are sent to a client that takes %zu", size, limit);
    if (tcp && ldns_pkt_tc(p) && size < 60000)
        return WHY(why, "TC is set over TCP");
    return true;
}

bool packet_read_reply(const uint8_t *message, size_t size, const uint8_t *query, size_t query_size,
                       bool tcp, struct packet_reply *out, char why[PACKET_WHY])
{
    ldns_pkt *asked = NULL;
    unsigned rcode;
    bool good;

    memset(out, 0, sizeof *out);
    if (ldns_wire2pkt(&out->packet, message, size) != LDNS_STATUS_OK)
        return WHY(why, "the reply cannot be read");
    if (ldns_wire2pkt(&asked, query, query_size) != LDNS_STATUS_OK)
        asked = NULL;
    const ldns_pkt *p = out->packet;
    good = check_manners(out, message, size, asked, query, tcp, why);
    ldns_pkt_free(asked);
    rcode = ldns_pkt_get_rcode(p);
    if (ldns_pkt_edns(p))
        rcode |= (unsigned)ldns_pkt_edns_extended_rcode(p) << 4;
    if (rcode < ARRAY_LENGTH(rcodes) && rcodes[rcode] != NULL)
        add_word(out, "%s", rcodes[rcode]);
    else
        add_word(out, "RCODE%u", rcode);
    if (ldns_pkt_aa(p))
        add_word(out, "aa");
    if (ldns_pkt_tc(p))
        add_word(out, "tc");
    if (ldns_pkt_ad(p))
        add_word(out, "ad");
    good = good && read_options(out, why);
    add_records(out, FAKE_ANSWER, ldns_pkt_answer(p));
    add_records(out, FAKE_AUTHORITY, ldns_pkt_authority(p));
    return good;
}

void packet_free_reply(struct packet_reply *r)
{
    for (size_t i = 0; i < r->words_length; i++)
        free(r->words[i]);
    free(r->ede_text);
    ldns_pkt_free(r->packet);
}

/* Owner, class and what follows, as ldns writes it, in its own memory. */
static void split(const ldns_rr *rr, char **text, const char **class, const char **rest)
{
    *text = ldns_rr2str(rr);
    assert(*text != NULL);
    (*text)[strcspn(*text, "\n")] = '\0';
    char *at = strchr(*text, '\t');
    *at++ = '\0';
    at = strchr(at, '\t') + 1;
    *class = at;
    at = strchr(at, '\t');
    *at++ = '\0';
    *rest = at;
    while ((at = strchr(at, '\t')) != NULL)
        *at = ' ';
}

char *packet_record_text(enum fake_section section, const ldns_rr *rr, char *out, size_t space)
{
    char *text;
    const char *class, *rest;

    split(rr, &text, &class, &rest);
    snprintf(out, space, "%s%s %u %s%s%s", sections[section], text, ldns_rr_ttl(rr),
             strcmp(class, "IN") == 0 ? "" : class, strcmp(class, "IN") == 0 ? "" : " ", rest);
    free(text);
    return out;
}

bool packet_matches(const struct packet_record *wanted, enum fake_section section,
                    const ldns_rr *got)
{
    char *texts[2];
    const char *classes[2], *rests[2];
    bool same;

    if (section != wanted->section || ldns_rr_ttl(got) < wanted->ttl_least ||
        ldns_rr_ttl(got) > wanted->ttl_most)
        return false;
    split(wanted->rr, &texts[0], &classes[0], &rests[0]);
    split(got, &texts[1], &classes[1], &rests[1]);
    same = strcmp(texts[0], texts[1]) == 0 && strcmp(classes[0], classes[1]) == 0;
    if (same && wanted->short_soa && ldns_rr_get_type(got) == LDNS_RR_TYPE_SOA)
        same = ldns_rdf_compare(ldns_rr_rdf(wanted->rr, 6), ldns_rr_rdf(got, 6)) == 0;
    else
        same = same && strcmp(rests[0], rests[1]) == 0;
    free(texts[0]);
    free(texts[1]);
    return same;
}
