"""A wrapper around a worker that treats its output badly: `worker_wrapper.py MODE COMMAND...`.

bytes: hands on one byte at a time. delay: holds everything back, and hands it on in bursts. cut N: ends after N bytes.
"""

import os
import subprocess
import sys
import threading
import time

mode, *command = sys.argv[1:]
most = int(command.pop(0)) if mode == "cut" else 0
process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def hand_in():
    while data := os.read(0, 65536):
        process.stdin.write(data)
        process.stdin.flush()
    process.stdin.close()


threading.Thread(target=hand_in, daemon=True).start()
sent = 0
while data := os.read(process.stdout.fileno(), 65536):
    if mode == "delay":
        time.sleep(0.15)
        os.write(1, data[: len(data) // 2])
        time.sleep(0.05)
        os.write(1, data[len(data) // 2 :])
    elif mode == "bytes":
        for at in range(len(data)):
            os.write(1, data[at : at + 1])
    else:
        os.write(1, data[: most - sent])
        sent += len(data)
        if sent >= most:
            process.kill()
            break
process.wait()
sys.exit(3 if mode == "cut" else 0)
