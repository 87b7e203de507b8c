"""A worker in Python, for a host in Ruby."""

import os
import signal

import brood


@brood.task
def add(a, b):
    return a + b


@brood.task
def fail(text):
    raise LookupError(text)


@brood.task
def crash():
    os.kill(os.getpid(), signal.SIGKILL)


@brood.task
def relay(source, target):
    target.put({"got": source.get(), "binary": b"\xff"})


@brood.task
def twice(array):
    with array.get_lock():
        for index, value in enumerate(array):
            array[index] = value * 2


brood.main()
