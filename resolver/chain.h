#ifndef PLDNS_CHAIN_H
#define PLDNS_CHAIN_H
#endif
