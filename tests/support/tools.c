/* SPDX-License-Identifier: MIT */
/* Helper paths, temporary directories, files, and running a program by hand. Aborts where a test could not go on. */
#define _GNU_SOURCE 1
#include "tools.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_up(const char *what)
{
    perror(what);
    abort();
}

const char *helper(const char *name)
{
    static struct {
        const char *name;
        char path[PATH_MAX];
    } known[8];
    const char *directory = getenv("PROC_TEST_HELPERS");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!known[i].name) {
            known[i].name = name;
            snprintf(known[i].path, sizeof known[i].path, "%s/%s", directory ? directory : TEST_HELPERS_DIR, name);
        }
        if (strcmp(known[i].name, name) == 0)
            return known[i].path;
    }
    abort();
}

/* ---- Helpers for everybody ---- */

static char *helpers_copied; /* the directory with the copies; NULL: there are none */

/* 1: others may go through all directories on the way. */
static int others_can_reach(const char *path)
{
    char *way = strdup(path);
    int can = 1;
    struct stat about;
    for (char *end = way ? strrchr(way, '/') : NULL; can && end && end > way; end = strrchr(way, '/')) {
        *end = '\0';
        can = stat(way, &about) == 0 && (about.st_mode & S_IXOTH) != 0;
    }
    free(way);
    return can;
}

static void copy_program(const char *from, const char *to)
{
    char buffer[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    ssize_t got;
    if (in < 0 || out < 0)
        give_up(to);
    while ((got = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)got) != got)
            give_up(to);
    if (got < 0 || fchmod(out, 0755) < 0 || close(out) < 0)
        give_up(to);
    close(in);
}

static int is_program(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & S_IXUSR) != 0;
}

static void copy_programs(const char *directory)
{
    DIR *all = opendir(directory);
    if (!all)
        give_up(directory);
    for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
        char *from = path_in(directory, entry->d_name), *to = path_in(helpers_copied, entry->d_name);
        if (is_program(from))
            copy_program(from, to);
        free(from);
        free(to);
    }
    closedir(all);
}

void helpers_open(void)
{
    if (geteuid() != 0 || getenv("PROC_TEST_HELPERS") || others_can_reach(TEST_HELPERS_DIR "/any"))
        return;
    helpers_copied = directory_make();
    if (chmod(helpers_copied, 0755) < 0)
        give_up(helpers_copied);
    copy_programs(TEST_HELPERS_DIR);
    setenv("PROC_TEST_HELPERS", helpers_copied, 1);
}

void helpers_close(void)
{
    helpers_copied = directory_remove(helpers_copied);
}

char *directory_make(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = path_in(parent ? parent : "/tmp", "proc-test-XXXXXX");
    if (!mkdtemp(path))
        give_up(path);
    return path;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

char *directory_remove(char *directory)
{
    if (directory)
        nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(directory);
    return NULL;
}

char *path_in(const char *directory, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        give_up("asprintf");
    return path;
}

void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        give_up(path);
}

struct named_files named_files_open(char first, int count)
{
    struct named_files files = {.directory = directory_make(), .count = count};
    for (int i = 0; i < count; i++) {
        char name[2] = {(char)(first + i), '\0'};
        char *path = path_in(files.directory, name);
        file_write(path, name);
        files.fd[i] = open(path, O_RDWR | O_CLOEXEC);
        free(path);
    }
    return files;
}

void named_files_close(struct named_files *files)
{
    for (int i = 0; i < files->count; i++)
        close(files->fd[i]);
    directory_remove(files->directory);
}

static char *read_to_end(int fd)
{
    size_t len = 0, room = 4096;
    char *text = malloc(room);
    for (;;) {
        if (!text)
            give_up("malloc");
        ssize_t got = read(fd, text + len, room - len - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len += (size_t)got;
        if (room - len < 2)
            text = realloc(text, room *= 2);
    }
    text[len] = '\0';
    return text;
}

char *file_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = read_to_end(fd);
    close(fd);
    return text;
}

struct outside outside_run(const char *const argv[])
{
    struct outside outside = {0};
    int ends[2];
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) < 0)
        give_up("pipe2");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    outside.output = read_to_end(ends[0]);
    close(ends[0]);
    while (waitpid(pid, &outside.status, 0) < 0 && errno == EINTR)
        ;
    return outside;
}

void outside_done(struct outside *outside)
{
    free(outside->output);
    *outside = (struct outside){0};
}

#if ADDRESS_SANITIZER
void __asan_unpoison_memory_region(void const volatile *start, size_t size);
#endif

void frames_are_gone(void *unused)
{
    (void)unused;
#if ADDRESS_SANITIZER
    /* Below are the frames that were left, above is that of the thread's first function. */
    const size_t most = (size_t)1 << 16;
    __asan_unpoison_memory_region((char *)__builtin_frame_address(0) - most, 2 * most);
#endif
}
