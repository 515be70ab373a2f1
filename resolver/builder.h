/* Building tables: reads the documents, decides, builds, publishes, keeps what was accepted.
 *
 * The first time in the calling thread, afterwards in a thread of low priority, one run at a time.
 */
#ifndef PLDNS_BUILDER_H
#define PLDNS_BUILDER_H

#include "buildreport.h"
#include "fileset.h"
#include "config.h"
#include "publish.h"

struct builder;

/* The first load.  NULL: 'errors' says why the daemon must not start. */
MUST_USE struct builder *builder_new(const struct config *, struct hash_key,
                                     struct error_list *errors);
/* The thread takes no more work.  False: it is building a table, which builder_free() would wait
 * for; whoever is about to end the process need not. */
bool builder_end(struct builder *);
void builder_free(struct builder *); /* ends the thread */

struct publish *builder_table(struct builder *); /* of struct tableset */

/* The report that is waiting to be taken, or NULL.  There is one after builder_new(), and after
 * every run. */
struct buildreport *builder_take(struct builder *);

/* Why the state directory does not hold what it should, "" if it does.  Copied.  True: since the
 * last call it told of something that a BUILDER_REBUILD is wanted for. */
#define BUILDER_TROUBLE 320
MUST_USE bool builder_take_state(struct builder *, char trouble[BUILDER_TROUBLE]);

/* Starts the thread.  It writes to the eventfd 'done' when there is a report, and when the trouble
 * with the state directory changed, or it told of something.  False: errno. */
MUST_USE bool builder_start(struct builder *, int done);

/* The thread keeps what the first load accepted: when the start is over, for it may have one
 * processor only. */
void builder_keep(struct builder *);

/* Memory from this size on is mapped by itself (mallopt()): given back at once when it is freed, as
 * tables are. */
#define BUILDER_MAPPING_FROM (4 << 20)

enum builder_job {
    BUILDER_READ,    /* every file is read */
    BUILDER_TRUST,   /* those of which something was heard, if they look touched */
    BUILDER_REBUILD, /* the same documents, with what was learned meanwhile */
    BUILDER_WHOLE,   /* nothing new: see 'patched' */
};

/* Asks for a run; not while one is under way.  The set, of a job that reads, is empty afterwards.
 */
void builder_run(struct builder *, enum builder_job, struct fileset *);
/* A document arrived, and a job that reads will be asked for soon: the thread reads this one
 * before, unless it has more to do.  What that changes, and what is served of it already, the job's
 * report tells. */
void builder_early(struct builder *, const char *name);

/* What is known besides the documents, for all tables to be built from now on.  Taken over. */
void builder_learn(struct builder *, struct targets *, struct health *);

#endif
