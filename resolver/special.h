#ifndef PLDNS_SPECIAL_H
#define PLDNS_SPECIAL_H

#include <stdint.h>

#endif
