/* SPDX-License-Identifier: MIT */
/*
 * The snippets of the manual: the headers show what stands between two markers of one name. Compiled with the library
 * and run as a test; what is outside the markers sets the scene and checks the outcome.
 */
#include "snippet.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

/* A child that does what the shell is told. */
static proc_child *shell(const char *script, const proc_options *options)
{
    proc_child *child = NULL;
    CHECK(proc_spawn(&child, PROC_ARGV("sh", "-c", script), options) == 0);
    return child;
}

static void version(void)
{
    //! [version]
    if (proc_version() < 100)
        fputs("libproc 0.1.0 or newer is needed\n", stderr);
    //! [version]
    CHECK(proc_version() == 10000 * PROC_VERSION_MAJOR + 100 * PROC_VERSION_MINOR + PROC_VERSION_PATCH);
}

static void step_name(void)
{
    //! [step_name]
    proc_error error;
    proc_child *child = NULL;
    if (proc_spawn(&child, PROC_ARGV("ls"), PROC_OPTIONS(.cwd = "/nope", .error = &error)) < 0)
        fprintf(stderr, "failed at %s: %s\n", proc_step_name(error.step), error.text);
    //! [step_name]
    CHECK(child == NULL && error.step == PROC_STEP_CWD && error.code == ENOENT);
}

static void exit_ok(void)
{
    proc_child *child = shell("exit 3", NULL);
    int failures = 0;
    //! [exit_ok]
    proc_exit ended;
    if (proc_wait(child, -1, &ended) == 0 && !proc_exit_ok(&ended))
        failures++;
    //! [exit_ok]
    CHECK(failures == 1 && ended.kind == PROC_EXITED && ended.code == 3);
    proc_child_free(child);
}

static int exit_shell(proc_child *child)
{
    //! [exit_shell]
    proc_exit ended;
    int rc = proc_wait(child, -1, &ended);
    return rc < 0 ? 255 : proc_exit_shell(&ended);
    //! [exit_shell]
}

static void exit_text(void)
{
    proc_child *child = shell("kill -KILL $$", NULL);
    char text[64] = "";
    //! [exit_text]
    proc_exit ended;
    if (proc_wait(child, -1, &ended) == 0) {
        proc_exit_text(&ended, text, sizeof text);
        printf("sh: %s\n", text); /* "sh: killed by SIGKILL" */
    }
    //! [exit_text]
    CHECK(strcmp(text, "killed by SIGKILL") == 0 && exit_shell(child) == 128 + SIGKILL);
    proc_child_free(child);
}

static void has(void)
{
    //! [has]
    if (proc_has(PROC_FEATURE_EXIT_INFO) != 1)
        fputs("note: a status that somebody else takes will be lost\n", stderr);
    //! [has]
    CHECK(proc_has(PROC_FEATURE_EXIT_INFO) >= 0 && proc_has(0) == -EINVAL);
}

static void now(void)
{
    //! [now]
    int64_t started = proc_now_ms();
    /* ... */
    printf("took %" PRId64 " ms\n", proc_now_ms() - started);
    //! [now]
}

static void spawn(void)
{
    //! [spawn]
    proc_error error;
    proc_child *child;
    int rc = proc_spawn(&child, PROC_ARGV("sort", "-u"),
                        PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .cwd = "/", .env_edit = PROC_ENV("LC_ALL=C"),
                                     .error = &error));
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text);
    //! [spawn]
    CHECK(rc == 0);
    proc_child_free(child);
}

static void child_pid(void)
{
    proc_child *child = shell("read line", PROC_OPTIONS(.in = PROC_PIPE));
    //! [child_pid]
    printf("started as %d\n", proc_child_pid(child));
    //! [child_pid]
    CHECK(proc_child_pid(child) > 0 && proc_child_pid(NULL) == -EINVAL);
    proc_child_free(child);
}

static void child_fd(void)
{
    proc_child *child = shell("exit 0", NULL);
    //! [child_fd]
    struct pollfd watched = {.fd = proc_child_fd(child), .events = POLLIN};
    if (poll(&watched, 1, 2000) == 1)
        puts("it has ended; proc_wait() tells how");
    //! [child_fd]
    CHECK(proc_wait(child, 0, NULL) == 0);
    proc_child_free(child);
}

static void child_stream(void)
{
    proc_child *child = shell("echo ready", PROC_OPTIONS(.out = PROC_PIPE));
    //! [child_stream]
    struct pollfd watched = {.fd = proc_child_stream(child, 1), .events = POLLIN};
    if (poll(&watched, 1, 2000) == 1)
        puts("proc_read() will not have to wait");
    //! [child_stream]
    CHECK(watched.revents & POLLIN);
    proc_child_free(child);
}

