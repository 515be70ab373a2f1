#ifndef PLDNS_WIRE_H
#define PLDNS_WIRE_H

#include <stdint.h>

#endif
