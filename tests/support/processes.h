/* SPDX-License-Identifier: MIT */
/*
 * Processes that tests make by hand, not by the library. They may be made in forked copies, too. They die with who made
 * them: one that a failed test leaves behind would keep the test's output open, and who reads that would wait for it.
 */
#ifndef PROC_TESTS_PROCESSES_H
#define PROC_TESTS_PROCESSES_H

/* fork(2), but the child is killed when the thread that made it ends; aborts if there can be none. */
int fork_bound(void);
/* Does nothing until it is killed. */
_Noreturn void live_on(void);
/* A child that lives on. */
int sleeper(void);
/* One that has called itself so before we go on. */
int sleeper_named(const char *name);
/* A child that has ended with this code, and is not waited for. */
int zombie(int code);
/* Kills a child, which then has ended, and is not waited for. */
void kill_unreaped(int pid);
/* Kills a child, and waits for it. */
void end_process(int pid);

/* Runs body as the first process of pid and mount namespaces of its own, and fails with its complaint. */
#define assert_in_pid_namespace(body) check_in_pid_namespace((body), #body, __FILE__, __LINE__)
void check_in_pid_namespace(int (*body)(void *arg), const char *what, const char *file, int line);
/* In there: a /proc that shows it. 0, or -1. */
int mount_proc(void);
/* In there: the next child that is made here gets this number, if it can be had. The caller looks at what it got. */
void choose_next_pid(int pid);

/*
 * A thread that takes the status of any child of this program that ends, as a careless part of one would; options: of
 * waitpid(2), besides WNOHANG. There is one at a time. Aborts if there can be none.
 */
void thief_start(int options);
void thief_stop(void);

/*
 * For main(): goes on in a copy, whose orphans come to the program that was started, which reaps them at once and
 * leaves as the copy does. Not every init is as quick, and some reap nobody.
 */
void live_below_heir(void);

/* For setup and teardown: orphans come to this program, and daemons are then its to reap. */
int adopt_orphans(void **state);
int adopt_no_more(void **state);

#endif
