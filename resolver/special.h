#ifndef PLDNS_SPECIAL_H
#define PLDNS_SPECIAL_H
#endif
