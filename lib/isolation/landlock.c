/* SPDX-License-Identifier: MIT */
/*
 * Makes a set of rules of landlock(7) out of data. Which rights there are is asked of the kernel one by one, not looked
 * up by its version: so those that are younger than this file work too. Owns what it opens until it is added.
 */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../base/fd.h"

/* The kernel's layouts, by number since libc's may be older. */
struct denied {
    uint64_t fs, net, scope;
};
struct beneath_path {
    uint64_t allow;
    int32_t fd;
} __attribute__((packed));
struct of_port {
    uint64_t allow, port;
};
enum { RULE_PATH = 1, RULE_PORT = 2 };

#define MOST_PORT 65535
/* READ_DIR, and REMOVE_DIR to REFER: of no meaning for a file. */
#define ONLY_DIRECTORIES UINT64_C(0x3ff8)

int proc__landlock_is_wanted(const proc_sandbox *options)
{
    return (options->deny_fs | options->deny_net | options->scope) != 0;
}

/* ---- Before anything is made ---- */

static const char *wrong_with(const proc_landlock_rule *rule, const proc_sandbox *options)
{
    if (rule->reserved != 0)
        return ".sandbox->rules: a member that must be 0";
    if (rule->path && rule->port != 0)
        return ".sandbox->rules: path and port exclude each other";
    if (rule->port > MOST_PORT)
        return ".sandbox->rules: no such port";
    if (rule->allow == 0)
        return ".sandbox->rules: nothing is allowed";
    if (rule->allow & ~(rule->path ? options->deny_fs : options->deny_net))
        return ".sandbox->rules: allows what is not denied";
    return NULL;
}

int proc__landlock_check(const proc_sandbox *options, struct failure *ret_failure)
{
    const proc_landlock_rules *rules = &options->rules;
    if (rules->count > 0 && !rules->items)
        return proc__refuse(ret_failure, EINVAL, ".sandbox->rules without .items");
    if (rules->count > INT32_MAX)
        return proc__refuse(ret_failure, EINVAL, ".sandbox->rules: too many");
    for (size_t i = 0; i < rules->count; i++) {
        const char *wrong = wrong_with(&rules->items[i], options);
        if (wrong)
            return proc__fail(ret_failure, PROC_STEP_LANDLOCK, EINVAL, (int)i, wrong); /* which one */
    }
    if (options->best_effort && !proc__landlock_is_wanted(options))
        return proc__refuse(ret_failure, EINVAL, ".sandbox->best_effort without deny_fs, deny_net, scope");
    return 0;
}

/* ---- What the kernel has ---- */

static int create(const struct denied *denied)
{
    int fd = (int)proc__syscall(SYS_landlock_create_ruleset, (long)denied, sizeof *denied, 0, 0, 0, 0);
    return fd < 0 ? fd : proc__fd_above_stdio(fd);
}

/* The right, or the whole kind of rights. */
static int is_unknown_right(int rc)
{
    return rc == -EINVAL || rc == -E2BIG;
}

/* Not built in, not enabled, hidden by a filter. */
static int is_missing(int rc)
{
    return rc == -ENOSYS || rc == -EOPNOTSUPP || rc == -EPERM;
}

/* Takes out of *set, a part of *only, the rights that the kernel lacks. */
static int leave_out_unknown(uint64_t *set, uint64_t *only, const struct denied *denied)
{
    uint64_t known = 0;
    for (int right = 0; right < 64; right++) {
        *only = *set & UINT64_C(1) << right;
        if (!*only)
            continue;
        int fd = create(denied);
        if (fd < 0 && !is_unknown_right(fd) && !is_missing(fd))
            return fd;
        if (fd >= 0)
            known |= *only;
        proc__fd_close(&fd);
    }
    *set = known;
    *only = 0;
    return 0;
}

static int leave_out_all_unknown(struct denied *denied)
{
    struct denied single = {0, 0, 0};
    int rc = leave_out_unknown(&denied->fs, &single.fs, &single);
    if (rc == 0)
        rc = leave_out_unknown(&denied->net, &single.net, &single);
    if (rc == 0)
        rc = leave_out_unknown(&denied->scope, &single.scope, &single);
    return rc;
}

