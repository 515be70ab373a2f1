#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* Longer texts are cut: no sentence for a person is that long, but a quoted value may be. */
#define TEXT_MAX 1024

/* One line and printable, whatever a document put into it: complaints end up in logs and terminals.
 * Octets from 0x80 on pass, they are UTF-8 of the document. */
static void make_printable(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

/* The cut must not leave half a UTF-8 sequence behind. */
static void cut_whole(char *text, size_t length)
{
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    text[length] = '\0';
}

static void discard(struct error *complaint)
{
    free(complaint->file);
    free(complaint->text);
}

/* Warnings must not hide what refuses a document: an error takes the place of the last of them. */
static bool make_room(struct error_list *list)
{
    size_t i = list->length;

    while (i > 0 && !list->items[i - 1].warning)
        i--;
    if (i == 0)
        return false;
    discard(&list->items[i - 1]);
    memmove(&list->items[i - 1], &list->items[i], (list->length - i) * sizeof *list->items);
    list->length--;
    return true;
}

bool error_is_full(const struct error_list *list)
{
    size_t i = list->length;

    while (i > 0 && !list->items[i - 1].warning)
        i--;
    return list->length >= ERROR_LIST_MAX && i == 0;
}

void error_count(struct error_list *list)
{
    list->errors++;
}

static bool has_room(struct error_list *list, bool warning)
{
    return list->length < ERROR_LIST_MAX || (!warning && make_room(list));
}

static void keep(struct error_list *list, struct error *complaint)
{
    if (!has_room(list, complaint->warning)) {
        discard(complaint);
        return;
    }
    /* Room for 16, doubled whenever it is full (or was once: a spare resize does no harm). */
    if (list->length == 0 || (list->length >= 16 && (list->length & (list->length - 1)) == 0))
        list->items = alloc_resize(list->items, list->length == 0 ? 16 : list->length * 2,
                                   sizeof *list->items);
    list->items[list->length++] = *complaint;
}

__attribute__((format(printf, 6, 0))) static void add(struct error_list *list, bool warning,
                                                      const char *file, unsigned line,
                                                      unsigned column, const char *format,
                                                      va_list arguments)
{
    char text[TEXT_MAX];
    struct error complaint = {.warning = warning, .line = line, .column = column};

    if (warning)
        list->warnings++;
    else
        list->errors++;
    if (!has_room(list, warning))
        return;
    int size = vsnprintf(text, sizeof text, format, arguments);
    if (size < 0)
        text[0] = '\0';
    else if ((size_t)size >= sizeof text)
        cut_whole(text, sizeof text - 1);
    make_printable(text);
    complaint.file = alloc_string(file != NULL ? file : "");
    make_printable(complaint.file);
    complaint.text = alloc_string(text);
    keep(list, &complaint);
}

void error_add(struct error_list *list, const char *file, unsigned line, unsigned column,
               const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(list, false, file, line, column, format, arguments);
    va_end(arguments);
}

void error_warn(struct error_list *list, const char *file, unsigned line, unsigned column,
                const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(list, true, file, line, column, format, arguments);
    va_end(arguments);
}

void error_move(struct error_list *to, struct error_list *from)
{
    for (size_t i = 0; i < from->length; i++)
        keep(to, &from->items[i]);
    to->errors += from->errors;
    to->warnings += from->warnings;
    free(from->items);
    *from = (struct error_list){0};
}

static int compare_places(const void *a, const void *b)
{
    const struct error *left = a, *right = b;

    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return strcmp(left->text, right->text);
}

void error_copy(struct error_list *to, const struct error_list *from, bool warnings)
{
    size_t errors = to->errors + from->errors;
    size_t warned = to->warnings + (warnings ? from->warnings : 0);

    for (size_t i = 0; i < from->length; i++) {
        const struct error *e = &from->items[i];
        if (!e->warning)
            error_add(to, e->file, e->line, e->column, "%s", e->text);
        else if (warnings)
            error_warn(to, e->file, e->line, e->column, "%s", e->text);
    }
    to->errors = errors; /* with those that 'from' did not keep */
    to->warnings = warned;
}

void error_sort(struct error_list *list, size_t from)
{
    if (from < list->length)
        qsort(list->items + from, list->length - from, sizeof *list->items, compare_places);
}

char *error_format(const struct error *error, char *buffer, size_t size)
{
    char place[64] = "";

    if (error->line > 0 && error->column > 0)
        snprintf(place, sizeof place, "%u:%u:", error->line, error->column);
    else if (error->line > 0)
        snprintf(place, sizeof place, "%u:", error->line);
    bool file = error->file[0] != '\0';
    snprintf(buffer, size, "%s%s%s%s%s%s", error->file, file ? ":" : "", place,
             file || place[0] != '\0' ? " " : "", error->warning ? "warning: " : "", error->text);
    return buffer;
}

void error_clear(struct error_list *list)
{
    for (size_t i = 0; i < list->length; i++)
        discard(&list->items[i]);
    free(list->items);
    *list = (struct error_list){0};
}
