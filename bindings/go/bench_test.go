package brood_test

import (
	"context"
	"testing"

	"brood"
)

func BenchmarkRun(b *testing.B) {
	pool, err := brood.NewPool(brood.Workers(1))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := brood.Run(ctx, pool, fibTask, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	pool, err := brood.NewPool(brood.Workers(1))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	inputs := make([]int, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := brood.Map(context.Background(), pool, fibTask, inputs); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkQueue(b *testing.B) {
	queue, err := brood.NewQueue[int]()
	if err != nil {
		b.Fatal(err)
	}
	defer queue.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if err := queue.Put(ctx, i); err != nil {
			b.Fatal(err)
		}
		if _, err := queue.Get(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLock(b *testing.B) {
	lock, err := brood.NewLock()
	if err != nil {
		b.Fatal(err)
	}
	defer lock.Close()
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if err := lock.Lock(ctx); err != nil {
			b.Fatal(err)
		}
		if err := lock.Unlock(); err != nil {
			b.Fatal(err)
		}
	}
}
