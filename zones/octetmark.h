/* Where in a text of UTF-8 its characters stand: libyaml counts these, who edits counts octets. */
#ifndef PLDNS_OCTETMARK_H
#define PLDNS_OCTETMARK_H

#include <stddef.h>
#include <stdint.h>

struct octetmark {
    const char *bytes;
    size_t size;
    uint32_t *octets; /* of some characters, evenly spaced; NULL: all characters are octets */
};

/* 'bytes' are lent until octetmark_close(). */
void octetmark_open(struct octetmark *, const void *bytes, size_t size);
void octetmark_close(struct octetmark *);

/* The octet at which this character stands, both from 0. */
uint32_t octetmark_of(const struct octetmark *, size_t character);

#endif
