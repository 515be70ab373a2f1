#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define WHY_SIZE        4096
#define LOCK_DEFAULT_MS 10000
#define LOCK_PAUSE_MS   5

/* The lock is that of the directory itself: it needs no file of its own and dies with us. */
static enum exitcode lock(struct folder *folder)
{
    const struct options *options = folder->call->options;
    uint64_t left = options->timeout_ms != 0 ? options->timeout_ms : LOCK_DEFAULT_MS;
    struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};

    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0) {
        output_error(&folder->call->output, "%s: %s", folder->path, strerror(errno));
        return EXITCODE_WRONG;
    }
    while (flock(folder->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            output_error(&folder->call->output, "%s cannot be locked: %s", folder->path,
                         strerror(errno));
            return EXITCODE_WRONG;
        }
        if (left < LOCK_PAUSE_MS) {
            output_error(&folder->call->output, "time is over: somebody else is changing %s",
                         folder->path);
            return EXITCODE_TIMEOUT;
        }
        left -= LOCK_PAUSE_MS;
        (void)nanosleep(&pause, NULL);
    }
    return EXITCODE_FINE;
}

enum exitcode folder_open(struct folder *folder, const struct command_call *call, bool writer)
{
    struct catalog_change change;
    char why[WHY_SIZE];
    enum exitcode code = EXITCODE_FINE;

    *folder = (struct folder){.call = call, .path = call->options->attachments, .fd = -1};
    if (writer) {
        code = lock(folder);
    }
    if (code == EXITCODE_FINE &&
        !offline_add(&folder->files, folder->path, OFFLINE_NAMES, why, sizeof(why))) {
        output_error(&call->output, "%s", why);
        code = EXITCODE_WRONG;
    }
    if (code != EXITCODE_FINE) {
        folder_close(folder);
        return code;
    }
    folder->catalog = offline_catalog(&folder->files, call->views, &change);
    return EXITCODE_FINE;
}

void folder_unlock(struct folder *folder)
{
    if (folder->fd >= 0) {
        (void)close(folder->fd);
    }
    folder->fd = -1;
}

void folder_close(struct folder *folder)
{
    folder_unlock(folder);
    offline_clear(&folder->files);
    if (folder->catalog != NULL) {
        catalog_free(folder->catalog);
    }
    folder->catalog = NULL;
}

bool folder_tell_refused(const struct folder *folder)
{
    char line[WHY_SIZE];
    bool any = false;

    for (size_t i = 0; i < catalog_length(folder->catalog); i++) {
        struct catalog_entry entry;

        catalog_entry(folder->catalog, i, &entry);
        any |= entry.refused;
        for (size_t j = 0; entry.refused && j < entry.complaints->length; j++) {
            const struct error *complaint = &entry.complaints->items[j];

            if (!complaint->warning) {
                output_error(&folder->call->output, "%s",
                             error_format(complaint, line, sizeof(line)));
            }
        }
    }
    return any;
}

/* ---- connections ---- */

const char *folder_id(const struct command_call *call)
{
    const char *option = call->options->id;

    if (call->length > 0 && option != NULL && strcmp(call->words[0], option) != 0) {
        output_error(&call->output, "two connections are named: %s and %s", call->words[0], option);
        return NULL;
    }
    if (call->length == 0 && option == NULL) {
        output_error(&call->output, "which connection? usage: pldnsctl %s ID", call->command->name);
        return NULL;
    }
    return call->length > 0 ? call->words[0] : option;
}

/* A document that cannot hold the id need not be parsed.  JSON may write any letter as \uXXXX. */
static bool may_hold(const struct offline_file *file, const char *id)
{
    return file->bytes != NULL && (memmem(file->bytes, file->size, id, strlen(id)) != NULL ||
                                   memchr(file->bytes, '\\', file->size) != NULL);
}

static size_t find(const struct folder *folder, const char *id, struct folder_found *out,
                   const struct offline_file **second)
{
    size_t found = 0;

    *out = (struct folder_found){0};
    for (size_t i = 0; i < folder->files.length; i++) {
        const struct offline_file *file = &folder->files.files[i];
        struct error_list errors = {0};
        struct rewrite_place place;

        if (!may_hold(file, id)) {
            continue;
        }
        struct rewrite *rewrite = rewrite_open(file->name, file->bytes, file->size, &errors);
        error_clear(&errors);
        if (rewrite == NULL || !rewrite_find(rewrite, id, &place)) {
            rewrite_free(rewrite);
        } else if (found++ == 0) {
            *out = (struct folder_found){.file = file, .rewrite = rewrite, .place = place};
        } else {
            *second = file;
            rewrite_free(rewrite);
        }
    }
    return found;
}

bool folder_find_id(const struct folder *folder, const char *id, struct folder_found *out)
{
    const struct offline_file *second;

    return find(folder, id, out, &second) > 0;
}

static bool is_of_cluster(const struct folder *folder, const struct folder_found *found)
{
    const char *wanted = folder->call->options->cluster;
    const char *cluster = json_string_value(json_object_get(found->place.value, "clusterId"));

    return wanted == NULL || (cluster != NULL && strcmp(cluster, wanted) == 0);
}

enum exitcode folder_find(const struct folder *folder, struct folder_found *out)
{
    const struct output *output = &folder->call->output;
    const struct offline_file *second = NULL;
    const char *id = folder_id(folder->call);

    *out = (struct folder_found){0};
    if (id == NULL) {
        return EXITCODE_WRONG;
    }
    size_t found = find(folder, id, out, &second);
    if (found == 0) {
        output_error(output, "there is no connection '%s' in %s", id, folder->path);
        (void)folder_tell_refused(folder);
        return EXITCODE_NO;
    }
    enum exitcode code = EXITCODE_FINE;
    if (found > 1) {
        output_error(output, "connection '%s' is in %s and in %s: one of them must go", id,
                     out->file->name, second->name);
        code = EXITCODE_WRONG;
    } else if (!is_of_cluster(folder, out)) {
        output_error(output, "connection '%s' is not of cluster %s", id,
                     folder->call->options->cluster);
        code = EXITCODE_NO;
    }
    if (code != EXITCODE_FINE) {
        rewrite_free(out->rewrite);
        *out = (struct folder_found){0};
    }
    return code;
}
