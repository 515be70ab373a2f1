#include "stamp.h"

#include <stdlib.h>

#include "build.h"
#include "buildid.h"
#include "packing.h"

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
    size_t size;
    const uint8_t *program = buildid_own(&size);

    if (program == NULL)
        return false;
    packing_text(&packing, PLDNS_VERSION);
    packing_number(&packing, size);
    packing_bytes(&packing, program, size);
    packing_text(&packing, config->zone);
    stamp_names(&packing, config->fence.items, config->fence.length);
    stamp_names(&packing, config->search_suffixes.items, config->search_suffixes.length);
    stamp_views(&packing, &config->attachments.views);
    digest_of(stamp, packing.bytes, packing.size);
    free(packing.bytes);
    return true;
}
