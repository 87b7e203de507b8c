"""The classic first example: two Fibonacci numbers in two processes, then many with a pool."""

import brood


@brood.task
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@brood.task
def print_fib(n):
    print(f"fib({n}) = {fib(n)}")


def two_processes():
    processes = [brood.Process(target=print_fib, args=(n,), stdout="pipe") for n in (27, 28)]
    for process in processes:
        process.start()
    for number, process in enumerate(processes, 1):
        for line in process.lines():
            print(f"process {number} says: {line.decode()}")
        process.join()


def map_with_a_pool():
    with brood.Pool() as pool:
        for n, value in enumerate(pool.map(fib, range(25))):
            print(f"fib({n}) = {value}")


if __name__ == "__main__":
    two_processes()
    map_with_a_pool()
