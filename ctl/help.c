#include "help.h"

#include <string.h>

#include "build.h"
#include "spelling.h"

#define COMMANDS_MAX 64

static const char tail[] =
    "Exit codes\n"
    "  0  fine\n"
    "  1  it worked, and the answer is no: a document was refused, a name is not\n"
    "     owned (explain --owned), there are warnings (check --strict), there is no\n"
    "     such connection, names are answered otherwise (diff)\n"
    "  2  wrong use, or bad input such as a document with errors\n"
    "  3  pldnsd cannot be asked\n"
    "  4  time is over; what was to be written is written\n"
    "\n"
    "Environment\n"
    "  PLDNSCTL_SERVER  the address that --server gives\n"
    "  NO_COLOR         no colours\n";

const struct command *help_find(const struct output *output, const struct command *table,
                                const char *name)
{
    const char *names[COMMANDS_MAX + 1] = {NULL};

    for (size_t i = 0; table[i].name != NULL; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
        if (i < COMMANDS_MAX) {
            names[i] = table[i].name;
        }
    }
    const char *near = spelling_nearest(name, names);
    if (near == NULL) {
        output_error(output, "there is no command '%s'; 'pldnsctl help' lists them", name);
    } else {
        output_error(output, "there is no command '%s'; did you mean '%s'?", name, near);
    }
    return NULL;
}

/* Longer ones have their explanation on the next line. */
#define OPTION_WIDTH 22

static void print_options(const struct output *output, uint64_t bits)
{
    size_t length;
    const struct options_row *rows = options_table(&length);

    for (size_t i = 0; i < length; i++) {
        const struct options_row *row = &rows[i];
        char letter[] = {'-', row->letter, ',', ' ', '\0'}, name[80];

        if ((row->bit & bits) == 0) {
            continue;
        }
        int width = snprintf(name, sizeof(name), "%s--%s%s%s", row->letter == 0 ? "    " : letter,
                             row->name, row->value == NULL ? "" : " ",
                             row->value == NULL ? "" : row->value);
        fputs("  ", stdout);
        output_colored(output, stdout, OUTPUT_BOLD, name);
        if (width > OPTION_WIDTH) {
            putchar('\n');
            width = -2;
        }
        printf("%*s%s\n", OPTION_WIDTH + 2 - width, "", row->help);
    }
}

static void print_all(const struct command_call *call)
{
    struct output_grid grid = {.columns = 2};

    puts("pldnsctl asks and steers pldnsd, the private DNS resolver, and manages its documents.\n");
    puts("Usage: pldnsctl [OPTION…] COMMAND [ARGUMENT…]\n");
    output_colored(&call->output, stdout, OUTPUT_BOLD, "Commands");
    putchar('\n');
    for (const struct command *c = call->table; c->name != NULL; c++) {
        output_grid_cell(&grid, OUTPUT_BOLD, "%s%s%s", c->name, *c->arguments == '\0' ? "" : " ",
                         c->arguments);
        output_grid_cell(&grid, OUTPUT_PLAIN, "%s", c->summary);
    }
    output_grid_print(&call->output, &grid, 2);
    putchar('\n');
    output_colored(&call->output, stdout, OUTPUT_BOLD, "Options");
    putchar('\n');
    print_options(&call->output, UINT64_MAX);
    printf("\n%s", tail);
}

static void print_one(const struct command_call *call, const struct command *c)
{
    printf("Usage: pldnsctl %s%s%s [OPTION…]\n\n%s\n\n", c->name, *c->arguments == '\0' ? "" : " ",
           c->arguments, c->details);
    output_colored(&call->output, stdout, OUTPUT_BOLD, "Options");
    putchar('\n');
    print_options(&call->output, c->options | OPTIONS_EVERYWHERE);
    printf("\n%s", tail);
}

static json_t *options_json(uint64_t bits)
{
    json_t *list = json_array();
    size_t length;
    const struct options_row *rows = options_table(&length);

    for (size_t i = 0; i < length; i++) {
        if ((rows[i].bit & bits) != 0) {
            (void)json_array_append_new(list,
                                        json_pack("{s:s, s:s?, s:s}", "name", rows[i].name, "value",
                                                  rows[i].value, "help", rows[i].help));
        }
    }
    return list;
}

static void print_values(const struct command_call *call, const struct command *only)
{
    json_t *commands = json_array();

    for (const struct command *c = call->table; c->name != NULL; c++) {
        if (only != NULL && only != c) {
            continue;
        }
        json_t *one = json_pack("{s:s, s:s, s:s, s:o}", "name", c->name, "arguments", c->arguments,
                                "summary", c->summary, "options", options_json(c->options));
        (void)json_array_append_new(commands, one);
    }
    output_value(&call->output, json_pack("{s:o, s:o}", "commands", commands, "options",
                                          options_json(OPTIONS_EVERYWHERE)));
}

enum exitcode help_show(const struct command_call *call)
{
    const struct command *one = NULL;

    if (call->length == 1) {
        one = help_find(&call->output, call->table, call->words[0]);
        if (one == NULL) {
            return EXITCODE_WRONG;
        }
    }
    if (call->output.format != OPTIONS_TABLE) {
        print_values(call, one);
    } else if (one == NULL) {
        print_all(call);
    } else {
        print_one(call, one);
    }
    return EXITCODE_FINE;
}

enum exitcode help_version(const struct command_call *call)
{
    if (call->output.format == OPTIONS_TABLE) {
        puts("pldnsctl " PLDNS_VERSION);
    } else {
        output_value(&call->output, json_pack("{s:s}", "version", PLDNS_VERSION));
    }
    return EXITCODE_FINE;
}
