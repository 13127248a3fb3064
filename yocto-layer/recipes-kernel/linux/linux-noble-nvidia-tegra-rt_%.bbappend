require baize.inc
