/* Plays scenarios: what the lines of the language mean. */
#ifndef PLAY_H
#define PLAY_H

#include "scenario.h"
#include "stage.h"

struct play {
    struct scenario_file *file;
    struct stage *stage;
    FILE *trace; /* NULL: tells nothing */
    char *story; /* what went wrong; free() */
    size_t story_size;
    FILE *out;   /* writes 'story' */
    bool open;   /* the stage is */
    bool trying; /* a failure is no news yet */
    unsigned line, column;
};

/* Every line of a file is one that there is; false: 'errors' says which are not. */
MUST_USE bool play_check(const struct scenario_file *, const struct scenario_steps *,
                         struct error_list *errors);

/* True if all that is said holds.  False: '*story' tells why, the caller's to free(). */
MUST_USE bool play_scenario(struct scenario_file *, const struct scenario *, FILE *trace,
                            char **story);

/* ---- between the files of the player ---- */

/* "FILE:LINE:COLUMN: text"; always false. */
bool play_fail(struct play *, const struct scenario_step *, size_t word, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* A line below the last failure. */
void play_add(struct play *, const char *format, ...) PRINTF_LIKE(2, 3);
/* The numbers and times that words stand for. */
MUST_USE bool play_read_number(struct play *, const struct scenario_step *, size_t word,
                               unsigned most, unsigned *out);

/* "192.0.2.1" as the network says it: "192.0.2.1:53".  Returns 'text'. */
const char *play_address(const char *word, char text[128]);

typedef bool play_fn(struct play *, const struct scenario_step *);
/* Opens the stage, or puts changed documents into service. */
play_fn play_settle;

play_fn play_promise, play_upstreams, play_config, play_config_text, play_document, play_remove,
    play_attach, play_detach;
play_fn play_client_asks, play_client_sends, play_client_gets, play_client_waits;
play_fn play_upstream_is_asked, play_upstream_is_probed, play_upstreams_are_asked,
    play_upstreams_become, play_upstream_says, play_upstream_closes, play_upstream_has,
    play_nobody_is_asked, play_nobody_is_probed, play_ignore;

/* What is left at the end of a scenario. */
MUST_USE bool play_clients_are_done(struct play *);
MUST_USE bool play_upstreams_are_done(struct play *);

#endif
