/* SPDX-License-Identifier: MIT */
/* Verbs that tell of the namespaces that the program finds itself in, and change something in them. */
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../support/names.h"

static void tell_loopback(void)
{
    struct ifreq loopback = {.ifr_name = "lo"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &loopback) < 0)
        say("loopback none");
    else
        say("loopback %s", loopback.ifr_flags & IFF_UP ? "up" : "down");
    close(fd);
}

static void tell_clock(const char *name, clockid_t clock)
{
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    say("%s %lld", name, (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static int tell_place(int argc, char **argv)
{
    struct utsname names;
    (void)argc, (void)argv;
    if (uname(&names) == 0)
        say("hostname %s\ndomainname %s", names.nodename, names.domainname);
    say("pid %d\nppid %d", getpid(), getppid());
    tell_loopback();
    tell_clock("monotonic", CLOCK_MONOTONIC);
    tell_clock("boottime", CLOCK_BOOTTIME);
    return 0;
}

static int set_groups(int argc, char **argv)
{
    gid_t group = (gid_t)number_at(argc, argv, 1, 0);
    say("%s", setgroups(1, &group) < 0 ? errno_name(errno) : "0");
    return 0;
}

static int mount_something(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "/";
    say("%s", mount("none", path, "tmpfs", 0, NULL) < 0 ? errno_name(errno) : "0");
    pause_for_ever();
}

const struct verb place_verbs[] = {
    {"place", ": prints names, pids, clocks, and whether the loopback device is up", tell_place},
    {"set-groups", "GROUP: prints how that is answered", set_groups},
    {"mount", "PATH: mounts a tmpfs there, prints how that is answered, and lives on", mount_something},
    {NULL, NULL, NULL},
};
