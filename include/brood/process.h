/**
 * @file
 * Child processes: a registered function in a process of its own, or any program.
 *
 * Each child is the root of a process tree. When the child ends, or is ended, its whole tree is: no
 * grandchild stays behind, whatever it did to get away. When this program dies, every tree ends.
 */
#ifndef BROOD_PROCESS_H
#define BROOD_PROCESS_H

#include <brood/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a standard stream of a child goes. */
enum {
  BROOD_STDIO_DEFAULT = 0, /* stdin: the null device; stdout and stderr: inherited */
  BROOD_STDIO_INHERIT = 1,
  BROOD_STDIO_NULL = 2,
  BROOD_STDIO_PIPE = 3, /* brood_process_write() for stdin, brood_process_read() for the others */
  BROOD_STDIO_FILE = 4, /* `path`: stdin reads it; the others truncate it, or append */
  BROOD_STDIO_LINES = 5 /* stdout and stderr: `on_line` is called for each line */
};

/**
 * One line of a child's output, without its end of line. A last line without one is delivered too.
 * A line is never split, whatever its length.
 *
 * @note thread: runs on brood's own thread; it must not wait.
 */
typedef void (*brood_line_function)(const char *line, size_t size, void *context);

typedef struct brood_stdio {
  int32_t kind;
  bool append;
  const char *path;
  brood_line_function on_line;
  void *context;
} brood_stdio;

/** Limits of a child; zero leaves a limit as this process has it. */
typedef struct brood_limits {
  /** Memory of the whole tree, by a control group (version 2), where this program may make one: who
   *  needs more is killed, with "likely out of memory" in the error. Elsewhere private memory of
   * each process of the tree (RLIMIT_DATA): who needs more gets none, and may go on. */
  uint64_t memory_bytes;
  uint32_t cpu_seconds; /* then SIGXCPU, and SIGKILL one second later */
  uint32_t open_files;
  int64_t core_bytes;   /* -1: no core dumps */
  int32_t nice;         /* added to this process's own */
  uint32_t cpu_count;   /* how many `cpus` */
  const uint32_t *cpus; /* CPU numbers that the tree may use */
} brood_limits;

typedef struct brood_process_options {
  size_t struct_size;
  /** The program and its arguments, NULL-terminated, searched in PATH if it has no slash. Required
   *  by brood_process_spawn(). brood_process_start(): NULL runs this same program again. */
  const char *const *command;
  const char *const *env; /* "NAME=value" added to the environment, NULL-terminated */
  bool clear_env;         /* start from an empty environment */
  bool daemon;            /* ended, not joined, at brood_shutdown() */
  const char *cwd;        /* NULL: this process's */
  const char *name;       /* for people; NULL: the function or program */
  brood_stdio standard_input;
  brood_stdio standard_output;
  brood_stdio standard_error;
  brood_limits limits;
} brood_process_options;
#define BROOD_STDIO_INIT \
  { 0, false, NULL, NULL, NULL }
#define BROOD_LIMITS_INIT \
  { 0, 0, 0, 0, 0, 0, NULL }
#define BROOD_PROCESS_OPTIONS_INIT                                                         \
  {                                                                                        \
    sizeof(brood_process_options), NULL, NULL, false, false, NULL, NULL, BROOD_STDIO_INIT, \
        BROOD_STDIO_INIT, BROOD_STDIO_INIT, BROOD_LIMITS_INIT                              \
  }

/**
 * Run a registered function in a new process, which exits with 0 when it returns, 1 when it fails.
 *
 * @param data,size  the function's argument, see brood_task_args().
 */
BROOD_CALL brood_process_start(const char *function, const void *data, size_t size,
                               const brood_process_options *options, brood_process **out,
                               brood_error **error);
/** The same with a message, whose attached handles travel along. Consumes on success. */
BROOD_CALL brood_process_start_msg(const char *function, brood_msg *args,
                                   const brood_process_options *options, brood_process **out,
                                   brood_error **error);

/**
 * Run any program.
 *
 * @return BROOD_E_OS with errno and the path when it cannot be executed.
 */
BROOD_CALL brood_process_spawn(const brood_process_options *options, brood_process **out,
                               brood_error **error);

/** Wait until the process and its whole tree have ended. */
BROOD_CALL brood_process_join(brood_process *process, int64_t timeout_ms, brood_cancel *cancel,
                              brood_error **error);

