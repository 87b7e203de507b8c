/**
 * @file
 * Locks and their kin, in shared memory: between threads, processes, and both mixed.
 *
 * All of them travel in messages (brood_msg_attach) to any member of the family. A process that is
 * killed while it holds or waits for one of them leaves the others going: each type says what
 * becomes of what the dead one had.
 */
#ifndef BROOD_SYNC_H
#define BROOD_SYNC_H

#include <brood/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- lock ---------------------------------------------------------------------------------------
 * A plain lock belongs to the process that acquired it: any thread of it may release. A recursive
 * one belongs to an owner inside that process and can be acquired again by the same owner: `owner`
 * is a number that the caller chooses (a goroutine, a fiber; below 2^63), 0 stands for the calling
 * OS thread. Plain locks ignore it.
 */
typedef struct brood_lock_options {
  size_t struct_size;
  bool recursive;
} brood_lock_options;
#define BROOD_LOCK_OPTIONS_INIT \
  { sizeof(brood_lock_options), false }

BROOD_CALL brood_lock_create(const brood_lock_options *options, brood_lock **out,
                             brood_error **error);
/**
 * Acquire the lock.
 *
 * @return BROOD_E_TIMEOUT, BROOD_E_CANCELED; BROOD_E_OWNER_DIED when the process that held it died:
 *         what the lock guards may be half changed, see brood_lock_recover().
 */
BROOD_CALL brood_lock_acquire(brood_lock *lock, uint64_t owner, int64_t timeout_ms,
                              brood_cancel *cancel, brood_error **error);
/** Release the lock. BROOD_E_STATE when the caller does not hold it; nothing happens then. */
BROOD_CALL brood_lock_release(brood_lock *lock, uint64_t owner, brood_error **error);
/**
 * Take a lock whose holder died: put right what it guards, then release it.
 *
 * Until then every acquire fails with BROOD_E_OWNER_DIED. Of several who try one succeeds.
 *
 * @return BROOD_E_STATE when there is nothing to recover, or not any more.
 */
BROOD_CALL brood_lock_recover(brood_lock *lock, uint64_t owner, brood_error **error);
/** True while somebody holds it, dead holders included. */
BROOD_API bool brood_lock_locked(const brood_lock *lock);
BROOD_API void brood_lock_free(brood_lock *lock);
/** Ready while it can be acquired. */
BROOD_API brood_handle *brood_lock_handle(brood_lock *lock);

/* ---- semaphore ----------------------------------------------------------------------------------
 * A number of permits. Whoever acquires one need not be the one who releases it; permits in the
 * hands of a process that dies are gone. Owned permits belong to the process that acquired them:
 * only that process can release them, and when it dies they are there again.
 */
typedef struct brood_semaphore_options {
  size_t struct_size;
  bool bounded; /* never more than `value` permits: a release beyond is BROOD_E_STATE */
  bool owned;   /* bounded, and permits belong to processes; at most 4096 */
} brood_semaphore_options;
#define BROOD_SEMAPHORE_OPTIONS_INIT \
  { sizeof(brood_semaphore_options), false, false }

/** Make a semaphore with `value` permits, at most 2^31-1. */
BROOD_CALL brood_semaphore_create(uint32_t value, const brood_semaphore_options *options,
                                  brood_semaphore **out, brood_error **error);
BROOD_CALL brood_semaphore_acquire(brood_semaphore *semaphore, int64_t timeout_ms,
                                   brood_cancel *cancel, brood_error **error);
/** Give back `count` permits, all or none. BROOD_E_STATE for more than were acquired. */
BROOD_CALL brood_semaphore_release(brood_semaphore *semaphore, uint32_t count, brood_error **error);
/** The permits that are there right now. */
BROOD_API uint32_t brood_semaphore_value(const brood_semaphore *semaphore);
BROOD_API void brood_semaphore_free(brood_semaphore *semaphore);
/** Ready while there is a permit. */
BROOD_API brood_handle *brood_semaphore_handle(brood_semaphore *semaphore);

/* ---- condition ----------------------------------------------------------------------------------
 * Threads wait, giving up a lock meanwhile, until somebody signals. A signal goes to the one who
 * waits longest; if that one's process dies before it has the lock again, the next one gets it.
 */
typedef struct brood_condition_options {
  size_t struct_size;
  uint32_t max_waiters; /* at once; 0: 128; at most 4096 */
} brood_condition_options;
#define BROOD_CONDITION_OPTIONS_INIT \
  { sizeof(brood_condition_options), 0 }

BROOD_CALL brood_condition_create(const brood_condition_options *options, brood_condition **out,
                                  brood_error **error);
/**
 * Release the lock, wait for a signal, and acquire the lock again.
 *
 * The lock is acquired again, however long that takes, also after BROOD_E_TIMEOUT and
 * BROOD_E_CANCELED. Check what you wait for in a loop: others may have been faster.
 *
 * @return BROOD_E_STATE when the caller does not hold the lock, BROOD_E_NO_SPACE when max_waiters
 * wait already: the lock is still held. BROOD_E_OWNER_DIED: a later holder died, the lock is not
 * held.
 */
BROOD_CALL brood_condition_wait(brood_condition *condition, brood_lock *lock, uint64_t owner,
                                int64_t timeout_ms, brood_cancel *cancel, brood_error **error);
