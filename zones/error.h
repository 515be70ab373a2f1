/* A complaint about something a person wrote: where, what, and what to do.
 *
 * Documents and the configuration are checked whole, so complaints are collected in a list rather
 * than returned one by one.  Lines and columns count from 1; 0 means "no such place". */
#ifndef PLDNS_ERROR_H
#define PLDNS_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LENGTH(a)   (sizeof(a) / sizeof((a)[0]))

/* What most queries pass through is one function without calls; what stands beside that way,
 * because it is rare or because it would make it dearer for the others, is not to become part of
 * it. */
#define IN_ONE_PIECE __attribute__((flatten))
#define APART        __attribute__((noinline))
#define RARE         __attribute__((noinline, cold))

/* One list keeps at most this many complaints; the rest are only counted.  A hostile document must
 * not turn into gigabytes of messages. */
#define ERROR_LIST_MAX 200

struct error {
    bool warning;    /* true: accepted all the same */
    char *file;      /* document or configuration file as the reader knows it; never NULL */
    unsigned line;   /* 1… or 0 */
    unsigned column; /* 1… or 0 */
    char *text;      /* what is wrong, one line, no full stop */
};

struct error_list {
    struct error *items;
    size_t length;   /* items kept */
    size_t errors;   /* complaints that are errors, those not kept included */
    size_t warnings; /* the same of warnings */
};

/* An empty list is all zero bytes: struct error_list errors = {0}; */

/* Adds an error (a refusal).  'file' and the text are copied.  In a full list an error takes the
 * place of a warning. */
void error_add(struct error_list *, const char *file, unsigned line, unsigned column,
               const char *format, ...) PRINTF_LIKE(5, 6);

/* True if an error added now would only be counted: what it is to say need not be found out, it is
 * enough to count it. */
bool error_is_full(const struct error_list *);
void error_count(struct error_list *);

/* Adds a warning: the document is accepted, its author should still look. */
void error_warn(struct error_list *, const char *file, unsigned line, unsigned column,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* Moves all complaints of 'from' behind those of 'to'; 'from' is empty afterwards. */
void error_move(struct error_list *to, struct error_list *from);

/* Adds copies of the complaints of 'from', with or without warnings, and counts those it did not
 * keep. */
void error_copy(struct error_list *to, const struct error_list *from, bool warnings);

/* Sorts the complaints from number 'from' on by their places: a reader goes from top to bottom. */
void error_sort(struct error_list *, size_t from);

/* Writes "file:line:column: text" (warnings: "file:line:column: warning: text"; parts that are 0
 * are left out), always terminated; returns 'buffer'. */
char *error_format(const struct error *, char *buffer, size_t size);

/* Frees what the list holds and empties it. */
void error_clear(struct error_list *);

#endif
