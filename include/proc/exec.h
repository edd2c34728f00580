/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/exec.h> - this process becomes a program, by the same options; and where a program is.
 */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include <proc/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup exec Exec
 * @brief Become a program, or find one.
 * @{
 */

/**
 * Replaces this program by another one, in this process: same pid, same parent, same children. Returns only if that
 * fails.
 *
 * The options mean what they mean for a child; so what was announced to us by LISTEN_FDS is announced anew or not at
 * all. Refused with a text is what needs somebody who stays, or a birth: PIPE, SOCKET, PTY, BYTES, CAPTURE and CALLBACK
 * entries, `timeout_ms`, `stop`, `transfer`, PROC_DETACH, PROC_ORPHAN, PROC_DIE_WITH_PARENT, `hook`, new user, pid and
 * time namespaces and a joined pid namespace.
 *
 * The steps that can be undone are taken first: umask, working directory (unless root or mounts change, too),
 * descriptors (unless scheduling, limits, terminal or namespaces are asked for); and they are undone if a later one
 * fails, as are the signal mask, the dispositions, the close-on-exec flags, and who is in the foreground of our
 * terminal. What is changed for good follows: session, process group, ids, and so on. `error.changed` tells what of
 * that may have been done before it failed; then this process is better ended.
 *
 * As by execve(2), all other threads end with the old program, its stdio buffers are not written, and no function of
 * atexit(3) runs. While the call is on its way, other threads see umask, directory and descriptors change; what they
 * open meanwhile without O_CLOEXEC may pass on, and may be close-on-exec if the call fails. A signal that comes when
 * the mask is already that of the program still runs our handler. A group leader cannot lead a new session: -EPERM.
 *
 * @param argv The arguments, argv[0] first, ended by NULL.
 * @param options How; NULL = all defaults, which also close all other descriptors and empty the signal mask.
 * @return Never, or a negative errno with step and text in options->error, as proc_spawn().
 *
 * Safety: any thread; but its work on the whole process is seen by all.
 * @see execve(2)
 * @snippet exec.c exec
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_exec(const char *const argv[], const proc_options *options);

/**
 * The path that a start would run: looked for in the child's PATH or the `search` of the options, from its directory,
 * with our ids. The answer may be old by the time it is used: to run it, start it by its name.
 *
 * @param program The name or path, as argv[0] of a start; `program` and `start->candidates` of the options count more,
 *        and `start->program_fd` is refused.
 * @param options As for the start, whichever call it is; NULL = all defaults. Nothing is opened or made.
 * @param ret_path Receives the path, always terminated if size > 0; relative if the directory of the search list is,
 *        and then as seen from the child's directory. May be NULL if size is 0.
 * @param size Bytes at ret_path.
 * @return The length needed without the terminator, as snprintf(3) does; -ENOENT: it is nowhere; -EACCES: it is there,
 *         but not executable; -ENOTSUP: in another root or other namespaces; -EINVAL, -E2BIG, -ENOMEM, -EMFILE; another
 *         errno that ends a search. options->error tells more. That execve(2) will take the file is not promised.
 *
 * Safety: any thread; without options.env the environment is read, as by getenv(3).
 * @see access(2), environ(7)
 * @snippet exec.c which
 * @since 0.1
 */
PROC_API int proc_which(const char *program, const proc_options *options, char *ret_path, size_t size);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
