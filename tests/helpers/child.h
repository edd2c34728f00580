/* SPDX-License-Identifier: MIT */
/* The parts of the helper program `child`: a verb is a word, a usage and a function. */
#ifndef PROC_TESTS_CHILD_H
#define PROC_TESTS_CHILD_H

#include <stddef.h>
#include <stdint.h>

struct verb {
    const char *name, *usage;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; the exit code comes back */
};

/* Ended by a verb without a name. */
extern const struct verb io_verbs[], signal_verbs[], family_verbs[], kernel_verbs[], notify_verbs[],
    place_verbs[], sandbox_verbs[], terminal_verbs[];

/* Writes all of it; leaves the program with 3 if that fails (4 for a broken pipe). */
void put(int fd, const void *data, size_t size);
/* Writes a line to standard output. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An argument as a number, or `otherwise` if it is not there. */
long number_at(int argc, char **argv, int index, long otherwise);
/* Waits in the kernel, for signals too, as long as this program is allowed to live. */
_Noreturn void pause_for_ever(void);
void sleep_ms(long ms);

#endif
