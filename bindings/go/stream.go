package brood

import (
	"context"
	"errors"
	"io"

	"brood/internal/low"
)

// Item is one outcome of a stream: of input number Index, from 0.
type Item[R any] struct {
	Index int
	Value R
	Err   error // the task's failure; the others go on
}

// Stream runs a task on inputs that are pushed one by one, without end if need be, in bounded memory.
// Its methods may be called from several goroutines; one pushes and another takes, as a rule.
type Stream[A, R any] struct {
	h       *handle[low.Stream]
	useGob  bool
	results *batch
}

const batchSize = 256

// batch is results that one call has fetched. `turn` is the right to take from it.
type batch struct {
	turn  chan struct{}
	low   *handle[low.Batch]
	heads []low.Head
	at    int
}

func newBatch() *batch {
	b := &batch{turn: make(chan struct{}, 1), low: own(low.Batch_create(batchSize), low.Batch_free)}
	b.turn <- struct{}{}
	return b
}

// NewStream makes a stream. Close it when it is not needed any more.
func NewStream[A, R any](pool *Pool, task *Task[A, R], options ...CallOption) (*Stream[A, R], error) {
	r := streamRecord(callOptionsOf(options), pool.useGob, true)
	defer r.free()
	if r.err != nil {
		return nil, r.err
	}
	var stream low.Stream
	err := pool.h.do(func(object low.Pool) error {
		return failed(low.Stream_create(object, task.name, r.low, &stream))
	})
	if err != nil {
		return nil, err
	}
	return &Stream[A, R]{own(stream, low.Stream_free), pool.useGob, newBatch()}, nil
}

func streamRecord(c callOptions, useGob, collect bool) *record {
	r := newRecord("stream_options")
	r.set("window", c.window)
	r.set("chunk", c.chunk)
	r.set("unordered", c.unordered)
	r.set("on_error", collect)
	r.set("run_limit_ms", milliseconds(c.runLimit))
	r.set("retries", c.retries)
	r.set("codec", int(codecMsgpack))
	if useGob {
		r.set("codec", int(codecNative))
	}
	return r
}

// Push gives the stream an input; it waits while the window is full, until results are taken.
func (s *Stream[A, R]) Push(ctx context.Context, input A) error {
	return s.push(input, func(call func(int64, low.Cancel) *low.Failure) error { return wait(ctx, call) })
}

// TryPush is Push without waiting: false means that the window is full.
func (s *Stream[A, R]) TryPush(input A) (bool, error) {
	return tried(s.push(input, once))
}

func (s *Stream[A, R]) push(input A, how func(func(int64, low.Cancel) *low.Failure) error) error {
	p := newPacker()
	defer p.release()
	if err := packForStream(p, input, s.useGob); err != nil {
		return err
	}
	return s.h.do(func(object low.Stream) error {
		return how(func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Stream_push(object, p.buf, timeout, cancel)
		})
	})
}

func packForStream(p *packer, input any, useGob bool) error {
	_, err := p.pack(input, useGob)
	if err == nil && len(p.handles) > 0 {
		err = errorf(ErrUnsupported, "the inputs of a stream cannot hold objects in shared memory: Submit can")
	}
	return err
}

// Finish says that there are no more inputs.
func (s *Stream[A, R]) Finish() error {
	return s.h.do(func(object low.Stream) error { return failed(low.Stream_finish(object)) })
}

// Next takes the next outcome, and gives io.EOF after the last. A task's failure is in the item.
func (s *Stream[A, R]) Next(ctx context.Context) (Item[R], error) {
	var item Item[R]
	object, err := s.h.enter()
	if err != nil {
		return item, err
	}
	defer s.h.leave()
	index, err := s.results.next(ctx, object, func(int) any { return &item.Value })
	var failure *ItemError
	if errors.As(err, &failure) {
		item.Err, err = failure.Err, nil
	}
	item.Index = index
	return item, err
}

// Close forgets the stream, and cancels what is left of it. The error is nil: it is an io.Closer.
func (s *Stream[A, R]) Close() error {
	s.h.close()
	return nil
}

func (s *Stream[A, R]) waitable() (low.Handle, func(), error) { return viewOf(s.h, low.Stream_handle) }

// next decodes the next result to where `place` says for its index, and gives the index. An item's failure is an
// *ItemError.
func (b *batch) next(ctx context.Context, stream low.Stream, place func(int) any) (int, error) {
	select {
	case <-b.turn:
	case <-ctx.Done():
		return -1, contextError(ctx)
	}
	defer func() { b.turn <- struct{}{} }()
	if b.at == len(b.heads) {
		if index, err := b.fill(ctx, stream); err != nil {
			return index, err
		}
	}
	head := b.heads[b.at]
	msg := low.Batch_peek(b.low.low, int64(b.at))
	b.at++
	index := int(head.Index)
	if err := unpack(msg, head, place(index)); err != nil {
		return index, &ItemError{index, err}
	}
	return index, nil
}

func (b *batch) fill(ctx context.Context, stream low.Stream) (int, error) {
	if b.heads == nil {
		b.heads = make([]low.Head, 0, batchSize)
	}
	b.heads, b.at = b.heads[:0], 0
	err := wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
		return low.Stream_next_batch(stream, b.low.low, timeout, cancel)
	})
	switch {
	case err == nil:
		heads := b.heads[:batchSize]
		b.heads = heads[:low.Batch_heads(b.low.low, heads)]
		return 0, nil
	case errors.Is(err, ErrClosed):
		return -1, io.EOF
	case ctx.Err() != nil:
		return -1, contextError(ctx)
	}
	index := int(low.Batch_index(b.low.low, 0))
	return index, &ItemError{index, err}
}
