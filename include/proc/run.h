/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/run.h> - run a program or a pipeline to its end in one call; move the bytes of children already started.
 */
#ifndef PROC_RUN_H
#define PROC_RUN_H

#include <proc/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup run Run
 * @brief Feed, capture, wait and stop at the deadline: one call that always ends.
 *
 * Feeding and capturing go on together, so no full pipe can block both sides. What is captured is bounded, and what is
 * beyond the bound is still read and counted, so that the child never waits for us.
 *
 * The same transfer serves a child from proc_spawn(): proc_collect() takes it to its end, proc_pump() and
 * proc_pump_fd() let a loop of the caller's own move the bytes.
 * @{
 */

/**
 * What one CAPTURE entry collected.
 * @since 0.1
 */
typedef struct proc_output {
    char *data;           /**< The bytes and a terminator; never NULL, "" if nothing came. Belongs to the result. */
    size_t len;           /**< Bytes at data. */
    uint64_t total;       /**< Bytes that the child wrote, also those not kept. */
    int32_t fd;           /**< The child's number of the descriptor. */
    int32_t truncated;    /**< 1: total > len. */
    int32_t open;         /**< 1: somebody still held the other end when we left. */
    int32_t error;        /**< 0, or the negative errno that ended the keeping (-ENOMEM) or the reading. */
    int32_t stage;        /**< Which child of a pipeline, from 0. */
    int32_t tee_error;    /**< 0, or the negative errno that ended the copying; -ETIMEDOUT: its target was full. */
    uint64_t reserved[4]; /**< 0. */
} proc_output;

/**
 * How a run went. The call that fills it empties it first, so it need not be initialised, and proc_result_done() is
 * right on every path after the call, also a failed one.
 * @since 0.1
 */
typedef struct proc_result {
    proc_exit exit;             /**< How the child ended; PROC_RUNNING if no stop step ended it in its time. Of a
                                     pipeline: the last stage. */
    proc_output out;            /**< Of descriptor 1, if captured. */
    proc_output err;            /**< Of descriptor 2, if captured. Of a pipeline: what its own `err` captured, of all
                                     stages in the order of writing. */
    int32_t timed_out;          /**< 1: the time was over, and the child was stopped. */
    int32_t output_open;        /**< 1: a descendant kept an output open beyond drain_ms. */
    int32_t input_cut;          /**< 1: the child ended, or closed its input, before all could be written to it. What
                                     it left unread in the pipe (64 KiB, as a rule) is not noticed. */
    int32_t cancelled;          /**< 1: cancel_fd became readable, and the child was stopped. */
    int32_t error;              /**< 0, or the first negative errno of a callback or transfer. */
    int32_t reserved0;          /**< 0. */
    int64_t duration_ms;        /**< From before the start to the end of the call. */
    proc_usage usage;           /**< What the child cost; all 0 where nobody knows. Of a pipeline: the sum, but
                                     max_rss_bytes is that of the largest stage. */
    const proc_output *outputs; /**< Of every other CAPTURE entry, in the order of the stages and of the entries. */
    size_t output_count;        /**< How many. */
    const proc_exit *stages;    /**< Of a pipeline: how each has ended; else NULL. */
    size_t stage_count;         /**< How many. */
    proc_reach reach;           /**< How far the last stop step reached, if there was one; as proc_child_reach(). */
    uint64_t reserved[10];      /**< 0. */
} proc_result;

/**
 * Whether all went well: the child exited with 0, was neither timed out nor cancelled, and no transfer failed. Output
 * that was truncated or left open and input that was cut do not count: look at their members.
 *
 * Of a pipeline every stage must have exited with 0, as with a shell's pipefail; but a stage that feeds another one may
 * also have been killed by SIGPIPE, since the next one need not read all. Whoever wants to know of the last stage
 * alone, as a shell without pipefail, asks proc_exit_ok() about `exit`.
 *
 * @param result A filled result.
 * @return 1 or 0.
 *
 * Safety: any thread.
 * @snippet snippets.c result_ok
 * @since 0.1
 */
PROC_API int proc_result_ok(const proc_result *result);

/**
 * A run in one line: "exited with 2", "timed out, killed by SIGKILL". Of a pipeline it is about the last stage, and
 * names the last one before it that did not go well: "exited with 0; stage 1 exited with 2".
 *
 * @param result A filled result.
 * @param ret_text Receives the line, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL without `result`.
 *
 * Safety: any thread.
 * @snippet snippets.c result_text
 * @since 0.1
 */
PROC_API int proc_result_text(const proc_result *result, char *ret_text, size_t size);

/**
 * Gives back the memory that a result holds and empties it. Does nothing on an empty ({0}) or finished one.
 *
 * @param result A result that a call has filled or emptied; NULL is welcome.
 *
 * Safety: any thread.
 * @snippet snippets.c result_done
 * @since 0.1
 */
PROC_API void proc_result_done(proc_result *result);

/**
 * Moves the bytes of an output out of its result, without a copy.
 *
 * @param output `&result.out`, `&result.err`; empty afterwards.
 * @return The output; the caller ends it with proc_output_done().
 *
 * Safety: any thread.
 * @snippet snippets.c output_take
 * @since 0.1
 */
PROC_API proc_output proc_output_take(proc_output *output);

/**
 * Gives back the memory of an output that was taken, and empties it.
 *
 * @param output What proc_output_take() gave; NULL is welcome.
 *
 * Safety: any thread.
 * @snippet snippets.c output_take
 * @since 0.1
 */
PROC_API void proc_output_done(proc_output *output);

/**
 * Starts a program, feeds it, keeps what it writes, waits for its end, and stops it when the time is over.
 *
 * The longest it can take: timeout_ms, then the waits of the stop steps, then drain_ms. With drain_ms -1 draining ends
 * with timeout_ms too. A callback that does not return is not interrupted.
 *
 * @param result Receives how it went; emptied first, also on failure.
 * @param argv The arguments, argv[0] first, ended by NULL. From a `char **`: PROC_STRINGS().
 * @param options How; NULL = all defaults. PIPE entries, PROC_DETACH and PROC_ORPHAN are refused here.
 * @return 0 = it was started and has ended or been stopped: see the result; a negative errno = nothing was started: as
 *         proc_spawn(), with step and text in options->error.
 *
 * Safety: any thread; callbacks run in the calling one.
 * @snippet snippets.c run
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_run(proc_result *result, const char *const argv[], const proc_options *options);

/**
 * The same for a pipeline, `a | b | c`: starts all stages or none, feeds the first and whatever else has entries, keeps
 * what the last one writes and what is captured of the others' `err`, and waits for the end of all. One time and one
 * row of stop steps are for all stages, and draining begins when the last of them has ended. The options are those of
 * proc_spawn_pipeline().
 *
 * A stage that ends early ends no other one by itself: who goes on writing to it gets SIGPIPE.
 *
 * @param result Receives how it went; emptied first, also on failure. `stages` has the end of each.
 * @param requests The stages, at least one; ended by one whose argv is NULL.
 * @param options For all; NULL = all defaults. PIPE entries, PROC_DETACH and PROC_ORPHAN are refused here.
 * @return 0 = all were started, and have ended or been stopped: see the result; a negative errno = nothing runs: as
 *         proc_spawn_pipeline(), with step and text in options->error.
 *
 * Safety: any thread; callbacks run in the calling one.
 * @see pipe(7)
 * @snippet pipeline.c pipeline
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_pipeline(proc_result *result, const proc_request requests[], const proc_options *options);

/**
 * Takes a started child to its end: moves the bytes of its BYTES, CAPTURE and CALLBACK entries, waits for its end,
 * drains what is left, and fills the result. A call that runs out of time keeps what it has: the next one goes on. Once
 * the child has ended, its outputs are handed over to the first result, and later ones have none. The stop steps,
 * drain_ms and cancel_fd are those of the start.
 *
 * PIPE entries stay the caller's: a child that waits for one to be read, written or closed does not end here.
 *
 * @param child A handle.
 * @param timeout_ms How long: 0 = only what is there now, -1 = to the end.
 * @param result Receives how it went; emptied first, and left empty unless the call returns 0.
 * @return 0 = it has ended, or cancel_fd was readable and it was stopped; -ETIMEDOUT: it still runs, or a descendant
 *         holds an output and drain_ms is not over: call again, or proc_stop() first; -ECHILD: in a forked copy;
 *         -EBUSY: another thread is moving its bytes; -EINVAL.
 *
 * Safety: any thread, one at a time for each child; callbacks run in the calling one.
 * @snippet snippets.c collect
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_collect(proc_child *child, int timeout_ms, proc_result *result);

/**
 * For programs with their own loop: moves the bytes of BYTES, CAPTURE and CALLBACK entries that can be moved now.
 * Waits until the first ones can, at most timeout_ms; that a child ends does not wake it.
 *
 * @param children The handles; none may be NULL.
 * @param count How many, at least 1.
 * @param timeout_ms 0 = do not wait, -1 = for ever.
 * @return How many of these streams are still open, 0 = all is moved; -ETIMEDOUT: nothing could be moved in time;
 *         -ECHILD: in a forked copy; -EBUSY: another thread is moving the bytes of one; -EINVAL; -ENOMEM.
 *
 * Safety: any thread, one at a time for each child; callbacks run in the calling one.
 * @snippet snippets.c pump
 * @since 0.1
 */
PROC_API int proc_pump(proc_child *const children[], size_t count, int timeout_ms);

/**
 * A descriptor for the caller's loop: readable (POLLIN) when proc_pump() has something to move, and never again once
 * that has answered 0. Borrowed: closed by proc_child_free(). The child's end is told by proc_child_fd().
 *
 * @param child A handle.
 * @return The descriptor, made at the first call; -EMFILE, -ENFILE, -ENOMEM; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread.
 * @see epoll(7)
 * @snippet snippets.c pump_fd
 * @since 0.1
 */
PROC_API int proc_pump_fd(proc_child *child);

/** @} */

#ifdef __cplusplus
}
#endif
#endif
