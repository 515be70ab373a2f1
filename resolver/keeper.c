#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "catalogimage.h"
#include "catalogshelf.h"
#include "clock.h"
#include "imagefile.h"
#include "log.h"
#include "slurp.h"
#include "yamldoc.h"

/* An image that did not fit is tried again after this long: it takes more room than the documents.
 */
#define IMAGE_RETRY_MS 600000
/* Otherwise the pause to the next is so many times what the last one took: whatever changes how
 * often, the disk has little to do with images.  A start patches what changed since. */
#define IMAGE_PAUSE 50
#define LOST_MAX    200
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"

struct keeper {
    struct statedir *state;
    const char *directory;
    uint64_t detached; /* catalog_detached_changes() when they were kept last */
    bool stamped;      /* otherwise there are no images */
    struct digest stamp;
    uint64_t image_next; /* no image is made before */
    bool image_failed;   /* the last one, which was told */
    uint64_t hold_ms;
    char boot[TOMBSTONE_BOOT_MAX + 1]; /* this one, or "" */
    char lost[LOST_MAX];               /* of what was detached: why … */
    uint64_t lost_until;               /* … and until when it would have been held */
};

static void read_boot(char boot[TOMBSTONE_BOOT_MAX + 1])
{
    char *text;
    size_t size;
    const char *why;

    boot[0] = '\0';
    if (slurp_file(AT_FDCWD, BOOT_ID, TOMBSTONE_BOOT_MAX, &text, &size, NULL, &why)) {
        snprintf(boot, TOMBSTONE_BOOT_MAX + 1, "%.*s", (int)strcspn(text, " \n"), text);
        free(text);
    }
}

struct keeper *keeper_new(struct statedir *state, const char *directory, const struct digest *stamp,
                          uint64_t hold_ms)
{
    struct keeper *k = alloc_array(1, sizeof *k);

    k->state = state;
    k->hold_ms = hold_ms;
    k->directory = directory;
    k->stamped = stamp != NULL;
    if (stamp != NULL)
        k->stamp = *stamp;
    read_boot(k->boot);
    return k;
}

void keeper_free(struct keeper *k)
{
    free(k);
}

static struct tombstone_moment moment(const struct keeper *k)
{
    return (struct tombstone_moment){clock_ms(), clock_wall_us() / 1000, k->boot};
}

/* ---- back ---- */

static bool restore(void *arg, const char *name, const struct digest *digest, const void *bytes,
                    size_t size)
{
    struct catalog *catalog = arg;
    char why[128];

    if (digest == NULL) { /* it was accepted all the same */
        snprintf(why, sizeof why, "its copy in the state directory: %s", (const char *)bytes);
        catalog_offer_unreadable(catalog, name, why);
        return true;
    }
    if (catalog_offer_digest(catalog, name, digest))
        return true;
    if (bytes != NULL)
        (void)catalog_offer(catalog, name, bytes, size);
    return false;
}

/* Names that were held may be asked upstream: nobody knows which. */
static void tell_lost(struct keeper *k, const char *why)
{
    bool aside = statedir_set_aside_detached(k->state);

    snprintf(k->lost, sizeof k->lost,
             "detached: %s: names may be forwarded before their hold ends%s", why,
             aside ? "; see detached.damaged" : "");
    k->lost_until = clock_ms() + k->hold_ms;
    log_error("detached", "why=\"%s\" now=\"what else was held may be forwarded; %s\"", why,
              aside ? "the file is left as detached.damaged" : "the file is replaced");
}

static void restore_detached(struct keeper *k, struct catalog *catalog)
{
    size_t size, damaged = 0;
    const char *why;
    char *text = statedir_detached(k->state, &size, &why), lines[64];
    struct tombstone_moment now = moment(k);

    if (text != NULL)
        catalog_restore_detached(catalog, text, size, &now, &damaged);
    if (text != NULL && size == 0)
        why = "it is empty";
    if (damaged > 0) {
        snprintf(lines, sizeof lines, "%zu of its lines are damaged", damaged);
        why = lines;
    }
    if (why != NULL)
        tell_lost(k, why);
    free(text);
    k->detached = UINT64_MAX; /* what has ended meanwhile goes */
}

/* A copy of the marks in the image that was read; NULL: none was. */
static void *read_image(struct keeper *k, struct catalog *catalog, uint64_t generation,
                        struct hash_key *key, size_t *marks_size)
{
    struct catalogimage_told told;
    const char *why;
    struct shelf *shelf = imagefile_open(statedir_folder(k->state), &k->stamp, &why);
    void *marks = NULL;

    if (shelf != NULL && catalogimage_read(catalog, shelf, &k->stamp, generation, &told, &why)) {
        log_info("image", "documents=%zu now=\"what did not change is not read again\"",
                 catalog_length(catalog));
        *key = told.key;
        *marks_size = told.note_size;
        marks = alloc_copy(told.note, told.note_size);
    } else if (why != NULL) {
        log_info("image", "why=\"%s\" now=\"the documents are read\"", why);
    }
    shelf_drop(shelf);
    return marks;
}

/* Nothing is lost with an image but time: that is told once, until there is one again. */
static void tell_failure(struct keeper *k, int why)
{
    if (!k->image_failed)
        log_info("image", "why=\"%s\" now=\"the next start reads the documents\"",
                 strerrordesc_np(why));
    k->image_failed = true;
    k->image_next = clock_ms() + IMAGE_RETRY_MS;
}

/* NULL: there is no place for one. */
static struct shelf *new_shelf(struct keeper *k)
{
    int folder = k->stamped ? statedir_folder(k->state) : -1;
    struct shelf *shelf = folder >= 0 ? imagefile_begin(folder) : NULL;

