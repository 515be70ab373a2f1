#include "builder.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"
#include "catalogshelf.h"
#include "clock.h"
#include "keeper.h"
#include "lore.h"
#include "source_dir.h"
#include "stamp.h"
#include "statedir.h"
#include "writing.h"

#define BUILDER_NICE 19
/* Freed tables from this size on are given back to the system at once; below, the allocator's reuse
 * of the memory for the next table is worth more … */
#define TRIM_FROM (8u << 20)
/* … and what changes leave behind little by little is given back now and then. */
#define TRIM_EVERY_MS 10000
/* Left to itself the allocator keeps as much free as the largest that was freed before, at the end
 * of this thread's memory, where malloc_trim() does not come. */
#define FREE_END_MOST (2 << 20)
#define DEGRADED_MAX  (PATH_MAX + 128)

struct builder {
    const struct config *config;
    struct hash_key key;
    struct publish *table;
    struct catalog *catalog;
    struct statedir *state;
    struct source_dir *source;
    struct writing *writing;
    struct keeper *keeper;
    uint64_t generation;
    uint64_t detached;                  /* catalog_detached_changes() when a table was built last */
    struct catalog_change early_change; /* that the next report tells of, too */
    struct lore *lore;
    uint64_t trimmed; /* when memory was given back to the system last; 0 = never */
    bool threaded;
    pthread_t thread;
    int done;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wanted;
    bool asked, keep, end; /* what the thread is to do: 'job', keep what was accepted, end … */
    bool building;         /* it does, and nothing of that is served yet */
    enum builder_job job;
    struct fileset which;     /* of which files something was heard, for a job that reads */
    char early[NAME_MAX + 1]; /* … and read this document, unless there is a job; "": none */
    struct buildreport *report;
    char trouble[BUILDER_TROUBLE]; /* of the state directory */
    bool told;                     /* it has, of something that is in no table yet */
};

/* ---- a run ---- */

static struct buildreport *report_of(const struct builder *b, const struct catalog_change *change,
                                     uint64_t started)
{
    struct buildreport *report = buildreport_of(b->catalog, change);

    report->generation = b->generation;
    report->unreadable = source_dir_unreadable(b->source);
    report->being_written = alloc_string(source_dir_being_written(b->source));
    report->look_again = source_dir_look_again(b->source);
    report->fingerprint = source_dir_seen(b->source);
    report->took_ms = clock_ms() - started;
    return report;
}

static void trim(struct builder *b)
{
    uint64_t now = clock_ms();

    if (b->trimmed != 0 && now - b->trimmed < TRIM_EVERY_MS)
        return;
    b->trimmed = now;
    malloc_trim(0);
}

/* NULL, or why the directory cannot be read.  'which' is NULL: every file is to be read. */
static const char *read_source(struct catalog *catalog, struct source_dir *source,
                               const char *directory, const struct fileset *which)
{
    char text[DEGRADED_MAX];
    const char *why;

    catalog_begin(catalog);
    if (which != NULL) {
        if (source_dir_read_some(source, catalog, which, clock_wall_us()))
            return NULL;
        catalog_begin(catalog); /* once more: some may have been told */
    }
    if (source_dir_read(source, catalog, which != NULL, clock_wall_us(), &why))
        return NULL;
    snprintf(text, sizeof text, "%s: %s", directory, why);
    catalog_source_failed(catalog, text);
    return why;
}

void builder_learn(struct builder *b, struct targets *targets, struct health *health)
{
    lore_put(b->lore, targets, health);
}

static struct table_options table_options(const struct builder *b)
{
    return (struct table_options){
        .key = b->key,
        .generation = b->generation,
        .zone = b->config->zone,
        .fences = b->config->fence.items,
        .fences_length = b->config->fence.length,
        .search_suffixes = b->config->search_suffixes.items,
        .search_suffixes_length = b->config->search_suffixes.length,
        .targets = lore_targets(b->lore),
        .health = lore_health(b->lore),
    };
}

static struct tableset *build_again(struct builder *b)
{
    struct table_options options = table_options(b);

    return catalog_build_set(b->catalog, &options);
}

static void learn(struct builder *b)
{
    struct targets *targets;
    struct health *health;

    if (!lore_take(b->lore, &targets, &health))
        return;
    catalog_learned(b->catalog, &(struct learned_facts){targets, health},
                    &(struct learned_facts){lore_targets(b->lore), lore_health(b->lore)});
    targets_free(targets);
    health_free(health);
}

static struct tableset *build(struct builder *b)
{
    learn(b);
    b->generation++;
    b->detached = catalog_detached_changes(b->catalog);
    return build_again(b);
}

static void set_building(struct builder *b, bool building)
{
    pthread_mutex_lock(&b->lock);
    b->building = building;
    pthread_mutex_unlock(&b->lock);
}

static void publish(struct builder *b, struct tableset *new)
{
    set_building(b, false);
    struct tableset *old = publish_swap(b->table, new);

    if (tableset_free(old) >= TRIM_FROM)
        malloc_trim(0);
}

