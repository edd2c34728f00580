/* SPDX-License-Identifier: MIT */
/* Failures and ends in words: one line that names step and thing, and an end that is decoded and told as it was. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/base.h>

#include "base/error.h"
#include "base/exit.h"

/* ---- Errors ---- */

static proc_error rendered(const char *verb, const char *thing, int step, int code, int index, const char *argument)
{
    struct failure failure;
    proc_error error;
    memset(&error, 0x55, sizeof error);
    assert_rc(proc__fail(&failure, step, code, index, argument), -code);
    proc__error_render(&error, verb, thing, &failure);
    return error;
}

static void an_error_names_the_step_and_the_thing(void **state)
{
    (void)state;
    proc_error error = rendered("spawn", "grep", PROC_STEP_CWD, ENOENT, -1, "/nope");
    assert_string_equal(error.text, "spawn \"grep\": chdir \"/nope\": No such file or directory");
    assert_int_equal(error.step, PROC_STEP_CWD);
    assert_int_equal(error.code, ENOENT);
    assert_int_equal(error.index, -1);
    assert_int_equal(error.changed, 0);

    error = rendered("spawn", "grep", PROC_STEP_FDS, EBADF, 7, NULL);
    assert_string_equal(error.text, "spawn \"grep\": descriptor 7: Bad file descriptor");
    error = rendered("run", NULL, PROC_STEP_MEMORY, ENOMEM, -1, NULL);
    assert_string_equal(error.text, "run: memory: Cannot allocate memory");
}

static void nobody_who_wants_no_error_gets_one(void **state)
{
    (void)state;
    struct failure failure = {.code = EIO};
    proc__error_render(NULL, "spawn", "x", &failure);
}

static void names_are_escaped_so_that_a_line_stays_a_line(void **state)
{
    (void)state;
    proc_error error = rendered("spawn", "a\nb\t\"\\\x7f", PROC_STEP_EXEC, EACCES, 0, "\x1b[31m");
    assert_string_equal(error.text,
                        "spawn \"a\\x0ab\\x09\\x22\\x5c\\x7f\": exec \"\\x1b[31m\": Permission denied");
    error = rendered("spawn", "gr\xc3\xbcn", PROC_STEP_EXEC, EACCES, 0, NULL);
    assert_contains(error.text, "gr\xc3\xbcn");
}

static void long_names_are_cut_in_the_middle(void **state)
{
    char name[5000];
    (void)state;
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = (char)('a' + i % 26);
    name[sizeof name - 1] = '\0';
    memcpy(name, "HEAD", 4);
    memcpy(name + sizeof name - 5, "TAIL", 4);
    proc_error error = rendered("spawn", name, PROC_STEP_CWD, ENAMETOOLONG, -1, name);
    assert_contains(error.text, "\"HEAD");
    assert_contains(error.text, "...");
    assert_contains(error.text, "TAIL\"");
    assert_contains(error.text, ": File name too long");
}

static int is_one_line(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return 0;
    }
    return 1;
}

/* Names of every length around the cut, plain and escaped, with every reason there is. */
static void an_error_always_fits_and_keeps_its_reason(void **state)
{
    char name[200], reason[100];
    (void)state;
    for (int code = 1; code < 134; code++) {
        for (size_t len = 0; len < 160; len += code == 1 ? 1 : 31) {
            for (int plain = 0; plain < 2; plain++) {
                memset(name, plain ? 'x' : '\n', len);
                name[len] = '\0';
                proc_error error = rendered("pipeline", name, PROC_STEP_GROUP, code, 0, name);
                assert_non_null(memchr(error.text, '\0', sizeof error.text));
                assert_true(is_one_line(error.text));
                snprintf(reason, sizeof reason, ": %s", strerror(code));
                assert_contains(error.text, reason);
            }
        }
    }
}

/* A name of UTF-8 letters is not cut into halves of letters. */
static int is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc2 ? 1 : -1;
        if (more < 0)
            return 0;
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80)
                return 0;
        }
    }
    return 1;
}

static void a_cut_does_not_split_a_letter(void **state)
{
    char name[400] = "";
    (void)state;
    for (int i = 0; i < 60; i++)
        strcat(name, "\xe2\x82\xac"); /* the euro sign */
    for (int shift = 0; shift < 3; shift++) {
        proc_error error = rendered("spawn", name, PROC_STEP_EXEC, ENOENT, -1, NULL);
        assert_true(is_utf8(error.text));
        strcat(name, "x");
        memmove(name + 1, name, strlen(name) + 1);
        name[0] = 'x';
    }
}

static void every_step_has_a_word(void **state)
{
    static const int steps[] = {
        PROC_STEP_NONE,  PROC_STEP_OPTIONS, PROC_STEP_MEMORY, PROC_STEP_SEARCH, PROC_STEP_OPEN,   PROC_STEP_PIPE,
        PROC_STEP_CLONE, PROC_STEP_SESSION, PROC_STEP_GROUP,  PROC_STEP_CWD,    PROC_STEP_FDS,    PROC_STEP_GROUPS,
        PROC_STEP_GID,   PROC_STEP_UID,     PROC_STEP_CLOSE,  PROC_STEP_SIGNALS, PROC_STEP_EXEC,
        PROC_STEP_CGROUP, PROC_STEP_RLIMIT, PROC_STEP_NICE,   PROC_STEP_SCHEDULER, PROC_STEP_CPUS,
        PROC_STEP_IO_PRIORITY, PROC_STEP_OOM_SCORE,
        PROC_STEP_NAMESPACE, PROC_STEP_ID_MAP, PROC_STEP_MOUNT, PROC_STEP_HOSTNAME, PROC_STEP_NETWORK,
        PROC_STEP_WRITE, PROC_STEP_LOCK,    PROC_STEP_INSPECT, PROC_STEP_FORK,  PROC_STEP_READY};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_string_not_equal(proc_step_name(steps[i]), "unknown step");
        assert_true(proc_step_name(steps[i])[0] != '\0');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(proc_step_name(steps[i]), proc_step_name(steps[k]));
    }
    assert_string_equal(proc_step_name(-1), "unknown step");
    assert_string_equal(proc_step_name(INT_MAX), "unknown step");
    assert_string_equal(proc_step_name(PROC_STEP_CWD), "chdir");
}

