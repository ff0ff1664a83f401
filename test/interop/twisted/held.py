"""held.py PROGRAM [argument …]: runs a Python program until it ends, or until standard input does.

Who holds the other end of standard input may be killed in any way: nothing stays behind.
"""
import os
import runpy
import sys
import threading


def watch():
    while os.read(0, 4096):
        pass
    os._exit(1)


threading.Thread(target=watch, daemon=True).start()
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
