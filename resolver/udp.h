#ifndef PLDNS_UDP_H
#define PLDNS_UDP_H

#include <stdint.h>

#endif
