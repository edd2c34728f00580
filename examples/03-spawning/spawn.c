/* SPDX-License-Identifier: MIT */
/*
 * Starting other programs and getting hold of what they print: proc_run() does it in one call; proc_spawn() gives a
 * handle to write to, read from and wait for.
 */
#include <stdio.h>
#include <string.h>

#include <proc/proc.h>

static int complain(const char *text)
{
    fprintf(stderr, "spawn: %s\n", text);
    return 1;
}

static int show(const char *title, const char *const argv[])
{
    char text[80];
    proc_error error;
    proc_result result;
    if (proc_run(&result, argv, PROC_OPTIONS(.out = PROC_CAPTURE, .error = &error)) < 0)
        return complain(error.text);
    int ok = proc_result_ok(&result);
    if (ok) {
        printf("> %s\n%s\n", title, result.out.data);
    } else {
        proc_result_text(&result, text, sizeof text);
        complain(text);
    }
    proc_result_done(&result);
    return !ok;
}

static int show_grep(void)
{
    static const char input[] = "hello grep\ngoodbye grep";
    char buffer[256];
    proc_error error;
    proc_child *grep;
    proc_exit ended = {0};
    if (proc_spawn(&grep, PROC_ARGV("grep", "hello"),
                   PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .error = &error)) < 0)
        return complain(error.text);

    /* First writing all, then reading all, is good for what a pipe holds; .in = PROC_TEXT() for more. */
    int64_t rc = proc_write(grep, 0, input, strlen(input), -1);
    proc_close(grep, 0);
    puts("> grep hello");
    while (rc > 0 && (rc = proc_read(grep, 1, buffer, sizeof buffer, -1)) > 0)
        fwrite(buffer, 1, (size_t)rc, stdout);
    puts("");
    if (rc == 0)
        rc = proc_wait(grep, -1, &ended);
    proc_child_free(grep);
    if (rc < 0)
        return complain(strerror((int)-rc));
    return proc_exit_ok(&ended) ? 0 : complain("grep found nothing");
}

int main(void)
{
    return show("date", PROC_ARGV("date")) || show_grep() ||
           show("ls -a -l -h", PROC_ARGV("bash", "-c", "ls -a -l -h"));
}
