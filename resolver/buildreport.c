#include "buildreport.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* Longer texts of complaints are cut: they are for a person. */
#define COMPLAINTS_MAX (256u << 10)

static void tell_complaints(FILE *out, size_t *room, const struct error_list *errors)
{
    char line[2048];

    for (size_t i = 0; i < errors->length; i++) {
        size_t size = strlen(error_format(&errors->items[i], line, sizeof line)) + 1;
        if (errors->items[i].warning || size > *room)
            continue;
        *room -= size;
        fprintf(out, "%s\n", line);
    }
}

struct buildreport *buildreport_of(const struct catalog *catalog,
                                   const struct catalog_change *change)
{
    struct buildreport *report = alloc_array(1, sizeof *report);
    size_t room = COMPLAINTS_MAX, size;
    FILE *complaints = open_memstream(&report->complaints, &size);
    const char *why;

    assert(complaints != NULL); /* as for any memory */
    report->patched = catalog_patched(catalog);
    report->change = *change;
    report->length = catalog_length(catalog);
    report->documents = alloc_array(report->length, sizeof *report->documents);
    report->complaints_of = alloc_array(report->length, sizeof *report->complaints_of);
    for (size_t i = 0; i < report->length; i++) {
        struct catalog_entry *entry = &report->documents[i];
        catalog_entry(catalog, i, entry);
        error_copy(&report->complaints_of[i], entry->complaints, true);
        entry->name = arena_text(&report->names, entry->name, strlen(entry->name));
        entry->complaints = &report->complaints_of[i];
        if (entry->refused) {
            report->refused++;
            tell_complaints(complaints, &room, entry->complaints);
        }
    }
    fclose(complaints);
    report->degraded = catalog_degraded(catalog, &why) ? alloc_string(why) : NULL;
    report->next_expiry = catalog_next_expiry(catalog);
    return report;
}

void buildreport_free(struct buildreport *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->length; i++)
        error_clear(&report->complaints_of[i]);
    free(report->complaints_of);
    arena_clear(&report->names);
    free(report->documents);
    free(report->complaints);
    free(report->degraded);
    free(report->being_written);
    wanted_free(report->wanted);
    free(report);
}
