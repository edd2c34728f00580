/* SPDX-License-Identifier: MIT */
/*
 * Pseudoterminals by the kernel's own steps: libc's posix_openpt(3) has no close-on-exec on older systems, and its
 * ptsname(3) a buffer for all threads. Owns nothing; knows no process.
 */
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "fd.h"

#define USUAL_ROWS 24
#define USUAL_COLUMNS 80

/* By its name. "pts" beside "ptmx" is the file system that the kernel made the pair in, also in a container. */
static int open_theirs_by_name(int ours)
{
    char path[32];
    unsigned number;
    if (ioctl(ours, TIOCGPTN, &number) < 0)
        return -errno;
    snprintf(path, sizeof path, "/dev/pts/%u", number);
    return proc__fd_open(path, O_RDWR, 0);
}

/* From its pair, whatever is mounted where; a filter or an emulator may lack the call. */
static int open_theirs(int ours)
{
    int fd = -1;
    errno = ENOTTY;
#ifdef TIOCGPTPEER
    fd = ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
#endif
    if (fd >= 0)
        return proc__fd_above_stdio(fd);
    return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : open_theirs_by_name(ours);
}

int proc__pty_open(struct pty *ret_pty)
{
    static const int unlocked = 0;
    int ours = proc__fd_open("/dev/ptmx", O_RDWR, 0);
    if (ours < 0)
        return ours;
    int theirs = ioctl(ours, TIOCSPTLCK, &unlocked) < 0 ? -errno : open_theirs(ours);
    if (theirs < 0) {
        proc__fd_close(&ours);
        return theirs;
    }
    *ret_pty = (struct pty){ours, theirs};
    return 0;
}

int proc__pty_resize(int fd, int rows, int columns)
{
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int proc__pty_make_raw(int theirs)
{
    struct termios modes;
    if (tcgetattr(theirs, &modes) < 0)
        return -errno;
    cfmakeraw(&modes);
    return tcsetattr(theirs, TCSANOW, &modes) < 0 ? -errno : 0;
}

int proc__pty_give_to(int theirs, uint32_t uid)
{
    return fchown(theirs, uid, (gid_t)-1) < 0 ? -errno : 0;
}

void proc__pty_usual_size(int *ret_rows, int *ret_columns)
{
    struct winsize size;
    *ret_rows = USUAL_ROWS;
    *ret_columns = USUAL_COLUMNS;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
            *ret_rows = size.ws_row;
            *ret_columns = size.ws_col;
            return;
        }
}
