package brood

import (
	"context"

	"brood/internal/low"
)

// Lease is a value for as long as it takes to handle it: Ack finishes it, and it is delivered again if this process
// dies before, or gives it back.
type Lease[T any] struct {
	Value T
	h     *handle[low.Lease]
}

// GetLease takes the next value as a lease.
func (q *Queue[T]) GetLease(ctx context.Context) (*Lease[T], error) {
	var lease Lease[T]
	err := q.h.do(func(object low.Queue) error {
		var made low.Lease
		err := wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Queue_get_lease(object, timeout, cancel, &made)
		})
		if err != nil {
			return err
		}
		msg := low.Lease_msg(made)
		if err := unpack(msg, headOf(msg), &lease.Value); err != nil {
			// Nobody here can read it: it must not come again and again.
			if low.Lease_ack(made) != nil {
				low.Lease_free(made)
			}
			return err
		}
		lease.h = own(made, low.Lease_free)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lease, nil
}

// Ack says that the value is handled for good. ErrClosed: it was acknowledged or given back before.
func (l *Lease[T]) Ack() error {
	// C consumes the lease on success only, while somebody else may be just giving it back.
	return l.h.consume(func(object low.Lease) error { return failed(low.Lease_ack(object)) })
}

// Close gives the value back to the queue, to be delivered again, unless it was acknowledged. The error is nil: it is
// an io.Closer, and may be deferred.
func (l *Lease[T]) Close() error {
	l.h.close()
	return nil
}
