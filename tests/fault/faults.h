/* One failure, once: of the N-th call of a function of the C library by brood or libuv, or of the
 * N-th allocation. Nothing fails before faults_arm(). */
#ifndef TESTS_FAULT_FAULTS_H
#define TESTS_FAULT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#define FAULT_MEMORY "memory"   /* the name of allocations */
#define FAULT_FILES "few_files" /* `number` - 1 fds are left until faults_lift() */

/* The functions that can fail here; NULL beyond the last. */
const char *fault_name(size_t index);
/* From now on the `number`-th call of `name`, counted from 1, fails. */
void faults_arm(const char *name, long number);
void faults_disarm(void);
/* A failure was seen: what lasts, ends. */
void faults_lift(void);
/* How many of them there were since. */
long faults_seen(void);
bool fault_fired(void);
/* The errno that was injected. */
int fault_errno(void);

#endif
