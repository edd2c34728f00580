/* SPDX-License-Identifier: MIT */
/* The snippets of sandboxes, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

static int run_confined(const char *inbox)
{
    //! [sandbox]
    /* A converter of files from strangers: it may read all, write in one directory, and never open a connection. */
    const struct sock_filter no_sockets[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), /* a filter for the wild looks at .arch, too */
    };
    const proc_landlock_rule rules[] = {
        {.path = "/", .allow = PROC_LANDLOCK_FS_READ},
        {.path = inbox, .allow = PROC_LANDLOCK_FS_READ | PROC_LANDLOCK_FS_WRITE},
    };
    proc_error error;
    proc_result result;
    int rc =
        proc_run(&result, PROC_ARGV("sh", "-c", "echo text > here; echo text > ../there"),
                 PROC_OPTIONS(.cwd = inbox, .err = PROC_CAPTURE, .error = &error,
                              .sandbox = PROC_SANDBOX(.deny_fs = PROC_LANDLOCK_FS_ALL, .rules = {rules, 2},
                                                      .best_effort = 1, .seccomp = no_sockets, .seccomp_length = 4)));
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text);
    else if (!proc_result_ok(&result)) /* Permission denied: it may not write there */
        fprintf(stderr, "%.*s", (int)result.err.len, result.err.data);
    proc_result_done(&result);
    //! [sandbox]
    return rc;
}

static void sandbox(void)
{
    char top[] = "/tmp/snippet-XXXXXX", inbox[64], here[80], there[64];
    CHECK(mkdtemp(top));
    snprintf(inbox, sizeof inbox, "%s/inbox", top);
    snprintf(here, sizeof here, "%s/here", inbox);
    snprintf(there, sizeof there, "%s/there", top);
    CHECK(mkdir(inbox, 0700) == 0);
    int rc = run_confined(inbox);
    CHECK(rc < 0 || access(here, F_OK) == 0);
    CHECK(rc < 0 || proc_has(PROC_FEATURE_LANDLOCK) != 1 || access(there, F_OK) < 0);
    CHECK(rc == 0 || proc_has(PROC_FEATURE_SECCOMP) != 1 || proc_has(PROC_FEATURE_PIDFD) != 1);
    unlink(here);
    unlink(there);
    rmdir(inbox);
    rmdir(top);
}

int main(void)
{
    sandbox();
    return 0;
}
