/* SPDX-License-Identifier: MIT */
/*
 * The keys of /proc/<pid>/status, one row each. Parser and printer both go by this table and know no key by name, so a
 * key of a coming kernel is one row here, one number and one member in the header. All of it is constant.
 */
#include "status_keys.h"

#include <string.h>

/* A string that fills an array cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
/* clang-format off */
#define ROW(spelled, key, looks, member)                     \
    {                                                        \
        .name = spelled,                                     \
        .len = sizeof spelled - 1,                           \
        .number = PROC_KEY_##key,                            \
        .form = FORM_##looks,                                \
        .size = (uint8_t)sizeof(((proc_status *)0)->member), \
        .offset = (uint16_t)offsetof(proc_status, member),   \
    }

_Static_assert(sizeof(proc_status) <= UINT16_MAX, "offsets do not fit");
_Static_assert(sizeof(((proc_status *)0)->ns_pid) <= UINT8_MAX, "sizes do not fit");

const struct key proc__status_keys[PROC_KEY_COUNT] = {
    ROW("Name",                       NAME,                        NAME,            name),
    ROW("Umask",                      UMASK,                       OCTAL,           umask),
    ROW("State",                      STATE,                       STATE,           state),
    ROW("SleepAVG",                   SLEEP_AVG,                   PERCENT,         sleep_avg_percent),
    ROW("Tgid",                       TGID,                        PID,             tgid),
    ROW("Ngid",                       NGID,                        PID,             ngid),
    ROW("Pid",                        PID,                         PID,             pid),
    ROW("PPid",                       PPID,                        PID,             ppid),
    ROW("TracerPid",                  TRACER_PID,                  PID,             tracer_pid),
    ROW("Uid",                        UID,                         IDS,             uid),
    ROW("Gid",                        GID,                         IDS,             gid),
    ROW("FDSize",                     FD_SIZE,                     COUNT,           fd_size),
    ROW("Groups",                     GROUPS,                      GROUPS,          groups),
    ROW("NStgid",                     NS_TGID,                     NAMESPACES,      ns_tgid),
    ROW("NSpid",                      NS_PID,                      NAMESPACES,      ns_pid),
    ROW("NSpgid",                     NS_PGID,                     NAMESPACES,      ns_pgid),
    ROW("NSsid",                      NS_SID,                      NAMESPACES,      ns_sid),
    ROW("Kthread",                    KTHREAD,                     COUNT,           kthread),
    ROW("VmPeak",                     VM_PEAK,                     KB,              vm_peak_kb),
    ROW("VmSize",                     VM_SIZE,                     KB,              vm_size_kb),
    ROW("VmLck",                      VM_LCK,                      KB,              vm_locked_kb),
    ROW("VmPin",                      VM_PIN,                      KB,              vm_pinned_kb),
    ROW("VmHWM",                      VM_HWM,                      KB,              vm_hwm_kb),
    ROW("VmRSS",                      VM_RSS,                      KB,              vm_rss_kb),
    ROW("RssAnon",                    RSS_ANON,                    KB,              rss_anon_kb),
    ROW("RssFile",                    RSS_FILE,                    KB,              rss_file_kb),
    ROW("RssShmem",                   RSS_SHMEM,                   KB,              rss_shmem_kb),
    ROW("VmData",                     VM_DATA,                     KB,              vm_data_kb),
    ROW("VmStk",                      VM_STK,                      KB,              vm_stack_kb),
    ROW("VmExe",                      VM_EXE,                      KB,              vm_exe_kb),
    ROW("VmLib",                      VM_LIB,                      KB,              vm_lib_kb),
    ROW("VmPTE",                      VM_PTE,                      KB,              vm_pte_kb),
    ROW("VmPMD",                      VM_PMD,                      KB,              vm_pmd_kb),
    ROW("VmSwap",                     VM_SWAP,                     KB,              vm_swap_kb),
    ROW("HugetlbPages",               HUGETLB_PAGES,               KB,              hugetlb_kb),
    ROW("Mem",                        MEM,                         BYTES,           nommu_mem_bytes),
    ROW("Slack",                      SLACK,                       BYTES,           nommu_slack_bytes),
    ROW("Shared",                     SHARED,                      BYTES,           nommu_shared_bytes),
    ROW("CoreDumping",                CORE_DUMPING,                COUNT,           core_dumping),
    ROW("THP_enabled",                THP_ENABLED,                 COUNT,           thp_enabled),
    ROW("untag_mask",                 UNTAG_MASK,                  ADDRESS,         untag_mask),
    ROW("Threads",                    THREADS,                     COUNT,           threads),
    ROW("SigQ",                       SIG_Q,                       QUEUE,           sigq_queued),
    ROW("SigPnd",                     SIG_PND,                     SIGNALS,         sig_pending),
    ROW("ShdPnd",                     SHD_PND,                     SIGNALS,         shared_pending),
    ROW("SigBlk",                     SIG_BLK,                     SIGNALS,         sig_blocked),
    ROW("SigIgn",                     SIG_IGN,                     SIGNALS,         sig_ignored),
    ROW("SigCgt",                     SIG_CGT,                     SIGNALS,         sig_caught),
    ROW("CapInh",                     CAP_INH,                     CAPS,            cap_inheritable),
    ROW("CapPrm",                     CAP_PRM,                     CAPS,            cap_permitted),
    ROW("CapEff",                     CAP_EFF,                     CAPS,            cap_effective),
    ROW("CapBnd",                     CAP_BND,                     CAPS,            cap_bounding),
    ROW("CapAmb",                     CAP_AMB,                     CAPS,            cap_ambient),
    ROW("NoNewPrivs",                 NO_NEW_PRIVS,                COUNT,           no_new_privs),
    ROW("Seccomp",                    SECCOMP,                     COUNT,           seccomp),
    ROW("Seccomp_filters",            SECCOMP_FILTERS,             COUNT,           seccomp_filters),
    ROW("Speculation_Store_Bypass",   SPECULATION_STORE_BYPASS,    STORE_BYPASS,    store_bypass_text),
    ROW("SpeculationIndirectBranch",  SPECULATION_INDIRECT_BRANCH, INDIRECT_BRANCH, indirect_branch_text),
    ROW("Cpus_allowed",               CPUS_ALLOWED,                TEXT,            cpus_mask),
    ROW("Cpus_allowed_list",          CPUS_ALLOWED_LIST,           TEXT,            cpus_list),
    ROW("Mems_allowed",               MEMS_ALLOWED,                TEXT,            mems_mask),
    ROW("Mems_allowed_list",          MEMS_ALLOWED_LIST,           TEXT,            mems_list),
    ROW("voluntary_ctxt_switches",    VOLUNTARY_SWITCHES,          LONG,            voluntary_switches),
    ROW("nonvoluntary_ctxt_switches", NONVOLUNTARY_SWITCHES,       LONG,            nonvoluntary_switches),
    ROW("Stack usage",                STACK_USAGE,                 PLAIN_KB,        stack_usage_kb),
    ROW("x86_Thread_features",        X86_THREAD_FEATURES,         FEATURES,        thread_features),
    ROW("x86_Thread_features_locked", X86_THREAD_FEATURES_LOCKED,  FEATURES,        thread_features_locked),
};

