package brood

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"brood/internal/low"
)

// serve runs tasks until the host has no more, and gives the exit code.
func serve() int {
	failures, over := false, false
	for !over {
		// A task that calls runtime.Goexit (t.FailNow does) ends its goroutine, and not the worker.
		done := make(chan struct{})
		go func() {
			defer close(done)
			for !over {
				over = !serveOne(&failures)
			}
		}()
		<-done
	}
	Shutdown()
	// A pool's worker ends well whatever its tasks reported; a process is its one function.
	if failures && WorkerID() < 0 {
		return 1
	}
	return 0
}

func serveOne(failures *bool) bool {
	var task low.Task
	if low.Worker_next(forever, 0, &task) != nil {
		return false
	}
	defer low.Task_free(task)
	err := runTask(task)
	if err != nil {
		*failures = true
		report(task, err)
	}
	return true
}

// taskPanic is a panic of a task, with its stack.
type taskPanic struct {
	value any
	stack string
}

func (p *taskPanic) Error() string { return fmt.Sprint(p.value) }

// runTask runs a task to its answer, or gives its failure.
func runTask(task low.Task) (err error) {
	finished := false
	defer func() {
		if finished {
			return
		}
		if value := recover(); value != nil {
			err = &taskPanic{value, string(debug.Stack())}
			return
		}
		report(task, errors.New("the task called runtime.Goexit"))
	}()
	run, err := findTask(low.Task_function(task))
	if err == nil {
		err = answer(task, run)
	}
	finished = true
	return err
}

func answer(task low.Task, run registered) error {
	p := newPacker()
	defer p.release()
	args := low.Task_args(task)
	// Who asks in gob is answered in gob.
	useGob := low.Msg_codec(args) == codecNative
	codec, err := run(args, p, useGob)
	if err != nil {
		return err
	}
	if len(p.handles) == 0 {
		return failed(low.Task_reply(task, p.buf, codec))
	}
	msg, err := p.message(codec)
	if err != nil {
		return err
	}
	if err := failed(low.Task_reply_msg(task, msg)); err != nil {
		low.Msg_free(msg)
		return err
	}
	return nil
}

func report(task low.Task, err error) {
	kind, trace := kindOf(err), chain(err)
	var panicked *taskPanic
	if errors.As(err, &panicked) {
		kind, trace = "panic", fmt.Sprintf("panic: %v\n\n%s", panicked.value, panicked.stack)
	}
	if WorkerID() < 0 {
		fmt.Fprintf(os.Stderr, "process %s: %s: %v\n", ProcessName(), kind, err)
	}
	// An error here means that nobody is left to hear it.
	_ = low.Task_fail(task, kind, err.Error(), trace)
}

// chain is where an error comes from: each error of its chain, from the outside, with its type. One that knows its
// stack tells it by %+v.
func chain(err error) string {
	if text := fmt.Sprintf("%+v", err); text != err.Error() {
		return text
	}
	var text strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&text, "%s: %v\n", kindOf(err), err)
	}
	return text.String()
}
