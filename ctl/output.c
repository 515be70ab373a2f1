#include "output.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "yamlout.h"

/* One cell or message; longer ones are cut. */
#define LINE_SIZE 4096

static const char *const color_codes[] = {
    [OUTPUT_PLAIN] = "",       [OUTPUT_BOLD] = "\033[1m",   [OUTPUT_DIM] = "\033[2m",
    [OUTPUT_RED] = "\033[31m", [OUTPUT_GREEN] = "\033[32m", [OUTPUT_YELLOW] = "\033[33m",
};

struct output output_choose(const struct options *options)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool wanted = (no_color == NULL || *no_color == '\0') &&
                  (options->given & OPTIONS_NO_COLOR) == 0 &&
                  (terminal == NULL || strcmp(terminal, "dumb") != 0);

    return (struct output){
        .format = options->format,
        .color = wanted && isatty(STDOUT_FILENO),
        .error_color = wanted && isatty(STDERR_FILENO),
    };
}

json_t *output_string(const char *text)
{
    json_t *value = json_string(text);

    if (value != NULL) {
        return value;
    }
    /* Not UTF-8: octets above ASCII become U+FFFD, three octets each. */
    size_t length = strlen(text), used = 0;
    char *clean = alloc_array(length + 1, 3);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x80) {
            clean[used++] = text[i];
        } else {
            clean[used++] = '\xEF';
            clean[used++] = '\xBF';
            clean[used++] = '\xBD';
        }
    }
    value = json_stringn(clean, used);
    free(clean);
    assert(value != NULL);
    return value;
}

void output_value(const struct output *output, json_t *value)
{
    if (output->format == OPTIONS_YAML) {
        yamlout_print(stdout, value);
    } else {
        (void)json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
        putchar('\n');
    }
    json_decref(value);
}

/* Octets of the printable character at 'at'; 0: a control code, or not UTF-8.  Forms longer than
 * need be and surrogates do no harm on a terminal and pass. */
static size_t printable(const unsigned char *at)
{
    size_t length = *at < 0x80   ? 1
                    : *at < 0xC2 ? 0
                    : *at < 0xE0 ? 2
                    : *at < 0xF0 ? 3
                    : *at < 0xF5 ? 4
                                 : 0;

    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0u) != 0x80) {
            return 0;
        }
    }
    if (*at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] < 0xA0)) {
        return 0; /* U+0000… and U+0080… */
    }
    return length;
}

void output_text(FILE *to, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != '\0') {
        size_t length = printable(at);

        if (length == 0) {
            fprintf(to, "\\x%02X", *at++);
        } else {
            (void)fwrite(at, 1, length, to);
            at += length;
        }
    }
}

static void print_colored(bool on, FILE *to, enum output_color color, const char *text)
{
    if (on && color != OUTPUT_PLAIN) {
        fputs(color_codes[color], to);
        output_text(to, text);
        fputs("\033[0m", to);
    } else {
        output_text(to, text);
    }
}

void output_colored(const struct output *output, FILE *to, enum output_color color,
                    const char *text)
{
    print_colored(to == stderr ? output->error_color : output->color, to, color, text);
}

PRINTF_LIKE(4, 0)
static void say(const struct output *output, enum output_color color, const char *word,
                const char *format, va_list ap)
{
    char line[LINE_SIZE];

    (void)vsnprintf(line, sizeof(line), format, ap);
    (void)fflush(stdout);
    fputs("pldnsctl: ", stderr);
    output_colored(output, stderr, color, word);
    fputs(": ", stderr);
    output_text(stderr, line);
    putc('\n', stderr);
}

void output_error(const struct output *output, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say(output, OUTPUT_RED, "error", format, ap);
    va_end(ap);
}

void output_warning(const struct output *output, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    say(output, OUTPUT_YELLOW, "warning", format, ap);
    va_end(ap);
}

/* ---- columns ---- */

void output_grid_cell(struct output_grid *grid, enum output_color color, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    grid->cells = alloc_resize(grid->cells, grid->length + 1, sizeof(*grid->cells));
    grid->cells[grid->length++] = (struct output_cell){alloc_string(line), color};
}

/* Columns the text takes on a terminal: one for a character, four for an octet in \xNN. */
static size_t width(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t columns = 0;

    while (*at != '\0') {
        size_t length = printable(at);

        columns += length == 0 ? 4 : 1;
        at += length == 0 ? 1 : length;
    }
    return columns;
}

void output_grid_print(const struct output *output, struct output_grid *grid, unsigned indent)
{
    size_t widest[OUTPUT_COLUMNS_MAX] = {0};

    assert(grid->columns > 0 && grid->columns <= OUTPUT_COLUMNS_MAX);
    assert(grid->length % grid->columns == 0);
    for (size_t i = 0; i < grid->length; i++) {
        size_t w = width(grid->cells[i].text);

        if (w > widest[i % grid->columns]) {
            widest[i % grid->columns] = w;
        }
    }
    for (size_t i = 0; i < grid->length; i++) {
        size_t column = i % grid->columns;
        struct output_cell *cell = &grid->cells[i];

        printf("%*s", column == 0 ? (int)indent : 2, "");
        output_colored(output, stdout, cell->color, cell->text);
        if (column + 1 == grid->columns) {
            putchar('\n');
        } else {
            printf("%*s", (int)(widest[column] - width(cell->text)), "");
        }
        free(cell->text);
    }
    free(grid->cells);
    *grid = (struct output_grid){.columns = grid->columns};
}
