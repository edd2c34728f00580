/* SPDX-License-Identifier: MIT */
/* The snippets of notifications, as in snippets.c. What a service says is heard here by a server of our own. */
#include "snippet.h"

#include <errno.h>
#include <poll.h>

/* The next message says this. */
static void hear(proc_notify_server *server, const char *text)
{
    proc_notify_message message;
    CHECK(proc_notify_server_receive(server, NULL, 5000, &message) == 0);
    CHECK(message.text.len == strlen(text) && memcmp(message.text.data, text, message.text.len) == 0);
    proc_notify_message_done(&message);
}

/* ---- Telling ---- */

static void notify(proc_notify_server *server)
{
    //! [notify]
    proc_notify_ready(); /* 1 = told, 0 = nobody listens: either is fine */
    proc_notify_status("37 requests a second");
    proc_notify("STATUS=37 requests a second\nX_REQUESTS=37");
    proc_notify_stopping();
    //! [notify]
    hear(server, "READY=1");
    hear(server, "STATUS=37 requests a second");
    hear(server, "STATUS=37 requests a second\nX_REQUESTS=37");
    hear(server, "STOPPING=1");
}

static void load_configuration(void)
{
}

static void reload(proc_notify_server *server)
{
    proc_notify_message message;
    //! [reload]
    proc_notify_reloading();
    load_configuration();
    proc_notify_ready();
    //! [reload]
    CHECK(proc_notify_server_receive(server, NULL, 5000, &message) == 0);
    CHECK(message.what == PROC_NOTIFY_RELOADING && message.reloading_us > 0);
    proc_notify_message_done(&message);
    hear(server, "READY=1");
}

static void watchdog(proc_notify_server *server)
{
    setenv("WATCHDOG_USEC", "30000000", 1);
    //! [watchdog]
    int period_ms = proc_notify_watchdog_ms();
    int timer_ms = period_ms > 0 ? period_ms / 2 : -1; /* for poll(2), or a timer */
    /* ... each time it is over, if all is well: */
    proc_notify_watchdog();
    //! [watchdog]
    CHECK(timer_ms == 15000);
    hear(server, "WATCHDOG=1");
}

static void extend(proc_notify_server *server)
{
    //! [extend]
    proc_notify_extend(60000); /* the check of the file system takes its time */
    //! [extend]
    hear(server, "EXTEND_TIMEOUT_USEC=60000000");
}

static void main_pid(proc_notify_server *server)
{
    int worker = (int)getpid();
    char text[40];
    //! [main_pid]
    proc_notify_main_pid(worker);
    //! [main_pid]
    snprintf(text, sizeof text, "MAINPID=%d", worker);
    hear(server, text);
}

/* In a forked copy, since who waits for a barrier needs somebody else who reads. */
static void barrier(proc_notify_server *server)
{
    proc_notify_message message;
    int pid = fork();
    if (pid == 0) {
        //! [barrier]
        proc_notify_status("done, with nothing to do");
        proc_notify_barrier(5000); /* before we end: who has ended may not be recognized any more */
        //! [barrier]
        _exit(0);
    }
    hear(server, "STATUS=done, with nothing to do");
    CHECK(proc_notify_server_receive(server, NULL, 5000, &message) == 0);
    CHECK(message.what == PROC_NOTIFY_BARRIER && message.barrier_fd >= 0);
    proc_notify_message_done(&message);
}

static void store(proc_notify_server *server)
{
    int connection = 0;
    //! [store]
    proc_notify_store("connection", &connection, 1); /* the next one of us finds it by proc_listen_name() */
    proc_notify_unstore("connection");
    //! [store]
    hear(server, "FDSTORE=1\nFDNAME=connection");
    hear(server, "FDSTOREREMOVE=1\nFDNAME=connection");
}

static void newline(void)
{
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    int notification_fd = ends[1];
    //! [newline]
    /* the number comes from the service's configuration: --notification-fd=3 */
    int rc = proc_notify_newline(notification_fd);
    //! [newline]
    CHECK(rc == 0 && read(ends[0], &byte, 1) == 1 && byte == '\n' && read(ends[0], &byte, 1) == 0);
    close(ends[0]);
}

static void listen_fds(void)
{
    //! [listen]
    int count = proc_listen_fds();
    for (int fd = 3; fd < 3 + count; fd++) {
        char name[256];
        if (proc_listen_name(fd, name, sizeof name) >= 0)
            printf("%d is \"%s\"\n", fd, name);
    }
    //! [listen]
    CHECK(count == 0);
}

/* ---- Being told ---- */

/* Waits until a service says that it is ready, however long its own children talk. */
static int start_and_wait(const char *const argv[], proc_child **ret_child)
{
    //! [server]
    proc_notify_server *server;
    proc_notify_message message = {0};
    int rc = proc_notify_server_new(&server, NULL);
    if (rc < 0)
        return rc;
    rc = proc_spawn(ret_child, argv, PROC_OPTIONS(.env_edit = PROC_ENV(proc_notify_server_env(server))));
    while (rc == 0 && !(message.what & PROC_NOTIFY_READY)) {
        proc_notify_message_done(&message);
        rc = proc_notify_server_receive(server, *ret_child, 5000, &message);
    }
    proc_notify_message_done(&message);
    server = proc_notify_server_free(server);
    //! [server]
    return rc;
}

static void serve(const char *program)
{
    proc_child *child;
    proc_exit ended;
    int rc = start_and_wait(PROC_ARGV(program, "as a service"), &child);
    if (rc == -ENOSYS) /* nothing can be started here */
        return;
    CHECK(rc == 0);
    CHECK(proc_wait(child, 5000, &ended) == 0 && proc_exit_ok(&ended));
    child = proc_child_free(child);
}

static void server_fd(proc_notify_server *server)
{
    proc_notify_ready();
    //! [server_fd]
    struct pollfd said = {.fd = proc_notify_server_fd(server), .events = POLLIN};
    if (poll(&said, 1, 5000) == 1)
        puts("somebody has said something");
    //! [server_fd]
    CHECK(said.revents & POLLIN);
    hear(server, "READY=1");
}

static void value(proc_notify_server *server)
{
    proc_notify_message message;
    CHECK(proc_notify("READY=1\nX_PORT=8080") == 1);
    CHECK(proc_notify_server_receive(server, NULL, 5000, &message) == 0);
    //! [value]
    proc_span port;
    if (proc_notify_value(message.text, "X_PORT", &port) == 0)
        printf("on port %.*s\n", (int)port.len, port.data);
    //! [value]
    CHECK(port.len == 4);
    proc_notify_message_done(&message);
}

int main(int argc, char **argv)
{
    proc_notify_server *server;
    if (argc > 1) /* as a service */
        return proc_notify_ready() == 1 ? 0 : 1;
    CHECK(proc_notify_server_new(&server, NULL) == 0);
    putenv((char *)(uintptr_t)proc_notify_server_env(server));
    notify(server);
    reload(server);
    watchdog(server);
    extend(server);
    main_pid(server);
    barrier(server);
    store(server);
    newline();
    listen_fds();
    server_fd(server);
    value(server);
    unsetenv("NOTIFY_SOCKET");
    server = proc_notify_server_free(server);
    serve(argv[0]);
    return 0;
}
