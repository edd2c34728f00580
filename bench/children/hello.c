/* SPDX-License-Identifier: MIT */
/* Writes six bytes. */
#include "bare.h"

void bare_main(char **argv)
{
    (void)argv;
    bare_exit(bare_syscall(SYS_write, 1, "hello\n", 6) == 6 ? 0 : 1);
}
