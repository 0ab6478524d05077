# Sourced by ./run, ./test and the lanes: what all of them need to get from a bare clone to a build.
# Expects to be sourced from the root of the tree. What it says goes to stderr, so that stdout
# belongs to the program that is run.

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# packages_of SECTION... prints the rows of tools/packages.txt in these sections.
packages_of() {
  awk -v wanted=" $* " '
    /^[[:space:]]*(#|$)/ { next }
    /^\[/ { gsub(/[][]/, ""); on = index(wanted, " " $0 " ") > 0; next }
    on { print }' tools/packages.txt
}

# missing_packages SECTION... prints the packages of these sections that are not installed.
missing_packages() {
  local package command installed
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' 2>/dev/null) "
  packages_of "$@" | sort -u | while read -r package command; do
    if [[ "$installed" == *" installed:$package "* ]]; then continue; fi
    if [[ -n "$command" ]] && command -v "$command" >/dev/null; then continue; fi
    printf '%s\n' "$package"
  done
}

# install_packages yes|no SECTION... installs what is missing or, with "no", refuses with the list.
install_packages() {
  local may_install=$1 missing sudo=()
  shift
  if ! command -v dpkg-query >/dev/null; then
    say "  not a Debian system; taking for granted: $(packages_of "$@" | awk '{print $1}' | xargs)"
    return
  fi
  missing=$(missing_packages "$@" | xargs)
  if [[ -z "$missing" ]]; then return; fi
  if [[ "$may_install" == no ]]; then
    say "These Debian packages are missing, and --no-install was given:"
    say "  $missing"
    die "Please install them:  sudo apt-get install --no-install-recommends $missing"
  fi
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || die "Please install as root: apt-get install $missing"
    sudo=(sudo)
  fi
  say "  installing: $missing"
  mkdir -p build
  export DEBIAN_FRONTEND=noninteractive
  # The package lists of a fresh machine are empty or old: fetch them only when they fail us.
  if ! apt_install "$missing" "${sudo[@]}"; then
    say "  updating the package lists"
    "${sudo[@]}" apt-get update -q >build/apt.log 2>&1 && apt_install "$missing" "${sudo[@]}" || {
      tail -n 20 build/apt.log >&2
      die "apt-get could not install the packages."
    }
  fi
}

# apt_install "PACKAGE..." [SUDO...] installs and shows how far it is; the log is build/apt.log.
apt_install() {
  local install count packages
  read -ra packages <<<"$1"
  shift
  install=("$@" apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0)
  if ! "${install[@]}" -s "${packages[@]}" >build/apt.log 2>&1; then return 1; fi
  count=$(grep -c '^Inst ' build/apt.log)
  "${install[@]}" "${packages[@]}" 2>&1 | tee build/apt.log | awk -v count="$count" '
    function report(done, what) { printf "      %d of %d %s\n", done, count, what; fflush() }
    /^Get:/ { if (++got % 20 == 0 || got == count) report(got, "fetched") }
    /^Setting up / { if (++up % 20 == 0 || up == count) report(up, "set up") }' >&2
}

# configure PRESET configures build/PRESET unless that was done by this CMakePresets.json already.
configure() {
  local preset=$1
  if [[ -f build/$preset/build.ninja &&
        ! CMakePresets.json -nt build/$preset/build.ninja ]]; then
    return
  fi
  mkdir -p "build/$preset"
  if ! cmake --preset "$preset" >"build/$preset/configure.log" 2>&1; then
    cat "build/$preset/configure.log" >&2
    die "CMake refused to configure the preset '$preset'."
  fi
  touch "build/$preset/build.ninja"
}

# build PRESET [TARGET...] builds and shows how far it is: on a terminal by ninja's own line,
# otherwise by a line at each tenth.
build() {
  local preset=$1
  shift
  if [[ -t 2 ]]; then
    NINJA_STATUS="      [%f/%t, %es] " ninja -C "build/$preset" --quiet "$@" >&2
  else
    NINJA_STATUS="[%f/%t %es] " ninja -C "build/$preset" "$@" 2>&1 | awk '
      match($0, /^\[[0-9]+\/[0-9]+ [0-9.]+s?\] /) {
        split(substr($0, 2, RLENGTH - 3), part, /[\/ ]/)
        tenth = int(10 * part[1] / part[2])
        if ($0 !~ /Re-checking globbed/ && tenth != last) {
          printf "      %d of %d, %s\n", part[1], part[2], part[3]; fflush(); last = tenth
        }
        next
      }
      /^ninja: (Entering|no work)|^-- / { next }
      { print; fflush() }' >&2
  fi
}

# build_examples FOLDER installs the client library into FOLDER/prefix and builds examples/sdk against
# it in FOLDER/examples.
build_examples() {
  local folder=$1
  build release oncemq_sdk
  cmake --install build/release --component sdk --prefix "$folder/prefix" >/dev/null
  cmake -G Ninja -S examples/sdk -B "$folder/examples" -DCMAKE_PREFIX_PATH="$folder/prefix" \
    -DCMAKE_CXX_COMPILER=g++-12 >/dev/null
  ninja -C "$folder/examples" --quiet
}

# free_ports N prints N ports P of 127.0.0.1 such that P, P-2 and P+1 are free (a broker may take all).
free_ports() { python3 "${BASH_SOURCE[0]%/*}/../tests/support/ports.py" "$1"; }

# start_server BINARY FOLDER [ARGUMENT...] starts a broker with its data in FOLDER/data and its
# output in FOLDER/out and FOLDER/err, waits until it is ready, and sets server_pid, broker_port and
# namesrv_port.
start_server() {
  local binary=$1 folder=$2 i
  shift 2
  read -r broker_port namesrv_port < <(free_ports 2)
  mkdir -p "$folder"
  "$binary" serve --data "$folder/data" --set "listenPort=$broker_port" \
    --set "namesrvListenPort=$namesrv_port" --set httpListenPort=0 "$@" >"$folder/out" 2>"$folder/err" &
  server_pid=$!
  for ((i = 0; i < 200; i++)); do
    if grep -q '^ready in' "$folder/out"; then return; fi
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.05
  done
  cat "$folder/out" "$folder/err" >&2
  die "the broker did not become ready"
}

# stop_server ends it by SIGTERM and fails unless it exits with 0.
stop_server() {
  kill -TERM "$server_pid"
  wait "$server_pid" || die "the broker ended with status $?"
}
