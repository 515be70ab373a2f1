#ifndef PLDNS_NETWORK_EVENT_H
#define PLDNS_NETWORK_EVENT_H

#include <stdint.h>

#endif
