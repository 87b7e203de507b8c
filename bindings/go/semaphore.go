package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Semaphore is a number of permits. Whoever acquires one need not be the one who releases it.
type Semaphore struct {
	h *handle[low.Semaphore]
}

// SemaphoreOption is an option of NewSemaphore.
type SemaphoreOption func(*record)

// Bounded makes a release beyond the first number of permits fail with ErrState.
func Bounded() SemaphoreOption { return func(r *record) { r.set("bounded", true) } }

// Owned makes permits belong to processes: when one dies, its permits are there again. At most 4096.
func Owned() SemaphoreOption { return func(r *record) { r.set("owned", true) } }

// NewSemaphore makes a semaphore with so many permits.
func NewSemaphore(permits int, options ...SemaphoreOption) (*Semaphore, error) {
	if permits < 0 {
		return nil, errorf(ErrInvalid, "%d permits", permits)
	}
	h, err := create("semaphore_options", options, func(r low.Record, out *low.Semaphore) *low.Failure {
		return low.Semaphore_create(uint(permits), r, out)
	}, low.Semaphore_free)
	if err != nil {
		return nil, err
	}
	return &Semaphore{h}, nil
}

// NewBoundedSemaphore makes a bounded semaphore.
func NewBoundedSemaphore(permits int) (*Semaphore, error) { return NewSemaphore(permits, Bounded()) }

// Acquire takes a permit, and waits for one.
func (s *Semaphore) Acquire(ctx context.Context) error {
	return s.h.do(func(object low.Semaphore) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Semaphore_acquire(object, timeout, cancel)
		})
	})
}

// TryAcquire takes a permit if there is one.
func (s *Semaphore) TryAcquire() (bool, error) {
	return tried(s.h.do(func(object low.Semaphore) error { return failed(low.Semaphore_acquire(object, 0, 0)) }))
}

// Release gives so many permits back, all or none.
func (s *Semaphore) Release(count int) error {
	if count < 0 {
		return errorf(ErrInvalid, "%d permits", count)
	}
	return s.h.do(func(object low.Semaphore) error { return failed(low.Semaphore_release(object, uint(count))) })
}

// Value is how many permits are there right now.
func (s *Semaphore) Value() int {
	value := 0
	_ = s.h.do(func(object low.Semaphore) error {
		value = int(low.Semaphore_value(object))
		return nil
	})
	return value
}

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (s *Semaphore) Close() error {
	s.h.close()
	return nil
}

func (s *Semaphore) waitable() (low.Handle, func(), error) { return viewOf(s.h, low.Semaphore_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (s *Semaphore) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, s) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (s *Semaphore) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	s.h, err = decodeOne(decoder, low.Msg_take_semaphore, low.Semaphore_free)
	return err
}
