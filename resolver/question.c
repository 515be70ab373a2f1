#include "question.h"

#include <string.h>

#define FLAG_QR 0x8000
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080
#define FLAG_AD 0x0020
#define FLAG_CD 0x0010

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

static size_t write_head(uint8_t *out, const struct reply_question *q, const uint8_t *name,
                         unsigned flags)
{
    size_t at = REPLY_HEADER_SIZE + q->name_size;

    memset(out, 0, REPLY_HEADER_SIZE);
    set16(out + 2, flags | (q->checking_disabled ? FLAG_CD : 0));
    set16(out + 4, 1);
    memcpy(out + REPLY_HEADER_SIZE, name, q->name_size);
    set16(out + at, q->type);
    set16(out + at + 2, q->class);
    return at + 4;
}

size_t question_write(uint8_t *out, const struct reply_question *q, const uint8_t *name, bool edns)
{
    size_t size = write_head(out, q, name, FLAG_RD | (q->authentic_data ? FLAG_AD : 0u));

    if (!edns)
        return size;
    memset(out + size, 0, OPT_SIZE);
    out[size + 2] = 41; /* type OPT at the root */
    set16(out + size + 3, QUESTION_UDP_SIZE);
    out[size + 7] = q->dnssec_ok ? OPT_DO : 0;
    set16(out + 10, 1);
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
    size_t size = write_head(out, q, q->name, FLAG_QR | FLAG_RD | FLAG_RA | rcode);

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