static void take_stream(void)
{
    proc_child *child = shell("echo kept", PROC_OPTIONS(.out = PROC_PIPE));
    char buffer[16];
    CHECK(proc_wait(child, -1, NULL) == 0);
    //! [take_stream]
    int fd = proc_child_take_stream(child, 1);
    child = proc_child_free(child);
    ssize_t got = read(fd, buffer, sizeof buffer); /* the pipe outlives the handle */
    close(fd);
    //! [take_stream]
    CHECK(got == 5 && memcmp(buffer, "kept\n", 5) == 0);
}

static void usage(void)
{
    proc_child *child = shell("exit 0", NULL);
    //! [usage]
    proc_usage usage;
    if (proc_wait(child, -1, NULL) == 0 && proc_child_usage(child, &usage) == 0)
        printf("%" PRId64 " us of processor time\n", usage.user_us + usage.system_us);
    //! [usage]
    CHECK(proc_child_usage(child, &usage) == 0);
    proc_child_free(child);
}

static void reading(void)
{
    proc_child *child = shell("echo one; echo two", PROC_OPTIONS(.out = PROC_PIPE));
    int64_t total = 0;
    //! [read]
    char buffer[4096];
    int64_t got;
    while ((got = proc_read(child, 1, buffer, sizeof buffer, 2000)) > 0)
        total += got;
    if (got < 0)
        fprintf(stderr, "reading: %s\n", strerror((int)-got)); /* -ETIMEDOUT: silent for two seconds */
    //! [read]
    CHECK(got == 0 && total == 8);
    proc_child_free(child);
}

static void writing(void)
{
    proc_child *child = shell("exit 0", PROC_OPTIONS(.in = PROC_PIPE));
    CHECK(proc_wait(child, -1, NULL) == 0);
    //! [write]
    const char *line = "hello\n";
    int64_t done = proc_write(child, 0, line, strlen(line), 2000);
    if (done == -EPIPE)
        fputs("it does not read any more\n", stderr); /* and no SIGPIPE was raised */
    //! [write]
    CHECK(done == -EPIPE);
    proc_child_free(child);
}

static void closing(void)
{
    proc_child *child = shell("cat >/dev/null; exit 4", PROC_OPTIONS(.in = PROC_PIPE));
    //! [close]
    proc_exit ended;
    proc_close(child, 0); /* cat sees the end of its input */
    int rc = proc_wait(child, 2000, &ended);
    //! [close]
    CHECK(rc == 0 && ended.code == 4);
    proc_child_free(child);
}

static void waiting(void)
{
    proc_child *child = shell("read line; exit 7", PROC_OPTIONS(.in = PROC_PIPE));
    //! [wait]
    proc_exit ended;
    int rc = proc_wait(child, 50, &ended);
    if (rc == -ETIMEDOUT) {
        proc_close(child, 0); /* it waits for input: there is none */
        rc = proc_wait(child, -1, &ended);
    }
    //! [wait]
    CHECK(rc == 0 && ended.kind == PROC_EXITED && ended.code == 7);
    proc_child_free(child);
}

static void wait_any(void)
{
    proc_child *slow = shell("read line", PROC_OPTIONS(.in = PROC_PIPE)), *quick = shell("exit 0", NULL);
    //! [wait_any]
    proc_child *children[] = {slow, quick};
    size_t first;
    proc_exit ended = {0};
    if (proc_wait_any(children, 2, 2000, &first) == 0)
        proc_wait(children[first], 0, &ended);
    //! [wait_any]
    CHECK(first == 1 && proc_exit_ok(&ended));
    proc_child_free(slow);
    proc_child_free(quick);
}

static void killing(void)
{
    proc_child *child = shell("sleep 60 & wait", PROC_OPTIONS(.flags = PROC_NEW_GROUP));
    //! [kill]
    int rc = proc_kill(child, SIGTERM, PROC_GROUP); /* started with PROC_NEW_GROUP: the shell and its sleep */
    if (rc == -ESRCH)
        puts("it had ended before");
    //! [kill]
    proc_exit ended;
    CHECK(rc == 0 && proc_wait(child, -1, &ended) == 0 && ended.kind == PROC_SIGNALED && ended.code == SIGTERM);
    proc_child_free(child);
}

