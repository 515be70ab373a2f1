/* Which known word a person may have meant. */
#ifndef PLDNS_SPELLING_H
#define PLDNS_SPELLING_H

/* The word of 'known' (NULL-terminated) nearest to 'word', or NULL if none is near.  Letter case,
 * '-' and '_' do not count; what counts is letters left out, added, replaced or swapped. */
const char *spelling_nearest(const char *word, const char *const *known);

#endif
