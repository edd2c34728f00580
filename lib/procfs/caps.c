/* SPDX-License-Identifier: MIT */
/* Capabilities in words. Pure. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/status.h>

#include "../base/text.h"

static const char *const names[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};

const char *proc_cap_name(int cap)
{
    return cap >= 0 && (size_t)cap < sizeof names / sizeof names[0] ? names[cap] : NULL;
}

int proc_caps_text(uint64_t caps, char *ret_text, size_t size)
{
    if (!ret_text && size > 0)
        return -EINVAL;
    struct text text = proc__text_into(ret_text, size);
    for (int cap = 0; cap < 64; cap++) {
        if (!(caps >> cap & 1))
            continue;
        if (text.needed > 0)
            proc__text_put(&text, ",", 1);
        if (proc_cap_name(cap))
            proc__text_print(&text, "%s", proc_cap_name(cap));
        else
            proc__text_print(&text, "%d", cap);
    }
    return (int)proc__text_length(&text);
}
