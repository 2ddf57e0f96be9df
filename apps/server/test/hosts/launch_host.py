"""Runs a Python module as a program: launch_host.py <module> <arguments>.

The program and everything it started end when standard input closes, so that nothing outlives the tests,
however they end. The process must lead its own process group.
"""
import os
import runpy
import signal
import sys
import threading


def end_with_parent():
    while os.read(0, 4096):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if os.getpid() != os.getpgrp():
    sys.exit("launch_host.py must lead its process group")
threading.Thread(target=end_with_parent, daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
