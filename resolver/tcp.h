#ifndef PLDNS_TCP_H
#define PLDNS_TCP_H

#include <stdint.h>

#endif
