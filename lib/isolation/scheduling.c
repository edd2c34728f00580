/* SPDX-License-Identifier: MIT */
/*
 * When and where a new process runs: CPUs, policy, nice, I/O priority. Owns the set of CPUs, which is as long as the
 * highest number in it asks for. Knows nothing of the machine: which CPUs there are, the kernel says.
 */
#include "scheduling.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Far beyond what any kernel can be built for; the set of so many takes 8 KiB. */
#define CPUS_MOST 65536
#define BITS_PER_LONG (sizeof(long) * CHAR_BIT)

#define POLICY_DEADLINE 6
#define RESET_ON_FORK_BIT 0x40000000 /* in sched_setscheduler(2)'s policy */
#define RESET_ON_FORK_FLAG 1         /* in sched_attr.flags */

#define IO_CLASS_SHIFT 13
#define IO_CLASS_NONE 0
#define IO_CLASS_IDLE 3
#define IO_LEVELS 8
#define IO_WHO_PROCESS 1

/* ---- Looking at it ---- */

/* The highest number of the list, or -1 with the failure. */
static int64_t last_cpu(const char *list, struct failure *ret_failure)
{
    proc_span rest = {list, strlen(list)};
    uint32_t first, last, highest = 0;
    int rc, count = 0;
    while ((rc = proc_range_next(&rest, &first, &last)) == 1) {
        highest = last > highest ? last : highest;
        count = 1;
    }
    if (rc < 0)
        proc__refuse(ret_failure, EINVAL, ".scheduling->cpus is not a list of CPUs");
    else if (count == 0)
        proc__refuse(ret_failure, EINVAL, ".scheduling->cpus names no CPU");
    else if (highest >= CPUS_MOST)
        proc__refuse(ret_failure, EINVAL, ".scheduling->cpus: no machine has so many");
    else
        return highest;
    return -1;
}

static int check_deadline(const proc_scheduling *options, int is_deadline, struct failure *ret_failure)
{
    uint64_t runtime = options->runtime_ns, deadline = options->deadline_ns, period = options->period_ns;
    if (!is_deadline && (runtime || deadline || period))
        return proc__refuse(ret_failure, EINVAL, ".scheduling: runtime, deadline and period are for SCHED_DEADLINE");
    if (is_deadline && (runtime == 0 || runtime > deadline || (period != 0 && deadline > period)))
        return proc__refuse(ret_failure, EINVAL, ".scheduling: not 0 < runtime <= deadline <= period");
    return 0;
}

static int check_policy(const proc_scheduling *options, struct failure *ret_failure)
{
    int policy = options->policy ? *options->policy : SCHED_OTHER, priority = options->priority;
    int is_real_time = policy == SCHED_FIFO || policy == SCHED_RR;
    if (policy < 0 || policy >= RESET_ON_FORK_BIT)
        return proc__refuse(ret_failure, EINVAL, ".scheduling->policy: no such policy");
    if (options->reset_on_fork > 1)
        return proc__refuse(ret_failure, EINVAL, ".scheduling->reset_on_fork is 0 or 1");
    if (options->reset_on_fork && !options->policy)
        return proc__refuse(ret_failure, EINVAL, ".scheduling->reset_on_fork without .policy");
    if (!is_real_time && priority != 0)
        return proc__refuse(ret_failure, EINVAL, ".scheduling->priority is for SCHED_FIFO and SCHED_RR");
    if (is_real_time && (priority < 1 || priority > 99))
        return proc__refuse(ret_failure, EINVAL, ".scheduling->priority is not 1 to 99");
    return check_deadline(options, policy == POLICY_DEADLINE, ret_failure);
}

static int check_io_priority(int value, struct failure *ret_failure)
{
    int io_class = value >> IO_CLASS_SHIFT, level = value & ((1 << IO_CLASS_SHIFT) - 1);
    if (io_class < IO_CLASS_NONE || io_class > IO_CLASS_IDLE)
        return proc__refuse(ret_failure, EINVAL, ".scheduling->io_priority: no such class");
    if (level >= IO_LEVELS)
        return proc__refuse(ret_failure, EINVAL, ".scheduling->io_priority: no such level");
    if (level > 0 && (io_class == IO_CLASS_NONE || io_class == IO_CLASS_IDLE))
        return proc__refuse(ret_failure, EINVAL, ".scheduling->io_priority: a class without levels");
    return 0;
}

