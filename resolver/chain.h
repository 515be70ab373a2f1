#ifndef PLDNS_CHAIN_H
#define PLDNS_CHAIN_H

#include <stdint.h>

#endif
