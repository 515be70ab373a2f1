#include "record.h"

#include <string.h>

#define POINTER_BITS 0xc0

/* What stands in the RDATA, one letter after the other; it must be used up exactly.
 *   1 2 4 8  so many octets           n  name           u  name that may not be compressed
 *   s  character string               S  one or more of them, to the end
 *   t  character string, not empty    *  the rest       +  the rest, not empty
 *   b  type bitmap, to the end        p  parameters of SVCB, to the end
 *   o  options of EDNS, to the end
 * Names of types younger than RFC 1035 should not be compressed, but RFC 3597 section 4 wants
 * receivers to take it for those it lists. */
static const char *const formats[] = {
    [1] = "4",       /* A */
    [2] = "n",       /* NS */
    [3] = "n",       /* MD */
    [4] = "n",       /* MF */
    [5] = "n",       /* CNAME */
    [6] = "nn488",   /* SOA */
    [7] = "n",       /* MB */
    [8] = "n",       /* MG */
    [9] = "n",       /* MR */
    [11] = "41*",    /* WKS */
    [12] = "n",      /* PTR */
    [13] = "ss",     /* HINFO */
    [14] = "nn",     /* MINFO */
    [15] = "2n",     /* MX */
    [16] = "S",      /* TXT */
    [17] = "nn",     /* RP */
    [18] = "2n",     /* AFSDB */
    [19] = "s",      /* X25 */
    [21] = "2n",     /* RT */
    [24] = "288n+",  /* SIG */
    [25] = "211*",   /* KEY */
    [26] = "2nn",    /* PX */
    [27] = "sss",    /* GPOS */
    [28] = "88",     /* AAAA */
    [29] = "88",     /* LOC */
    [33] = "222n",   /* SRV */
    [35] = "22sssn", /* NAPTR */
    [36] = "2n",     /* KX */
    [37] = "221+",   /* CERT */
    [39] = "n",      /* DNAME */
    [41] = "o",      /* OPT */
    [43] = "211+",   /* DS */
    [44] = "11+",    /* SSHFP */
    [46] = "288u+",  /* RRSIG */
    [47] = "ub",     /* NSEC */
    [48] = "211+",   /* DNSKEY */
    [49] = "+",      /* DHCID */
    [50] = "112stb", /* NSEC3: salt and hash stand like character strings */
    [51] = "112s",   /* NSEC3PARAM */
    [52] = "111+",   /* TLSA */
    [53] = "111+",   /* SMIMEA */
    [58] = "uu",     /* TALINK */
    [59] = "211+",   /* CDS */
    [60] = "211+",   /* CDNSKEY */
    [61] = "+",      /* OPENPGPKEY */
    [62] = "42b",    /* CSYNC */
    [63] = "411+",   /* ZONEMD */
    [64] = "2up",    /* SVCB */
    [65] = "2up",    /* HTTPS */
    [99] = "S",      /* SPF */
    [104] = "28",    /* NID */
    [105] = "24",    /* L32 */
    [106] = "28",    /* L64 */
    [107] = "2u",    /* LP */
    [108] = "42",    /* EUI48 */
    [109] = "8",     /* EUI64 */
    [256] = "22+",   /* URI */
    [257] = "1t*",   /* CAA */
};

/* What is left of the RDATA.  The error sticks. */
struct reader {
    const uint8_t *message;
    size_t at, end;
    struct record_names *names;
    bool bad;
};

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void record_names_clear(struct record_names *names, size_t size)
{
    size_t octets = size / 8 + 1;

    memset(names->starts, 0, octets < sizeof names->starts ? octets : sizeof names->starts);
}

/* Remembers that a name, or its tail, begins there. */
static void mark(struct record_names *names, size_t at)
{
    if (names != NULL && at <= RECORD_POINTER_MAX)
        names->starts[at / 8] = (uint8_t)(names->starts[at / 8] | 1u << at % 8);
}

static bool is_marked(const struct record_names *names, size_t at)
{
    return names == NULL || (names->starts[at / 8] >> at % 8 & 1) != 0;
}

size_t record_name(const uint8_t *message, size_t size, size_t offset, struct record_names *names,
                   struct dname *out)
{
    size_t at = offset, before = offset, end = 0, length = 0;
    unsigned pointers = 0;

    for (;;) {
        if (at >= size)
            return 0;
        unsigned octet = message[at];
        mark(names, at);
        if (octet >= POINTER_BITS) {
            if (at + 2 > size || ++pointers > RECORD_POINTERS_MAX)
                return 0;
            size_t target = get16(message + at) & RECORD_POINTER_MAX;
            if (target >= before || target < RECORD_HEADER_SIZE || !is_marked(names, target))
                return 0;
            if (end == 0)
                end = at + 2;
            at = before = target;
            continue;
        }
        if (octet > DNAME_LABEL_MAX || at + 1 + octet > size || length + 1 + octet > DNAME_MAX)
            return 0;
        if (out != NULL)
            memcpy(out->wire + length, message + at, 1 + octet);
        length += 1 + octet;
        at += 1 + octet;
        if (octet == 0)
            break;
    }
    if (out != NULL)
        out->size = (uint8_t)length;
    return end != 0 ? end : at;
}

