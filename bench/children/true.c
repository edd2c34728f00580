/* SPDX-License-Identifier: MIT */
/* Does nothing, in one page. */
#include "bare.h"

void bare_main(char **argv)
{
    (void)argv;
    bare_exit(0);
}
