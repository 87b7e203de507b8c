package brood

import (
	"context"
	"os"
	"syscall"
	"time"

	"brood/internal/low"
)

// Process is a child process: a task in a process of its own, or any program. It is the root of a process tree, and
// when it ends its whole tree does.
type Process struct {
	h *handle[low.Process]
}

// StartProcess runs the task in a new process, which exits with 0 when it returns and 1 when it fails.
func StartProcess[A, R any](task *Task[A, R], argument A, options ...ProcessOption) (*Process, error) {
	p := newPacker()
	defer p.release()
	codec, err := p.pack(argument, false)
	if err != nil {
		return nil, err
	}
	return newProcess(options, true, func(r *record, out *low.Process) error {
		msg, err := p.message(codec)
		if err != nil {
			return err
		}
		err = failed(low.Process_start_msg(task.name, msg, r.low, out))
		if err != nil {
			low.Msg_free(msg)
		}
		return err
	})
}

// Spawn runs any program, searched in PATH if it has no slash.
func Spawn(name string, arguments []string, options ...ProcessOption) (*Process, error) {
	options = append(options[:len(options):len(options)], Command(name, arguments...))
	return newProcess(options, false, func(r *record, out *low.Process) error {
		return failed(low.Process_spawn(r.low, out))
	})
}

func newProcess(options []ProcessOption, again bool, begin func(*record, *low.Process) error) (*Process, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	given := processOptions{record: newRecord("process_options")}
	defer given.free()
	for _, option := range options {
		option.forProcess(&given)
	}
	if again && !given.hasCommand {
		given.set("command", command())
	}
	if given.err != nil {
		return nil, given.err
	}
	var process low.Process
	if err := begin(given.record, &process); err != nil {
		return nil, err
	}
	return &Process{own(process, low.Process_free)}, nil
}

// Daemon lets Shutdown end the process instead of waiting for it.
func Daemon() ProcessOption { return processOption(func(p *processOptions) { p.set("daemon", true) }) }

// ClearEnv starts from an empty environment.
func ClearEnv() ProcessOption {
	return processOption(func(p *processOptions) { p.set("clear_env", true) })
}

// Wait waits until the process and its whole tree have ended. It gives an error if it did not end with 0: the
// *RemoteError of a task, or a *WorkerLost.
func (p *Process) Wait(ctx context.Context) error {
	return p.h.do(func(object low.Process) error {
		err := wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Process_join(object, timeout, cancel)
		})
		if err != nil {
			return err
		}
		if err := failed(low.Process_outcome(object)); err != nil {
			return err
		}
		code, signal, err := exitOf(object)
		if err == nil && (code != 0 || signal != 0) {
			lost := &WorkerLost{"", int(low.Process_pid(object)), code, signal}
			lost.Message = "the process " + low.Process_name(object) + " ended with " + describeExit(code, signal)
			return lost
		}
		return err
	})
}

func exitOf(object low.Process) (int, syscall.Signal, error) {
	var code, signal int32
	if err := failed(low.Process_exit_code(object, &code)); err != nil {
		return 0, 0, err
	}
	err := failed(low.Process_exit_signal(object, &signal))
	return int(code), syscall.Signal(signal), err
}

// ExitCode is what the process exited with, -1 if a signal ended it. ErrState while it runs.
func (p *Process) ExitCode() (code int, err error) {
	err = p.h.do(func(object low.Process) error {
		code, _, err = exitOf(object)
		return err
	})
	return code, err
}

// Signal sends a signal to every process of the tree. ErrState once it has ended.
func (p *Process) Signal(signal os.Signal) error {
	number, ok := signal.(syscall.Signal)
	if !ok {
		return errorf(ErrInvalid, "%v has no number", signal)
	}
	return p.h.do(func(object low.Process) error {
		return failed(low.Process_signal(object, int(number)))
	})
}

// Terminate sends SIGTERM to the tree. It is fine if it has already ended.
func (p *Process) Terminate() error {
	return p.h.do(func(object low.Process) error { return failed(low.Process_terminate(object)) })
}

// Kill sends SIGKILL to the tree, until nothing of it is left. It is fine if it has already ended.
func (p *Process) Kill() error {
	return p.h.do(func(object low.Process) error { return failed(low.Process_kill(object)) })
}

// Stop sends SIGTERM, waits for so long, then kills what is left, and waits for its end.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	if err := p.Terminate(); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if p.join(patience) == nil {
		return nil
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return p.join(ctx)
}

func (p *Process) join(ctx context.Context) error {
	return p.h.do(func(object low.Process) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Process_join(object, timeout, cancel)
		})
	})
}

// Alive tells whether the process runs.
func (p *Process) Alive() bool {
	alive := false
	_ = p.h.do(func(object low.Process) error {
		alive = low.Process_alive(object)
		return nil
	})
	return alive
}

// Pid is the process's number.
func (p *Process) Pid() int {
	pid := 0
	_ = p.h.do(func(object low.Process) error {
		pid = int(low.Process_pid(object))
		return nil
	})
	return pid
}

// Done gives a channel that is closed once the process has ended.
func (p *Process) Done() <-chan struct{} {
	done := make(chan struct{})
	err := p.h.do(func(object low.Process) error {
		return whenReady(low.Process_handle(object), func() { close(done) })
	})
	if err != nil {
		close(done)
	}
	return done
}

// Usage is the resources that a process and the children it waited for used.
type Usage struct {
	User, System             time.Duration
	MaxResidentBytes         int64
	MinorFaults, MajorFaults int64
}

// Usage tells what the process used. ErrState while it runs.
func (p *Process) Usage() (Usage, error) {
	r := newRecord("usage")
	defer r.free()
	err := p.h.do(func(object low.Process) error { return failed(low.Process_usage(object, r.low)) })
	return Usage{
		time.Duration(r.number("user_us")) * time.Microsecond, time.Duration(r.number("system_us")) * time.Microsecond,
		r.number("max_resident_bytes"), r.number("minor_faults"), r.number("major_faults"),
	}, err
}

// Close gives the handle back. The process runs on. The error is nil: it is an io.Closer.
func (p *Process) Close() error {
	p.h.close()
	return nil
}

func (p *Process) waitable() (low.Handle, func(), error) { return viewOf(p.h, low.Process_handle) }
