/* SPDX-License-Identifier: MIT */
/*
 * `epoll_echo [N]`: one thread answers N clients (100), each on a socket of its own, and the cost of an answer does not
 * grow with those that are silent. Then what epoll(7) itself does: told again for as long as something is left to
 * read (level), or only when something new has come (edge); and a regular file is refused, which the loop makes up for.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <proc/proc.h>

#define MOST 400

static int echo(proc_watch *watch, int fd, uint32_t events, void *user)
{
    char bytes[256];
    int *clients = user;
    (void)events;
    ssize_t count = read(fd, bytes, sizeof bytes);
    if (count > 0 && write(fd, bytes, (size_t)count) == count)
        return 0;
    proc_watch_free(watch);
    close(fd);
    --*clients;
    return 0;
}

static int connect_clients(proc_loop *loop, int *ends, int *count)
{
    for (int i = 0, wanted = *count; i < wanted; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
            return -errno;
        ends[i] = pair[0];
        int rc = proc_loop_descriptor(loop, pair[1], EPOLLIN, echo, count, NULL);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int serve(int count)
{
    int ends[MOST], left = count, answers = 0;
    proc_loop *loop = NULL;
    int rc = proc_loop_new(&loop);
    if (rc == 0)
        rc = connect_clients(loop, ends, &left);
    for (int i = 0; rc == 0 && i < count; i++) {
        char answer[5] = "";
        if (write(ends[i], "ping", 4) != 4)
            return 1;
        rc = proc_loop_dispatch(loop, 1000) > 0 ? 0 : -ETIMEDOUT;
        answers += read(ends[i], answer, 4) == 4 && strcmp(answer, "ping") == 0;
        close(ends[i]);
    }
    if (rc == 0)
        rc = proc_loop_run(loop); /* until the last one has been seen to leave */
    proc_loop_free(loop);
    printf("%d clients, %d answers, %d left\n", count, answers, left);
    return rc < 0;
}

static void show_trigger(const char *name, uint32_t mode)
{
    int set = epoll_create1(EPOLL_CLOEXEC), ends[2], told = 0;
    struct epoll_event event = {.events = EPOLLIN | mode};
    char byte;
    if (set < 0 || pipe(ends) < 0 || epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) < 0 ||
        write(ends[1], "abc", 3) != 3) {
        perror("epoll_echo");
        return;
    }
    while (told < 3 && epoll_wait(set, &event, 1, 0) == 1 && read(ends[0], &byte, 1) == 1)
        told++;
    printf("%s: told %d times of three bytes that are read one by one\n", name, told);
    close(ends[0]);
    close(ends[1]);
    close(set);
}

static void show_regular_file(void)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    FILE *file = tmpfile();
    struct epoll_event event = {.events = EPOLLIN};
    int rc = file ? epoll_ctl(set, EPOLL_CTL_ADD, fileno(file), &event) : 0;
    printf("a regular file: %s\n", rc < 0 ? strerror(errno) : "taken");
    if (file)
        fclose(file);
    close(set);
}

int main(int argc, char *argv[])
{
    int count = argc > 1 ? atoi(argv[1]) : 100;
    if (count < 1 || count > MOST)
        return fprintf(stderr, "usage: epoll_echo [1..%d]\n", MOST), 2;
    show_trigger("level", 0);
    show_trigger("edge", EPOLLET);
    show_regular_file();
    return serve(count);
}
