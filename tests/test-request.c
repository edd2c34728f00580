/* SPDX-License-Identifier: MIT */
/* What a request must not say: refused by name before anything is made, and the sizes that structs may have. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <proc/proc.h>

#define ARGV PROC_ARGV("x")
/* The one text of a refusal; none may be so long that it is cut. */
#define assert_refused(options, code, what) check_refused((options), (code), -1, (what), __LINE__)
#define assert_entry_refused(options, code, number, what) check_refused((options), (code), (number), (what), __LINE__)

static void check_refused(const proc_options *options, int code, int index, const char *what, int line)
{
    char place[40] = "", text[300], reason[64];
    if (index >= 0)
        snprintf(place, sizeof place, " for descriptor %d", index);
    snprintf(reason, sizeof reason, "%s", strerror(code));
    snprintf(text, sizeof text, "spawn \"x\": options \"%s\"%s: %s", what, place, reason);
    assert_null(strstr(text, "..."));
    check_fails(ARGV, options, -code, PROC_STEP_OPTIONS, index, text, __FILE__, line);
}

/* ---- The call ---- */

static void a_call_without_a_handle_or_a_program_is_refused(void **state)
{
    static const char *const empty[] = {NULL};
    proc_child *child;
    proc_error error;
    (void)state;
    assert_rc(proc_spawn(NULL, ARGV, NULL), -EINVAL);
    assert_rc(proc_spawn(&child, NULL, PROC_OPTIONS(.error = &error)), -EINVAL);
    assert_string_equal(error.text, "spawn: options \"argv is empty\": Invalid argument");
    assert_rc(proc_spawn(&child, empty, PROC_OPTIONS(.error = &error)), -EINVAL);
    assert_string_equal(error.text, "spawn: options \"argv is empty\": Invalid argument");
    assert_rc(proc_spawn(&child, empty, NULL), -EINVAL);
}

static int do_nothing(void *user)
{
    (void)user;
    return 0;
}

/* Whoever prints the text of a failed call must not print what happened to be there. */
static void a_missing_argument_is_told_in_words_too(void **state)
{
    (void)state;
    proc_error error;
    proc_child *child = NULL;
    proc_result result;
    const proc_request requests[] = {{ARGV, NULL}, {NULL, NULL}};
    const proc_options *options = PROC_OPTIONS(.error = &error);
#define assert_told(call, what)                                               \
    do {                                                                      \
        memset(&error, 'x', sizeof error);                                    \
        assert_rc(call, -EINVAL);                                             \
        assert_int_equal(error.step, PROC_STEP_OPTIONS);                      \
        assert_int_equal(error.code, EINVAL);                                 \
        assert_string_equal(error.text, what " is NULL\": Invalid argument"); \
    } while (0)
    assert_told(proc_spawn(NULL, ARGV, options), "spawn: options \"child");
    assert_told(proc_fork(NULL, do_nothing, NULL, options), "fork: options \"child");
    assert_told(proc_fork(&child, NULL, NULL, options), "fork: options \"run");
    assert_told(proc_run(NULL, ARGV, options), "run: options \"result");
    assert_told(proc_spawn_pipeline(NULL, requests, options), "pipeline: options \"children");
    assert_told(proc_spawn_pipeline(&child, NULL, options), "pipeline: options \"requests");
    assert_told(proc_pipeline(NULL, requests, options), "pipeline: options \"result");
    assert_told(proc_pipeline(&result, NULL, options), "pipeline: options \"requests");
    assert_told(proc_which(NULL, options, NULL, 0), "which: options \"program");
    assert_told(proc_which("sh", options, NULL, 8), "which: options \"ret_path");
    assert_null(child);
}

static void what_is_for_a_run_is_refused_in_a_start(void **state)
{
    (void)state;
    assert_refused(PROC_OPTIONS(.timeout_ms = 1), EINVAL, ".timeout_ms is for proc_run and proc_pipeline: give it to the wait");
    assert_refused(PROC_OPTIONS(.timeout_ms = -2), EINVAL, ".timeout_ms is below -1");
}

/* ---- Sizes ---- */

/* Options as a caller of another version would have them. */
struct sized {
    proc_options options;
    char tail[64];
};

