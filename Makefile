# The handful of commands that people type. All real work is in CMake (CMakePresets.json).
.DEFAULT_GOAL := help
.PHONY: help packages demo test sim sim-days soak soak-binary build release release-e2e bench show-attacker show-big show-many show-photos show-hotel show-manifest show-names show-storms show-zoo show-idle mutants fuzz format tidy clean

JOBS ?= $(shell nproc)
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy-19

help:
	@echo "make demo      build, then show a whole ingest against the local stand-in platform"
	@echo "make show-big, show-many, show-photos    the crash tests at full size, with their figures (docs/TESTING.md)"
	@echo "make show-manifest    a manifest of ten million lines, killed twice while it is read: some 6 GB in TMPDIR"
	@echo "make show-names, show-storms    100,000 strange file names; bursts of 20,000 files and 10,000 folders"
	@echo "make show-attacker 100,000 moves and deletes while somebody swaps files and folders for links"
	@echo "make show-zoo      10,000 files that come in every way that programs have"
	@echo "make show-idle     what the daemon costs with 100,000 folders and nothing to do: CPU and wake-ups a minute"
	@echo "make show-hotel    2,000 files over a line at its worst, with the daemon's defaults: long"
	@echo "make soak-binary    the real daemon: kill points, failing calls, power cuts and random kills, by the thousand"
	@echo "make test      build with sanitizers and run every test"
	@echo "make sim       the simulation at large, on the release build: 20,000 days, every crash point, every failed call"
	@echo "make soak      a million days, and the long runs of the real programs: hours"
	@echo "make mutants   flip every condition of journal, stage and source, and say which flips no test notices"
	@echo "make fuzz      fuzz for FUZZ_SECONDS=120 (needs clang-19 and libclang-rt-19-dev)"
	@echo "make bench     measure beside curl, sendfile and the official SDK; ONLY=A,C some (docs/PERFORMANCE.md)"
	@echo "make build     build/dev: sanitizers on, warnings are errors"
	@echo "make release   build/release: the three programs, optimised"
	@echo "make format    lay out the C++ sources by .clang-format"
	@echo "make tidy      run clang-tidy over the sources (needs clang-tidy-19)"
	@echo "make clean     remove build/"

packages:
	@tools/install-packages

build: packages
	cmake --preset dev
	cmake --build --preset dev --parallel $(JOBS)

PROGRAMS := sluiced sluice sluice-emulator
release: packages
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS) --target $(PROGRAMS)

# With the end-to-end tests, for the shows.
release-e2e: PROGRAMS += e2e_test
release-e2e: release

# Its last line says how much the simulation tried: each of its tests adds a line to sim-summary.txt.
SIM_SUMMARY := build/dev/tests/sim/sim-summary.txt
test: build
	rm -f $(SIM_SUMMARY)
	ctest --preset dev --parallel $(JOBS) --output-on-failure --no-tests=error
	@awk '{ sum[$$1] += $$2 } END { printf "sim: %d seeds of 24 h, %d crash points, %d pairs, %d failed calls, \
	%d lost answers, %d violations\n", sum["days"], sum["points"], sum["pairs"], sum["failed_calls"], \
	sum["lost_answers"], sum["violations"] }' $(SIM_SUMMARY)

# Days, deaths and failed calls in numbers; SIM_SEEDS, SIM_FIRST and SIM_JOBS change them.
SIM := build/release/tests/sim/sluice-sim --jobs $(JOBS)
SIM_SEEDS ?= 20000
SIM_FIRST ?= 1
sim sim-days: PROGRAMS += sluice-sim
sim-days: release
	$(SIM) --seeds $(SIM_SEEDS) --first $(SIM_FIRST)
sim: sim-days
	$(SIM) --points --quiet
	$(SIM) --points --pairs 12 --stride 10 --quiet
	$(SIM) --torture --scenario main_job --stride 3 --quiet

soak: SIM_SEEDS := 1000000
soak: sim soak-binary

demo: release
	tests/demo/run

# The crash tests of tests/e2e at full size, on the release build. SLUICE_SEED replays one.
E2E := build/release/tests/e2e/e2e_test --gtest_brief=1

show-manifest: release
	tests/bench/show_manifest

show-big: release-e2e
	SLUICE_E2E_BIG=2GiB SLUICE_E2E_BIG_SECONDS=20 $(E2E) --gtest_filter=Kill.NeverSendsAChunkAgainWhoseAnswerIsInTheJournal

show-many: release-e2e
	SLUICE_E2E_MANY=1000 SLUICE_E2E_MANY_MAX=4MiB SLUICE_E2E_KILL_SECONDS=20 \
	  $(E2E) --gtest_filter=Kill.LosesAndDoublesNoneOfManyFiles

show-photos: release-e2e
	$(E2E) --gtest_filter=Kill.MakesOneEntityOfFiftyPhotosOfOneName

