# The house rules that one line, or the lines of one function, can break. Reads C++ files whose names
# are relative to the root; prints `file:line: rule: what to do`. Runs under mawk and gawk.

function broken(line, rule, text) { printf "%s:%d: %s: %s\n", FILENAME, line, rule, text }

function starts(text, prefix) { return substr(text, 1, length(prefix)) == prefix }

# Whether the file lies in one of the places, given as path prefixes with spaces between.
function lives_in(places,    i, n, each) {
  n = split(places, each, " ")
  for (i = 1; i <= n; ++i) if (starts(FILENAME, each[i])) return 1
  return 0
}

# A third-party header and the places that may include it; several patterns may fit one header.
function home(prefix, places) { home_of[prefix] = places }

BEGIN {
  home("sqlite3.h", "core/journal/ tests/journal/ tests/unit/journal/ tests/sim/ tests/e2e/")
  home("curl/", "daemon/wire_curl")
  home("yaml-cpp/", "core/base/yaml_tree")
  home("re2/", "core/base/path_match")
  home("spdlog/", "daemon/log_spdlog")
  home("nlohmann/", "core/base/json daemon/cli/ daemon/control tests/")
  home("microhttpd.h", "daemon/control_server tests/emulator/")
  home("systemd/", "daemon/notify_systemd")
  home("magic.h", "daemon/files_linux")
  home("zlib.h", "core/source/manifest/gunzip tests/")
  home("xxhash.h", "core/upload/ daemon/journal_seal tests/")
  home("openssl/", "core/base/ core/upload/ daemon/wire_trust tests/")
  home("benchmark/", "tests/bench/")
  home("CLI/", "daemon/ tests/")
  home("thread", "daemon/ tests/")  # core and config know no threads
  functions_max = 70
  file_max = 500
}

FNR == 1 {
  finish_file()
  previous = FILENAME
  name = FILENAME
  sub(/.*\//, "", name)
  if (tolower(name) ~ /manager|helper|util|handler|processor/) {
    broken(1, "name", "a file is named for what it does; this word says nothing")
  }
  open_at[0] = open_at[2] = 0
}
{ last = FNR }

/^[ \t]*#[ \t]*include[ \t]*"/ {
  split($0, quoted, "\"")
  check_own(quoted[2])
}
/^[ \t]*#[ \t]*include[ \t]*</ {
  header = $0
  sub(/^[^<]*</, "", header)
  sub(/>.*/, "", header)
  check_third_party(header)
}

# Includes run one way: daemon -> config -> core/base; daemon -> stage -> the rooms -> ports -> base.
function check_own(header) {
  if (starts(FILENAME, "core/") && header ~ /^(config|daemon|tests)\//) {
    broken(FNR, "include", "core includes nothing of config, daemon or tests")
  } else if (starts(FILENAME, "core/base/") && header ~ /^core\// && header !~ /^core\/base\//) {
    broken(FNR, "include", "core/base includes nothing but itself")
  } else if (starts(FILENAME, "core/ports/") && header ~ /^core\// && header !~ /^core\/(base|ports)\//) {
    broken(FNR, "include", "core/ports includes core/base and itself only")
  } else if (starts(FILENAME, "core/") && !starts(FILENAME, "core/stage/") && header ~ /^core\/stage\//) {
    broken(FNR, "include", "only core/stage and the daemon know the stages")
  } else if (starts(FILENAME, "config/") && header ~ /^(daemon|tests)\//) {
    broken(FNR, "include", "config includes nothing of daemon or tests")
  } else if (starts(FILENAME, "config/") && header ~ /^core\// && header !~ /^core\/base\//) {
    broken(FNR, "include", "of core, config includes core/base only")
  } else if (starts(FILENAME, "daemon/") && header ~ /^tests\//) {
    broken(FNR, "include", "the product includes nothing of the tests")
  } else if (starts(FILENAME, "tests/emulator/") && header ~ /^(core|config|daemon)\//) {
    broken(FNR, "include", "the emulator shares no code with what it tests")
  }
}

function check_third_party(header,    prefix) {
  for (prefix in home_of) {
    if (header != prefix && !(prefix ~ /\/$/ && starts(header, prefix))) continue
    if (!lives_in(home_of[prefix])) broken(FNR, "home", "<" header "> belongs in " home_of[prefix] " only")
  }
}

# Lines without their comment and without what is in quotes.
{
  code = $0
  gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
  sub(/\/\/.*/, "", code)
}

code ~ /(class|struct|enum|union|using|concept)[ \t]/ && !/^[ \t]*using namespace/ {
  n = split(code, word, /[^A-Za-z0-9_]+/)
  for (i = 1; i < n; ++i) {
    if (word[i] !~ /^(class|struct|enum|union|using|concept)$/) continue
    if (tolower(word[i + 1]) ~ /manager|helper|util|handler|processor/) {
      broken(FNR, "name", "a type is named for what it is; " word[i + 1] " says nothing")
    }
  }
}

starts(FILENAME, "tests/") && code ~ /(sleep_for|sleep_until|usleep|nanosleep)[ \t]*\(/ {
  broken(FNR, "sleep", "a test waits for a thing to happen, never for time to pass")
}

starts(FILENAME, "core/") && code ~ /(getenv[ \t]*\(|_clock::now[ \t]*\()/ {
  broken(FNR, "outside", "core sees clocks and the environment only through core/ports")
}

# A function is what opens with a brace, after a `)`, at column 0 or inside a class at column 2, and
# ends with a brace in that column. A long block inside a function is caught by the same rule.
function check_end(column) {
  if (!open_at[column]) return
  if (FNR - open_at[column] + 1 > functions_max) {
    broken(open_at[column], "length", "this function has " (FNR - open_at[column] + 1) " lines; " functions_max " at most")
  }
  open_at[column] = 0
}
/^}/ { check_end(0) }
/^  }/ { check_end(2) }
# A signature may take several lines: its first is the last one that began in one of these columns.
/^[A-Za-z~[]/ { begins = FNR; column = 0 }
/^  [A-Za-z~[]/ { begins = FNR; column = 2 }
code ~ /\{[ \t]*$/ && code ~ /\)/ && /^[A-Za-z~[ ]/ && !/^(namespace|class|struct|enum|union|extern)/ {
  if (!open_at[column]) open_at[column] = begins
}

function finish_file() {
  if (previous != "" && last > file_max) {
    printf "%s:%d: length: the file has %d lines; %d at most\n", previous, file_max + 1, last, file_max
  }
}
END { finish_file() }