static void a_shorter_struct_is_an_older_caller(void **state)
{
    struct sized sized;
    proc_child *child;
    (void)state;
    memset(&sized, 0x55, sizeof sized); /* what lies behind is not looked at */
    sized.options.size = sizeof(size_t);
    assert_rc(proc_spawn(&child, CHILD_DOES("exit", "4"), &sized.options), 0);
    assert_ends(child, PROC_EXITED, 4);
    proc_child_free(child);

    memset(&sized, 0x55, sizeof sized);
    memset(&sized.options, 0, offsetof(proc_options, program));
    sized.options.size = offsetof(proc_options, program);
    sized.options.out.kind = PROC_STDIO_PIPE;
    assert_rc(proc_spawn(&child, CHILD_DOES("echo", "old"), &sized.options), 0);
    assert_string_equal(said(child), "old");
    proc_child_free(child);
}

static void a_longer_struct_of_zeros_is_a_newer_caller(void **state)
{
    struct sized sized;
    proc_child *child;
    (void)state;
    memset(&sized, 0, sizeof sized);
    sized.options.size = sizeof sized;
    assert_rc(proc_spawn(&child, CHILD_DOES("exit", "5"), &sized.options), 0);
    assert_ends(child, PROC_EXITED, 5);
    proc_child_free(child);
}

static void a_longer_struct_that_says_more_is_refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(((struct sized *)0)->tail); at += 21) {
        struct sized sized;
        proc_child *child;
        proc_error error;
        memset(&sized, 0, sizeof sized);
        sized.options.size = sizeof sized;
        sized.options.error = &error;
        sized.tail[at] = 1;
        assert_rc(proc_spawn(&child, ARGV, &sized.options), -E2BIG);
        assert_int_equal(error.step, PROC_STEP_OPTIONS);
    }
}

/* Was never set: what lies behind may not be memory. */
static void an_absurd_size_is_refused_unread(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
    proc_ids *ids = (proc_ids *)(void *)(pages + page - sizeof *ids);
    for (ids->size = SIZE_MAX; ids->size > 64 * 1024; ids->size /= 2)
        assert_refused(PROC_OPTIONS(.ids = ids), E2BIG, ".ids: more than this version knows");
    munmap(pages, 2 * page);
}

static void a_struct_without_a_size_is_refused(void **state)
{
    proc_child *child;
    proc_options options;
    (void)state;
    memset(&options, 0, sizeof options);
    for (options.size = 0; options.size < sizeof(size_t); options.size++)
        assert_rc(proc_spawn(&child, ARGV, &options), -EINVAL);
    const proc_start start = {0};
    const proc_transfer transfer = {0};
    const proc_ids ids = {0};
    const proc_dispositions signals = {0};
    const proc_scheduling scheduling = {0};
    const proc_limits limits = {0};
    const proc_terminal terminal = {0};
    assert_refused(PROC_OPTIONS(.terminal = &terminal), EINVAL, ".terminal: size is not set");
    assert_refused(PROC_OPTIONS(.start = &start), EINVAL, ".start: size is not set");
    assert_refused(PROC_OPTIONS(.transfer = &transfer), EINVAL, ".transfer: size is not set");
    assert_refused(PROC_OPTIONS(.ids = &ids), EINVAL, ".ids: size is not set");
    assert_refused(PROC_OPTIONS(.signals = &signals), EINVAL, ".signals: size is not set");
    assert_refused(PROC_OPTIONS(.scheduling = &scheduling), EINVAL, ".scheduling: size is not set");
    assert_refused(PROC_OPTIONS(.limits = &limits), EINVAL, ".limits: size is not set");
}

static void the_smaller_structs_have_the_same_rule(void **state)
{
    struct {
        proc_ids ids;
        uint64_t more;
    } longer = {.ids = {.size = sizeof longer}};
    proc_child *child;
    (void)state;
    assert_rc(proc_spawn(&child, CHILD_DOES("exit", "6"), PROC_OPTIONS(.ids = &longer.ids)), 0);
    assert_ends(child, PROC_EXITED, 6);
    proc_child_free(child);
    longer.more = 1;
    assert_refused(PROC_OPTIONS(.ids = &longer.ids), E2BIG, ".ids: more than this version knows");
    proc_dispositions shorter = {.size = offsetof(proc_dispositions, block), .block = UINT64_MAX};
    assert_rc(proc_spawn(&child, CHILD_DOES("exit", "6"), PROC_OPTIONS(.signals = &shorter)), 0);
    assert_ends(child, PROC_EXITED, 6);
    proc_child_free(child);
}

/* ---- What this version lacks ---- */

