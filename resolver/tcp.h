#ifndef PLDNS_TCP_H
#define PLDNS_TCP_H
#endif
