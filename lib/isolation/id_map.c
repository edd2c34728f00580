/* SPDX-License-Identifier: MIT */
/*
 * The ranges of a user namespace. Each of the three files can be written once, and their order matters: the kernel lets
 * who has no CAP_SETGID map a group only after setgroups(2) is denied, since leaving a group could be a way in.
 */
#include "id_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../procfs/target.h"

/* "4294967294 4294967294 4294967295\n" and a terminator */
#define LINE_MAX_SIZE 34
#define RANGES_MAX 340

/* ---- Making sense ---- */

static int is_range(const proc_id_map *map)
{
    /* The last of all numbers is no id, it means "none": also first + count must be a number. */
    return map->count > 0 && map->count <= UINT32_MAX - map->inside && map->count <= UINT32_MAX - map->outside;
}

static int overlap(uint32_t first, uint32_t count, uint32_t other_first, uint32_t other_count)
{
    return first < other_first + other_count && other_first < first + count;
}

static int collide(const proc_id_map *a, const proc_id_map *b)
{
    return overlap(a->inside, a->count, b->inside, b->count) || overlap(a->outside, a->count, b->outside, b->count);
}

/* The kernel takes less than a page at once, and a map only at once. */
static int fits_a_page(const proc_id_maps *maps)
{
    char line[LINE_MAX_SIZE];
    long len = 0;
    for (size_t i = 0; i < maps->count; i++) {
        const proc_id_map *map = &maps->items[i];
        len += snprintf(line, sizeof line, "%u %u %u\n", map->inside, map->outside, map->count);
    }
    return len < sysconf(_SC_PAGESIZE);
}

const char *proc__id_map_wrong(const proc_id_maps *maps)
{
    if (!maps->items)
        return maps->count > 0 ? "without .items" : NULL;
    if (maps->count == 0)
        return "with .items, but none";
    if (maps->count > RANGES_MAX)
        return "more than 340 ranges";
    for (size_t i = 0; i < maps->count; i++) {
        if (!is_range(&maps->items[i]))
            return "an empty range, or one beyond the last id";
        for (size_t j = 0; j < i; j++)
            if (collide(&maps->items[i], &maps->items[j]))
                return "ranges that overlap";
    }
    return fits_a_page(maps) ? NULL : "more text than a page";
}

int proc__id_map_outside(const proc_id_maps *maps, uint32_t id, uint32_t *ret_outside)
{
    for (size_t i = 0; i < maps->count; i++) {
        const proc_id_map *map = &maps->items[i];
        if (id < map->inside || id - map->inside >= map->count)
            continue;
        *ret_outside = map->outside + (id - map->inside);
        return 1;
    }
    return 0;
}

int proc__id_map_has(const proc_id_maps *maps, uint32_t id)
{
    uint32_t outside;
    return proc__id_map_outside(maps, id, &outside);
}

char *proc__id_map_text(const proc_id_maps *maps)
{
    char *text = malloc(maps->count * LINE_MAX_SIZE), *end = text;
    for (size_t i = 0; text && i < maps->count; i++) {
        const proc_id_map *map = &maps->items[i];
        end += snprintf(end, LINE_MAX_SIZE, "%u %u %u\n", map->inside, map->outside, map->count);
    }
    return text;
}

/* ---- Writing, by the parent ---- */

static const char *const files[] = {"setgroups", "uid_map", "gid_map"};

const char *proc__id_map_file(int index)
{
    return files[index];
}

static int write_at_once(int fd, const char *text)
{
    ssize_t done;
    do
        done = write(fd, text, strlen(text));
    while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : 0;
}

/* Through the /proc that we see, whatever pids it counts in. */
static struct report write_file(int pidfd, int index, const char *text)
{
    const proc_target target = {.pidfd = &pidfd};
    int fd = proc__target_open(&target, files[index], O_WRONLY);
    int rc = fd < 0 ? fd : write_at_once(fd, text);
    proc__fd_close(&fd);
    return rc < 0 ? proc__step_failed(PROC_STEP_ID_MAP, rc, index) : STEP_DONE;
}

struct report proc__id_maps_write(const struct id_maps *maps, int pidfd)
{
    struct report report = STEP_DONE;
    if (maps->deny_setgroups)
        report = write_file(pidfd, ID_MAP_SETGROUPS, "deny");
    if (!report.step)
        report = write_file(pidfd, ID_MAP_UIDS, maps->uids);
    if (!report.step)
        report = write_file(pidfd, ID_MAP_GIDS, maps->gids);
    return report;
}
