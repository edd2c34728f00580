/* SPDX-License-Identifier: MIT */
/*
 * Reaching all that comes of children. Three ways, the first that there is: the kernel ends a pid namespace with its
 * first process; or /proc is searched for descendants; or the group, or the child alone, is what can be had. Owns what
 * was found.
 *
 * To kill a tree that grows meanwhile, everybody who is found is suspended at once, parents first: who is suspended
 * neither forks nor ends, so it loses no child to init. A suspension takes hold a little later than it is sent, and
 * until then a fork(2) that has begun goes on. So the search is over when a look through all processes finds nobody new
 * although everybody was seen suspended before it began. Only then SIGKILL is sent, which needs nobody awake,
 * children first.
 */
#include "tree.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "handle.h"

/* A search, or the wait for the end of those who were killed. */
#define TREE_MS 1000
/* Who neither runs nor shows to be suspended for so long sleeps in the kernel (a vfork(2)), or in a frozen group. */
#define QUIET_MS 100
#define RESCAN_MS 1

deadline proc__tree_time(int wait_ms)
{
    return proc__deadline_in(wait_ms > 0 && wait_ms < TREE_MS ? wait_ms : TREE_MS);
}

/* ---- The search ---- */

static int is_failure(int rc)
{
    return rc < 0 && rc != -ESRCH;
}

/* From that one on. */
static size_t suspend(struct descendants *found, size_t from)
{
    for (; from < found->count; from++) {
        struct kin *kin = &found->items[from];
        if (!proc__kin_has_ended(kin))
            kin->is_denied = is_failure(proc__pidfd_signal(kin->pidfd, SIGSTOP, 0));
    }
    return from;
}

/* Who is not ours to signal need not be waited for. */
static int are_all_still(const struct descendants *found)
{
    int still = 1;
    for (size_t i = 0; i < found->count; i++)
        still &= found->items[i].is_still || found->items[i].is_denied;
    return still;
}

static int is_any_running(const struct descendants *found)
{
    int running = 0;
    for (size_t i = 0; i < found->count; i++)
        running |= found->items[i].is_running && !found->items[i].is_denied;
    return running;
}

/* Finds and suspends until nobody is new. 0; -ETIMEDOUT: somebody may still be; or a negative errno. */
static int hunt(struct descendants *found, deadline until)
{
    size_t suspended = 0;
    deadline quiet = proc__deadline_in(QUIET_MS);
    for (;;) {
        int were_still = suspended > 0 && are_all_still(found);
        suspended = suspend(found, suspended);
        int fresh = proc__descendants_scan(found);
        if (fresh < 0 || (fresh == 0 && (were_still || proc__deadline_passed(quiet))))
            return fresh;
        if (fresh > 0 || is_any_running(found))
            quiet = proc__deadline_in(QUIET_MS);
        if (proc__deadline_passed(until)) {
            suspend(found, suspended);
            return -ETIMEDOUT;
        }
        if (fresh == 0)
            proc__poll(NULL, 0, proc__deadline_in(RESCAN_MS));
    }
}

/* The same without touching anybody. */
static int search(struct descendants *found, deadline until)
{
    int fresh;
    do
        fresh = proc__descendants_scan(found);
    while (fresh > 0 && !proc__deadline_passed(until));
    return fresh > 0 ? -ETIMEDOUT : fresh;
}

/* ---- The ways ---- */

static int signal_one(struct tree *tree, struct kin *kin, int signal)
{
    int rc = proc__kin_has_ended(kin) ? -ESRCH : proc__pidfd_signal(kin->pidfd, signal, 0);
    kin->is_told |= rc == 0;
    kin->is_denied = is_failure(rc);
    tree->reach.signaled += kin->is_told;
    return kin->is_denied ? rc : 0;
}

/*
 * To those who have not ended. The first failure. Children are killed before their parents: the kernel continues a
 * suspended group that is orphaned (SIGHUP and SIGCONT), which would give it a moment to run away in.
 */
static int signal_found(struct tree *tree, int signal)
{
    int failure = 0;
    size_t count = tree->found.count;
    tree->reach.signaled = 0;
    proc__descendants_sort(&tree->found);
    for (size_t i = 0; i < count; i++) {
        int rc = signal_one(tree, &tree->found.items[signal == SIGKILL ? count - 1 - i : i], signal);
        failure = failure ? failure : rc;
    }
    return failure;
}

/* And may be signalled as a whole: we are not in it. */
static int leads_group(const proc_child *child)
{
    return child->leads_group && getpgid(0) != child->pid;
}

/* A search that was cut short has still found all of a group: to the kernel that is one call. */
static void kill_groups(const struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        if (leads_group(crew->children[i]))
            proc__child_signal(crew->children[i], SIGKILL, PROC_GROUP);
}

static int walk(struct tree *tree, const struct crew *crew, int signal, deadline until)
{
    tree->reach.rung = PROC_REACH_WALK;
    int is_hunt = signal == SIGKILL || signal == SIGSTOP;
    int rc = is_hunt ? hunt(&tree->found, until) : search(&tree->found, until);
    int failure = signal_found(tree, signal);
    if (rc < 0 && signal == SIGKILL)
        kill_groups(crew);
    return rc < 0 ? rc : failure;
}

