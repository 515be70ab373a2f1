/* Reads views as they are written in a configuration: a list of {name, clients, clusterIds}. */
#ifndef PLDNS_VIEWREAD_H
#define PLDNS_VIEWREAD_H

#include "view.h"
#include "yamldoc.h"

/* Adds what is written in 'list' to 'out'; complaints name 'path' ("attachments.views"). */
void viewread_list(const struct yamldoc *, struct yamldoc_node *list, const char *path,
                   struct view_list *out, struct error_list *errors);

/* For who reads nothing else: the views of a whole configuration file.  Complaints are added. */
void viewread_file(const char *file, const void *bytes, size_t size, struct view_list *out,
                   struct error_list *errors);

#endif
