"""Runs a Python module as a program: launch_host.py <data folder> <module> <arguments>.

The program and everything it started end when standard input closes, and its data folder is removed, so that
nothing outlives the tests, however they end. The process must lead its own process group.
"""
import os
import runpy
import shutil
import signal
import sys
import threading


def end_with_parent():
    while os.read(0, 4096):
        pass
    shutil.rmtree(data_folder, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if os.getpid() != os.getpgrp():
    sys.exit("launch_host.py must lead its process group")
data_folder = sys.argv[1]
threading.Thread(target=end_with_parent, daemon=True).start()
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
