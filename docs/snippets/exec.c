/* SPDX-License-Identifier: MIT */
/* The snippets of becoming and of finding a program, as in snippets.c. */
#include "snippet.h"

#include <errno.h>

/* Says what went wrong, and how a shell would call it. */
static int become(const char *const argv[])
{
    //! [exec]
    proc_error error;
    int rc = proc_exec(argv, PROC_OPTIONS(.cwd = "/", .err = PROC_NULL, .error = &error));
    /* Only here if that has failed: all is as before, but for what error.changed names. */
    fprintf(stderr, "%s\n", error.text);
    return rc == -ENOENT ? 127 : 126;
    //! [exec]
}

static int know_where(const char *name, char *path, size_t size)
{
    //! [which]
    int length = proc_which(name, NULL, path, size);
    if (length < 0)
        fprintf(stderr, "%s: %s\n", name, length == -ENOENT ? "not found" : "cannot be run");
    else if ((size_t)length < size)
        puts(path); /* "/usr/bin/sh" */
    //! [which]
    return length;
}

int main(void)
{
    char path[256];
    setenv("PATH", "/usr/bin:/bin", 1); /* none that we may not look into: a missing program would be a denied one */
    CHECK(know_where("sh", path, sizeof path) > 0 && path[0] == '/');
    CHECK(know_where("no-such-program", path, sizeof path) == -ENOENT);
    CHECK(become(PROC_ARGV("/no/such/program")) == 127);
    return become(PROC_ARGV("sh", "-c", "exit 0"));
}
