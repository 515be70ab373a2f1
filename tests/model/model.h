/* An independent model of whose a name is: RFC 4592 and the rules of docs/answers.md written down
 * as slowly and as plainly as can be, over lists of texts.  Shares no code with the table.
 *
 * Names are lower-case texts without a final dot and without escapes; "" is the root. */
#ifndef PLDNS_MODEL_H
#define PLDNS_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#define MODEL_MAX  64 /* items of each list */
#define MODEL_TEXT 64 /* characters of a name */

enum model_says {
    MODEL_NOT_OWNED,
    MODEL_ANSWER,
    MODEL_EMPTY,
    MODEL_NXDOMAIN,
    MODEL_NOT_READY,
    MODEL_GONE,
    MODEL_NO_ZONE,
    MODEL_DETACHED,
    MODEL_FENCED,
    MODEL_SEARCH,
};

struct model_rule {
    char owner[MODEL_TEXT];
    enum model_says says;   /* ANSWER, NOT_READY or GONE */
    bool regional_fallback; /* written for a zone without endpoint */
    bool implied;           /* by a written "*.U": counts where nobody gives this owner a rule */
    char zone[8];           /* whose endpoints alone it has, or "" */
};

struct model_root {
    char name[MODEL_TEXT];
    bool checked, strict; /* the label left of it may be a zone id */
    char zones[4][8];     /* those that have an endpoint */
    size_t zones_length;
};

struct model_name {
    char name[MODEL_TEXT];
    bool subtree; /* of a tombstone */
};

struct model {
    struct model_rule rules[MODEL_MAX];
    struct model_root roots[MODEL_MAX];
    struct model_name graves[MODEL_MAX], fences[MODEL_MAX], suffixes[MODEL_MAX];
    size_t rules_length, roots_length, graves_length, fences_length, suffixes_length;
};

struct model_answer {
    enum model_says says;
    const struct model_rule *rule; /* that decided, or NULL */
    bool regional_fallback;
    size_t left; /* characters, dots included, in front of the root, tombstone, fence or suffix */
};

/* The first label has the form of a zone id: az1 … az9. */
bool model_is_zone(const char *label);

void model_ask(const struct model *, const char *name, struct model_answer *);

#endif
