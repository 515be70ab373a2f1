#include "fileset.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void fileset_clear(struct fileset *set)
{
    for (size_t i = 0; i < set->length; i++)
        free(set->names[i]);
    free(set->names);
    *set = (struct fileset){0};
}

void fileset_add_any(struct fileset *set)
{
    fileset_clear(set);
    set->any = true;
}

static bool has(const struct fileset *set, const char *name)
{
    for (size_t i = set->length; i-- > 0;) { /* mostly it is the one before */
        if (strcmp(set->names[i], name) == 0)
            return true;
    }
    return false;
}

void fileset_add(struct fileset *set, const char *name)
{
    if (set->any || has(set, name))
        return;
    if (set->length == FILESET_MAX) {
        fileset_add_any(set);
        return;
    }
    set->names = alloc_resize(set->names, set->length + 1, sizeof(char *));
    set->names[set->length++] = alloc_string(name);
}

void fileset_move(struct fileset *to, struct fileset *from)
{
    if (from->any)
        fileset_add_any(to);
    for (size_t i = 0; i < from->length; i++)
        fileset_add(to, from->names[i]);
    fileset_clear(from);
}
