#include "lookup.h"

enum exitcode lookup_explain(const struct command_call *call)
{
    (void)call;
    return EXITCODE_FINE;
}
