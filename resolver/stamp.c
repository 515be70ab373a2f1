#include "stamp.h"

#include <fcntl.h>
#include <stdlib.h>

#include "packing.h"
#include "slurp.h"

#define PROGRAM     "/proc/self/exe"
#define PROGRAM_MAX (256u << 20)

static void stamp_views(struct packing *packing, const struct view_list *views)
{
    packing_number(packing, views->length);
    for (size_t i = 0; i < views->length; i++)
        packing_text(packing, views->names[i]);
    packing_number(packing, views->clusters_length);
    for (size_t i = 0; i < views->clusters_length; i++) {
        packing_text(packing, views->clusters[i]);
        packing_number(packing, views->selecting[i]);
    }
}

static void stamp_names(struct packing *packing, const struct dname *names, size_t length)
{
    packing_number(packing, length);
    for (size_t i = 0; i < length; i++)
        packing_bytes(packing, names[i].wire, names[i].size);
}

bool stamp_make(const struct config *config, struct digest *stamp)
{
    struct packing packing = {0};
    char *program;
    size_t size;
    const char *why;

    if (!slurp_file(AT_FDCWD, PROGRAM, PROGRAM_MAX, &program, &size, NULL, &why))
        return false;
    digest_of(stamp, program, size);
    free(program);
    packing_bytes(&packing, stamp, sizeof *stamp);
    packing_text(&packing, config->zone);
    stamp_names(&packing, config->fence.items, config->fence.length);
    stamp_names(&packing, config->search_suffixes.items, config->search_suffixes.length);
    stamp_views(&packing, &config->attachments.views);
    digest_of(stamp, packing.bytes, packing.size);
    free(packing.bytes);
    return true;
}
