#include "scenario.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define FILE_MOST (1u << 20)
#define PLACE     "{n}"

static unsigned indentation(const char *text)
{
    return (unsigned)strspn(text, " \t");
}

/* Nothing on it, or a comment alone. */
static bool is_bare(const char *text)
{
    text += indentation(text);
    return *text == '\0' || *text == '#';
}

/* ---- words ---- */

/* Reads one word; false at the end of the line, or at a comment. */
static bool next_word(struct scenario_file *f, const char *text, size_t *at,
                      struct scenario_word *out)
{
    const char *start;

    *at += strspn(text + *at, " \t");
    start = text + *at;
    if (*start == '\0' || *start == '#')
        return false;
    out->column = (unsigned)*at + 1;
    out->quoted = *start == '"';
    if (out->quoted) {
        const char *end = strchr(start + 1, '"');
        size_t size = end != NULL ? (size_t)(end - start - 1) : strlen(start + 1);
        out->text = arena_text(&f->arena, start + 1, size);
        *at += size + 1 + (end != NULL);
        return true;
    }
    size_t size = strcspn(start, " \t");
    out->text = arena_text(&f->arena, start, size);
    *at += size;
    return true;
}

static void add_block(struct scenario_file *f, struct scenario_step *step, const char *text,
                      size_t size, unsigned line)
{
    struct scenario_line *lines =
        arena_array(&f->arena, step->block_length + 1, sizeof(struct scenario_line));

    if (step->block_length > 0)
        memcpy(lines, step->block, step->block_length * sizeof *lines);
    lines[step->block_length] =
        (struct scenario_line){.text = arena_text(&f->arena, text, size), .line = line};
    step->block = lines;
    step->block_length++;
}

/* What stands between " / " and the next one, or the end. */
static void read_behind_slash(struct scenario_file *f, struct scenario_step *step, const char *rest)
{
    while (rest != NULL) {
        const char *end = strstr(rest, " / ");

        rest += strspn(rest, " ");
        add_block(f, step, rest, end != NULL ? (size_t)(end - rest) : strlen(rest), step->line);
        rest = end != NULL ? end + 3 : NULL;
    }
}

static void read_words(struct scenario_file *f, struct scenario_step *step, const char *text)
{
    struct scenario_word words[128];
    size_t at = 0;

    while (step->length < ARRAY_LENGTH(words) && next_word(f, text, &at, &words[step->length])) {
        if (!words[step->length].quoted && strcmp(words[step->length].text, "/") == 0) {
            read_behind_slash(f, step, text + at);
            break;
        }
        step->length++;
    }
    step->words = arena_array(&f->arena, step->length, sizeof *step->words);
    memcpy(step->words, words, step->length * sizeof *words);
}

/* ---- steps ---- */

const char *scenario_range(const char *line, unsigned *from, unsigned *to)
{
    const char *text = line + strspn(line, " \t");
    int used = 0;

    if (*text == '\0' || *text == '#')
        return NULL;
    if (sscanf(text, "for %u-%u: %n", from, to, &used) != 2 || used == 0)
        *from = *to = 0;
    return text + used;
}

const char *scenario_number(struct scenario_file *f, const char *text, unsigned number)
{
    char out[4096];
    size_t size = 0;

    if (strstr(text, PLACE) == NULL)
        return text;
    while (*text != '\0' && size < sizeof out - 16) {
        if (strncmp(text, PLACE, sizeof PLACE - 1) == 0) {
            size += (size_t)snprintf(out + size, 12, "%u", number);
            text += sizeof PLACE - 1;
        } else {
            out[size++] = *text++;
        }
    }
    return arena_text(&f->arena, out, size);
}

/* Lines from 'from' on that are indented deeper than 'level', and the bare ones between them. */
static size_t block_end(const struct scenario_line *lines, size_t length, size_t from,
                        unsigned level)
{
    size_t end = from;

    for (size_t i = from; i < length; i++) {
        if (is_bare(lines[i].text))
            continue;
        if (indentation(lines[i].text) <= level)
            break;
        end = i + 1;
    }
    return end;
}

