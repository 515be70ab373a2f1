#include "catalogcontest.h"

#include <stdlib.h>

#include "alloc.h"
#include "claims.h"

struct contest {
    const struct catalogcontest *among;
    struct claims *claims;
    struct catalog_document **who;  /* by the numbers of their documents in 'claims' */
    struct catalog_document **back; /* are sent back to what they were … */
    size_t back_length;             /* … so many of them */
    bool skipped;                   /* somebody was not tried again */
};

/* True if it would change; what is to go has nothing chosen. */
static bool is_contestant(const struct catalog_document *entry)
{
    return entry->chosen != entry->standing;
}

/* True if its newest version is not taken: not yet, or not any more. */
static bool is_refused(const struct catalog_document *entry)
{
    return entry->chosen != NULL && !entry->accepted;
}

/* ---- what is in the way ---- */

/* The claims of all that would come. */
static struct ledger *list_wanted(const struct catalogcontest *among)
{
    struct ledger *wanted = ledger_new(among->key, among->views);

    for (size_t i = 0; i < among->length; i++) {
        const struct catalog_document *entry = among->entries[i];
        if (is_contestant(entry) && entry->chosen != NULL) {
            (void)ledger_add(wanted, entry->chosen->document);
        }
    }
    return wanted;
}

/* Asks those who stay, and were in the way or not when it was asked last, whether they are now. */
static void ask(const struct catalogcontest *among, const struct ledger *wanted, bool were)
{
    for (size_t i = 0; i < among->length; i++) {
        struct catalog_document *entry = among->entries[i];
        if (is_contestant(entry) || entry->standing == NULL) {
            entry->in_the_way = false;
        } else if (entry->in_the_way == were) {
            entry->in_the_way = ledger_contradicts(wanted, entry->standing->document);
        }
    }
}

/* True if nobody else who stays contradicts what would come. */
static bool are_all(const struct catalogcontest *among)
{
    bool all = true;

    for (size_t i = 0; i < among->length; i++) {
        const struct catalog_document *entry = among->entries[i];
        if (entry->standing != NULL && (is_contestant(entry) || entry->in_the_way)) {
            ledger_remove(among->ledger, entry->standing->document);
        }
    }
    for (size_t i = 0; i < among->length && all; i++) {
        const struct catalog_document *entry = among->entries[i];
        all = !is_contestant(entry) || entry->chosen == NULL ||
              !ledger_contradicts(among->ledger, entry->chosen->document);
    }
    ledger_undo(among->ledger);
    return all;
}

/* True if anybody stays who might be in the way: at a first load nobody is there. */
static bool has_others(const struct catalogcontest *among)
{
    bool has = false;

    for (size_t i = 0; i < among->length && !has; i++) {
        has = among->entries[i]->standing != NULL && !is_contestant(among->entries[i]);
    }
    return has;
}

/* A refusal mostly lasts for many reloads, and so does its reason: all are asked only if those do
 * not explain it who were in the way before. */
static void find_in_the_way(const struct catalogcontest *among)
{
    if (!has_others(among)) {
        return;
    }
    struct ledger *wanted = list_wanted(among);
    ask(among, wanted, true);
    if (!are_all(among)) {
        ask(among, wanted, false);
    }
    ledger_free(wanted);
}

/* ---- the claims ---- */

/* Of what stays if all goes well; what is to be replaced is known, and has left. */
static void hold_standing(struct contest *contest)
{
    const struct catalogcontest *among = contest->among;

    for (size_t i = 0; i < among->length; i++) {
        struct catalog_document *entry = among->entries[i];
        entry->number = entry->refused_for = CLAIMS_NONE;
        bool replaced = is_contestant(entry) && entry->chosen != NULL;
        bool stays = !is_contestant(entry) && entry->in_the_way;
        if (entry->standing != NULL && (replaced || stays)) {
            entry->number = claims_hold(contest->claims, entry->standing->document);
        }
        if (entry->standing != NULL && replaced) {
            claims_leave(contest->claims, entry->number);
        }
    }
}

static void send_back(struct contest *contest, struct catalog_document *entry)
{
    entry->accepted = false;
    contest->back[contest->back_length++] = entry;
}

static void left(void *arg, size_t number)
{
    struct contest *contest = arg;

    if (contest->who[number] != NULL) { /* what is served contradicts nothing that is */
        send_back(contest, contest->who[number]);
    }
}

/* Who is sent back has its names again, so that whoever was to have them is sent back too. */
static void return_all(struct contest *contest)
{
    while (contest->back_length > 0) {
        const struct catalog_document *entry = contest->back[--contest->back_length];
        if (entry->number != CLAIMS_NONE) {
            claims_return(contest->claims, entry->number, left, contest);
        }
    }
}

/* ---- the judgment ---- */

/* True if the version that was chosen is there now, and what stood before has left. */
static bool is_taken(struct contest *contest, struct catalog_document *entry)
{
    struct claims *claims = contest->claims;

    error_clear(&entry->conflicts);
    if (entry->number != CLAIMS_NONE) {
        claims_leave(claims, entry->number);
    }
    entry->accepted = claims_add(claims, entry->chosen->document, entry->number, &entry->conflicts);
    if (entry->accepted) {
        contest->who[claims_length(claims) - 1] = entry;
        entry->refused_for = CLAIMS_NONE;
        return true;
    }
    entry->refused_for = claims_in_the_way(claims);
    send_back(contest, entry);
    return_all(contest);
    return false;
}

/* True if it would be refused for the same one as before. */
static bool is_hopeless(const struct contest *contest, const struct catalog_document *entry)
{
    return entry->refused_for != CLAIMS_NONE &&
           !claims_has_left(contest->claims, entry->refused_for);
}

/* True if some were taken: of those that are served, or of newcomers, by name. */
static bool take(struct contest *contest, bool newcomers, bool hopeless_too)
{
    const struct catalogcontest *among = contest->among;
    bool taken = false;

    for (size_t i = 0; i < among->length; i++) {
        struct catalog_document *entry = among->entries[i];
        if (!is_refused(entry) || (entry->standing == NULL) != newcomers) {
            continue;
        }
        if (!hopeless_too && is_hopeless(contest, entry)) {
            contest->skipped = true;
        } else {
            taken |= is_taken(contest, entry);
        }
    }
    return taken;
}

/* A round; what is hopeless is tried to be told why. */
static bool take_all(struct contest *contest, bool hopeless_too)
{
    bool taken = take(contest, false, hopeless_too);

    return take(contest, true, hopeless_too) || taken;
}

/* Who is refused at first may have been in the way, or in the way of, only others who are refused
 * too: it is tried again until a round changes nothing, and then told why. */
static void judge(struct contest *contest)
{
    bool taken = true;

    while (taken) { /* ends: in a round behind the first nobody is sent back who was taken */
        taken = take_all(contest, false);
    }
    if (contest->skipped) {
        (void)take_all(contest, true);
    }
}

void catalogcontest_run(const struct catalogcontest *among)
{
    struct contest contest = {.among = among};

    find_in_the_way(among);
    contest.claims = claims_new(among->key, among->views, ledger_octets(among->ledger));
    contest.who = alloc_array(3 * among->length, sizeof(struct catalog_document *));
    contest.back = alloc_array(among->length, sizeof(struct catalog_document *));
    hold_standing(&contest);
    judge(&contest);
    for (size_t i = 0; i < among->length; i++) {
        struct catalog_document *entry = among->entries[i];
        if (is_contestant(entry) && !is_refused(entry)) {
            entry->standing = entry->chosen;
        }
    }
    claims_free(contest.claims);
    free(contest.who);
    free(contest.back);
}