int proc__scheduling_check(const proc_scheduling *options, struct failure *ret_failure)
{
    if (options->nice && (*options->nice < -20 || *options->nice > 19))
        return proc__refuse(ret_failure, EINVAL, ".scheduling->nice is not -20 to 19");
    int rc = check_policy(options, ret_failure);
    if (rc == 0 && options->io_priority)
        rc = check_io_priority(*options->io_priority, ret_failure);
    if (rc == 0 && options->cpus && last_cpu(options->cpus, ret_failure) < 0)
        rc = -EINVAL;
    return rc;
}

/* ---- Making it ready ---- */

static void set_bits(unsigned long *set, const char *list)
{
    proc_span rest = {list, strlen(list)};
    uint32_t first, last;
    while (proc_range_next(&rest, &first, &last) == 1)
        for (size_t cpu = first; cpu <= last; cpu++)
            set[cpu / BITS_PER_LONG] |= 1UL << cpu % BITS_PER_LONG;
}

int proc__scheduling_prepare(struct scheduling *ret_scheduling, const proc_scheduling *options,
                             struct failure *ret_failure)
{
    *ret_scheduling = (struct scheduling){.asked = *options};
    if (!options->cpus)
        return 0;
    int64_t last = last_cpu(options->cpus, ret_failure);
    if (last < 0)
        return -EINVAL;
    size_t count = (size_t)last / BITS_PER_LONG + 1;
    ret_scheduling->cpus = calloc(count, sizeof *ret_scheduling->cpus);
    if (!ret_scheduling->cpus)
        return proc__fail_memory(ret_failure);
    ret_scheduling->cpus_size = count * sizeof(long);
    set_bits(ret_scheduling->cpus, options->cpus);
    return 0;
}

void proc__scheduling_done(struct scheduling *scheduling)
{
    free(scheduling->cpus);
    scheduling->cpus = NULL;
}

/* ---- In the new process ---- */

/* The first version of the kernel's struct sched_attr. */
struct deadline_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static long set_deadline(const proc_scheduling *asked)
{
    const struct deadline_attr attr = {
        .size = sizeof attr,
        .policy = POLICY_DEADLINE,
        .flags = asked->reset_on_fork ? RESET_ON_FORK_FLAG : 0,
        .runtime = asked->runtime_ns,
        .deadline = asked->deadline_ns,
        .period = asked->period_ns,
    };
    return proc__syscall(SYS_sched_setattr, 0, (long)&attr, 0, 0, 0, 0);
}

/* The older call leaves nice as it is, which the newer one would set anew. */
static long set_policy(const proc_scheduling *asked)
{
    if (*asked->policy == POLICY_DEADLINE)
        return set_deadline(asked);
    const struct sched_param param = {.sched_priority = asked->priority};
    int policy = *asked->policy | (asked->reset_on_fork ? RESET_ON_FORK_BIT : 0);
    return proc__syscall(SYS_sched_setscheduler, 0, policy, (long)&param, 0, 0, 0);
}

/* CPUs before the policy: a process with a deadline may not change them any more. */
struct report proc__scheduling_apply(const struct scheduling *scheduling)
{
    const proc_scheduling *asked = &scheduling->asked;
    long rc;
    if (scheduling->cpus &&
        (rc = proc__step_call(SYS_sched_setaffinity, 0, (long)scheduling->cpus_size, (long)scheduling->cpus)) < 0)
        return proc__step_failed(PROC_STEP_CPUS, rc, -1);
    if (asked->policy && (rc = set_policy(asked)) < 0)
        return proc__step_failed(PROC_STEP_SCHEDULER, rc, -1);
    if (asked->nice && (rc = proc__step_call(SYS_setpriority, PRIO_PROCESS, 0, *asked->nice)) < 0)
        return proc__step_failed(PROC_STEP_NICE, rc, -1);
    if (asked->io_priority && (rc = proc__step_call(SYS_ioprio_set, IO_WHO_PROCESS, 0, *asked->io_priority)) < 0)
        return proc__step_failed(PROC_STEP_IO_PRIORITY, rc, -1);
    return STEP_DONE;
}
