package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Pipe is one end of a pipe for values. An end travels to other processes like any object in shared memory; when
// nobody holds it any more, the other end gets what was sent, and then ErrClosed.
type Pipe struct {
	h *handle[low.Pipe]
}

// NewPipe makes a pipe whose both ends send and receive.
func NewPipe() (a, b *Pipe, err error) { return newPipe(true) }

// NewOneWayPipe makes a pipe in one direction.
func NewOneWayPipe() (receiver, sender *Pipe, err error) { return newPipe(false) }

func newPipe(duplex bool) (*Pipe, *Pipe, error) {
	if err := ready(); err != nil {
		return nil, nil, err
	}
	var a, b low.Pipe
	if err := failed(low.Pipe_create(duplex, &a, &b)); err != nil {
		return nil, nil, err
	}
	return &Pipe{own(a, low.Pipe_free)}, &Pipe{own(b, low.Pipe_free)}, nil
}

// Send sends a value. It waits while much is on its way already.
func (p *Pipe) Send(ctx context.Context, value any) error {
	packed := newPacker()
	defer packed.release()
	codec, err := packed.pack(value, false)
	if err != nil {
		return err
	}
	return p.h.do(func(object low.Pipe) error {
		if len(packed.handles) == 0 {
			return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
				return low.Pipe_send(object, packed.buf, codec, timeout, cancel)
			})
		}
		msg, err := packed.message(codec)
		if err != nil {
			return err
		}
		err = wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Pipe_send_msg(object, msg, timeout, cancel)
		})
		if err != nil {
			low.Msg_free(msg)
		}
		return err
	})
}

// Recv receives the next value into what `into` points to. ErrClosed: the other end is gone, and all was received.
func (p *Pipe) Recv(ctx context.Context, into any) error {
	return p.h.do(func(object low.Pipe) error {
		var msg low.Msg
		err := wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Pipe_recv(object, timeout, cancel, &msg)
		})
		if err != nil {
			return err
		}
		defer low.Msg_free(msg)
		return unpack(msg, headOf(msg), into)
	})
}

// Poll waits until Recv has an answer.
func (p *Pipe) Poll(ctx context.Context) error {
	return p.h.do(func(object low.Pipe) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Pipe_poll(object, timeout, cancel)
		})
	})
}

// Ready tells whether Recv has an answer now.
func (p *Pipe) Ready() (bool, error) {
	return tried(p.h.do(func(object low.Pipe) error { return failed(low.Pipe_poll(object, 0, 0)) }))
}

// Shutdown ends both directions for everyone; what was sent can be received.
func (p *Pipe) Shutdown() error {
	return p.h.do(func(object low.Pipe) error { return failed(low.Pipe_shutdown(object)) })
}

// Close gives this process's hold on the end back. The error is nil: it is an io.Closer.
func (p *Pipe) Close() error {
	p.h.close()
	return nil
}

func (p *Pipe) waitable() (low.Handle, func(), error) { return viewOf(p.h, low.Pipe_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (p *Pipe) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, p) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (p *Pipe) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	p.h, err = decodeOne(decoder, low.Msg_take_pipe, low.Pipe_free)
	return err
}
