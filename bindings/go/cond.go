package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Cond is for waiting until something that a lock guards has changed. Each goroutine that waits blocks an OS thread.
type Cond struct {
	h *handle[low.Condition]
	// L is held to call Wait, and is held again when it returns.
	L *Lock
}

// CondOption is an option of NewCond.
type CondOption func(*record)

// MaxWaiters is how many may wait at once, 128 without it and at most 4096.
func MaxWaiters(count int) CondOption { return func(r *record) { r.set("max_waiters", count) } }

// NewCond makes a condition for a lock.
func NewCond(lock *Lock, options ...CondOption) (*Cond, error) {
	h, err := create("condition_options", options, low.Condition_create, low.Condition_free)
	if err != nil {
		return nil, err
	}
	return &Cond{h, lock}, nil
}

// Wait unlocks c.L, waits for a signal, and locks c.L again, however long that takes, also when the context is done.
// Check what you wait for in a loop. ErrOwnerDied: a later holder died, and the lock is not held.
func (c *Cond) Wait(ctx context.Context) error {
	return c.h.do(func(object low.Condition) error {
		return c.L.h.do(func(lock low.Lock) error {
			return waitWhole(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
				return low.Condition_wait(object, lock, anybody, timeout, cancel)
			})
		})
	})
}

// Signal wakes the one who waits longest.
func (c *Cond) Signal() error {
	return c.h.do(func(object low.Condition) error { return failed(low.Condition_signal(object, 1, nil)) })
}

// Broadcast wakes all who wait.
func (c *Cond) Broadcast() error {
	return c.h.do(func(object low.Condition) error { return failed(low.Condition_broadcast(object)) })
}

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (c *Cond) Close() error {
	c.h.close()
	return nil
}

func (c *Cond) waitable() (low.Handle, func(), error) { return viewOf(c.h, low.Condition_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder: a condition travels with its lock.
func (c *Cond) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, c, c.L) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (c *Cond) DecodeMsgpack(decoder *msgpack.Decoder) error {
	u, indexes, err := readHandles(decoder, 2)
	if err != nil {
		return err
	}
	taken, err := u.takeCondition(indexes)
	if err == nil {
		*c = *taken
	}
	return err
}
