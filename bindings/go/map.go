package brood

import (
	"context"
	"errors"
	"io"

	"brood/internal/low"
)

// Map runs the task on each input, and gives the results in the order of the inputs. The first failure is given as
// an *ItemError, and the rest is cancelled; so it is when the context is done.
func Map[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], inputs []A, options ...CallOption) ([]R, error) {
	results := make([]R, len(inputs))
	err := mapInto(ctx, pool, task, inputs, options, false, func(i int) any { return &results[i] }, nil)
	if err != nil {
		return nil, err
	}
	return results, nil
}

// MapAll is Map that goes on after failures: each is in its item. The error is one of the map as a whole.
func MapAll[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], inputs []A, options ...CallOption) ([]Item[R], error) {
	items := make([]Item[R], len(inputs))
	for i := range items {
		items[i].Index = i
	}
	err := mapInto(ctx, pool, task, inputs, options, true,
		func(i int) any { return &items[i].Value },
		func(failure *ItemError) { items[failure.Index].Err = failure.Err })
	if err != nil {
		return nil, err
	}
	return items, nil
}

func mapInto[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], inputs []A, options []CallOption,
	collect bool, place func(int) any, fail func(*ItemError)) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	c := callOptionsOf(options)
	p := newPacker()
	defer p.release()
	codec := codecMsgpack
	for i, input := range inputs {
		var err error
		if codec, err = p.packItem(input, pool.useGob); err != nil {
			return &ItemError{i, err}
		}
		if len(p.handles) > 0 {
			return mapByFutures(ctx, pool, task, inputs, options, collect, place, fail)
		}
	}
	// Results are looked for at their inputs' indexes, so they may as well come in any order.
	c.unordered = true
	r := streamRecord(c, pool.useGob, collect)
	defer r.free()
	r.set("codec", int(codec))
	if r.err != nil {
		return r.err
	}
	return pool.h.do(func(object low.Pool) error {
		var stream low.Stream
		if err := failed(low.Pool_map(object, task.name, p.buf, r.low, &stream)); err != nil {
			return err
		}
		defer low.Stream_free(stream)
		return takeAll(ctx, stream, len(inputs), c.onProgress, place, fail)
	})
}

// takeAll takes each result of a map to its place.
func takeAll(ctx context.Context, stream low.Stream, total int, progress func(int, int), place func(int) any,
	fail func(*ItemError)) error {
	results := newBatch()
	defer results.low.close()
	for done := 1; ; done++ {
		_, err := results.next(ctx, stream, place)
		var failure *ItemError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &failure) && fail != nil:
			fail(failure)
		case err != nil:
			return err
		}
		if progress != nil {
			progress(done, total)
		}
	}
}

// mapByFutures is Map of inputs that hold objects in shared memory, which travel with single tasks only.
func mapByFutures[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], inputs []A, options []CallOption,
	collect bool, place func(int) any, fail func(*ItemError)) (err error) {
	futures := make([]*Future[R], len(inputs))
	defer func() {
		for _, future := range futures {
			if future == nil {
				continue
			}
			if err != nil {
				_ = future.Cancel()
			}
			_ = future.Close()
		}
	}()
	for i, input := range inputs {
		if futures[i], err = Submit(ctx, pool, task, input, options...); err != nil {
			return &ItemError{i, err}
		}
	}
	c := callOptionsOf(options)
	for i, future := range futures {
		value, failure := future.Wait(ctx)
		switch {
		case failure == nil:
			*place(i).(*R) = value
		case ctx.Err() != nil:
			return contextError(ctx)
		case !collect:
			return &ItemError{i, failure}
		default:
			fail(&ItemError{i, failure})
		}
		if c.onProgress != nil {
			c.onProgress(i+1, len(inputs))
		}
	}
	return nil
}
