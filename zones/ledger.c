#include "ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"
#include "dname.h"

#define FIRST_SLOTS 256 /* a power of two, as all their numbers are */

struct ledger {
    struct hash_key key;
    const struct view_list *views;
    /* Where a hash stands, and how often: apart from each other, for a search reads hashes only. */
    uint64_t *hashes;
    uint32_t *counts; /* 0 = free; at most three quarters are taken */
    size_t slots, taken;
    uint64_t octets; /* of all */
    bool shelved;    /* the arrays are mapped from a shelf */
};

struct ledger *ledger_new(const struct hash_key *key, const struct view_list *views)
{
    struct ledger *ledger = alloc_array(1, sizeof(*ledger));

    *ledger = (struct ledger){.key = *key, .views = views, .slots = FIRST_SLOTS};
    ledger->hashes = alloc_array(FIRST_SLOTS, sizeof(*ledger->hashes));
    ledger->counts = alloc_array(FIRST_SLOTS, sizeof(*ledger->counts));
    return ledger;
}

/* Gives the arrays back. */
static void clear(struct ledger *ledger)
{
    if (ledger->shelved) {
        munmap(ledger->hashes, ledger->slots * sizeof(*ledger->hashes));
        munmap(ledger->counts, ledger->slots * sizeof(*ledger->counts));
    } else {
        free(ledger->hashes);
        free(ledger->counts);
    }
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    clear(ledger);
    free(ledger);
}

/* ---- counting ---- */

