package brood

import (
	"context"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Event is a flag. Setting it wakes all who wait at that moment, also when it is cleared at once.
type Event struct {
	h *handle[low.Event]
}

// NewEvent makes an event that is not set.
func NewEvent() (*Event, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	var event low.Event
	if err := failed(low.Event_create(&event)); err != nil {
		return nil, err
	}
	return &Event{own(event, low.Event_free)}, nil
}

// Set sets the flag.
func (e *Event) Set() {
	_ = e.h.do(func(object low.Event) error {
		low.Event_set(object)
		return nil
	})
}

// Clear clears the flag.
func (e *Event) Clear() {
	_ = e.h.do(func(object low.Event) error {
		low.Event_clear(object)
		return nil
	})
}

// IsSet tells whether the flag is set.
func (e *Event) IsSet() bool {
	set := false
	_ = e.h.do(func(object low.Event) error {
		set = low.Event_is_set(object)
		return nil
	})
	return set
}

// Wait waits until the flag is set, or was set since the call.
func (e *Event) Wait(ctx context.Context) error {
	return e.h.do(func(object low.Event) error {
		return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Event_wait(object, timeout, cancel)
		})
	})
}

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (e *Event) Close() error {
	e.h.close()
	return nil
}

func (e *Event) waitable() (low.Handle, func(), error) { return viewOf(e.h, low.Event_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (e *Event) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, e) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (e *Event) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	e.h, err = decodeOne(decoder, low.Msg_take_event, low.Event_free)
	return err
}

// Token ends waits in other processes: a context that travels.
type Token struct {
	h *handle[low.Cancel]
}

// NewToken makes a token.
func NewToken() (*Token, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	var token low.Cancel
	if err := failed(low.Cancel_create(&token)); err != nil {
		return nil, err
	}
	return &Token{own(token, low.Cancel_free)}, nil
}

// Fire ends every wait that holds the token, in all processes.
func (t *Token) Fire() {
	_ = t.h.do(func(object low.Cancel) error {
		low.Cancel_fire(object)
		return nil
	})
}

// Fired tells whether it was fired.
func (t *Token) Fired() bool {
	fired := false
	_ = t.h.do(func(object low.Cancel) error {
		fired = low.Cancel_fired(object)
		return nil
	})
	return fired
}

// Context gives a context that is done once the token is fired.
func (t *Token) Context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	err := t.h.do(func(object low.Cancel) error {
		return whenReady(low.Cancel_handle(object), cancel)
	})
	if err != nil {
		cancel()
	}
	return ctx, cancel
}

// Close gives this process's hold on the object back. The error is nil: it is an io.Closer.
func (t *Token) Close() error {
	t.h.close()
	return nil
}

func (t *Token) waitable() (low.Handle, func(), error) { return viewOf(t.h, low.Cancel_handle) }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (t *Token) EncodeMsgpack(encoder *msgpack.Encoder) error { return attach(encoder, t) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (t *Token) DecodeMsgpack(decoder *msgpack.Decoder) (err error) {
	t.h, err = decodeOne(decoder, low.Msg_take_cancel, low.Cancel_free)
	return err
}
