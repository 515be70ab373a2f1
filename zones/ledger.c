#include "ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
};

struct ledger *ledger_new(const struct hash_key *key, const struct view_list *views)
{
    struct ledger *ledger = alloc_array(1, sizeof(*ledger));

    *ledger = (struct ledger){.key = *key, .views = views, .slots = FIRST_SLOTS};
    ledger->hashes = alloc_array(FIRST_SLOTS, sizeof(*ledger->hashes));
    ledger->counts = alloc_array(FIRST_SLOTS, sizeof(*ledger->counts));
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    free(ledger->hashes);
    free(ledger->counts);
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
    ledger->hashes = alloc_array(ledger->slots, sizeof(*ledger->hashes));
    ledger->counts = alloc_array(ledger->slots, sizeof(*ledger->counts));
    for (size_t i = 0; i < old.slots; i++) {
        if (old.counts[i] != 0) {
            size_t at = find(ledger, old.hashes[i]);
            ledger->hashes[at] = old.hashes[i];
            ledger->counts[at] = old.counts[i];
        }
    }
    free(old.hashes);
    free(old.counts);
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
    const struct document *document;
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
    visit->ledger->octets += claim_octets(visit->document, claim);
}

static void take_out(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    change(visit->ledger, claim, uncount);
    visit->ledger->octets -= claim_octets(visit->document, claim);
}

bool ledger_add(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger, .document = document};

    claim_each(document, ledger->views, add, &visit);
    return !visit.against && ledger->octets <= CLAIM_OCTETS_MAX;
}

void ledger_remove(struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = ledger, .document = document};

    claim_each(document, ledger->views, take_out, &visit);
}

static void meet(void *arg, const struct claim *claim)
{
    struct visit *visit = arg;

    if (visit->against || (claim->kind != CLAIM_TREE && claim->kind != CLAIM_POINT)) {
        return;
    }
    visit->against = has_above(visit->ledger, claim, CLAIM_TREE) ||
                     has(visit->ledger, claim, CLAIM_POINT, claim->bytes) ||
                     has(visit->ledger, claim, CLAIM_ABOVE_ROOT, claim->bytes);
}

bool ledger_is_apart(const struct ledger *ledger, const struct document *document)
{
    struct visit visit = {.ledger = (struct ledger *)(uintptr_t)ledger};

    claim_each(document, ledger->views, meet, &visit);
    return !visit.against;
}

bool ledger_has_root(const struct ledger *ledger, unsigned view, const uint8_t *wire, bool subtree)
{
    const struct claim claim = {.view = view, .bytes = wire, .size = dname_size(wire)};

    return has(ledger, &claim, subtree ? CLAIM_TREE : CLAIM_POINT, wire);
}