/* Where the hash stands, or would. */
static size_t find(const struct ledger *ledger, uint64_t hash)
{
    size_t mask = ledger->slots - 1, at = hash & mask;

    while (ledger->counts[at] != 0 && ledger->hashes[at] != hash) {
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(struct ledger *ledger)
{
    struct ledger old = *ledger;

    ledger->slots *= 2;
    ledger->shelved = false;
    ledger->hashes = alloc_array(ledger->slots, sizeof(*ledger->hashes));
    ledger->counts = alloc_array(ledger->slots, sizeof(*ledger->counts));
    for (size_t i = 0; i < old.slots; i++) {
        if (old.counts[i] != 0) {
            size_t at = find(ledger, old.hashes[i]);
            ledger->hashes[at] = old.hashes[i];
            ledger->counts[at] = old.counts[i];
        }
    }
    clear(&old);
}

static void count(struct ledger *ledger, uint64_t hash)
{
    size_t at = find(ledger, hash);

    if (ledger->counts[at] == 0) {
        if (4 * ledger->taken >= 3 * ledger->slots) {
            grow(ledger);
            at = find(ledger, hash);
        }
        ledger->hashes[at] = hash;
        ledger->taken++;
    }
    ledger->counts[at]++;
    assert(ledger->counts[at] != 0); /* documents are far smaller than 2^32 claims */
}

/* Frees a slot: what was put behind it because it was taken moves up, so that no search is cut
 * short. */
static void vacate(struct ledger *ledger, size_t at)
{
    size_t mask = ledger->slots - 1, next = at;

    ledger->taken--;
    for (;;) {
        ledger->counts[at] = 0;
        size_t home;
        do {
            next = (next + 1) & mask;
            if (ledger->counts[next] == 0) {
                return;
            }
            home = ledger->hashes[next] & mask;
        } while (((next - home) & mask) < ((next - at) & mask));
        ledger->hashes[at] = ledger->hashes[next];
        ledger->counts[at] = ledger->counts[next];
        at = next;
    }
}

static void uncount(struct ledger *ledger, uint64_t hash)
{
    size_t at = find(ledger, hash);

    assert(ledger->counts[at] != 0);
    if (--ledger->counts[at] == 0) {
        ledger->counts[at] = 1; /* taken until it is vacated */
        vacate(ledger, at);
    }
}

/* ---- what a claim touches ---- */

struct visit {
    struct ledger *ledger;
    bool against; /* something contradicts it */
};

static uint64_t hash_of(const struct ledger *ledger, const struct claim *claim,
                        enum claim_kind kind, const uint8_t *bytes)
{
    return claim_hash(&ledger->key, claim->view, kind, bytes,
                      claim->size - (size_t)(bytes - claim->bytes));
}

static bool has(const struct ledger *ledger, const struct claim *claim, enum claim_kind kind,
                const uint8_t *bytes)
{
    return ledger->counts[find(ledger, hash_of(ledger, claim, kind, bytes))] != 0;
}

/* True if something of this kind stands at the claim's name or above it. */
static bool has_above(const struct ledger *ledger, const struct claim *claim, enum claim_kind kind)
{
    const uint8_t *at = claim->bytes;

    while (!has(ledger, claim, kind, at)) {
        if (*at == 0) {
            return false;
        }
        at += 1u + *at;
    }
    return true;
}

static bool is_against(const struct ledger *ledger, const struct claim *claim)
{
    switch (claim->kind) {
    case CLAIM_ID:
    case CLAIM_OWNER:
        return has(ledger, claim, claim->kind, claim->bytes);
    case CLAIM_TREE:
        return has(ledger, claim, CLAIM_ABOVE_TARGET, claim->bytes);
    case CLAIM_POINT:
        return has(ledger, claim, CLAIM_TARGET, claim->bytes);
    case CLAIM_TARGET:
        return has_above(ledger, claim, CLAIM_TREE) ||
               has(ledger, claim, CLAIM_POINT, claim->bytes);
    case CLAIM_ABOVE_TARGET:
    case CLAIM_ABOVE_ROOT:
        break;
    }
    return false;
}

typedef void change_fn(struct ledger *, uint64_t hash);

/* Changes the counts of everything that the claim stands for. */
static void change(struct ledger *ledger, const struct claim *claim, change_fn *by)
{
    enum claim_kind above = claim->kind == CLAIM_TARGET ? CLAIM_ABOVE_TARGET : CLAIM_ABOVE_ROOT;
    const uint8_t *at = claim->bytes;

    by(ledger, hash_of(ledger, claim, claim->kind, at));
    if (claim->kind == CLAIM_ID || claim->kind == CLAIM_OWNER) {
        return;
    }
    if (above == CLAIM_ABOVE_TARGET) {
        by(ledger, hash_of(ledger, claim, above, at));
    }
    while (*at != 0) {
        at += 1u + *at;
        by(ledger, hash_of(ledger, claim, above, at));
    }
}

/* ---- documents ---- */

static void add(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    visit->against = visit->against || is_against(visit->ledger, claim);
    change(visit->ledger, claim, count);
    visit->ledger->octets += claim_octets(claim);
}

static void take_out(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    change(visit->ledger, claim, uncount);
    visit->ledger->octets -= claim_octets(claim);
}

bool ledger_add(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger};

    claim_each(document, ledger->views, add, &visit);
    return !visit.against && ledger->octets <= CLAIM_OCTETS_MAX;
}

void ledger_remove(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger};

    claim_each(document, ledger->views, take_out, &visit);
}

/* True if there is a root or host at, above or below the claim's name. */
static bool is_near(const struct ledger *ledger, const struct claim *claim)
{
    return has_above(ledger, claim, CLAIM_TREE) || has(ledger, claim, CLAIM_POINT, claim->bytes) ||
           has(ledger, claim, CLAIM_ABOVE_ROOT, claim->bytes);
}

static void meet(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    if (!visit->against && (claim->kind == CLAIM_TREE || claim->kind == CLAIM_POINT)) {
        visit->against = is_near(visit->ledger, claim);
    }
}

bool ledger_is_apart(const struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = (struct ledger *)(uintptr_t)ledger};

    claim_each(document, ledger->views, meet, &visit);
    return !visit.against;
}