struct wording {
    uint32_t kind;
    uint32_t len;
    const char *words;
};

#define WORDS(kind, words) {kind, sizeof words - 1, words}

static const struct wording store_bypass[] = {
    WORDS(PROC_SPECULATION_UNKNOWN, "unknown"),
    WORDS(PROC_SPECULATION_NOT_AFFECTED, "not vulnerable"),
    WORDS(PROC_SPECULATION_THREAD_FORCE_MITIGATED, "thread force mitigated"),
    WORDS(PROC_SPECULATION_THREAD_MITIGATED, "thread mitigated"),
    WORDS(PROC_SPECULATION_THREAD_VULNERABLE, "thread vulnerable"),
    WORDS(PROC_SPECULATION_GLOBALLY_MITIGATED, "globally mitigated"),
    WORDS(PROC_SPECULATION_VULNERABLE, "vulnerable"),
    {0, 0, NULL},
};

static const struct wording indirect_branch[] = {
    WORDS(PROC_SPECULATION_UNKNOWN, "unknown"),
    WORDS(PROC_SPECULATION_UNSUPPORTED, "unsupported"),
    WORDS(PROC_SPECULATION_NOT_AFFECTED, "not affected"),
    WORDS(PROC_SPECULATION_CONDITIONAL_FORCE_DISABLED, "conditional force disabled"),
    WORDS(PROC_SPECULATION_CONDITIONAL_DISABLED, "conditional disabled"),
    WORDS(PROC_SPECULATION_CONDITIONAL_ENABLED, "conditional enabled"),
    WORDS(PROC_SPECULATION_ALWAYS_ENABLED, "always enabled"),
    WORDS(PROC_SPECULATION_ALWAYS_DISABLED, "always disabled"),
    {0, 0, NULL},
};
/* clang-format on */
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct wording *wordings_of(enum form form)
{
    return form == FORM_STORE_BYPASS ? store_bypass : indirect_branch;
}

const char *proc__speculation_words(enum form form, uint32_t kind)
{
    const struct wording *wording = wordings_of(form);
    while (wording->words && wording->kind != kind)
        wording++;
    return wording->words;
}

uint32_t proc__speculation_kind(enum form form, proc_span words)
{
    for (const struct wording *wording = wordings_of(form); wording->words; wording++)
        if (wording->len == words.len && memcmp(wording->words, words.data, words.len) == 0)
            return wording->kind;
    return PROC_SPECULATION_OTHER_TEXT;
}
