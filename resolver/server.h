/* The daemon as a whole: what is started in which order, and stopped in reverse. */
#ifndef PLDNS_SERVER_H
#define PLDNS_SERVER_H

#include "config.h"

enum server_exit {
    SERVER_FINE = 0,
    SERVER_REFUSED = 2, /* the configuration, a document or an address: standard error says which */
};

/* Serves until a signal ends it. */
enum server_exit server_run(const struct config_flags *, char *const *environment);

/* Checks the configuration and the documents; prints all there is to say. */
enum server_exit server_check(const struct config_flags *, char *const *environment);

#endif
