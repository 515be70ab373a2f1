#include "buildid.h"

#include <elf.h>
#include <link.h>
#include <string.h>

/* Shorter ones are somebody's own idea, such as a random number of 32 bits. */
#define ID_LEAST 16

struct found {
    const uint8_t *id;
    size_t size;
};

static size_t round_up(size_t size, size_t align)
{
    return (size + align - 1) / align * align;
}

const uint8_t *buildid_find(const uint8_t *notes, size_t notes_size, size_t align, size_t *size)
{
    ElfW(Nhdr) head;

    while (notes_size >= sizeof head) {
        memcpy(&head, notes, sizeof head);
        if (head.n_namesz > notes_size || head.n_descsz > notes_size)
            return NULL;
        size_t id = round_up(sizeof head + head.n_namesz, align);
        size_t end = id + head.n_descsz;
        if (end > notes_size)
            return NULL;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == sizeof ELF_NOTE_GNU &&
            memcmp(notes + sizeof head, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 &&
            head.n_descsz >= ID_LEAST) {
            *size = head.n_descsz;
            return notes + id;
        }
        end = round_up(end, align);
        if (end >= notes_size)
            return NULL;
        notes += end;
        notes_size -= end;
    }
    return NULL;
}

/* Called with the program first, and then with its libraries. */
static int look(struct dl_phdr_info *program, size_t size, void *arg)
{
    struct found *found = arg;

    (void)size;
    for (size_t i = 0; i < program->dlpi_phnum && found->id == NULL; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE)
            found->id = buildid_find((const uint8_t *)(program->dlpi_addr + segment->p_vaddr),
                                     segment->p_memsz, segment->p_align == 8 ? 8 : 4, &found->size);
    }
    return 1; /* enough */
}

const uint8_t *buildid_own(size_t *size)
{
    struct found found = {0};

    (void)dl_iterate_phdr(look, &found);
    *size = found.size;
    return found.id;
}
