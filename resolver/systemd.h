#ifndef PLDNS_SYSTEMD_H
#define PLDNS_SYSTEMD_H

#include <stdint.h>

#endif
