/* SPDX-License-Identifier: MIT */
/*
 * The smallest program that has something to say. To say it takes system calls: run it under strace(1) and see
 * write(2), and before it some thirty that load libc.
 */
#include <stdio.h>

int main(void)
{
    puts("Hello World");
    return fflush(stdout) == 0 ? 0 : 1;
}