/* The record whose owner's name ends at 'at'. */
static bool read_parts(const uint8_t *message, size_t size, size_t offset, size_t at,
                       struct record *out)
{
    if (at == 0 || size - at < RECORD_FIXED_SIZE || size > UINT16_MAX)
        return false;
    size_t rdata_size = get16(message + at + 8);
    if (size - at - RECORD_FIXED_SIZE < rdata_size)
        return false;
    *out = (struct record){
        .owner = (uint16_t)offset,
        .type = get16(message + at),
        .class = get16(message + at + 2),
        .ttl = get32(message + at + 4),
        .ttl_at = (uint16_t)(at + 4),
        .rdata = (uint16_t)(at + RECORD_FIXED_SIZE),
        .rdata_size = (uint16_t)rdata_size,
        .end = (uint16_t)(at + RECORD_FIXED_SIZE + rdata_size),
    };
    return true;
}

/* Where the name at 'at' ends, 0 if it breaks off.  What a pointer leads to is not looked at. */
static size_t behind_name(const uint8_t *message, size_t size, size_t at)
{
    while (at < size && message[at] < POINTER_BITS) {
        if (message[at] == 0)
            return at + 1;
        at += 1u + message[at];
    }
    return at + 2 <= size ? at + 2 : 0;
}

bool record_read(const uint8_t *message, size_t size, size_t offset, struct record *out)
{
    return read_parts(message, size, offset, behind_name(message, size, offset), out);
}

static void skip(struct reader *r, size_t size)
{
    if (r->bad || r->end - r->at < size)
        r->bad = true;
    else
        r->at += size;
}

static void skip_name(struct reader *r, bool compressed)
{
    struct dname name;
    size_t end = r->bad ? 0 : record_name(r->message, r->end, r->at, r->names, &name);

    if (end == 0 || (!compressed && end - r->at != name.size))
        r->bad = true;
    else
        r->at = end;
}

static void skip_string(struct reader *r, size_t least)
{
    if (r->bad || r->at >= r->end || r->message[r->at] < least)
        r->bad = true;
    else
        skip(r, 1u + r->message[r->at]);
}

/* RFC 4034 section 4.1.2: windows rise, each of 1 to 32 octets. */
static void skip_bitmap(struct reader *r)
{
    int window = -1;

    while (!r->bad && r->at < r->end) {
        if (r->end - r->at < 3 || r->message[r->at] <= window || r->message[r->at + 1] < 1 ||
            r->message[r->at + 1] > 32) {
            r->bad = true;
            return;
        }
        window = r->message[r->at];
        skip(r, 2u + r->message[r->at + 1]);
    }
}

/* Pairs of a number, a length and so many octets; RFC 9460 section 2.2 wants SVCB's numbers to
 * rise. */
static void skip_pairs(struct reader *r, bool rising)
{
    long number = -1;

    while (!r->bad && r->at < r->end) {
        if (r->end - r->at < 4 || (rising && get16(r->message + r->at) <= number)) {
            r->bad = true;
            return;
        }
        number = get16(r->message + r->at);
        skip(r, 4u + get16(r->message + r->at + 2));
    }
}

static void skip_part(struct reader *r, char part)
{
    switch (part) {
    case 'n':
    case 'u':
        skip_name(r, part == 'n');
        return;
    case 's':
    case 't':
        skip_string(r, part == 't');
        return;
    case 'S':
        do
            skip_string(r, 0);
        while (!r->bad && r->at < r->end);
        return;
    case 'b':
        skip_bitmap(r);
        return;
    case 'o':
    case 'p':
        skip_pairs(r, part == 'p');
        return;
    case '+':
    case '*':
        r->bad = r->bad || (part == '+' && r->at == r->end);
        r->at = r->bad ? r->at : r->end;
        return;
    default:
        skip(r, (size_t)(part - '0'));
    }
}

bool record_is_known(uint16_t type)
{
    return type < ARRAY_LENGTH(formats) && formats[type] != NULL;
}

static bool is_sound(const uint8_t *message, const struct record *record,
                     struct record_names *names)
{
    struct reader r = {message, record->rdata, record->end, names, false};

    if (!record_is_known(record->type))
        return true;
    for (const char *part = formats[record->type]; *part != '\0'; part++)
        skip_part(&r, *part);
    return !r.bad && r.at == r.end;
}

bool record_is_questions(const uint8_t *message, size_t size, size_t offset)
{
    return offset + 2 <= size && get16(message + offset) == RECORD_TO_QUESTION;
}

bool record_check(const uint8_t *message, size_t size, size_t offset, struct record_names *names,
                  struct record *out)
{
    size_t at;

    if (names != NULL && record_is_questions(message, size, offset) &&
        is_marked(names, RECORD_HEADER_SIZE)) {
        mark(names, offset); /* the usual owner, and nothing new behind it */
        at = offset + 2;
    } else {
        at = record_name(message, size, offset, names, NULL);
    }
    return read_parts(message, size, offset, at, out) && is_sound(message, out, names);
}