static void reach(void)
{
    //! [reach]
    proc_child *child;
    proc_reach reach;
    int rc = proc_spawn(&child, PROC_ARGV("sh", "-c", "sleep 60 | sleep 60"), NULL);
    if (rc == 0) {
        rc = proc_kill(child, SIGKILL, PROC_TREE);
        proc_child_reach(child, &reach);
        printf("rung %d, %d killed, %d left%s\n", (int)reach.rung, (int)reach.signaled, (int)reach.left,
               reach.proven_empty ? ", and that is certain" : "");
        child = proc_child_free(child);
    }
    //! [reach]
    CHECK(rc == 0);
}

static void stop(void)
{
    //! [stop]
    proc_child *child;
    proc_exit ended;
    int rc = proc_spawn(&child, PROC_ARGV("sleep", "60"),
                        PROC_OPTIONS(.stop = PROC_STOP_STEPS({SIGINT, PROC_ONE, 500}, {SIGKILL, PROC_ONE, 2000})));
    if (rc == 0) {
        rc = proc_stop(child, &ended); /* SIGINT, half a second for its end, SIGKILL */
        child = proc_child_free(child);
    }
    //! [stop]
    CHECK(rc == 0 && ended.kind == PROC_SIGNALED);
}

static void detach(void)
{
    proc_child *child = shell("exit 0", NULL);
    //! [detach]
    proc_detach(child);
    child = proc_child_free(child); /* it runs on */
    //! [detach]
    CHECK(child == NULL);
}

static void child_free(void)
{
    proc_child *child = shell("read line", PROC_OPTIONS(.in = PROC_PIPE));
    int pid = proc_child_pid(child);
    //! [child_free]
    child = proc_child_free(child); /* a child that still runs is killed and reaped */
    //! [child_free]
    CHECK(child == NULL && kill(pid, 0) < 0 && errno == ESRCH);
}

static void run(void)
{
    int matches = 0;
    //! [run]
    proc_error error;
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("grep", "-c", "hello"),
                      PROC_OPTIONS(.in = PROC_TEXT("hello grep\ngoodbye grep\n"), .out = PROC_CAPTURE,
                                   .timeout_ms = 2000, .error = &error));
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text);
    else if (proc_result_ok(&result))
        matches = (int)strtol(result.out.data, NULL, 10);
    proc_result_done(&result);
    //! [run]
    CHECK(rc == 0 && matches == 1);
}

static void result_ok(void)
{
    proc_result result;
    CHECK(proc_run(&result, PROC_ARGV("sh", "-c", "echo no such host >&2; exit 2"),
                   PROC_OPTIONS(.err = PROC_CAPTURE)) == 0);
    //! [result_ok]
    if (!proc_result_ok(&result))
        fprintf(stderr, "it said: %s", result.err.data);
    //! [result_ok]
    CHECK(strcmp(result.err.data, "no such host\n") == 0 && !proc_result_ok(&result));
    proc_result_done(&result);
}

static void result_text(void)
{
    proc_result result;
    CHECK(proc_run(&result, PROC_ARGV("sleep", "60"), PROC_OPTIONS(.timeout_ms = 50)) == 0);
    //! [result_text]
    char text[80];
    proc_result_text(&result, text, sizeof text);
    printf("sleep: %s\n", text); /* "sleep: timed out, killed by SIGTERM" */
    //! [result_text]
    CHECK(result.timed_out == 1 && strcmp(text, "timed out, killed by SIGTERM") == 0);
    proc_result_done(&result);
}

static void result_done(void)
{
    //! [result_done]
    proc_result result;
    if (proc_run(&result, PROC_ARGV("date"), PROC_OPTIONS(.out = PROC_CAPTURE)) == 0)
        printf("%s", result.out.data);
    proc_result_done(&result); /* right after a failed run, too */
    //! [result_done]
    CHECK(result.out.len == 0);
}

//! [output_take]
static int kernel_name(proc_output *ret_name)
{
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("uname", "-s"), PROC_OPTIONS(.out = PROC_CAPTURE));
    if (rc == 0)
        *ret_name = proc_output_take(&result.out); /* the caller ends it with proc_output_done() */
    proc_result_done(&result);
    return rc;
}
//! [output_take]

static void output_take(void)
{
    proc_output name;
    CHECK(kernel_name(&name) == 0 && strcmp(name.data, "Linux\n") == 0);
    proc_output_done(&name);
}

