#ifndef PLDNS_CHAOS_H
#define PLDNS_CHAOS_H
#endif
