# frozen_string_literal: true

module Brood
  # Any failure of brood.
  class Error < StandardError
    # @return [Integer] the library's number of the failure
    attr_accessor :status
    # @return [Integer] the process that failed; 0 for this one
    attr_accessor :pid
  end

  # The time ran out.
  class TimeoutError < Error; end

  # Nothing more will arrive, or be accepted.
  class ClosedError < Error; end

  # The task was cancelled.
  class CanceledError < Error; end

  # An argument breaks its stated rule.
  class InvalidArgument < Error; end

  # The right call at the wrong moment: unlocking what is not locked, a second result.
  class StateError < Error; end

  # The worker has no task of that name.
  class NoFunction < Error; end

  # More than could ever fit.
  class TooBig < Error; end

  # Not on this platform, or not for this kind of object.
  class Unsupported < Error; end

  # The object belongs to the process that forked this one.
  class ForkedError < Error; end

  # Memory is out: the machine's, a limit's, or brood's own.
  class NoMemory < Error; end

  # A system call failed.
  class OSError < Error
    # @return [Integer] the system's number of the error: see SystemCallError
    attr_accessor :errno
  end

  # A fixed table is full.
  class NoSpace < Error; end

  # The task ran and raised. Its `cause` is a {RemoteTrace}.
  class RemoteError < Error
    # @return [String] the class of what the task raised, in its own language
    attr_accessor :kind
    # @return [String] the worker's stack as text
    attr_accessor :traceback
  end

  # What was raised in another process, as the `cause` of what is raised here: its backtrace is the
  # other process's.
  class RemoteTrace < StandardError; end

  # The worker died in the task.
  class WorkerLost < Error
    # @return [Integer, nil] the code that it exited with; nil if a signal ended it
    attr_accessor :exit_code
    # @return [Integer, nil] the signal that ended it; nil if it exited by itself
    attr_accessor :signal

    alias exitstatus exit_code
    alias termsig signal
  end

  # The task passed its run limit, and its worker was killed.
  class TaskTimeout < WorkerLost; end

  # The process that held the lock died: `recover` takes the lock, then put right what it guards.
  class OwnerDied < Error; end

  # The other side sent bytes that mean nothing.
  class ProtocolError < Error; end

  # A worker could not be made ready.
  class InitializerFailed < Error; end

  # Workers died again and again without finishing a task; or a barrier is broken.
  class BrokenError < Error; end

  # A bug in brood.
  class InternalError < Error; end

  # Makes exceptions of what the native module knows of a failure.
  # @private
  module Failures
    CLASSES = {
      Low::E_TIMEOUT => TimeoutError, Low::E_CLOSED => ClosedError, Low::E_CANCELED => CanceledError,
      Low::E_INVALID => InvalidArgument, Low::E_STATE => StateError, Low::E_NO_FUNCTION => NoFunction,
      Low::E_TOO_BIG => TooBig, Low::E_UNSUPPORTED => Unsupported, Low::E_FORKED => ForkedError,
      Low::E_NO_MEMORY => NoMemory, Low::E_OS => OSError, Low::E_NO_SPACE => NoSpace,
      Low::E_REMOTE => RemoteError, Low::E_WORKER_LOST => WorkerLost, Low::E_TASK_TIMEOUT => TaskTimeout,
      Low::E_OWNER_DIED => OwnerDied, Low::E_PROTOCOL => ProtocolError,
      Low::E_INIT_FAILED => InitializerFailed, Low::E_BROKEN => BrokenError, Low::E_INTERNAL => InternalError
    }.freeze

    module_function

    def make(status, message, kind, traceback, pid, exit_code, signal, os_code)
      error = class_of(status, kind).new(kind.empty? ? message : "#{kind}: #{message}")
      error.status = status
      error.pid = pid
      case error
      when RemoteError
        error.kind = kind
        error.traceback = traceback
      when WorkerLost
        error.exit_code = exit_code unless exit_code.negative?
        error.signal = signal unless signal.zero?
      when OSError then error.errno = os_code
      end
      traceback.empty? && kind.empty? ? error : caused(error, kind, message, traceback)
    end

    # A worker's language tells of a missing task as of any other failure.
    def class_of(status, kind)
      kind == "Brood::NoFunction" ? NoFunction : CLASSES.fetch(status, Error)
    end

    # An exception gets its cause by being raised only.
    def caused(error, kind, message, traceback)
      trace = RemoteTrace.new(kind.empty? ? message : "#{kind}: #{message}")
      trace.set_backtrace(traceback.lines(chomp: true))
      begin
        raise error, cause: trace
      rescue Error => e
        e.set_backtrace(caller(3))
        e
      end
    end
  end

  Low.set_error_factory(Failures.method(:make))
end
