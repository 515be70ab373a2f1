#include "question.h"

#include <string.h>

#include "octets.h"

#define FLAG_QR 0x8000
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080
#define FLAG_AD 0x0020
#define FLAG_CD 0x0010

#define OPT      41
#define OPT_SIZE 11
#define OPT_DO   0x80 /* in the third octet of the TTL */
#define PADDING  12   /* RFC 7830 */
#define OPTION   4    /* its code and length */

_Static_assert(REPLY_HEADER_SIZE + DNAME_MAX + 4 + OPT_SIZE + OPTION <= QUESTION_MAX &&
                   QUESTION_MAX % QUESTION_BLOCK == 0,
               "the longest question fits, filled up");
_Static_assert(DNAME_MAX <= QUESTION_DICE * 8, "a bit of dice for each octet");

static void set16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* 'low': flags of the second octet that the question has beside CD. */
static inline size_t write_head(uint8_t *out, const struct reply_question *q, const uint8_t *name,
                                unsigned flags, unsigned low, unsigned additional)
{
    size_t at = REPLY_HEADER_SIZE + q->name_size;

    low |= q->checking_disabled ? FLAG_CD : 0u;
    octets_put_word(out, OCTETS_TWO(2, flags) | OCTETS_ONE(3, low) | OCTETS_TWO(4, 1));
    octets_put_half(out + 8, OCTETS_ONE(3, additional));
    octets_copy(out + REPLY_HEADER_SIZE, name, q->name_size);
    octets_put_half(out + at, le32toh(htobe32((uint32_t)q->type << 16 | q->class)));
    return at + 4;
}

IN_ONE_PIECE size_t question_write(uint8_t *out, const struct reply_question *q,
                                   const uint8_t *name, bool edns)
{
    size_t size = write_head(out, q, name, FLAG_RD, q->authentic_data ? FLAG_AD : 0, edns);

    if (!edns)
        return size;
    /* Type OPT at the root; at its end, where the two meet, nothing but zeros. */
    octets_put_half(out + size + OPT_SIZE - 4, 0);
    octets_put_word(out + size, OCTETS_TWO(1, OPT) | OCTETS_TWO(3, QUESTION_UDP_SIZE) |
                                    OCTETS_ONE(7, q->dnssec_ok ? OPT_DO : 0));
    return size + OPT_SIZE;
}

size_t question_pad(uint8_t *out, size_t size)
{
    size_t whole = (size + OPTION + QUESTION_BLOCK - 1) / QUESTION_BLOCK * QUESTION_BLOCK;

    if (out[11] == 0) /* no OPT, or it would be the last record */
        return size;
    set16(out + size - 2, (unsigned)(whole - size));
    memset(out + size, 0, whole - size);
    set16(out + size, PADDING);
    set16(out + size + 2, (unsigned)(whole - size - OPTION));
    return whole;
}

static bool is_letter(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

void question_shuffle_case(uint8_t *out, const struct reply_question *q, const uint8_t *dice)
{
    size_t label_end = 0;

    for (size_t i = 0; i < q->name_size; i++) {
        uint8_t c = q->name[i];

        /* A length octet is no letter, even if it looks like one (it cannot: 63 is below 'A'). */
        if (i == label_end)
            label_end += 1u + c;
        else if (is_letter(c) && (dice[i / 8] >> i % 8 & 1) != 0)
            c = (uint8_t)(c - ('a' - 'A'));
        out[i] = c;
    }
}

bool question_differs_in_case(const uint8_t *message, size_t size, uint16_t id,
                              const struct reply_question *q)
{
    struct dname name;
    struct reply reply;

    if (!reply_name(message, size, REPLY_HEADER_SIZE, &name) || name.size != q->name_size ||
        !dname_equal(name.wire, q->name))
        return false;
    return reply_check(message, size, id, message + REPLY_HEADER_SIZE, q, &reply) != REPLY_NOT_OURS;
}

size_t question_write_reply(uint8_t *out, const struct reply_question *q, unsigned rcode,
                            struct reply *reply)
{
    size_t size = write_head(out, q, q->name, FLAG_QR | FLAG_RD | FLAG_RA, rcode, 0);

    *reply = (struct reply){
        .rcode = (uint16_t)rcode,
        .records_at = (uint16_t)size,
        .answer_end = (uint16_t)size,
        .authority_end = (uint16_t)size,
        .end = (uint16_t)size,
        .negative = true,
        .authority_plain = true,
    };
    return size;
}
