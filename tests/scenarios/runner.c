/* Runs scenarios: all of a file, or those whose name holds NAME.
 *
 * Each is played in a process of its own, so that what one breaks does not end the others; a single
 * one is played here, for debuggers.  Says what came of it in the Test Anything Protocol. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "play.h"

static int usage(void)
{
    fprintf(stderr, "usage: runner [-v] FILE [NAME]     plays the scenarios of a file, or those\n"
                    "                                   whose name holds NAME; -v tells each step\n"
                    "       runner --promises FILE...   which scenario stands for which promise\n");
    return 2;
}

static void complain(struct error_list *errors)
{
    char line[1024];

    for (size_t i = 0; i < errors->length; i++)
        fprintf(stderr, "%s\n", error_format(&errors->items[i], line, sizeof line));
    error_clear(errors);
}

static bool read_file(struct scenario_file *f, const char *path)
{
    struct error_list errors = {0};
    bool good = scenario_read(f, path, &errors);

    good = play_check(f, &f->before, &errors) && good;
    for (size_t i = 0; i < f->length; i++)
        good = play_check(f, &f->items[i].steps, &errors) && good;
    complain(&errors);
    return good;
}

/* Says 'text' as remarks of the protocol. */
static void remark(const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        printf("# %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static bool play_here(struct scenario_file *f, const struct scenario *s, bool verbose)
{
    char *story;
    bool good = play_scenario(f, s, verbose ? stdout : NULL, &story);

    if (!good)
        remark(story);
    free(story);
    return good;
}

static bool play_apart(struct scenario_file *f, const struct scenario *s, bool verbose)
{
    int status;

    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return false;
    }
    if (child == 0) {
        bool good = play_here(f, s, verbose);
        scenario_close(f);
        exit(good ? 0 : 1);
    }
    if (waitpid(child, &status, 0) != child)
        return false;
    if (WIFSIGNALED(status))
        printf("# ended by signal %d: %s\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) > 1)
        printf("# ended with status %d\n", WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int play_file(const char *path, const char *name, bool verbose)
{
    struct scenario_file f;
    size_t wanted = 0, number = 0, failed = 0;

    if (!read_file(&f, path)) {
        scenario_close(&f);
        return 2;
    }
    for (size_t i = 0; i < f.length; i++)
        wanted += name == NULL || strstr(f.items[i].name, name) != NULL;
    printf("1..%zu\n", wanted);
    for (size_t i = 0; i < f.length; i++) {
        const struct scenario *s = &f.items[i];
        if (name != NULL && strstr(s->name, name) == NULL)
            continue;
        if (verbose)
            printf("# %s:%u: %s\n", path, s->line, s->name);
        bool good = wanted == 1 ? play_here(&f, s, verbose) : play_apart(&f, s, verbose);
        printf("%s %zu - %s\n", good ? "ok" : "not ok", ++number, s->name);
        failed += !good;
    }
    if (failed > 0)
        printf("# step by step: %s -v '%s' NAME\n", program_invocation_name, path);
    scenario_close(&f);
    if (wanted == 0)
        fprintf(stderr, "%s: no scenario's name holds '%s'\n", path, name);
    return failed > 0 || wanted == 0;
}

static void list_promises(const struct scenario_steps *steps, const char *path, const char *name)
{
    for (size_t i = 0; i < steps->length; i++) {
        const struct scenario_step *step = &steps->items[i];
        if (strcmp(step->words[0].text, "promise") != 0)
            continue;
        for (size_t w = 1; w < step->length; w++)
            printf("%s%s", w > 1 ? " " : "", step->words[w].text);
        printf("\t%s\t%s\n", path, name);
    }
}

static int list_files(int count, char **paths)
{
    struct scenario_file f;
    bool good = true;

    for (int i = 0; i < count; i++) {
        if (read_file(&f, paths[i])) {
            list_promises(&f.before, paths[i], "(all)");
            for (size_t n = 0; n < f.length; n++)
                list_promises(&f.items[n].steps, paths[i], f.items[n].name);
        } else {
            good = false;
        }
        scenario_close(&f);
    }
    return good ? 0 : 2;
}

int main(int argc, char **argv)
{
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;

    if (argc > 2 && strcmp(argv[1], "--promises") == 0)
        return list_files(argc - 2, argv + 2);
    argc -= verbose;
    argv += verbose;
    if (argc < 2 || argc > 3 || argv[1][0] == '-')
        return usage();
    return play_file(argv[1], argc == 3 ? argv[2] : NULL, verbose);
}
