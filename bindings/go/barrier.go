package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Barrier is a number of parties that wait for each other, round after round. It breaks when one of them gives up, or
// is killed. Each goroutine that waits blocks an OS thread.
type Barrier struct {
	h *handle[low.Barrier]
}

// NewBarrier makes a barrier for 1 to 32767 parties.
func NewBarrier(parties int) (*Barrier, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	if parties < 1 {
		return nil, errorf(ErrInvalid, "%d parties", parties)
	}
	var barrier low.Barrier
	if err := failed(low.Barrier_create(uint(parties), &barrier)); err != nil {
		return nil, err
	}
	return &Barrier{own(barrier, low.Barrier_free)}, nil
}

// Wait waits for all parties, and gives 0 to parties-1, in the order of arrival. ErrBroken when it is broken; a
// context that is done breaks it for the others.
func (b *Barrier) Wait(ctx context.Context) (int, error) { return b.wait(ctx, low.Barrier_wait) }

// Do is Wait whose last party runs the action while the others still wait. If the action fails, the barrier breaks.
func (b *Barrier) Do(ctx context.Context, action func() error) (int, error) {
	index, err := b.wait(ctx, low.Barrier_arrive)
	if err != nil || index != b.Parties()-1 {
		return index, err
	}
	opened := false
	defer func() {
		if !opened {
			b.Abort()
		}
	}()
	if err := action(); err != nil {
		return index, err
	}
	opened = true
	return index, b.h.do(func(object low.Barrier) error { return failed(low.Barrier_open(object)) })
}

func (b *Barrier) wait(ctx context.Context, call func(low.Barrier, int64, low.Cancel, *uint32) *low.Failure) (int, error) {
	var index uint32
	err := b.h.do(func(object low.Barrier) error {
		return waitWhole(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return call(object, timeout, cancel, &index)
		})
	})
	return int(index), err
}

// Abort breaks the barrier for all who wait and all who come.
func (b *Barrier) Abort() {
	_ = b.h.do(func(object low.Barrier) error {
		low.Barrier_abort(object)
		return nil
	})
}

// Reset makes the barrier new; who still waits gets ErrBroken.
func (b *Barrier) Reset() {
	_ = b.h.do(func(object low.Barrier) error {
		low.Barrier_reset(object)
		return nil
	})
}

func (b *Barrier) number(call func(low.Barrier) uint) int {
	number := 0
	_ = b.h.do(func(object low.Barrier) error {
		number = int(call(object))
		return nil
	})
	return number
}

// Parties is how many wait for each other.
func (b *Barrier) Parties() int { return b.number(low.Barrier_parties) }

// Waiting is how many wait in this round; 0 if it is broken.
func (b *Barrier) Waiting() int { return b.number(low.Barrier_waiting) }

// Broken tells whether it is broken.
func (b *Barrier) Broken() bool {
	broken := false
	_ = b.h.do(func(object low.Barrier) error {
		broken = low.Barrier_broken(object)
		return nil
	})
	return broken
}

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (b *Barrier) Close() error {
	b.h.close()
	return nil
}

func (b *Barrier) waitable() (low.Handle, func(), error) { return viewOf(b.h, low.Barrier_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (b *Barrier) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, b) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (b *Barrier) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	b.h, err = decodeOne(decoder, low.Msg_take_barrier, low.Barrier_free)
	return err
}
