package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// digest is what a worker computes. Why a file could not be read is a value and no failure: a file that vanishes is
// nothing unusual in a tree that others work in.
type digest struct {
	Hash  []byte
	Bytes int64
	Errno int
}

func hashFile(path string) (digest, error) {
	file, err := os.Open(path)
	if err != nil {
		return unread(err)
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return unread(err)
	}
	return digest{Hash: hash.Sum(nil), Bytes: size}, nil
}

func unread(err error) (digest, error) {
	var number syscall.Errno
	if errors.As(err, &number) {
		return digest{Errno: int(number)}, nil
	}
	return digest{}, err
}

// checksumLine is what sha256sum prints for a file, with its escaping of odd names.
func checksumLine(d digest, path string) string {
	escaped := strings.NewReplacer("\\", `\\`, "\n", `\n`, "\r", `\r`).Replace(path)
	mark := ""
	if escaped != path {
		mark = `\`
	}
	return fmt.Sprintf("%s%x  %s", mark, d.Hash, escaped)
}

// describe is an error as C's programs word it.
func describe(err error) string {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err.Error()
	}
	text := number.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
