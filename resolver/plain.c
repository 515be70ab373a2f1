#include "plain.h"

#include "tableset.h"

/* What a query's flags may say without being another query (RFC 1035 4.1.1). */
#define MAY_VARY                                                                                   \
    (WIRE_FLAG_AA | WIRE_FLAG_TC | WIRE_FLAG_RD | WIRE_FLAG_RA | WIRE_FLAG_Z | WIRE_FLAG_AD |      \
     WIRE_FLAG_CD | WIRE_RCODE_BITS)
/* The header from the flags to the authority's count, but for those: one question. */
#define ONE_QUESTION (UINT64_C(1) << 32)

bool plain_read(struct visit *v, const union config_ip *from, const uint8_t *packet, size_t size)
{
    return size > WIRE_HEADER_SIZE &&
           (wire_get64(packet + 2) & ~((uint64_t)MAY_VARY << 48)) == ONE_QUESTION &&
           wire_get16(packet + 10) == 0 && !visit_may_be_ours(v, from) &&
           dname_cut(&v->cut, packet + WIRE_HEADER_SIZE, size - WIRE_HEADER_SIZE) &&
           WIRE_HEADER_SIZE + v->cut.size + 4u == size &&
           netblock_contains(&v->config->allow, &from->any);
}

void plain_begin(struct visit *v, const uint8_t *packet, size_t size, uint8_t *out, size_t space)
{
    v->wire = (struct wire_query){
        .packet = packet,
        .flags = wire_get16(packet + 2),
        .question_end = (uint16_t)size,
        .type = wire_get16(packet + size - 4),
        .class = wire_get16(packet + size - 2),
        .name_size = v->cut.size,
    };
    visit_start(v, out, space);
}

bool plain_may_answer(const struct config *config, const struct tableset *set)
{
    return set->views == NULL && config->log.queries == CONFIG_QUERIES_OFF;
}

static void write_head(uint8_t *packet, unsigned count)
{
    uint16_t flags = WIRE_FLAG_QR | WIRE_FLAG_AA | WIRE_FLAG_RA |
                     (wire_get16(packet + 2) & (WIRE_FLAG_RD | WIRE_FLAG_CD));

    wire_put64(packet + 2, (uint64_t)flags << 48 | ONE_QUESTION | (uint64_t)count << 16);
}

static inline size_t write_addresses(const struct answer *answer, uint16_t type, unsigned *turn,
                                     uint8_t *packet, size_t size)
{
    unsigned all = answer_count(answer, type);
    size_t end = size + all * answer_record_size(type);

    if (all == 0 || end > WIRE_UDP_MIN)
        return 0;
    (void)answer_write(answer, type, (*turn)++, packet + size, end - size);
    write_head(packet, all);
    return end;
}

size_t plain_answer(const struct visit *v, const struct table *table, uint8_t *packet, size_t size,
                    struct owned_turns *turns)
{
    uint32_t question = wire_get32(packet + size - 4);
    const struct answer *answer;

    if (question != (ANSWER_A << 16 | WIRE_IN) && question != (ANSWER_AAAA << 16 | WIRE_IN))
        return 0;
    if (!table_plain(table, packet + WIRE_HEADER_SIZE, &v->cut, &answer))
        return 0;
    if (question == (ANSWER_A << 16 | WIRE_IN))
        return write_addresses(answer, ANSWER_A, &turns->a, packet, size);
    return write_addresses(answer, ANSWER_AAAA, &turns->aaaa, packet, size);
}
