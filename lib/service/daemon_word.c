/* SPDX-License-Identifier: MIT */
/* Words from the daemon to the watcher, and from there to the launcher: short enough that a pipe keeps them whole. */
#include "daemon.h"

#include <errno.h>
#include <limits.h>

#include "../base/fd.h"

_Static_assert(sizeof(struct daemon_word) <= _POSIX_PIPE_BUF, "a word could be torn apart");

int proc__word_send(int fd, const struct daemon_word *word)
{
    int64_t done = proc__fd_write_quietly(fd, word, sizeof *word);
    return done == -EPIPE ? 0 : done < 0 ? (int)done : 1;
}

int proc__word_read(int fd, struct daemon_word *ret_word)
{
    int64_t got = proc__fd_read(fd, ret_word, sizeof *ret_word);
    return got < 0 ? (int)got : got == (int64_t)sizeof *ret_word;
}

/* What a shell says of a program that it cannot run. */
static int code_of(const struct failure *failure)
{
    if (failure->step == PROC_STEP_SEARCH || (failure->step == PROC_STEP_EXEC && failure->code == ENOENT))
        return 127;
    return failure->step == PROC_STEP_EXEC ? 126 : 1;
}

struct daemon_word proc__word_failed(const struct launch *launch, const struct failure *failure)
{
    struct daemon_word word = {.kind = WORD_FAILED, .code = code_of(failure)};
    proc__error_render(&word.error, launch->verb, launch->thing, failure);
    return word;
}
