#include "editgap.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

struct editgap editgap_read(const char *text, size_t from, size_t to)
{
    struct editgap gap = {.comma = EDITGAP_NONE, .stop = EDITGAP_NONE};

    for (size_t at = from; at < to; at++) {
        if (text[at] == '#') {
            gap.comment = true;
            gap.told = gap.told || gap.stop == EDITGAP_NONE;
            while (at < to && !is_line_end(text[at]))
                at++;
        }
        if (at < to && is_line_end(text[at]) && gap.stop == EDITGAP_NONE)
            gap.stop = at;
        if (at < to && text[at] == ',' && gap.comma == EDITGAP_NONE)
            gap.comma = at;
    }
    if (gap.stop == EDITGAP_NONE)
        gap.stop = to;
    return gap;
}

size_t editgap_begin(const struct yamldoc_node *child)
{
    return child->key != NULL ? yamldoc_span(child)->key_start : yamldoc_span(child)->start;
}

/* ---- an item goes ---- */

struct item {
    size_t before; /* the end of the item before, or the octet behind the bracket */
    size_t begin, end;
    size_t after; /* the begin of the item behind, or the closing bracket */
    bool first, last;
};

struct removal {
    const char *text;
    const struct item *item;
    struct editgap before, after;
    struct editgap_cut *cuts;
    size_t length;
};

static void cut(struct removal *r, size_t from, size_t to, const char *put)
{
    r->cuts[r->length++] = (struct editgap_cut){from, to, put};
}

static bool is_within(size_t comma, size_t from, size_t to)
{
    return comma != EDITGAP_NONE && comma >= from && comma < to;
}

/* Where no comment is near: from the end of the item before, or to the begin of the one behind. */
static void cut_plainly(struct removal *r)
{
    const struct item *item = r->item;

    if (!item->first)
        cut(r, item->before, item->end, "");
    else if (!item->last)
        cut(r, item->begin, item->after, "");
    else
        cut(r, item->before, item->after, "");
}

/* The begin of the item's line if nothing but its comma stands before it there. */
static size_t line_of(const struct removal *r)
{
    size_t at = r->item->begin;

    while (at > r->item->before &&
           (is_blank(r->text[at - 1]) || (at - 1 == r->before.comma && !r->item->first)))
        at--;
    return at > 0 && r->text[at - 1] == '\n' ? at : r->item->begin;
}

/* Behind the line end at 'at'. */
static size_t next_line(const char *text, size_t at)
{
    at += text[at] == '\r';
    return at + (text[at] == '\n');
}

/* With the item from 'from' to 'to' gone there must be one comma between two neighbours, none
 * behind the bracket, and behind the last item one only where one was. */
static void mend_commas(struct removal *r, size_t from, size_t to)
{
    size_t before = r->before.comma, after = r->after.comma;
    bool stays = !r->item->first && !is_within(before, from, to);
    bool stays_after = after != EDITGAP_NONE && !is_within(after, from, to);

    if (stays_after && !r->item->last && (stays || r->item->first))
        cut(r, after, after + 1, after + 1 < r->item->after ? " " : "");
    else if (stays && r->item->last && (after == EDITGAP_NONE || stays_after))
        cut(r, before, before + 1, "");
    else if (!r->item->first && !r->item->last && !stays && !stays_after)
        cut(r, r->item->before, r->item->before, ",");
}

static struct item item_of(const struct yamldoc_node *parent, const struct yamldoc_node *child)
{
    const struct yamldoc_span *around = yamldoc_span(parent), *span = yamldoc_span(child);
    struct item item = {.before = around->start + 1u, .begin = editgap_begin(child)};

    item.end = span->end;
    item.first = parent->child == child;
    item.last = child->next == NULL;
    for (const struct yamldoc_node *at = parent->child; at != child; at = at->next)
        item.before = yamldoc_span(at)->end;
    item.after = item.last ? around->end - 1u : editgap_begin(child->next);
    return item;
}

size_t editgap_remove(const char *text, const struct yamldoc_node *parent,
                      const struct yamldoc_node *child, struct editgap_cut cuts[EDITGAP_CUTS])
{
    const struct item i = item_of(parent, child);
    struct removal r = {.text = text, .item = &i, .cuts = cuts};

    r.before = editgap_read(text, i.before, i.begin);
    r.after = editgap_read(text, i.end, i.after);
    size_t from = line_of(&r), to = r.after.stop;
    bool alone = from < i.begin || text[from - 1] == '\n' || i.first;
    if ((!r.before.comment && !r.after.comment) || (i.first && i.last) ||
        (!alone && !r.before.comment) || (i.first && !r.after.comment)) {
        cut_plainly(&r);
        return r.length;
    }
    if (to < i.after && from > 0 && text[from - 1] == '\n')
        to = next_line(text, to); /* all of its lines */
    else if (to == i.after)
        from = i.begin; /* what follows moves up to where it began */
    cut(&r, from, to, "");
    mend_commas(&r, from, to);
    return r.length;
}