/* Members of a group are not counted, and those of a namespace neither. What nobody got has reached no rung. */
static int signal_children(struct tree *tree, const struct crew *crew, int signal, int rung)
{
    int rc = proc__crew_signal(crew, signal, rung == PROC_REACH_GROUP ? PROC_GROUP : PROC_ONE);
    if (rc < 0)
        return rc;
    tree->reach.rung = rung == PROC_REACH_GROUP && rc != PROC_GROUP ? PROC_REACH_ONE : rung;
    tree->reach.signaled = 0;
    return 0;
}

/* What holds for each of them. */
static int are_all_first(const struct crew *crew)
{
    int all = 1;
    for (size_t i = 0; i < crew->count; i++)
        all &= crew->children[i]->is_first;
    return all;
}

/* The last stage of a pipeline first: it must not take the death of the one before for the end of its input. */
static int add_roots(struct tree *tree, const struct crew *crew)
{
    int rc = 0;
    for (size_t i = crew->count; i-- > 0 && rc == 0;) {
        const proc_child *child = crew->children[i];
        rc = proc__descendants_add_root(&tree->found, child->pid, child->pidfd, child->leads_group);
    }
    if (rc < 0)
        proc__descendants_done(&tree->found);
    return rc;
}

/* Others may have joined the group from outside of the namespace. */
static int kill_namespaces(struct tree *tree, const struct crew *crew)
{
    int rc = signal_children(tree, crew, SIGKILL, PROC_REACH_NAMESPACE);
    kill_groups(crew);
    return rc;
}

/* Whether trees can be followed nobody sees without a free descriptor: then the walk says that there is none. */
static int signal_by_best_way(struct tree *tree, const struct crew *crew, int signal, deadline until)
{
    int rc = tree->found.count > 0 ? 0 : add_roots(tree, crew);
    if (signal == SIGKILL && are_all_first(crew))
        return kill_namespaces(tree, crew);
    int possible = rc < 0 ? rc : proc__descendants_possible();
    if (rc == 0 && (possible == 0 || proc__is_want_of_ours(possible)))
        return walk(tree, crew, signal, until);
    int sent =
        signal_children(tree, crew, signal, leads_group(crew->children[0]) ? PROC_REACH_GROUP : PROC_REACH_ONE);
    return sent < 0 ? sent : rc;
}

static void awaken(struct tree *tree, const struct crew *crew)
{
    if (tree->reach.rung != PROC_REACH_WALK)
        signal_children(tree, crew, SIGCONT, tree->reach.rung);
    else
        for (size_t i = 0; i < tree->found.count; i++)
            proc__pidfd_signal(tree->found.items[i].pidfd, SIGCONT, 0);
}

/* Who is suspended to be killed must not be continued by another thread's signal meanwhile. */
static void enter(const struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        pthread_mutex_lock(&crew->children[i]->tree_lock);
}

static void leave(const struct crew *crew)
{
    for (size_t i = crew->count; i-- > 0;)
        pthread_mutex_unlock(&crew->children[i]->tree_lock);
}

int proc__tree_signal(struct tree *tree, const struct crew *crew, int signal, int awake, deadline until)
{
    int cancellable;
    /* A thread that is cancelled halfway would leave them suspended. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    deadline before = proc__now_ns();
    enter(crew);
    /* The time is for the search: to wait for another thread's must not cost it any. */
    int rc = signal_by_best_way(tree, crew, signal, until + (proc__now_ns() - before));
    if (awake)
        awaken(tree, crew);
    leave(crew);
    proc__tree_await(tree, proc__deadline_in(0));
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

int proc__tree_await(struct tree *tree, deadline when)
{
    int left = proc__descendants_await(&tree->found, when);
    tree->reach.left = left;
    for (size_t i = 0; i < tree->found.count; i++)
        tree->reach.left += tree->found.items[i].is_denied && !proc__kin_has_ended(&tree->found.items[i]);
    return left;
}

/* ---- What a handle tells ---- */

void proc__tree_done(struct tree *tree, const struct crew *crew)
{
    for (size_t i = 0; i < crew->count && tree->reach.rung != PROC_REACH_NONE; i++)
        proc__reach_note(crew->children[i], &tree->reach);
    proc__descendants_done(&tree->found);
}

void proc__reach_note(proc_child *child, const proc_reach *reach)
{
    pthread_mutex_lock(&child->lock);
    child->reach = *reach;
    pthread_mutex_unlock(&child->lock);
}

proc_reach proc__reach_of(const proc_child *child)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&child->lock;
    pthread_mutex_lock(lock);
    proc_reach reach = child->reach;
    /* The first process of a namespace ends when nobody else is left in there. */
    if (reach.rung == PROC_REACH_NAMESPACE && (child->ended || proc__pidfd_has_ended(child->pidfd))) {
        reach.proven_empty = 1;
        reach.left = 0;
    }
    pthread_mutex_unlock(lock);
    return reach;
}

int proc_child_reach(const proc_child *child, proc_reach *ret_reach)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (!ret_reach)
        return -EINVAL;
    *ret_reach = proc__reach_of(child);
    return 0;
}

/* ---- The verb ---- */

int proc__child_signal_tree(proc_child *child, int signal)
{
    struct tree tree = {0};
    int cancellable;
    if (proc__child_signal(child, 0, PROC_ONE) == -ESRCH)
        return -ESRCH;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__tree_signal(&tree, ALONE(child), signal, 0, proc__tree_time(0));
    if (signal == SIGKILL && (rc == 0 || tree.reach.rung == PROC_REACH_WALK))
        proc__tree_await(&tree, proc__tree_time(0));
    proc__tree_done(&tree, ALONE(child));
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
