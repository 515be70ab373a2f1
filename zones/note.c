#include "note.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dname.h"

#define ITEM_MAX  (DNAME_TEXT_MAX + 64)
#define SINCE_MAX 32

struct line {
    char *text;
    size_t used;
    const char *field; /* in hand: its first item has not been written yet, or NULL */
};

static void add(struct line *line, const char *item)
{
    char whole[ITEM_MAX + 32];
    int size = line->field == NULL ? snprintf(whole, sizeof(whole), ",%s", item)
                                   : snprintf(whole, sizeof(whole), "%s%s=%s",
                                              line->used == 0 ? "" : " ", line->field, item);

    if (size < 0 || line->used + (size_t)size >= NOTE_MAX) {
        return;
    }
    memcpy(line->text + line->used, whole, (size_t)size + 1);
    line->used += (size_t)size;
    line->field = NULL;
}

static const char *since_text(uint64_t seconds, char text[SINCE_MAX])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL ||
        strftime(text, SINCE_MAX, "@%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        text[0] = '\0';
    }
    return text;
}

static void add_sick(struct line *line, const struct health_entry *entry)
{
    char address[INET6_ADDRSTRLEN] = "?", since[SINCE_MAX], item[ITEM_MAX];

    inet_ntop(entry->key.address.v6 ? AF_INET6 : AF_INET, entry->key.address.bytes, address,
              sizeof(address));
    snprintf(item, sizeof(item), "%s%s", address, since_text(entry->since, since));
    add(line, item);
}

static bool is_unresolved(const struct verdict_target *target)
{
    return target->entry == NULL || target->entry->length == 0;
}

static void add_targets(struct line *line, const struct verdict *verdict, const char *field,
                        bool unresolved)
{
    line->field = field;
    for (unsigned i = 0; i < verdict->targets_length; i++) {
        const struct verdict_target *target = &verdict->targets[i];
        char name[DNAME_TEXT_MAX], since[SINCE_MAX] = "", item[ITEM_MAX];
        const char *why = target->entry == NULL ? "" : target->entry->trouble;
        if (is_unresolved(target) != unresolved || (!unresolved && why[0] == '\0')) {
            continue;
        }
        if (target->entry != NULL && target->entry->trouble_since > 0) {
            (void)since_text(target->entry->trouble_since, since);
        }
        snprintf(item, sizeof(item), "%s%s(%s)", dname_to_text(target->name, name), since,
                 why[0] == '\0' ? "pending" : why);
        add(line, item);
    }
}

char *note_write(const struct verdict *verdict, char *text)
{
    struct line line = {.text = text, .field = "withdrawn"};

    text[0] = '\0';
    for (unsigned i = 0; i < verdict->sick_length; i++) {
        if (i == verdict->withdrawn_length) {
            line.field = "unhealthy";
        }
        add_sick(&line, verdict->sick[i]);
    }
    add_targets(&line, verdict, "stale", false);
    add_targets(&line, verdict, "unresolved", true);
    return text;
}