/**
 * Wake up to `count` of those who wait: those who wait longest. Hold the lock, so that none is
 * missed.
 *
 * @param out_woken  how many were woken; NULL if that does not matter.
 */
BROOD_CALL brood_condition_signal(brood_condition *condition, uint32_t count, uint32_t *out_woken,
                                  brood_error **error);
/** Wake all who wait. */
BROOD_CALL brood_condition_broadcast(brood_condition *condition, brood_error **error);
BROOD_API void brood_condition_free(brood_condition *condition);
/** Never ready; for brood_msg_attach(). */
BROOD_API brood_handle *brood_condition_handle(brood_condition *condition);

/* ---- event --------------------------------------------------------------------------------------
 * A flag. Setting it wakes all who wait at that moment, also when it is cleared at once.
 */
BROOD_CALL brood_event_create(brood_event **out, brood_error **error);
BROOD_API void brood_event_set(brood_event *event);
BROOD_API void brood_event_clear(brood_event *event);
BROOD_API bool brood_event_is_set(const brood_event *event);
/** Wait until it is set, or was set since the call. */
BROOD_CALL brood_event_wait(brood_event *event, int64_t timeout_ms, brood_cancel *cancel,
                            brood_error **error);
BROOD_API void brood_event_free(brood_event *event);
/** Ready while it is set. */
BROOD_API brood_handle *brood_event_handle(brood_event *event);

/* ---- barrier ------------------------------------------------------------------------------------
 * A number of parties wait for each other, round after round. It breaks when one of them gives up,
 * by timeout or token, when somebody aborts it, and when a process that has a handle to it is
 * killed; a process that ends by itself has left. A broken barrier lets nobody wait until it is
 * reset.
 */
/** Make a barrier for 1 to 32767 parties. */
BROOD_CALL brood_barrier_create(uint32_t parties, brood_barrier **out, brood_error **error);
/**
 * Wait for all parties.
 *
 * @param out_index  0 to parties-1, in the order of arrival, each of them once a round; may be
 * NULL.
 * @return BROOD_E_BROKEN; BROOD_E_TIMEOUT and BROOD_E_CANCELED, which break it for the others.
 */
BROOD_CALL brood_barrier_wait(brood_barrier *barrier, int64_t timeout_ms, brood_cancel *cancel,
                              uint32_t *out_index, brood_error **error);
/**
 * The same, but the last to arrive, whose index is parties-1, returns while the others still wait:
 * it does what has to be done once a round, then calls brood_barrier_open(), or
 * brood_barrier_abort().
 */
BROOD_CALL brood_barrier_arrive(brood_barrier *barrier, int64_t timeout_ms, brood_cancel *cancel,
                                uint32_t *out_index, brood_error **error);
/** Let the others go. BROOD_E_STATE when they are not all here, BROOD_E_BROKEN. */
BROOD_CALL brood_barrier_open(brood_barrier *barrier, brood_error **error);
/** Break it: all who wait, and all who come, get BROOD_E_BROKEN. */
BROOD_API void brood_barrier_abort(brood_barrier *barrier);
/** Make it new; who still waits gets BROOD_E_BROKEN. */
BROOD_API void brood_barrier_reset(brood_barrier *barrier);
BROOD_API uint32_t brood_barrier_parties(const brood_barrier *barrier);
/** How many wait in this round; 0 if it is broken. */
BROOD_API uint32_t brood_barrier_waiting(const brood_barrier *barrier);
BROOD_API bool brood_barrier_broken(const brood_barrier *barrier);
BROOD_API void brood_barrier_free(brood_barrier *barrier);
/** Never ready; for brood_msg_attach(). */
BROOD_API brood_handle *brood_barrier_handle(brood_barrier *barrier);

/* ---- read-write lock ----------------------------------------------------------------------------
 * Many may read, or one may write; who wants to write goes first. Holds belong to processes. A
 * reader that dies leaves nothing; after a writer that dies every acquire is BROOD_E_OWNER_DIED
 * until the lock is recovered.
 */
typedef struct brood_rwlock_options {
  size_t struct_size;
  uint32_t max_readers; /* at once, more wait; 0: 128; at most 4096 */
} brood_rwlock_options;
#define BROOD_RWLOCK_OPTIONS_INIT \
  { sizeof(brood_rwlock_options), 0 }

BROOD_CALL brood_rwlock_create(const brood_rwlock_options *options, brood_rwlock **out,
                               brood_error **error);
BROOD_CALL brood_rwlock_acquire_read(brood_rwlock *lock, int64_t timeout_ms, brood_cancel *cancel,
                                     brood_error **error);
BROOD_CALL brood_rwlock_acquire_write(brood_rwlock *lock, int64_t timeout_ms, brood_cancel *cancel,
                                      brood_error **error);
/** BROOD_E_STATE when this process does not hold it so. */
BROOD_CALL brood_rwlock_release_read(brood_rwlock *lock, brood_error **error);
BROOD_CALL brood_rwlock_release_write(brood_rwlock *lock, brood_error **error);
/** Take a lock whose writer died, for writing. BROOD_E_STATE when there is nothing to recover. */
BROOD_CALL brood_rwlock_recover(brood_rwlock *lock, brood_error **error);
BROOD_API void brood_rwlock_free(brood_rwlock *lock);
/** Ready while it can be read. */
BROOD_API brood_handle *brood_rwlock_handle(brood_rwlock *lock);

#ifdef __cplusplus
}
#endif
#endif
