# Two commands do everything on a fresh Debian or Ubuntu machine: `make demo` and `make test`.

.PHONY: help setup demo test bench lint

help:
	@echo 'make demo    see a simulated table being seen; needs no camera and no broker'
	@echo 'make test    every test that fits in 20 minutes on two cores'
	@echo 'make bench   measure every stage of the pipeline on this machine'
	@echo 'make lint    formatting, clippy, documentation, features, dependencies'

setup:
	@ci/setup build

demo: setup
	cargo run --release --package baize -- demo

bench: setup
	cargo run --release --package baize -- bench

test:
	@ci/setup build test
	@ci/test

lint: setup
	@ci/lint
