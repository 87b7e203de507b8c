// SHA-256 of every regular file below a directory, hashed by a pool of processes: the same lines in the same order as
// `find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum`.
//
// Paths go to the workers through a stream, so neither the tree nor its digests are ever held in memory, and a file
// that crashes its worker would cost that file's line and no other.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"brood"
)

var sha256Task = brood.Func("sha256", hashFile)

const (
	// Paths on their way: enough that a large file at the front does not keep the other workers waiting.
	window          = 1024
	mostSampleFiles = 20000
	exitInterrupted = 130
)

// hashAll hashes paths from `next` through the pool and gives each outcome to `take`, in order.
func hashAll(ctx context.Context, pool *brood.Pool, next func() (string, bool), take func(string, brood.Item[digest])) error {
	stream, err := brood.NewStream(pool, sha256Task, brood.Window(window))
	if err != nil {
		return err
	}
	defer stream.Close()
	var underway []string
	takeOne := func() error {
		item, err := stream.Next(ctx)
		if err == nil {
			take(underway[0], item)
			underway = underway[1:]
		}
		return err
	}
	for path, ok := next(); ok; path, ok = next() {
		for {
			pushed, err := stream.TryPush(path)
			if err == nil && !pushed {
				err = takeOne()
			}
			if err != nil {
				return err
			}
			if pushed {
				break
			}
		}
		underway = append(underway, path)
	}
	if err := stream.Finish(); err != nil {
		return err
	}
	for err == nil {
		err = takeOne()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type run struct {
	directory string
	pool      *brood.Pool
	output    *bufio.Writer
	files     int
	bytes     int64
	failures  int
}

func (r *run) complain(path string, why error) {
	fmt.Fprintf(os.Stderr, "hash_tree: %s: %s\n", path, describe(why))
	r.failures++
}

func (r *run) take(path string, item brood.Item[digest]) {
	switch {
	case item.Err != nil:
		r.complain(path, item.Err)
	case item.Value.Errno != 0:
		r.complain(path, syscall.Errno(item.Value.Errno))
	default:
		fmt.Fprintln(r.output, checksumLine(item.Value, path))
		r.files++
		r.bytes += item.Value.Bytes
	}
}

func (r *run) hashTree(ctx context.Context, sampleMB int64) error {
	start := time.Now()
	if err := hashAll(ctx, r.pool, newWalk(r.directory, r.complain).next, r.take); err != nil {
		return err
	}
	if err := r.output.Flush(); err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	workers, err := r.pool.Workers()
	if err != nil {
		return err
	}
	speedUp, err := r.speedUp(ctx, sampleMB)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d files, %.1f MB in %.2f s: %.0f MB/s with %d workers%s\n", r.files, float64(r.bytes)/1e6,
		seconds, float64(r.bytes)/1e6/seconds, len(workers), speedUp)
	return nil
}

// speedUp hashes a sample again, which is in the page cache by now: in this process alone, and by the pool.
func (r *run) speedUp(ctx context.Context, sampleMB int64) (string, error) {
	if sampleMB <= 0 {
		return "", nil
	}
	stride := r.bytes/(sampleMB*1e6) + 1
	var paths []string
	walk := newWalk(r.directory, func(string, error) {})
	for i := int64(0); len(paths) < mostSampleFiles; i++ {
		path, ok := walk.next()
		if !ok {
			break
		}
		if i%stride == 0 {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return "", nil
	}
	start := time.Now()
	var bytes int64
	for _, path := range paths {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		one, err := sha256Task.Run(path)
		if err != nil {
			return "", err
		}
		bytes += one.Bytes
	}
	alone := time.Since(start)
	start = time.Now()
	left := paths
	err := hashAll(ctx, r.pool, func() (string, bool) {
		if len(left) == 0 {
			return "", false
		}
		path := left[0]
		left = left[1:]
		return path, true
	}, func(string, brood.Item[digest]) {})
	return fmt.Sprintf("; %.2f times as fast as one process (measured on %d of the files, %.1f MB)",
		alone.Seconds()/time.Since(start).Seconds(), len(paths), float64(bytes)/1e6), err
}

func main() {
	brood.Main()
	workers := flag.Int("workers", 0, "how many; 0: one for each usable CPU")
	sampleMB := flag.Int64("sample", 64, "MB hashed again to measure the speed-up; 0: do not measure")
	directory := "/usr/share/doc"
	// The directory may stand before the options, as elsewhere.
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] != "" && arguments[0][0] != '-' {
		directory, arguments = arguments[0], arguments[1:]
	}
	if err := flag.CommandLine.Parse(arguments); err != nil {
		os.Exit(1)
	}
	if flag.NArg() > 0 {
		directory = flag.Arg(0)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(hash(ctx, directory, *workers, *sampleMB))
}

func hash(ctx context.Context, directory string, workers int, sampleMB int64) int {
	pool, err := brood.NewPool(brood.Workers(workers))
	if err == nil {
		defer pool.Close()
		r := &run{directory: directory, pool: pool, output: bufio.NewWriter(os.Stdout)}
		if err = r.hashTree(ctx, sampleMB); err == nil && r.failures == 0 {
			return 0
		}
		_ = r.output.Flush()
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "hash_tree: interrupted")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(os.Stderr, "hash_tree:", err)
	}
	return 1
}
