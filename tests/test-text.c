/* SPDX-License-Identifier: MIT */
/* What readers of the kernel's text share: escaping, ranges, words for signals, growing buffers. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/base.h>

#include "base/buffer.h"

/* ---- Escaping ---- */

#define assert_escaped(bytes, expected)                                                                     \
    do {                                                                                                    \
        char shown_[256];                                                                                   \
        assert_int_equal(proc_escape((bytes), sizeof(bytes) - 1, shown_, sizeof shown_), strlen(expected)); \
        assert_string_equal(shown_, (expected));                                                            \
    } while (0)

static void letters_of_all_scripts_are_shown_as_they_are(void **state)
{
    (void)state;
    assert_escaped("", "");
    assert_escaped("bash -l ~", "bash -l ~");
    assert_escaped("na\xc3\xafve \xe6\x97\xa5 \xf0\x9f\x90\xa7", "na\xc3\xafve \xe6\x97\xa5 \xf0\x9f\x90\xa7");
    assert_escaped("\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
                   "\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

static void what_a_terminal_obeys_is_shown_as_bytes(void **state)
{
    (void)state;
    assert_escaped("\x1b[31m\x07", "\\x1b[31m\\x07");
    assert_escaped("a\0b", "a\\x00b");
    assert_escaped("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f");
    assert_escaped("\\x41", "\\x5cx41");
    assert_escaped("\xc2\x9b"
                   "31m",
                   "\\xc2\\x9b31m");
    assert_escaped("\xe2\x80\xae"
                   "exe",
                   "\\xe2\\x80\\xaeexe");
    assert_escaped("\xe2\x81\xa6", "\\xe2\\x81\\xa6");
    assert_escaped("\xe2\x80\xa8", "\\xe2\\x80\\xa8");
}

static void what_is_no_letter_is_shown_as_bytes(void **state)
{
    (void)state;
    assert_escaped("\xff\xfe", "\\xff\\xfe");
    assert_escaped("\x80"
                   "a",
                   "\\x80a");
    assert_escaped("\xc3", "\\xc3");
    assert_escaped("\xc3(", "\\xc3(");
    assert_escaped("\xe2\x82", "\\xe2\\x82");
    assert_escaped("\xc0\xaf", "\\xc0\\xaf");
    assert_escaped("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");
    assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    assert_escaped("\xf0\x82\x82\xac", "\\xf0\\x82\\x82\\xac");
}

static void an_escape_and_a_letter_are_never_cut(void **state)
{
    (void)state;
    char shown[16];
    memset(shown, 'x', sizeof shown);
    assert_int_equal(proc_escape("a\x1b\xc3\xaf", 4, shown, 5), 7);
    assert_string_equal(shown, "a");
    assert_int_equal(proc_escape("a\x1b\xc3\xaf", 4, shown, 6), 7);
    assert_string_equal(shown, "a\\x1b");
    assert_int_equal(proc_escape("a\x1b\xc3\xaf", 4, shown, 7), 7);
    assert_string_equal(shown, "a\\x1b");
    assert_int_equal(proc_escape("a\x1b\xc3\xaf", 4, shown, 8), 7);
    assert_string_equal(shown, "a\\x1b\xc3\xaf");
    /* What follows the first piece that does not fit is left out too. */
    assert_int_equal(proc_escape("\x1b"
                                 "b",
                                 2, shown, 3),
                     5);
    assert_string_equal(shown, "");
    assert_int_equal(proc_escape("abc", 3, NULL, 0), 3);
    assert_int_equal(proc_escape(NULL, 0, shown, 1), 0);
    assert_rc(proc_escape(NULL, 1, shown, 1), -EINVAL);
    assert_rc(proc_escape("a", 1, NULL, 1), -EINVAL);
    /* Its length could not be told on a machine of 32 bits. */
    assert_rc(proc_escape("a", PTRDIFF_MAX / 4 + (size_t)1, NULL, 0), -EINVAL);
}

/* ---- Ranges ---- */

/* All ranges of a list as "first-last ", and what ended it. */
static int ranges_of(const char *list, char *ret_text, size_t size)
{
    proc_span rest = {list, strlen(list)};
    uint32_t first, last;
    size_t len = 0;
    int rc;
    ret_text[0] = '\0';
    while ((rc = proc_range_next(&rest, &first, &last)) == 1)
        len += (size_t)snprintf(ret_text + len, size - len, "%u-%u ", first, last);
    return rc;
}

static void a_list_is_read_range_by_range(void **state)
{
    (void)state;
    char text[128];
    assert_rc(ranges_of("0-3,8", text, sizeof text), 0);
    assert_string_equal(text, "0-3 8-8 ");
    assert_rc(ranges_of("", text, sizeof text), 0);
    assert_rc(ranges_of(" \n", text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_rc(ranges_of("7\n", text, sizeof text), 0);
    assert_string_equal(text, "7-7 ");
    assert_rc(ranges_of("0-4294967295", text, sizeof text), 0);
    assert_string_equal(text, "0-4294967295 ");
}

static void what_is_no_list_is_refused_where_it_stands(void **state)
{
    static const char *const wrong[] = {"x", "-1", "1-", "3-1", "1,", "1,,2", "1-2-3", "4294967296", "1;2", "1 2", ","};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[128];
        assert_rc(ranges_of(wrong[i], text, sizeof text), -EINVAL);
    }
    proc_span rest = {"5-x", 3};
    uint32_t first = 9, last = 9;
    assert_rc(proc_range_next(&rest, &first, &last), -EINVAL);
    assert_true(rest.len == 3 && first == 9 && last == 9);
    assert_rc(proc_range_next(NULL, &first, &last), -EINVAL);
    assert_rc(proc_range_next(&rest, NULL, &last), -EINVAL);
    rest = (proc_span){NULL, 0};
    assert_rc(proc_range_next(&rest, &first, &last), 0);
}

/* ---- Signals ---- */

static void signals_have_names(void **state)
{
    (void)state;
    char name[16];
    assert_int_equal(proc_signal_name(SIGTERM, name, sizeof name), 4);
    assert_string_equal(name, "TERM");
    proc_signal_name(SIGRTMIN, name, sizeof name);
    assert_string_equal(name, "RTMIN");
    proc_signal_name(SIGRTMIN + 3, name, sizeof name);
    assert_string_equal(name, "RTMIN+3");
    proc_signal_name(SIGRTMIN - 1, name, sizeof name);
    assert_int_equal(atoi(name), SIGRTMIN - 1);
    proc_signal_name(128, name, sizeof name);
    assert_string_equal(name, "128");
    assert_rc(proc_signal_name(0, name, sizeof name), -EINVAL);
    assert_rc(proc_signal_name(129, name, sizeof name), -EINVAL);
    for (int signal = 1; signal < SIGSYS; signal++)
        assert_true(proc_signal_name(signal, name, sizeof name) > 1 && name[0] > '9');
}

static void names_of_signals_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int number;
    } good[] = {{"TERM", SIGTERM}, {"SIGTERM", SIGTERM}, {"sigterm", SIGTERM}, {"15", 15}, {"1", 1},
                {"64", 64},        {"009", 9},           {"CLD", SIGCHLD},     {"SIGIOT", SIGABRT}, {"poll", SIGIO}};
    static const char *const bad[] = {"",         "SIG",     "0",         "65",        "99999999999999999999", "-1",
                                      "+1",       " 1",      "1 ",        "15x",       "TERMS",                "SIG15",
                                      "RTMIN+",   "RTMIN-1", "RTMAX+1",   "RTMIN+-1",  "RTMIN+31x",            "RTMIN+99",
                                      "RTMAX-31", "RTMIN ",  "SIGSIGHUP", "RTMIN+ 1", "RTMINX", "RTMAX-4294967295"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(proc_signal_number(good[i].name), good[i].number);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_rc(proc_signal_number(bad[i]), -EINVAL);
    assert_rc(proc_signal_number(NULL), -EINVAL);
    assert_int_equal(proc_signal_number("RTMIN"), SIGRTMIN);
    assert_int_equal(proc_signal_number("SIGRTMIN+3"), SIGRTMIN + 3);
    assert_int_equal(proc_signal_number("RTMAX"), SIGRTMAX);
    assert_int_equal(proc_signal_number("rtmax-1"), SIGRTMAX - 1);
    for (int signal = 1; signal <= 64; signal++) {
        char name[16];
        proc_signal_name(signal, name, sizeof name);
        assert_int_equal(proc_signal_number(name), signal);
    }
}

static void masks_are_put_into_words(void **state)
{
    (void)state;
    char words[64];
    const uint64_t mask[2] = {PROC_SIGNAL(SIGHUP) | PROC_SIGNAL(SIGINT), 1}, none[2] = {0, 0};
    assert_int_equal(proc_signal_mask_text(mask, words, sizeof words), 10);
    assert_string_equal(words, "HUP,INT,65");
    assert_int_equal(proc_signal_mask_text(mask, words, 5), 10);
    assert_string_equal(words, "HUP,");
    assert_int_equal(proc_signal_mask_text(none, words, sizeof words), 0);
    assert_string_equal(words, "");
    assert_rc(proc_signal_mask_text(NULL, words, sizeof words), -EINVAL);
    assert_int_equal(proc_signal_mask_has(mask, 65), 1);
    assert_int_equal(proc_signal_mask_has(mask, 0), 0);
    assert_int_equal(proc_signal_mask_has(mask, 129), 0);
    assert_int_equal(proc_signal_mask_has(NULL, 1), 0);
}

/* ---- Buffers ---- */

/* A pipe with these bytes in it and nobody who writes more. */
static int pipe_with(const char *bytes, size_t len)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, len), len);
    close(ends[1]);
    return ends[0];
}

