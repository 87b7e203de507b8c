package brood

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Array is elements in shared memory, for all processes, in any language. T is a number, a bool, or a struct of such
// without pointers.
type Array[T any] struct {
	h *handle[low.Shared]
}

// SharedOption is an option of NewArray and NewValue.
type SharedOption func(*record)

// NoLock makes the array without a lock of its own.
func NoLock() SharedOption { return func(r *record) { r.set("no_lock", true) } }

// NewArray makes an array of so many elements, all zeros. Once made, using it cannot fail for want of memory.
func NewArray[T any](count int, options ...SharedOption) (*Array[T], error) {
	h, err := newShared[T](count, options)
	if err != nil {
		return nil, err
	}
	return &Array[T]{h}, nil
}

func newShared[T any](count int, options []SharedOption) (*handle[low.Shared], error) {
	kind, err := elementType[T]()
	if err != nil {
		return nil, err
	}
	if count < 0 {
		return nil, errorf(ErrInvalid, "%d elements", count)
	}
	if kind == low.TYPE_STRUCT {
		var zero T
		options = append(options[:len(options):len(options)], func(r *record) {
			r.set("element_size", int(unsafe.Sizeof(zero)))
		})
	}
	return create("shared_options", options, func(r low.Record, out *low.Shared) *low.Failure {
		return low.Shared_create(uint(kind), uint64(count), r, out)
	}, low.Shared_free)
}

// elementType is C's name of a Go type.
func elementType[T any]() (int, error) {
	typ := reflect.TypeOf((*T)(nil)).Elem()
	switch typ.Kind() {
	case reflect.Bool:
		return low.TYPE_BOOL, nil
	case reflect.Int8:
		return low.TYPE_INT8, nil
	case reflect.Uint8:
		return low.TYPE_UINT8, nil
	case reflect.Int16:
		return low.TYPE_INT16, nil
	case reflect.Uint16:
		return low.TYPE_UINT16, nil
	case reflect.Int32:
		return low.TYPE_INT32, nil
	case reflect.Uint32:
		return low.TYPE_UINT32, nil
	case reflect.Int, reflect.Int64:
		return low.TYPE_INT64, nil
	case reflect.Uint, reflect.Uint64:
		return low.TYPE_UINT64, nil
	case reflect.Float32:
		return low.TYPE_FLOAT, nil
	case reflect.Float64:
		return low.TYPE_DOUBLE, nil
	}
	if typ.Size() == 0 || !isPlain(typ) {
		return 0, errorf(ErrInvalid, "a %v cannot lie in shared memory: it has no size, or pointers in it", typ)
	}
	return low.TYPE_STRUCT, nil
}

// isPlain tells whether a type has no pointers, which would mean nothing in another process.
func isPlain(typ reflect.Type) bool {
	switch typ.Kind() {
	case reflect.Array:
		return isPlain(typ.Elem())
	case reflect.Struct:
		for i := 0; i < typ.NumField(); i++ {
			if !isPlain(typ.Field(i).Type) {
				return false
			}
		}
		return true
	default:
		return typ.Kind() >= reflect.Bool && typ.Kind() <= reflect.Complex128 && typ.Kind() != reflect.Uintptr
	}
}

// Len is how many elements there are.
func (a *Array[T]) Len() int {
	count := 0
	_ = a.h.do(func(object low.Shared) error {
		count = int(low.Shared_count(object))
		return nil
	})
	return count
}

// Slice is the elements themselves, without a copy. It is valid until Close, which from now on is the only thing that
// frees them here: the collector does not know of the slice.
func (a *Array[T]) Slice() ([]T, error) { return a.slice(low.Shared_bytes) }

// ReadOnly is the elements through memory that a write would fault on. It is valid as Slice is.
func (a *Array[T]) ReadOnly() ([]T, error) { return a.slice(low.Shared_read_only) }

func (a *Array[T]) slice(call func(low.Shared, *low.View) *low.Failure) ([]T, error) {
	var elements []T
	err := a.h.do(func(object low.Shared) error {
		var view low.View
		if err := failed(call(object, &view)); err != nil {
			return err
		}
		a.h.keep()
		var zero T
		elements = unsafe.Slice((*T)(view.Data), view.Size/uint64(unsafe.Sizeof(zero)))
		return nil
	})
	return elements, err
}