bool scenario_parse(struct scenario_file *f, const struct scenario_line *lines, size_t length,
                    unsigned number, struct scenario_steps *out, struct error_list *errors)
{
    unsigned level = 0;
    bool good = true;

    out->items = arena_array(&f->arena, length + 1, sizeof *out->items);
    out->length = 0;
    for (size_t i = 0; i < length;) {
        const char *text = lines[i].text;

        if (is_bare(text)) {
            i++;
            continue;
        }
        if (out->length == 0)
            level = indentation(text);
        if (indentation(text) != level) {
            error_add(errors, f->path, lines[i].line, indentation(text) + 1,
                      "is indented by %u, the lines before it by %u", indentation(text), level);
            good = false;
        }
        struct scenario_step *step = &out->items[out->length++];
        text = number > 0 ? scenario_number(f, text, number) : text;
        *step = (struct scenario_step){
            .text = text + indentation(text), .line = lines[i].line, .column = level + 1};
        read_words(f, step, text);
        size_t end = block_end(lines, length, ++i, level);
        for (; i < end; i++) {
            const char *inner =
                number > 0 ? scenario_number(f, lines[i].text, number) : lines[i].text;
            add_block(f, step, inner, strlen(inner), lines[i].line);
        }
    }
    return good;
}

/* ---- the file ---- */

static bool read_lines(struct scenario_file *f, struct scenario_line **out, size_t *length,
                       struct error_list *errors)
{
    FILE *file = fopen(f->path, "r");
    char *text = alloc_array(FILE_MOST + 1, 1);
    size_t size = file != NULL ? fread(text, 1, FILE_MOST, file) : 0, space = 1;
    unsigned line = 1;

    if (file != NULL)
        fclose(file);
    for (size_t i = 0; i < size; i++)
        space += text[i] == '\n';
    *out = arena_array(&f->arena, space, sizeof **out);
    *length = 0;
    for (char *at = text, *end; at < text + size; at = end + 1, line++) {
        end = strchr(at, '\n');
        if (end == NULL)
            end = text + size;
        (*out)[(*length)++] = (struct scenario_line){
            .text = arena_text(&f->arena, at, (size_t)(end - at)), .line = line};
    }
    free(text);
    if (size == 0)
        error_add(errors, f->path, 0, 0, "cannot be read, or is empty");
    return size > 0;
}

static bool add_scenario(struct scenario_file *f, const struct scenario_step *step,
                         struct error_list *errors)
{
    struct scenario *s = &f->items[f->length];

    if (step->length != 2 || !step->words[1].quoted) {
        error_add(errors, f->path, step->line, 1, "wants: scenario \"what holds\"");
        return false;
    }
    for (size_t i = 0; i < f->length; i++) {
        if (strcmp(f->items[i].name, step->words[1].text) == 0) {
            error_add(errors, f->path, step->line, 1, "line %u has a scenario of that name",
                      f->items[i].line);
            return false;
        }
    }
    s->name = step->words[1].text;
    s->line = step->line;
    f->length++;
    return scenario_parse(f, step->block, step->block_length, 0, &s->steps, errors);
}

bool scenario_read(struct scenario_file *f, const char *path, struct error_list *errors)
{
    struct scenario_line *lines;
    struct scenario_steps all;
    size_t length;
    bool good = true;

    *f = (struct scenario_file){.path = path};
    if (!read_lines(f, &lines, &length, errors) ||
        !scenario_parse(f, lines, length, 0, &all, errors))
        return false;
    f->items = arena_array(&f->arena, all.length, sizeof *f->items);
    f->before.items = arena_array(&f->arena, all.length, sizeof *f->before.items);
    for (size_t i = 0; i < all.length; i++) {
        if (strcmp(all.items[i].words[0].text, "scenario") == 0)
            good = add_scenario(f, &all.items[i], errors) && good;
        else if (f->length == 0)
            f->before.items[f->before.length++] = all.items[i];
        else {
            error_add(errors, f->path, all.items[i].line, 1,
                      "what holds for all scenarios stands before the first of them");
            good = false;
        }
    }
    if (good && f->length == 0)
        error_add(errors, f->path, 0, 0, "holds no scenario");
    return good && f->length > 0;
}

void scenario_close(struct scenario_file *f)
{
    arena_clear(&f->arena);
}
