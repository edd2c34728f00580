/* SPDX-License-Identifier: MIT */
/* The jobs of the small shell: pipelines that run, in the foreground or behind it, and those that are stopped. */
#ifndef SHELL_JOBS_H
#define SHELL_JOBS_H

#include "shell_parse.h"

/* Once, before the first job. interactive: there is a terminal, which is handed out to the job in the foreground. */
void jobs_begin(int interactive);
/* Gives the terminal back to who had it before. */
void jobs_end(void);
/* Runs a pipeline; one in the foreground to its end, or until it is stopped. What the shell calls its status. */
int job_run(const struct pipeline *pipeline);
/* Lists all; tells only of those that have stopped or ended since the last time, and forgets who has ended. */
void jobs_list(void);
void jobs_report(void);
/* Goes on with job number `number`, 0 = the last one: in the foreground, or behind it. Its status; 1: no such job. */
int job_foreground(int number);
int job_background(int number);

#endif
