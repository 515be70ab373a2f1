#include "dryrun.h"

#include "clock.h"
#include "source_dir.h"

void dryrun(const struct config *config, struct error_list *errors)
{
    struct catalog *catalog = catalog_new(config->attachments.detach_hold_ms);
    struct source_dir *source = source_dir_new(config->attachments.directory);
    struct catalog_change change;
    struct catalog_entry entry;
    const char *why;

    catalog_set_views(catalog, &config->attachments.views);
    catalog_begin(catalog);
    bool read = source_dir_read(source, catalog, false, clock_wall_us(), &why);
    catalog_finish(catalog, clock_ms(), &change);
    for (size_t i = 0; i < catalog_length(catalog); i++) {
        catalog_entry(catalog, i, &entry);
        error_copy(errors, entry.complaints, true);
    }
    if (!read)
        error_add(errors, config->attachments.directory, 0, 0, "cannot be read: %s", why);
    catalog_free(catalog);
    source_dir_free(source);
}