static void what_is_not_supported_is_refused_by_name(void **state)
{
    (void)state;
    for (uint32_t flag = 0x10; flag; flag <<= 1)
        if (flag != PROC_DIE_WITH_PARENT && flag != PROC_DETACH && flag != PROC_ORPHAN &&
            flag != PROC_SEARCH_RELATIVE && flag != PROC_SCRIPT_FALLBACK && flag != PROC_LISTEN_FDS)
            assert_refused(PROC_OPTIONS(.flags = flag), ENOTSUP, ".flags: one that this version lacks");
}

/* ---- Options ---- */

static void options_that_contradict_each_other_are_refused(void **state)
{
    const int group = 1, no_group = 0, no_fd = -1;
    (void)state;
    assert_refused(PROC_OPTIONS(.program = "x", .start = PROC_START(.candidates = PROC_NAMES("b"))), EINVAL,
                   ".program and .start->candidates exclude each other");
    assert_refused(PROC_OPTIONS(.start = PROC_START(.candidates = PROC_ENV_EMPTY)), EINVAL,
                   ".start->candidates is empty");
    assert_refused(PROC_OPTIONS(.start = PROC_START(.cwd_fd = &no_fd)), EINVAL, ".start->cwd_fd is negative");
    assert_refused(PROC_OPTIONS(.start = PROC_START(.group = &no_group)), EINVAL,
                   ".start->group is not a process group");
    for (uint32_t flag = PROC_NEW_SESSION; flag <= PROC_NEW_GROUP; flag <<= 1)
        assert_refused(PROC_OPTIONS(.flags = flag, .start = PROC_START(.group = &group)), EINVAL,
                       ".start->group excludes PROC_NEW_SESSION and PROC_NEW_GROUP");
    assert_refused(PROC_OPTIONS(.umask = PROC_MODE(01000)), EINVAL, ".umask is more than 0777");
    assert_refused(PROC_OPTIONS(.env_edit = PROC_ENV("A=1", "")), EINVAL, ".env_edit has an entry without a name");
    assert_refused(PROC_OPTIONS(.env_edit = PROC_ENV("=x")), EINVAL, ".env_edit has an entry without a name");
}

static void ids_that_make_no_sense_are_refused(void **state)
{
    const proc_groups without_items = {NULL, 1};
    (void)state;
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(1))), EINVAL, ".ids->uid without .gid");
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.gid = PROC_GID(UINT32_MAX))), EINVAL, ".ids: an id of -1");
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(UINT32_MAX), .gid = PROC_GID(1))), EINVAL,
                   ".ids: an id of -1");
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.groups = without_items)), EINVAL, ".ids->groups without .items");
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.groups = PROC_NO_GROUPS, .keep_groups = 1)), EINVAL,
                   ".ids->keep_groups with .groups");
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.keep_groups = 2)), EINVAL, ".ids: a member that must be 0");
    assert_refused(PROC_OPTIONS(.ids = PROC_IDS(.reserved = 1)), EINVAL, ".ids: a member that must be 0");
}

static void signals_that_cannot_be_so_are_refused(void **state)
{
    (void)state;
    for (const int *number = (const int[]){SIGKILL, SIGSTOP, 0}; *number; number++) {
        const uint64_t bit = PROC_SIGNAL(*number);
        assert_refused(PROC_OPTIONS(.signals = PROC_DISPOSITIONS(.block = bit)), EINVAL,
                       ".signals->block: SIGKILL and SIGSTOP cannot be blocked");
        assert_refused(PROC_OPTIONS(.signals = PROC_DISPOSITIONS(.ignore = bit)), EINVAL,
                       ".signals->ignore: SIGKILL and SIGSTOP cannot be ignored");
    }
    assert_refused(PROC_OPTIONS(.signals = PROC_DISPOSITIONS(.ignore = 6, .reset = 3)), EINVAL,
                   ".signals: ignored and reset at once");
}

