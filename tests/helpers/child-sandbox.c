/* SPDX-License-Identifier: MIT */
/* Verbs that try what a sandbox may deny: each line is a word and `0` or the name of an error. */
#define _GNU_SOURCE 1
#include "child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../support/names.h"

static int tell(const char *what, int rc)
{
    say("%s %s", what, rc < 0 ? errno_name(errno) : "0");
    return 0;
}

static int place(int argc, char **argv)
{
    char path[PATH_MAX];
    (void)argc, (void)argv;
    say("%s", getcwd(path, sizeof path) ? path : errno_name(errno));
    return 0;
}

static int try_opening(int argc, char **argv, int flags)
{
    for (int i = 1; i < argc; i++) {
        int fd = open(argv[i], flags, 0600);
        tell(argv[i], fd);
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

static int try_read(int argc, char **argv)
{
    return try_opening(argc, argv, O_RDONLY);
}

static int try_write(int argc, char **argv)
{
    return try_opening(argc, argv, O_WRONLY | O_CREAT);
}

static int try_bind(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number_at(argc, argv, i, 0))};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        tell(argv[i], fd < 0 ? fd : bind(fd, (struct sockaddr *)&address, sizeof address));
        close(fd);
    }
    return 0;
}

/* The name without the byte of 0 before it. */
static int try_abstract(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = argc > 1 ? argv[1] : "";
    size_t len = strnlen(name, sizeof address.sun_path - 1);
    memcpy(address.sun_path + 1, name, len);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    tell("connect", fd < 0 ? fd : connect(fd, (struct sockaddr *)&address, size));
    close(fd);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    tell("send", fd < 0 ? fd : (int)sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&address, size));
    close(fd);
    return 0;
}

static int try_signal(int argc, char **argv)
{
    return tell("signal", kill((pid_t)number_at(argc, argv, 1, 0), 0));
}

static int try_uname(int argc, char **argv)
{
    struct utsname name;
    (void)argc, (void)argv;
    return tell("uname", (int)syscall(SYS_uname, &name));
}

static int ids(int argc, char **argv)
{
    (void)argc, (void)argv;
    say("%u %u", getuid(), geteuid());
    return 0;
}

const struct verb sandbox_verbs[] = {
    {"cwd", ": prints its working directory", place},
    {"try-read", "PATH ...", try_read},
    {"try-write", "PATH ...: makes it if need be", try_write},
    {"try-bind", "PORT ...: of TCP", try_bind},
    {"try-abstract", "NAME: of a unix socket that listens, and of one for datagrams", try_abstract},
    {"try-signal", "PID", try_signal},
    {"try-uname", "", try_uname},
    {"ids", ": real and effective user", ids},
    {NULL, NULL, NULL},
};
