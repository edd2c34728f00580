/* SPDX-License-Identifier: MIT */
/* White-box: one stream's bytes, moved through a plain pipe whose other end the test holds. No child anywhere. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child/capture.h"
#include "child/transfer.h"

/* ---- Memory that can be made to run out ---- */

static int allocations_left = -1; /* -1 = as many as there are */

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    return __real_realloc(old, size);
}
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return allocations_left == 0 ? NULL : __real_malloc(size);
}

static int memory_is_back(void **state)
{
    (void)state;
    allocations_left = -1;
    return 0;
}

/* ---- A capture, filled from a sequence whose byte n tells n ---- */

static char byte_at(uint64_t position)
{
    return (char)(position * 7 % 251);
}

static void fill(struct capture *capture, uint64_t from, uint64_t count, size_t portion)
{
    for (uint64_t done = 0; done < count;) {
        size_t room;
        char *place = proc__capture_room(capture, &room);
        assert_true(room > 0);
        size_t part = room < portion ? room : portion;
        if (part > count - done)
            part = (size_t)(count - done);
        for (size_t i = 0; i < part; i++)
            place[i] = byte_at(from + done + i);
        proc__capture_add(capture, part);
        done += part;
    }
}

static void assert_holds(struct capture *capture, uint64_t from, size_t count)
{
    size_t len;
    char *data = proc__capture_take(capture, &len);
    assert_int_equal(len, count);
    assert_int_equal(data[len], '\0');
    for (size_t i = 0; i < len; i++) {
        if (data[i] != byte_at(from + i))
            fail_msg("byte %zu of %zu is wrong", i, len);
    }
    proc__capture_free(data);
}

static void keeps_the_first_or_the_last_bytes_whatever_the_sizes(void **state)
{
    (void)state;
    static const size_t limits[] = {1, 10, 4095, 4096, 4097, 65535, 65536, 65537, 100000, 300000};
    static const size_t totals[] = {0, 1, 9, 10, 11, 4096, 65536, 65537, 131072, 131073, 299999, 1000003};
    static const size_t portions[] = {997, 65536};
    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        for (size_t t = 0; t < sizeof totals / sizeof totals[0]; t++) {
            for (size_t p = 0; p < 4; p++) {
                int tail = p & 1;
                size_t total = totals[t], kept = total < limits[l] ? total : limits[l];
                struct capture capture;
                proc__capture_init(&capture, limits[l], tail);
                fill(&capture, 0, total, portions[p / 2]);
                assert_int_equal(capture.error, 0);
                assert_holds(&capture, tail ? total - kept : 0, kept);
            }
        }
    }
}

static void an_empty_capture_is_an_empty_text_that_needs_no_memory(void **state)
{
    (void)state;
    struct capture capture;
    size_t len = 5;
    proc__capture_init(&capture, 0, 0);
    char *data = proc__capture_take(&capture, &len);
    assert_int_equal(len, 0);
    assert_string_equal(data, "");
    assert_ptr_equal(data, proc__capture_nothing());
    proc__capture_free(data);
    proc__capture_free(NULL);
}

static void a_limit_beyond_all_memory_is_no_limit(void **state)
{
    (void)state;
    for (int tail = 0; tail < 2; tail++) {
        struct capture capture;
        proc__capture_init(&capture, SIZE_MAX, tail);
        fill(&capture, 0, 100000, 65536);
        assert_holds(&capture, 0, 100000);
    }
}

static void without_memory_the_head_keeps_what_it_has_and_takes_the_rest_away(void **state)
{
    (void)state;
    struct capture capture;
    proc__capture_init(&capture, 1 << 20, 0);
    allocations_left = 2;
    fill(&capture, 0, 500000, 65536);
    allocations_left = -1;
    assert_int_equal(capture.error, -ENOMEM);
    fill(&capture, 500000, 500000, 65536);
    assert_holds(&capture, 0, 8192);
}

static void without_memory_the_tail_keeps_the_last_bytes_that_fit(void **state)
{
    (void)state;
    struct capture capture;
    proc__capture_init(&capture, 1 << 20, 1);
    allocations_left = 2;
    fill(&capture, 0, 500000, 65536);
    allocations_left = -1;
    assert_int_equal(capture.error, -ENOMEM);
    fill(&capture, 500000, 500001, 65536);
    assert_holds(&capture, 1000001 - 8192, 8192);
}

