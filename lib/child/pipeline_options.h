/* SPDX-License-Identifier: MIT */
/* The options of a pipeline and those of its stages: what each may say, and what holds for a stage in the end. */
#ifndef PROC_LIB_CHILD_PIPELINE_OPTIONS_H
#define PROC_LIB_CHILD_PIPELINE_OPTIONS_H

#include "../base/system.h"

#include <proc/spawn.h>

#include "../base/error.h"
#include "request.h"

/* What only a pipeline's, or only a stage's options must not say. The rest is for the check of a start. */
int proc__pipeline_options_check(const proc_options *common, struct failure *ret_failure);
int proc__stage_options_check(const proc_options *own, size_t stage, size_t count, struct failure *ret_failure);
/* The same for the request that came of both, which knows what some options imply. */
int proc__stage_request_check(const struct request *request, const proc_options *common, size_t stage, size_t count,
                              struct failure *ret_failure);
/* The options by which a stage is started. */
void proc__stage_options_merge(proc_options *ret_both, const proc_options *own, const proc_options *common,
                               size_t stage, size_t count);

/* 1: this `err` of a pipeline is something that is made, once for all who have none of their own. */
int proc__pipeline_shares(const proc_stdio *err);

#endif
