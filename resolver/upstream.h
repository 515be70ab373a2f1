#ifndef PLDNS_UPSTREAM_H
#define PLDNS_UPSTREAM_H

#include <stdint.h>

#endif