static void without_any_memory_bytes_are_still_taken_away(void **state)
{
    (void)state;
    for (int tail = 0; tail < 2; tail++) {
        struct capture capture;
        proc__capture_init(&capture, 0, tail);
        allocations_left = 0;
        fill(&capture, 0, 100000, 65536);
        allocations_left = -1;
        assert_int_equal(capture.error, -ENOMEM);
        assert_holds(&capture, 0, 0);
    }
}

/* ---- Transfers over a pipe ---- */

struct line {
    int ours, other; /* our end of the pipe, and the one that stands for the child's */
};

static struct line lay(int from_child)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    return from_child ? (struct line){ends[0], ends[1]} : (struct line){ends[1], ends[0]};
}

static void hang_up(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void remove_line(struct line *line)
{
    hang_up(&line->ours);
    hang_up(&line->other);
}

static void child_says(struct line *line, const char *text)
{
    assert_int_equal(write(line->other, text, strlen(text)), (ssize_t)strlen(text));
}

/* All that the stand-in for the child can read now. */
static char *child_hears(struct line *line)
{
    static char heard[1 << 17];
    size_t len = 0;
    ssize_t got;
    while (len < sizeof heard - 1 && (got = read(line->other, heard + len, sizeof heard - 1 - len)) > 0)
        len += (size_t)got;
    heard[len] = '\0';
    return heard;
}

static int move_until_it_stops(struct transfer *transfer, struct line *line, int number)
{
    int moved;
    while ((moved = proc__transfer_move(transfer, line->ours, number)) == TRANSFER_MOVED)
        ;
    return moved;
}

static struct transfer transfer_of(proc_stdio entry)
{
    struct transfer transfer;
    proc__transfer_init(&transfer, &entry);
    assert_true(proc__transfer_is_ours(&transfer));
    return transfer;
}

static void pipes_and_files_are_not_moved(void **state)
{
    (void)state;
    struct transfer transfer;
    proc__transfer_init(&transfer, &PROC_PIPE);
    assert_false(proc__transfer_is_ours(&transfer));
    proc__transfer_init(&transfer, &PROC_PATH("/dev/null"));
    assert_false(proc__transfer_is_ours(&transfer));
    proc__transfer_done(&transfer);
}

static void feeds_a_text_up_to_its_end_at_once(void **state)
{
    (void)state;
    struct line line = lay(0);
    struct transfer transfer = transfer_of(PROC_TEXT("hello grep\n"));
    assert_int_equal(proc__transfer_move(&transfer, line.ours, 0), TRANSFER_ENDED);
    assert_string_equal(child_hears(&line), "hello grep\n");
    assert_int_equal(transfer.total, 11);
    assert_int_equal(transfer.cut | transfer.error, 0);
    proc__transfer_done(&transfer);
    remove_line(&line);
}

static void feeding_nothing_ends_at_once(void **state)
{
    (void)state;
    struct line line = lay(0);
    struct transfer nothing = transfer_of(PROC_BYTES(NULL, 0)), empty = transfer_of(PROC_TEXT(""));
    assert_int_equal(proc__transfer_move(&nothing, line.ours, 0), TRANSFER_ENDED);
    assert_int_equal(proc__transfer_move(&empty, line.ours, 0), TRANSFER_ENDED);
    assert_int_equal(nothing.cut | empty.cut, 0);
    remove_line(&line);
}

static void feeding_waits_for_a_full_pipe_and_goes_on(void **state)
{
    (void)state;
    struct line line = lay(0);
    size_t size = 1000000, heard = 0;
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)('a' + i % 23);
    struct transfer transfer = transfer_of(PROC_BYTES(data, size));
    int rounds = 0;
    while (move_until_it_stops(&transfer, &line, 0) == TRANSFER_WAITS) {
        char *part = child_hears(&line);
        assert_memory_equal(part, data + heard, strlen(part));
        heard += strlen(part);
        rounds++;
    }
    heard += strlen(child_hears(&line));
    assert_int_equal(heard, size);
    assert_int_equal(transfer.total, size);
    assert_true(rounds > 5);
    free(data);
    remove_line(&line);
}

