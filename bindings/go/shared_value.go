package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Integer is the types whose values can be added to and exchanged atomically.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Value is one element in shared memory: an Array of one, in other languages too.
type Value[T any] struct {
	array Array[T]
}

// NewValue makes a value.
func NewValue[T any](value T, options ...SharedOption) (*Value[T], error) {
	h, err := newShared[T](1, options)
	if err != nil {
		return nil, err
	}
	v := &Value[T]{Array[T]{h}}
	return v, v.Store(value)
}

// Load reads the value: at once if it has 1, 2, 4 or 8 bytes; hold the lock for larger ones.
func (v *Value[T]) Load() (T, error) {
	var one [1]T
	err := v.array.Read(0, one[:])
	return one[0], err
}

// Store writes the value: at once if it has 1, 2, 4 or 8 bytes; hold the lock for larger ones.
func (v *Value[T]) Store(value T) error { return v.array.Write(0, []T{value}) }

// Lock acquires the value's own lock.
func (v *Value[T]) Lock(ctx context.Context) error { return v.array.Lock(ctx) }

// Unlock releases the value's own lock.
func (v *Value[T]) Unlock() error { return v.array.Unlock() }

// Recover takes the value's own lock whose holder died.
func (v *Value[T]) Recover() error { return v.array.Recover() }

// Close gives this process's hold on the value back. The error is nil: it is an io.Closer.
func (v *Value[T]) Close() error { return v.array.Close() }

func (v *Value[T]) waitable() (low.Handle, func(), error) { return v.array.waitable() }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (v *Value[T]) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, v) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (v *Value[T]) DecodeMsgpack(decoder *msgpack.Decoder) error {
	return v.array.DecodeMsgpack(decoder)
}

// Add adds to element number `index` of an array, atomically for all processes, and gives what was there before. It
// wraps round.
func Add[T Integer](a *Array[T], index int, delta T) (before T, err error) {
	err = a.h.do(func(object low.Shared) error {
		var number int64
		err := failed(low.Shared_add_int(object, uint64(index), int64(delta), &number))
		before = T(number)
		return err
	})
	return before, err
}

// CompareAndSwap sets element number `index` to `desired` if it is `expected`, atomically for all processes.
func CompareAndSwap[T Integer](a *Array[T], index int, expected, desired T) (swapped bool, err error) {
	err = a.h.do(func(object low.Shared) error {
		number := int64(expected)
		return failed(low.Shared_compare_exchange(object, uint64(index), &number, int64(desired), &swapped))
	})
	return swapped, err
}

// AddFloat is Add for floating-point elements.
func AddFloat[T ~float32 | ~float64](a *Array[T], index int, delta T) (before T, err error) {
	err = a.h.do(func(object low.Shared) error {
		var number float64
		err := failed(low.Shared_add_float(object, uint64(index), float64(delta), &number))
		before = T(number)
		return err
	})
	return before, err
}

// AddTo is Add for a value.
func AddTo[T Integer](v *Value[T], delta T) (before T, err error) { return Add(&v.array, 0, delta) }

// SwapIf is CompareAndSwap for a value.
func SwapIf[T Integer](v *Value[T], expected, desired T) (swapped bool, err error) {
	return CompareAndSwap(&v.array, 0, expected, desired)
}