bool ledger_is_apart_from(const struct ledger *ledger, unsigned view, const uint8_t *wire)
{
    const struct claim claim = {.view = view, .bytes = wire, .size = dname_size(wire)};

    return !is_near(ledger, &claim);
}

bool ledger_has_root(const struct ledger *ledger, unsigned view, const uint8_t *wire, bool subtree)
{
    const struct claim claim = {.view = view, .bytes = wire, .size = dname_size(wire)};

    return has(ledger, &claim, subtree ? CLAIM_TREE : CLAIM_POINT, wire);
}

/* ---- on a shelf ---- */

bool ledger_is_shelved(const struct ledger *ledger)
{
    return ledger->shelved;
}

void ledger_unshelve(struct ledger *ledger)
{
    struct ledger old = *ledger;

    if (ledger->shelved) {
        ledger->shelved = false;
        ledger->hashes = alloc_copy(old.hashes, old.slots * sizeof(*old.hashes));
        ledger->counts = alloc_copy(old.counts, old.slots * sizeof(*old.counts));
        clear(&old);
    }
}

/* Looks into what was put.  False: it cannot be mapped, and nothing changed. */
static bool map(struct ledger *ledger, const struct shelf *shelf, uint64_t hashes, uint64_t counts)
{
    struct ledger mapped = *ledger;

    mapped.shelved = true;
    mapped.hashes = shelf_copy(shelf, hashes, ledger->slots * sizeof(*ledger->hashes));
    if (mapped.hashes == NULL) {
        return false;
    }
    mapped.counts = shelf_copy(shelf, counts, ledger->slots * sizeof(*ledger->counts));
    if (mapped.counts == NULL) {
        munmap(mapped.hashes, ledger->slots * sizeof(*ledger->hashes));
        return false;
    }
    clear(ledger);
    *ledger = mapped;
    return true;
}

bool ledger_shelve(struct ledger *ledger, struct packing *packing, struct shelf *shelf)
{
    size_t hashes = ledger->slots * sizeof(*ledger->hashes);
    size_t counts = ledger->slots * sizeof(*ledger->counts);
    uint64_t places[2];

    if (shelf_put(shelf, ledger->hashes, hashes, SHELF_PAGE, &places[0]) == NULL ||
        shelf_put(shelf, ledger->counts, counts, SHELF_PAGE, &places[1]) == NULL) {
        return false;
    }
    packing_number(packing, ledger->slots);
    packing_number(packing, ledger->taken);
    packing_number(packing, ledger->octets);
    section_tell(packing, places[0], ledger->hashes, hashes);
    section_tell(packing, places[1], ledger->counts, counts);
    return map(ledger, shelf, places[0], places[1]);
}

struct ledger *ledger_on_shelf(const struct hash_key *key, const struct view_list *views,
                               struct unpacking *unpacking, const struct shelf *shelf)
{
    struct ledger *ledger = ledger_new(key, views);
    uint64_t hashes, counts;
    size_t hashes_size, counts_size;
    size_t slots = unpacking_number(unpacking), taken = unpacking_number(unpacking);

    ledger->octets = unpacking_number(unpacking);
    bool good = section_take(unpacking, shelf, &hashes, &hashes_size) != NULL &&
                section_take(unpacking, shelf, &counts, &counts_size) != NULL &&
                slots >= FIRST_SLOTS && (slots & (slots - 1)) == 0 && taken < slots &&
                slots <= SIZE_MAX / sizeof(*ledger->hashes) &&
                hashes_size == slots * sizeof(*ledger->hashes) &&
                counts_size == slots * sizeof(*ledger->counts);
    if (good) {
        struct ledger empty = *ledger;
        ledger->slots = slots;
        ledger->taken = taken;
        ledger->hashes = NULL; /* nothing to give back */
        ledger->counts = NULL;
        clear(&empty);
        good = map(ledger, shelf, hashes, counts);
    }
    if (!good) {
        unpacking->broken = true;
        ledger_free(ledger);
        return NULL;
    }
    return ledger;
}
