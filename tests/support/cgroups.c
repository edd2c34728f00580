/* SPDX-License-Identifier: MIT */
/* Finds the tree, finds our place in it, and makes directories there. */
#define _GNU_SOURCE 1
#include "cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools.h"

#define LINE_SIZE 4096

/* Where the tree is mounted, from the first line of mountinfo that fits. To be freed; NULL = nowhere. */
static char *find_mount(int version)
{
    static char line[LINE_SIZE], point[LINE_SIZE];
    char *found = NULL;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *kind = strstr(line, version == 2 ? " - cgroup2 " : " - cgroup ");
        if (!kind || (version == 1 && !strstr(kind, "freezer")))
            continue;
        if (sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1)
            found = strdup(point);
    }
    if (file)
        fclose(file);
    return found;
}

/* Our own group, from the root of the tree on: "/" or "/a/b". To be freed; NULL = none. */
static char *find_place(int version)
{
    static char line[LINE_SIZE];
    char *found = NULL;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *path = strstr(line, version == 2 ? "0::/" : ":freezer:/");
        line[strcspn(line, "\n")] = '\0';
        if (path)
            found = strdup(strchr(path, '/'));
    }
    if (file)
        fclose(file);
    return found;
}

char *cgroup_make_below(const char *group, const char *name)
{
    char *path = path_in(group, name);
    if (mkdir(path, 0755) == 0)
        return path;
    free(path);
    return NULL;
}

char *cgroup_make(int version)
{
    static int count;
    char name[64];
    snprintf(name, sizeof name, "libproc-test-%d-%d", (int)getpid(), count++);
    char *mount = find_mount(version), *place = find_place(version), *group = NULL;
    if (mount && place) {
        char *own = path_in(mount, place + 1);
        group = cgroup_make_below(own, name);
        free(own);
    }
    free(mount);
    free(place);
    return group;
}

char *cgroup_remove(char *group)
{
    if (group && rmdir(group) < 0)
        perror(group);
    free(group);
    return NULL;
}

int cgroup_write(const char *group, const char *file, const char *text)
{
    char *path = path_in(group, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int rc = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

const char *cgroup_name(const char *group)
{
    return strrchr(group, '/') + 1;
}