static void a_reader_that_leaves_cuts_the_feed_without_an_error_or_a_signal(void **state)
{
    (void)state;
    struct line line = lay(0);
    struct transfer transfer = transfer_of(PROC_TEXT("nobody reads this"));
    hang_up(&line.other);
    assert_int_equal(proc__transfer_move(&transfer, line.ours, 0), TRANSFER_ENDED);
    assert_int_equal(transfer.cut, 1);
    assert_int_equal(transfer.error, 0);
    remove_line(&line);
}

/* ---- Supplying functions ---- */

struct supplier {
    int64_t answers[8];
    int asked, number;
    size_t given;
};

static int64_t supply(int fd, char *buffer, size_t size, void *user)
{
    struct supplier *supplier = user;
    supplier->number = fd;
    int64_t answer = supplier->answers[supplier->asked++];
    for (int64_t i = 0; i < answer && i < (int64_t)size; i++)
        buffer[i] = byte_at(supplier->given++);
    return answer;
}

static void a_supply_is_asked_until_it_has_no_more(void **state)
{
    (void)state;
    struct line line = lay(0);
    struct supplier supplier = {.answers = {5, 60000, 60000, 60000, 1, 0}};
    struct transfer transfer = transfer_of(PROC_SUPPLY(supply, &supplier));
    size_t heard = 0;
    int moved;
    do {
        static char part[1 << 16];
        moved = move_until_it_stops(&transfer, &line, 7);
        ssize_t got;
        while ((got = read(line.other, part, sizeof part)) > 0) {
            for (ssize_t i = 0; i < got; i++)
                assert_int_equal(part[i], byte_at(heard + (size_t)i));
            heard += (size_t)got;
        }
    } while (moved == TRANSFER_WAITS);
    assert_int_equal(heard, 180006);
    assert_int_equal(supplier.asked, 6);
    assert_int_equal(supplier.number, 7);
    assert_int_equal(transfer.error | transfer.cut, 0);
    proc__transfer_done(&transfer);
    remove_line(&line);
}

static void a_supply_that_fails_or_lies_ends_with_an_error(void **state)
{
    (void)state;
    static const struct {
        int64_t answer;
        int error;
    } cases[] = {{-EIO, -EIO}, {1 << 30, -EINVAL}, {INT64_MAX, -EINVAL}, {INT64_MIN, -EINVAL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct line line = lay(0);
        struct supplier supplier = {.answers = {cases[i].answer}};
        struct transfer transfer = transfer_of(PROC_SUPPLY(supply, &supplier));
        assert_int_equal(proc__transfer_move(&transfer, line.ours, 0), TRANSFER_ENDED);
        assert_rc(transfer.error, cases[i].error);
        proc__transfer_done(&transfer);
        remove_line(&line);
    }
}

/* ---- Taking functions ---- */

struct listener {
    char text[4096]; /* every delivery in brackets, the end of file as "." */
    size_t bytes;
    int ends, number, refuse_after, deliveries;
};

static int listen_to(int fd, const char *data, size_t len, void *user)
{
    struct listener *listener = user;
    listener->number = fd;
    listener->bytes += len;
    listener->ends += len == 0;
    listener->deliveries++;
    size_t used = strlen(listener->text);
    if (len == 0)
        snprintf(listener->text + used, sizeof listener->text - used, ".");
    else
        snprintf(listener->text + used, sizeof listener->text - used, "[%.*s]", (int)len, data);
    return listener->refuse_after && listener->deliveries >= listener->refuse_after ? -ECANCELED : 0;
}

static void chunks_go_to_the_function_and_the_end_is_told_once(void **state)
{
    (void)state;
    struct line line = lay(1);
    struct listener listener = {.text = ""};
    struct transfer transfer = transfer_of(PROC_CALLBACK(listen_to, &listener));
    child_says(&line, "one");
    assert_int_equal(move_until_it_stops(&transfer, &line, 5), TRANSFER_WAITS);
    child_says(&line, "two\nthree");
    hang_up(&line.other);
    assert_int_equal(move_until_it_stops(&transfer, &line, 5), TRANSFER_ENDED);
    assert_string_equal(listener.text, "[one][two\nthree].");
    assert_int_equal(listener.number, 5);
    assert_int_equal(transfer.total, 12);
    proc__transfer_done(&transfer);
    remove_line(&line);
}

static void a_function_that_refuses_ends_the_stream_and_hears_no_more(void **state)
{
    (void)state;
    const proc_stdio entries[] = {PROC_CALLBACK(listen_to, NULL), PROC_LINES(listen_to, NULL)};
    for (int i = 0; i < 2; i++) {
        struct line line = lay(1);
        struct listener listener = {.refuse_after = 1};
        proc_stdio entry = entries[i];
        entry.user = &listener;
        struct transfer transfer = transfer_of(entry);
        child_says(&line, "no\nmore\nof this");
        hang_up(&line.other);
        assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_ENDED);
        assert_rc(transfer.error, -ECANCELED);
        assert_string_equal(listener.text, i == 0 ? "[no\nmore\nof this]" : "[no\n]");
        proc__transfer_done(&transfer);
        remove_line(&line);
    }
}

