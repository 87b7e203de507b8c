package brood

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"brood/internal/low"
)

// Status is why something failed; each is an error of its own to compare with:
//
//	errors.Is(err, brood.ErrClosed)
type Status int32

// The numbers are the same in every language, travel between processes, and never change.
const (
	ErrTimeout     Status = -1  // the time ran out, or nothing was there
	ErrClosed      Status = -2  // nothing more will arrive, or be accepted
	ErrCanceled    Status = -3  // the context was done, or the task was cancelled
	ErrInvalid     Status = -10 // an argument breaks its stated rule
	ErrState       Status = -11 // the right call at the wrong moment
	ErrNoFunction  Status = -12 // the worker has no task of that name
	ErrTooBig      Status = -13 // more than could ever fit
	ErrUnsupported Status = -14 // not on this platform, or not for this kind of object
	ErrForked      Status = -15 // the object belongs to the process that forked this one
	ErrNoMemory    Status = -20
	ErrOS          Status = -21 // a system call failed: errors.Is finds its syscall.Errno
	ErrNoSpace     Status = -22 // a fixed table is full
	ErrRemote      Status = -30 // the task ran and failed: a *RemoteError
	ErrWorkerLost  Status = -31 // the worker died in the task: a *WorkerLost
	ErrTaskTimeout Status = -32 // the task passed its limit and was killed: a *TaskTimeout
	ErrOwnerDied   Status = -33 // a lock's holder died: Recover
	ErrProtocol    Status = -34 // the other side sent bytes that mean nothing
	ErrInitFailed  Status = -35 // a worker could not be made ready
	ErrBroken      Status = -36 // workers died again and again; or a barrier is broken
	ErrInternal    Status = -99 // a bug in brood
)

var statusTexts = map[Status]string{
	ErrTimeout:     "the time ran out",
	ErrClosed:      "closed: nothing more will arrive, or be accepted",
	ErrCanceled:    "canceled",
	ErrInvalid:     "invalid argument",
	ErrState:       "the right call at the wrong moment",
	ErrNoFunction:  "the worker has no task of that name",
	ErrTooBig:      "too big",
	ErrUnsupported: "unsupported",
	ErrForked:      "the object belongs to the process that forked this one",
	ErrNoMemory:    "out of memory",
	ErrOS:          "a system call failed",
	ErrNoSpace:     "a fixed table is full",
	ErrRemote:      "the task failed",
	ErrWorkerLost:  "the worker died in the task",
	ErrTaskTimeout: "the task passed its run limit",
	ErrOwnerDied:   "the holder of the lock died",
	ErrProtocol:    "the other side sent bytes that mean nothing",
	ErrInitFailed:  "a worker could not be made ready",
	ErrBroken:      "broken",
	ErrInternal:    "a bug in brood",
}

// Error is the status in words.
func (s Status) Error() string {
	if text, ok := statusTexts[s]; ok {
		return "brood: " + text
	}
	return fmt.Sprintf("brood: status %d", int32(s))
}

// Timeout makes it a timeout to whoever asks errors the way package net does.
func (s Status) Timeout() bool { return s == ErrTimeout || s == ErrTaskTimeout }

// Error is any failure that has no type of its own.
type Error struct {
	Status  Status
	Message string
	// Cause is the context's error, or the syscall.Errno, or nil.
	Cause error
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Status.Error()
	}
	return "brood: " + e.Message
}

// Is makes errors.Is(err, brood.ErrClosed) true.
func (e *Error) Is(target error) bool { return target == e.Status }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Timeout tells whether the time ran out.
func (e *Error) Timeout() bool { return e.Status.Timeout() }

// RemoteError is what a task reported: it ran, and failed. Its cause is the remote trace.
type RemoteError struct {
	Kind    string // the error's type in its own language: "*fs.PathError", "java.io.IOException"
	Message string
	Pid     int // of the worker
	Trace   RemoteTrace
}

func (e *RemoteError) Error() string {
	if e.Kind == "" {
		return e.Message
	}
	return e.Kind + ": " + e.Message
}

// Is makes errors.Is(err, brood.ErrRemote) true.
func (e *RemoteError) Is(target error) bool { return target == ErrRemote }

// Unwrap gives the trace, if there is one.
func (e *RemoteError) Unwrap() error {
	if e.Trace == "" {
		return nil
	}
	return e.Trace
}

// Format writes the trace as well for %+v.
func (e *RemoteError) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, e.Error())
	if verb == 'v' && f.Flag('+') && e.Trace != "" {
		_, _ = io.WriteString(f, "\n"+string(e.Trace))
	}
}

// RemoteTrace is the stack of a failure in another process, as text.
type RemoteTrace string

func (t RemoteTrace) Error() string { return string(t) }

// WorkerLost says that a worker died while it ran the task.
type WorkerLost struct {
	Message  string
	Pid      int
	ExitCode int            // -1: it did not exit by itself
	Signal   syscall.Signal // 0: it was not killed
}

func (e *WorkerLost) Error() string { return "brood: " + e.Message }

// Is makes errors.Is(err, brood.ErrWorkerLost) true.
func (e *WorkerLost) Is(target error) bool { return target == ErrWorkerLost }

// TaskTimeout says that a task passed its run limit, and that its worker was killed.
type TaskTimeout struct {
	Message string
	Pid     int
}

func (e *TaskTimeout) Error() string { return "brood: " + e.Message }

// Is makes errors.Is(err, brood.ErrTaskTimeout) true.
func (e *TaskTimeout) Is(target error) bool { return target == ErrTaskTimeout }

// Timeout is true.
func (e *TaskTimeout) Timeout() bool { return true }

// ItemError is the failure of one input of a map or stream.
type ItemError struct {
	Index int // of the input, from 0
	Err   error
}

func (e *ItemError) Error() string { return fmt.Sprintf("item %d: %v", e.Index, e.Err) }

// Unwrap gives the failure itself.
func (e *ItemError) Unwrap() error { return e.Err }

// failed makes Go's error of a call's outcome.
func failed(f *low.Failure) error {
	if f == nil {
		return nil
	}
	switch status := Status(f.Status); status {
	case ErrRemote:
		return &RemoteError{Kind: f.Kind, Message: f.Message, Pid: int(f.Pid), Trace: RemoteTrace(f.Traceback)}
	case ErrWorkerLost:
		return &WorkerLost{f.Message, int(f.Pid), int(f.ExitCode), syscall.Signal(f.Signal)}
	case ErrTaskTimeout:
		return &TaskTimeout{f.Message, int(f.Pid)}
	default:
		e := &Error{Status: status, Message: f.Message}
		if f.OSCode != 0 {
			e.Cause = syscall.Errno(f.OSCode)
		}
		return e
	}
}

func isStatus(f *low.Failure, status Status) bool { return f != nil && Status(f.Status) == status }

// contextError is what a wait gives whose context is done: both brood's status and the context's error.
func contextError(ctx context.Context) error {
	status := ErrCanceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		status = ErrTimeout
	}
	return &Error{Status: status, Message: ctx.Err().Error(), Cause: ctx.Err()}
}

func errorf(status Status, format string, args ...any) error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}
