/* SPDX-License-Identifier: MIT */
/* Our loop in a real GLib main loop, if the build found one: it sees a descriptor, and asks us when that is readable. */
#define _GNU_SOURCE 1
#include "loops.h"
#include "started.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <proc/loop.h>

/* How often each had its turn. */
struct turns {
    int ours, theirs;
};

#ifdef HAVE_GLIB
#include <glib-unix.h>
#include <glib.h>

struct nested {
    proc_loop *ours;
    GMainLoop *theirs;
    struct turns *turns;
    int expected, rc; /* callbacks of ours that are to come; what went wrong */
};

static gboolean our_turn(gint fd, GIOCondition condition, gpointer user)
{
    struct nested *nested = user;
    (void)fd, (void)condition;
    nested->turns->ours++;
    int count = proc_loop_dispatch(nested->ours, 0);
    nested->rc = count < 0 ? count : nested->rc;
    nested->expected -= count;
    if (count < 0 || nested->expected <= 0)
        g_main_loop_quit(nested->theirs);
    return G_SOURCE_CONTINUE;
}

static gboolean too_late(gpointer user)
{
    struct nested *nested = user;
    nested->rc = -ETIMEDOUT;
    g_main_loop_quit(nested->theirs);
    return G_SOURCE_CONTINUE;
}

static gboolean their_turn(gpointer user)
{
    struct turns *turns = user;
    turns->theirs++;
    return G_SOURCE_CONTINUE;
}

static void attach(GSource *source, GMainContext *context, GSourceFunc call, void *user)
{
    g_source_set_callback(source, call, user, NULL);
    g_source_attach(source, context);
    g_source_unref(source);
}

/* Runs GLib's loop until so many callbacks of ours have been made. 0, or what went wrong. */
static int run_nested(proc_loop *ours, int callbacks, struct turns *turns)
{
    GMainContext *context = g_main_context_new();
    GMainLoop *theirs = g_main_loop_new(context, FALSE);
    struct nested nested = {.ours = ours, .theirs = theirs, .turns = turns, .expected = callbacks};
    attach(g_unix_fd_source_new(proc_loop_fd(ours), G_IO_IN), context, G_SOURCE_FUNC(our_turn), &nested);
    attach(g_timeout_source_new(PATIENCE_MS), context, too_late, &nested);
    attach(g_timeout_source_new(1), context, their_turn, turns);
    g_main_loop_run(theirs);
    g_main_loop_unref(theirs);
    g_main_context_unref(context);
    return nested.rc;
}

static int needs_glib(void **state)
{
    (void)state;
    return 0;
}
#else
static int run_nested(proc_loop *ours, int callbacks, struct turns *turns)
{
    (void)ours, (void)callbacks, (void)turns;
    return -ENOSYS;
}

static int needs_glib(void **state)
{
    (void)state;
    leave_out("built without GLib");
    return 0;
}
#endif

static int needs_glib_and_pidfds(void **state)
{
    int rc = needs_pidfds(state);
    return rc != 0 ? rc : needs_glib(state);
}

static int hear(proc_watch *watch, const proc_signal *signal, void *user)
{
    (void)watch;
    *(int *)user = signal->signal;
    return 0;
}

static void timers_signals_and_calls_come_in_a_glib_loop(void **state)
{
    (void)state;
    struct turns turns = {0};
    struct ticks once = {0}, often = {0};
    struct seen seen = {0};
    int heard = 0;
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, PROC_SIGNAL(SIGUSR1), hear, &heard, NULL), 0);
    assert_rc(proc_loop_timer(loop, 30, 0, tick, &once, NULL), 0);
    assert_rc(proc_loop_timer(loop, 20, 20, tick, &often, NULL), 0);
    assert_rc(proc_loop_defer(loop, note_call, &seen, NULL), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_rc(run_nested(loop, 8, &turns), 0);
    assert_int_equal(heard, SIGUSR1);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(once.calls, 1);
    assert_int_equal(often.calls, 5);
    /* Neither starves the other, and ours is not readable for nothing. */
    assert_true(turns.theirs > 0);
    assert_in_range(turns.ours, 1, 30);
    proc_loop_free(loop);
}

struct told {
    int calls, bytes;
};

static int tell(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    struct told *told = user;
    proc_result result;
    (void)watch;
    if (ended->kind == PROC_EXITED && ended->code == 0 && proc_collect(child, 0, &result) == 0) {
        told->bytes += (int)result.out.len;
        proc_result_done(&result);
    }
    told->calls++;
    proc_child_free(child);
    return 0;
}

static void children_are_fed_and_told_in_a_glib_loop(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct turns turns = {0};
    struct told told = {0};
    proc_loop *loop = new_loop();
    for (int i = 0; i < COUNT; i++) {
        proc_child *child = start(PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_TEXT("through\n"), .out = PROC_CAPTURE));
        assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    }
    assert_rc(run_nested(loop, COUNT, &turns), 0);
    assert_int_equal(told.calls, COUNT);
    assert_int_equal(told.bytes, COUNT * 8);
    assert_false(is_readable(proc_loop_fd(loop), 0));
    proc_loop_free(loop);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(timers_signals_and_calls_come_in_a_glib_loop, needs_glib),
        cmocka_unit_test_setup(children_are_fed_and_told_in_a_glib_loop, needs_glib_and_pidfds),
    };
    return run_suite("loop-glib", tests, sizeof tests / sizeof tests[0], argc, argv);
}