    if (shelf == NULL && folder >= 0)
        tell_failure(k, errno);
    return shelf;
}

void keeper_restore(struct keeper *k, struct catalog *catalog, uint64_t generation,
                    struct hash_key *key)
{
    size_t marks_size = 0;
    void *marks = k->stamped ? read_image(k, catalog, generation, key, &marks_size) : NULL;

    if (marks == NULL) {
        struct shelf *shelf = new_shelf(k);
        if (shelf != NULL)
            catalogshelf_use(catalog, shelf);
        shelf_drop(shelf);
    }
    catalog_begin(catalog);
    statedir_each(k->state, marks, marks_size, restore, catalog);
    catalog_restored(catalog);
    restore_detached(k, catalog);
    free(marks);
}

/* ---- there ---- */

/* The bytes of a served document from the directory again, because they are not held in memory:
 * they were too many, or were kept before somebody cleared the state.  They may have changed since.
 */
static void keep_from_source(struct keeper *k, const struct catalog_entry *entry, int folder)
{
    struct digest digest;
    struct stat status;
    char *bytes;
    size_t size;
    const char *why;

    if (fstatat(folder, entry->name, &status, 0) == 0 &&
        statedir_has_no_room(k->state, (size_t)status.st_size))
        return;
    if (!slurp_file(folder, entry->name, YAMLDOC_SIZE_MAX, &bytes, &size, NULL, &why)) {
        statedir_miss(k->state, entry->name);
        return;
    }
    digest_of(&digest, bytes, size);
    if (memcmp(&digest, &entry->served_digest, sizeof digest) == 0)
        statedir_put(k->state, entry->name, bytes, size);
    else
        statedir_miss(k->state, entry->name);
    free(bytes);
}

static void put_detached(struct keeper *k, const struct catalog *catalog)
{
    size_t size;
    struct tombstone_moment now = moment(k);
    char *text = catalog_detached(catalog, &now, &size);

    statedir_put_detached(k->state, text, size);
    free(text);
}

/* A first image is made where the documents rest already, another beside it. */
static void keep_image(struct keeper *k, struct catalog *catalog, struct table_options *options)
{
    uint64_t started = clock_ms();
    size_t size;

    if (!k->stamped || started < k->image_next || !catalogimage_is_due(catalog))
        return;
    struct shelf *shelf = catalogshelf_new(catalog);
    if (shelf == NULL)
        shelf = new_shelf(k);
    if (shelf == NULL)
        return;
    void *marks = statedir_marks(k->state, &size);
    if (!catalogimage_write(catalog, shelf, &k->stamp, options, marks, size) ||
        !imagefile_commit(statedir_folder(k->state), shelf)) {
        tell_failure(k, errno);
        catalogshelf_leave(catalog, shelf);
    } else {
        k->image_failed = false;
        k->image_next = clock_ms() + IMAGE_PAUSE * (clock_ms() - started);
    }
    free(marks);
    shelf_drop(shelf);
}

/* False: something is not kept that can be.  What cannot is told, and stands in no one's way: a
 * start takes no document from an image that is not kept beside it. */
static bool keep_documents(struct keeper *k, struct catalog *catalog)
{
    size_t length = catalog_length(catalog), size;
    const char **names = alloc_array(length, sizeof *names);
    int folder = open(k->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct catalog_entry entry;

    if (statedir_begin(k->state))
        restore_detached(k, catalog); /* of before it was taken away, or of another pldnsd */
    uint64_t detached = catalog_detached_changes(catalog);
    if (detached != k->detached)
        put_detached(k, catalog);
    for (size_t i = 0; i < length; i++) {
        catalog_entry(catalog, i, &entry);
        names[i] = entry.name;
        const void *bytes = catalog_unkept(catalog, i, &size);
        if (bytes != NULL)
            statedir_put(k->state, entry.name, bytes, size);
        else if (entry.served && !statedir_holds(k->state, entry.name, &entry.served_digest))
            keep_from_source(k, &entry, folder);
    }
    /* While the directory cannot be read nobody knows what was removed from it. */
    if (!catalog_degraded(catalog, NULL))
        statedir_keep_only(k->state, names, length);
    bool kept = statedir_commit(k->state) || statedir_rest_is_kept(k->state);
    if (kept) /* else see note_state() */
        k->detached = detached;
    if (folder >= 0)
        close(folder);
    free(names);
    return kept;
}

/* The bytes of those that are kept are no longer wanted. */
static void forget_kept(const struct keeper *k, struct catalog *catalog)
{
    struct catalog_entry entry;
    size_t size;

    for (size_t i = 0; i < catalog_length(catalog); i++) {
        if (catalog_unkept(catalog, i, &size) == NULL) /* nearly all: nothing is looked up */
            continue;
        catalog_entry(catalog, i, &entry);
        if (statedir_holds(k->state, entry.name, &entry.served_digest))
            catalog_kept(catalog, i);
    }
}

/* Where there is room for one of them only it is the documents'. */
static void give_way(struct keeper *k, struct catalog *catalog)
{
    tell_failure(k, ENOSPC);
    catalogshelf_leave(catalog, NULL);
    imagefile_remove(statedir_folder(k->state));
}

void keeper_keep(struct keeper *k, struct catalog *catalog, struct table_options *options)
{
    bool kept = keep_documents(k, catalog);

    if (!kept && statedir_is_full(k->state) && statedir_folder(k->state) >= 0) {
        give_way(k, catalog);
        kept = keep_documents(k, catalog);
    }
    forget_kept(k, catalog);
    if (kept)
        keep_image(k, catalog, options);
}

const char *keeper_trouble(const struct keeper *k)
{
    const char *trouble = statedir_trouble(k->state);

    return trouble == NULL && clock_ms() < k->lost_until ? k->lost : trouble;
}
