package brood

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"brood/internal/low"
)

// Stdio says where a standard stream of a child goes.
type Stdio struct {
	kind   int
	path   string
	append bool
}

// Where a standard stream can go.
var (
	Inherit = Stdio{kind: low.STDIO_INHERIT} // to where this process's goes
	Null    = Stdio{kind: low.STDIO_NULL}    // to the null device
	Piped   = Stdio{kind: low.STDIO_PIPE}    // to Process.Stdin, Stdout or Stderr
)

// File is a file: standard input reads it, the others truncate it.
func File(path string) Stdio { return Stdio{kind: low.STDIO_FILE, path: path} }

// AppendFile is a file that output is appended to.
func AppendFile(path string) Stdio { return Stdio{low.STDIO_FILE, path, true} }

// Stdin, without which it is the null device.
func Stdin(to Stdio) ProcessOption { return to.option("standard_input") }

// Stdout, without which it is this process's.
func Stdout(to Stdio) ProcessOption { return to.option("standard_output") }

// Stderr, without which it is this process's.
func Stderr(to Stdio) ProcessOption { return to.option("standard_error") }

func (s Stdio) option(stream string) ProcessOption {
	return processOption(func(p *processOptions) {
		p.set(stream+".kind", s.kind)
		if s.path != "" {
			p.set(stream+".path", s.path)
			p.set(stream+".append", s.append)
		}
	})
}

// Stdin writes to a piped standard input. Its waits end with the context. Close ends the input.
func (p *Process) Stdin(ctx context.Context) io.WriteCloser { return &processInput{ctx, p} }

// Stdout reads a piped standard output. Its waits end with the context.
func (p *Process) Stdout(ctx context.Context) io.Reader { return &processOutput{ctx, p, 1} }

// Stderr reads a piped standard error. Its waits end with the context.
func (p *Process) Stderr(ctx context.Context) io.Reader { return &processOutput{ctx, p, 2} }

type processInput struct {
	ctx     context.Context //nolint:containedctx // io.Writer has no room for it
	process *Process
}

func (w *processInput) Write(data []byte) (int, error) {
	total := 0
	err := w.process.h.do(func(object low.Process) error {
		return wait(w.ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			var written uint64
			failure := low.Process_write(object, data[total:], timeout, cancel, &written)
			total += int(written)
			return failure
		})
	})
	return total, err
}

func (w *processInput) Close() error {
	return w.process.h.do(func(object low.Process) error { return failed(low.Process_close_input(object)) })
}

type processOutput struct {
	ctx     context.Context //nolint:containedctx // io.Reader has no room for it
	process *Process
	stream  int
}

func (r *processOutput) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	var size uint64
	err := r.process.h.do(func(object low.Process) error {
		return wait(r.ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Process_read(object, r.stream, into, timeout, cancel, &size)
		})
	})
	if errors.Is(err, ErrClosed) {
		return 0, io.EOF
	}
	return int(size), err
}

func describeExit(code int, signal syscall.Signal) string {
	if signal != 0 {
		return fmt.Sprintf("signal %d (%v)", int(signal), signal)
	}
	return fmt.Sprintf("exit code %d", code)
}
