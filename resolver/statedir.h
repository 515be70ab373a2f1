#ifndef PLDNS_STATEDIR_H
#define PLDNS_STATEDIR_H

#include <stdint.h>

#endif
