// SPDX-License-Identifier: MIT
// The same from C++11: the options are filled member by member, the stdio macros are whole values.
#include <cstdio>
#include <cstring>

#include <proc/proc.h>

int main()
{
    const char *argv[] = {"tr", "a-z", "A-Z", nullptr};
    proc_error error{};
    proc_options options{};
    options.size = sizeof options;
    options.in = PROC_TEXT("hello\n");
    options.out = PROC_CAPTURE;
    options.error = &error;

    proc_result result;
    int rc = proc_run(&result, argv, &options);
    if (rc < 0)
        std::fprintf(stderr, "%s\n", error.text);
    bool good = rc == 0 && proc_result_ok(&result) && std::strcmp(result.out.data, "HELLO\n") == 0;
    proc_result_done(&result);
    std::puts(good ? "consumer works" : "consumer fails");
    return good ? 0 : 1;
}
