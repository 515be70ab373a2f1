/* Scenario files as lines, words and blocks: what README.md calls the form of the language.  What
 * the words mean is play.c's business. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "arena.h"
#include "error.h"

struct scenario_word {
    const char *text;
    unsigned column;
    bool quoted;
};

struct scenario_line {
    const char *text; /* with its indentation */
    unsigned line;
};

/* One line, and what is indented below it or stands behind a '/'. */
struct scenario_step {
    const char *text;
    unsigned line, column;
    struct scenario_word *words;
    size_t length;
    struct scenario_line *block;
    size_t block_length;
};

struct scenario_steps {
    struct scenario_step *items;
    size_t length;
};

struct scenario {
    const char *name;
    unsigned line;
    struct scenario_steps steps;
};

struct scenario_file {
    const char *path;
    struct arena arena;
    struct scenario_steps before; /* hold for every scenario of the file */
    struct scenario *items;
    size_t length;
};

/* False: 'errors' says why.  scenario_close() in either case. */
MUST_USE bool scenario_read(struct scenario_file *, const char *path, struct error_list *errors);
void scenario_close(struct scenario_file *);

/* The lines of a block as steps; every "{n}" in them becomes the number. */
MUST_USE bool scenario_parse(struct scenario_file *, const struct scenario_line *, size_t length,
                             unsigned number, struct scenario_steps *, struct error_list *errors);

/* What a line of a block says: behind "for A-B: ", which sets the range of numbers it stands for
 * (0 to 0 without), and without the blanks in front.  NULL: nothing, or a comment. */
const char *scenario_range(const char *line, unsigned *from, unsigned *to);

/* The text with every "{n}" as the number, in the file's arena. */
const char *scenario_number(struct scenario_file *, const char *text, unsigned number);

#endif
