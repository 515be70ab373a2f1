#ifndef PLDNS_OWNED_H
#define PLDNS_OWNED_H

#include <stdint.h>

#endif
