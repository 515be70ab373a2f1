#include "control.h"

enum exitcode control_reload(const struct command_call *call)
{
    (void)call;
    return EXITCODE_FINE;
}
enum exitcode control_wait(const struct command_call *call)
{
    (void)call;
    return EXITCODE_FINE;
}
enum exitcode control_flush(const struct command_call *call)
{
    (void)call;
    return EXITCODE_FINE;
}
