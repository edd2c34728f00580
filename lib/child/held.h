/* SPDX-License-Identifier: MIT */
/*
 * A start that goes on beside us, without the vfork wait: the new process is held at a gate until we have done our part
 * (opened its pidfd, written its id maps), then it goes on to its program, and we learn what became of it.
 *
 *     parent                                    new process, in a copy of our memory
 *     proc__hold_make(&hold)
 *     fork(2), or clone(2) without CLONE_VM
 *     ... what has to be done first ...         proc__hold_wait(&hold, plan): 0 = leave at once
 *     proc__hold_release(&hold)                 proc__child_side(plan, ..., &hold.report[1]), and send its report
 *     proc__hold_outcome(&hold, pidfd, &report)
 *     proc__hold_done(&hold)
 *
 * A process that is to be no child of the starter cannot be bound to it by its parent: it has the starter's pidfd
 * beside the gate, and leaves when that ends. So does who bears it.
 *
 * No end of file is relied on alone: a fork(2) in another thread of ours gives its child the other ends of both pipes,
 * perhaps for ever.
 */
#ifndef PROC_LIB_CHILD_HELD_H
#define PROC_LIB_CHILD_HELD_H

#include "../base/system.h"

#include "../base/clock.h"
#include "../base/step.h"
#include "plan.h"

struct hold {
    int gate[2];    /* [1] is ours: one byte = go on, its end = we are gone */
    int report[2];  /* [0] is ours */
    int starter;    /* our pid */
    int starter_fd; /* our pidfd, for one that is to be no child of ours; -1 = it is one, which is what make sets */
    int binds;      /* 1: the new process is going to ask whether we are still there; make sets 0 */
    int hook_ms;    /* how long a hook may take; -1 = for ever, which is what make sets */

    /* What the new process has said of itself so far. */
    int guarded;       /* 1: it holds a lock that lasts as long as its end of the report pipe */
    int in_hook;       /* 1: a hook has begun and not returned */
    deadline hook_end; /* of the hook that has begun */
    deadline gone_end; /* until when one that has left without a word out of a hook is waited for */
    int silent;        /* 1: the end of the report pipe has been read */
};

/* What a new process says on its way, as a report of step 0. */
enum {
    HOLD_WORD_GUARDED = 1,
    HOLD_WORD_HOOK = 2, /* a hook begins */
    HOLD_WORD_BACK = 3, /* and has returned */
    HOLD_WORD_BORN = 4  /* by who has borne it: it is there */
};

/* 0 or a negative errno; only then there is nothing to be done away with. */
int proc__hold_make(struct hold *ret_hold);
/* From now on for one that is to be no child of ours. 0; or a negative errno, of which -ENOSYS: no pidfds by number. */
int proc__hold_for_orphan(struct hold *hold);
/* Gives back what is still open. A new process that is held then leaves, or is killed by who has its pidfd. */
void proc__hold_done(struct hold *hold);

/*
 * In the new process, by system calls only. 1: go on, and hold->report[1] is the way home, clear of the plan's moves;
 * 0: the starter is gone, or does not want it any more: leave.
 */
int proc__hold_wait(struct hold *hold, const struct plan *plan);
/* In who bears one that is to be no child of ours: says so, and stays until it is killed or the starter has ended. */
void proc__hold_stay(const struct hold *hold);
/* There too: one of the words above. A negative errno if it could not be said. */
long proc__hold_say(int report_fd, int word);
/*
 * There too, of a hold that binds: 1: the starter is there, and has the way home open; 0: it is gone; or a negative
 * errno. For who cannot see it: in another pid namespace nobody outside has a number.
 */
long proc__hold_has_starter(int report_fd);

/* In who is held: waits for the word at the gate. 1 = it may go on; 0 = it shall leave, or the starter is gone. */
int proc__hold_is_let_through(const struct hold *hold);
/* Has the one that is held leave, for who cannot kill it. */
void proc__hold_refuse(const struct hold *hold);
/* Lets one process through, of which more than one may come to the gate in turn. A negative errno: none. */
long proc__hold_let_one_through(const struct hold *hold);
/* Opens the gate, and closes here what is the new process's. 0 or a negative errno: it is still held. */
int proc__hold_release(struct hold *hold);
/*
 * Waits until the new process has gone on: it has execed, or closed its end of the report pipe, or died on the way,
 * which who waits for it is told. 0; or a negative errno, *ret_report says where it has failed: it ends or has to be
 * ended, and is not reaped.
 */
int proc__hold_outcome(struct hold *hold, int pidfd, struct report *ret_report);
/* Both, in their order. told: memory that both have, in which it may have said itself where it has failed. */
struct report proc__hold_see_off(struct hold *hold, int pidfd, const struct report *told);

#endif
