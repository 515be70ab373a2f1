#ifndef PLDNS_SERVER_H
#define PLDNS_SERVER_H

#include <stdint.h>

#endif
