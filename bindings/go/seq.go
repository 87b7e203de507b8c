//go:build go1.23

package brood

import (
	"context"
	"errors"
	"io"
	"iter"
)

// All ranges over the outcomes of a stream until it is finished and empty:
//
//	for value, err := range stream.All(ctx) { … }
//
// A task's failure is an *ItemError, after which the others follow; any other error is the last.
func (s *Stream[A, R]) All(ctx context.Context) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for {
			item, err := s.Next(ctx)
			if errors.Is(err, io.EOF) || !yield(item.Value, itemError(item, err)) || err != nil {
				return
			}
		}
	}
}

func itemError[R any](item Item[R], err error) error {
	if err == nil && item.Err != nil {
		return &ItemError{item.Index, item.Err}
	}
	return err
}

// MapSeq runs the task on the values of a sequence as they come, and ranges over the outcomes in their order. Inputs
// are taken no further ahead than the Window, so that neither side need end or fit into memory.
func MapSeq[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], inputs iter.Seq[A], options ...CallOption) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		stream, err := NewStream(pool, task, options...)
		if err != nil {
			var zero R
			yield(zero, err)
			return
		}
		defer stream.Close()
		// takeOne is false when it is over.
		takeOne := func() bool {
			item, err := stream.Next(ctx)
			return !errors.Is(err, io.EOF) && yield(item.Value, itemError(item, err)) && err == nil
		}
		for input := range inputs {
			for {
				pushed, err := stream.TryPush(input)
				if err != nil {
					var zero R
					yield(zero, err)
					return
				}
				if pushed {
					break
				}
				if !takeOne() {
					return
				}
			}
		}
		if err := stream.Finish(); err != nil {
			var zero R
			yield(zero, err)
			return
		}
		for takeOne() {
		}
	}
}

// All ranges over the values of a queue until it is shut down and empty. An error is the last.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			value, err := q.Get(ctx)
			if errors.Is(err, ErrClosed) || !yield(value, err) || err != nil {
				return
			}
		}
	}
}
