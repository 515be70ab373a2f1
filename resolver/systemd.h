#ifndef PLDNS_SYSTEMD_H
#define PLDNS_SYSTEMD_H
#endif
