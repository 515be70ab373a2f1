/* When do a file's times prove that its bytes are the same still?
 *
 * A change within the same tick of the file system's clock leaves the times as they are.  So what
 * is read so soon after its last change may look the same later and not be it. */
#ifndef PLDNS_FILETIME_H
#define PLDNS_FILETIME_H

#include <stdint.h>
#include <sys/stat.h>

#include "error.h"

/* So much later a change shows: some clocks tick every two seconds, and another machine's may be
 * late … */
#define FILETIME_SETTLED_US 3000000
/* … while file systems with fine times that this machine's clock tells tick every ten milliseconds
 * at most. */
#define FILETIME_SETTLED_HERE_US 20000

/* Who tells the times in a folder. */
struct filetime {
    bool here;    /* this machine's clock … */
    dev_t device; /* … of what is on this device */
};

struct filetime filetime_of(int folder);

/* True: as long as 'status' stays as it is, so do the bytes that are read from now on ('now_us' of
 * the wall clock). */
bool filetime_is_settled(const struct filetime *, const struct stat *status, uint64_t now_us);

#endif
