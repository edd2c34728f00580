/* SPDX-License-Identifier: MIT */
/* All that a test binary includes before the headers of what it tests. */
#ifndef PROC_TESTS_TEST_H
#define PROC_TESTS_TEST_H

#include "suite.h"

#include "forked.h"
#include "names.h"
#include "patience.h"
#include "processes.h"
#include "report.h"
#include "tools.h"
#include "world.h"

#endif
