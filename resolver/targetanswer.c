#include "targetanswer.h"

#include "special.h"
#include "view.h"

const char *targetanswer_word(enum targetanswer answer)
{
    static const char *const words[] = {
        [TARGETANSWER_WAITING] = "",
        [TARGETANSWER_ADDRESSES] = "",
        [TARGETANSWER_NONE] = "no-address",
        [TARGETANSWER_NXDOMAIN] = "NXDOMAIN",
        [TARGETANSWER_REFUSED] = "SERVFAIL",
        [TARGETANSWER_TIMEOUT] = "timeout",
        [TARGETANSWER_BROKEN] = "broken-answer",
        [TARGETANSWER_LOOP] = "chain-loops",
        [TARGETANSWER_OVERLOADED] = "overloaded",
        [TARGETANSWER_OWNED] = "leads-into-owned-name",
        [TARGETANSWER_KEPT] = "owned-or-fenced",
        [TARGETANSWER_SPECIAL] = "never-forwarded",
    };

    return words[answer];
}

/* Kept from the upstreams by the guard: by the table, or because nobody should pass it on. */
static enum targetanswer why_kept(const struct forward_outcome *told)
{
    size_t root_offset;

    return special_find(told->question->name, &root_offset) != SPECIAL_NONE ? TARGETANSWER_SPECIAL
                                                                            : TARGETANSWER_KEPT;
}

static bool leads_into_owned(const struct forward_outcome *told, targetanswer_owned_fn *owned,
                             void *arg)
{
    const struct reply *reply = told->reply;

    for (unsigned i = 0; i < reply->hops_length; i++) {
        struct dname target;
        uint8_t folded[DNAME_MAX];
        if (!reply_name(told->message, told->size, reply->hops[i].target, &target))
            return true; /* cannot be: it was checked */
        dname_fold(folded, target.wire);
        if (owned(arg, folded, VIEW_NONE))
            return true;
    }
    return false;
}

enum targetanswer targetanswer_judge(const struct forward_outcome *told,
                                     targetanswer_owned_fn *owned, void *arg)
{
    static const enum targetanswer failures[] = {
        [FORWARD_UNREACHABLE] = TARGETANSWER_TIMEOUT,
        [FORWARD_BROKEN] = TARGETANSWER_BROKEN,
        [FORWARD_LOOP] = TARGETANSWER_LOOP,
        [FORWARD_OVERLOADED] = TARGETANSWER_OVERLOADED,
        [FORWARD_ENDED] = TARGETANSWER_TIMEOUT,
    };

    if (told->result == FORWARD_OWNED)
        return why_kept(told);
    if (told->result != FORWARD_ANSWER)
        return failures[told->result];
    if (leads_into_owned(told, owned, arg))
        return TARGETANSWER_OWNED;
    if (told->reply->rcode == REPLY_NXDOMAIN)
        return TARGETANSWER_NXDOMAIN;
    return told->reply->rcode == REPLY_NOERROR ? TARGETANSWER_ADDRESSES : TARGETANSWER_REFUSED;
}
