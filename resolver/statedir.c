#include "statedir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "filemark.h"
#include "filename.h"
#include "fullwrite.h"
#include "slurp.h"
#include "statefolders.h"
#include "yamldoc.h"

#define DETACHED     "detached"
#define DETACHED_NEW DETACHED ".new"
#define DETACHED_BAD DETACHED ".damaged" /* the old one, if it was */
#define DETACHED_MAX (96u << 20)
#define TEMPORARY    ".new-"
#define TROUBLE_MAX  320
#define KEPT_MAX     1000000 /* documents; more are not looked at */
/* From this many files on one sync of the whole file system is cheaper than one of each. */
#define SYNC_ALL_FROM 8

struct kept {
    char *name;
    struct digest digest;
};

struct pending {     /* written, not yet renamed */
    unsigned number; /* of the temporary file */
    char *name;
    struct digest digest;
};

struct statedir {
    char *path;
    struct statefolders at;
    char *detached; /* what could not be kept in this batch so far, or NULL */
    size_t detached_size;
    struct kept *kept; /* sorted by name */
    size_t length, room;
    struct pending *pending;
    size_t pending_length;
    bool failed; /* in this batch … */
    bool full;   /* … and for want of room */
    bool lost;   /* … and not for a name that is too long alone */
    bool rest_kept;
    size_t no_room; /* the fewest octets in this batch for which there was no room */
    char trouble[TROUBLE_MAX];
};

__attribute__((format(printf, 2, 3))) static void fail(struct statedir *state, const char *format,
                                                       ...)
{
    va_list arguments;

    state->failed = true;
    state->lost = state->lost || errno != ENAMETOOLONG;
    state->full = state->full || errno == ENOSPC || errno == EDQUOT;
    va_start(arguments, format);
    vsnprintf(state->trouble, sizeof state->trouble, format, arguments);
    va_end(arguments);
}

/* ---- what is kept ---- */

