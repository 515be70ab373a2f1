/* A command of pldnsctl: the table in pldnsctl.c has one row for each. */
#ifndef PLDNS_COMMAND_H
#define PLDNS_COMMAND_H

#include "exitcode.h"
#include "options.h"
#include "output.h"
#include "view.h"

struct command;

struct command_call { /* all lent for the call */
    const struct command *command;
    const struct command *table; /* all commands, ended by one without name: for the help */
    const struct options *options;
    const struct view_list *views; /* of --config; NULL = there are none */
    struct output output;
    char *const *words; /* arguments behind the command's name */
    int length;
};

typedef enum exitcode command_fn(const struct command_call *);

struct command {
    const char *name;
    const char *arguments; /* "NAME [TYPE]", "" if none */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs for 'help COMMAND', lines of at most 76 columns */
    int least, most;       /* number of arguments; most -1: any */
    uint64_t options;      /* OPTIONS_… bits, beside OPTIONS_EVERYWHERE */
    command_fn *run;
};

#endif
