//go:build go1.23

package brood_test

import (
	"errors"
	"testing"

	"brood"
)

func TestMapSeq(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(2)), within(t)
	taken := 0
	endless := func(yield func(int) bool) {
		for yield(taken % 20) {
			taken++
		}
	}
	count := 0
	for value, err := range brood.MapSeq(ctx, pool, fibTask, endless, brood.Window(16)) {
		must(t, err)
		if want, _ := fib(count % 20); value != want {
			t.Fatalf("fib(%d) = %d", count%20, value)
		}
		if count++; count == 500 {
			break
		}
	}
	if taken > 500+16+256 {
		t.Fatalf("%d inputs for 500 results", taken)
	}
	failures := 0
	for _, err := range brood.MapSeq(ctx, pool, panics, func(yield func(int) bool) { _ = yield(0) && yield(4) && yield(0) }) {
		var item *brood.ItemError
		if errors.As(err, &item) && item.Index == 1 {
			failures++
		} else {
			must(t, err)
		}
	}
	if failures != 1 {
		t.Fatalf("%d failures", failures)
	}
}

func TestAll(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	queue, err := brood.NewQueue[int]()
	must(t, err)
	stream, err := brood.NewStream(pool, fibTask)
	must(t, err)
	for i := 0; i < 10; i++ {
		must(t, queue.Put(ctx, i))
		must(t, stream.Push(ctx, i))
	}
	must(t, queue.Shutdown())
	must(t, stream.Finish())
	sum := 0
	for value, err := range queue.All(ctx) {
		must(t, err)
		sum += value
	}
	for value, err := range stream.All(ctx) {
		must(t, err)
		sum += value
	}
	if sum != 45+88 {
		t.Fatalf("sum is %d", sum)
	}
}
