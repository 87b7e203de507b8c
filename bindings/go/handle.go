package brood

import (
	"runtime"
	"sync/atomic"
)

// handle owns an object of C's. It counts who is inside a call, so that Close, or the collector, never frees
// an object under somebody: the last one to leave does.
type handle[T ~uintptr] struct {
	low   T
	free  func(T)
	state atomic.Int64 // how many are inside, and the two bits
}

const (
	closedBit int64 = 1 << 61 // nobody enters any more
	freedBit  int64 = 1 << 62
)

func own[T ~uintptr](made T, free func(T)) *handle[T] {
	h := &handle[T]{low: made, free: free}
	runtime.SetFinalizer(h, func(h *handle[T]) { h.close() })
	return h
}

// enter gives the object, for as long as the caller does not leave.
func (h *handle[T]) enter() (T, error) {
	if h == nil {
		return 0, errorf(ErrInvalid, "the object was not made by its New function, or is nil")
	}
	for {
		state := h.state.Load()
		if state&closedBit != 0 {
			return 0, errorf(ErrClosed, "this handle was closed")
		}
		if h.state.CompareAndSwap(state, state+1) {
			return h.low, nil
		}
	}
}

func (h *handle[T]) leave() {
	h.freeIf(h.state.Add(-1))
	runtime.KeepAlive(h)
}

// close gives the object back once nobody is inside; a second time it does nothing.
func (h *handle[T]) close() {
	if h == nil {
		return
	}
	for {
		state := h.state.Load()
		if state&closedBit != 0 {
			return
		}
		if h.state.CompareAndSwap(state, state|closedBit) {
			h.freeIf(state | closedBit)
			return
		}
	}
}

func (h *handle[T]) freeIf(state int64) {
	if state == closedBit && h.state.CompareAndSwap(closedBit, closedBit|freedBit) {
		runtime.SetFinalizer(h, nil)
		h.free(h.low)
	}
}

// keep leaves it to Close alone to free the object: Go memory that nobody counts looks at it.
func (h *handle[T]) keep() { runtime.SetFinalizer(h, nil) }

// do runs a call that does not wait.
func (h *handle[T]) do(call func(T) error) error {
	object, err := h.enter()
	if err != nil {
		return err
	}
	defer h.leave()
	return call(object)
}

// consume makes the call that takes the object over, if it succeeds. It is for one caller: whoever else is inside, or
// comes, finds the handle closed.
func (h *handle[T]) consume(call func(T) error) error {
	if h == nil || !h.state.CompareAndSwap(0, closedBit|freedBit) {
		return errorf(ErrClosed, "this handle was closed, or is in use")
	}
	err := call(h.low)
	if err != nil {
		h.state.Store(0)
		return err
	}
	runtime.SetFinalizer(h, nil)
	return nil
}
