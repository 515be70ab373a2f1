/* The options of the command line.  They may stand before or behind the command's name.
 *
 * The table in options.c is the one list of what exists; help and completions follow it. */
#ifndef PLDNS_OPTIONS_H
#define PLDNS_OPTIONS_H

#include "error.h"
#include <stdint.h>

enum options_bit {
    OPTIONS_SERVER = 1u << 0,
    OPTIONS_ATTACHMENTS = 1u << 1,
    OPTIONS_OUTPUT = 1u << 2,
    OPTIONS_NO_COLOR = 1u << 3,
    OPTIONS_HELP = 1u << 4,
    OPTIONS_VERSION = 1u << 5,
    OPTIONS_STRICT = 1u << 6,
    OPTIONS_OWNED = 1u << 7,
    OPTIONS_CLIENT = 1u << 8,
    OPTIONS_GENERATION = 1u << 9,
    OPTIONS_DOCUMENT = 1u << 10,
    OPTIONS_NAME = 1u << 11,
    OPTIONS_TIMEOUT = 1u << 12,
    OPTIONS_SUBTREE = 1u << 13,
};

#define OPTIONS_EVERYWHERE (OPTIONS_OUTPUT | OPTIONS_NO_COLOR | OPTIONS_HELP | OPTIONS_VERSION)
/* What every command that asks the daemon takes. */
#define OPTIONS_DAEMON (OPTIONS_SERVER | OPTIONS_TIMEOUT)

enum options_format { OPTIONS_TABLE, OPTIONS_JSON, OPTIONS_YAML };

struct options {
    unsigned given;     /* OPTIONS_… bits that stood on the command line */
    const char *server; /* never NULL */
    const char *attachments;
    const char *client, *document, *name; /* NULL = not given */
    uint64_t generation;
    uint64_t timeout_ms; /* 0 = not given */
    enum options_format format;
};

/* One row of the table, for the help. */
struct options_row {
    const char *name;  /* without the two dashes */
    const char *value; /* "DIR"; NULL: takes none */
    const char *help;
    unsigned bit;
    char letter; /* 0: none */
};
const struct options_row *options_table(size_t *length);

/* Reads argv[1…]; what is no option is collected in 'words' (room for argc entries).  '--' ends the
 * options.  False: 'why' says what is wrong in one line.  Texts are those of argv. */
MUST_USE bool options_read(int argc, char **argv, struct options *out, char **words, int *length,
                           char *why, size_t why_size);

/* "5s", "200ms", "1m" or a bare number of seconds; false if it is none or over a day. */
MUST_USE bool options_duration(const char *text, uint64_t *out_ms);

#endif
