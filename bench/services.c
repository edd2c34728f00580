/* SPDX-License-Identifier: MIT */
/* What the services cost above the system calls that they stand on: PID files, signals, and ends of children. */
#include "services.h"

#include "bench.h"

static long alive = 5000;

int main(int argc, char *argv[])
{
    const struct bench_option options[] = {{"alive", "processes that live on while one dies", &alive}};
    bench_begin(argc, argv, options, sizeof options / sizeof options[0]);
    bench_locks();
    bench_loop(alive);
    return 0;
}
