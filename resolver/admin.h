#ifndef PLDNS_ADMIN_H
#define PLDNS_ADMIN_H

#include <stdint.h>

#endif
