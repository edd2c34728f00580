/* SPDX-License-Identifier: MIT */
/* The resources of a process, as /proc tells them: `proc_status PID`. What may not be seen is told as such. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <proc/proc.h>

static void print_signals(const char *title, const uint64_t mask[2])
{
    char names[1024];
    proc_signal_mask_text(mask, names, sizeof names);
    printf("%-9s %s\n", title, *names ? names : "none");
}

static void print_status(const proc_status *status)
{
    char name[4 * sizeof status->name];
    proc_escape(status->name, status->name_len, name, sizeof name);
    printf("name      %s\nstate     %c (%s)\nthreads   %" PRIu32 "\n", name, status->state,
           proc_status_state_word(status), status->threads);
    if (proc_status_has(status, PROC_KEY_VM_RSS))
        printf("memory    %" PRIu64 " kB, peak %" PRIu64 " kB\n", status->vm_rss_kb, status->vm_hwm_kb);
    print_signals("blocked", status->sig_blocked);
    print_signals("ignored", status->sig_ignored);
    print_signals("caught", status->sig_caught);
}

static void print_counters(const proc_target *target)
{
    proc_limit_list limits;
    proc_io io;
    int64_t fds = proc_fd_list(target, NULL, 0);
    int rc = fds < 0 ? (int)fds : proc_limits_read(target, &limits);
    if (rc == 0)
        printf("open      %" PRId64 " of %" PRIu64 " descriptors\n", fds, limits.soft[RLIMIT_NOFILE]);
    else
        printf("open      (%s)\n", strerror(-rc));
    rc = proc_io_read(target, &io);
    if (rc == 0)
        printf("io        %" PRIu64 " bytes read, %" PRIu64 " written\n", io.read_chars, io.written_chars);
    else
        printf("io        (%s)\n", strerror(-rc));
}

static void print_cgroups(const proc_target *target, proc_buffer *buffer)
{
    proc_cgroup_line line;
    char path[1024];
    if (proc_file_read(target, PROC_FILE_CGROUP, buffer) < 0)
        return;
    proc_span rest = proc_buffer_span(buffer);
    while (proc_cgroup_next(&rest, &line) > 0) {
        proc_escape(line.path.data, line.path.len, path, sizeof path);
        printf("cgroup    %.*s:%s\n", (int)line.controllers.len, line.controllers.data, path);
    }
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long pid = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (!end || *end != '\0' || pid <= 0 || pid > INT32_MAX)
        return fprintf(stderr, "usage: proc_status PID\n"), 2;
    const proc_target *target = PROC_PID((int)pid);
    proc_status status;
    proc_buffer buffer = {0};
    int rc = proc_status_read(target, &buffer, sizeof status, &status);
    if (rc < 0)
        return fprintf(stderr, "proc_status: %ld: %s\n", pid, strerror(-rc)), 1;
    print_status(&status);
    print_counters(target);
    print_cgroups(target, &buffer);
    proc_buffer_done(&buffer);
    return 0;
}
