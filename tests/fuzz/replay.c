/* Runs a fuzzer over files kept from earlier: every file of the folders given.
 *
 * What once went wrong, and one input for every way through the code, is tried in every test run,
 * with any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "replay.h"

static int replay_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");

    if (file == NULL || fstat(fileno(file), &status) != 0) {
        perror(path);
        exit(1);
    }
    if (!S_ISREG(status.st_mode)) {
        fclose(file);
        return 0;
    }
    size_t size = (size_t)status.st_size;
    uint8_t *bytes =
        malloc(size + 1); /* exactly as large as said, so that sanitizers see overruns */
    if (bytes == NULL || fread(bytes, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    uint8_t *exact = realloc(bytes, size > 0 ? size : 1);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int length = scandir(folder, &entries, NULL, alphasort), done = 0;

    if (length < 0) {
        perror(folder);
        exit(1);
    }
    for (int i = 0; i < length; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        done += replay_file(path);
        free(entries[i]);
    }
    free(entries);
    return done;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int done = replay_folder(argv[i]);
        printf("%s: %d files\n", argv[i], done);
        if (done == 0)
            return 1; /* an empty corpus proves nothing */
    }
    return 0;
}