static void a_text_is_cut_as_snprintf_does(void **state)
{
    char text[8] = "xxxxxxx";
    (void)state;
    assert_int_equal(proc__text_out("twelve bytes", text, 4), 12);
    assert_string_equal(text, "twe");
    assert_int_equal(proc__text_out("twelve bytes", NULL, 0), 12);
}

/* ---- Ends ---- */

static void check_end(proc_exit end, const char *text, int shell, int ok)
{
    char said[80];
    assert_int_equal(proc_exit_text(&end, said, sizeof said), strlen(text));
    assert_string_equal(said, text);
    assert_int_equal(proc_exit_shell(&end), shell);
    assert_int_equal(proc_exit_ok(&end), ok);
}

static void ends_are_put_into_words(void **state)
{
    (void)state;
    check_end((proc_exit){.kind = PROC_EXITED, .code = 0}, "exited with 0", 0, 1);
    check_end((proc_exit){.kind = PROC_EXITED, .code = 137}, "exited with 137", 137, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = SIGKILL}, "killed by SIGKILL", 137, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = SIGSEGV, .core = 1}, "killed by SIGSEGV (core dumped)", 139, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = SIGRTMIN + 6}, "killed by SIGRTMIN+6", 128 + SIGRTMIN + 6, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = 32}, "killed by signal 32", 160, 0);
    check_end((proc_exit){.kind = PROC_RUNNING}, "still running", 255, 0);
    check_end((proc_exit){.kind = PROC_EXITED_UNREAPED}, "ended, not reaped yet", 255, 0);
    check_end((proc_exit){.kind = PROC_LOST}, "ended, status lost", 255, 0);
}

static void what_is_no_end_is_refused(void **state)
{
    char text[8] = "same";
    const proc_exit strange = {.kind = 77}, good = {.kind = PROC_EXITED};
    (void)state;
    assert_rc(proc_exit_text(NULL, text, sizeof text), -EINVAL);
    assert_rc(proc_exit_text(&strange, text, sizeof text), -EINVAL);
    assert_rc(proc_exit_text(&good, NULL, 5), -EINVAL);
    assert_string_equal(text, "same");
    assert_int_equal(proc_exit_shell(NULL), 255);
    assert_int_equal(proc_exit_ok(NULL), 0);
    assert_int_equal(proc_exit_text(&good, NULL, 0), strlen("exited with 0"));
}

/* The kernel's two ways of telling are asked of real children. */
static void check_decoding(const char *verb, const char *argument, int kind, int code)
{
    siginfo_t info = {0};
    struct outside ran;
    pid_t pid = fork();
    if (pid == 0) {
        execl(CHILD, CHILD, verb, argument, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    proc_exit end = proc__exit_from_siginfo(info.si_code, info.si_status);
    assert_int_equal(end.kind, kind);
    assert_int_equal(end.code, code);
    ran = outside_run((const char *[]){CHILD, verb, argument, NULL});
    end = proc__exit_from_status(ran.status);
    assert_int_equal(end.kind, kind);
    assert_int_equal(end.code, code);
    assert_int_equal(end.core, 0);
    outside_done(&ran);
}

static void an_end_is_decoded_from_both_tales_of_the_kernel(void **state)
{
    (void)state;
    check_decoding("exit", "0", PROC_EXITED, 0);
    check_decoding("exit", "255", PROC_EXITED, 255);
    check_decoding("kill", "15", PROC_SIGNALED, SIGTERM);
    check_decoding("kill", "9", PROC_SIGNALED, SIGKILL);
    check_decoding("kill", "64", PROC_SIGNALED, 64);
    proc_exit dumped = proc__exit_from_siginfo(CLD_DUMPED, SIGABRT);
    assert_true(dumped.kind == PROC_SIGNALED && dumped.core == 1 && dumped.code == SIGABRT);
    dumped = proc__exit_from_status(SIGABRT | 0x80);
    assert_true(dumped.kind == PROC_SIGNALED && dumped.core == 1 && dumped.code == SIGABRT);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_names_the_step_and_the_thing),
        cmocka_unit_test(nobody_who_wants_no_error_gets_one),
        cmocka_unit_test(names_are_escaped_so_that_a_line_stays_a_line),
        cmocka_unit_test(long_names_are_cut_in_the_middle),
        cmocka_unit_test(an_error_always_fits_and_keeps_its_reason),
        cmocka_unit_test(a_cut_does_not_split_a_letter),
        cmocka_unit_test(every_step_has_a_word),
        cmocka_unit_test(a_text_is_cut_as_snprintf_does),
        cmocka_unit_test(ends_are_put_into_words),
        cmocka_unit_test(what_is_no_end_is_refused),
        cmocka_unit_test(an_end_is_decoded_from_both_tales_of_the_kernel),
    };
    return run_suite("error", tests, sizeof tests / sizeof tests[0], argc, argv);
}
