/* SPDX-License-Identifier: MIT */
/* The snippets of <proc/status.h>, and of the text that <proc/base.h> has for it: compiled and run, as snippets.c. */
#include "snippet.h"

#include <signal.h>

static void escape(void)
{
    //! [escape]
    proc_status status;
    char name[4 * sizeof status.name];
    if (proc_status_read(PROC_SELF, NULL, sizeof status, &status) == 0) {
        proc_escape(status.name, status.name_len, name, sizeof name);
        printf("it calls itself %s\n", name); /* whatever it is, it stays on this line */
    }
    //! [escape]
    CHECK(strlen(name) >= status.name_len);
}

static uint32_t range_next(void)
{
    uint32_t count = 0;
    //! [range_next]
    proc_span rest = {"0-3,8\n", 6};
    uint32_t first, last;
    while (proc_range_next(&rest, &first, &last) == 1)
        count += last - first + 1; /* 4, then 1 */
    //! [range_next]
    return count;
}

static void buffer(void)
{
    size_t bytes = 0;
    //! [buffer]
    proc_buffer text = {.limit = 1 << 20};
    proc_status status;
    for (int pid = 1; pid < 100; pid++) /* the same memory for each */
        if (proc_status_read(PROC_PID(pid), &text, sizeof status, &status) == 0)
            bytes += text.len;
    proc_buffer_done(&text);
    //! [buffer]
    CHECK(bytes > 0 && !text.data);
}

static void signals(void)
{
    //! [signal_name]
    char name[16];
    proc_signal_name(SIGTERM, name, sizeof name); /* "TERM" */
    //! [signal_name]
    CHECK(strcmp(name, "TERM") == 0);

    char words[256] = "";
    //! [signal_mask]
    proc_status status;
    if (proc_status_read(PROC_SELF, NULL, sizeof status, &status) == 0) {
        proc_signal_mask_text(status.sig_ignored, words, sizeof words);
        if (proc_signal_mask_has(status.sig_ignored, SIGPIPE))
            printf("ignores PIPE, and in all %s\n", words);
    }
    //! [signal_mask]
    CHECK(proc_signal_mask_has(status.sig_ignored, SIGPIPE) && strstr(words, "PIPE"));
}

static void parse(void)
{
    const char text[] = "Name:\tinit\nState:\tS (sleeping)\nPid:\t1\nFuture:\t7\n";
    //! [status_parse]
    proc_status status;
    int keys = proc_status_parse(text, strlen(text), sizeof status, &status);
    if (proc_status_has(&status, PROC_KEY_PID))
        printf("pid %d; %d keys, %u of them unknown\n", status.pid, keys, status.unknown);
    //! [status_parse]
    CHECK(keys == 3 && status.unknown == 1 && status.pid == 1);
}

//! [status_parse_with]
static int show(proc_span key, proc_span value, void *user)
{
    FILE *out = user;
    fprintf(out, "new here: %.*s is %.*s\n", (int)key.len, key.data, (int)value.len, value.data);
    return 0;
}

static int report(const char *text, size_t len, proc_status *status)
{
    return proc_status_parse_with(text, len, show, stdout, sizeof *status, status);
}
//! [status_parse_with]

static void read_one(void)
{
    //! [status_read]
    proc_status status;
    if (proc_status_read(PROC_PID(1), NULL, sizeof status, &status) == 0 && proc_status_has(&status, PROC_KEY_VM_RSS))
        printf("%s is %s, in %" PRIu64 " kB\n", status.name, proc_status_state_word(&status), status.vm_rss_kb);
    //! [status_read]
    CHECK(status.pid == 1);
}

static void key_name(void)
{
    int absent = 0;
    proc_status status;
    CHECK(proc_status_read(PROC_SELF, NULL, sizeof status, &status) == 0);
    //! [status_key_name]
    for (int key = 0; key < PROC_KEY_COUNT; key++)
        if (!proc_status_has(&status, key))
            absent += printf("%s is not told here\n", proc_status_key_name(key)) > 0;
    //! [status_key_name]
    CHECK(absent > 0 && absent < PROC_KEY_COUNT);
}

static void print(void)
{
    //! [status_print]
    proc_buffer text = {0};
    proc_status status;
    char again[8192] = "";
    if (proc_status_read(PROC_SELF, &text, sizeof status, &status) == 0)
        proc_status_print(&status, again, sizeof again); /* what the kernel wrote */
    //! [status_print]
    CHECK(strcmp(again, text.data) == 0);
    proc_buffer_done(&text);
}

static int64_t groups(void)
{
    //! [status_groups]
    proc_buffer text = {0};
    proc_status status;
    uint32_t ids[64];
    int64_t count = proc_status_read(PROC_SELF, &text, sizeof status, &status);
    if (count == 0)
        count = proc_status_groups(&status, ids, 64);
    for (int64_t i = 0; i < count && i < 64; i++)
        printf("%" PRIu32 "\n", ids[i]);
    proc_buffer_done(&text);
    //! [status_groups]
    return count;
}

static const char *kind(int pid)
{
    //! [status_is_zombie]
    proc_status status;
    if (proc_status_read(PROC_PID(pid), NULL, sizeof status, &status) < 0)
        return "gone, or hidden from us";
    if (proc_status_is_zombie(&status))
        return "dead, and not reaped by its parent";
    if (proc_status_is_exited_leader(&status))
        return "alive, though its first thread has ended";
    //! [status_is_zombie]
    //! [status_is_kernel_thread]
    if (proc_status_is_kernel_thread(&status) == 1)
        return "a part of the kernel";
    //! [status_is_kernel_thread]
    return "a program";
}

static void caps(void)
{
    char words[1024] = "";
    //! [caps_text]
    proc_status status;
    if (proc_status_read(PROC_SELF, NULL, sizeof status, &status) == 0) {
        proc_caps_text(status.cap_effective, words, sizeof words);
        printf("may %s\n", words); /* "may chown,dac_override,..." */
    }
    printf("12 is %s\n", proc_cap_name(12)); /* "net_admin" */
    //! [caps_text]
    CHECK(strcmp(proc_cap_name(12), "net_admin") == 0);
    CHECK((status.cap_effective & 1) == (strncmp(words, "chown", 5) == 0));
}

int main(void)
{
    proc_status status;
    signal(SIGPIPE, SIG_IGN);
    escape();
    CHECK(range_next() == 5);
    buffer();
    signals();
    parse();
    CHECK(report("Pid:\t1\nNew:\t2\n", 14, &status) == 1);
    read_one();
    key_name();
    print();
    CHECK(groups() >= 0);
    CHECK(strcmp(kind(getpid()), "a program") == 0);
    caps();
    return 0;
}
