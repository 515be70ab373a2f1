/* What people want to know of a rule besides what it answers: who does not answer, and which names
 * could not be looked up; as words for one line. */
#ifndef PLDNS_NOTE_H
#define PLDNS_NOTE_H

#include "verdict.h"

/* Longer notes are cut between two words. */
#define NOTE_MAX 2048

/* "withdrawn=10.20.1.15@2026-11-21T15:17:37Z,… unhealthy=… stale=vpce-1.example@…(NXDOMAIN)
 * unresolved=…(pending)"; "" if there is nothing to say.  Unhealthy are those that are given all
 * the same.  Returns 'text' (NOTE_MAX bytes). */
char *note_write(const struct verdict *, char *text);

#endif
