/* The options of the command line.  They may stand before or behind the command's name.
 *
 * The table in options.c is the one list of what exists; help and completions follow it. */
#ifndef PLDNS_OPTIONS_H
#define PLDNS_OPTIONS_H

#include "error.h"
#include <stdint.h>

/* Too many for an enum. */
#define OPTIONS_SERVER        (UINT64_C(1) << 0)
#define OPTIONS_ATTACHMENTS   (UINT64_C(1) << 1)
#define OPTIONS_OUTPUT        (UINT64_C(1) << 2)
#define OPTIONS_NO_COLOR      (UINT64_C(1) << 3)
#define OPTIONS_HELP          (UINT64_C(1) << 4)
#define OPTIONS_VERSION       (UINT64_C(1) << 5)
#define OPTIONS_STRICT        (UINT64_C(1) << 6)
#define OPTIONS_OWNED         (UINT64_C(1) << 7)
#define OPTIONS_CLIENT        (UINT64_C(1) << 8)
#define OPTIONS_GENERATION    (UINT64_C(1) << 9)
#define OPTIONS_DOCUMENT      (UINT64_C(1) << 10)
#define OPTIONS_NAME          (UINT64_C(1) << 11)
#define OPTIONS_TIMEOUT       (UINT64_C(1) << 12)
#define OPTIONS_SUBTREE       (UINT64_C(1) << 13)
#define OPTIONS_ID            (UINT64_C(1) << 14)
#define OPTIONS_CLUSTER       (UINT64_C(1) << 15)
#define OPTIONS_DISPLAY_NAME  (UINT64_C(1) << 16)
#define OPTIONS_TYPE          (UINT64_C(1) << 17)
#define OPTIONS_UNIQUE_NAME   (UINT64_C(1) << 18)
#define OPTIONS_DOMAIN        (UINT64_C(1) << 19)
#define OPTIONS_DRY_RUN       (UINT64_C(1) << 20)
#define OPTIONS_ATTACH_DOMAIN (UINT64_C(1) << 21)
#define OPTIONS_AWS_NAME      (UINT64_C(1) << 22)
#define OPTIONS_AWS_REGION    (UINT64_C(1) << 23)
#define OPTIONS_ALICLOUD_NAME (UINT64_C(1) << 24)
#define OPTIONS_ENDPOINT      (UINT64_C(1) << 25)
#define OPTIONS_ENDPOINT_DNS  (UINT64_C(1) << 26)
#define OPTIONS_FILE          (UINT64_C(1) << 27)
#define OPTIONS_FORCE         (UINT64_C(1) << 28)
#define OPTIONS_NO_WAIT       (UINT64_C(1) << 29)
#define OPTIONS_REGION        (UINT64_C(1) << 30)
#define OPTIONS_CLOUD         (UINT64_C(1) << 31)
#define OPTIONS_PROJECT       (UINT64_C(1) << 32)
#define OPTIONS_ZONE_ID       (UINT64_C(1) << 33)
#define OPTIONS_CONFIG        (UINT64_C(1) << 34)

#define OPTIONS_EVERYWHERE (OPTIONS_OUTPUT | OPTIONS_NO_COLOR | OPTIONS_HELP | OPTIONS_VERSION)
/* What every command that asks the daemon takes. */
#define OPTIONS_DAEMON (OPTIONS_SERVER | OPTIONS_TIMEOUT)
/* What every command that works on documents takes. */
#define OPTIONS_FOLDER (OPTIONS_ATTACHMENTS | OPTIONS_CONFIG)
/* What every command that changes documents takes. */
#define OPTIONS_WRITER (OPTIONS_DAEMON | OPTIONS_FOLDER | OPTIONS_NO_WAIT | OPTIONS_CLUSTER)

/* An option that may be given again and again. */
#define OPTIONS_LIST_MAX 64
struct options_list {
    const char *items[OPTIONS_LIST_MAX];
    size_t length;
};

enum options_format { OPTIONS_TABLE, OPTIONS_JSON, OPTIONS_YAML };

struct options {
    uint64_t given;     /* OPTIONS_… bits that stood on the command line */
    const char *server; /* never NULL */
    const char *attachments;
    const char *client, *document, *name; /* NULL = not given, here and below */
    const char *id, *cluster, *display_name, *type, *unique_name, *attach_domain;
    const char *aws_name, *aws_region, *alicloud_name, *region, *cloud, *project, *file, *config;
    struct options_list domains, endpoints, endpoints_dns, zone_ids;
    uint64_t generation;
    uint64_t timeout_ms; /* 0 = not given */
    enum options_format format;
};

/* One row of the table, for the help. */
struct options_row {
    const char *name;  /* without the two dashes */
    const char *value; /* "DIR"; NULL: takes none */
    const char *help;
    uint64_t bit;
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