static void a_buffer_grows_to_what_is_there(void **state)
{
    (void)state;
    static char bytes[40000];
    proc_buffer buffer = {0};
    memset(bytes, 'b', sizeof bytes);
    static const size_t sizes[] = {0, 1, 8190, 8191, 8192, 16383, 40000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int fd = pipe_with(bytes, sizes[i]);
        assert_rc(proc__buffer_fill(&buffer, fd, UNTIL_END), 0);
        close(fd);
        assert_int_equal(buffer.len, sizes[i]);
        assert_int_equal(buffer.truncated, 0);
        assert_true(buffer.capacity >= buffer.len);
        assert_int_equal(buffer.data[buffer.len], '\0');
        assert_memory_equal(buffer.data, bytes, sizes[i]);
    }
    proc_buffer_done(&buffer);
}

static void a_buffer_stops_at_its_limit_and_says_so(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 12; limit++) {
        proc_buffer buffer = {.limit = limit};
        int fd = pipe_with("0123456789", 10);
        assert_rc(proc__buffer_fill(&buffer, fd, UNTIL_END), 0);
        close(fd);
        assert_int_equal(buffer.len, limit < 10 ? limit : 10);
        assert_int_equal(buffer.truncated, limit < 10);
        proc_buffer_done(&buffer);
        assert_int_equal(buffer.limit, limit);
    }
}

static void a_read_that_fails_empties_the_buffer(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    int fd = pipe_with("abc", 3);
    assert_rc(proc__buffer_fill(&buffer, fd, ONE_RECORD), 0);
    close(fd);
    assert_rc(proc__buffer_fill(&buffer, -1, UNTIL_END), -EBADF);
    assert_int_equal(buffer.len, 0);
    assert_string_equal(buffer.data, "");
    proc_buffer_done(&buffer);
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(letters_of_all_scripts_are_shown_as_they_are),
        TEST(what_a_terminal_obeys_is_shown_as_bytes),
        TEST(what_is_no_letter_is_shown_as_bytes),
        TEST(an_escape_and_a_letter_are_never_cut),
        TEST(a_list_is_read_range_by_range),
        TEST(what_is_no_list_is_refused_where_it_stands),
        TEST(signals_have_names),
        TEST(names_of_signals_are_understood),
        TEST(masks_are_put_into_words),
        TEST(a_buffer_grows_to_what_is_there),
        TEST(a_buffer_stops_at_its_limit_and_says_so),
        TEST(a_read_that_fails_empties_the_buffer),
    };
    return run_suite("text", tests, sizeof tests / sizeof tests[0], argc, argv);
}
