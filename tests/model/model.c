#include "model.h"

#include <stdio.h>
#include <string.h>

/* 'name' is 'suffix' or stands below it. */
static bool is_under(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);

    if (suffix_length == 0) {
        return true;
    }
    if (length < suffix_length || strcmp(name + length - suffix_length, suffix) != 0) {
        return false;
    }
    return length == suffix_length || name[length - suffix_length - 1] == '.';
}

static const char *parent_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? "" : dot + 1;
}

/* Characters in front of a suffix. */
static size_t left_of(const char *name, const char *suffix)
{
    size_t left = strlen(name) - strlen(suffix);

    return left > 0 && suffix[0] == '\0' ? left + 1 : left; /* as if it ended with a dot */
}

/* The longest root at or above the name, or NULL. */
static const struct model_root *root_of(const struct model *model, const char *name)
{
    const struct model_root *best = NULL;

    for (size_t i = 0; i < model->roots_length; i++) {
        const struct model_root *root = &model->roots[i];
        if (is_under(name, root->name) &&
            (best == NULL || strlen(root->name) > strlen(best->name))) {
            best = root;
        }
    }
    return best;
}

static const struct model_rule *rule_of(const struct model *model, const char *owner)
{
    const struct model_rule *implied = NULL;

    for (size_t i = 0; i < model->rules_length; i++) {
        const struct model_rule *rule = &model->rules[i];
        if (strcmp(rule->owner, owner) != 0) {
            continue;
        }
        if (!rule->implied) {
            return rule; /* the first given wins */
        }
        implied = implied == NULL ? rule : implied;
    }
    return implied;
}

/* An owned name exists if it is a root or an owner, or if one stands below it (RFC 4592 2.2.2). */
static bool exists(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->roots_length; i++) {
        if (is_under(model->roots[i].name, name)) {
            return true;
        }
    }
    for (size_t i = 0; i < model->rules_length; i++) {
        if (is_under(model->rules[i].owner, name)) {
            return true;
        }
    }
    return false;
}

static void say_rule(struct model_answer *answer, const struct model_rule *rule)
{
    answer->rule = rule;
    answer->says = rule->says;
    answer->regional_fallback = rule->regional_fallback && rule->says == MODEL_ANSWER;
}

bool model_is_zone(const char *label)
{
    return label[0] == 'a' && label[1] == 'z' && label[2] >= '1' && label[2] <= '9' &&
           (label[3] == '.' || label[3] == '\0');
}

/* The first root of this name whose zones are checked, if the label in front of it in 'name' is a
 * zone id without endpoint; else NULL. */
static const struct model_root *missing_zone(const struct model *model, const char *root,
                                             const char *name)
{
    while (strcmp(parent_of(name), root) != 0) {
        name = parent_of(name);
    }
    if (!model_is_zone(name)) {
        return NULL;
    }
    for (size_t i = 0; i < model->roots_length; i++) {
        const struct model_root *r = &model->roots[i];
        if (!r->checked || strcmp(r->name, root) != 0) {
            continue;
        }
        for (size_t z = 0; z < r->zones_length; z++) {
            if (strncmp(r->zones[z], name, 3) == 0) {
                return NULL;
            }
        }
        return r;
    }
    return NULL;
}

/* An owned name that does not exist (RFC 4592 3.3.1). */
static void ask_missing(const struct model *model, const char *name, struct model_answer *answer)
{
    const char *encloser = parent_of(name);
    char star[MODEL_TEXT + 2];

    while (!exists(model, encloser)) {
        encloser = parent_of(encloser);
    }
    snprintf(star, sizeof(star), encloser[0] == '\0' ? "*%s" : "*.%s", encloser);
    const struct model_rule *rule = rule_of(model, star);
    const struct model_root *missing = missing_zone(model, encloser, name);
    if (rule != NULL) {
        say_rule(answer, rule);
    } else {
        answer->says = exists(model, star) ? MODEL_EMPTY : MODEL_NXDOMAIN;
    }
    bool usable = rule == NULL || rule->says == MODEL_ANSWER;
    if (missing != NULL && missing->strict && usable) {
        answer->says = MODEL_NO_ZONE;
    } else if (missing != NULL && rule != NULL && usable) {
        answer->regional_fallback = true;
    }
}

static bool ask_owned(const struct model *model, const char *name, struct model_answer *answer)
{
    const struct model_root *root = root_of(model, name);
    const struct model_rule *rule = rule_of(model, name);

    if (root == NULL) { /* a host outside every root owns itself */
        if (rule != NULL) {
            say_rule(answer, rule);
            answer->left = 0;
        }
        return rule != NULL;
    }
    answer->left = left_of(name, root->name);
    if (rule != NULL) {
        say_rule(answer, rule);
    } else if (exists(model, name)) {
        answer->says = MODEL_EMPTY;
    } else {
        ask_missing(model, name, answer);
    }
    return true;
}

/* The longest of the names at or above 'name'; those that are no subtree count for themselves only.
 */
static const struct model_name *longest(const struct model_name *names, size_t length,
                                        const char *name)
{
    const struct model_name *best = NULL;

    for (size_t i = 0; i < length; i++) {
        bool matches =
            names[i].subtree ? is_under(name, names[i].name) : strcmp(name, names[i].name) == 0;
        if (matches && (best == NULL || strlen(names[i].name) > strlen(best->name))) {
            best = &names[i];
        }
    }
    return best;
}

static bool ask_search(const struct model *model, const char *name, struct model_answer *answer)
{
    for (size_t i = 0; i < model->suffixes_length; i++) {
        const char *suffix = model->suffixes[i].name;
        char beginning[MODEL_TEXT];
        struct model_answer ignored;

        if (!is_under(name, suffix) || strlen(name) == strlen(suffix)) {
            continue;
        }
        size_t left = left_of(name, suffix);
        snprintf(beginning, sizeof(beginning), "%.*s", (int)(left - 1), name);
        if (ask_owned(model, beginning, &ignored) ||
            longest(model->graves, model->graves_length, beginning) != NULL) {
            answer->left = left;
            answer->says = MODEL_SEARCH;
            return true;
        }
    }
    return false;
}

void model_ask(const struct model *model, const char *name, struct model_answer *answer)
{
    const struct model_name *grave = longest(model->graves, model->graves_length, name);
    const struct model_name *fence = longest(model->fences, model->fences_length, name);

    *answer = (struct model_answer){.says = MODEL_NOT_OWNED};
    if (ask_owned(model, name, answer)) {
        return;
    }
    if (grave != NULL) {
        answer->says = MODEL_DETACHED;
        answer->left = left_of(name, grave->name);
    } else if (!ask_search(model, name, answer) && fence != NULL) {
        answer->says = MODEL_FENCED;
        answer->left = left_of(name, fence->name);
    }
}
