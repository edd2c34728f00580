/* SPDX-License-Identifier: MIT */
/*
 * Runs a command while a PID file is locked: `flock_demo PATH [--flock|--fcntl|--ofd] [--wait SECONDS] -- COMMAND...`.
 * Exits as the command does; 1 if another one has the lock. `flock_demo --demo` shows in what the kinds differ.
 */
#define _GNU_SOURCE 1 /* F_OFD_SETLK, mkostemp */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <proc/proc.h>

enum { CONFLICT = 1, MISUSE = 2 };

/* ---- The kinds ---- */

static int try_kind(int fd, uint32_t kind)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (kind == PROC_LOCK_FLOCK)
        return flock(fd, LOCK_EX | LOCK_NB);
    return fcntl(fd, kind == PROC_LOCK_OFD ? F_OFD_SETLK : F_SETLK, &whole);
}

static const char *answer(int rc)
{
    return rc == 0 ? "granted" : "refused";
}

/* An OFD lock conflicts with a record lock, so it can tell from the same process whether that one is still there. */
static int demo(void)
{
    char path[] = "/tmp/flock_demo.XXXXXX";
    int first = mkostemp(path, O_CLOEXEC), second = open(path, O_RDWR | O_CLOEXEC);
    int third = open(path, O_RDWR | O_CLOEXEC), fourth = open(path, O_RDWR | O_CLOEXEC);
    if (first < 0 || second < 0 || third < 0 || fourth < 0)
        return perror("flock_demo"), CONFLICT;
    unlink(path);
    try_kind(first, PROC_LOCK_FLOCK);
    printf("flock, a second open in the same process: %s\n", answer(try_kind(second, PROC_LOCK_FLOCK)));
    printf("fcntl, while another open file has flock: %s\n", answer(try_kind(second, PROC_LOCK_FCNTL)));
    printf("fcntl, a second open in the same process: %s\n", answer(try_kind(third, PROC_LOCK_FCNTL)));
    printf("OFD, while the process has fcntl: %s\n", answer(try_kind(third, PROC_LOCK_OFD)));
    close(fourth);
    printf("OFD, once any descriptor of the file was closed: %s\n", answer(try_kind(third, PROC_LOCK_OFD)));
    printf("OFD, a second open in the same process: %s\n", answer(try_kind(second, PROC_LOCK_OFD)));
    return 0;
}

/* ---- A command under a lock ---- */

static int conflict(int rc, const proc_holder *holder, const proc_error *error)
{
    if (rc != -EAGAIN && rc != -ETIMEDOUT)
        fprintf(stderr, "flock_demo: %s\n", error->text);
    else if (holder->pid)
        fprintf(stderr, "locked by pid %d\n", holder->pid);
    else
        fprintf(stderr, "locked, by whom is unknown\n");
    return CONFLICT;
}

static int run_locked(const char *path, uint32_t kinds, int wait_ms, char *command[])
{
    proc_lock *lock;
    proc_result result;
    proc_holder holder;
    proc_error error;
    int rc = proc_lock_acquire(
        &lock, path, PROC_LOCK_OPTIONS(.flags = kinds, .timeout_ms = wait_ms, .ret_holder = &holder, .error = &error));
    if (rc < 0)
        return conflict(rc, &holder, &error);
    rc = proc_run(&result, PROC_STRINGS(command), PROC_OPTIONS(.error = &error));
    if (rc < 0)
        fprintf(stderr, "flock_demo: %s\n", error.text);
    int status = rc < 0 ? MISUSE : proc_exit_shell(&result.exit);
    proc_result_done(&result);
    proc_lock_free(lock);
    return status;
}

int main(int argc, char *argv[])
{
    uint32_t kinds = 0;
    int wait_ms = 0, i = 2;
    if (argc == 2 && strcmp(argv[1], "--demo") == 0)
        return demo();
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--flock") == 0)
            kinds = PROC_LOCK_FLOCK;
        else if (strcmp(argv[i], "--fcntl") == 0)
            kinds = PROC_LOCK_FCNTL;
        else if (strcmp(argv[i], "--ofd") == 0)
            kinds = PROC_LOCK_OFD;
        else if (strcmp(argv[i], "--wait") == 0 && i + 1 < argc && atof(argv[i + 1]) >= 0 && atof(argv[i + 1]) < 1e6)
            wait_ms = (int)(atof(argv[++i]) * 1000);
        else
            break;
    }
    if (i + 1 < argc && strcmp(argv[i], "--") == 0)
        return run_locked(argv[1], kinds, wait_ms, argv + i + 1);
    fprintf(stderr, "usage: flock_demo PATH [--flock|--fcntl|--ofd] [--wait SECONDS] -- COMMAND...\n"
                    "       flock_demo --demo\n");
    return MISUSE;
}
