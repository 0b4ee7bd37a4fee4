"""Whole processes in turns: lossctl, what users would write instead, and decoding alone.

`python -m tests.bench` makes the files once, runs the tasks and prints seconds, ratios and their limits; `--profile`
says where lossctl's time goes, `--kernels` times its kernels on arrays against PyTorch. Times differ by machine and
hour: read the ratios.
"""
