#include "state.h"

#include <string.h>

#define WORD_MAX 32 /* longer words are in no list */

static const struct {
    const char *word; /* upper case, without '-', '_' and blanks */
    enum state state;
} words[] = {
    {"ACTIVE", STATE_USABLE},
    {"AVAILABLE", STATE_USABLE},
    {"READY", STATE_USABLE},
    {"CONNECTED", STATE_USABLE},
    {"APPROVED", STATE_USABLE},
    {"ACCEPTED", STATE_USABLE},
    {"PARTIAL", STATE_USABLE},
    {"CREATING", STATE_NOT_READY},
    {"CONNECTING", STATE_NOT_READY},
    {"PROVISIONING", STATE_NOT_READY},
    {"WAIT", STATE_NOT_READY},
    {"INITIATING", STATE_NOT_READY},
    {"FAILED", STATE_NOT_READY},
    {"INACTIVE", STATE_NOT_READY},
    {"DISCONNECTED", STATE_NOT_READY},
    {"NEEDSATTENTION", STATE_NOT_READY},
    {"REJECTED", STATE_GONE},
    {"EXPIRED", STATE_GONE},
    {"CLOSED", STATE_GONE},
    {"DELETING", STATE_GONE},
    {"DELETED", STATE_GONE},
    {"SERVICEDELETED", STATE_GONE},
};

/* AWS, ClickPipes and others: Pending, PendingAcceptance, PENDING_CREATION … */
static const char pending[] = "PENDING";

/* False: longer than any word known. */
static bool normalise(const char *word, char *out)
{
    size_t length = 0;

    for (; *word != '\0'; word++) {
        if (*word == '-' || *word == '_' || *word == ' ')
            continue;
        if (length == WORD_MAX)
            return false;
        out[length++] = *word >= 'a' && *word <= 'z' ? (char)(*word - 'a' + 'A') : *word;
    }
    out[length] = '\0';
    return true;
}

enum state state_of(const char *word, bool *known)
{
    char plain[WORD_MAX + 1];
    bool dummy;

    if (known == NULL)
        known = &dummy;
    *known = true;
    if (word == NULL || word[0] == '\0')
        return STATE_USABLE;
    if (normalise(word, plain)) {
        if (strncmp(plain, pending, sizeof pending - 1) == 0)
            return STATE_NOT_READY;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (strcmp(plain, words[i].word) == 0)
                return words[i].state;
        }
    }
    *known = false;
    return STATE_NOT_READY;
}

const char *state_name(enum state state)
{
    switch (state) {
    case STATE_USABLE:
        return "usable";
    case STATE_NOT_READY:
        return "not ready";
    case STATE_GONE:
        break;
    }
    return "gone";
}
