/* What pldnsctl prints: text for people with colours, JSON and YAML for programs.
 *
 * Texts may come from documents and from the daemon: control octets never reach the terminal, and
 * octets that are not UTF-8 never reach JSON. */
#ifndef PLDNS_OUTPUT_H
#define PLDNS_OUTPUT_H

#include "options.h"
#include <jansson.h>
#include <stdio.h>

enum output_color {
    OUTPUT_PLAIN,
    OUTPUT_BOLD,
    OUTPUT_DIM,
    OUTPUT_RED,
    OUTPUT_GREEN,
    OUTPUT_YELLOW
};

struct output {
    enum options_format format;
    bool color, error_color; /* on standard output, on standard error */
};

/* Colours only on a terminal, and neither with NO_COLOR nor with --no-color. */
struct output output_choose(const struct options *);

/* A JSON text of any octets: what is not UTF-8 becomes U+FFFD.  Never NULL. */
json_t *output_string(const char *text);

/* Prints the value as JSON or YAML, whichever was asked for.  Takes over 'value'. */
void output_value(const struct output *, json_t *value);

/* Prints text with control octets as \xNN. */
void output_text(FILE *, const char *text);
void output_colored(const struct output *, FILE *, enum output_color, const char *text);

/* "pldnsctl: error: …" on standard error. */
void output_error(const struct output *, const char *format, ...) PRINTF_LIKE(2, 3);

/* "pldnsctl: warning: …" on standard error: it is done all the same. */
void output_warning(const struct output *, const char *format, ...) PRINTF_LIKE(2, 3);

/* Aligned columns: rows are added cell by cell, then printed with two blanks between. */
#define OUTPUT_COLUMNS_MAX 8
struct output_grid {
    struct output_cell {
        char *text; /* owned */
        enum output_color color;
    } * cells;
    size_t length; /* cells */
    unsigned columns;
};

void output_grid_cell(struct output_grid *, enum output_color, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Prints with 'indent' blanks in front of each row and frees the cells. */
void output_grid_print(const struct output *, struct output_grid *, unsigned indent);

#endif