// Read copies elements from `first` on into a slice, as many as it has.
func (a *Array[T]) Read(first int, into []T) error {
	return a.h.do(func(object low.Shared) error {
		return failed(low.Shared_read(object, uint64(first), uint64(len(into)), bytesIn(into)))
	})
}

// Write copies elements from a slice to where `first` is.
func (a *Array[T]) Write(first int, from []T) error {
	return a.h.do(func(object low.Shared) error {
		return failed(low.Shared_write(object, uint64(first), uint64(len(from)), bytesIn(from)))
	})
}

// bytesIn is the memory of a slice of plain elements.
func bytesIn[T any](slice []T) []byte {
	if len(slice) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&slice[0])), len(slice)*int(unsafe.Sizeof(slice[0])))
}

// Lock acquires the array's own lock.
func (a *Array[T]) Lock(ctx context.Context) error { return sharedLock(ctx, a.h) }

// Unlock releases the array's own lock.
func (a *Array[T]) Unlock() error {
	return a.h.do(func(object low.Shared) error { return failed(low.Shared_unlock(object, anybody)) })
}

// Recover takes the array's own lock whose holder died.
func (a *Array[T]) Recover() error {
	return a.h.do(func(object low.Shared) error { return failed(low.Shared_recover(object, anybody)) })
}

func sharedLock(ctx context.Context, h *handle[low.Shared]) error {
	return h.do(func(object low.Shared) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Shared_lock(object, anybody, timeout, cancel)
		})
	})
}

// Close gives this process's hold on the array back; its slices must not be used any more. The error is nil: it is an
// io.Closer.
func (a *Array[T]) Close() error {
	a.h.close()
	return nil
}

func (a *Array[T]) waitable() (low.Handle, func(), error) { return viewOf(a.h, low.Shared_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (a *Array[T]) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, a) }

// DecodeMsgpack implements msgpack.CustomDecoder. Elements of another type are refused.
func (a *Array[T]) DecodeMsgpack(decoder *msgpack.Decoder) error {
	h, err := decodeOne(decoder, low.Msg_take_shared, low.Shared_free)
	if err != nil {
		return err
	}
	a.h = h
	return h.do(checkElements[T])
}

func checkElements[T any](object low.Shared) error {
	wanted, err := elementType[T]()
	if err != nil {
		return err
	}
	var zero T
	found, size := int(low.Shared_type(object)), int(low.Shared_element_size(object))
	// One byte is one byte, whatever other languages call it.
	sameByte := size == 1 && unsafe.Sizeof(zero) == 1 && wanted != low.TYPE_BOOL
	sameRune := found == low.TYPE_WCHAR && wanted == low.TYPE_INT32
	if size != int(unsafe.Sizeof(zero)) || (found != wanted && !sameByte && !sameRune) {
		return fmt.Errorf("the array's elements have type %d and %d bytes: they are no %T", found, size, zero)
	}
	return nil
}

// arrayOfAny makes an array of the type that its elements have.
func arrayOfAny(h *handle[low.Shared]) (any, error) {
	switch int(low.Shared_type(h.low)) {
	case low.TYPE_BOOL:
		return &Array[bool]{h}, nil
	case low.TYPE_INT8:
		return &Array[int8]{h}, nil
	case low.TYPE_CHAR, low.TYPE_UINT8:
		return &Array[uint8]{h}, nil
	case low.TYPE_INT16:
		return &Array[int16]{h}, nil
	case low.TYPE_UINT16:
		return &Array[uint16]{h}, nil
	case low.TYPE_WCHAR, low.TYPE_INT32:
		return &Array[int32]{h}, nil
	case low.TYPE_UINT32:
		return &Array[uint32]{h}, nil
	case low.TYPE_INT64:
		return &Array[int64]{h}, nil
	case low.TYPE_UINT64:
		return &Array[uint64]{h}, nil
	case low.TYPE_FLOAT:
		return &Array[float32]{h}, nil
	case low.TYPE_DOUBLE:
		return &Array[float64]{h}, nil
	}
	return nil, errorf(ErrUnsupported, "an array of structs needs its type: take it as an Array of the struct")
}
