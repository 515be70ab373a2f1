/* private to edit: what stands between the items of a list or map in brackets: blanks, line ends,
 * commas and comments; and how an item goes without taking the comments of its neighbours along. */
#ifndef PLDNS_EDITGAP_H
#define PLDNS_EDITGAP_H

#include "yamldoc.h"

#define EDITGAP_NONE ((size_t)-1)

struct editgap {
    size_t comma; /* where it stands, or EDITGAP_NONE */
    bool comment; /* there is one, on whatever line */
    bool told;    /* there is one on the first line */
    size_t stop;  /* the end of the first line, or the first octet of what follows on it */
};

/* Reads what stands from 'from' to 'to'. */
struct editgap editgap_read(const char *text, size_t from, size_t to);

/* Where the text of a child begins, its key included. */
size_t editgap_begin(const struct yamldoc_node *child);

struct editgap_cut {
    size_t from, to;
    const char *put; /* in its place */
};

/* What is to be cut out so that a child in brackets is gone, with the comment behind it if it has
 * its line to itself.  Comments on lines of their own stay.  Returns how many cuts. */
#define EDITGAP_CUTS 2
size_t editgap_remove(const char *text, const struct yamldoc_node *parent,
                      const struct yamldoc_node *child, struct editgap_cut cuts[EDITGAP_CUTS]);

#endif
