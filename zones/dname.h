/* A domain name in wire form (RFC 1035 3.1): length-prefixed octets ending in the root label.
 *
 * Names are never compared or keyed as text.  Case folding is ASCII only (RFC 4343).  A dname has
 * no compression pointers.  "Folded" means A-Z became a-z. */
#ifndef PLDNS_DNAME_H
#define PLDNS_DNAME_H

#include "error.h"
#include <stdint.h>
#include <string.h>

#define DNAME_MAX        255 /* octets, root label included (RFC 1035 2.3.4) */
#define DNAME_LABEL_MAX  63
#define DNAME_LABELS_MAX 128 /* labels, root included */
/* Every octet may become \DDD, every label a dot: 4 * 255 and the terminator fit. */
#define DNAME_TEXT_MAX 1024

struct dname {
    uint8_t size; /* octets in wire[], at least 1 */
    uint8_t wire[DNAME_MAX];
};

/* Reads presentation form ("b1.example", "b1.example.", ".", "\." and "\DDD" escapes), folded.
 * False: 'why' says what is wrong ("label longer than 63 octets", "empty label", …). */
MUST_USE bool dname_from_text(struct dname *, const char *text, size_t length, const char **why);

/* Copies a wire name of at most 'size' octets, case kept.  False if it is cut off, too long, has a
 * pointer or a reserved label type. */
MUST_USE bool dname_from_wire(struct dname *, const uint8_t *wire, size_t size);

#define DNAME_MARKED 11 /* of "unique_name", which is looked for in every query (table.h) */

/* Where the labels of a name begin: what one walk over it tells. */
struct dname_cut {
    uint8_t size, labels; /* octets; labels without the root */
    uint8_t
        at[DNAME_LABELS_MAX]; /* octets left of the i-th label from the left; the last: the root */
    bool marked;              /* some label has DNAME_MARKED octets */
};

/* Cuts a name of at most 'size' octets into labels.  False as dname_from_wire() says. */
MUST_USE bool dname_cut(struct dname_cut *, const uint8_t *wire, size_t size);

/* Octets of the name at 'wire' (root label included); it must be well formed. */
size_t dname_size(const uint8_t *wire);

/* Number of labels without the root: 3 for www.example.com. */
unsigned dname_labels(const uint8_t *wire);

/* Presentation form without the final dot (the root is "."), special octets escaped as RFC 4343 2.1
 * says; always terminated.  'text' has DNAME_TEXT_MAX bytes.  Returns 'text'. */
char *dname_to_text(const uint8_t *wire, char *text);

/* Copies 'wire' to 'out' with ASCII letters folded; returns the size. */
size_t dname_fold(uint8_t *out, const uint8_t *wire);
/* The same where the size is known. */
void dname_fold_sized(uint8_t *out, const uint8_t *wire, size_t size);

/* Sixteen octets of it as one vector: folding is the first thing that happens to every query name.
 */
#define DNAME_STEP 16
typedef uint8_t dname_octets __attribute__((vector_size(DNAME_STEP)));
typedef int8_t dname_numbers __attribute__((vector_size(DNAME_STEP)));
static inline dname_octets dname_folded(dname_octets v)
{
    /* Moved so far, 'Z' is the greatest signed number there is: one comparison finds the letters.
     */
    dname_numbers moved = (dname_numbers)(v + (INT8_MAX - 'Z'));

    return v | ((dname_octets)(moved > INT8_MAX - 26) & ('a' - 'A'));
}

static inline void dname_fold16(uint8_t *out, const uint8_t *wire)
{
    dname_octets v;

    memcpy(&v, wire, sizeof(v));
    v = dname_folded(v);
    memcpy(out, &v, sizeof(v));
}

/* Equal but for ASCII letter case. */
bool dname_equal(const uint8_t *a, const uint8_t *b);

/* True if 'name' is 'suffix' or below it, on label boundaries, letter case aside; '*offset' (may be
 * NULL) is then the octets of 'name' that stand left of the suffix. */
bool dname_under(const uint8_t *name, const uint8_t *suffix, size_t *offset);

/* True if the name is that one, or with 'subtree' at or under it. */
bool dname_is_in(const uint8_t *name, const uint8_t *top, bool subtree);

/* True if the first label is exactly "*". */
bool dname_is_wildcard(const uint8_t *wire);

/* Writes label + parent into 'out'.  False if that is longer than DNAME_MAX. */
MUST_USE bool dname_prepend(struct dname *out, const uint8_t *label, size_t length,
                            const struct dname *parent);

#endif
