#ifndef PLDNS_CHAOS_H
#define PLDNS_CHAOS_H

#include <stdint.h>

#endif
