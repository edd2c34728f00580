/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor is: an index into the table of its process, which points to an open file description. dup(2) and a
 * child share the description, and with it the offset; a second open(2) makes another one. A new program keeps what is
 * not close-on-exec, and libproc what it is given.
 */
#define _GNU_SOURCE 1 /* mkostemp */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <proc/proc.h>

static long offset_of(int fd)
{
    return (long)lseek(fd, 0, SEEK_CUR);
}

static void show_sharing(const char *path, int file)
{
    int copy = dup(file), again = open(path, O_RDONLY | O_CLOEXEC);
    if (write(file, "12345", 5) != 5)
        perror("fd_table: write");
    printf("five bytes written: offset %ld, of its dup %ld, of a second open %ld\n", offset_of(file), offset_of(copy),
           offset_of(again));
    close(copy);
    close(again);
}

static void show_lowest(int file)
{
    int first = dup(file), second = dup(file);
    close(first);
    int third = dup(file);
    printf("the lowest free number is taken: %s\n", third == first ? "yes" : "no");
    close(second);
    close(third);
}

/* The child writes to its descriptor 7, which is our file: our offset moves on. Nothing else is open there. */
static int show_child(int file)
{
    static const char script[] =
        "printf 678 >&7; for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && printf ' %s' $n; done; echo";
    proc_error error;
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("sh", "-c", script),
                      PROC_OPTIONS(.out = PROC_CAPTURE, .fds = PROC_FDS({7, PROC_FD(file)}), .error = &error));
    if (rc < 0)
        return fprintf(stderr, "fd_table: %s\n", error.text), 1;
    printf("three more by a child: offset %ld\nits descriptors:%s", offset_of(file), result.out.data);
    proc_result_done(&result);
    return 0;
}

int main(void)
{
    char path[] = "/tmp/fd_table.XXXXXX";
    int file = mkostemp(path, O_CLOEXEC);
    if (file < 0)
        return perror("fd_table: a temporary file"), 1;
    show_lowest(file);
    show_sharing(path, file);
    int failed = show_child(file);
    unlink(path);
    close(file);
    return failed;
}