/* One document that arrived in a quiet time: the run to which it belongs comes soon, tells who asks
 * what changed, and keeps it. */
static void run_early(struct builder *b, const char *name)
{
    struct catalog_change change;

    if (!source_dir_read_early(b->source, b->catalog, name, clock_ms(), &change))
        return;
    publish(b, build(b));
    catalogearly_join(&b->early_change, &change);
}

static struct buildreport *run(struct builder *b, const struct fileset *which)
{
    struct catalog_change change;
    uint64_t started = clock_ms();

    (void)read_source(b->catalog, b->source, b->config->attachments.directory, which);
    catalog_finish(b->catalog, started, &change);
    (void)catalog_expire(b->catalog, started);
    bool built = change.changed || catalog_detached_changes(b->catalog) != b->detached ||
                 lore_waits(b->lore);
    if (built)
        publish(b, build(b));
    catalogearly_join(&change, &b->early_change);
    struct buildreport *report = report_of(b, &change, started);
    report->built = built || change.changed;
    report->read = true;
    if (change.wants)
        report->wanted = catalog_wanted(b->catalog);
    return report;
}

static struct buildreport *rebuild(struct builder *b)
{
    static const struct catalog_change none;
    uint64_t started = clock_ms();

    publish(b, build(b));
    struct buildreport *report = report_of(b, &none, started);
    report->built = true;
    return report;
}

/* The same tables in one piece: the generation is the same, and nobody is told. */
static struct buildreport *make_whole(struct builder *b)
{
    static const struct catalog_change none;
    uint64_t started = clock_ms();

    catalog_join(b->catalog);
    publish(b, build_again(b));
    catalogshelf_rest(b->catalog);
    trim(b);
    return report_of(b, &none, started);
}

static struct buildreport *do_job(struct builder *b, enum builder_job job,
                                  const struct fileset *which)
{
    if (job == BUILDER_REBUILD)
        return rebuild(b);
    if (job == BUILDER_WHOLE)
        return make_whole(b);
    return run(b, job == BUILDER_TRUST ? which : NULL);
}

/* ---- the thread ---- */

static void wake_control(const struct builder *b)
{
    static const uint64_t one = 1;
    ssize_t n = write(b->done, &one, sizeof one);

    assert(n == sizeof one); /* an eventfd takes 2^64 - 2 of them */
    (void)n;
}

static void hand_over(struct builder *b, struct buildreport *report)
{
    pthread_mutex_lock(&b->lock);
    assert(b->report == NULL); /* one run at a time, its report is taken before the next */
    b->report = report;
    pthread_mutex_unlock(&b->lock);
    wake_control(b);
}

/* True: it told of something, or is in another trouble than before, or none any more. */
static bool note_state(struct builder *b)
{
    const char *why = keeper_trouble(b->keeper), *now = why != NULL ? why : "";

    pthread_mutex_lock(&b->lock);
    b->told = catalog_detached_changes(b->catalog) != b->detached;
    bool changed = b->told || strncmp(b->trouble, now, sizeof b->trouble - 1) != 0;
    snprintf(b->trouble, sizeof b->trouble, "%s", now);
    pthread_mutex_unlock(&b->lock);
    return changed;
}

static void keep_accepted(struct builder *b)
{
    struct table_options options = table_options(b);

    keeper_keep(b->keeper, b->catalog, &options);
    catalogshelf_rest(b->catalog);
    trim(b);
    if (note_state(b))
        wake_control(b);
}

static void *thread_main(void *arg)
{
    struct builder *b = arg;

    /* On Linux a nice value belongs to the thread. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), BUILDER_NICE);
    for (;;) {
        pthread_mutex_lock(&b->lock);
        while (!b->asked && !b->keep && !b->end && b->early[0] == '\0')
            pthread_cond_wait(&b->wanted, &b->lock);
        bool asked = b->asked, keep = b->keep, end = b->end;
        enum builder_job job = b->job;
        struct fileset which = {0};
        fileset_move(&which, &b->which);
        char arrived[sizeof b->early];
        memcpy(arrived, b->early, sizeof arrived);
        b->asked = b->keep = false;
        b->early[0] = '\0';
        b->building = !end;
        pthread_mutex_unlock(&b->lock);
        if (end) {
            fileset_clear(&which);
            return NULL;
        }
        if (asked)
            hand_over(b, do_job(b, job, &which));
        else if (arrived[0] != '\0')
            run_early(b, arrived);
        fileset_clear(&which);
        set_building(b, false);
        /* Behind the report: nobody waits for a disk. */
        if (keep)
            keep_accepted(b);
    }
}

