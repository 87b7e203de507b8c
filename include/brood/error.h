/**
 * @file
 * Status codes and the error record behind them.
 */
#ifndef BROOD_ERROR_H
#define BROOD_ERROR_H

#include <brood/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * BROOD_OK or a negative code. The numbers are the same on every platform, travel between
 * processes, and never change their meaning.
 */
typedef int32_t brood_status;

enum {
  BROOD_OK = 0,
  /* Expected outcomes; their records are static, so reporting them cannot fail. */
  BROOD_E_TIMEOUT = -1,  /* the time ran out, or 0 ms found nothing */
  BROOD_E_CLOSED = -2,   /* nothing more will arrive, or be accepted */
  BROOD_E_CANCELED = -3, /* a token was fired, or the task was cancelled */
  /* The caller's doing. */
  BROOD_E_INVALID = -10,     /* an argument breaks its stated rule */
  BROOD_E_STATE = -11,       /* the right call at the wrong moment */
  BROOD_E_NO_FUNCTION = -12, /* the worker registered no function of that name */
  BROOD_E_TOO_BIG = -13,     /* more than could ever fit */
  BROOD_E_UNSUPPORTED = -14, /* not on this platform, or asked by a newer header */
  BROOD_E_FORKED = -15,      /* the handle belongs to the process that forked this one */
  /* The machine's doing. */
  BROOD_E_NO_MEMORY = -20,
  BROOD_E_OS = -21,       /* see brood_error_os_code() */
  BROOD_E_NO_SPACE = -22, /* a fixed table is full */
  /* Another process's doing. */
  BROOD_E_REMOTE = -30,       /* the function ran and reported failure */
  BROOD_E_WORKER_LOST = -31,  /* the worker died in it: see pid, exit code, signal */
  BROOD_E_TASK_TIMEOUT = -32, /* the run limit passed and the worker was killed */
  BROOD_E_OWNER_DIED = -33,   /* a lock's holder died */
  BROOD_E_PROTOCOL = -34,     /* the other side sent bytes that break the protocol */
  BROOD_E_INIT_FAILED = -35,  /* a worker could not be made ready */
  BROOD_E_BROKEN = -36,       /* workers died again and again without finishing a task; a barrier */
  BROOD_E_INTERNAL = -99      /* a bug in brood */
};

/**
 * The most recent failure on this thread, or NULL if there was none.
 *
 * Successful calls leave it alone, so look only after a negative status. Callers that may change
 * threads between two calls (goroutines, virtual threads) use the `error` parameter instead.
 *
 * @return borrowed; valid until the next failing brood call on this thread.
 */
BROOD_API const brood_error *brood_last_error(void);

/** "BROOD_E_TIMEOUT"; "BROOD_E_?" for a number that is no code. Borrowed, static. */
BROOD_API const char *brood_status_name(brood_status status);

/** Every getter accepts NULL. Strings are UTF-8, never NULL, and live as long as the error. */
BROOD_API brood_status brood_error_code(const brood_error *error);
/** What was tried, on what, why it failed, and what would be right. */
BROOD_API const char *brood_error_message(const brood_error *error);
/** The remote error's class, such as "java.io.IOException", or "". */
BROOD_API const char *brood_error_kind(const brood_error *error);
/** The remote stack trace as text, or "". */
BROOD_API const char *brood_error_traceback(const brood_error *error);
/** The process that failed; 0 for this one. */
BROOD_API int64_t brood_error_pid(const brood_error *error);
/** The code that the process exited with; -1 if it did not exit by itself. */
BROOD_API int32_t brood_error_exit_code(const brood_error *error);
/** The signal that ended the process; 0 for none. */
BROOD_API int32_t brood_error_signal(const brood_error *error);
/** errno of the failed system call; 0 for none. */
BROOD_API int32_t brood_error_os_code(const brood_error *error);

/** A copy that the caller owns; NULL for NULL or when memory is out. */
BROOD_API brood_error *brood_error_copy(const brood_error *error);
BROOD_API void brood_error_free(brood_error *error);

#ifdef __cplusplus
}
#endif
#endif