/** Send a signal to every process of the tree. BROOD_E_STATE once it has ended. */
BROOD_CALL brood_process_signal(brood_process *process, int32_t signal_number, brood_error **error);
/** SIGTERM to the tree; BROOD_OK if it has already ended. */
BROOD_CALL brood_process_terminate(brood_process *process, brood_error **error);
/** SIGKILL to the tree, until nothing of it is left; BROOD_OK if it has already ended. */
BROOD_CALL brood_process_kill(brood_process *process, brood_error **error);

/**
 * End the tree step by step: wait for its own end, then SIGTERM and wait, then SIGKILL.
 *
 * @param wait_ms,terminate_ms  how long each step may take; BROOD_FOREVER stays in that step.
 */
BROOD_CALL brood_process_stop(brood_process *process, int64_t wait_ms, int64_t terminate_ms,
                              brood_cancel *cancel, brood_error **error);

/** True while the process runs. */
BROOD_API bool brood_process_alive(const brood_process *process);
BROOD_API int64_t brood_process_pid(const brood_process *process);
/** Borrowed until brood_process_free(). */
BROOD_API const char *brood_process_name(const brood_process *process);

/** How it ended: exit code (-1: by a signal) and signal (0: by itself). BROOD_E_STATE while it
 * runs. */
BROOD_CALL brood_process_exit_code(const brood_process *process, int32_t *out_code,
                                   brood_error **error);
BROOD_CALL brood_process_exit_signal(const brood_process *process, int32_t *out_signal,
                                     brood_error **error);
/** What a failed function of brood_process_start() reported; BROOD_OK if there was no failure.
 *  BROOD_E_INIT_FAILED when the program ended without having called brood_init(). */
BROOD_CALL brood_process_outcome(const brood_process *process, brood_error **error);

/** Resources used by the process and the children it waited for. */
typedef struct brood_usage {
  size_t struct_size;
  uint64_t user_us;
  uint64_t system_us;
  uint64_t max_resident_bytes;
  uint64_t minor_faults;
  uint64_t major_faults;
} brood_usage;
#define BROOD_USAGE_INIT \
  { sizeof(brood_usage), 0, 0, 0, 0, 0 }
/** BROOD_E_STATE while it runs. */
BROOD_CALL brood_process_usage(const brood_process *process, brood_usage *out, brood_error **error);

/**
 * Write all bytes to a piped stdin.
 *
 * @param out_written  how many bytes were written: all of them on BROOD_OK, and after a timeout, a
 *                     cancel or another error those that the child can read; may be NULL.
 * @return BROOD_E_CLOSED when nobody reads it any more.
 */
BROOD_CALL brood_process_write(brood_process *process, const void *data, size_t size,
                               int64_t timeout_ms, brood_cancel *cancel, size_t *out_written,
                               brood_error **error);
/** Close a piped stdin: the child reads end of file. */
BROOD_CALL brood_process_close_input(brood_process *process, brood_error **error);
/**
 * Read up to `size` bytes of a piped stream, as soon as there are any.
 *
 * @param stream  1 for stdout, 2 for stderr.
 * @return BROOD_E_CLOSED at end of file.
 */
BROOD_CALL brood_process_read(brood_process *process, int stream, void *data, size_t size,
                              int64_t timeout_ms, brood_cancel *cancel, size_t *out_size,
                              brood_error **error);

/** Give the handle back. The process runs on; brood joins or ends it at brood_shutdown(). */
BROOD_API void brood_process_free(brood_process *process);

/** Children of this process that still run, pool workers excepted: fills at most `capacity` pids.
 *  Returns how many there are. */
BROOD_API size_t brood_active_children(int64_t *pids, size_t capacity);
/** The name that brood_process_options gave this process; "main" in the program the user started.
 */
BROOD_API const char *brood_current_name(void);
/** The pid of the process that started this worker; 0 in the program the user started. */
BROOD_API int64_t brood_parent_pid(void);
/** A borrowed handle that is ready once the parent is dead; NULL if there is none. By default a
 *  worker ends with its parent, so this is for those that asked to outlive it for a moment. */
BROOD_API brood_handle *brood_parent_handle(void);

#ifdef __cplusplus
}
#endif
#endif
