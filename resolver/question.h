/* The one form in which questions leave: our own flags, our own EDNS, nothing of the client but DO,
 * CD and AD. */
#ifndef PLDNS_QUESTION_H
#define PLDNS_QUESTION_H

#include "reply.h"

#define QUESTION_UDP_SIZE 1232 /* what we say we take: no fragments on any usual path */
#define QUESTION_DICE     32
#define QUESTION_BLOCK    128 /* RFC 8467: who only sees how long it is sees little */
#define QUESTION_MAX      384 /* in whole blocks */

/* Writes the message with id 0 to 'out' (QUESTION_MAX octets) and returns its size.  'name' has the
 * letter case to be sent. */
size_t question_write(uint8_t *out, const struct reply_question *, const uint8_t *name, bool edns);

/* Fills the message up to whole blocks, for a way that hides all but sizes; returns its new size.
 * 'out' has QUESTION_MAX octets.  Without EDNS nothing can be filled. */
size_t question_pad(uint8_t *out, size_t size);

/* Copies the name with the case of each letter taken from a bit of 'dice' (QUESTION_DICE octets).
 */
void question_shuffle_case(uint8_t *out, const struct reply_question *, const uint8_t *dice);

/* True if the message would answer the question with that id but for letter case. */
bool question_differs_in_case(const uint8_t *message, size_t size, uint16_t id,
                              const struct reply_question *);

/* Writes a reply that holds nothing but the question and an rcode; returns its size and its index.
 */
size_t question_write_reply(uint8_t *out, const struct reply_question *, unsigned rcode,
                            struct reply *);

#endif
