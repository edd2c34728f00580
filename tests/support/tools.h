/* SPDX-License-Identifier: MIT */
/* Small things that many tests need: helper programs, temporary directories, running a program without the library. */
#ifndef PROC_TESTS_TOOLS_H
#define PROC_TESTS_TOOLS_H

#include <stddef.h>

/* The path of a helper program: "report", "child", "profile". In static memory, one for each name. */
const char *helper(const char *name);
#define REPORT helper("report")
#define CHILD helper("child")
#define PROFILE helper("profile")

/*
 * Around all tests. A test of root's may run helpers as somebody else, who cannot reach them below a private directory:
 * then they are copied to where everybody can.
 */
void helpers_open(void);
void helpers_close(void);

/* A new empty directory; to be removed, with all that is in it. */
char *directory_make(void);
char *directory_remove(char *directory);
/* "directory/name" in memory that the caller frees. */
char *path_in(const char *directory, const char *name);
/* A file with that content. */
void file_write(const char *path, const char *text);

/* Files in a directory of their own, open both ways. Each has one character for its name and for all its text. */
#define NAMED_FILES_MAX 6
struct named_files {
    char *directory;
    int count, fd[NAMED_FILES_MAX];
};

/* The characters from the first one on, at the lowest numbers that are free. */
struct named_files named_files_open(char first, int count);
void named_files_close(struct named_files *files);
/* Its content, terminated, in memory that the caller frees; NULL if it cannot be read. */
char *file_read(const char *path);

/* What a program wrote and how it ended; run with plain fork(2) and execv(2), for looking at the helpers themselves. */
struct outside {
    int status; /* as of waitpid(2) */
    char *output;
};
struct outside outside_run(const char *const argv[]);
void outside_done(struct outside *outside);

/*
 * To be pushed with pthread_cleanup_push(3) by a thread that will be cancelled: the address sanitizer does not see that
 * its frames go, and would take what runs on that stack later for a stray.
 */
void frames_are_gone(void *unused);

/* 1: built with the address sanitizer, which keeps the frames of a cancelled thread for live ones. */
#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifndef ADDRESS_SANITIZER
#define ADDRESS_SANITIZER 0
#endif

/* The thread sanitizer has a thread of its own in every process. */
#if defined(__SANITIZE_THREAD__)
#define SANITIZER_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREADS 1
#endif
#endif
#ifndef SANITIZER_THREADS
#define SANITIZER_THREADS 0
#endif

#endif
