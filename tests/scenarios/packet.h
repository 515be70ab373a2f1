/* DNS messages in the words of scenarios, and scenarios' words as DNS messages.  Made and read
 * through ldns, not by the code under test. */
#ifndef PACKET_H
#define PACKET_H

#include <ldns/ldns.h>

#include "fake_message.h"
#include "error.h"

#define PACKET_WHY   300
#define PACKET_LINES 4200

/* ---- records ---- */

/* "[authority:|additional:] OWNER TTL TYPE DATA"; "@" is the question's name, the TTL may be "*" or
 * "LEAST-MOST", and a SOA's data its minimum alone. */
struct packet_record {
    enum fake_section section;
    ldns_rr *rr; /* with TTL 0; the caller's */
    uint32_t ttl_least, ttl_most;
    bool short_soa;
};

/* 'question' is the message whose question "@" stands for. */
MUST_USE bool packet_read_record(const char *line, const uint8_t *question,
                                 struct packet_record *out, char why[PACKET_WHY]);

/* Names that stand in a message already: later owners point there, as servers do it. */
struct packet_names {
    struct {
        size_t at, size;
        uint8_t wire[255];
    } items[32];
    size_t length;
};

/* Begins with the question of the message; 'names' is empty. */
void packet_learn_question(const struct fake_message *, struct packet_names *);
void packet_put(struct fake_message *, struct packet_names *, const struct packet_record *);

/* ---- questions ---- */

struct packet_question {
    uint8_t name[255];
    size_t name_size;
    uint16_t type, class;
    bool tcp, no_edns, dnssec_ok, nsid, cookie, keepalive, subnet;
    unsigned udp_size, flags, opcode, version, questions;
};

/* The name; the words behind it one by one.  What they say is added to '*out', which is all zero
 * at first. */
MUST_USE bool packet_read_name(struct packet_question *out, const char *word, char why[PACKET_WHY]);
MUST_USE bool packet_read_word(struct packet_question *out, const char *word, char why[PACKET_WHY]);
void packet_query(struct fake_message *, const struct packet_question *, uint16_t id);

/* "www.example. A +do" of a message that went upstream; false if it is not what we send. */
MUST_USE bool packet_question_text(const uint8_t *message, size_t size, char *text, size_t space);

/* ---- replies ---- */

MUST_USE bool packet_read_rcode(const char *word, unsigned *out);

/* What a client got: the words of its head, and a line for each record.  free() all. */
struct packet_reply {
    char *words[16]; /* the rcode, then flags, "ede 22", "nsid x", … */
    size_t words_length;
    char *ede_text; /* "" if there is none */
    size_t lines_length;
    enum fake_section sections[PACKET_LINES];
    ldns_rr *records[PACKET_LINES];
    ldns_pkt *packet;
};

/* False: 'why' says what no reply may be: not to that query, wrong flags, too large, … */
MUST_USE bool packet_read_reply(const uint8_t *message, size_t size, const uint8_t *query,
                                size_t query_size, bool tcp, struct packet_reply *out,
                                char why[PACKET_WHY]);
void packet_free_reply(struct packet_reply *);

/* "authority: example. 60 SOA …" */
char *packet_record_text(enum fake_section, const ldns_rr *, char *text, size_t space);
/* Whether that record of a reply is the one that was expected. */
bool packet_matches(const struct packet_record *, enum fake_section, const ldns_rr *);

#endif
