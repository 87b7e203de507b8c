import os
import select
import signal
import threading

import pytest

import brood
import some_tasks as tasks


def test_a_task_in_a_process_of_its_own():
    queue = brood.Queue()
    process = brood.Process(target=tasks.bump_and_tell, args=(queue,), kwargs={"word": "hello"}, name="teller")
    assert process.pid is None and process.exitcode is None and not process.is_alive()
    process.start()
    assert queue.get(timeout=30) == ["hello", "teller", os.getpid()]
    process.join(30)
    assert process.exitcode == 0 and not process.is_alive() and "exitcode=0" in repr(process)
    process.check()
    with pytest.raises(ValueError):
        process.start()
    process.close()
    assert process.pid is None


def test_how_processes_end():
    codes = {}
    for name, target, args in (
        ("well", tasks.nothing, ()),
        ("failed", tasks.fail, ("x",)),
        ("left", tasks.leave, (7,)),
        ("crashed", tasks.crash, (signal.SIGSEGV,)),
    ):
        process = brood.Process(target=target, args=args, stderr="null", limits={"core_bytes": -1})
        process.start()
        process.join(30)
        codes[name] = process.exitcode
        if name == "failed":
            with pytest.raises(ValueError):
                process.check()
    assert codes == {"well": 0, "failed": 1, "left": 7, "crashed": -signal.SIGSEGV}


def test_killing_and_waiting():
    started = brood.Event()
    process = brood.Process(target=tasks.hang, args=(started,), daemon=True)
    process.start()
    assert started.wait(30)
    assert brood.active_children() == [process]
    process.join(0.01)
    assert process.is_alive()
    with pytest.raises(ValueError):
        process.close()
    process.terminate()
    assert select.select([process.sentinel], [], [], 30)[0]
    process.join(30)
    assert process.exitcode == -signal.SIGTERM and brood.active_children() == []
    assert process.usage().user_us > 0
    assert brood.wait([process], 0) == [process]


def test_streams():
    process = brood.Process(target=tasks.say, args=("spoken",), stdout="pipe")
    process.start()
    assert list(process.lines()) == [b"spoken"]
    process.join(30)
    cat = brood.Process.spawn(["cat"], stdin="pipe", stdout="pipe")
    cat.write(b"there and back")
    assert cat.read(100) == b"there and back"
    cat.close_stdin()
    assert cat.read(100) == b""
    cat.join(30)
    assert cat.exitcode == 0 and cat.name == "cat"


def test_signals_while_writing_much():
    """What was written before a signal is not written again."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    cat, data, received = brood.Process.spawn(["cat"], stdin="pipe", stdout="pipe"), os.urandom(2_000_000), []

    def read():
        while part := cat.read(4096):
            received.append(part)
            os.kill(os.getpid(), signal.SIGUSR1)

    reader = threading.Thread(target=read)
    reader.start()
    cat.write(data)
    cat.close_stdin()
    reader.join()
    cat.join(30)
    signal.signal(signal.SIGUSR1, before)
    assert b"".join(received) == data
    with pytest.raises(brood.Timeout):
        full = brood.Process.spawn(["sleep", "1000"], stdin="pipe")
        full.write(data, timeout=0.05)
    full.kill()


def test_a_file_as_a_stream(tmp_path):
    path = tmp_path / "out.txt"
    process = brood.Process.spawn(["echo", "to a file"], stdout=str(path))
    process.join(30)
    assert path.read_text() == "to a file\n"
    with pytest.raises(OSError):
        brood.Process.spawn(["/nowhere/at/all"])


def test_who_is_who(pool):
    assert brood.current_process().name == "main" and brood.current_process().pid == os.getpid()
    assert brood.parent_process() is None
    name, parent, alive = pool.apply(tasks.family)
    assert parent == os.getpid() and alive and name
    assert brood.cpu_count() >= 1
