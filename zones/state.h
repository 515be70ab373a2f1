/* The state words of all vendors, normalised ("State of the connection" in docs/answers.md). */
#ifndef PLDNS_STATE_H
#define PLDNS_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum state { STATE_USABLE, STATE_NOT_READY, STATE_GONE };

/* What 'word' means: letter case, '-', '_' and blanks aside (PendingAcceptance,
 * PENDING_ACCEPTANCE). NULL or "" is usable.  An unknown word is not ready; '*known' (may be NULL)
 * is then false. */
enum state state_of(const char *word, bool *known);

/* "usable", "not ready", "gone" */
const char *state_name(enum state);

#endif
