#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "offline.h"

#define WHY_SIZE 4096

struct totals {
    size_t documents, refused, connections, errors, warnings;
};

static json_t *complaint_json(const struct error *e)
{
    return json_pack("{s:o, s:I, s:I, s:s, s:o}", "file", output_string(e->file), "line",
                     (json_int_t)e->line, "column", (json_int_t)e->column, "severity",
                     e->warning ? "warning" : "error", "text", output_string(e->text));
}

static json_t *entry_json(const struct catalog_entry *entry)
{
    json_t *complaints = json_array();

    for (size_t i = 0; i < entry->complaints->length; i++) {
        (void)json_array_append_new(complaints, complaint_json(&entry->complaints->items[i]));
    }
    return json_pack("{s:o, s:b, s:I, s:o}", "document", output_string(entry->name), "accepted",
                     !entry->refused, "connections", (json_int_t)entry->connections, "complaints",
                     complaints);
}

/* As error_format() writes it, which is what pldnsd logs: an error has no mark but its color. */
static void print_complaint(const struct output *output, const struct error *e)
{
    output_text(stdout, e->file);
    if (e->line > 0) {
        printf(":%u", e->line);
    }
    if (e->line > 0 && e->column > 0) {
        printf(":%u", e->column);
    }
    fputs(": ", stdout);
    if (e->warning) {
        output_colored(output, stdout, OUTPUT_YELLOW, "warning");
        fputs(": ", stdout);
        output_text(stdout, e->text);
    } else {
        output_colored(output, stdout, OUTPUT_RED, e->text);
    }
    putchar('\n');
}

static void print_complaints(const struct output *output, const struct catalog_entry *entry)
{
    const struct error_list *list = entry->complaints;

    for (size_t i = 0; i < list->length; i++) {
        print_complaint(output, &list->items[i]);
    }
    size_t more = list->errors + list->warnings - list->length;
    if (more > 0) {
        output_text(stdout, entry->name);
        printf(": %zu more complaints\n", more);
    }
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_totals(const struct output *output, const struct totals *t)
{
    printf("%zu document%s, %zu connection%s: ", t->documents, plural(t->documents), t->connections,
           plural(t->connections));
    if (t->errors == 0 && t->warnings == 0) {
        output_colored(output, stdout, OUTPUT_GREEN, "all is well");
    } else {
        printf("%zu error%s, %zu warning%s", t->errors, plural(t->errors), t->warnings,
               plural(t->warnings));
    }
    if (t->refused > 0) {
        printf("; %zu document%s would be refused", t->refused, plural(t->refused));
    }
    putchar('\n');
}

static enum exitcode report(const struct command_call *call, const struct catalog *catalog)
{
    struct totals t = {.documents = catalog_length(catalog)};
    bool people = call->output.format == OPTIONS_TABLE;
    json_t *documents = json_array();

    for (size_t i = 0; i < t.documents; i++) {
        struct catalog_entry entry;

        catalog_entry(catalog, i, &entry);
        t.refused += entry.refused;
        t.connections += entry.connections;
        t.errors += entry.complaints->errors;
        t.warnings += entry.complaints->warnings;
        if (people) {
            print_complaints(&call->output, &entry);
        } else {
            (void)json_array_append_new(documents, entry_json(&entry));
        }
    }
    if (people) {
        print_totals(&call->output, &t);
        json_decref(documents);
    } else {
        output_value(&call->output,
                     json_pack("{s:o, s:I, s:I, s:I}", "documents", documents, "refused",
                               (json_int_t)t.refused, "errors", (json_int_t)t.errors, "warnings",
                               (json_int_t)t.warnings));
    }
    if (t.refused > 0 || t.errors > 0) {
        return EXITCODE_WRONG;
    }
    bool strict = (call->options->given & OPTIONS_STRICT) != 0;
    return strict && t.warnings > 0 ? EXITCODE_NO : EXITCODE_FINE;
}

enum exitcode check_documents(const struct command_call *call)
{
    struct offline offline = {0};
    struct catalog_change change;
    char why[WHY_SIZE];
    enum exitcode code = EXITCODE_WRONG;
    bool ok = true;

    if (call->length == 0) {
        ok = offline_add(&offline, call->options->attachments, OFFLINE_PATHS, why, sizeof(why));
    }
    for (int i = 0; ok && i < call->length; i++) {
        ok = offline_add(&offline, call->words[i], OFFLINE_PATHS, why, sizeof(why));
    }
    if (ok) {
        struct catalog *catalog = offline_catalog(&offline, call->views, &change);

        code = report(call, catalog);
        catalog_free(catalog);
    } else {
        output_error(&call->output, "%s", why);
    }
    offline_clear(&offline);
    return code;
}
