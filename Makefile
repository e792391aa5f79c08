# The handful of commands that people type. All real work is in CMake (CMakePresets.json).
.DEFAULT_GOAL := help
.PHONY: help packages demo test build release format tidy clean

JOBS ?= $(shell nproc)
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy-19

help:
	@echo "make demo      build, then show a whole ingest against the local stand-in platform"
	@echo "make test      build with sanitizers and run every test"
	@echo "make build     build/dev: sanitizers on, warnings are errors"
	@echo "make release   build/release: optimised"
	@echo "make format    lay out the C++ sources by .clang-format"
	@echo "make tidy      run clang-tidy over the sources (needs clang-tidy-19)"
	@echo "make clean     remove build/"

packages:
	@tools/install-packages

build: packages
	cmake --preset dev
	cmake --build --preset dev --parallel $(JOBS)

release: packages
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS)

test: build
	ctest --preset dev --parallel $(JOBS) --output-on-failure --no-tests=error

demo: release
	tests/demo/run

format:
	find core config daemon tests -name node_modules -prune -o \( -name '*.cc' -o -name '*.h' \) -print0 \
	  | xargs -0 $(CLANG_FORMAT) -i

tidy: packages
	cmake --preset release
	find core config daemon -name '*.cc' -print0 \
	  | xargs -0 -n 1 -P $(JOBS) $(CLANG_TIDY) --quiet -p build/release

clean:
	rm -rf build
