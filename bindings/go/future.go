package brood

import (
	"context"
	"runtime"
	"sync"

	"brood/internal/low"
)

// Future is the outcome of one task.
type Future[R any] struct {
	h *handle[low.Future]

	mutex   sync.Mutex
	settled bool // value and err are there
	value   R
	err     error
	done    chan struct{} // made by Done
}

// Wait waits for the task and gives its result, as often as it is asked. When the context is done first, the task
// goes on.
func (f *Future[R]) Wait(ctx context.Context) (R, error) {
	if value, err, ok := f.take(); ok {
		return value, err
	}
	var zero R
	if ctx.Err() != nil {
		return zero, contextError(ctx)
	}
	select {
	case <-f.Done():
	case <-ctx.Done():
		return zero, contextError(ctx)
	}
	value, err, ok := f.take()
	if !ok {
		return zero, errorf(ErrClosed, "brood was shut down before the task was done")
	}
	return value, err
}

// take gives the outcome, if there is one.
func (f *Future[R]) take() (value R, err error, ok bool) { //nolint:revive // ok is last, as ever
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.settled {
		return f.value, f.err, true
	}
	object, err := f.h.enter()
	if err != nil {
		return value, err, true
	}
	defer f.h.leave()
	var msg low.Msg
	failure := low.Future_result(object, 0, 0, &msg)
	if isStatus(failure, ErrTimeout) {
		return value, nil, false
	}
	f.settled = true
	if f.err = failed(failure); f.err == nil {
		f.err = unpack(msg, headOf(msg), &f.value)
		low.Msg_free(msg)
	}
	return f.value, f.err, true
}

// Done gives a channel that is closed once the task is done, however it ended. One goroutine serves the channels of
// all futures.
func (f *Future[R]) Done() <-chan struct{} {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.done != nil {
		return f.done
	}
	f.done = make(chan struct{})
	if f.settled {
		close(f.done)
		return f.done
	}
	object, err := f.h.enter()
	if err != nil {
		close(f.done)
		return f.done
	}
	defer f.h.leave()
	done := f.done
	if err := whenReady(low.Future_handle(object), func() { close(done) }); err != nil {
		f.settled, f.err = true, err
		close(done)
	}
	return done
}

// Ready tells whether the task is done.
func (f *Future[R]) Ready() bool {
	_, _, ok := f.take()
	return ok
}

// Cancel gives up the task: queued, it is dropped; running, its worker is killed. ErrState once it is done.
func (f *Future[R]) Cancel() error {
	return f.h.do(func(object low.Future) error { return failed(low.Future_cancel(object)) })
}

// Close forgets the future; the task runs on. A failure that nobody saw is given by Pool.Shutdown. A future that is
// not used any more need not be closed. The error is nil: it is an io.Closer.
func (f *Future[R]) Close() error {
	f.h.close()
	runtime.KeepAlive(f)
	return nil
}

func (f *Future[R]) waitable() (low.Handle, func(), error) { return viewOf(f.h, low.Future_handle) }
