#ifndef PLDNS_UPSTREAM_H
#define PLDNS_UPSTREAM_H
#endif
