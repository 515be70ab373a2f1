#include "chainorder.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* The question's name, and what each CNAME leads to. */
struct trail {
    const ldns_rdf *names[REPLY_HOPS_MAX + 1];
    unsigned length;
};

/* Of the records of one hop: what leads on stands in front, and signatures behind what they sign.
 */
enum rank { RANK_DNAME, RANK_DNAME_SIGNATURE, RANK_CNAME, RANK_OTHER, RANK_SIGNATURE, RANKS };

struct placed {
    ldns_rr *rr;
    unsigned place; /* the hop, and in it the rank */
    size_t was;     /* its place before */
};

static const ldns_rdf *target_of(const ldns_rr_list *records, const ldns_rdf *owner)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(rr) == 1 &&
            ldns_dname_compare(ldns_rr_owner(rr), owner) == 0)
            return ldns_rr_rdf(rr, 0);
    }
    return NULL;
}

/* A circle fills it, and is found by reply_check() again. */
static void follow(struct trail *trail, const ldns_rr_list *records, const ldns_rdf *name)
{
    trail->length = 0;
    while (name != NULL && trail->length < ARRAY_LENGTH(trail->names)) {
        trail->names[trail->length++] = name;
        name = target_of(records, name);
    }
}

static enum rank rank_of(const ldns_rr *rr)
{
    switch (ldns_rr_get_type(rr)) {
    case LDNS_RR_TYPE_DNAME:
        return RANK_DNAME;
    case LDNS_RR_TYPE_CNAME:
        return RANK_CNAME;
    case LDNS_RR_TYPE_RRSIG:
        return ldns_rr_rd_count(rr) > 0 &&
                       ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr)) == LDNS_RR_TYPE_DNAME
                   ? RANK_DNAME_SIGNATURE
                   : RANK_SIGNATURE;
    default:
        return RANK_OTHER;
    }
}

/* A DNAME's owner is above the name that it leads on from. */
static bool stands_at(const ldns_rdf *owner, enum rank rank, const ldns_rdf *hop)
{
    if (rank == RANK_DNAME || rank == RANK_DNAME_SIGNATURE)
        return ldns_dname_is_subdomain(hop, owner);
    return ldns_dname_compare(hop, owner) == 0;
}

/* False: the chain has no place for it. */
static bool find_place(const struct trail *trail, const ldns_rr *rr, unsigned *place)
{
    enum rank rank = rank_of(rr);

    for (unsigned hop = 0; hop < trail->length; hop++) {
        if (stands_at(ldns_rr_owner(rr), rank, trail->names[hop])) {
            *place = hop * RANKS + rank;
            return true;
        }
    }
    return false;
}

static int compare_places(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->was < y->was ? -1 : 1;
}

/* False: a record has no place, or all have theirs. */
static bool put_in_order(ldns_rr_list *records, const ldns_rdf *name)
{
    size_t length = ldns_rr_list_rr_count(records);
    struct placed *placed = alloc_array(length, sizeof *placed);
    struct trail trail;
    bool explained = true, moved = false;

    follow(&trail, records, name);
    for (size_t i = 0; i < length && explained; i++) {
        placed[i].rr = ldns_rr_list_rr(records, i);
        placed[i].was = i;
        explained = find_place(&trail, placed[i].rr, &placed[i].place);
    }
    if (explained)
        qsort(placed, length, sizeof *placed, compare_places);
    for (size_t i = 0; i < length && explained; i++) {
        moved |= placed[i].was != i;
        ldns_rr_list_set_rr(records, placed[i].rr, i);
    }
    free(placed);
    return moved;
}

static size_t write_again(const ldns_pkt *packet, uint8_t *out)
{
    uint8_t *wire = NULL;
    size_t size = 0;

    if (ldns_pkt2wire(&wire, packet, &size) != LDNS_STATUS_OK || size > REPLY_SIZE_MAX)
        size = 0;
    memcpy(out, wire, size);
    free(wire);
    return size;
}

size_t chainorder_mend(const uint8_t *message, size_t size, uint8_t *out)
{
    ldns_pkt *packet;
    size_t written = 0;

    if (size > CHAINORDER_SIZE_MAX || ldns_wire2pkt(&packet, message, size) != LDNS_STATUS_OK)
        return 0;
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    if (question != NULL && put_in_order(ldns_pkt_answer(packet), ldns_rr_owner(question)))
        written = write_again(packet, out);
    ldns_pkt_free(packet);
    return written;
}
