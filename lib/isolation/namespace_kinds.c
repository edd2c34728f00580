/* SPDX-License-Identifier: MIT */
/* The table of what kinds of namespaces there are. Keeps nothing. */
#include "namespace_kinds.h"

#include <sched.h>

const struct namespace_kind proc__namespace_kinds[NAMESPACE_KINDS] = {
    {PROC_NS_USER, CLONE_NEWUSER, "ns/user"},
    {PROC_NS_CGROUP, CLONE_NEWCGROUP, "ns/cgroup"},
    {PROC_NS_IPC, CLONE_NEWIPC, "ns/ipc"},
    {PROC_NS_UTS, CLONE_NEWUTS, "ns/uts"},
    {PROC_NS_NET, CLONE_NEWNET, "ns/net"},
    {PROC_NS_PID, CLONE_NEWPID, "ns/pid"},
    {PROC_NS_TIME, CLONE_NEWTIME, "ns/time"},
    {PROC_NS_MOUNT, CLONE_NEWNS, "ns/mnt"},
};

unsigned proc__namespace_flags(uint32_t bits)
{
    unsigned flags = 0;
    for (int i = 0; i < NAMESPACE_KINDS; i++)
        if (bits & proc__namespace_kinds[i].bit)
            flags |= proc__namespace_kinds[i].flag;
    return flags;
}

const char *proc__namespace_name(uint32_t bit)
{
    for (int i = 0; i < NAMESPACE_KINDS; i++)
        if (proc__namespace_kinds[i].bit == bit)
            return proc__namespace_kinds[i].file + sizeof "ns/" - 1;
    return "";
}
