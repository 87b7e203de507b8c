package brood_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"brood"
)

func TestStream(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(2)), within(t)
	stream, err := brood.NewStream(pool, panics, brood.Window(8))
	must(t, err)
	defer stream.Close()
	next, pushed := 0, 0
	take := func() bool {
		item, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			return false
		}
		must(t, err)
		if item.Index != next || (item.Err != nil) != (next%10 == 3) {
			t.Fatalf("item %d is %+v", next, item)
		}
		next++
		return true
	}
	for pushed < 300 {
		input := 0
		if pushed%10 == 3 {
			input = 1
		}
		ok, err := stream.TryPush(input)
		must(t, err)
		if ok {
			pushed++
		} else {
			take()
		}
		if pushed-next > 8+256 {
			t.Fatalf("%d inputs ahead", pushed-next)
		}
	}
	must(t, stream.Finish())
	for take() {
	}
	if next != 300 {
		t.Fatalf("%d results", next)
	}
	wantStatus(t, stream.Push(ctx, 1), brood.ErrClosed)
}

func TestStreamFromTwoSides(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(2)), within(t)
	stream, err := brood.NewStream(pool, fibTask, brood.Unordered())
	must(t, err)
	defer stream.Close()
	pushing := make(chan error)
	go func() {
		for i := 0; i < 2000; i++ {
			if err := stream.Push(ctx, 5); err != nil {
				pushing <- err
				return
			}
		}
		pushing <- stream.Finish()
	}()
	seen := make([]bool, 2000)
	for {
		item, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if item.Value != 5 || seen[item.Index] {
			t.Fatalf("got %+v", item)
		}
		seen[item.Index] = true
	}
	must(t, <-pushing)
	for i, done := range seen {
		if !done {
			t.Fatalf("input %d has no result", i)
		}
	}
}

func TestStreamCanceled(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	stream, err := brood.NewStream(pool, hang)
	must(t, err)
	must(t, stream.Push(ctx, brood.Unit{}))
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := stream.Next(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	must(t, stream.Close())
	if value, err := brood.Run(ctx, pool, fibTask, 10); err != nil || value != 55 {
		t.Fatalf("got %d, %v", value, err)
	}
}