static void transfers_and_stop_steps_that_make_no_sense_are_refused(void **state)
{
    const int no_fd = -1;
    (void)state;
    assert_refused(PROC_OPTIONS(.transfer = PROC_TRANSFER(.drain_ms = -2)), EINVAL, ".transfer->drain_ms is below -1");
    assert_refused(PROC_OPTIONS(.transfer = PROC_TRANSFER(.cancel_fd = &no_fd)), EINVAL,
                   ".transfer->cancel_fd is negative");
    assert_refused(PROC_OPTIONS(.transfer = PROC_TRANSFER(.reserved = 1)), EINVAL,
                   ".transfer: a member that must be 0");
    assert_refused(PROC_OPTIONS(.stop = {NULL, 1}), EINVAL, ".stop without .items");
    for (const int *number = (const int[]){-1, 65, 0}; *number; number++)
        assert_refused(PROC_OPTIONS(.stop = PROC_STOP_STEPS({*number, PROC_ONE, 0})), EINVAL, ".stop: no such signal");
    assert_refused(PROC_OPTIONS(.stop = PROC_STOP_STEPS({0, PROC_ONE, 0})), EINVAL, ".stop: no such signal");
    assert_refused(PROC_OPTIONS(.stop = PROC_STOP_STEPS({1, 7, 0})), EINVAL, ".stop: no such scope");
    assert_refused(PROC_OPTIONS(.stop = PROC_STOP_STEPS({1, PROC_ONE, 5}, {1, PROC_ONE, -2})), EINVAL,
                   ".stop: wait_ms is below -1");
    assert_refused(PROC_OPTIONS(.stop = PROC_STOP_STEPS({1, PROC_GROUP, 0})), EINVAL,
                   ".stop: PROC_GROUP without PROC_NEW_GROUP or PROC_NEW_SESSION");
}

/* ---- Entries ---- */

static int take(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data, (void)len, (void)user;
    return 0;
}

static int64_t give(int fd, char *buffer, size_t size, void *user)
{
    (void)fd, (void)buffer, (void)size, (void)user;
    return 0;
}

static void every_entry_says_just_what_its_kind_needs(void **state)
{
    static const char not_fd[] = "entry: .fd is not for this kind", flag[] = "entry: a flag that this kind lacks",
                      path[] = "entry: .path, .open_flags and .mode are not for this kind";
    static const char reads[] = "CALLBACK that the child reads needs on_space alone",
                      writes[] = "CALLBACK that the child writes needs on_data alone";
    static const struct {
        proc_stdio entry;
        int code;
        const char *what;
    } cases[] = {
        {{.kind = 12}, ENOTSUP, "entry: a kind that this version lacks"},
        {{.kind = -1}, ENOTSUP, "entry: a kind that this version lacks"},
        {{.kind = PROC_STDIO_PTY, .flags = 1}, ENOTSUP, flag},
        {{.kind = PROC_STDIO_SOCKET, .flags = 2}, ENOTSUP, flag},
        {{.kind = PROC_STDIO_PIPE, .flags = PROC_STDIO_ON_PTY}, ENOTSUP, flag},
        {{.kind = PROC_STDIO_BYTES, .flags = PROC_STDIO_ON_PTY}, ENOTSUP, flag},
        {{.kind = PROC_STDIO_NULL, .flags = PROC_STDIO_APPEND}, ENOTSUP, flag},
        {{.kind = PROC_STDIO_PIPE, .flags = 0x80}, ENOTSUP, flag},
        {{.kind = PROC_STDIO_PIPE, .flags = 3}, EINVAL, "entry: TO_CHILD and FROM_CHILD exclude each other"},
        {{.kind = PROC_STDIO_PIPE, .fd = 1}, EINVAL, not_fd},
        {{.fd = 1}, EINVAL, not_fd},
        {{.path = "/x"}, EINVAL, path},
        {{.kind = PROC_STDIO_FD, .mode = 1}, EINVAL, path},
        {{.kind = PROC_STDIO_FD, .fd = -1}, EINVAL, "FD: the descriptor is negative"},
        {{.kind = PROC_STDIO_SAME_AS, .fd = -1}, EINVAL, "SAME_AS: the number is negative"},
        {{.kind = PROC_STDIO_PATH}, EINVAL, "PATH without a path"},
        {{.kind = PROC_STDIO_PATH, .path = "/x", .open_flags = O_RDWR}, EINVAL, "PATH: open_flags without EXPLICIT"},
        {{.kind = PROC_STDIO_PATH, .path = "/x", .mode = 010000}, EINVAL, "PATH: no such mode"},
        {{.kind = PROC_STDIO_PATH, .path = "/x", .flags = 12}, EINVAL, "PATH: APPEND and EXPLICIT exclude each other"},
        {{.kind = PROC_STDIO_PIPE, .data = "x"}, EINVAL, "entry: .data is not for this kind"},
        {{.kind = PROC_STDIO_PIPE, .size = 1}, EINVAL, "entry: .size is not for this kind"},
        {{.kind = PROC_STDIO_BYTES, .size = 1}, EINVAL, "BYTES without data"},
        {{.kind = PROC_STDIO_CAPTURE, .on_data = take}, EINVAL, "entry: functions are not for this kind"},
        {{.kind = PROC_STDIO_NULL, .reserved0 = 1}, EINVAL, "entry: a reserved member is not 0"},
        {{.kind = PROC_STDIO_NULL, .reserved = {0, 1}}, EINVAL, "entry: a reserved member is not 0"},
        {{.kind = PROC_STDIO_CALLBACK}, EINVAL, writes},
        {{.kind = PROC_STDIO_CALLBACK, .on_data = take, .on_space = give}, EINVAL, writes},
        {{.kind = PROC_STDIO_CALLBACK, .flags = 1, .on_data = take}, EINVAL, reads},
        {{.kind = PROC_STDIO_CALLBACK, .flags = 0x41, .on_space = give},
         EINVAL,
         "CALLBACK: LINES and ON_PTY are for what the child writes"},
        {{.kind = PROC_STDIO_CALLBACK, .flags = 0x101, .on_space = give},
         EINVAL,
         "CALLBACK: LINES and ON_PTY are for what the child writes"},
        {{.kind = PROC_STDIO_CALLBACK, .on_data = take, .size = 5}, EINVAL, "CALLBACK: size is for LINES"},
        {{.kind = PROC_STDIO_CALLBACK, .flags = 0x21, .on_space = give},
         EINVAL,
         "CALLBACK: TEE is for what the child writes"},
        {{.kind = PROC_STDIO_CAPTURE, .fd = 1}, EINVAL, not_fd},
        {{.kind = PROC_STDIO_CAPTURE, .flags = PROC_STDIO_TEE, .fd = -1}, EINVAL, "TEE: the descriptor is negative"},
        {{.kind = PROC_STDIO_BYTES, .flags = PROC_STDIO_TEE}, ENOTSUP, flag},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const proc_slot slot = {7, cases[i].entry};
        assert_entry_refused(PROC_OPTIONS(.out = cases[i].entry), cases[i].code, 1, cases[i].what);
        assert_entry_refused(PROC_OPTIONS(.fds = {&slot, 1}), cases[i].code, 7, cases[i].what);
    }
}

