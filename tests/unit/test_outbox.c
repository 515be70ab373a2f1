/* Datagrams that leave together: over socket pairs, whose other ends see what left, and when. */
#include "outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"

#define PEERS 3

struct post {
    struct outbox *box;
    int ours[PEERS], theirs[PEERS];
    int broken; /* no socket at all */
};

static int open_post(void **state)
{
    struct post *p = alloc_array(1, sizeof *p);

    p->box = alloc_array(1, sizeof *p->box);
    for (size_t i = 0; i < PEERS; i++) {
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
        p->ours[i] = ends[0];
        p->theirs[i] = ends[1];
    }
    p->broken = open("/dev/null", O_RDWR | O_CLOEXEC);
    *state = p;
    return 0;
}

static int close_post(void **state)
{
    struct post *p = *state;

    for (size_t i = 0; i < PEERS; i++) {
        close(p->ours[i]);
        close(p->theirs[i]);
    }
    close(p->broken);
    free(p->box);
    free(p);
    return 0;
}

/* The notes of a sender are its number. */
static void *sender(struct post *p, size_t number)
{
    return &p->ours[number];
}

static bool put(struct post *p, size_t number, int fd, const char *text)
{
    return outbox_put(p->box, sender(p, number), fd, (const uint8_t *)text, strlen(text));
}

/* What came to that peer next; "" = nothing. */
static const char *come(const struct post *p, size_t number)
{
    static char text[OUTBOX_SIZE + 1];
    ssize_t size = recv(p->theirs[number], text, OUTBOX_SIZE, 0);

    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void they_leave_together_and_in_order(void **state)
{
    struct post *p = *state;
    struct outbox_letter letter;

    for (size_t i = 0; i < PEERS; i++)
        assert_true(put(p, i, p->ours[i], "first"));
    assert_true(put(p, 0, p->ours[0], "second"));
    assert_string_equal(come(p, 0), "");
    outbox_send(p->box);
    for (size_t i = 0; i < PEERS; i++)
        assert_string_equal(come(p, i), "first");
    assert_string_equal(come(p, 0), "second");
    assert_string_equal(come(p, 0), "");
    assert_false(outbox_take_unsent(p->box, &letter));
    outbox_send(p->box);
    assert_string_equal(come(p, 0), "");
}

/* Written where they leave from; and into the last place, when there is no room but for writing. */
static void written_where_they_are_sent_from(void **state)
{
    struct post *p = *state;
    uint8_t *room = outbox_room(p->box);
    char text[8];

    for (unsigned n = 0; n < OUTBOX_LENGTH; n++) {
        assert_ptr_equal(room, outbox_room(p->box));
        assert_false(outbox_is_full(p->box));
        int size = snprintf((char *)room, OUTBOX_SIZE, "%u", n);
        room = outbox_seal(p->box, sender(p, 0), p->ours[0], (size_t)size);
    }
    assert_true(outbox_is_full(p->box));
    memcpy(room, "last", 4);
    assert_true(outbox_put(p->box, sender(p, 0), p->ours[0], room, 4));
    outbox_send(p->box);
    for (unsigned n = 0; n < OUTBOX_LENGTH; n++) {
        snprintf(text, sizeof text, "%u", n);
        assert_string_equal(come(p, 0), text);
    }
    assert_string_equal(come(p, 0), "last");
    assert_string_equal(come(p, 0), "");
}

static void the_longest_fits(void **state)
{
    struct post *p = *state;
    uint8_t octets[OUTBOX_SIZE], came[OUTBOX_SIZE + 1];

    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 7);
    assert_true(outbox_put(p->box, p, p->ours[0], octets, sizeof octets));
    assert_true(put(p, 0, p->ours[0], ""));
    outbox_send(p->box);
    assert_int_equal(recv(p->theirs[0], came, sizeof came, 0), sizeof octets);
    assert_memory_equal(came, octets, sizeof octets);
    assert_int_equal(recv(p->theirs[0], came, sizeof came, 0), 0);
}