static void lines_come_whole_however_they_were_written(void **state)
{
    (void)state;
    struct line line = lay(1);
    struct listener listener = {.text = ""};
    struct transfer transfer = transfer_of(PROC_LINES(listen_to, &listener));
    static const char *const pieces[] = {"a", "b\n\nc", "\n", "d\ne", "f"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        child_says(&line, pieces[i]);
        assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_WAITS);
    }
    hang_up(&line.other);
    assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_ENDED);
    assert_string_equal(listener.text, "[ab\n][\n][c\n][d\n][ef].");
    proc__transfer_done(&transfer);
    remove_line(&line);
}

static void a_line_beyond_the_longest_comes_in_pieces(void **state)
{
    (void)state;
    struct line line = lay(1);
    struct listener listener = {.text = ""};
    proc_stdio entry = PROC_LINES(listen_to, &listener);
    entry.size = 4;
    struct transfer transfer = transfer_of(entry);
    child_says(&line, "abc\nabcd\nabcdefghij\nxy");
    hang_up(&line.other);
    assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_ENDED);
    assert_string_equal(listener.text, "[abc\n][abcd][\n][abcd][efgh][ij\n][xy].");
    proc__transfer_done(&transfer);
    remove_line(&line);
}

/* What a stream of that many bytes and a newline comes to, moved as the child writes it. */
static struct listener hear_a_long_line(size_t longest, size_t size, int *ret_error)
{
    struct line line = lay(1);
    struct listener listener = {.text = ""};
    proc_stdio entry = PROC_LINES(listen_to, &listener);
    entry.size = longest;
    struct transfer transfer = transfer_of(entry);
    static char block[4096];
    memset(block, 'x', sizeof block);
    for (size_t done = 0; done < size; done += sizeof block) {
        assert_int_equal(write(line.other, block, sizeof block), sizeof block);
        assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_WAITS);
    }
    child_says(&line, "\n");
    hang_up(&line.other);
    assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_ENDED);
    assert_int_equal(listener.bytes, size + 1);
    *ret_error = transfer.error;
    proc__transfer_done(&transfer);
    remove_line(&line);
    return listener;
}

static void a_long_line_comes_whole_when_it_is_asked_for(void **state)
{
    (void)state;
    int error;
    struct listener listener = hear_a_long_line(1 << 20, 1 << 19, &error);
    assert_int_equal(listener.deliveries, 2);
    assert_int_equal(error, 0);
}

static void without_memory_a_long_line_comes_in_pieces_and_with_an_error(void **state)
{
    (void)state;
    int error;
    allocations_left = 1;
    struct listener listener = hear_a_long_line(1 << 20, 1 << 19, &error);
    assert_true(listener.deliveries > 2);
    assert_rc(error, -ENOMEM);
}

static void without_any_memory_a_function_is_not_called_and_the_stream_ends(void **state)
{
    (void)state;
    struct listener listener = {.text = ""};
    const proc_stdio entries[] = {PROC_CALLBACK(listen_to, &listener), PROC_LINES(listen_to, &listener)};
    for (int i = 0; i < 2; i++) {
        struct line line = lay(1);
        struct transfer transfer = transfer_of(entries[i]);
        child_says(&line, "lost");
        allocations_left = 0;
        assert_int_equal(proc__transfer_move(&transfer, line.ours, 1), TRANSFER_ENDED);
        allocations_left = -1;
        assert_rc(transfer.error, -ENOMEM);
        assert_string_equal(listener.text, "");
        proc__transfer_done(&transfer);
        remove_line(&line);
    }
}

/* ---- Capturing, and leaving ---- */

