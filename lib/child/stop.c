/* SPDX-License-Identifier: MIT */
/* Ends a child, or several together, in steps: a signal, a wait, a stronger signal. Owns nothing. */
#include "stop.h"

#include <errno.h>
#include <pthread.h>

#include "handle.h"

static const proc_stop_step default_steps[2][2] = {
    [PROC_ONE] = {{SIGTERM, PROC_ONE, 5000}, {SIGKILL, PROC_ONE, 5000}},
    [PROC_GROUP] = {{SIGTERM, PROC_GROUP, 5000}, {SIGKILL, PROC_GROUP, 5000}},
};

static const proc_stop_step *step_at(const proc_child *child, size_t index)
{
    if (child->stop_count > 0)
        return index < child->stop_count ? &child->stop[index] : NULL;
    const proc_stop_step *steps = default_steps[child->leads_group ? PROC_GROUP : PROC_ONE];
    return index < 2 ? &steps[index] : NULL;
}

/* SIGKILL ends a suspended process as well, and who sends it a signal to suspend it wants just that. */
static int wants_the_child_awake(int signal)
{
    return signal != SIGKILL && signal != SIGCONT && signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN &&
           signal != SIGTTOU;
}

/* As far as one call to the kernel reaches. By default that is a group for each who leads one. */
static int signal_plainly(const struct crew *crew, const proc_stop_step *step, int awake)
{
    int scope = crew->children[0]->stop_count > 0 ? step->scope : PROC_GROUP;
    int rc = proc__crew_signal(crew, step->signal, scope);
    if (rc < 0)
        return rc;
    const proc_reach reach = {.rung = rc == PROC_GROUP ? PROC_REACH_GROUP : PROC_REACH_ONE};
    if (awake)
        proc__crew_signal(crew, SIGCONT, scope);
    for (size_t i = 0; i < crew->count; i++)
        proc__reach_note(crew->children[i], &reach);
    return 0;
}

/* That some could not be reached is for the reach to tell; that nobody was is a failure. */
static int signal_trees(const struct crew *crew, const proc_stop_step *step, int awake, struct stop_ladder *ladder)
{
    int rc = proc__tree_signal(&ladder->tree, crew, step->signal, awake, proc__tree_time(step->wait_ms));
    return ladder->tree.reach.signaled > 0 ? 0 : rc;
}

int proc__stop_next(const struct crew *crew, struct stop_ladder *ladder)
{
    const proc_stop_step *step = step_at(crew->children[0], ladder->next);
    deadline reaped_end = proc__child_reaped_end(crew->children[0]);
    /* It has ended, and no step brings the news of how any sooner. */
    if (reaped_end != 0) {
        ladder->until = reaped_end;
        return 1;
    }
    if (!step)
        return 0;
    ladder->next++;
    ladder->until = proc__deadline_in(step->wait_ms);
    int awake = wants_the_child_awake(step->signal);
    int rc = step->scope == PROC_TREE ? signal_trees(crew, step, awake, ladder) : signal_plainly(crew, step, awake);
    return rc < 0 ? rc : 1;
}

int proc__stop_next_for_trees(const struct crew *crew, struct stop_ladder *ladder)
{
    const proc_stop_step *step;
    while ((step = step_at(crew->children[0], ladder->next)) && step->scope != PROC_TREE)
        ladder->next++;
    return proc__stop_next(crew, ladder);
}

void proc__stop_done(const struct crew *crew, struct stop_ladder *ladder)
{
    proc__tree_await(&ladder->tree, proc__deadline_in(0));
    proc__tree_done(&ladder->tree, crew);
}

/* ---- One child ---- */

static int until_it_ends(proc_child *child, struct stop_ladder *ladder)
{
    int rc = proc__child_look(child);
    while (rc == -ETIMEDOUT) {
        int taken = proc__stop_next(ALONE(child), ladder);
        if (taken <= 0)
            return taken < 0 ? taken : -ETIMEDOUT;
        rc = proc__child_wait_until(child, ladder->until);
    }
    return rc;
}

static void until_its_tree_ends(proc_child *child, struct stop_ladder *ladder)
{
    int taken = 1;
    while (taken > 0 && proc__tree_await(&ladder->tree, ladder->until) > 0)
        taken = proc__stop_next_for_trees(ALONE(child), ladder);
}

struct stopping {
    proc_child *child;
    struct stop_ladder ladder;
};

/* Also of a thread that is cancelled while it waits. */
static void end_stopping(void *arg)
{
    struct stopping *stopping = arg;
    proc__stop_done(ALONE(stopping->child), &stopping->ladder);
}

int proc_stop(proc_child *child, proc_exit *ret_exit)
{
    struct stopping stopping = {.child = child};
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    pthread_cleanup_push(end_stopping, &stopping);
    rc = until_it_ends(child, &stopping.ladder);
    if (rc == 0)
        until_its_tree_ends(child, &stopping.ladder);
    pthread_cleanup_pop(1);
    if (rc == 0 && ret_exit)
        *ret_exit = child->exit;
    return rc;
}
