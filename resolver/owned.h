#ifndef PLDNS_OWNED_H
#define PLDNS_OWNED_H
#endif
