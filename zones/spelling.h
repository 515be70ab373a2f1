/* Which known word a person may have meant. */
#ifndef PLDNS_SPELLING_H
#define PLDNS_SPELLING_H

/* The word of 'known' (NULL-terminated) nearest to 'word', or NULL if none is near.  Letter case,
 * '-' and '_' do not count; what counts is letters left out, added, replaced or swapped. */
const char *spelling_nearest(const char *word, const char *const *known);

/* The same for names of fields, which are made of words: if none is near, the first one of which
 * 'word' is a part (id: connectionId), else one that 'word' ends with (availabilityZone: zone). */
const char *spelling_nearest_field(const char *word, const char *const *known);

#endif
