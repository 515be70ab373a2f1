#ifndef PLDNS_STATEDIR_H
#define PLDNS_STATEDIR_H
#endif