static void bytes_go_to_an_input_and_what_is_captured_comes_from_an_output(void **state)
{
    static const char bytes[] = "BYTES are what the child reads, and this is for its output",
                      capture[] = "CAPTURE is of what the child writes, and this is its input";
    (void)state;
    assert_entry_refused(PROC_OPTIONS(.in = PROC_CAPTURE), EINVAL, 0, capture);
    assert_entry_refused(PROC_OPTIONS(.out = PROC_TEXT("x")), EINVAL, 1, bytes);
    assert_entry_refused(PROC_OPTIONS(.err = PROC_BYTES("x", 1)), EINVAL, 2, bytes);
}

static void slots_are_for_numbers_from_3_on(void **state)
{
    (void)state;
    for (int number = -1; number <= 2; number++) {
        const proc_slot slot = {number, PROC_NULL};
        assert_fails(ARGV, PROC_OPTIONS(.fds = {&slot, 1}), -EINVAL, PROC_STEP_OPTIONS, number, NULL);
    }
    assert_refused(PROC_OPTIONS(.fds = {NULL, 1}), EINVAL, ".fds without .items");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_without_a_handle_or_a_program_is_refused),
        cmocka_unit_test(a_missing_argument_is_told_in_words_too),
        cmocka_unit_test(what_is_for_a_run_is_refused_in_a_start),
        spawning_test(a_shorter_struct_is_an_older_caller),
        spawning_test(a_longer_struct_of_zeros_is_a_newer_caller),
        cmocka_unit_test(a_longer_struct_that_says_more_is_refused),
        cmocka_unit_test(a_struct_without_a_size_is_refused),
        cmocka_unit_test(an_absurd_size_is_refused_unread),
        spawning_test(the_smaller_structs_have_the_same_rule),
        cmocka_unit_test(what_is_not_supported_is_refused_by_name),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(ids_that_make_no_sense_are_refused),
        cmocka_unit_test(signals_that_cannot_be_so_are_refused),
        cmocka_unit_test(transfers_and_stop_steps_that_make_no_sense_are_refused),
        cmocka_unit_test(every_entry_says_just_what_its_kind_needs),
        cmocka_unit_test(bytes_go_to_an_input_and_what_is_captured_comes_from_an_output),
        cmocka_unit_test(slots_are_for_numbers_from_3_on),
    };
    return run_suite("request", tests, sizeof tests / sizeof tests[0], argc, argv);
}
