#include "halfwritten.h"

#include <stdlib.h>
#include <string.h>

/* Of what was accepted there are more octets. */
static bool is_cut(const char *bytes, size_t size, const char *accepted)
{
    return bytes[size - 1] != '\n' && accepted[size] != '\n' && accepted[size] != '\r' &&
           memcmp(bytes, accepted, size) == 0;
}

static unsigned lines_of(const char *bytes, size_t size)
{
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++) {
        lines += bytes[i] == '\n';
    }
    return lines;
}

bool halfwritten_is(const struct halfwritten_source *source, const char *name,
                    const struct digest *accepted, const void *bytes, size_t size,
                    struct error_list *errors)
{
    const char *text = bytes;
    size_t before_size;

    if (source->get == NULL || size == 0 || text[size - 1] == '\n') { /* nearly always */
        return false;
    }
    char *before = source->get(source->arg, name, accepted, size, &before_size);
    bool cut = before != NULL && before_size > size && is_cut(text, size, before);
    free(before);
    if (cut) {
        error_add(errors, name, lines_of(text, size), 0,
                  "ends in the middle of a line of the version in service: half-written? If it is "
                  "meant so, end the line");
    }
    return cut;
}