/* Where 'name' stands, or would stand. */
static size_t place_of(const struct statedir *state, const char *name, bool *found)
{
    size_t low = 0, high = state->length;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(state->kept[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember(struct statedir *state, const char *name, const struct digest *digest)
{
    bool found;
    size_t at = place_of(state, name, &found);

    if (!found) {
        if (state->length == state->room) {
            state->room = state->room == 0 ? 16 : state->room * 2;
            state->kept = alloc_resize(state->kept, state->room, sizeof *state->kept);
        }
        memmove(state->kept + at + 1, state->kept + at, (state->length - at) * sizeof *state->kept);
        state->kept[at].name = alloc_string(name);
        state->length++;
    }
    state->kept[at].digest = *digest;
}

/* ---- open and read ---- */

static bool open_folders(struct statedir *state)
{
    char why[STATEFOLDERS_WHY];
    bool ok = statefolders_open(&state->at, state->path, why);

    if (!ok)
        fail(state, "%s", why);
    return ok;
}

struct statedir *statedir_open(const char *path)
{
    struct statedir *state = alloc_array(1, sizeof *state);

    state->path = alloc_string(path);
    state->at = statefolders_none;
    state->no_room = SIZE_MAX;
    if (path[0] != '\0')
        (void)open_folders(state); /* the trouble is noted */
    return state;
}

static void drop_pending(struct statedir *state)
{
    for (size_t i = 0; i < state->pending_length; i++)
        free(state->pending[i].name);
    free(state->pending);
    state->pending = NULL;
    state->pending_length = 0;
}

static void drop_kept(struct statedir *state)
{
    for (size_t i = 0; i < state->length; i++)
        free(state->kept[i].name);
    state->length = 0;
}

void statedir_close(struct statedir *state)
{
    if (state == NULL)
        return;
    drop_pending(state);
    drop_kept(state);
    free(state->kept);
    free(state->path);
    free(state->detached);
    statefolders_close(&state->at);
    free(state);
}

/* What stands in the folder: documents are remembered, left-overs of an interrupted batch removed.
 */
static void look(struct statedir *state)
{
    static const struct digest none;
    char name[NAME_MAX + 1];
    int copy = openat(state->at.accepted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;

    if (folder == NULL) {
        fail(state, "cannot be read: %s", strerrordesc_np(errno));
        if (copy >= 0)
            close(copy);
        return;
    }
    while ((entry = readdir(folder)) != NULL && state->length < KEPT_MAX) {
        if (strncmp(entry->d_name, TEMPORARY, sizeof TEMPORARY - 1) == 0)
            (void)unlinkat(state->at.accepted, entry->d_name, 0); /* overwritten if it stays */
        else if (entry->d_name[0] != '.' && filename_read(entry->d_name, name))
            remember(state, name, &none);
    }
    closedir(folder);
}

/* What a state directory holds that has come back, or in another's place. */
static void identify(struct statedir *state)
{
    char file[NAME_MAX + 1], *bytes;
    size_t size;
    const char *why;

    for (size_t i = 0; i < state->length; i++) {
        if (filename_of(state->kept[i].name, file) &&
            slurp_file(state->at.accepted, file, YAMLDOC_SIZE_MAX, &bytes, &size, NULL, &why)) {
            digest_of(&state->kept[i].digest, bytes, size);
            free(bytes);
        }
    }
}

void *statedir_marks(const struct statedir *state, size_t *size)
{
    struct packing packing = {0};
    char file[NAME_MAX + 1];

    for (size_t i = 0; i < state->length; i++) {
        if (filename_of(state->kept[i].name, file))
            filemark_tell(&packing, state->kept[i].name, state->at.accepted, file,
                          &state->kept[i].digest);
    }
    *size = packing.size;
    return packing.bytes;
}

static void read_one(struct statedir *state, struct kept *kept, const char *file, statedir_fn *each,
                     void *arg)
{
    char *bytes = NULL;
    size_t size = 0;
    const char *why;

    if (slurp_file(state->at.accepted, file, YAMLDOC_SIZE_MAX, &bytes, &size, NULL, &why))
        digest_of(&kept->digest, bytes, size);
    (void)(bytes != NULL ? each(arg, kept->name, &kept->digest, bytes, size)
                         : each(arg, kept->name, NULL, why, 0));
    free(bytes);
}

void statedir_each(struct statedir *state, const void *marks, size_t marks_size, statedir_fn *each,
                   void *arg)
{
    struct unpacking left = unpacking_of(marks, marks_size);
    char file[NAME_MAX + 1];

    if (state->at.accepted < 0)
        return;
    look(state);
    for (size_t i = 0; i < state->length; i++) {
        struct kept *kept = &state->kept[i];
        bool named = filename_of(kept->name, file);
        assert(named); /* it was read as such */
        (void)named;
        if (!filemark_find(&left, kept->name, state->at.accepted, file, &kept->digest) ||
            !each(arg, kept->name, &kept->digest, NULL, 0))
            read_one(state, kept, file, each, arg);
    }
}

/* ---- a batch ---- */

bool statedir_begin(struct statedir *state)
{
    state->full = false;
    state->no_room = SIZE_MAX;
    if (state->at.accepted >= 0 && !statefolders_stand(&state->at, state->path)) {
        statefolders_close(&state->at);
        drop_kept(state);
    }
    if (state->at.accepted >= 0 || state->path[0] == '\0')
        return false;
    state->failed = false;
    if (!open_folders(state))
        return false;
    look(state);
    identify(state);
    return true;
}

bool statedir_holds(const struct statedir *state, const char *name, const struct digest *digest)
{
    bool found;
    size_t at = place_of(state, name, &found);

    return state->at.accepted < 0 ||
           (found && memcmp(&state->kept[at].digest, digest, sizeof *digest) == 0);
}

void *statedir_get(const void *arg, const char *name, const struct digest *digest, size_t least,
                   size_t *size)
{
    const struct statedir *state = arg;
    char file[NAME_MAX + 1], *bytes;
    struct stat status;
    const char *why;

    if (state->at.accepted < 0 || !statedir_holds(state, name, digest) ||
        !filename_of(name, file) ||
        fstatat(state->at.accepted, file, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        (uint64_t)status.st_size <= least ||
        !slurp_file(state->at.accepted, file, YAMLDOC_SIZE_MAX, &bytes, size, NULL, &why))
        return NULL;
    return bytes;
}

static void temporary_name(unsigned number, char file[32])
{
    snprintf(file, 32, TEMPORARY "%u", number);
}

static bool write_file(int folder, const char *file, const void *bytes, size_t size, bool sync)
{
    int fd = openat(folder, file,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
    bool ok = fd >= 0 && fullwrite_at(fd, bytes, size, 0) && (!sync || fsync(fd) == 0);
    int why = errno;

    if (fd >= 0 && close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        (void)unlinkat(folder, file, 0);
        errno = why;
    }
    return ok;
}

bool statedir_has_no_room(const struct statedir *state, size_t size)
{
    return size >= state->no_room;
}

void statedir_put(struct statedir *state, const char *name, const void *bytes, size_t size)
{
    char file[NAME_MAX + 1], temporary[32];
    struct digest digest;

    if (statedir_has_no_room(state, size))
        return; /* the batch has failed already */
    digest_of(&digest, bytes, size);
    if (statedir_holds(state, name, &digest))
        return;
    if (!filename_of(name, file)) {
        errno = ENAMETOOLONG;
        fail(state, "%.80s: its name is too long to be kept", name);
        return;
    }
    unsigned number = (unsigned)state->pending_length;
    temporary_name(number, temporary);
    if (!write_file(state->at.accepted, temporary, bytes, size, number < SYNC_ALL_FROM)) {
        if (errno == ENOSPC || errno == EDQUOT)
            state->no_room = size;
        fail(state, "%.80s: %s", name, strerrordesc_np(errno));
        return;
    }
    state->pending =
        alloc_resize(state->pending, state->pending_length + 1, sizeof *state->pending);
    state->pending[state->pending_length++] =
        (struct pending){.number = number, .name = alloc_string(name), .digest = digest};
}

void statedir_miss(struct statedir *state, const char *name)
{
    errno = 0;
    fail(state, "%.80s: the version in service is neither kept nor in the folder any more", name);
}

static void forget(struct statedir *state, size_t i)
{
    char file[NAME_MAX + 1];

    if (filename_of(state->kept[i].name, file) && unlinkat(state->at.accepted, file, 0) != 0 &&
        errno != ENOENT) {
        fail(state, "%.80s: %s", state->kept[i].name, strerrordesc_np(errno));
        return;
    }
    free(state->kept[i].name);
    state->kept[i].name = NULL;
}

void statedir_keep_only(struct statedir *state, const char *const *names, size_t length)
{
    size_t left = 0, at = 0;

    for (size_t i = 0; i < state->length; i++) {
        while (at < length && strcmp(names[at], state->kept[i].name) < 0)
            at++;
        if (at == length || strcmp(names[at], state->kept[i].name) != 0)
            forget(state, i);
        if (state->kept[i].name != NULL)
            state->kept[left++] = state->kept[i];
    }
    state->length = left;
}

/* ---- what was detached ---- */

static bool keep_detached(struct statedir *state, const char *text, size_t size)
{
    if (size == 0)
        return unlinkat(state->at.top, DETACHED, 0) == 0 || errno == ENOENT;
    return write_file(state->at.top, DETACHED_NEW, text, size, true) &&
           renameat(state->at.top, DETACHED_NEW, state->at.top, DETACHED) == 0 &&
           fsync(state->at.top) == 0;
}

void statedir_put_detached(struct statedir *state, const char *text, size_t size)
{
    free(state->detached);
    state->detached = NULL;
    if (state->at.accepted < 0 || keep_detached(state, text, size))
        return;
    state->detached =
        alloc_copy(text, size); /* again when documents were removed from a full disk */
    state->detached_size = size;
}

char *statedir_detached(struct statedir *state, size_t *size, const char **why)
{
    struct stat status;
    char *text;

    *why = NULL;
    if (state->at.accepted < 0 ||
        (fstatat(state->at.top, DETACHED, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) ||
        !slurp_file(state->at.top, DETACHED, DETACHED_MAX, &text, size, NULL, why))
        return NULL;
    return text;
}

/* A second name for it, until it is replaced: what can be read of it is there all the time. */
bool statedir_set_aside_detached(struct statedir *state)
{
    int top = state->at.top;
    (void)unlinkat(top, DETACHED_BAD, 0);
    return linkat(top, DETACHED, top, DETACHED_BAD, 0) == 0 ||
           renameat(top, DETACHED, top, DETACHED_BAD) == 0;
}

static void retry_detached(struct statedir *state)
{
    if (state->detached != NULL && !keep_detached(state, state->detached, state->detached_size))
        fail(state, DETACHED ": %s", strerrordesc_np(errno));
    free(state->detached);
    state->detached = NULL;
}

/* ---- the end of a batch ---- */

static bool rename_pending(struct statedir *state, const struct pending *pending)
{
    char from[32], to[NAME_MAX + 1];

    temporary_name(pending->number, from);
    bool named = filename_of(pending->name, to);
    assert(named); /* statedir_put() tried */
    (void)named;
    return renameat(state->at.accepted, from, state->at.accepted, to) == 0;
}

bool statedir_commit(struct statedir *state)
{
    if (state->at.accepted < 0)
        return !state->failed;
    retry_detached(state);
    if (state->pending_length > SYNC_ALL_FROM && syncfs(state->at.accepted) != 0)
        fail(state, "%s", strerrordesc_np(errno));
    for (size_t i = 0; i < state->pending_length; i++) {
        if (rename_pending(state, &state->pending[i]))
            remember(state, state->pending[i].name, &state->pending[i].digest);
        else
            fail(state, "%.80s: %s", state->pending[i].name, strerrordesc_np(errno));
    }
    drop_pending(state);
    if (fsync(state->at.accepted) != 0)
        fail(state, "%s", strerrordesc_np(errno));
    bool ok = !state->failed;
    if (ok)
        state->trouble[0] = '\0';
    state->rest_kept = !state->lost;
    state->failed = state->lost = false;
    return ok;
}

bool statedir_rest_is_kept(const struct statedir *state)
{
    return state->at.accepted >= 0 && state->rest_kept;
}

int statedir_folder(const struct statedir *state)
{
    return state->at.accepted >= 0 ? state->at.top : -1;
}

bool statedir_is_full(const struct statedir *state)
{
    return state->full;
}

const char *statedir_trouble(const struct statedir *state)
{
    return state->trouble[0] != '\0' ? state->trouble : NULL;
}
