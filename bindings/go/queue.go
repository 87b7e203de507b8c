package brood

import (
	"context"
	"errors"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Queue is values that any number of processes put in and any number take out, in any language. Pass it to tasks.
type Queue[T any] struct {
	h *handle[low.Queue]
}

// QueueOption is an option of NewQueue.
type QueueOption func(*record)

// Capacity makes Put wait while so many values are in the queue.
func Capacity(items int) QueueOption { return func(r *record) { r.set("capacity_items", items) } }

// CapacityBytes makes Put wait while the values in the queue have so many bytes.
func CapacityBytes(size int64) QueueOption {
	return func(r *record) { r.set("capacity_bytes", size) }
}

// Joinable counts what is finished: see TaskDone and Join.
func Joinable() QueueOption { return func(r *record) { r.set("joinable", true) } }

// NewQueue makes a queue, without limits unless they are asked for.
func NewQueue[T any](options ...QueueOption) (*Queue[T], error) {
	h, err := create("queue_options", options, low.Queue_create, low.Queue_free)
	if err != nil {
		return nil, err
	}
	return &Queue[T]{h}, nil
}

// create makes an object that takes options.
func create[T ~uintptr, O ~func(*record)](kind string, options []O, call func(low.Record, *T) *low.Failure, free func(T)) (*handle[T], error) {
	if err := ready(); err != nil {
		return nil, err
	}
	r := newRecord(kind)
	defer r.free()
	for _, option := range options {
		option(r)
	}
	if r.err != nil {
		return nil, r.err
	}
	var made T
	if err := failed(call(r.low, &made)); err != nil {
		return nil, err
	}
	return own(made, free), nil
}

// Put puts a value in, and waits for room. What was put is there even if this process ends at once.
func (q *Queue[T]) Put(ctx context.Context, value T) error {
	return q.put(value, func(call func(int64, low.Cancel) *low.Failure) error { return wait(ctx, call) })
}

// TryPut is Put without waiting: false means that there is no room.
func (q *Queue[T]) TryPut(value T) (bool, error) {
	return tried(q.put(value, once))
}

// once makes a call that may wait with a timeout of 0.
func once(call func(int64, low.Cancel) *low.Failure) error { return failed(call(0, 0)) }

// tried makes false of a timeout.
func tried(err error) (bool, error) {
	if errors.Is(err, ErrTimeout) {
		return false, nil
	}
	return err == nil, err
}

func (q *Queue[T]) put(value T, how func(func(int64, low.Cancel) *low.Failure) error) error {
	p := newPacker()
	defer p.release()
	codec, err := p.pack(value, false)
	if err != nil {
		return err
	}
	return q.h.do(func(object low.Queue) error {
		if len(p.handles) == 0 {
			return how(func(timeout int64, cancel low.Cancel) *low.Failure {
				return low.Queue_put(object, p.buf, codec, timeout, cancel)
			})
		}
		msg, err := p.message(codec)
		if err != nil {
			return err
		}
		err = how(func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Queue_put_msg(object, msg, timeout, cancel)
		})
		if err != nil {
			low.Msg_free(msg)
		}
		return err
	})
}

// PutMany puts values in with as few calls as there is room for. It gives how many were put: all, unless there is
// an error.
func (q *Queue[T]) PutMany(ctx context.Context, values []T) (int, error) {
	done := 0
	for done < len(values) {
		p := newPacker()
		var err error
		codec := codecMsgpack
		for _, value := range values[done:] {
			if codec, err = p.packItem(value, false); err == nil && len(p.handles) > 0 {
				err = errorf(ErrUnsupported, "PutMany takes no objects in shared memory: Put does")
			}
			if err != nil {
				break
			}
		}
		var count uint64
		if err == nil {
			err = q.h.do(func(object low.Queue) error {
				return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
					return low.Queue_put_many(object, p.buf, codec, timeout, cancel, &count)
				})
			})
		}
		p.release()
		done += int(count)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Get takes the next value, and waits for one. ErrClosed: the queue was shut down and is empty.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	return q.get(func(call func(int64, low.Cancel) *low.Failure) error { return wait(ctx, call) })
}

// TryGet is Get without waiting: false means that the queue is empty.
func (q *Queue[T]) TryGet() (T, bool, error) {
	value, err := q.get(once)
	ok, err := tried(err)
	return value, ok, err
}

func (q *Queue[T]) get(how func(func(int64, low.Cancel) *low.Failure) error) (T, error) {
	var value T
	err := q.h.do(func(object low.Queue) error {
		var msg low.Msg
		err := how(func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Queue_get(object, timeout, cancel, &msg)
		})
		if err != nil {
			return err
		}
		defer low.Msg_free(msg)
		return unpack(msg, headOf(msg), &value)
	})
	return value, err
}

// GetMany takes the next value, and with it as many more as are there, up to `most`.
func (q *Queue[T]) GetMany(ctx context.Context, most int) ([]T, error) {
	if most < 1 {
		return nil, errorf(ErrInvalid, "GetMany takes at least one value")
	}
	batch := low.Batch_create(int64(most))
	defer low.Batch_free(batch)
	var values []T
	err := q.h.do(func(object low.Queue) error {
		err := wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Queue_get_batch(object, batch, timeout, cancel)
		})
		if err != nil {
			return err
		}
		heads := make([]low.Head, low.Batch_count(batch))
		low.Batch_heads(batch, heads)
		values = make([]T, len(heads))
		for i, head := range heads {
			if err := unpack(low.Batch_peek(batch, int64(i)), head, &values[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return values, err
}

// TaskDone says that the oldest value that was got here from a joinable queue is handled.
func (q *Queue[T]) TaskDone() error {
	return q.h.do(func(object low.Queue) error { return failed(low.Queue_task_done(object)) })
}

// Join waits until every value that was put into a joinable queue is handled.
func (q *Queue[T]) Join(ctx context.Context) error {
	return q.h.do(func(object low.Queue) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Queue_join(object, timeout, cancel)
		})
	})
}

// Len is how many values can be taken. It is exact while nobody puts or takes.
func (q *Queue[T]) Len() int {
	length := 0
	_ = q.h.do(func(object low.Queue) error {
		length = int(low.Queue_length(object))
		return nil
	})
	return length
}

// QueueStats counts what went through a queue.
type QueueStats struct {
	Length, Put, Taken int64
	Finished           int64 // acknowledged, or done in a joinable queue
	Lost               int64 // in the hands of processes that were killed
}

// Stats counts what went through the queue.
func (q *Queue[T]) Stats() (QueueStats, error) {
	r := newRecord("queue_stats")
	defer r.free()
	err := q.h.do(func(object low.Queue) error { return failed(low.Queue_get_stats(object, r.low)) })
	return QueueStats{r.number("length"), r.number("put"), r.number("taken"), r.number("finished"), r.number("lost")}, err
}

// Shutdown ends the queue for everyone: nothing more can be put, and what is in it can still be taken.
func (q *Queue[T]) Shutdown() error {
	return q.h.do(func(object low.Queue) error { return failed(low.Queue_shutdown(object)) })
}

// Close gives this process's hold on the queue back. The error is nil: it is an io.Closer.
func (q *Queue[T]) Close() error {
	q.h.close()
	return nil
}

func (q *Queue[T]) waitable() (low.Handle, func(), error) { return viewOf(q.h, low.Queue_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (q *Queue[T]) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, q) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (q *Queue[T]) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	q.h, err = decodeOne(decoder, low.Msg_take_queue, low.Queue_free)
	return err
}
