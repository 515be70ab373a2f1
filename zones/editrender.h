/* private to edit: a value as text, in the style of what stands around it. */
#ifndef PLDNS_EDITRENDER_H
#define PLDNS_EDITRENDER_H

#include "yamldoc.h"

struct editrender { /* a text that grows; zero is empty */
    char *text;     /* owned; NULL while empty */
    size_t size, space;
};

#define EDITRENDER_STEP 2 /* blanks of indentation */

void editrender_add(struct editrender *, const char *bytes, size_t size);
void editrender_blanks(struct editrender *, size_t number);

void editrender_key(struct editrender *, const char *key, bool json);
/* In one line: a scalar, or a list or map in brackets. */
void editrender_flow(struct editrender *, const struct yamldoc_node *, bool json);
/* The same over several lines: the value's first line stands at 'indent' already. */
void editrender_lines(struct editrender *, const struct yamldoc_node *, const char *indent,
                      size_t indent_size, size_t step);
/* "key: value" or a list without brackets, ended by a line break; the text stands at column
 * 'indent' already.  Scalars and empty values are in one line. */
void editrender_block(struct editrender *, const struct yamldoc_node *, size_t indent);
/* What stands behind "key:", line break included. */
void editrender_value(struct editrender *, const struct yamldoc_node *, size_t indent_of_key);

#endif