static void a_capture_counts_what_it_does_not_keep(void **state)
{
    (void)state;
    struct line line = lay(1);
    struct transfer transfer = transfer_of(PROC_CAPTURE_TAIL(3));
    child_says(&line, "abcdefgh");
    hang_up(&line.other);
    assert_int_equal(move_until_it_stops(&transfer, &line, 2), TRANSFER_ENDED);
    proc_output output = proc__transfer_take(&transfer, 2);
    assert_string_equal(output.data, "fgh");
    assert_int_equal(output.len, 3);
    assert_int_equal(output.total, 8);
    assert_int_equal(output.truncated, 1);
    assert_int_equal(output.fd, 2);
    assert_int_equal(output.open | output.error, 0);
    proc_output_done(&output);
    assert_string_equal(output.data, "");
    proc__transfer_done(&transfer);
    remove_line(&line);
}

static void what_a_pipe_holds_is_due_and_no_more(void **state)
{
    (void)state;
    struct line line = lay(1);
    struct transfer transfer = transfer_of(PROC_CAPTURE);
    assert_false(proc__transfer_is_due(&transfer));
    child_says(&line, "abc");
    proc__transfer_note_due(&transfer, line.ours);
    assert_true(proc__transfer_is_due(&transfer));
    assert_int_equal(proc__transfer_move(&transfer, line.ours, 1), TRANSFER_MOVED);
    assert_false(proc__transfer_is_due(&transfer));
    child_says(&line, "later");
    assert_false(proc__transfer_is_due(&transfer));
    proc__transfer_done(&transfer);
    remove_line(&line);
}

static void leaving_delivers_the_unfinished_line_but_tells_no_end(void **state)
{
    (void)state;
    struct line line = lay(1);
    struct listener listener = {.text = ""};
    struct transfer transfer = transfer_of(PROC_LINES(listen_to, &listener));
    child_says(&line, "whole\npart");
    assert_int_equal(move_until_it_stops(&transfer, &line, 1), TRANSFER_WAITS);
    proc__transfer_leave(&transfer, 1, 1);
    assert_string_equal(listener.text, "[whole\n][part]");
    assert_int_equal(transfer.left, 1);
    proc__transfer_done(&transfer);
    remove_line(&line);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_first_or_the_last_bytes_whatever_the_sizes),
        cmocka_unit_test(an_empty_capture_is_an_empty_text_that_needs_no_memory),
        cmocka_unit_test(a_limit_beyond_all_memory_is_no_limit),
        cmocka_unit_test_teardown(without_memory_the_head_keeps_what_it_has_and_takes_the_rest_away, memory_is_back),
        cmocka_unit_test_teardown(without_memory_the_tail_keeps_the_last_bytes_that_fit, memory_is_back),
        cmocka_unit_test_teardown(without_any_memory_bytes_are_still_taken_away, memory_is_back),
        cmocka_unit_test(pipes_and_files_are_not_moved),
        cmocka_unit_test(feeds_a_text_up_to_its_end_at_once),
        cmocka_unit_test(feeding_nothing_ends_at_once),
        cmocka_unit_test(feeding_waits_for_a_full_pipe_and_goes_on),
        cmocka_unit_test(a_reader_that_leaves_cuts_the_feed_without_an_error_or_a_signal),
        cmocka_unit_test(a_supply_is_asked_until_it_has_no_more),
        cmocka_unit_test(a_supply_that_fails_or_lies_ends_with_an_error),
        cmocka_unit_test(chunks_go_to_the_function_and_the_end_is_told_once),
        cmocka_unit_test(a_function_that_refuses_ends_the_stream_and_hears_no_more),
        cmocka_unit_test(lines_come_whole_however_they_were_written),
        cmocka_unit_test(a_line_beyond_the_longest_comes_in_pieces),
        cmocka_unit_test(a_long_line_comes_whole_when_it_is_asked_for),
        cmocka_unit_test_teardown(without_memory_a_long_line_comes_in_pieces_and_with_an_error, memory_is_back),
        cmocka_unit_test_teardown(without_any_memory_a_function_is_not_called_and_the_stream_ends, memory_is_back),
        cmocka_unit_test(a_capture_counts_what_it_does_not_keep),
        cmocka_unit_test(what_a_pipe_holds_is_due_and_no_more),
        cmocka_unit_test(leaving_delivers_the_unfinished_line_but_tells_no_end),
    };
    return run_suite("transfer", tests, sizeof tests / sizeof tests[0], argc, argv);
}