static int tell_missing(struct failure *ret_failure, int rc)
{
    int lacks_right = is_unknown_right(rc);
    proc__fail(ret_failure, PROC_STEP_LANDLOCK, lacks_right ? EOPNOTSUPP : -rc, -1, NULL);
    if (lacks_right)
        ret_failure->reason = "this kernel lacks one of the rights";
    else if (is_missing(rc))
        ret_failure->reason = "there is no landlock here";
    return -ret_failure->code;
}

/* *denied becomes what really is. A descriptor; -1: nothing is; another negative errno in the failure. */
static int create_or_leave_out(struct denied *denied, int best_effort, int *ret_ruleset, struct failure *ret_failure)
{
    int fd = create(denied);
    *ret_ruleset = -1;
    if (best_effort && (is_unknown_right(fd) || is_missing(fd))) {
        int rc = leave_out_all_unknown(denied);
        if (rc < 0)
            return tell_missing(ret_failure, rc);
        if (!(denied->fs | denied->net | denied->scope))
            return 0;
        fd = create(denied);
    }
    if (fd < 0)
        return tell_missing(ret_failure, fd);
    *ret_ruleset = fd;
    return 0;
}

/* ---- Rules ---- */

static int fail_rule(struct failure *ret_failure, int rc, size_t index, const char *path)
{
    return proc__fail(ret_failure, PROC_STEP_LANDLOCK, -rc, (int)index, path);
}

static int add(int ruleset, int kind, const void *rule)
{
    return (int)proc__syscall(SYS_landlock_add_rule, ruleset, kind, (long)rule, 0, 0, 0);
}

/* There is a use for the rule as it was asked for, if not for what the kernel has of it: -ENOTDIR: there is none. */
static int add_beneath(int ruleset, int fd, uint64_t asked, uint64_t known)
{
    struct stat about;
    int is_file = fstat(fd, &about) == 0 && !S_ISDIR(about.st_mode);
    uint64_t possible = is_file ? ~ONLY_DIRECTORIES : UINT64_MAX;
    const struct beneath_path rule = {known & possible, fd};
    if (!(asked & possible))
        return -ENOTDIR;
    return rule.allow ? add(ruleset, RULE_PATH, &rule) : 0;
}

static int add_path(int ruleset, const char *path, uint64_t asked, uint64_t known)
{
    int fd = proc__fd_open(path, O_PATH, 0);
    if (fd < 0)
        return fd;
    int rc = add_beneath(ruleset, fd, asked, known);
    proc__fd_close(&fd);
    return rc;
}

static int add_rules(int ruleset, const proc_landlock_rules *rules, const struct denied *denied,
                     struct failure *ret_failure)
{
    for (size_t i = 0; i < rules->count; i++) {
        const proc_landlock_rule *rule = &rules->items[i];
        uint64_t allow = rule->allow & (rule->path ? denied->fs : denied->net);
        const struct of_port port = {allow, rule->port};
        if (!allow)
            continue;
        int rc = rule->path ? add_path(ruleset, rule->path, rule->allow, allow) : add(ruleset, RULE_PORT, &port);
        if (rc < 0)
            return fail_rule(ret_failure, rc, i, rule->path);
    }
    return 0;
}

int proc__landlock_make(int *ret_ruleset, const proc_sandbox *options, struct failure *ret_failure)
{
    struct denied denied = {options->deny_fs, options->deny_net, options->scope};
    int ruleset;
    int rc = create_or_leave_out(&denied, (int)options->best_effort, &ruleset, ret_failure);
    if (rc == 0 && ruleset >= 0)
        rc = add_rules(ruleset, &options->rules, &denied, ret_failure);
    if (rc < 0)
        proc__fd_close(&ruleset);
    *ret_ruleset = ruleset;
    return rc;
}

/* ---- In the new process ---- */

struct report proc__landlock_enter(int ruleset)
{
    long rc = proc__step_call(SYS_landlock_restrict_self, ruleset, 0, 0);
    return rc < 0 ? proc__step_failed(PROC_STEP_LANDLOCK, rc, -1) : STEP_DONE;
}
