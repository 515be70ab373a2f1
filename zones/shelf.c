#include "shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc.h"
#include "fullwrite.h"

/* The file is looked into through windows, each as long as this at least.  A window may be longer
 * than the file: what is put later is seen through it.  What does not fit into the last begins
 * another, which may show the end of the last again: there are no holes in the file. */
#define WINDOW_MOST  (UINT64_C(64) << 20)
#define WINDOW_FIRST (UINT64_C(1) << 20)

struct window {
    uint64_t from, to; /* octets of the file */
    const uint8_t *bytes;
};

struct shelf {
    int file;
    unsigned holders;
    uint64_t size;
    struct window *windows; /* by place */
    size_t length;
};

static uint64_t round_up(uint64_t number, uint64_t align)
{
    return (number + align - 1) / align * align;
}

/* A window from this place on, which is rounded up. */
static bool open_window(struct shelf *shelf, uint64_t from, uint64_t size)
{
    struct window window = {.from = round_up(from, SHELF_PAGE)};
    uint64_t least = shelf->length == 0 ? WINDOW_FIRST : WINDOW_MOST;

    window.to = window.from + round_up(size > least ? size : least, SHELF_PAGE);
    void *bytes =
        mmap(NULL, window.to - window.from, PROT_READ, MAP_SHARED, shelf->file, (off_t)window.from);
    if (bytes == MAP_FAILED) {
        return false;
    }
    window.bytes = bytes;
    shelf->windows = alloc_resize(shelf->windows, shelf->length + 1, sizeof(*shelf->windows));
    shelf->windows[shelf->length++] = window;
    return true;
}

struct shelf *shelf_new(int file, uint64_t size)
{
    struct shelf *shelf = alloc_array(1, sizeof(*shelf));

    *shelf = (struct shelf){.file = file, .holders = 1, .size = size};
    if (!open_window(shelf, 0, size)) {
        int why = errno;
        shelf_drop(shelf);
        errno = why;
        return NULL;
    }
    return shelf;
}

struct shelf *shelf_hold(struct shelf *shelf)
{
    shelf->holders++;
    return shelf;
}

void shelf_drop(struct shelf *shelf)
{
    if (shelf == NULL || --shelf->holders > 0) {
        return;
    }
    for (size_t i = 0; i < shelf->length; i++) {
        munmap((void *)(uintptr_t)shelf->windows[i].bytes,
               shelf->windows[i].to - shelf->windows[i].from);
    }
    free(shelf->windows);
    close(shelf->file);
    free(shelf);
}

const void *shelf_put(struct shelf *shelf, const void *bytes, size_t size, size_t align,
                      uint64_t *place)
{
    uint64_t at = round_up(shelf->size, align);
    const struct window *last = &shelf->windows[shelf->length - 1];

    if (at + size > last->to) { /* what was put does not move */
        at = round_up(at, align > SHELF_PAGE ? align : SHELF_PAGE);
        if (!open_window(shelf, at, size)) {
            return NULL;
        }
        last = &shelf->windows[shelf->length - 1];
    }
    if (!fullwrite_at(shelf->file, bytes, size, at)) {
        return NULL;
    }
    shelf->size = at + size;
    *place = at;
    return last->bytes + (at - last->from);
}

const void *shelf_at(const struct shelf *shelf, uint64_t place, size_t size)
{
    for (size_t i = shelf->length; i > 0; i--) {
        const struct window *window = &shelf->windows[i - 1];
        if (place >= window->from && place <= window->to && size <= window->to - place &&
            place + size <= shelf->size) {
            return window->bytes + (place - window->from);
        }
    }
    return NULL;
}

void *shelf_copy(const struct shelf *shelf, uint64_t place, size_t size)
{
    if (place % SHELF_PAGE != 0 || size == 0 || place + size > shelf->size) {
        return NULL;
    }
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, shelf->file, (off_t)place);
    return bytes != MAP_FAILED ? bytes : NULL;
}

bool shelf_write_over(struct shelf *shelf, uint64_t place, const void *bytes, size_t size)
{
    return fullwrite_at(shelf->file, bytes, size, place);
}

bool shelf_save(const struct shelf *shelf, int file)
{
    return fullwrite_copy(file, shelf->file, shelf->size);
}

uint64_t shelf_size(const struct shelf *shelf)
{
    return shelf->size;
}

void shelf_rest(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->length; i++) {
        madvise((void *)(uintptr_t)shelf->windows[i].bytes,
                shelf->windows[i].to - shelf->windows[i].from, MADV_DONTNEED);
    }
}