/* Nobody has to send them: one more sends all before it. */
static void a_full_box_is_sent(void **state)
{
    struct post *p = *state;

    for (size_t i = 0; i < OUTBOX_LENGTH; i++)
        assert_true(put(p, 0, p->ours[i % PEERS], "x"));
    assert_string_equal(come(p, 0), "");
    assert_true(put(p, 0, p->ours[0], "last"));
    for (size_t i = 0; i < OUTBOX_LENGTH; i++)
        assert_string_equal(come(p, i % PEERS), "x");
    assert_string_equal(come(p, 0), "");
    outbox_send(p->box);
    assert_string_equal(come(p, 0), "last");
}

static void what_was_not_sent_is_told_once(void **state)
{
    struct post *p = *state;
    struct outbox_letter letter;

    assert_true(put(p, 0, p->broken, "a"));
    assert_true(put(p, 1, p->ours[1], "b"));
    assert_true(put(p, 2, p->broken, "c"));
    outbox_send(p->box);
    assert_true(put(p, 1, p->ours[1], "d"));
    assert_string_equal(come(p, 1), "b");
    assert_true(outbox_take_unsent(p->box, &letter));
    assert_ptr_equal(letter.from, sender(p, 0));
    assert_int_equal(letter.error, ENOTSOCK);
    assert_int_equal(letter.size, 1);
    assert_int_equal(letter.octets[0], 'a');
    assert_true(outbox_take_unsent(p->box, &letter));
    assert_ptr_equal(letter.from, sender(p, 2));
    assert_int_equal(letter.octets[0], 'c');
    assert_false(outbox_take_unsent(p->box, &letter));
    outbox_send(p->box);
    assert_string_equal(come(p, 1), "d");
    assert_false(outbox_take_unsent(p->box, &letter));
}

static void no_room_for_more_than_can_be_told(void **state)
{
    struct post *p = *state;
    struct outbox_letter letter;
    size_t told = 0;

    for (size_t i = 0; i < OUTBOX_LENGTH; i++)
        assert_true(put(p, 0, p->broken, "x"));
    errno = 0;
    assert_false(put(p, 1, p->ours[1], "y"));
    assert_int_equal(errno, ENOTSOCK);
    assert_false(put(p, 1, p->ours[1], "y"));
    while (outbox_take_unsent(p->box, &letter))
        told++;
    assert_int_equal(told, OUTBOX_LENGTH);
    assert_true(put(p, 1, p->ours[1], "y"));
    outbox_send(p->box);
    assert_string_equal(come(p, 1), "y");
}

static void forgotten_ones_do_not_leave(void **state)
{
    struct post *p = *state;
    struct outbox_letter letter;

    assert_true(put(p, 0, p->broken, "a"));
    assert_true(put(p, 1, p->broken, "b"));
    outbox_send(p->box); /* both failed */
    assert_true(put(p, 0, p->ours[0], "c"));
    assert_true(put(p, 1, p->ours[1], "d"));
    assert_true(put(p, 0, p->ours[0], "e"));
    outbox_forget(p->box, sender(p, 0));
    outbox_forget(p->box, sender(p, 2));
    outbox_send(p->box);
    assert_string_equal(come(p, 0), "");
    assert_string_equal(come(p, 1), "d");
    assert_true(outbox_take_unsent(p->box, &letter));
    assert_ptr_equal(letter.from, sender(p, 1));
    assert_int_equal(letter.octets[0], 'b');
    assert_false(outbox_take_unsent(p->box, &letter));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_leave_together_and_in_order, open_post, close_post),
        cmocka_unit_test_setup_teardown(written_where_they_are_sent_from, open_post, close_post),
        cmocka_unit_test_setup_teardown(the_longest_fits, open_post, close_post),
        cmocka_unit_test_setup_teardown(a_full_box_is_sent, open_post, close_post),
        cmocka_unit_test_setup_teardown(what_was_not_sent_is_told_once, open_post, close_post),
        cmocka_unit_test_setup_teardown(no_room_for_more_than_can_be_told, open_post, close_post),
        cmocka_unit_test_setup_teardown(forgotten_ones_do_not_leave, open_post, close_post),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