static void collect(void)
{
    //! [collect]
    proc_child *child;
    proc_result result = {0};
    int rc = proc_spawn(&child, PROC_ARGV("sort"), PROC_OPTIONS(.in = PROC_TEXT("pear\napple\n"), .out = PROC_CAPTURE));
    if (rc == 0) {
        /* ... something else, while it works ... */
        rc = proc_collect(child, -1, &result);
        child = proc_child_free(child);
    }
    //! [collect]
    CHECK(rc == 0 && strcmp(result.out.data, "apple\npear\n") == 0);
    proc_result_done(&result);
}

//! [pump]
static int count_bytes(int fd, const char *data, size_t len, void *user)
{
    (void)fd;
    (void)data;
    *(size_t *)user += len;
    return 0;
}

static int pump_all(proc_child *const children[], size_t count)
{
    int open;
    do
        open = proc_pump(children, count, -1); /* count_bytes() is called from here */
    while (open > 0);
    return open;
}
//! [pump]

static void pump(void)
{
    size_t bytes = 0;
    proc_child *children[2];
    for (int i = 0; i < 2; i++)
        children[i] = shell("echo hello", PROC_OPTIONS(.out = PROC_CALLBACK(count_bytes, &bytes)));
    CHECK(pump_all(children, 2) == 0 && bytes == 12);
    for (int i = 0; i < 2; i++)
        proc_child_free(children[i]);
}

static void pump_fd(void)
{
    size_t bytes = 0;
    proc_child *child = shell("echo hello", PROC_OPTIONS(.out = PROC_CALLBACK(count_bytes, &bytes)));
    int open = 1, running = 1;
    //! [pump_fd]
    struct pollfd watched[] = {{.fd = proc_pump_fd(child), .events = POLLIN},
                               {.fd = proc_child_fd(child), .events = POLLIN}};
    while ((open > 0 || running) && poll(watched, 2, -1) > 0) {
        if (watched[0].revents && (open = proc_pump(&child, 1, 0)) <= 0)
            watched[0].fd = -1; /* all is moved */
        if (watched[1].revents) {
            running = proc_wait(child, 0, NULL) != 0;
            watched[1].fd = -1;
        }
    }
    //! [pump_fd]
    CHECK(open == 0 && !running && bytes == 6);
    proc_child_free(child);
}

//! [on_data]
static int count_errors(int fd, const char *line, size_t len, void *user)
{
    int *errors = user;
    (void)fd;
    if (len > 0 && memmem(line, len, "error", 5)) /* len 0: the end of file */
        ++*errors;
    return 0;
}

static int count_errors_of(const char *const argv[], int *ret_errors)
{
    proc_result result;
    *ret_errors = 0;
    int rc = proc_run(&result, argv, PROC_OPTIONS(.err = PROC_LINES(count_errors, ret_errors)));
    proc_result_done(&result);
    return rc;
}
//! [on_data]

//! [on_space]
static int64_t count_down(int fd, char *buffer, size_t size, void *user)
{
    int *next = user;
    (void)fd;
    return *next == 0 ? 0 : snprintf(buffer, size, "%d\n", (*next)--);
}

static int sum_lines(proc_result *result, int from)
{
    return proc_run(result, PROC_ARGV("awk", "{ sum += $1 } END { print sum }"),
                    PROC_OPTIONS(.in = PROC_SUPPLY(count_down, &from), .out = PROC_CAPTURE));
}
//! [on_space]

static void callbacks(void)
{
    int errors;
    CHECK(count_errors_of(PROC_ARGV("sh", "-c", "echo fine >&2; echo error: no >&2"), &errors) == 0 && errors == 1);
    proc_result result;
    CHECK(sum_lines(&result, 10) == 0 && strcmp(result.out.data, "55\n") == 0);
    proc_result_done(&result);
}

/* Without pidfds, as in some sandboxes, there is nothing to show. */
static int can_start(void)
{
    proc_child *child = NULL;
    int rc = proc_spawn(&child, PROC_ARGV("true"), NULL);
    proc_child_free(child);
    return rc != -ENOSYS;
}

int main(void)
{
    if (!can_start()) {
        puts("nothing can be started here");
        return 77;
    }
    version();
    step_name();
    exit_ok();
    exit_text();
    has();
    now();
    spawn();
    child_pid();
    child_fd();
    child_stream();
    take_stream();
    usage();
    reading();
    writing();
    closing();
    waiting();
    wait_any();
    killing();
    reach();
    stop();
    detach();
    child_free();
    run();
    result_ok();
    result_text();
    result_done();
    output_take();
    collect();
    pump();
    pump_fd();
    callbacks();
    return 0;
}
