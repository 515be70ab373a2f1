/* Ids and unique names that nobody has yet: the only chance in pldnsctl. */
#ifndef PLDNS_DRAW_H
#define PLDNS_DRAW_H

#define DRAW_SIZE 64

/* The prefix and ten random letters and digits.  Returns 'out'. */
char *draw_id(const char *prefix, char out[DRAW_SIZE]);
/* For a TIDBCLOUD_MANAGED domain. */
char *draw_unique_name(char out[DRAW_SIZE]);

#endif