# A line at its worst, in real time and with the daemon's defaults.
HOTEL_FILES ?= 2000
show-hotel: release-e2e
	SLUICE_E2E_HOTEL=$(HOTEL_FILES) $(E2E) --gtest_filter='ABadHotelInRealTime.*'

# File names of any bytes; more changes than the kernel remembers, and more folders than it watches.
show-names: release-e2e
	SLUICE_E2E_NAMES=100000 $(E2E) --gtest_filter='StrangeNames.*'

# 10,000 files, put there in every way that programs have (tests/e2e/zoo).
show-zoo: release-e2e
	SLUICE_E2E_ZOO=10000 $(E2E) --gtest_filter='WriterZoo.*'

# Ten minutes with 100,000 watched folders in which nothing comes.
show-idle: release-e2e
	SLUICE_E2E_IDLE_FOLDERS=100000 SLUICE_E2E_IDLE_SECONDS=600 $(E2E) --gtest_filter='AnIdleDaemon.*'

show-storms: release-e2e
	SLUICE_E2E_STORMS=10 SLUICE_E2E_STORM_FILES=20000 SLUICE_E2E_FOLDERS=10000 \
	  $(E2E) --gtest_filter='AStormOfFiles.*:TooManyFolders.*'

# The long runs of the real binary, at low priority: about half an hour. Root, loop devices and mkfs.ext4 let the
# power be cut; without them those runs are skipped, and say so. In memory, since the disks are images of disks.
SOAK_KILLS ?= 1000
SOAK_POWER_CUTS ?= 1000
SOAK_POWER_CUTS_DAEMON ?= 300
SOAK_MOMENTS ?= 8
SOAK := TMPDIR=$(if $(wildcard /dev/shm),/dev/shm,/tmp) nice -n 15 $(E2E)

soak-binary: release-e2e
	SLUICE_E2E_POWER_CUTS=$(SOAK_POWER_CUTS) SLUICE_E2E_POWER_CUTS_DAEMON=$(SOAK_POWER_CUTS_DAEMON) \
	  $(SOAK) --gtest_filter='PowerCut.*'
	SLUICE_E2E_KILLS=$(SOAK_KILLS) $(SOAK) --gtest_filter=Kill.AtAnyMomentLosesAndDoublesNothing
	SLUICE_E2E_KILL_POINTS=all $(SOAK) --gtest_filter='Each/KillPoint.*'
	SLUICE_E2E_TORTURE=$(SOAK_MOMENTS) $(SOAK) --gtest_filter='*Torture*'

# Takes long and gives way to everything else; ONLY=core/stage/turn.cc asks about one file, SAMPLE=400 about so many
# flips that SEED chose.
mutants: packages
	nice -n 15 tests/mutation/mutate --jobs $(JOBS) --only "$(ONLY)" $(if $(SAMPLE),--sample $(SAMPLE) --seed $(or $(SEED),1))

show-attacker: PROGRAMS += unit_test
show-attacker: release
	TMPDIR=$(if $(wildcard /dev/shm),/dev/shm,/tmp) SLUICE_ATTACKER_ROUNDS=100000 \
	  build/release/tests/unit_test --gtest_filter='Attacker.*'

# Finds stay in build/fuzz/corpus, and the next run begins with them.
FUZZ_SECONDS ?= 120
fuzz: packages
	cmake --preset fuzz
	cmake --build --preset fuzz --parallel $(JOBS)
	mkdir -p build/fuzz/corpus/md5_lanes
	cd build/fuzz && nice -n 15 tests/fuzz/md5_lanes_fuzz -max_len=65536 -max_total_time=$(FUZZ_SECONDS) \
	  -print_final_stats=1 corpus/md5_lanes
	mkdir -p build/fuzz/corpus/manifest
	cd build/fuzz && nice -n 15 tests/fuzz/manifest_fuzz -max_len=4096 -max_total_time=$(FUZZ_SECONDS) \
	  -print_final_stats=1 corpus/manifest
	mkdir -p build/fuzz/corpus/sidecar
	cd build/fuzz && nice -n 15 tests/fuzz/sidecar_fuzz -max_len=4096 -max_total_time=$(FUZZ_SECONDS) \
	  -print_final_stats=1 corpus/sidecar

# Beside its peers, against a sink on this host. On a quiet machine: about twenty minutes.
bench: PROGRAMS += sluice-bench-sink sluice-bench-send sluice-bench-backlog
bench: release
	tests/bench/run --only "$(ONLY)"

format:
	find core config daemon tests -name node_modules -prune -o \( -name '*.cc' -o -name '*.h' \) -print0 \
	  | xargs -0 $(CLANG_FORMAT) -i

tidy: packages
	cmake --preset release
	find core config daemon -name '*.cc' -print0 \
	  | xargs -0 -n 1 -P $(JOBS) $(CLANG_TIDY) --quiet -p build/release

clean:
	rm -rf build
