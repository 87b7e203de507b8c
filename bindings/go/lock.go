package brood

import (
	"context"
	"sync/atomic"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Lock has one holder at a time: a process, of which any goroutine may unlock it. The zero Lock is none: NewLock.
//
// When its holder dies, Lock fails with ErrOwnerDied until somebody recovers it.
type Lock struct {
	h *handle[low.Lock]
}

// NewLock makes a lock.
func NewLock() (*Lock, error) {
	h, err := create("lock_options", []func(*record){}, low.Lock_create, low.Lock_free)
	if err != nil {
		return nil, err
	}
	return &Lock{h}, nil
}

// anybody is the owner where only the process counts. It is not 0, which would be the thread.
const anybody = 1

func lockFor(ctx context.Context, h *handle[low.Lock], owner uint64) error {
	return h.do(func(object low.Lock) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Lock_acquire(object, owner, timeout, cancel)
		})
	})
}

func tryLockFor(h *handle[low.Lock], owner uint64) (bool, error) {
	return tried(h.do(func(object low.Lock) error { return failed(low.Lock_acquire(object, owner, 0, 0)) }))
}

func unlockFor(h *handle[low.Lock], owner uint64) error {
	return h.do(func(object low.Lock) error { return failed(low.Lock_release(object, owner)) })
}

func recoverFor(h *handle[low.Lock], owner uint64) error {
	return h.do(func(object low.Lock) error { return failed(low.Lock_recover(object, owner)) })
}

func locked(h *handle[low.Lock]) bool {
	held := false
	_ = h.do(func(object low.Lock) error {
		held = low.Lock_locked(object)
		return nil
	})
	return held
}

// Lock acquires the lock.
func (l *Lock) Lock(ctx context.Context) error { return lockFor(ctx, l.h, anybody) }

// TryLock acquires the lock if nobody holds it.
func (l *Lock) TryLock() (bool, error) { return tryLockFor(l.h, anybody) }

// Unlock releases the lock. ErrState when this process does not hold it.
func (l *Lock) Unlock() error { return unlockFor(l.h, anybody) }

// Recover takes a lock whose holder died: put right what it guards, then unlock it.
func (l *Lock) Recover() error { return recoverFor(l.h, anybody) }

// Locked tells whether somebody holds it, dead holders included.
func (l *Lock) Locked() bool { return locked(l.h) }

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (l *Lock) Close() error {
	l.h.close()
	return nil
}

func (l *Lock) waitable() (low.Handle, func(), error) { return viewOf(l.h, low.Lock_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (l *Lock) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, l) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (l *Lock) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	l.h, err = decodeOne(decoder, low.Msg_take_lock, low.Lock_free)
	return err
}

// Owner is who holds a recursive lock inside a process. Goroutines have no identity that a lock could see, so it is
// passed along explicitly, as a context is.
type Owner uint64

var lastOwner atomic.Uint64

// NewOwner gives an owner that nobody else in this process is.
func NewOwner() Owner { return Owner(lastOwner.Add(1) + anybody) }

// RecursiveLock can be acquired again by the owner that holds it; it is free once that has unlocked it as often.
type RecursiveLock struct {
	h *handle[low.Lock]
}

// NewRecursiveLock makes a recursive lock.
func NewRecursiveLock() (*RecursiveLock, error) {
	recursive := []func(*record){func(r *record) { r.set("recursive", true) }}
	h, err := create("lock_options", recursive, low.Lock_create, low.Lock_free)
	if err != nil {
		return nil, err
	}
	return &RecursiveLock{h}, nil
}

// Lock acquires the lock for an owner.
func (l *RecursiveLock) Lock(ctx context.Context, owner Owner) error {
	return lockFor(ctx, l.h, uint64(owner))
}

// TryLock acquires the lock if nobody else holds it.
func (l *RecursiveLock) TryLock(owner Owner) (bool, error) { return tryLockFor(l.h, uint64(owner)) }

// Unlock releases the lock once. ErrState when the owner does not hold it.
func (l *RecursiveLock) Unlock(owner Owner) error { return unlockFor(l.h, uint64(owner)) }

// Recover takes a lock whose holder's process died.
func (l *RecursiveLock) Recover(owner Owner) error { return recoverFor(l.h, uint64(owner)) }

// Locked tells whether somebody holds it.
func (l *RecursiveLock) Locked() bool { return locked(l.h) }

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (l *RecursiveLock) Close() error {
	l.h.close()
	return nil
}

func (l *RecursiveLock) waitable() (low.Handle, func(), error) { return viewOf(l.h, low.Lock_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (l *RecursiveLock) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, l) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (l *RecursiveLock) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	l.h, err = decodeOne(decoder, low.Msg_take_lock, low.Lock_free)
	return err
}
