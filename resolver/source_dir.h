#ifndef PLDNS_SOURCE_DIR_H
#define PLDNS_SOURCE_DIR_H

#include <stdint.h>

#endif
