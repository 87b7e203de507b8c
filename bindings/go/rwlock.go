package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// RWLock has many readers or one writer; who wants to write goes first. Holds belong to processes.
type RWLock struct {
	h *handle[low.RWLock]
}

// RWLockOption is an option of NewRWLock.
type RWLockOption func(*record)

// MaxReaders is how many may read at once, 128 without it and at most 4096; more wait.
func MaxReaders(count int) RWLockOption { return func(r *record) { r.set("max_readers", count) } }

// NewRWLock makes a read-write lock.
func NewRWLock(options ...RWLockOption) (*RWLock, error) {
	h, err := create("rwlock_options", options, low.Rwlock_create, low.Rwlock_free)
	if err != nil {
		return nil, err
	}
	return &RWLock{h}, nil
}

func (l *RWLock) acquire(ctx context.Context, call func(low.RWLock, int64, low.Cancel) *low.Failure) error {
	return l.h.do(func(object low.RWLock) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure { return call(object, timeout, cancel) })
	})
}

// RLock acquires the lock for reading.
func (l *RWLock) RLock(ctx context.Context) error { return l.acquire(ctx, low.Rwlock_acquire_read) }

// Lock acquires the lock for writing. ErrOwnerDied when a writer died: Recover.
func (l *RWLock) Lock(ctx context.Context) error { return l.acquire(ctx, low.Rwlock_acquire_write) }

// TryRLock acquires the lock for reading if nobody writes or wants to.
func (l *RWLock) TryRLock() (bool, error) {
	return tried(l.h.do(func(object low.RWLock) error { return failed(low.Rwlock_acquire_read(object, 0, 0)) }))
}

// TryLock acquires the lock for writing if nobody holds it.
func (l *RWLock) TryLock() (bool, error) {
	return tried(l.h.do(func(object low.RWLock) error { return failed(low.Rwlock_acquire_write(object, 0, 0)) }))
}

// RUnlock ends reading. ErrState when this process does not read.
func (l *RWLock) RUnlock() error {
	return l.h.do(func(object low.RWLock) error { return failed(low.Rwlock_release_read(object)) })
}

// Unlock ends writing. ErrState when this process does not write.
func (l *RWLock) Unlock() error {
	return l.h.do(func(object low.RWLock) error { return failed(low.Rwlock_release_write(object)) })
}

// Recover takes a lock whose writer died, for writing.
func (l *RWLock) Recover() error {
	return l.h.do(func(object low.RWLock) error { return failed(low.Rwlock_recover(object)) })
}

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (l *RWLock) Close() error {
	l.h.close()
	return nil
}

func (l *RWLock) waitable() (low.Handle, func(), error) { return viewOf(l.h, low.Rwlock_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (l *RWLock) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, l) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (l *RWLock) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	l.h, err = decodeOne(decoder, low.Msg_take_rwlock, low.Rwlock_free)
	return err
}