bool builder_start(struct builder *b, int done)
{
    sigset_t all, before;

    b->done = done;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the control thread's */
    int failure = pthread_create(&b->thread, NULL, thread_main, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    b->threaded = failure == 0;
    errno = failure;
    return failure == 0;
}

void builder_run(struct builder *b, enum builder_job job, struct fileset *which)
{
    pthread_mutex_lock(&b->lock);
    assert(!b->asked);
    b->asked = true;
    b->job = job;
    if (which != NULL)
        fileset_move(&b->which, which);
    b->keep = b->keep || job == BUILDER_READ || job == BUILDER_TRUST;
    pthread_cond_signal(&b->wanted);
    pthread_mutex_unlock(&b->lock);
}

void builder_keep(struct builder *b)
{
    pthread_mutex_lock(&b->lock);
    b->keep = true;
    pthread_cond_signal(&b->wanted);
    pthread_mutex_unlock(&b->lock);
}

void builder_early(struct builder *b, const char *name)
{
    pthread_mutex_lock(&b->lock);
    snprintf(b->early, sizeof b->early, "%s", name);
    pthread_cond_signal(&b->wanted);
    pthread_mutex_unlock(&b->lock);
}

struct buildreport *builder_take(struct builder *b)
{
    pthread_mutex_lock(&b->lock);
    struct buildreport *report = b->report;
    b->report = NULL;
    pthread_mutex_unlock(&b->lock);
    return report;
}

bool builder_take_state(struct builder *b, char trouble[BUILDER_TROUBLE])
{
    pthread_mutex_lock(&b->lock);
    memcpy(trouble, b->trouble, BUILDER_TROUBLE);
    bool told = b->told;
    b->told = false;
    pthread_mutex_unlock(&b->lock);
    return told;
}

struct publish *builder_table(struct builder *b)
{
    return b->table;
}

/* ---- the first load ---- */

/* What keeps a daemon from starting ('why' the directory cannot be read, or NULL): names that
 * should be private would be forwarded. */
static bool may_start(const struct builder *b, const char *why, struct error_list *errors)
{
    struct catalog_entry entry;
    size_t served = 0, before = errors->errors;

    for (size_t i = 0; i < catalog_length(b->catalog); i++) {
        catalog_entry(b->catalog, i, &entry);
        served += entry.served;
        if (entry.refused && !entry.served)
            error_copy(errors, entry.complaints, false);
    }
    if (why != NULL && (served == 0 || errors->errors > before))
        error_add(errors, b->config->attachments.directory, 0, 0, "cannot be read: %s, %s", why,
                  errors->errors > before ? "nor is all that was accepted kept whole"
                                          : "and no accepted documents are kept");
    return errors->errors == before;
}

struct builder *builder_new(const struct config *config, struct hash_key key,
                            struct error_list *errors)
{
    struct builder *b = alloc_array(1, sizeof *b);
    struct error_list found = {0};
    struct catalog_change change;
    struct digest stamp;
    uint64_t started = clock_ms();

    (void)mallopt(M_MMAP_THRESHOLD, BUILDER_MAPPING_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, FREE_END_MOST);
    b->config = config;
    b->key = key;
    b->done = -1;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->wanted, NULL);
    b->lore = lore_new();
    b->catalog = catalog_new(config->attachments.detach_hold_ms);
    catalog_set_sum_key(b->catalog, &b->key);
    catalog_set_views(b->catalog, &config->attachments.views);
    b->state = statedir_open(config->attachments.state);
    catalog_set_accepted(b->catalog, (struct halfwritten_source){statedir_get, b->state});
    b->source = source_dir_new(config->attachments.directory);
    b->writing = writing_new(config->attachments.directory);
    bool stamped = config->attachments.state[0] != '\0' && stamp_make(config, &stamp);
    b->keeper = keeper_new(b->state, config->attachments.directory, stamped ? &stamp : NULL,
                           config->attachments.detach_hold_ms);
    keeper_restore(b->keeper, b->catalog, b->generation + 1, &b->key);
    /* Whatever is there: nothing better is known. */
    const char *why = read_source(b->catalog, b->source, config->attachments.directory, NULL);
    source_dir_heed(b->source, b->writing);
    catalog_finish(b->catalog, started, &change);
    if (!may_start(b, why, &found) && config->attachments.on_start_error == CONFIG_START_EXIT) {
        error_move(errors, &found);
        builder_free(b);
        return NULL;
    }
    error_clear(&found);
    catalogshelf_rest(b->catalog);
    b->table = publish_new(build(b));
    (void)note_state(b);
    catalogshelf_rest(b->catalog);
    malloc_trim(0); /* what reading has left */
    b->report = report_of(b, &change, started);
    b->report->built = b->report->read = true;
    b->report->wanted = catalog_wanted(b->catalog);
    return b;
}

bool builder_end(struct builder *b)
{
    pthread_mutex_lock(&b->lock);
    b->end = true;
    pthread_cond_signal(&b->wanted);
    bool building = b->building;
    pthread_mutex_unlock(&b->lock);
    return !building;
}

void builder_free(struct builder *b)
{
    if (b == NULL)
        return;
    builder_end(b);
    if (b->threaded)
        pthread_join(b->thread, NULL);
    if (b->table != NULL) {
        tableset_free(publish_swap(b->table, NULL));
        publish_free(b->table);
    }
    lore_free(b->lore);
    buildreport_free(b->report);
    keeper_free(b->keeper);
    statedir_close(b->state);
    source_dir_free(b->source);
    writing_free(b->writing);
    catalog_free(b->catalog);
    fileset_clear(&b->which);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->wanted);
    free(b);
}
